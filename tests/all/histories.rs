//! Random histories of changes, faults and restarts: after the last good run, both sides are equal.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tenantry::model::sync_run::{SyncMode, SyncStatus};

use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World};

/// Something that happens to a company.
#[derive(Clone, Debug)]
enum Event {
    /// The directory changes in this many places.
    Changes { count: u8, seed: u16 },
    /// The next requests run into trouble, and a sync is tried.
    Trouble { kind: usize, place: usize, skip: u8 },
    /// A worker dies with a run in its hands; another takes it over.
    Crash,
    /// Microsoft forgets where we stopped.
    LinksExpire,
    /// A sync of what changed, or of everything.
    Sync { full: bool },
}

const KINDS: &[&str] = &[
    "status",
    "cut",
    "truncate",
    "malformed",
    "html",
    "gone",
    "expired_delta",
    "replay",
    "duplicate",
];
const PLACES: &[&str] = &["users", "users/delta", "groups/delta", "deviceManagement", "*"];

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1..15_u8, any::<u16>()).prop_map(|(count, seed)| Event::Changes { count, seed }),
        2 => (0..KINDS.len(), 0..PLACES.len(), 0..3_u8).prop_map(|(kind, place, skip)| Event::Trouble { kind, place, skip }),
        1 => Just(Event::Crash),
        1 => Just(Event::LinksExpire),
        2 => any::<bool>().prop_map(|full| Event::Sync { full }),
    ]
}

#[test]
fn any_history_ends_with_both_sides_equal() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 20,
        ..Config::default()
    });
    let histories = proptest::collection::vec(event(), 1..12);
    runner
        .run(&histories, |history| {
            runtime.block_on(live_through(&history));
            Ok(())
        })
        .expect("both sides are equal after every history");
}

async fn live_through(history: &[Event]) {
    let world = World::start().await;
    let contoso = world.connected_company(60, 15).await;
    for event in history {
        happen(&world, contoso, event).await;
    }
    world.mend(contoso).await;
    let run = world.full_or_not(contoso, history.len().is_multiple_of(2)).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    world.release_everything().await;
    equal_and_ended_once(&world, &[contoso]).await;
}

async fn happen(world: &World, contoso: Client, event: &Event) {
    let tenant = contoso.tenant_id;
    match event {
        Event::Changes { count, seed } => {
            world
                .post(
                    &format!("tenants/{tenant}/shuffle"),
                    json!({"count": count, "seed": seed}),
                )
                .await;
        }
        Event::Trouble { kind, place, skip } => {
            let fault = json!({"on": PLACES[*place], "kind": KINDS[*kind], "times": 2, "skip": skip, "status": 503});
            world.fault(contoso, fault).await;
            world.sync(contoso).await;
            world.mend(contoso).await;
        }
        Event::Crash => crash(world, contoso).await,
        Event::LinksExpire => {
            world.post(&format!("tenants/{tenant}/deltas/expire"), json!({})).await;
        }
        Event::Sync { full } => {
            world.full_or_not(contoso, *full).await;
        }
    }
}

/// The worker dies while a request is on its way, and the lease runs out.
async fn crash(world: &World, contoso: Client) {
    let run = world.queue(contoso, SyncMode::Auto, false, None).await;
    let doomed = world.perform_until(contoso, run.id, "users").await;
    doomed.abort();
    world.mend(contoso).await;
    world
        .sql("update sync_run set lease_until = now() - interval '1 second' where finished_at is null")
        .await;
    let mut conn = world.pool.get().await.expect("a connection");
    let taken = tenantry::model::sync_run::lease::take_back_expired(&mut conn)
        .await
        .expect("the database answers");
    drop(conn);
    assert_eq!(taken, [run.id]);
    let run = world.perform(run.id).await;
    assert!(!run.status.is_active(), "{run:#?}");
}
