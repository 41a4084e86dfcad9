//! Faults of processes: killed, frozen, asked to end, with a clock of their own, without their database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use rustix::process::Signal;
use serde_json::json;
use tenantry::db::Pool;
use tenantry::graphql::id::IdOf;
use tenantry::model::SyncRun;
use tenantry::model::sync_run::{SyncMode, SyncStatus};
use uuid::Uuid;

use super::{connected, ended};
use crate::chaos::watcher::Watcher;
use crate::support::cluster::{Cluster, Fall};
use crate::support::node::{Node, Role, until_ready};
use crate::support::skip;
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World, client};

/// A folder for what processes say.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("matrix-{}", Uuid::new_v4().simple()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub fn worker(world: &World, name: &str, places: usize) -> Role {
    Role::worker(name, &folder(), world.pool.direct().url(), &world.simulator, places)
}

/// Queues a full run for the company, and lets a worker that is started for it come as far as `on`.
pub async fn held_at(world: &World, contoso: Client, role: &Role, on: &str, skip: u64) -> (SyncRun, Node) {
    let hold = world
        .fault(contoso, json!({"on": on, "kind": "hold", "skip": skip}))
        .await;
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    let node = role.start();
    until_hit(world, contoso, &hold).await;
    (run, node)
}

pub async fn until_hit(world: &World, contoso: Client, fault: &str) {
    let path = format!("tenants/{}/faults/{fault}?hits=1", contoso.tenant_id);
    while world.get(&path).await["hits"] == 0 {}
}

/// The leases of the dead run out now, and what they share with others.
pub async fn leases_run_out(world: &World) {
    world
        .sql("update graph_share set seen_at = seen_at - interval '1 minute'")
        .await;
    world
        .sql("update sync_run set lease_until = now() - interval '1 second' where status = 'RUNNING'")
        .await;
}

