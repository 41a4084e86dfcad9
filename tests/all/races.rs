//! Things that happen at the same time, and crashes at bad moments: nothing is mixed, lost or taken for gone.

use std::time::Duration;

use serde_json::json;
use tenantry::model::sync_run::lease;
use tenantry::model::sync_run::{Counts, SyncMode, SyncRun, SyncStatus};
use tenantry::model::tenant::Consent;
use tenantry::model::{Noun, Scope, SyncRules, held_change, sync_rules, tenant};
use uuid::Uuid;

use crate::support::mirror::{self, assert_equal};
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World};
use crate::sync::leave;

fn counts(run: &SyncRun, noun: Noun) -> &Counts {
    run.counts
        .iter()
        .find(|counts| counts.kind == noun)
        .expect("the kind was settled")
}

/// Connects the company with its tenant once more; where that begins a run, it is performed.
pub async fn connect_again(world: &World, client: Client) {
    let mut conn = world.pool.get().await.expect("a connection");
    let now = world.now().await;
    tenant::connect(&mut conn, now, client.company_id, &consent(client.tenant_id))
        .await
        .expect("connected");
    drop(conn);
    for row in world.rows("select id from sync_run where finished_at is null").await {
        let id = row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        world.perform(id).await;
    }
}

fn consent(entra_tenant_id: Uuid) -> Consent {
    Consent {
        entra_tenant_id,
        administrator: "Adele Vance".into(),
        administrator_oid: Uuid::new_v4(),
        expected_domain: None,
        role_proven: true,
    }
}

