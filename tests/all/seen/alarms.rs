//! Alarms open and close as the facts do.

use serde_json::{Value, json};
use tenantry::db::events::Events;
use tenantry::jobs::{Alarms, Doorbell};
use tenantry::model::Scope;
use tenantry::model::alarm::{self, AlarmChange, AlarmKind, Known, OwnCredential, Settled};
use tenantry::model::sync_run::SyncStatus;
use tokio_util::sync::CancellationToken;

use crate::support::world::{Client, World};

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
    Settled {
        opened,
        changed: 0,
        closed,
    }
}

#[tokio::test]
async fn a_run_that_fails_twice_is_one_alarm_until_it_succeeds() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 0), "once is no alarm");
    ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look().await.unwrap(), changed(1, 0));
    ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 0), "it is there already");
    assert_eq!(
        open(&world).await,
        [json!({"kind": "RUN_FAILING", "company_id": contoso.company_id, "subject": "IDENTITY"})]
    );
    let told = world.rows("select message, remedy from alarm").await;
    assert!(told[0]["message"].as_str().unwrap().contains("It broke.") && told[0]["remedy"] == "Mend it.");

    ended(&world, contoso, "SUCCEEDED", "").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));
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
async fn what_never_comes_whole_is_an_alarm_and_what_may_come_by_itself_only_in_the_long_run() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    ended(&world, contoso, "PARTIAL", "PERMISSION_MISSING").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 0), "once is no alarm");
    ended(&world, contoso, "PARTIAL", "PERMISSION_MISSING").await;
    assert_eq!(alarms.look().await.unwrap(), changed(1, 0));
    let told = world.rows("select message from alarm").await[0]["message"].clone();
    assert_eq!(told, "The last syncs did not bring everything. It broke.");
    ended(&world, contoso, "SUCCEEDED", "").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));

    for _ in 0..5 {
        ended(&world, contoso, "PARTIAL", "MICROSOFT_UNAVAILABLE").await;
        assert_eq!(alarms.look().await.unwrap(), changed(0, 0), "it may come by itself");
    }
    ended(&world, contoso, "PARTIAL", "MICROSOFT_UNAVAILABLE").await;
    assert_eq!(alarms.look().await.unwrap(), changed(1, 0), "not after all this time");
}

#[tokio::test]
async fn nodes_that_look_at_once_open_one_alarm() {
    let world = World::start().await;
    world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    world
        .sql("update tenant set status = 'RECONNECT_NEEDED', status_reason = 'Gone.'")
        .await;
    let looks = (0..6).map(|_| alarms.look());
    let looks = futures::future::join_all(looks).await;
    let opened: usize = looks.into_iter().map(|look| look.unwrap().opened).sum();
    assert_eq!(opened, 1);
    assert_eq!(open(&world).await.len(), 1);
    world.sql("update tenant set status = 'DISCONNECTED'").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));
}

async fn held(world: &World, noun: &str, records: u32) {
    world
        .sql(&format!(
            "insert into held_change (run_id, company_id, noun, record_id, because, decision)
             select id, company_id, '{noun}', gen_random_uuid(), 'LEFT', 'HELD' from sync_run, generate_series(1, {records})"
        ))
        .await;
}

#[tokio::test]
async fn held_changes_are_an_alarm_until_somebody_decides() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    ended(&world, contoso, "SUCCEEDED", "").await;
    held(&world, "CONTACT", 1).await;
    assert_eq!(alarms.look().await.unwrap(), changed(1, 0));
    assert_eq!(open(&world).await[0]["kind"], "CHANGES_HELD");
    world.sql("update held_change set decision = 'DISCARDED'").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));
}

#[tokio::test]
async fn an_open_alarm_says_what_is_so_now_and_the_webhook_is_not_told_again() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    alarms(&world).await;
    ended(&world, contoso, "SUCCEEDED", "").await;
    let look = async || {
        let known = Known {
            webhook: true,
            ..Known::default()
        };
        let mut conn = world.pool.get().await.expect("a connection");
        alarm::settle(&mut conn, &known).await.expect("settled")
    };
    let message = async || world.rows("select message from alarm").await[0]["message"].clone();
    held(&world, "CONTACT", 3).await;
    assert_eq!(look().await, changed(1, 0));
    assert!(
        message().await.as_str().unwrap().contains(": 3 contacts."),
        "{}",
        message().await
    );

    held(&world, "CONTACT", 4).await;
    held(&world, "ASSET", 1).await;
    let again = Settled {
        changed: 1,
        ..Settled::default()
    };
    assert_eq!(look().await, again);
    let now = message().await;
    assert!(now.as_str().unwrap().contains(": 1 asset, 7 contacts."), "{now}");
    assert_eq!(look().await, Settled::default(), "once is enough");
    assert_eq!(
        world.rows("select what, delivery from alarm_event order by seq").await,
        [
            json!({"what": "OPENED", "delivery": "WAITING"}),
            json!({"what": "CHANGED", "delivery": "NONE"})
        ]
    );
}

