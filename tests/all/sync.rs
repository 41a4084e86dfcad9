//! The sync of one company: what comes, what changes, what leaves.

use serde_json::json;
use tenantry::model::sync_run::{Counts, SyncMode, SyncRun, SyncStatus};
use tenantry::model::{Noun, SyncRules};

use crate::support::mirror::{self, assert_equal};
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World};

fn counts(run: &SyncRun, noun: Noun) -> &Counts {
    run.counts
        .iter()
        .find(|counts| counts.kind == noun)
        .expect("the kind was settled")
}

/// A number that changes with every row version: what was written since shows.
async fn versions(world: &World, table: &str) -> Vec<serde_json::Value> {
    world
        .rows(&format!("select id, xmin::text as version from {table} order by id"))
        .await
}

#[tokio::test]
async fn a_first_sync_brings_the_whole_directory() {
    let world = World::start().await;
    let contoso = world.connected_company(120, 40).await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_eq!(run.message, "Sync complete");
    assert_eq!(run.progress, Some(100));
    assert_eq!(counts(&run, Noun::Contact).created, 120);
    assert_eq!(counts(&run, Noun::Asset).created, 40);
    assert!(run.requests > 0);
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn an_unchanged_directory_writes_no_record() {
    let world = World::start().await;
    let contoso = world.connected_company(60, 20).await;
    world.sync(contoso).await;
    let before = versions(&world, "contact").await;

    let incremental = world.sync(contoso).await;
    let full = world.full_sync(contoso).await;

    assert_eq!(counts(&incremental, Noun::Contact).read, 0, "nothing has changed");
    assert_eq!(counts(&full, Noun::Contact).unchanged, 60);
    assert_eq!(versions(&world, "contact").await, before);
    assert_eq!(
        world
            .number("select count(*) from sync_change where action <> 'CREATED'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_rename_keeps_the_contact_and_says_what_changed() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world.sync(contoso).await;
    let person = world
        .rows("select id, entra_id, display_name from contact order by entra_id limit 1")
        .await
        .remove(0);
    let oid = person["entra_id"].as_str().expect("an id");
    world
        .patch(
            &format!("tenants/{}/people/{oid}", contoso.tenant_id),
            json!({"displayName": "Ann Other", "mail": null}),
        )
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(counts(&run, Noun::Contact).updated, 1);
    let after = world
        .rows(&format!(
            "select id, display_name, mail from contact where entra_id = '{oid}'"
        ))
        .await
        .remove(0);
    assert_eq!(after["id"], person["id"], "the same contact");
    assert_eq!(after["display_name"], "Ann Other");
    assert_eq!(after["mail"], json!(null), "a null clears the field");
    let change = world
        .rows(&format!(
            "select fields from sync_change where run_id = '{}' and noun = 'CONTACT'",
            run.id
        ))
        .await
        .remove(0);
    assert_eq!(
        change["fields"]["displayName"],
        json!([person["display_name"], "Ann Other"])
    );
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn a_leaver_is_deactivated_and_a_returner_comes_back_as_the_same_contact() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world.sync(contoso).await;
    let contact = world
        .rows("select id, entra_id from contact order by entra_id desc limit 1")
        .await
        .remove(0);
    let oid = contact["entra_id"].as_str().expect("an id").to_owned();
    let state = format!("select id, state, deactivated_because from contact where entra_id = '{oid}'");

    world
        .delete(&format!("tenants/{}/people/{oid}", contoso.tenant_id))
        .await;
    let left = world.sync(contoso).await;
    assert_eq!(counts(&left, Noun::Contact).deactivated, 1);
    assert_eq!(
        world.rows(&state).await[0],
        json!({"id": contact["id"], "state": "DEACTIVATED", "deactivated_because": "LEFT"})
    );

    world
        .post(
            &format!("tenants/{}/people/{oid}/restore", contoso.tenant_id),
            json!({}),
        )
        .await;
    world.sync(contoso).await;
    assert_eq!(
        world.rows(&state).await[0],
        json!({"id": contact["id"], "state": "ACTIVE", "deactivated_because": null})
    );
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn thirty_seven_changes_among_ten_thousand_people_write_only_what_they_touch() {
    let world = World::start().await;
    let contoso = world.connected_company(10_000, 500).await;
    world.sync(contoso).await;
    assert_equal(&world, contoso).await;
    let before: std::collections::HashMap<_, _> = record_versions(&world).await;
    world
        .post(
            &format!("tenants/{}/shuffle", contoso.tenant_id),
            json!({"count": 37, "seed": 3}),
        )
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_equal(&world, contoso).await;
    assert!(
        counts(&run, Noun::Contact).read <= 37 * 2,
        "a delta brings only what changed: {run:#?}"
    );
    let told: std::collections::HashSet<String> = world
        .rows(&format!(
            "select record_id from sync_change where run_id = '{}'",
            run.id
        ))
        .await
        .into_iter()
        .map(|row| row["record_id"].as_str().expect("an id").to_owned())
        .collect();
    for (id, version) in record_versions(&world).await {
        if before.get(&id) != Some(&version) {
            assert!(
                told.contains(&id),
                "{id} was written, but the run does not tell that it changed"
            );
        }
    }
}

async fn record_versions(world: &World) -> std::collections::HashMap<String, String> {
    let rows = world
        .rows("select id, xmin::text as version from contact union all select id, xmin::text from contact_group union all select id, xmin::text from asset")
        .await;
    rows.into_iter()
        .map(|row| {
            (
                row["id"].as_str().expect("an id").to_owned(),
                row["version"].as_str().expect("a version").to_owned(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_large_group_split_over_pages_ends_whole() {
    let world = World::start().await;
    let contoso = world.connected_company(1_500, 0).await;
    let people = mirror::people(&world, contoso).await;
    let members: Vec<&str> = people.keys().map(String::as_str).collect();
    let group = world.group(contoso, "Everybody", &members).await;

    world.sync(contoso).await;

    let stored = world
        .number(&format!(
            "select count(*) from contact_group_member where group_entra_id = '{group}'"
        ))
        .await;
    assert_eq!(stored, 1_500);
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn a_device_that_enrols_again_keeps_its_asset() {
    let world = World::start().await;
    let contoso = world.connected_company(10, 12).await;
    world.sync(contoso).await;
    let asset = world
        .rows("select id, entra_id from asset where azure_ad_device_id is not null order by entra_id limit 1")
        .await
        .remove(0);
    let device = asset["entra_id"].as_str().expect("an id");
    let again = world
        .post(
            &format!("tenants/{}/devices/{device}/reenrol", contoso.tenant_id),
            json!({}),
        )
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(
        (counts(&run, Noun::Asset).created, counts(&run, Noun::Asset).deactivated),
        (0, 0),
        "{run:#?}"
    );
    let after = world
        .rows(&format!(
            "select id, entra_id from asset where entra_id = '{}'",
            again["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(after[0]["id"], asset["id"]);
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn without_intune_contacts_and_groups_sync_and_assets_say_why_not() {
    let world = World::start().await;
    let contoso = world.connected(json!({"seed": 3, "people": 30, "intune": false})).await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert!(
        counts(&run, Noun::Asset)
            .skipped_because
            .as_deref()
            .is_some_and(|why| why.contains("Intune")),
        "{run:#?}"
    );
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn many_leavers_are_held_until_a_person_releases_exactly_them() {
    let world = World::start().await;
    let contoso = world.connected_company(100, 0).await;
    world.sync(contoso).await;
    leave(&world, contoso, 30).await;

    let run = world.sync(contoso).await;

    assert_eq!(
        (
            counts(&run, Noun::Contact).held,
            counts(&run, Noun::Contact).deactivated
        ),
        (30, 0)
    );
    assert_eq!(
        run.status,
        SyncStatus::Succeeded,
        "held changes do not make a run partial"
    );
    let active = "select count(*) from contact where state = 'ACTIVE'";
    assert_eq!(world.number(active).await, 100);

    let mut conn = world.pool.get().await.expect("a connection");
    let now = world.now().await;
    tenantry::model::held_change::release(&mut conn, now, &tenantry::model::Scope::All, run.id, "Adele")
        .await
        .expect("released");
    assert_eq!(world.number(active).await, 70);
    let twice =
        tenantry::model::held_change::release(&mut conn, now, &tenantry::model::Scope::All, run.id, "Adele").await;
    assert!(twice.is_err(), "nothing is held any more");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn a_later_full_sync_takes_held_changes_over() {
    let world = World::start().await;
    let contoso = world.connected_company(100, 0).await;
    world.sync(contoso).await;
    leave(&world, contoso, 30).await;
    let first = world.sync(contoso).await;

    let second = world.full_sync(contoso).await;

    assert_eq!(counts(&second, Noun::Contact).held, 30);
    let mut conn = world.pool.get().await.expect("a connection");
    let now = world.now().await;
    let stale =
        tenantry::model::held_change::discard(&mut conn, now, &tenantry::model::Scope::All, first.id, "Adele").await;
    assert!(stale.is_err(), "the list was replaced");
    tenantry::model::held_change::discard(&mut conn, now, &tenantry::model::Scope::All, second.id, "Adele")
        .await
        .expect("discarded");
    assert_eq!(
        world
            .number("select count(*) from contact where state = 'ACTIVE'")
            .await,
        100,
        "discarding keeps everybody"
    );
    let third = world.sync(contoso).await;
    assert_eq!(
        counts(&third, Noun::Contact).held,
        30,
        "the next sync looks at everybody anew"
    );
}

pub async fn leave(world: &World, client: Client, count: usize) {
    for oid in mirror::people(world, client).await.keys().take(count) {
        world
            .delete(&format!("tenants/{}/people/{oid}", client.tenant_id))
            .await;
    }
}

#[tokio::test]
async fn a_dry_run_reports_the_plan_and_writes_nothing() {
    let world = World::start().await;
    let contoso = world.connected_company(50, 10).await;

    let dry = world.sync_with(contoso, SyncMode::Auto, true, None).await;

    assert_eq!(counts(&dry, Noun::Contact).created, 50);
    assert_eq!(world.number("select count(*) from contact").await, 0);
    assert_eq!(world.number("select count(*) from sync_state").await, 0);
    assert_eq!(
        world
            .number(&format!(
                "select count(*) from sync_change where run_id = '{}' and noun = 'CONTACT'",
                dry.id
            ))
            .await,
        50
    );
}

#[tokio::test]
async fn rules_hold_in_full_and_in_incremental_runs() {
    let world = World::start().await;
    let contoso = world.connected_company(80, 0).await;
    let people = mirror::people(&world, contoso).await;
    let chosen: Vec<String> = people
        .iter()
        .filter(|(_, person)| person["user_type"] == "Member")
        .map(|(id, _)| id.clone())
        .take(5)
        .collect();
    let inner = world.group(contoso, "Inner", &[&chosen[0], &chosen[1]]).await;
    let outer = world.group(contoso, "Outer", &[&inner, &chosen[2]]).await;
    let rules = SyncRules {
        include_guests: false,
        only_groups: vec![outer.parse().expect("an id")],
        ..SyncRules::default()
    };
    save(&world, contoso, &rules).await;

    world.sync(contoso).await;
    assert_eq!(
        active(&world).await,
        sorted(&chosen[..3]),
        "members of nested groups count"
    );

    // Somebody enters the inner group and is not otherwise changed; somebody else leaves it.
    let inner_path = format!("tenants/{}/groups/{}/members", contoso.tenant_id, inner);
    world.request("PUT", &format!("{inner_path}/{}", chosen[3]), None).await;
    world.delete(&format!("{inner_path}/{}", chosen[0])).await;
    let run = world.sync(contoso).await;
    assert_eq!(active(&world).await, sorted(&chosen[1..4]), "{run:#?}");
    assert_eq!(
        world
            .rows(&format!(
                "select deactivated_because from contact where entra_id = '{}'",
                chosen[0]
            ))
            .await[0]["deactivated_because"],
        "RULED_OUT"
    );
}

#[tokio::test]
async fn a_changed_rule_takes_effect_at_the_next_run_and_is_not_held() {
    let world = World::start().await;
    let contoso = world.connected_company(100, 0).await;
    world.sync(contoso).await;
    let people = mirror::people(&world, contoso).await;
    save(
        &world,
        contoso,
        &SyncRules {
            exclude_patterns: vec!["*".into()],
            ..SyncRules::default()
        },
    )
    .await;

    let preview = world
        .sync_with(contoso, SyncMode::Full, true, Some(SyncRules::default()))
        .await;
    assert_eq!(
        counts(&preview, Noun::Contact).deactivated,
        0,
        "a preview tries its own rules"
    );
    let run = world.sync(contoso).await;

    let left = counts(&run, Noun::Contact);
    assert_eq!(
        (left.deactivated, left.held),
        (i64::try_from(people.len()).expect("a count"), 0),
        "{run:#?}"
    );
}

async fn save(world: &World, client: Client, rules: &SyncRules) {
    let mut conn = world.pool.get().await.expect("a connection");
    tenantry::model::sync_rules::save(&mut conn, client.company_id, rules)
        .await
        .expect("saved");
}

async fn active(world: &World) -> Vec<String> {
    let rows = world.rows("select entra_id from contact where state = 'ACTIVE'").await;
    let ids: Vec<String> = rows
        .iter()
        .filter_map(|row| row["entra_id"].as_str().map(str::to_owned))
        .collect();
    sorted(&ids)
}

fn sorted(ids: &[String]) -> Vec<String> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}
