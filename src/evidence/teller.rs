//! What those who watch an evidence run are told: progress is merged, endings never are.

use std::time::{Duration, Instant};

use super::collect::{Progress, RESOURCES};
use super::ending::Stop;
use crate::db::events::Events;
use crate::db::{Connection, Pool};
use crate::microsoft::Graph;
use crate::model::sync_run::lease::{self, Claim, Report};
use crate::model::sync_run::{RunFailure, StageTime, SyncStatus};

/// Progress is told at most this often.
const EVERY: Duration = Duration::from_millis(250);
/// Between which percents of a run the reading lies.
const READING: (usize, usize) = (5, 90);

/// Tells how one run stands.
pub(super) struct Teller {
    pool: Pool,
    events: Events,
    graph: Graph,
    claim: Claim,
    report: Report,
    told: Instant,
    stage_began: Instant,
}

impl Teller {
    /// Goes on from where the run stands.
    pub fn new(pool: Pool, events: Events, graph: Graph, claim: Claim) -> Self {
        let run = &claim.run;
        let report = Report {
            stage: None,
            message: run.message.clone(),
            progress: run.progress,
            counts: Vec::new(),
            stages: run.stages.clone(),
            requests: run.requests,
            waits_for: None,
        };
        let now = Instant::now();
        Self {
            pool,
            events,
            graph,
            claim,
            report,
            told: now,
            stage_began: now,
        }
    }

    /// Something was committed beside the teller.
    pub fn wake(&self) {
        self.events.wake();
    }

    /// A stage begins at so many percent of the run.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn begin(&mut self, stage: &str, percent: i32) -> Result<(), Stop> {
        self.end_stage();
        self.report.stage = Some(stage.to_owned());
        self.report.message = stage.to_owned();
        self.report.progress = self.report.progress.max(Some(percent));
        self.tell().await
    }

    /// The reading is so far.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn read(&mut self, progress: Progress) -> Result<(), Stop> {
        let percent = READING.0 + progress.done * (READING.1 - READING.0) / RESOURCES;
        self.report.progress = self.report.progress.max(i32::try_from(percent).ok());
        self.report.message = format!(
            "Reading evidence: {} of {RESOURCES} sources, {} objects",
            progress.done, progress.objects
        );
        if self.told.elapsed() < EVERY {
            return Ok(());
        }
        self.tell().await
    }

    async fn tell(&mut self) -> Result<(), Stop> {
        let report = self.report();
        let mut conn = self.pool.get().await?;
        lease::report(&mut conn, self.claim.run.id, self.claim.fence, &report).await?;
        self.told = Instant::now();
        self.events.wake();
        Ok(())
    }

    fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.requests = self.claim.run.requests + i64::try_from(self.graph.requests()).unwrap_or(i64::MAX);
        report
    }

    fn end_stage(&mut self) {
        if let Some(name) = self.report.stage.take() {
            let milliseconds = i64::try_from(self.stage_began.elapsed().as_millis()).unwrap_or(i64::MAX);
            self.report.stages.push(StageTime { name, milliseconds });
        }
        self.stage_began = Instant::now();
    }

    /// The run ends, within a transaction that keeps what it brought.
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
        self.end_stage();
        self.report.message = message;
        if status == SyncStatus::Succeeded {
            self.report.progress = Some(100);
        }
        let report = self.report();
        lease::finish(conn, self.claim.run.id, self.claim.fence, status, &report, failure).await?;
        Ok(())
    }

    /// The run ends with nothing to keep.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn fail(&mut self, failure: &RunFailure) -> Result<(), Stop> {
        let mut conn = self.pool.get().await?;
        self.finish_within(&mut conn, SyncStatus::Failed, failure.message.clone(), Some(failure))
            .await?;
        self.events.wake();
        Ok(())
    }

    /// The run gives its worker up and begins again later.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn wait(&mut self, delay: Duration, message: String, waits_for: Option<RunFailure>) -> Result<(), Stop> {
        self.end_stage();
        self.report.message = message;
        self.report.waits_for = waits_for;
        let report = self.report();
        let mut conn = self.pool.get().await?;
        let nothing = serde_json::json!({});
        lease::wait(&mut conn, self.claim.run.id, self.claim.fence, delay, &report, &nothing).await?;
        self.events.wake();
        Ok(())
    }
}
