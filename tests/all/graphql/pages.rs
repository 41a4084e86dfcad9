//! Pages: every row once, in order, both ways; and what is refused.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use uuid::Uuid;

use super::world::{World, company_id};

const CONTACTS: &str =
    "query ($company: ID, $first: Int, $after: String, $last: Int, $before: String, $order: ContactOrder) {
    contacts(companyId: $company, first: $first, after: $after, last: $last, before: $before, orderBy: $order) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { displayName } }
    }
}";

fn names(page: &Value) -> Vec<&str> {
    let edges = page["edges"].as_array().expect("edges");
    edges
        .iter()
        .map(|edge| edge["node"]["displayName"].as_str().unwrap_or("-"))
        .collect()
}

fn flags(page: &Value) -> (bool, bool) {
    let info = &page["pageInfo"];
    (info["hasPreviousPage"] == true, info["hasNextPage"] == true)
}

#[tokio::test]
async fn pages_forwards_show_every_row_once_in_order() {
    let world = World::start().await;
    let company = world
        .company_of(&["erin", "Bob", "alice", "Dave", "carol", "alice", "Zoë"])
        .await;
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({"company": company_id(company), "first": 3, "after": after});
        let page = &world.ask(CONTACTS, variables).await["contacts"];
        seen.extend(names(page).into_iter().map(str::to_owned));
        assert_eq!(page["totalCount"], 7);
        assert_eq!(flags(page), (!after.is_null(), seen.len() < 7));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, ["alice", "alice", "Bob", "carol", "Dave", "erin", "Zoë"]);
}

#[tokio::test]
async fn pages_backwards_show_every_row_once_in_the_same_order() {
    let world = World::start().await;
    let company = world.company_of(&["a", "b", "c", "d", "e"]).await;
    let id = company_id(company);

    let end = &world.ask(CONTACTS, json!({"company": id, "last": 2})).await["contacts"];
    assert_eq!((names(end), flags(end)), (vec!["d", "e"], (true, false)));

    let before = &end["pageInfo"]["startCursor"];
    let middle = &world
        .ask(CONTACTS, json!({"company": id, "last": 2, "before": before}))
        .await["contacts"];
    assert_eq!((names(middle), flags(middle)), (vec!["b", "c"], (true, true)));

    let before = &middle["pageInfo"]["startCursor"];
    let start = &world
        .ask(CONTACTS, json!({"company": id, "last": 2, "before": before}))
        .await["contacts"];
    assert_eq!((names(start), flags(start)), (vec!["a"], (false, true)));
}

#[tokio::test]
async fn a_page_between_two_cursors_knows_what_lies_around_it() {
    let world = World::start().await;
    let company = world.company_of(&["a", "b", "c", "d", "e"]).await;
    let id = company_id(company);
    let all = &world.ask(CONTACTS, json!({"company": id})).await["contacts"];
    let (after, before) = (&all["edges"][0]["cursor"], &all["edges"][4]["cursor"]);

    let page = json!({"company": id, "first": 2, "after": after, "before": before});
    let page = &world.ask(CONTACTS, page).await["contacts"];
    assert_eq!((names(page), flags(page)), (vec!["b", "c"], (true, true)));
    let page = json!({"company": id, "last": 9, "after": after, "before": before});
    let page = &world.ask(CONTACTS, page).await["contacts"];
    assert_eq!((names(page), flags(page)), (vec!["b", "c", "d"], (true, true)));
}

#[tokio::test]
async fn the_newest_come_first_when_that_is_asked_for() {
    let world = World::start().await;
    let company = world.company_of(&["first", "second", "third"]).await;
    let order = json!({"field": "CREATED", "direction": "DESC"});
    let variables = json!({"company": company_id(company), "first": 2, "order": order});
    let page = &world.ask(CONTACTS, variables).await["contacts"];
    assert_eq!((names(page), flags(page)), (vec!["third", "second"], (false, true)));

    let after = &page["pageInfo"]["endCursor"];
    let variables = json!({"company": company_id(company), "first": 2, "order": order, "after": after});
    let page = &world.ask(CONTACTS, variables).await["contacts"];
    assert_eq!((names(page), flags(page)), (vec!["first"], (true, false)));
}

