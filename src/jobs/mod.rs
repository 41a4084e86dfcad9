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
//! A fourth, [`alarms`], stands behind the API as well: it says what is wrong. And whoever works does it
//! [while it shares](while_sharing) Microsoft's limits with the other processes that do.

pub mod alarms;
pub mod clock;
mod doorbell;
mod hold;
pub mod places;
mod share;
pub mod sweep;
mod webhook;
mod worker;

use std::future::Future;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

pub use self::alarms::Alarms;
pub use self::doorbell::Doorbell;
pub use self::share::while_sharing;
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
/// cancelled hands it back. Its place is free when it drops it, or leaves it for a while. It is dropped where it stands
/// when the lease is lost. A run that it leaves without an end, or panics in, counts as one that brought its worker down.
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

/// A turn that takes longer waits for a connection that has gone silent.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// The same for one that removes what is old, a little at a time.
const LONGEST_TIDYING: Duration = Duration::from_secs(1_800);

/// The turns of a loop: one at once, then one every so often, until it is told to stop.
struct Turns {
    interval: Interval,
    longest: Duration,
    pool: Pool,
    stop: CancellationToken,
}

impl Turns {
    fn every(period: Duration, longest: Duration, pool: &Pool, stop: CancellationToken) -> Self {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            interval,
            longest,
            pool: pool.clone(),
            stop,
        }
    }

    /// Waits for the next turn; false when there is none.
    async fn next(&mut self) -> bool {
        self.stop.run_until_cancelled(self.interval.tick()).await.is_some()
    }

    /// Takes a turn. A failure is logged, and the next turn tries again; one that takes too long is given up, with the
    /// connection that it waited for.
    async fn take(&self, name: &str, turn: impl Future<Output = anyhow::Result<()>>) {
        let taken = self.stop.run_until_cancelled(timeout(self.longest, turn)).await;
        match taken {
            Some(Ok(Err(error))) => match Setback::of(&error) {
                // The pool has told of it, once for all loops.
                Some(Setback::Away) => tracing::debug!(error = format!("{error:#}"), "the {name} failed"),
                _ => tracing::error!(error = format!("{error:#}"), "the {name} failed"),
            },
            Some(Err(_)) => {
                let seconds = self.longest.as_secs();
                tracing::error!(seconds, "the {name} got no answer, and begins again");
                self.pool.forget_idle();
            }
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_that_gets_no_answer_is_given_up() {
        let pool = Pool::new("postgresql://nobody@127.0.0.1:1/nothing", 1).expect("a pool");
        let mut turns = Turns::every(
            Duration::from_millis(1),
            Duration::ZERO,
            &pool,
            CancellationToken::new(),
        );
        turns.take("silence", std::future::pending()).await;
        assert!(turns.next().await, "and the next one comes");
    }
}
