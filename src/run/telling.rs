//! What those who watch a run are told, and how often: progress is merged, endings never are.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Run, Stop};
use crate::db::Connection;
use crate::db::events::Events;
use crate::model::Noun;
use crate::model::sync_run::lease::{self, Report};
use crate::model::sync_run::{Counts, RunFailure, StageTime, SyncRun, SyncStatus};

/// Progress is told at most this often.
const EVERY: Duration = Duration::from_millis(250);

/// What was told of a run, and when.
pub(super) struct Telling {
    events: Events,
    report: Report,
    taken_up: Instant,
    told: Instant,
    stage_began: Instant,
}

impl Telling {
    /// Goes on from where the run stands.
    pub fn of(run: &SyncRun, events: Events) -> Self {
        let report = Report {
            stage: None,
            message: run.message.clone(),
            progress: run.progress,
            counts: run.counts.clone(),
            stages: run.stages.clone(),
            requests: run.requests,
            waits_for: None,
        };
        let now = Instant::now();
        Self {
            events,
            report,
            taken_up: now,
            told: now,
            stage_began: now,
        }
    }

    fn end_stage(&mut self) {
        if let Some(name) = self.report.stage.take() {
            let milliseconds = i64::try_from(self.stage_began.elapsed().as_millis()).unwrap_or(i64::MAX);
            self.report.stages.push(StageTime { name, milliseconds });
        }
        self.stage_began = Instant::now();
    }
}

impl Run {
    /// Something was committed beside what is told here.
    pub fn wake(&self) {
        self.telling.events.wake();
    }

    /// A stage begins at so many percent of the run.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn begin(&mut self, stage: &str, percent: i32) -> Result<(), Stop> {
        self.telling.end_stage();
        self.telling.report.stage = Some(stage.to_owned());
        self.telling.report.progress = self.telling.report.progress.max(Some(percent));
        self.say(stage.to_owned()).await
    }

    /// The stage is so far. Of what comes quickly only some is told.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn progress(&mut self, message: String, percent: Option<i32>) -> Result<(), Stop> {
        self.telling.report.progress = self.telling.report.progress.max(percent);
        if self.telling.told.elapsed() < EVERY {
            self.telling.report.message = message;
            return Ok(());
        }
        self.say(message).await
    }

    /// Says this at once.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn say(&mut self, message: String) -> Result<(), Stop> {
        self.telling.report.message = message;
        let mut conn = self.pool.get().await?;
        lease::report(&mut conn, self.claim.run.id, self.claim.fence, &self.report()).await?;
        self.telling.told = Instant::now();
        self.wake();
        Ok(())
    }

    /// What a page would show right now.
    fn report(&self) -> Report {
        let mut report = self.telling.report.clone();
        report.requests = self.claim.run.requests + i64::try_from(self.graph.requests()).unwrap_or(i64::MAX);
        report
    }

    /// The kinds of record that are done with, from earlier claims too.
    pub fn is_settled(&self, noun: Noun) -> bool {
        self.telling.report.counts.iter().any(|counts| counts.kind == noun)
    }

    /// Whether no kind of record was brought up to date.
    pub fn brought_nothing(&self) -> bool {
        let mut counts = self.telling.report.counts.iter();
        counts.all(|counts| counts.skipped_because.is_some())
    }

    /// Writes down that a kind of record is done with, in the transaction that applies it, so that no claim does it
    /// twice. After the commit, [`settled`](Self::settled).
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn settle(&self, conn: &mut Connection, counts: &Counts) -> Result<(), Stop> {
        let mut report = self.report();
        report.counts.push(counts.clone());
        lease::report(conn, self.claim.run.id, self.claim.fence, &report).await?;
        Ok(())
    }

    /// The transaction that settled a kind of record was committed.
    pub fn settled(&mut self, counts: Counts) {
        self.telling.report.counts.push(counts);
        self.wake();
    }

    /// The run ends.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn finish(
        &mut self,
        status: SyncStatus,
        message: String,
        failure: Option<&RunFailure>,
    ) -> Result<(), Stop> {
        let mut conn = self.pool.get().await?;
        self.finish_within(&mut conn, status, message, failure).await?;
        self.over(status, failure);
        Ok(())
    }

    /// The end of the run was committed: those who watch look, and the log has a line of it. That names the company by its
    /// id alone, and the failure by its code.
    pub fn over(&self, status: SyncStatus, failure: Option<&RunFailure>) {
        self.wake();
        let run = &self.claim.run;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    run_id = %run.id,
                    company_id = %run.company_id,
                    kind = %run.kind,
                    outcome = %status,
                    code = failure.map(|failure| failure.code.as_str()),
                    seconds = self.telling.taken_up.elapsed().as_secs_f32(),
                    requests = self.report().requests,
                    "the run left its worker"
                )
            };
        }
        if status == SyncStatus::Failed {
            line!(warn);
        } else {
            line!(info);
        }
    }

    /// The run ends, within a transaction that ends more than the run. After the commit, [`over`](Self::over).
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn finish_within(
        &mut self,
        conn: &mut Connection,
        status: SyncStatus,
        message: String,
        failure: Option<&RunFailure>,
    ) -> Result<(), Stop> {
        self.telling.end_stage();
        self.telling.report.message = message;
        if status == SyncStatus::Succeeded {
            self.telling.report.progress = Some(100);
        }
        let (run_id, fence) = (self.claim.run.id, self.claim.fence);
        lease::finish(conn, run_id, fence, status, &self.report(), failure).await?;
        Ok(())
    }

    /// The run gives its worker up and goes on later, from the checkpoint.
    pub(super) async fn wait(
        &mut self,
        delay: Duration,
        message: String,
        waits_for: Option<RunFailure>,
        checkpoint: &impl Serialize,
    ) -> Result<(), Stop> {
        self.telling.end_stage();
        self.telling.report.message = message;
        self.telling.report.waits_for = waits_for.clone();
        let (run_id, fence) = (self.claim.run.id, self.claim.fence);
        let checkpoint = serde_json::to_value(checkpoint).map_err(anyhow::Error::from)?;
        let mut conn = self.pool.get().await?;
        lease::wait(&mut conn, run_id, fence, delay, &self.report(), &checkpoint).await?;
        self.over(SyncStatus::Waiting, waits_for.as_ref());
        Ok(())
    }
}
