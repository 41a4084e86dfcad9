//! What runs when, and who runs it.
//!
//! The row of a sync run is the truth; a job is a doorbell that carries an id. A bell may ring twice, or not at all, or
//! for a run that somebody else has finished: whoever answers looks at the rows. Three loops stand behind every worker
//! process, take no input, and may run on any number of nodes at once:
//!
//! - [`worker`] answers the bell: claims a due run for one of its [`places`], keeps its lease, has it performed;
//! - [`sweep`] looks for what was forgotten: dead workers, bells that were not heard, leftovers;
//! - [`clock`] queues the runs of each slot.
//!
//! A fourth, [`alarms`], stands behind the API as well: it says what is wrong.

pub mod alarms;
pub mod clock;
mod doorbell;
mod hold;
pub mod places;
pub mod sweep;
mod webhook;
mod worker;

use std::future::Future;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

pub use self::alarms::Alarms;
pub use self::doorbell::Doorbell;
pub use self::webhook::{Show, Webhook};
use self::worker::Worker;
use crate::db::events::Events;
use crate::db::{Pool, Setback};
use crate::model::sync_run::lease::Claim;
use crate::run::Place;

/// Works until `stop`: at most `concurrency` runs at a time, half of them at most of large tenants, each of them performed
/// by `perform`.
///
/// `perform` ends the run by the functions of [`lease`](crate::model::sync_run::lease), and when its token is
/// cancelled hands it back. Its place is free when it drops it, or leaves it for a while. It is dropped where it stands when the lease is lost. A run that it leaves without an end,
/// or panics in, counts as one that brought its worker down.
///
/// After `stop` no run is claimed, those under way are handed back, and then this returns.
pub async fn work<P, F>(
    pool: Pool,
    doorbell: Doorbell,
    events: Events,
    concurrency: usize,
    perform: P,
    stop: CancellationToken,
) where
    P: Fn(Claim, Place, CancellationToken) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let worker = Worker::new(pool.clone(), doorbell.clone(), events.clone(), concurrency, perform);
    tokio::join!(
        worker.run(stop.clone()),
        sweep::run(pool.clone(), doorbell, events.clone(), stop.clone()),
        clock::run(pool, events, stop),
    );
}

/// The turns of a loop: one at once, then one every so often, until it is told to stop.
struct Turns {
    interval: Interval,
    stop: CancellationToken,
}

impl Turns {
    fn every(period: Duration, stop: CancellationToken) -> Self {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval, stop }
    }

    /// Waits for the next turn; false when there is none.
    async fn next(&mut self) -> bool {
        self.stop.run_until_cancelled(self.interval.tick()).await.is_some()
    }

    /// Takes a turn. A failure is logged, and the next turn tries again.
    async fn take(&self, name: &str, turn: impl Future<Output = anyhow::Result<()>>) {
        if let Some(Err(error)) = self.stop.run_until_cancelled(turn).await {
            match Setback::of(&error) {
                // The pool has told of it, once for all loops.
                Some(Setback::Away) => tracing::debug!(error = format!("{error:#}"), "the {name} failed"),
                _ => tracing::error!(error = format!("{error:#}"), "the {name} failed"),
            }
        }
    }
}
