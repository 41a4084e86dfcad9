//! The worker: answers the doorbell, one due run at a time in each of its places.
//!
//! The queue's own promises are weak, so it is used for as little as it does well: to wake a worker and to bound how
//! many runs there are at once.
//! - A worker that starts again under its old name strands what it had locked: every start has a name of its own.
//! - Failures are tried again at once and without end: the answer to the queue is always that all is well, and the
//!   run's row says how it went.
//! - A panic leaves the job locked, and any error of the database ends the queue's worker and drops what it was doing:
//!   a run is a task of its own, which outlives that, and the worker is started again.
//!
//! Which run is performed is decided when a worker is free, not when the bell rang: the click that came last goes
//! before two thousand runs of the clock.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{PollWith, Strategy, WorkerBuilder, WorkerBuilderExt, WorkerContext, WorkerError};
use futures::stream;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::doorbell::{Doorbell, Ring};
use super::hold::{LEASE, hold};
use crate::db::Pool;
use crate::db::events::Events;
use crate::model::sync_run::lease::{self, Claim};

/// The queue is looked at this often even if nothing was heard: a bell that rings while the queue is being read is not
/// heard.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many due runs are tried until one can be claimed; others may be claiming the same.
const CANDIDATES: i64 = 16;

/// How long the queue has to acknowledge, after the last run has left.
const FAREWELL: Duration = Duration::from_secs(1);

/// Waits before the queue's worker is started again.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Worker<P> {
    pool: Pool,
    doorbell: Doorbell,
    events: Events,
    perform: P,
    /// Who holds the leases: this start of this process.
    name: String,
    concurrency: usize,
    /// One permit per run, kept by the run itself: it may outlive the queue's worker that was asked to do it.
    places: Arc<Semaphore>,
}

impl<P, F> Worker<P>
where
    P: Fn(Claim, CancellationToken) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    pub(super) fn new(pool: Pool, doorbell: Doorbell, events: Events, concurrency: usize, perform: P) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(concurrency));
        Arc::new(Self {
            pool,
            doorbell,
            events,
            perform,
            name: fresh_name(),
            concurrency,
            places,
        })
    }

    /// Works until `stop`, and returns when every run has left.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let heard = Arc::new(Notify::new());
        tokio::select! {
            () = self.doorbell.clone().hear(heard.clone()) => {}
            () = self.clone().answer_until(heard, &stop) => {}
        }
        for _ in 0..self.concurrency {
            match self.places.acquire().await {
                Ok(place) => place.forget(),
                Err(_) => return,
            }
        }
    }

    /// Keeps a worker of the queue running.
    async fn answer_until(self: Arc<Self>, heard: Arc<Notify>, stop: &CancellationToken) {
        let mut wait = FIRST_WAIT;
        while !stop.is_cancelled() {
            let began = Instant::now();
            if let Err(error) = self.clone().answer_while_it_lives(heard.clone(), stop).await {
                tracing::warn!(%error, "the queue's worker ended");
            }
            wait = if began.elapsed() > LONGEST_WAIT {
                FIRST_WAIT
            } else {
                (wait * 2).min(LONGEST_WAIT)
            };
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    async fn answer_while_it_lives(
        self: Arc<Self>,
        heard: Arc<Notify>,
        stop: &CancellationToken,
    ) -> Result<(), WorkerError> {
        let rings = Box::pin(stream::unfold(heard, |heard| async move {
            heard.notified().await;
            Some(((), heard))
        }));
        let queue = PollWith::new(
            self.doorbell.storage(),
            Strategy::new().stream(rings).interval(LOOK_EVERY),
        );
        let context = WorkerContext::new(&fresh_name());
        let token = stop.clone();
        let (concurrency, places) = (self.concurrency, self.places.clone());
        let worker = WorkerBuilder::new(&context)
            .backend(queue)
            .concurrency(concurrency)
            .build(move |ring: Ring| {
                let (this, stop) = (self.clone(), token.clone());
                async move { this.answer(ring, stop).await }
            });
        let mut running = std::pin::pin!(worker.run());
        tokio::select! {
            // Polled first, so that it has started when it is told to stop.
            biased;
            ended = &mut running => ended,
            () = stop.cancelled() => {
                context.stop()?;
                tokio::select! {
                    ended = &mut running => ended,
                    // It may wait for ever where all its places were taken; by then nobody is left who needs it.
                    () = farewell(&places, concurrency) => Ok(()),
                }
            }
        }
    }

    /// Performs a run, if one is due, and never fails.
    async fn answer(self: Arc<Self>, ring: Ring, stop: CancellationToken) {
        let Some(Ok(place)) = stop.run_until_cancelled(self.places.clone().acquire_owned()).await else {
            return;
        };
        let run = tokio::spawn(async move {
            self.perform_next(ring.run_id, stop).await;
            drop(place);
        });
        if let Err(error) = run.await {
            tracing::error!(run_id = %ring.run_id, %error, "a run panicked; its lease will run out");
        }
    }

    async fn perform_next(&self, rung: Uuid, stop: CancellationToken) {
        let claim = match self.claim_next(rung).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return,
            Err(error) => {
                return tracing::warn!(%error, "no run could be claimed; the sweep will ring again");
            }
        };
        self.events.wake();
        hold(&self.pool, &self.events, claim, stop.clone(), self.perform.clone()).await;
        self.events.wake();
        if stop.is_cancelled() {
            return;
        }
        match self.due(1).await {
            Ok(due) => self.doorbell.ring_all(&due).await,
            Err(error) => tracing::warn!(%error, "what is due next is left to the sweep"),
        }
    }

    /// Claims the first run that is due and free. The one that was rung for is tried even where it is not among the
    /// first.
    async fn claim_next(&self, rung: Uuid) -> anyhow::Result<Option<Claim>> {
        let mut candidates = self.due(CANDIDATES).await?;
        candidates.push(rung);
        let mut conn = self.pool.get().await?;
        for run_id in candidates {
            if let Some(claim) = lease::claim(&mut conn, run_id, &self.name, LEASE).await? {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    async fn due(&self, most: i64) -> anyhow::Result<Vec<Uuid>> {
        let mut conn = self.pool.get().await?;
        Ok(lease::list_due(&mut conn, most).await?)
    }
}

/// Ends a little after every run has left its place: what they leave in the queue may still be acknowledged.
async fn farewell(places: &Semaphore, concurrency: usize) {
    for _ in 0..concurrency {
        match places.acquire().await {
            Ok(place) => place.forget(),
            Err(_) => return,
        }
    }
    places.add_permits(concurrency);
    tokio::time::sleep(FAREWELL).await;
}

/// A name that no other start of any process has.
fn fresh_name() -> String {
    format!("{}-{}", std::process::id(), Uuid::now_v7())
}