pub async fn shuffle(world: &World, contoso: Client, seed: u64) {
    let shuffle = format!("tenants/{}/shuffle", contoso.tenant_id);
    world.post(&shuffle, json!({"count": 8, "seed": seed})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f1_a_worker_that_is_killed_at_any_point_leaves_nothing_half_done() {
    let world = World::start().await;
    let contoso = connected(&world, 1_200, 12).await;
    let role = worker(&world, "worker", 2);
    for (seed, (on, skip)) in [("groups/delta", 0), ("users", 0), ("users", 1), ("deviceManagement", 0)]
        .into_iter()
        .enumerate()
    {
        shuffle(&world, contoso, seed as u64).await;
        let (run, mut doomed) = held_at(&world, contoso, &role, on, skip).await;
        doomed.signal(Signal::KILL);
        doomed.wait().await;
        world.mend(contoso).await;
        leases_run_out(&world).await;

        let heir = role.start();
        let run = ended(&world, &run).await;

        assert_eq!(run.status, SyncStatus::Succeeded, "killed at {on}: {run:#?}");
        assert!(heir.stop().await.success(), "{}", role.last_words());
        world.release_everything().await;
        equal_and_ended_once(&world, &[contoso]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f1_a_worker_that_is_killed_while_it_writes_leaves_nothing_half_written() {
    let world = World::start().await;
    let contoso = connected(&world, 60, 0).await;
    world.sync(contoso).await;
    shuffle(&world, contoso, 3).await;
    let mut blocker = world.pool.raw().await.expect("a connection");
    let lock = blocker.transaction().await.expect("a transaction");
    lock.execute("select from contact for update", &[])
        .await
        .expect("locked");
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    let role = worker(&world, "worker", 1);
    let mut doomed = role.start();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock' and query ilike '%contact%'";
    while world.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    doomed.signal(Signal::KILL);
    doomed.wait().await;
    lock.rollback().await.expect("unlocked");
    leases_run_out(&world).await;

    let heir = role.start();
    let run = ended(&world, &run).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert!(heir.stop().await.success(), "{}", role.last_words());
    world.release_everything().await;
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_a_worker_that_was_frozen_for_long_writes_nothing_of_what_it_held_and_works_on() {
    let world = World::start().await;
    let contoso = connected(&world, 80, 10).await;
    let (frozen, awake) = (worker(&world, "frozen", 1), worker(&world, "awake", 1));
    let (run, zombie) = held_at(&world, contoso, &frozen, "users", 0).await;
    zombie.signal(Signal::STOP);
    world.mend(contoso).await;
    leases_run_out(&world).await;
    let heir = awake.start();
    let done = ended(&world, &run).await;
    assert_eq!(done.status, SyncStatus::Succeeded, "{done:#?}");
    let fence = format!("select fence from sync_run where id = '{}'", run.id);
    let fenced = world.number(&fence).await;
    assert!(heir.stop().await.success(), "{}", awake.last_words());

    zombie.signal(Signal::CONT);
    shuffle(&world, contoso, 5).await;
    let next = world.queue(contoso, SyncMode::Auto, false, None).await;
    let next = ended(&world, &next).await;

    assert_eq!(
        next.status,
        SyncStatus::Succeeded,
        "the one that was frozen works on: {next:#?}"
    );
    assert_eq!(world.number(&fence).await, fenced, "and left the other run alone");
    assert!(zombie.stop().await.success(), "{}", frozen.last_words());
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn f2_whoever_freezes_in_a_transaction_keeps_its_locks_for_a_minute_and_no_longer() {
    let world = World::start().await;
    let pooled = "select setting::bigint from pg_settings where name = 'idle_in_transaction_session_timeout'";
    assert_eq!(world.number(pooled).await, 60_000, "of connections of one's own");
    let mut conn = world.pool.get().await.expect("a connection");
    let refused = diesel_async::RunQueryDsl::execute(
        diesel::sql_query(format!("select 1 / ((({pooled})) = 60000)::int")),
        &mut conn,
    )
    .await;
    assert!(refused.is_ok(), "and of those that are shared: {refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_while_postgres_is_away_the_api_says_so_and_afterwards_everybody_works_on() {
    let mut postgres = Cluster::start("away").await;
    let world = World::over(postgres.url()).await;
    let contoso = connected(&world, 60, 5).await;
    let folder = folder();
    let (api, url) = Role::api("api", &folder, postgres.url(), &world.simulator);
    let hand = Role::worker("worker", &folder, postgres.url(), &world.simulator, 1);
    let mut serving = api.start();
    until_ready(&api, &mut serving, &url).await;
    let (run, mut working) = held_at(&world, contoso, &hand, "users", 0).await;

    for how in [Fall::Immediate, Fall::Fast] {
        postgres.fall(how).await;
        let health = url.join("health/ready").expect("a path");
        let ask = client()
            .post(url.join("graphql").expect("a path"))
            .bearer_auth("any")
            .json(&json!({"query": "{ viewer { name } }"}));
        while client().get(health.clone()).send().await.expect("it lives").status() != StatusCode::SERVICE_UNAVAILABLE {
        }
        let answer = ask.send().await.expect("it answers");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key(RETRY_AFTER), "{:?}", answer.headers());
        postgres.rise().await;
        until_ready(&api, &mut serving, &url).await;
    }
    world.mend(contoso).await;
    let run = ended_with_its_lease(&world, &run).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}\n{}", hand.last_words());
    assert!(
        serving.ended().is_none() && working.ended().is_none(),
        "nobody was started again"
    );
    assert!(serving.stop().await.success() && working.stop().await.success());
    equal_and_ended_once(&world, &[contoso]).await;
    drop(world);
    postgres.end().await;
}

/// As [`ended`], where the worker may have let go of it: its lease is not waited for.
async fn ended_with_its_lease(world: &World, run: &SyncRun) -> SyncRun {
    let pool = Pool::new(world.pool.direct().url(), 1).expect("a pool");
    let impatience = async {
        loop {
            let mut conn = pool.get().await.expect("a connection");
            let lapse = "update sync_run set lease_until = now() - interval '1 second'
                         where status = 'RUNNING' and lease_until < now() + interval '15 seconds'";
            diesel_async::RunQueryDsl::execute(diesel::sql_query(lapse), &mut conn)
                .await
                .expect("the statement runs");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        run = ended(world, run) => run,
        () = impatience => unreachable!("it has no end"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_workers_whose_clocks_are_off_by_ten_minutes_share_the_work_as_if_they_were_right() {
    let Some(library) = faketime() else {
        return skip::for_want_of("libfaketime (apt-get install faketime)", "a clock that is off");
    };
    let world = World::start().await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(connected(&world, 30, 4).await);
    }
    let clock = |name: &str, off: &str| {
        worker(&world, name, 2)
            .with("LD_PRELOAD", &library)
            .with("FAKETIME", off)
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .with("DONT_FAKE_MONOTONIC", "1")
    };
    let (ahead, behind) = (clock("ahead", "+600"), clock("behind", "-600"));
    let mut runs = Vec::new();
    for contoso in &clients {
        runs.push(world.queue(*contoso, SyncMode::Full, false, None).await);
    }
    let hands = [ahead.start(), behind.start()];

    for run in join_all(runs.iter().map(|run| ended(&world, run))).await {
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }

    let taken_twice = "select count(*) from sync_run where fence <> 1 or crashes <> 0";
    assert_eq!(world.number(taken_twice).await, 0, "no lease was taken for over");
    let off = "select count(*) from sync_run where abs(extract(epoch from now() - finished_at)) > 300";
    assert_eq!(
        world.number(off).await,
        0,
        "what is written down is the database's time"
    );
    for hand in hands {
        assert!(hand.stop().await.success());
    }
    equal_and_ended_once(&world, &clients).await;
}

fn faketime() -> Option<String> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists())
        .map(|library| library.display().to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_jobs_that_nobody_can_read_are_cleared_away_and_the_runs_are_performed() {
    let world = World::start().await;
    let contoso = connected(&world, 40, 4).await;
    let role = worker(&world, "worker", 1);
    let (run, working) = held_at(&world, contoso, &role, "users", 0).await;
    for (id, job) in [("01KAZ0000000000000000000AA", r"\x00"), ("not an id", r"\x7b7d")] {
        world
            .sql(&format!(
                "insert into apalis.jobs (id, job_type, job, status, run_at, priority, max_attempts)
                 values ('{id}', 'sync', '{job}', 'Pending', now() - interval '1 hour', 9, 1)"
            ))
            .await;
    }
    world.mend(contoso).await;
    let run = ended(&world, &run).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    shuffle(&world, contoso, 2).await;
    let mut conn = world.pool.get().await.expect("a connection");
    tenantry::jobs::sweep::tidy(&mut conn).await.expect("tidied");
    drop(conn);

    let next = world.queue(contoso, SyncMode::Auto, false, None).await;
    let next = ended(&world, &next).await;

    assert_eq!(next.status, SyncStatus::Succeeded, "{next:#?}\n{}", role.last_words());
    assert!(working.stop().await.success(), "{}", role.last_words());
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f24_a_worker_with_twenty_runs_that_is_asked_to_end_hands_all_of_them_back() {
    let world = World::start().await;
    let mut clients = Vec::new();
    let mut runs = Vec::new();
    for _ in 0..20 {
        let contoso = connected(&world, 12, 0).await;
        let hold = world.fault(contoso, json!({"on": "users", "kind": "hold"})).await;
        runs.push(world.queue(contoso, SyncMode::Full, false, None).await);
        clients.push((contoso, hold));
    }
    // Of tenants that were never read, which may be large, half of the places are given to at most.
    let old = worker(&world, "old", 40).with("TENANTRY_DATABASE_CONNECTIONS", "12");
    let leaving = old.start();
    for (contoso, hold) in &clients {
        until_hit(&world, *contoso, hold).await;
    }

    let how = leaving.stop().await;

    assert!(how.success(), "{how}\n{}", old.last_words());
    let back = "select count(*) from sync_run where status = 'QUEUED' and crashes = 0 and lease_owner is null";
    assert_eq!(
        world.number(back).await,
        20,
        "they were handed back, and not taken from a dead worker"
    );
    for (contoso, _) in &clients {
        world.mend(*contoso).await;
    }
    let new = worker(&world, "new", 8);
    let heir = new.start();
    for run in join_all(runs.iter().map(|run| ended(&world, run))).await {
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }
    assert!(heir.stop().await.success(), "{}", new.last_words());
    let clients: Vec<Client> = clients.into_iter().map(|(contoso, _)| contoso).collect();
    equal_and_ended_once(&world, &clients).await;
}

/// An API, and somebody who watches the company there.
async fn somebody_watches(world: &World, contoso: Client) -> (Node, Watcher) {
    let (api, url) = Role::api("api", &folder(), world.pool.direct().url(), &world.simulator);
    let mut serving = api.start();
    until_ready(&api, &mut serving, &url).await;
    let token = super::token(world).await;
    let watcher = Watcher::start(&url, &token, IdOf::Company.show(contoso.company_id).0);
    watcher.until_told().await;
    (serving, watcher)
}

async fn hears_that_it_succeeded(watcher: Watcher, run: &SyncRun) {
    let shown = IdOf::SyncRun.show(run.id).0;
    watcher.until_last_is(&json!(shown), &json!("SUCCEEDED")).await;
    watcher.dismiss();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_a_subscriber_of_either_api_hears_what_a_worker_elsewhere_does() {
    let world = World::start().await;
    let contoso = connected(&world, 20, 0).await;
    let (serving, watcher) = somebody_watches(&world, contoso).await;
    let hand = worker(&world, "worker", 1);
    let working = hand.start();

    let run = world.queue(contoso, SyncMode::Auto, false, None).await;
    ended(&world, &run).await;

    hears_that_it_succeeded(watcher, &run).await;
    assert!(working.stop().await.success() && serving.stop().await.success());
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_whoever_loses_the_listening_connection_hears_all_the_same_how_every_run_ended() {
    let world = World::start().await;
    let contoso = connected(&world, 20, 0).await;
    let (serving, watcher) = somebody_watches(&world, contoso).await;
    let hand = worker(&world, "worker", 1);
    let (run, working) = held_at(&world, contoso, &hand, "users", 0).await;

    let deaf = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and application_name like 'tenantry%, listening'";
    assert!(world.number(deaf).await >= 2, "the API and the worker listened");
    world.mend(contoso).await;
    let run = ended(&world, &run).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}\n{}", hand.last_words());
    hears_that_it_succeeded(watcher, &run).await;
    assert!(working.stop().await.success() && serving.stop().await.success());
    equal_and_ended_once(&world, &[contoso]).await;
}
