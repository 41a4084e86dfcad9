//! Delta rounds: whoever applies what they say, in order, ends with the directory as it is.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, id};

const GROUPS: &str = "groups/delta?$select=displayName,members";
const USERS: &str = "users/delta?$select=displayName,department,jobTitle,accountEnabled,mobilePhone";

/// A reader that knows nothing but the documentation of delta queries.
#[derive(Default, Debug, PartialEq)]
struct Mirror {
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Mirror {
    fn apply(&mut self, items: &[Value]) {
        for item in items {
            let key = id(item);
            if item.get("@removed").is_some() {
                self.objects.remove(&key);
                self.members.remove(&key);
                continue;
            }
            let object = self.objects.entry(key.clone()).or_default();
            for (name, value) in item.as_object().unwrap() {
                if !name.contains('@') {
                    object.insert(name.clone(), value.clone());
                }
            }
            let members = self.members.entry(key).or_default();
            for member in item["members@delta"].as_array().into_iter().flatten() {
                match member.get("@removed") {
                    None => members.insert(id(member)),
                    Some(_) => members.remove(&id(member)),
                };
            }
        }
    }

    /// The values of a property, where it is not null.
    fn values(&self, name: &str) -> BTreeMap<&str, &Value> {
        let known = self
            .objects
            .iter()
            .filter_map(|(id, object)| Some((id.as_str(), object.get(name)?)));
        known.filter(|(_, value)| !value.is_null()).collect()
    }
}

fn truth<'a>(objects: &'a [Value], name: &str) -> BTreeMap<&'a str, &'a Value> {
    let known = objects
        .iter()
        .map(|object| (object["id"].as_str().unwrap(), &object[name]));
    known.filter(|(_, value)| !value.is_null()).collect()
}

