//! Alarms open and close as the facts do.

use serde_json::{Value, json};
use tenantry::db::events::Events;
use tenantry::jobs::{Alarms, Doorbell};
use tenantry::model::alarm::Settled;
use tenantry::model::sync_run::SyncStatus;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::house::now;
use crate::support::world::{CLIENT_ID, CLIENT_SECRET, Client, PERMISSIONS, World};

async fn alarms(world: &World) -> Alarms {
    let events = Events::start(&world.pool, CancellationToken::new())
        .await
        .expect("events start");
    Doorbell::open(&world.pool).await.expect("a doorbell");
    // A worker that lives, so that nothing is said of there being none.
    world
        .sql(
            "insert into apalis.workers (id, worker_type, storage_name, layers, last_seen)
             values ('a', 'sync', 'a', '', now() + interval '1 day')",
        )
        .await;
    Alarms::new(world.pool.clone(), events, &world.microsoft, None)
}

async fn open(world: &World) -> Vec<Value> {
    world
        .rows("select kind, company_id, subject from alarm where closed_at is null order by kind, subject")
        .await
}

async fn ended(world: &World, client: Client, status: &str, code: &str) {
    world
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before,
                                   finished_at, failure)
             values (gen_random_uuid(), '{}', 'IDENTITY', 'SCHEDULED', 'AUTO', false, '{status}', '', 'the clock', clock_timestamp(), now(),
                     now(), '{{\"code\": \"{code}\", \"message\": \"It broke.\", \"remedy\": \"Mend it.\"}}')",
            client.company_id
        ))
        .await;
}

fn changed(opened: usize, closed: usize) -> Settled {
    Settled { opened, closed }
}

#[tokio::test]
async fn a_run_that_fails_twice_is_one_alarm_until_it_succeeds() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 0), "once is no alarm");
    ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(1, 0));
    ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 0), "it is there already");
    assert_eq!(
        open(&world).await,
        [json!({"kind": "RUN_FAILING", "company_id": contoso.company_id, "subject": "IDENTITY"})]
    );
    let told = world.rows("select message, remedy from alarm").await;
    assert!(told[0]["message"].as_str().unwrap().contains("It broke.") && told[0]["remedy"] == "Mend it.");

    ended(&world, contoso, "SUCCEEDED", "").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 1));
    assert_eq!(open(&world).await, Vec::<Value>::new());
    let events = world.rows("select what, delivery from alarm_event order by seq").await;
    assert_eq!(
        events,
        [
            json!({"what": "OPENED", "delivery": "NONE"}),
            json!({"what": "CLOSED", "delivery": "NONE"})
        ]
    );
}

#[tokio::test]
async fn nodes_that_look_at_once_open_one_alarm() {
    let world = World::start().await;
    world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    world
        .sql("update tenant set status = 'RECONNECT_NEEDED', status_reason = 'Gone.'")
        .await;
    let looks = (0..6).map(|_| alarms.look(now()));
    let looks = futures::future::join_all(looks).await;
    let opened: usize = looks.into_iter().map(|look| look.unwrap().opened).sum();
    assert_eq!(opened, 1);
    assert_eq!(open(&world).await.len(), 1);
    world.sql("update tenant set status = 'DISCONNECTED'").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 1));
}

#[tokio::test]
async fn held_changes_are_an_alarm_until_somebody_decides() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    ended(&world, contoso, "SUCCEEDED", "").await;
    world
        .sql(
            "insert into held_change (run_id, company_id, noun, record_id, because, decision)
             select id, company_id, 'CONTACT', gen_random_uuid(), 'LEFT', 'HELD' from sync_run",
        )
        .await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(1, 0));
    assert_eq!(open(&world).await[0]["kind"], "CHANGES_HELD");
    world.sql("update held_change set decision = 'DISCARDED'").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 1));
}

async fn judged(world: &World, client: Client, check: &str, seq: i64, status: &str) {
    let (passed, failed) = if status == "PASS" { (1, 0) } else { (0, 1) };
    let not_evaluated = i32::from(status == "INDETERMINATE");
    let failed = failed - not_evaluated;
    world
        .sql(&format!(
            "insert into evidence_result values ('{}', '{check}', {seq}, now(), 1, '', '{status}', 1, {passed}, {failed}, 0, 0, {not_evaluated},
                 '{{}}', '\\x00', '\\x00')",
            client.company_id
        ))
        .await;
}

#[tokio::test]
async fn a_grave_check_that_turns_bad_is_an_alarm_and_one_that_was_never_good_is_none() {
    const GRAVE: &str = "entra.ca.mfa_all_users";
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let fabrikam = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    judged(&world, fabrikam, GRAVE, 1, "FAIL").await;
    judged(&world, contoso, GRAVE, 1, "PASS").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 0));
    judged(&world, contoso, GRAVE, 2, "FAIL").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(1, 0));
    assert_eq!(
        open(&world).await,
        [json!({"kind": "EVIDENCE_TURNED_BAD", "company_id": contoso.company_id, "subject": GRAVE})]
    );
    judged(&world, contoso, GRAVE, 3, "INDETERMINATE").await;
    assert_eq!(
        alarms.look(now()).await.unwrap(),
        changed(0, 0),
        "not to have looked mends nothing"
    );
    judged(&world, contoso, GRAVE, 4, "PASS").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 1));
}

#[tokio::test]
async fn that_no_worker_lives_is_one_alarm_for_all() {
    let world = World::start().await;
    let alarms = alarms(&world).await;
    world
        .sql("update apalis.workers set last_seen = now() - interval '1 hour'")
        .await;
    assert_eq!(
        alarms.look(now()).await.unwrap(),
        changed(0, 0),
        "there is nothing to do yet"
    );
    world.connected_company(1, 0).await;
    world.connected_company(1, 0).await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(1, 0));
    assert_eq!(
        open(&world).await,
        [json!({"kind": "NO_WORKER", "company_id": null, "subject": ""})]
    );
    world.sql("update apalis.workers set last_seen = now()").await;
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 1));
}

async fn application(world: &World, expired: bool) {
    world
        .post(
            "applications",
            json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "secretExpired": expired,
                   "redirectUris": [], "permissions": PERMISSIONS, "homeTenant": Uuid::new_v4()}),
        )
        .await;
}

#[tokio::test]
async fn an_expired_secret_is_one_alarm_and_no_run_fails_of_it() {
    let world = World::start().await;
    let clients = [world.connected_company(5, 0).await, world.connected_company(5, 0).await];
    let alarms = alarms(&world).await;
    application(&world, true).await;
    let runs = [world.sync(clients[0]).await, world.collect_evidence(clients[1]).await];
    for run in &runs {
        assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
        assert!(run.failure.as_ref().unwrap().remedy.contains("MICROSOFT_CLIENT_SECRET"));
    }
    assert_eq!(
        alarms.look(now()).await.unwrap(),
        changed(1, 0),
        "one, whatever the number of companies"
    );
    assert_eq!(
        open(&world).await,
        [json!({"kind": "CREDENTIAL_REFUSED", "company_id": null, "subject": ""})]
    );

    application(&world, false).await;
    for run in runs {
        let run = world.perform(run.id).await;
        assert!(
            matches!(run.status, SyncStatus::Succeeded | SyncStatus::Partial),
            "{run:#?}"
        );
    }
    assert_eq!(alarms.look(now()).await.unwrap(), changed(0, 1));
}
