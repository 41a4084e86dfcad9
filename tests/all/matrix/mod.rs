//! The faults that Tenantry has to survive, by number, and the tests that show it.
//!
//! Each of them ends with the same comparison: the database equals the directory and its evidence is whole, every run
//! that was queued ended exactly once, and what failed says what to do. Where a fault has no run to compare after, or is
//! shown in part, the table says so. A fault whose tests are gone, set aside, or end without the comparison fails the test
//! at the end of the table.

mod answers;
mod doors;
mod functions;
mod neighbours;
mod poison;
mod processes;
mod storage;
mod table;

use serde_json::json;
use tenantry::auth::Action;
use tenantry::db::events::{Events, News};
use tenantry::model::SyncRun;
use tenantry::model::service_token::{self, NewToken};
use tokio_util::sync::CancellationToken;

use crate::support::node::PATIENCE;
use crate::support::world::{Client, World};

/// A company that the real clock leaves alone: its connection is younger than any slot.
async fn connected(world: &World, people: u32, devices: u32) -> Client {
    let contoso = world
        .connected(json!({"seed": 7, "people": people, "devices": devices}))
        .await;
    world
        .sql(&format!(
            "update tenant set connected_at = '2100-01-01T00:00:00Z' where company_id = '{}'",
            contoso.company_id
        ))
        .await;
    contoso
}

/// The run, when somebody else has performed it to its end.
async fn ended(world: &World, run: &SyncRun) -> SyncRun {
    until(world, run, |run| !run.status.is_active()).await
}

/// The run, when somebody else has brought it there.
async fn until(world: &World, run: &SyncRun, is_there: impl Fn(&SyncRun) -> bool) -> SyncRun {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let events = Events::start(&world.pool, stop).await.expect("events start");
    let mut watch = events.watch(run.company_id, run.kind);
    let there = async {
        loop {
            let now = world.run(run.id).await;
            if is_there(&now) {
                return now;
            }
            match watch.next().await.expect("the listener lives") {
                News::Run(_) | News::Missed => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, there)
        .await
        .expect("the run comes there")
}

/// A service token that opens every company.
pub async fn token(world: &World) -> String {
    let mut conn = world.pool.get().await.expect("a connection");
    let new = NewToken {
        name: "The tests",
        by: "A test",
        days: 1,
        company_ids: None,
        actions: Action::of_tokens(),
    };
    let now = crate::support::house::now();
    service_token::issue(&mut conn, now, &new).await.expect("a token").1
}
