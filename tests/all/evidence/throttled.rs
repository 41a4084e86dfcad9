//! Microsoft makes an evidence run wait: it does so without a worker's place, and goes on from where it was.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tenantry::db::events::{Events, News, Watch};
use tenantry::evidence;
use tenantry::jobs::{self, Doorbell};
use tenantry::microsoft::{Credential, Microsoft, Patience, Secret, Settings};
use tenantry::model::sync_run::{SyncKind, SyncRun, SyncStatus};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::jobs::house::soon;
use crate::support::house::now;
use crate::support::world::{CLIENT_ID, CLIENT_SECRET, Client, World, impatient};

/// A worker with a single place, whose evidence runs put up with long waits.
struct Worker {
    events: Events,
    doorbell: Doorbell,
    stop: CancellationToken,
    working: JoinHandle<()>,
    _stop: DropGuard,
}

impl Worker {
    async fn hired(world: &World) -> Self {
        // Younger than any slot: the real clock leaves them alone.
        world
            .sql("update tenant set connected_at = '2100-01-01T00:00:00Z'")
            .await;
        let stop = CancellationToken::new();
        let events = Events::start(&world.pool, stop.clone()).await.expect("events start");
        let doorbell = Doorbell::open(&world.pool).await.expect("a doorbell");
        let microsoft = Microsoft::new(Settings {
            login_url: world.simulator.url().clone(),
            graph_url: world.simulator.url().clone(),
            client_id: CLIENT_ID.into(),
            credential: Credential::Secret(Secret::new(CLIENT_SECRET)),
            patience: Patience {
                storm: Duration::from_secs(3_600),
                ..impatient()
            },
        })
        .expect("the settings are good");
        let engine = evidence::Engine::new(world.pool.clone(), microsoft, events.clone(), Arc::new(now));
        let perform = move |claim, place, stop| {
            let engine = engine.clone();
            async move { engine.perform(claim, place, stop).await }
        };
        let (pool, bell) = (world.pool.clone(), doorbell.clone());
        let work = jobs::work(pool, bell, events.clone(), 1, perform, stop.clone());
        Self {
            events,
            doorbell,
            working: tokio::spawn(work),
            _stop: stop.clone().drop_guard(),
            stop,
        }
    }

    /// Asks for evidence of a client.
    async fn ask(&self, world: &World, client: Client) -> (SyncRun, Watch) {
        let watch = self.events.watch(client.company_id, SyncKind::Evidence);
        let run = world.queue_evidence(client).await;
        self.doorbell.ring(run.id).await;
        (run, watch)
    }
}

/// Waits until the run is heard to stand so.
async fn heard(watch: &mut Watch, stands: impl Fn(&SyncRun) -> bool) -> SyncRun {
    loop {
        match soon(watch.next()).await {
            Some(News::Run(run)) if stands(&run) => return (*run).clone(),
            Some(_) => {}
            None => panic!("nobody is stopping"),
        }
    }
}

fn waits(run: &SyncRun) -> bool {
    run.message.starts_with("Waiting for Microsoft")
}

/// Every first question is told to come back after so many seconds: as many as are asked side by side.
async fn throttle(world: &World, client: Client, seconds: u32) {
    let fault = json!({"on": "*", "kind": "throttle", "retryAfter": seconds, "times": 6});
    world.fault(client, fault).await;
}

#[tokio::test]
async fn a_throttled_run_leaves_its_place_to_another_and_ends_complete() {
    let world = World::start().await;
    let contoso = world.connected_company(10, 2).await;
    let fabrikam = world.connected_company(10, 2).await;
    let worker = Worker::hired(&world).await;
    throttle(&world, contoso, 10).await;

    let (_, mut watch) = worker.ask(&world, contoso).await;
    let waiting = heard(&mut watch, waits).await;
    assert_eq!(
        waiting.status,
        SyncStatus::Running,
        "what it has read is kept in memory"
    );
    let (_, mut elsewhere) = worker.ask(&world, fabrikam).await;
    let other = heard(&mut elsewhere, |run| run.finished_at.is_some()).await;
    let throttled = heard(&mut watch, |run| run.finished_at.is_some()).await;

    for ended in [&other, &throttled] {
        let end = (ended.status, ended.message.as_str());
        assert_eq!(end, (SyncStatus::Succeeded, "Evidence complete."), "{ended:#?}");
    }
    assert!(other.finished_at < throttled.finished_at, "the other had its place");
    let kept = world.number("select count(*) from evidence_run").await;
    assert_eq!(kept, 2);
}

#[tokio::test]
async fn a_worker_that_stops_hands_back_a_run_that_has_left_its_place() {
    let world = World::start().await;
    let contoso = world.connected_company(10, 2).await;
    let worker = Worker::hired(&world).await;
    throttle(&world, contoso, 600).await;
    let (run, mut watch) = worker.ask(&world, contoso).await;
    heard(&mut watch, waits).await;

    worker.stop.cancel();
    soon(worker.working).await.expect("the worker did not panic");

    let run = world.run(run.id).await;
    assert_eq!((run.status, &*run.message), (SyncStatus::Queued, "Sync queued"));
}

#[tokio::test]
async fn a_run_that_has_ended_promises_no_further_try() {
    let world = World::start().await;
    let contoso = world.connected_company(10, 2).await;
    let fault = json!({"on": "users", "kind": "throttle", "retryAfter": 1_800});
    world.fault(contoso, fault).await;

    let run = world.collect_evidence(contoso).await;

    assert_eq!(run.status, SyncStatus::Partial, "{run:#?}");
    let says = "Microsoft asked us to wait for 1800 seconds: too many requests.";
    assert!(run.message.ends_with(says), "{}", run.message);
}