#[tokio::test]
async fn nodes_with_different_credentials_agree_on_which_of_them_ends_soon() {
    let world = World::start().await;
    alarms(&world).await;
    let credential = |name: &str, days: i64| OwnCredential {
        name: name.to_owned(),
        ends_at: crate::support::house::now() + chrono::TimeDelta::days(days),
    };
    let (old, new) = (credential("certificate old", 20), credential("certificate new", 700));
    let look = async |credential: Option<&OwnCredential>| {
        let known = Known {
            credential: credential.cloned(),
            ..Known::default()
        };
        let mut conn = world.pool.get().await.expect("a connection");
        alarm::settle(&mut conn, &known).await.expect("settled")
    };
    assert_eq!(look(Some(&new)).await, Settled::default());
    assert_eq!(look(Some(&old)).await, changed(1, 0));
    for credential in [Some(&new), None, Some(&old), Some(&new)] {
        assert_eq!(
            look(credential).await,
            Settled::default(),
            "it is as it was: {credential:?}"
        );
    }
    assert_eq!(
        open(&world).await,
        [json!({"kind": "CREDENTIAL_EXPIRING", "company_id": null, "subject": "certificate old"})]
    );
    let told = world.rows("select message from alarm").await;
    assert!(told[0]["message"].as_str().unwrap().contains("runs out on"), "{told:?}");

    world
        .sql("update credential_in_use set seen_at = seen_at - interval '11 minutes' where name = 'certificate old'")
        .await;
    assert_eq!(look(Some(&new)).await, changed(0, 1), "nobody has it any more");
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
    assert_eq!(alarms.look().await.unwrap(), changed(0, 0));
    judged(&world, contoso, GRAVE, 2, "FAIL").await;
    assert_eq!(alarms.look().await.unwrap(), changed(1, 0));
    assert_eq!(
        open(&world).await,
        [json!({"kind": "EVIDENCE_TURNED_BAD", "company_id": contoso.company_id, "subject": GRAVE})]
    );
    judged(&world, contoso, GRAVE, 3, "INDETERMINATE").await;
    assert_eq!(
        alarms.look().await.unwrap(),
        changed(0, 0),
        "not to have looked mends nothing"
    );
    judged(&world, contoso, GRAVE, 4, "PASS").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));
}

#[tokio::test]
async fn that_no_worker_lives_is_one_alarm_for_all() {
    let world = World::start().await;
    let alarms = alarms(&world).await;
    world
        .sql("update apalis.workers set last_seen = now() - interval '1 hour'")
        .await;
    assert_eq!(
        alarms.look().await.unwrap(),
        changed(0, 0),
        "there is nothing to do yet"
    );
    world.connected_company(1, 0).await;
    world.connected_company(1, 0).await;
    assert_eq!(alarms.look().await.unwrap(), changed(1, 0));
    assert_eq!(
        open(&world).await,
        [json!({"kind": "NO_WORKER", "company_id": null, "subject": ""})]
    );
    world.sql("update apalis.workers set last_seen = now()").await;
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));
}

#[tokio::test]
async fn an_expired_secret_is_one_alarm_and_no_run_fails_of_it() {
    let world = World::start().await;
    let clients = [world.connected_company(5, 0).await, world.connected_company(5, 0).await];
    let alarms = alarms(&world).await;
    world.register(true).await;
    let runs = [world.sync(clients[0]).await, world.collect_evidence(clients[1]).await];
    for run in &runs {
        assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
        assert!(run.failure.as_ref().unwrap().remedy.contains("MICROSOFT_CLIENT_SECRET"));
    }
    assert_eq!(
        alarms.look().await.unwrap(),
        changed(1, 0),
        "one, whatever the number of companies"
    );
    assert_eq!(
        open(&world).await,
        [json!({"kind": "CREDENTIAL_REFUSED", "company_id": null, "subject": ""})]
    );

    world.register(false).await;
    for run in runs {
        let run = world.perform(run.id).await;
        assert!(
            matches!(run.status, SyncStatus::Succeeded | SyncStatus::Partial),
            "{run:#?}"
        );
    }
    assert_eq!(alarms.look().await.unwrap(), changed(0, 1));
}

