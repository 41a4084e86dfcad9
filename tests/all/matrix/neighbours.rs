//! Faults that many companies share, or that one company brings upon its neighbours.

use futures::future::join_all;
use serde_json::{Value, json};
use tenantry::db::events::Events;
use tenantry::jobs::Alarms;
use tenantry::jobs::clock::strike;
use tenantry::model::SyncRun;
use tenantry::model::sync_run::{SyncKind, SyncMode, SyncStatus};
use tokio_util::sync::CancellationToken;

use super::processes::{shuffle, until_hit, worker};
use super::{connected, ended, until};
use crate::jobs::house::at;
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World};

async fn open_alarms(world: &World) -> Vec<Value> {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let events = Events::start(&world.pool, stop).await.expect("events start");
    let alarms = Alarms::new(world.pool.clone(), events, &world.microsoft, None);
    alarms.look().await.expect("the database answers");
    world
        .rows("select kind, company_id, remedy from alarm where closed_at is null")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_an_expired_secret_is_one_alarm_and_every_run_goes_on_when_there_is_a_new_one() {
    let world = World::start().await;
    let mut clients = Vec::new();
    let mut runs = Vec::new();
    for n in 0..6 {
        let contoso = connected(&world, 20 + n, 3).await;
        runs.push(world.queue(contoso, SyncMode::Full, false, None).await);
        clients.push(contoso);
    }
    world.register(true).await;
    let role = worker(&world, "worker", 3);
    let working = role.start();

    let waits = |run: &SyncRun| run.status == SyncStatus::Waiting;
    for run in join_all(runs.iter().map(|run| until(&world, run, waits))).await {
        let failure = run.failure.expect("it says what it waits for");
        assert_eq!(failure.code, "CREDENTIAL_REFUSED");
        assert!(failure.remedy.contains("MICROSOFT_CLIENT_SECRET"), "{}", failure.remedy);
    }
    let alarms = open_alarms(&world).await;
    assert_eq!(alarms.len(), 1, "one, and not one for each company: {alarms:#?}");
    assert_eq!(alarms[0]["kind"], "CREDENTIAL_REFUSED");
    assert_eq!(alarms[0]["company_id"], Value::Null);
    assert!(alarms[0]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
    let as_it_was = "select count(*) from sync_run where status = 'WAITING' and requests = 0 and lease_owner is null";
    assert_eq!(
        world.number(as_it_was).await,
        6,
        "no run failed, and none holds a place"
    );

    world.register(false).await;
    world
        .sql("update sync_run set not_before = now() where status = 'WAITING'")
        .await;
    for run in join_all(runs.iter().map(|run| ended(&world, run))).await {
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }
    assert_eq!(open_alarms(&world).await, Vec::<Value>::new());
    assert!(working.stop().await.success(), "{}", role.last_words());
    equal_and_ended_once(&world, &clients).await;
}

/// Performs what the clock has queued; how many runs that were.
async fn perform_all(world: &World) -> usize {
    let queued = world.rows("select id from sync_run where status = 'QUEUED'").await;
    for row in &queued {
        let id = row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let run = world.perform(id).await;
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }
    queued.len()
}

#[tokio::test]
async fn f21_a_clock_that_strikes_twice_late_or_backwards_gives_one_run_a_slot() {
    let world = World::start().await;
    let mut clients: Vec<Client> = Vec::new();
    for people in [6, 9] {
        clients.push(world.connected_company(people, 2).await);
    }
    let (mut here, mut there) = (world.pool.get().await.unwrap(), world.pool.get().await.unwrap());
    diesel_async::RunQueryDsl::execute(diesel::sql_query("set time zone 'Europe/Berlin'"), &mut there)
        .await
        .expect("a session where the clocks are changed tonight");
    // An hour does not exist there on this day; after it nobody works for four days, then a clock is set back and right again.
    let night = (0..24).map(|hour| (format!("2026-03-29T{hour:02}:00:00.5Z"), usize::from(hour % 4 == 0)));
    let later = [
        ("2026-04-02T17:30:00Z", 1),
        ("2026-04-02T09:00:00Z", 0),
        ("2026-04-02T16:00:00Z", 0),
        ("2026-04-02T20:00:01Z", 1),
    ];
    let mut slots = 0;
    for (now, expected) in night.chain(later.map(|(now, expected)| (now.to_owned(), expected))) {
        shuffle(&world, clients[0], slots as u64).await;

        let (one, other) = tokio::join!(
            strike(&mut here, SyncKind::Identity, at(&now)),
            strike(&mut there, SyncKind::Identity, at(&now))
        );

        let struck = one.expect("the database answers") + other.expect("the database answers");
        assert_eq!(struck, expected * clients.len(), "at {now}");
        assert_eq!(perform_all(&world).await, struck, "at {now}");
        slots += expected;
    }
    let by_slot = "select count(*) from (select from sync_slot group by company_id, slot, run_id) taken";
    assert_eq!(
        world.number(by_slot).await,
        i64::try_from(slots * clients.len()).unwrap()
    );
    let runs = "select count(distinct run_id) from sync_slot";
    assert_eq!(world.number(runs).await, 16, "each slot has a run of its own");
    let shared = world.full_sync(clients[0]).await;
    assert_eq!(shared.status, SyncStatus::Succeeded);
    world.release_everything().await;
    equal_and_ended_once(&world, &clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f31_small_tenants_are_synced_while_large_ones_stand_in_the_middle() {
    let world = World::start().await;
    let mut clients = Vec::new();
    for n in 0..12 {
        let small = connected(&world, 8 + n, 2).await;
        world.sync(small).await;
        shuffle(&world, small, n.into()).await;
        clients.push(small);
    }
    // Nobody has read these yet, so they may be large; and they came first.
    let mut large = Vec::new();
    for _ in 0..3 {
        let contoso = connected(&world, 2_500, 40).await;
        let hold = world
            .fault(contoso, json!({"on": "users", "kind": "hold", "skip": 1}))
            .await;
        let run = world.queue(contoso, SyncMode::Full, false, None).await;
        large.push((contoso, hold, run));
    }
    let mut small = Vec::new();
    for contoso in &clients {
        small.push(world.queue(*contoso, SyncMode::Auto, false, None).await);
    }
    let role = worker(&world, "worker", 2);
    let working = role.start();
    until_hit(&world, large[0].0, &large[0].1).await;

    for run in join_all(small.iter().map(|run| ended(&world, run))).await {
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }

    let large_now = "select count(*) filter (where status = 'RUNNING') * 10 + count(*) filter (where status = 'QUEUED')
                     from sync_run where finished_at is null";
    assert_eq!(world.number(large_now).await, 12, "one of them stands, and two wait");
    for (contoso, ..) in &large {
        world.mend(*contoso).await;
    }
    for run in join_all(large.iter().map(|(.., run)| ended(&world, run))).await {
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }
    assert!(working.stop().await.success(), "{}", role.last_words());
    world.release_everything().await;
    clients.extend(large.iter().map(|(contoso, ..)| *contoso));
    equal_and_ended_once(&world, &clients).await;
}