#[tokio::test]
async fn a_page_has_at_most_a_hundred_rows() {
    let world = World::start().await;
    for argument in ["first", "last"] {
        let (code, message) = world.refusal(CONTACTS, json!({argument: 101})).await;
        assert_eq!(code, "LIMIT");
        assert!(message.starts_with(argument) && message.contains("100"), "{message}");
    }
    world.ask(CONTACTS, json!({"first": 100})).await;
    assert_eq!(world.refusal(CONTACTS, json!({"first": -1})).await.0, "BAD_INPUT");
    assert_eq!(
        world.refusal(CONTACTS, json!({"first": 1, "last": 1})).await.0,
        "BAD_INPUT"
    );
}

#[tokio::test]
async fn a_page_of_no_rows_still_tells_whether_there_are_any() {
    let world = World::start().await;
    world.company_of(&["a"]).await;
    let page = &world.ask(CONTACTS, json!({"first": 0})).await["contacts"];
    assert_eq!(
        (names(page), flags(page), &page["totalCount"]),
        (vec![], (false, true), &json!(1))
    );
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_here_is_refused() {
    let world = World::start().await;
    world.company_of(&["a"]).await;
    let by_name = world.ask(CONTACTS, json!({})).await["contacts"]["pageInfo"]["endCursor"].clone();
    for variables in [
        json!({"after": "nonsense"}),
        json!({"before": ""}),
        json!({"after": by_name, "order": {"field": "CREATED"}}),
        json!({"after": by_name, "order": {"direction": "DESC"}}),
    ] {
        let (code, message) = world.refusal(CONTACTS, variables).await;
        assert_eq!(code, "BAD_INPUT");
        assert!(message.contains("cursor"), "{message}");
    }
    let query = "query ($after: String) { assets(after: $after) { totalCount } }";
    assert_eq!(world.refusal(query, json!({"after": by_name})).await.0, "BAD_INPUT");
}

#[tokio::test]
async fn a_search_finds_names_and_mail_addresses_and_nothing_by_wildcard() {
    let world = World::start().await;
    world.company_of(&["Adele Vance", "100% real", "under_score"]).await;
    let query = "query ($search: String) { contacts(search: $search) { edges { node { displayName } } } }";
    for (search, found) in [
        ("VANCE", vec!["Adele Vance"]),
        ("vance@contoso", vec!["Adele Vance"]),
        ("100%", vec!["100% real"]),
        ("_", vec!["under_score"]),
        ("%", vec!["100% real"]),
        ("\\", vec![]),
        ("' or true --", vec![]),
    ] {
        let data = world.ask(query, json!({"search": search})).await;
        assert_eq!(names(&data["contacts"]), found, "{search}");
    }
    assert_eq!(world.refusal(query, json!({"search": "a\0b"})).await.0, "BAD_INPUT");
}

#[tokio::test]
async fn filters_narrow_a_list_and_its_count() {
    let world = World::start().await;
    let company = world.company_of(&["a", "b"]).await;
    let in_group = world.contact(company, "c").await;
    let group = world.group(company, "Everybody", &[in_group], &[]).await;
    world
        .sql(
            "update contact set account_enabled = false, user_type = 'Guest' where display_name = 'a'",
            &[],
        )
        .await;
    world
        .sql(
            "update contact set state = 'DEACTIVATED', deactivated_because = 'LEFT' where display_name = 'b'",
            &[],
        )
        .await;
    let group = IdOf::ContactGroup.show(group).0;
    for (filter, found) in [
        (String::new(), vec!["a", "b", "c"]),
        ("(accountEnabled: false)".to_owned(), vec!["a"]),
        ("(userType: \"guest\")".to_owned(), vec!["a"]),
        ("(state: ACTIVE)".to_owned(), vec!["a", "c"]),
        ("(state: DEACTIVATED)".to_owned(), vec!["b"]),
        (format!("(groupId: \"{group}\")"), vec!["c"]),
        (format!("(groupId: \"{group}\", accountEnabled: false)"), vec![]),
    ] {
        let query = format!("{{ contacts{filter} {{ totalCount edges {{ node {{ displayName }} }} }} }}");
        let data = world.ask(&query, json!({})).await;
        assert_eq!(names(&data["contacts"]), found, "{filter}");
        assert_eq!(data["contacts"]["totalCount"], found.len(), "{filter}");
    }
    let wrong = format!("{{ contacts(groupId: {}) {{ totalCount }} }}", company_id(company));
    assert_eq!(world.refusal(&wrong, json!({})).await.0, "BAD_INPUT");
}

#[tokio::test]
async fn a_list_of_one_company_shows_no_other_and_an_unknown_one_is_told() {
    let world = World::start().await;
    let contoso = world.company_of(&["ours"]).await;
    let fabrikam = world.connected_company("Fabrikam").await;
    world.contact(fabrikam, "theirs").await;

    let data = world.ask(CONTACTS, json!({"company": company_id(contoso)})).await;
    assert_eq!(names(&data["contacts"]), ["ours"]);
    let data = world.ask(CONTACTS, json!({})).await;
    assert_eq!(names(&data["contacts"]), ["ours", "theirs"]);

    let unknown = world
        .refusal(CONTACTS, json!({"company": company_id(Uuid::now_v7())}))
        .await;
    assert_eq!(unknown.0, "NOT_FOUND");
    assert_eq!(world.refusal(CONTACTS, json!({"company": "nonsense"})).await, unknown);
}

#[tokio::test]
async fn assets_and_groups_are_narrowed_by_what_they_are() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let person = world.contact(company, "Adele").await;
    world.asset(company, "LAPTOP", Some(person)).await;
    world.asset(company, "PHONE", None).await;
    world
        .sql(
            "update asset set compliance_state = 'noncompliant', operating_system = 'iOS' where hostname = 'PHONE'",
            &[],
        )
        .await;
    world.group(company, "Plain", &[], &[]).await;
    world.group(company, "Team", &[], &[]).await;
    world
        .sql(
            "update contact_group set microsoft_365 = true, mail = 'team@contoso.example' where display_name = 'Team'",
            &[],
        )
        .await;
    let person = IdOf::Contact.show(person).0;
    for (list, filter, name, found) in [
        (
            "assets",
            "complianceState: \"NonCompliant\"".to_owned(),
            "hostname",
            "PHONE",
        ),
        (
            "assets",
            "operatingSystem: \"ios\", state: ACTIVE".to_owned(),
            "hostname",
            "PHONE",
        ),
        ("assets", format!("contactId: \"{person}\""), "hostname", "LAPTOP"),
        ("assets", "search: \"sn-lap\"".to_owned(), "hostname", "LAPTOP"),
        ("groups", "kind: MICROSOFT_365".to_owned(), "displayName", "Team"),
        ("groups", "search: \"team@\"".to_owned(), "displayName", "Team"),
        (
            "groups",
            "kind: SECURITY, state: ACTIVE".to_owned(),
            "displayName",
            "Plain",
        ),
    ] {
        let selection = format!("{list}({filter}) {{ edges {{ node {{ {name} }} }} }}");
        let query = format!("query ($id: ID!) {{ {selection} company(id: $id) {{ {selection} }} }}");
        let data = world.ask(&query, json!({"id": company_id(company)})).await;
        let expected = json!({"edges": [{"node": {name: found}}]});
        assert_eq!(data[list], expected, "{filter}");
        assert_eq!(data["company"][list], expected, "{filter}, on the company");
    }
}