#[tokio::test]
async fn connecting_another_tenant_ends_the_run_of_the_one_before_and_mixes_nothing() {
    let world = World::start().await;
    let contoso = world.connected_company(40, 0).await;
    let fabrikam = world.connected_company(30, 0).await;
    let run = world.queue(contoso, SyncMode::Auto, false, None).await;
    let running = world.perform_until(contoso, run.id, "users").await;
    world
        .sql(&format!("delete from company where id = '{}'", fabrikam.company_id))
        .await;

    let now = world.now().await;
    let mut conn = world.pool.get().await.expect("a connection");
    // The groups of the first tenant are there already, so that the company holds its records.
    let refused = tenant::connect(&mut conn, now, contoso.company_id, &consent(fabrikam.tenant_id)).await;
    assert!(refused.is_err(), "the company holds another tenant's records");
    drop(conn);

    world.mend(contoso).await;
    running.await.expect("no panic");
    assert_eq!(world.run(run.id).await.status, SyncStatus::Cancelled);
    assert_eq!(world.number("select count(*) from contact").await, 0);
    connect_again(&world, contoso).await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn staged_pages_that_a_crash_has_emptied_are_read_again() {
    let world = World::start().await;
    let contoso = world.connected_company(2_500, 0).await;
    world
        .fault(
            contoso,
            json!({"on": "users", "kind": "throttle", "retryAfter": 300, "skip": 2, "times": 1}),
        )
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    world
        .sql("truncate staging, staged_person, staged_group, staged_member, staged_device")
        .await;

    let run = world.perform(run.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn staged_pages_that_vanish_before_they_are_applied_deactivate_nobody() {
    let world = World::start().await;
    let contoso = world.connected_company(30, 8).await;
    world.sync(contoso).await;
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    let running = world.perform_until(contoso, run.id, "deviceManagement").await;
    world
        .sql("truncate staging, staged_person, staged_group, staged_member, staged_device")
        .await;
    world.mend(contoso).await;
    running.await.expect("no panic");

    let run = world.run(run.id).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    let run = world.perform(run.id).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn rules_that_change_while_a_run_waits_are_obeyed_when_it_goes_on() {
    let world = World::start().await;
    let contoso = world.connected_company(80, 0).await;
    world.sync(contoso).await;
    let guests = "select count(*) from contact where state = 'ACTIVE' and user_type = 'Guest'";
    assert!(world.number(guests).await > 0, "the directory has guests");
    world
        .post(
            &format!("tenants/{}/shuffle", contoso.tenant_id),
            json!({"count": 5, "seed": 1}),
        )
        .await;
    world
        .fault(
            contoso,
            json!({"on": "users", "kind": "throttle", "retryAfter": 300, "times": 1}),
        )
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    let rules = SyncRules {
        include_guests: false,
        ..SyncRules::default()
    };
    let mut conn = world.pool.get().await.expect("a connection");
    sync_rules::save(&mut conn, contoso.company_id, &rules)
        .await
        .expect("saved");
    drop(conn);

    let run = world.perform(run.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_eq!(world.number(guests).await, 0);
}

#[tokio::test]
async fn a_dry_run_that_is_taken_over_reports_what_it_would_have_reported() {
    let world = World::start().await;
    let contoso = world.connected_company(60, 0).await;
    world.sync(contoso).await;
    let people = mirror::people(&world, contoso).await;
    let chosen: Vec<&str> = people.keys().take(40).map(String::as_str).collect();
    let group = world.group(contoso, "Chosen", &chosen).await;
    let rules = SyncRules {
        only_groups: vec![group.parse().expect("an id")],
        ..SyncRules::default()
    };
    let run = world.queue(contoso, SyncMode::Full, true, Some(rules)).await;
    let doomed = world.perform_until(contoso, run.id, "users").await;
    doomed.abort();
    world.mend(contoso).await;
    world
        .sql("update sync_run set lease_until = now() - interval '1 second' where finished_at is null")
        .await;
    let mut conn = world.pool.get().await.expect("a connection");
    lease::take_back_expired(&mut conn).await.expect("taken back");
    drop(conn);

    let run = world.perform(run.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_eq!(counts(&run, Noun::Contact).deactivated, 20, "{run:#?}");
}

#[tokio::test]
async fn nothing_is_queued_or_claimed_for_a_tenant_that_is_disconnected() {
    let world = World::start().await;
    let contoso = world.connected_company(10, 0).await;
    let run = world.queue(contoso, SyncMode::Auto, false, None).await;
    world.sql("update tenant set status = 'DISCONNECTED'").await;

    let mut conn = world.pool.get().await.expect("a connection");
    let claim = lease::claim(&mut conn, run.id, "a test", Duration::from_secs(60)).await;

    assert!(claim.expect("the database answers").is_none());
}

#[tokio::test]
async fn who_comes_back_into_a_selected_group_is_held_no_longer() {
    let world = World::start().await;
    let contoso = world.connected_company(60, 0).await;
    let people = mirror::people(&world, contoso).await;
    let chosen: Vec<&str> = people.keys().map(String::as_str).collect();
    let group = world.group(contoso, "Chosen", &chosen).await;
    let rules = SyncRules {
        only_groups: vec![group.parse().expect("an id")],
        ..SyncRules::default()
    };
    let mut conn = world.pool.get().await.expect("a connection");
    sync_rules::save(&mut conn, contoso.company_id, &rules)
        .await
        .expect("saved");
    drop(conn);
    world.sync(contoso).await;
    let members = format!("tenants/{}/groups/{group}/members", contoso.tenant_id);
    for person in &chosen[..30] {
        world.delete(&format!("{members}/{person}")).await;
    }
    let held = world.sync(contoso).await;
    assert_eq!(counts(&held, Noun::Contact).held, 30, "{held:#?}");
    for person in &chosen[..30] {
        world.request("PUT", &format!("{members}/{person}"), None).await;
    }

    world.sync(contoso).await;

    let now = world.now().await;
    let mut conn = world.pool.get().await.expect("a connection");
    let released = held_change::release(&mut conn, now, &Scope::All, held.id, "Adele").await;
    assert!(released.is_err(), "nobody is held any more");
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn people_are_read_on_after_a_wait_even_when_groups_could_not_be_read() {
    let world = World::start().await;
    let contoso = world.connected_company(3_500, 0).await;
    world
        .fault(contoso, json!({"on": "groups", "kind": "missing_permission"}))
        .await;
    world
        .fault(
            contoso,
            json!({"on": "users", "kind": "throttle", "retryAfter": 300, "skip": 3, "times": 1}),
        )
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    let before = staged(&world).await;

    let run = world.perform(run.id).await;

    assert!(before > 0);
    assert_eq!(run.status, SyncStatus::Partial, "{run:#?}");
    assert_eq!(counts(&run, Noun::Contact).created, 3_500);
    assert_eq!(
        run.failure.map(|failure| failure.code),
        Some("PERMISSION_MISSING".into()),
        "why groups could not be read is not forgotten"
    );
}

async fn staged(world: &World) -> i64 {
    world.number("select count(*) from staged_person").await
}

#[tokio::test]
async fn a_name_of_any_length_is_kept() {
    let world = World::start().await;
    let contoso: Client = world.connected_company(10, 0).await;
    let oid = mirror::people(&world, contoso)
        .await
        .into_keys()
        .next()
        .expect("somebody");
    let name: String = (0..6_000_u32)
        .map(|n| char::from_u32(0x4e00 + n * 7 % 20_000).unwrap_or('x'))
        .collect();
    world
        .patch(
            &format!("tenants/{}/people/{oid}", contoso.tenant_id),
            json!({"displayName": name}),
        )
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn a_lease_can_be_renewed_while_a_long_transaction_applies() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world.sync(contoso).await;
    let mut blocker = world.pool.raw().await.expect("a connection");
    let (lock, run, applying) = held_while_it_applies(&world, contoso, &mut blocker).await;

    let mut conn = world.pool.get().await.expect("a connection");
    let renewed = tokio::time::timeout(
        Duration::from_secs(60),
        lease::renew(&mut conn, run.id, 1, Duration::from_secs(30)),
    )
    .await;

    assert!(
        renewed.is_ok_and(|renewed| renewed.is_ok()),
        "the applying transaction does not hold the run"
    );
    lock.rollback().await.expect("unlocked");
    applying.await.expect("no panic");
    assert_eq!(world.run(run.id).await.status, SyncStatus::Succeeded);
    assert_equal(&world, contoso).await;
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_commits_nothing() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world.sync(contoso).await;
    let mut blocker = world.pool.raw().await.expect("a connection");
    let (lock, run, applying) = held_while_it_applies(&world, contoso, &mut blocker).await;
    world
        .sql("update sync_run set fence = fence + 1 where finished_at is null")
        .await;

    lock.rollback().await.expect("unlocked");
    applying.await.expect("no panic");

    let renamed = "select count(*) from contact where display_name = 'Ann Other'";
    assert_eq!(
        world.number(renamed).await,
        0,
        "what a lost worker wrote is rolled back"
    );
    assert!(
        world.run(run.id).await.status.is_active(),
        "the run is its new owner's to end"
    );
}

#[tokio::test]
async fn what_is_discarded_while_a_run_applies_is_looked_at_anew_by_the_next() {
    let world = World::start().await;
    let contoso = world.connected_company(60, 0).await;
    world.sync(contoso).await;
    leave(&world, contoso, 20).await;
    let held = world.sync(contoso).await;
    assert_eq!(counts(&held, Noun::Contact).held, 20);
    let mut blocker = world.pool.raw().await.expect("a connection");
    let (lock, run, applying) = held_while_it_applies(&world, contoso, &mut blocker).await;

    let now = world.now().await;
    let mut conn = world.pool.get().await.expect("a connection");
    held_change::discard(&mut conn, now, &Scope::All, held.id, "Adele")
        .await
        .expect("discarded");
    lock.rollback().await.expect("unlocked");
    applying.await.expect("no panic");
    assert_eq!(world.run(run.id).await.status, SyncStatus::Succeeded);

    let next = world.sync(contoso).await;

    assert_eq!(counts(&next, Noun::Contact).held, 20, "{next:#?}");
    world.release_everything().await;
    equal_and_ended_once(&world, &[contoso]).await;
}

/// A run that applies that somebody was renamed, and stands there until the lock is let go.
async fn held_while_it_applies<'c>(
    world: &World,
    client: Client,
    blocker: &'c mut tokio_postgres::Client,
) -> (tokio_postgres::Transaction<'c>, SyncRun, tokio::task::JoinHandle<()>) {
    let oid = renamed(world, client).await;
    let lock = lock(blocker, &oid).await;
    let run = world.queue(client, SyncMode::Auto, false, None).await;
    let applying = world.perform_beside(run.id).await;
    somebody_waits_for_a_lock(world).await;
    (lock, run, applying)
}

/// Somebody was renamed at Microsoft; their id.
async fn renamed(world: &World, client: Client) -> String {
    let oid = mirror::people(world, client)
        .await
        .into_keys()
        .next()
        .expect("somebody");
    world
        .patch(
            &format!("tenants/{}/people/{oid}", client.tenant_id),
            json!({"displayName": "Ann Other"}),
        )
        .await;
    oid
}

/// Keeps everybody else from writing the contact until the transaction ends.
async fn lock<'c>(blocker: &'c mut tokio_postgres::Client, oid: &str) -> tokio_postgres::Transaction<'c> {
    let lock = blocker.transaction().await.expect("a transaction");
    lock.execute(&format!("select from contact where entra_id = '{oid}' for update"), &[])
        .await
        .expect("locked");
    lock
}

async fn somebody_waits_for_a_lock(world: &World) {
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while world.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
}