async fn assert_mirrors(world: &World, users: &Mirror, groups: &Mirror) {
    let (people, true_groups) = (world.people().await, world.groups().await);
    for name in [
        "id",
        "displayName",
        "department",
        "jobTitle",
        "accountEnabled",
        "mobilePhone",
    ] {
        assert_eq!(users.values(name), truth(&people, name), "{name} of people");
    }
    assert_eq!(groups.values("displayName"), truth(&true_groups, "displayName"));
    let live: BTreeSet<String> = people.iter().chain(&true_groups).map(id).collect();
    for group in &true_groups {
        let listed: BTreeSet<String> = group["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        // A soft-deleted person keeps the membership: of the members, only the living are comparable.
        let mirrored: BTreeSet<String> = groups.members[&id(group)].intersection(&live).cloned().collect();
        assert_eq!(mirrored, listed, "members of {}", group["displayName"]);
    }
}

#[tokio::test]
async fn whoever_applies_every_round_ends_with_the_true_directory() {
    let world = World::with_people(400).await;
    let (mut users, mut groups) = (Mirror::default(), Mirror::default());
    let (mut user_link, mut group_link) = (USERS.to_owned(), GROUPS.to_owned());
    for round in 0..8 {
        let (items, link) = world.whole(&user_link).await;
        users.apply(&items);
        user_link = link.unwrap();
        let (items, link) = world.whole(&group_link).await;
        groups.apply(&items);
        group_link = link.unwrap();
        assert_mirrors(&world, &users, &groups).await;
        let shuffled = world
            .control(Method::POST, "shuffle", json!({"count": 60, "seed": round}))
            .await;
        assert_eq!(shuffled.json()["changes"].as_array().unwrap().len(), 60);
    }
}

#[tokio::test]
async fn replayed_and_doubled_items_do_not_lead_a_reader_astray() {
    let world = World::with_people(450).await;
    for on in ["users/delta", "groups/delta"] {
        world.fault(json!({"on": on, "kind": "replay"})).await;
        world.fault(json!({"on": on, "kind": "duplicate"})).await;
        world.fault(json!({"on": on, "kind": "empty_first_page"})).await;
    }
    let (mut users, mut groups) = (Mirror::default(), Mirror::default());
    let (mut user_link, mut group_link) = (USERS.to_owned(), GROUPS.to_owned());
    for round in 0..4 {
        let (items, link) = world.whole(&user_link).await;
        users.apply(&items);
        user_link = link.unwrap();
        let (items, link) = world.whole(&group_link).await;
        groups.apply(&items);
        group_link = link.unwrap();
        assert_mirrors(&world, &users, &groups).await;
        world
            .control(Method::POST, "shuffle", json!({"count": 40, "seed": round}))
            .await;
    }
}

#[tokio::test]
async fn from_now_on_is_an_empty_round_with_a_link() {
    let world = World::with_people(10).await;
    let reply = world
        .graph("users/delta?$deltatoken=latest&$select=displayName")
        .await
        .json();
    assert_eq!(reply["value"], json!([]));
    let person = &world.people().await[3];
    world
        .control(
            Method::PATCH,
            &format!("people/{}", id(person)),
            json!({"displayName": "Renamed"}),
        )
        .await;
    let (items, _) = world.whole(reply["@odata.deltaLink"].as_str().unwrap()).await;
    assert_eq!(items, [json!({"id": id(person), "displayName": "Renamed"})]);
}

#[tokio::test]
async fn a_change_outside_the_selection_does_not_show() {
    let world = World::with_people(10).await;
    let (_, link) = world.whole("users/delta?$select=displayName").await;
    let person = id(&world.people().await[2]);
    world
        .control(Method::PATCH, &format!("people/{person}"), json!({"jobTitle": "Pilot"}))
        .await;
    let (items, link) = world.whole(&link.unwrap()).await;
    assert!(items.is_empty());
    let link = format!("{}&$select=displayName,jobTitle", link.unwrap());
    world
        .control(
            Method::PATCH,
            &format!("people/{person}"),
            json!({"jobTitle": "Captain"}),
        )
        .await;
    let (items, _) = world.whole(&link).await;
    assert_eq!(
        items[0]["jobTitle"], "Captain",
        "a new $select is taken with an existing token"
    );
}

#[tokio::test]
async fn what_was_never_set_is_absent_and_what_was_cleared_is_null() {
    let world = World::with_people(10).await;
    let hired = world
        .control(
            Method::POST,
            "people",
            json!({"displayName": "New", "jobTitle": "Pilot"}),
        )
        .await
        .json();
    let (items, link) = world.whole("users/delta?$select=displayName,jobTitle,department").await;
    let item = items.iter().find(|item| id(item) == id(&hired)).unwrap();
    assert!(item.get("department").is_none() && item["jobTitle"] == "Pilot");
    world
        .control(
            Method::PATCH,
            &format!("people/{}", id(&hired)),
            json!({"jobTitle": null}),
        )
        .await;
    let (items, _) = world.whole(&link.unwrap()).await;
    assert_eq!(
        items,
        [json!({"id": id(&hired), "displayName": "New", "jobTitle": null})]
    );
}

#[tokio::test]
async fn a_minimal_answer_shows_only_what_changed() {
    let world = World::with_people(10).await;
    let (_, link) = world.whole("users/delta?$select=displayName,jobTitle").await;
    let person = id(&world.people().await[2]);
    world
        .control(Method::PATCH, &format!("people/{person}"), json!({"jobTitle": "Pilot"}))
        .await;
    let reply = world.graph_with(&link.unwrap(), &[("prefer", "return=minimal")]).await;
    assert_eq!(reply.items(), [json!({"id": person, "jobTitle": "Pilot"})]);
}

#[tokio::test]
async fn leaving_is_changed_purging_is_deleted_and_coming_back_is_new() {
    let world = World::with_people(10).await;
    let person = id(&world.people().await[4]);
    let (_, link) = world.whole("users/delta?$select=displayName").await;
    world
        .control(Method::DELETE, &format!("people/{person}"), Value::Null)
        .await;
    let (items, link) = world.whole(&link.unwrap()).await;
    assert_eq!(items, [json!({"id": person, "@removed": {"reason": "changed"}})]);
    world
        .control(Method::POST, &format!("people/{person}/restore"), Value::Null)
        .await;
    let (items, link) = world.whole(&link.unwrap()).await;
    assert!(items[0].get("@removed").is_none() && items[0]["displayName"].is_string());
    world
        .control(Method::DELETE, &format!("people/{person}?permanent=true"), Value::Null)
        .await;
    let (items, _) = world.whole(&link.unwrap()).await;
    assert_eq!(items, [json!({"id": person, "@removed": {"reason": "deleted"}})]);
}

#[tokio::test]
async fn somebody_who_left_before_the_first_round_can_show_as_removed_in_it() {
    let world = World::with_people(10).await;
    let person = id(&world.people().await[4]);
    world
        .control(Method::DELETE, &format!("people/{person}"), Value::Null)
        .await;
    let (items, _) = world.whole("users/delta").await;
    let item = items.iter().find(|item| id(item) == person).unwrap();
    assert_eq!(item["@removed"]["reason"], "changed");
}

#[tokio::test]
async fn a_person_who_left_keeps_the_membership_and_one_who_is_purged_loses_it() {
    let world = World::with_people(40).await;
    let (_, link) = world.whole(GROUPS).await;
    let person = id(&world.people().await[7]);
    world
        .control(Method::DELETE, &format!("people/{person}"), Value::Null)
        .await;
    let (items, link) = world.whole(&link.unwrap()).await;
    assert!(items.is_empty(), "{items:?}");
    world
        .control(Method::DELETE, &format!("people/{person}?permanent=true"), Value::Null)
        .await;
    let (items, _) = world.whole(&link.unwrap()).await;
    assert!(!items.is_empty());
    for group in items {
        let left = json!([{"@odata.type": "#microsoft.graph.user", "id": person, "@removed": {"reason": "deleted"}}]);
        assert_eq!(group["members@delta"], left);
    }
}

#[tokio::test]
async fn a_large_group_is_repeated_over_pages_until_it_is_whole() {
    let world = World::with_people(5_000).await;
    let (items, _) = world.whole(GROUPS).await;
    let everybody = id(&world.groups().await[0]);
    let slices: Vec<&Value> = items.iter().filter(|item| id(item) == everybody).collect();
    assert!(slices.len() > 1, "one slice only");
    let members: BTreeSet<String> = slices
        .iter()
        .flat_map(|slice| slice["members@delta"].as_array().unwrap())
        .map(id)
        .collect();
    assert_eq!(members.len(), 5_000);
}

#[tokio::test]
async fn nobody_is_missed_when_somebody_leaves_a_group_that_is_being_read() {
    let world = World::with_people(5_000).await;
    let first = world.graph(GROUPS).await.json();
    let group = id(&first["value"][0]);
    let shown = id(&first["value"][0]["members@delta"][0]);
    world
        .control(Method::DELETE, &format!("groups/{group}/members/{shown}"), Value::Null)
        .await;
    let mut mirror = Mirror::default();
    mirror.apply(first["value"].as_array().unwrap());
    let (items, link) = world.whole(first["@odata.nextLink"].as_str().unwrap()).await;
    mirror.apply(&items);
    mirror.apply(&world.whole(&link.unwrap()).await.0);
    assert_eq!(mirror.members[&group].len(), 4_999);
}

#[tokio::test]
async fn a_page_never_carries_both_links_and_a_group_without_members_no_annotation() {
    let world = World::with_people(900).await;
    let mut next = GROUPS.to_owned();
    loop {
        let page = world.graph(&next).await.json();
        assert!(page.get("@odata.nextLink").is_some() != page.get("@odata.deltaLink").is_some());
        assert!(
            page["value"]
                .as_array()
                .unwrap()
                .iter()
                .all(|group| group.get("members@delta") != Some(&json!([])))
        );
        match page["@odata.nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
}

#[tokio::test]
async fn all_spellings_of_delta_are_one() {
    let world = World::with_people(5).await;
    for spelling in ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"] {
        let (items, _) = world.whole(&format!("users/{spelling}")).await;
        assert_eq!(items.len(), 5, "{spelling}");
    }
}

#[tokio::test]
async fn an_expired_link_and_one_of_an_earlier_process_say_start_over() {
    let world = World::with_people(5).await;
    let (_, link) = world.whole("users/delta").await;
    let link = link.unwrap();
    world.control(Method::POST, "deltas/expire", Value::Null).await;
    let reply = world.graph(&link).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (410, "syncStateNotFound")
    );
    assert!(
        reply.headers["location"]
            .to_str()
            .unwrap()
            .ends_with("/v1.0/users/delta?$deltatoken=")
    );
    assert_eq!(
        world
            .graph(reply.headers["location"].to_str().unwrap())
            .await
            .items()
            .len(),
        5
    );

    let later = World::with_people(5).await;
    let token = link.split("$deltatoken=").nth(1).unwrap();
    assert_eq!(
        later.graph(&format!("users/delta?$deltatoken={token}")).await.status,
        410
    );
}

#[tokio::test]
async fn a_round_can_be_narrowed_to_ids_and_to_nothing_else() {
    let world = World::with_people(20).await;
    let people = world.people().await;
    let filter = format!(
        "users/delta?$filter=id eq '{}' or id eq '{}'",
        id(&people[3]),
        id(&people[9])
    );
    assert_eq!(world.whole(&filter).await.0.len(), 2);
    for refused in [
        "$filter=displayName eq 'x'",
        "$top=5",
        "$orderby=displayName",
        "$expand=manager",
    ] {
        assert_eq!(
            world.graph(&format!("users/delta?{refused}")).await.status,
            400,
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_selection_cannot_be_changed_in_the_middle_of_a_round() {
    let world = World::with_people(500).await;
    let first = world.graph("users/delta?$select=displayName").await.json();
    let link = format!("{}&$select=jobTitle", first["@odata.nextLink"].as_str().unwrap());
    assert_eq!(world.graph(&link).await.status, 400);
}
