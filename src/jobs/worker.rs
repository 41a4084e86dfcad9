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
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field};
use uuid::Uuid;

use super::doorbell::{Doorbell, Ring};
use super::hold::hold;
use super::places::Places;
use crate::db::Pool;
use crate::db::events::Events;
use crate::model::sync_run::lease::{self, Claim, Wanted};
use crate::run::Place;
use crate::telemetry::{TraceParent, metrics};

/// The queue is looked at this often even if nothing was heard: a bell that rings while the queue is being read is not
/// heard.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    concurrency: usize,
    places: Places,
    /// Every run has a receiver of it until it has left: it may outlive the queue's worker that was asked to do it.
    present: watch::Sender<()>,
}

impl<P, F> Worker<P>
where
    P: Fn(Claim, Place, CancellationToken) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    pub(super) fn new(pool: Pool, doorbell: Doorbell, events: Events, concurrency: usize, perform: P) -> Arc<Self> {
        Arc::new(Self {
            pool,
            doorbell,
            events,
            perform,
            concurrency,
            places: Places::new(fresh_name(), concurrency),
            present: watch::Sender::new(()),
        })
    }

    /// Works until `stop`, and returns when every run has left.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let heard = Arc::new(Notify::new());
        tokio::select! {
            () = self.doorbell.clone().hear(heard.clone()) => {}
            () = self.clone().answer_until(heard, &stop) => {}
        }
        self.present.closed().await;
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
        let (concurrency, leaving) = (self.concurrency, self.clone());
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
                    () = leaving.farewell() => Ok(()),
                }
            }
        }
    }

    /// Ends a little after every run has left: what they leave in the queue may still be acknowledged.
    async fn farewell(&self) {
        self.present.closed().await;
        tokio::time::sleep(FAREWELL).await;
    }

    /// Performs a run, if one is due, and never fails. The bell is answered as soon as the run leaves its place, for the
    /// queue counts answers: a run that waits must not be one.
    async fn answer(self: Arc<Self>, ring: Ring, stop: CancellationToken) {
        let Some(mut place) = stop.run_until_cancelled(self.places.take()).await else {
            return;
        };
        let (left, present) = (place.until_left(), self.present.subscribe());
        tokio::spawn(async move {
            let run = tokio::spawn(async move { self.perform_next(ring.run_id, place, stop).await });
            if let Err(error) = run.await {
                tracing::error!(run_id = %ring.run_id, %error, "a run panicked; its lease will run out");
            }
            drop(present);
        });
        left.await;
    }

    async fn perform_next(&self, rung: Uuid, mut place: Place, stop: CancellationToken) {
        let claim = match self.claim_next(rung, &mut place).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return,
            Err(error) => {
                return tracing::warn!(%error, "no run could be claimed; the sweep will ring again");
            }
        };
        self.events.wake();
        let (kind, began) = (claim.run.kind, Instant::now());
        let span = self.span_of(&claim).await;
        let perform = |claim, stop| (self.perform)(claim, place, stop);
        hold(&self.pool, &self.events, claim, stop.clone(), perform)
            .instrument(span)
            .await;
        metrics::run_took(kind.as_str(), began.elapsed());
        self.events.wake();
        if stop.is_cancelled() {
            return;
        }
        if let Err(error) = self.ring_for_the_next().await {
            tracing::warn!(%error, "what is due next is left to the sweep");
        }
    }

    /// What is done for the run, as a part of the trace of whoever asked for it. A run that nobody asked for begins one.
    async fn span_of(&self, claim: &Claim) -> Span {
        let run = &claim.run;
        let span = tracing::error_span!("run", run_id = %run.id, kind = %run.kind, trace_id = field::Empty);
        let asked: Option<TraceParent> = run.trace_parent.as_deref().and_then(|text| text.parse().ok());
        if let Some(asked) = asked {
            asked.adopt(&span);
            span.record("trace_id", asked.trace_id());
            return span;
        }
        let trace = TraceParent::of(&span).unwrap_or_else(|| TraceParent::named(Uuid::now_v7()));
        span.record("trace_id", trace.trace_id());
        let noted = async { anyhow::Ok(lease::trace(&mut *self.pool.get().await?, run.id, claim.fence, trace).await?) };
        if let Err(error) = noted.await {
            tracing::debug!(run_id = %run.id, %error, "the run's trace could not be noted");
        }
        span
    }

    async fn claim_next(&self, rung: Uuid, place: &mut Place) -> anyhow::Result<Option<Claim>> {
        let mut conn = self.pool.get().await?;
        Ok(self.places.claim(&mut conn, place, Some(rung)).await?)
    }

    /// For the first of all and the first of those that any place is good for: which of them may have this one is seen when
    /// it is claimed.
    async fn ring_for_the_next(&self) -> anyhow::Result<()> {
        let mut conn = self.pool.get().await?;
        let mut due = lease::list_due(&mut conn, 1, Wanted::ALL).await?;
        if due.iter().any(|due| due.large || due.suspect) {
            due.extend(lease::list_due(&mut conn, 1, Wanted::ORDINARY).await?);
        }
        drop(conn);
        let due: Vec<Uuid> = due.into_iter().map(|due| due.run_id).collect();
        self.doorbell.ring_all(&due).await;
        Ok(())
    }
}

/// A name that no other start of any process has.
fn fresh_name() -> String {
    format!("{}-{}", std::process::id(), Uuid::now_v7())
}