#[tokio::test]
async fn an_outage_of_microsofts_is_one_alarm_and_is_over_for_all_when_it_is_over() {
    let world = World::start().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(world.connected_company(3, 0).await);
    }
    let alarms = alarms(&world).await;
    for client in &clients {
        let down = json!({"on": "*", "kind": "status", "status": 503});
        world.fault(*client, down).await;
    }
    for looked in [changed(1, 0), changed(0, 0), changed(0, 0)] {
        for client in &clients {
            let (records, evidence) = (world.sync(*client).await, world.collect_evidence(*client).await);
            let codes = [records, evidence].map(|run| run.failure.expect("it says why").code);
            assert_eq!(codes, ["MICROSOFT_UNAVAILABLE", "READING_INCOMPLETE"]);
        }
        assert_eq!(alarms.look().await.unwrap(), looked);
        assert_eq!(
            open(&world).await,
            [json!({"kind": "MICROSOFT_UNREACHABLE", "company_id": null, "subject": ""})]
        );
    }

    for client in &clients {
        world.mend(*client).await;
    }
    for client in &clients[..3] {
        assert_eq!(world.sync(*client).await.status, SyncStatus::Succeeded);
    }
    let over = alarms.look().await.unwrap();
    assert_eq!((over.opened, over.closed), (0, 1));
    assert_eq!(
        open(&world).await,
        Vec::<Value>::new(),
        "those who are yet to be synced neither"
    );
}

#[tokio::test]
async fn processes_take_turns_to_look_and_a_newer_version_goes_first() {
    let world = World::start().await;
    let mut conn = world.pool.get().await.unwrap();
    let mut turns = Vec::new();
    for last in [
        "taken_at = taken_at",
        "taken_at = now() - interval '13 seconds'",
        "taken_at = now() - interval '13 seconds', version = '9'",
        "taken_at = now() - interval '61 seconds', version = '9'",
        "taken_at = now() - interval '13 seconds', version = '1'",
        "taken_at = now() + interval '1 day'",
    ] {
        if turns.is_empty() {
            turns.push(alarm::take_turn(&mut conn).await.unwrap());
        }
        world.sql(&format!("update alarm_look set {last}")).await;
        turns.push(alarm::take_turn(&mut conn).await.unwrap());
    }
    assert_eq!(turns, [true, false, true, false, true, true, true]);
}

#[tokio::test]
async fn an_alarm_of_a_newer_version_stands_and_hides_none_of_ours() {
    let world = World::start().await;
    let contoso = world.connected_company(1, 0).await;
    let alarms = alarms(&world).await;
    world.sql("alter table alarm drop constraint alarm_kind").await;
    world
        .sql(
            "insert into alarm (id, kind, company_id, message, remedy, opened_at)
             values (gen_random_uuid(), 'OF_TOMORROW', null, 'It broke.', 'Mend it.', now())",
        )
        .await;
    world
        .sql("insert into alarm_event (alarm_id, what, at, delivery, next_at) select id, 'OPENED', now(), 'WAITING', now() from alarm")
        .await;
    for _ in 0..2 {
        ended(&world, contoso, "FAILED", "MICROSOFT_UNAVAILABLE").await;
    }

    let settled = alarms.look().await.unwrap();

    assert_eq!(settled, changed(1, 0), "it is not ours to close");
    let mut conn = world.pool.get().await.unwrap();
    let heard = alarm::changes_after(&mut conn, &Scope::All, None, 0, 10).await.unwrap();
    assert_eq!(
        heard.iter().map(|heard| heard.alarm.kind).collect::<Vec<_>>(),
        [AlarmKind::RunFailing]
    );
    assert!(
        alarm::take_deliveries(&mut conn, 10).await.unwrap().is_empty(),
        "whoever knows it tells of it"
    );
}

#[tokio::test]
async fn that_an_alarm_is_over_is_told_after_that_it_began() {
    let world = World::start().await;
    world.connected_company(1, 0).await;
    alarms(&world).await;
    let known = Known {
        webhook: true,
        ..Known::default()
    };
    let mut conn = world.pool.get().await.unwrap();
    for status in ["RECONNECT_NEEDED", "CONNECTED"] {
        world.sql(&format!("update tenant set status = '{status}'")).await;
        alarm::settle(&mut conn, &known).await.unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..2 {
        let due = alarm::take_deliveries(&mut conn, 10).await.unwrap();
        let [one] = &due[..] else {
            panic!("one at a time: {due:?}")
        };
        told.push((one.what, one.alarm.closed_at.is_some()));
        assert!(
            alarm::take_deliveries(&mut conn, 10).await.unwrap().is_empty(),
            "not before it has arrived"
        );
        alarm::delivered(&mut conn, one.seq).await.unwrap();
    }
    assert_eq!(told, [(AlarmChange::Opened, false), (AlarmChange::Closed, true)]);
}