/// What of each of these companies wants a person, and in which order they come.
#[tokio::test]
async fn what_wants_a_person_comes_first_and_is_said_in_a_word() {
    let world = World::start().await;
    // Status of a run that ended, and how many hours ago.
    let ended = async |company: Uuid, status: &str, hours: f64| {
        world
            .sql(
                "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at,
                                       not_before, finished_at)
                 select gen_random_uuid(), $1, 'IDENTITY', 'MANUAL', 'AUTO', false, $2, 'Done', 'Robin', at, at,
                        case when $2 <> 'QUEUED' then at end
                 from (select now() - $3::float8 * interval '1 hour' as at) moment",
                &[&company, &status, &hours],
            )
            .await;
    };
    let alarmed = async |company: Uuid, kind: &str, closed: bool| {
        world
            .sql(
                "insert into alarm (id, kind, company_id, message, remedy, opened_at, closed_at)
                 values (gen_random_uuid(), $2, $1, 'Something', 'Look', now(), case when $3 then now() end)",
                &[&company, &kind, &closed],
            )
            .await;
    };
    let scheduled = async |company: Uuid, every_hours: i32, paused: bool| {
        world
            .sql(
                "insert into sync_schedule (company_id, kind, since, every_hours, paused)
                 values ($1, 'IDENTITY', now(), $2, $3)",
                &[&company, &every_hours, &paused],
            )
            .await;
    };
    world.company("A, never connected").await;
    for (name, runs, alarms) in [
        ("B, well", &[("SUCCEEDED", 1.0)][..], &[][..]),
        ("C, mended", &[("SUCCEEDED", 1.0)], &[("RECONNECT_NEEDED", true)]),
        ("D, in part", &[("PARTIAL", 1.0)], &[]),
        (
            "E, turned bad",
            &[("SUCCEEDED", 1.0)],
            &[("EVIDENCE_TURNED_BAD", false)],
        ),
        ("F, late", &[("SUCCEEDED", 13.0)], &[("EVIDENCE_TURNED_BAD", false)]),
        (
            "G, failed once",
            &[("SUCCEEDED", 5.0), ("FAILED", 1.0), ("QUEUED", 0.0)],
            &[],
        ),
        ("H, failing evidence", &[("SUCCEEDED", 1.0)], &[("RUN_FAILING", false)]),
        ("I, revoked", &[("FAILED", 1.0)], &[("RECONNECT_NEEDED", false)]),
        ("J, paused", &[("SUCCEEDED", 100.0)], &[]),
        ("K, once a day", &[("SUCCEEDED", 30.0)], &[]),
        ("L, held", &[("SUCCEEDED", 1.0)], &[("EVIDENCE_TURNED_BAD", false)]),
        ("M, now more often", &[("SUCCEEDED", 20.0)], &[]),
    ] {
        let company = world.connected_company(name).await;
        for (status, hours) in runs {
            ended(company, status, *hours).await;
        }
        for (kind, closed) in alarms {
            alarmed(company, kind, *closed).await;
        }
        match name {
            "J, paused" => scheduled(company, 4, true).await,
            "K, once a day" => scheduled(company, 24, false).await,
            "M, now more often" => scheduled(company, 4, false).await,
            "L, held" => {
                let held = "insert into held_change (run_id, company_id, noun, record_id, because, decision)
                            select id, company_id, 'CONTACT', gen_random_uuid(), 'LEFT', 'HELD'
                            from sync_run where company_id = $1";
                world.sql(held, &[&company]).await;
            }
            _ => {}
        }
    }
    let query = "query ($after: String) { companies(orderBy: {field: ATTENTION}, first: 4, after: $after) {
        edges { node { name attention } } pageInfo { endCursor } } }";
    let (mut order, mut after) = (Vec::new(), Value::Null);
    for _ in 0..4 {
        let page = world.ask(query, json!({"after": after})).await["companies"].clone();
        for edge in page["edges"].as_array().expect("edges") {
            let (name, attention) = (edge["node"]["name"].as_str(), edge["node"]["attention"].as_str());
            order.push((
                name.expect("a name")[..1].to_owned(),
                attention.expect("a word").to_owned(),
            ));
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let order: Vec<(&str, &str)> = order
        .iter()
        .map(|(name, word)| (name.as_str(), word.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            ("I", "RECONNECT_NEEDED"),
            ("G", "FAILING"),
            ("H", "FAILING"),
            ("F", "OUT_OF_DATE"),
            ("L", "CHANGES_HELD"),
            ("E", "EVIDENCE_TURNED_BAD"),
            ("D", "PARTLY_SYNCED"),
            ("A", "NOT_CONNECTED"),
            ("B", "NOTHING"),
            ("C", "NOTHING"),
            ("J", "NOTHING"),
            ("K", "NOTHING"),
            ("M", "NOTHING"),
        ]
    );
}
