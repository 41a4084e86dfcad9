//! What those who watch a run are told, and how often: progress is merged, endings never are.

use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::ending::Stop;

use crate::db::events::Events;
use crate::db::{Connection, Pool};
use crate::microsoft::Graph;
use crate::model::Noun;
use crate::model::sync_run::lease::{self, Claim, Report};
use crate::model::sync_run::{Counts, RunFailure, StageTime, SyncStatus};

/// Progress is told at most this often.
const EVERY: Duration = Duration::from_millis(250);

/// Tells how one run stands.
pub struct Reporter {
    pool: Pool,
    events: Events,
    graph: Graph,
    claim: Claim,
    report: Report,
    reading: Option<Reading>,
    told: Instant,
    stage_began: Instant,
}

/// How far the reading of one kind of record is.
struct Reading {
    noun: Noun,
    known: i64,
    read: i64,
}

impl Reading {
    /// Percent of the whole run, where the number of records that are stored already tells it.
    fn progress(&self, from: i32, to: i32) -> Option<i32> {
        let part = self.read.min(self.known) * i64::from(to - from) / self.known.max(1);
        (self.known > 0).then(|| from + i32::try_from(part).unwrap_or(0))
    }
}

/// What the reading of a kind is called, and between which percents of a run it lies.
fn stage(noun: Noun) -> (&'static str, i32, i32) {
    match noun {
        Noun::ContactGroup => ("Reading groups", 5, 30),
        Noun::Contact => ("Reading contacts", 30, 70),
        Noun::Asset => ("Reading assets", 70, 95),
    }
}

impl Reporter {
    /// Goes on from where the run stands.
    pub fn new(pool: Pool, events: Events, graph: Graph, claim: Claim) -> Self {
        let run = &claim.run;
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
            pool,
            events,
            graph,
            claim,
            report,
            reading: None,
            told: now,
            stage_began: now,
        }
    }

    /// Something was committed beside the reporter.
    pub fn wake(&self) {
        self.events.wake();
    }

    /// The kinds of record that are done with, from earlier claims too.
    pub fn is_settled(&self, noun: Noun) -> bool {
        self.report.counts.iter().any(|counts| counts.kind == noun)
    }

    /// Whether no kind of record was brought up to date.
    pub fn brought_nothing(&self) -> bool {
        self.report.counts.iter().all(|counts| counts.skipped_because.is_some())
    }

    /// What a page would show right now.
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.requests = self.claim.run.requests + i64::try_from(self.graph.requests()).unwrap_or(i64::MAX);
        report
    }

    /// The reading of a kind of record begins, of which `known` are stored and `read` were read before a wait.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn begin(&mut self, noun: Noun, known: i64, read: i64) -> Result<(), Stop> {
        self.end_stage();
        let (name, from, _) = stage(noun);
        self.reading = Some(Reading { noun, known, read });
        self.report.stage = Some(name.to_owned());
        self.report.message = name.to_owned();
        self.report.progress = self.report.progress.max(Some(from));
        self.tell().await
    }

    /// How many records of the kind were read so far.
    pub fn records_read(&self) -> i64 {
        self.reading.as_ref().map_or(0, |reading| reading.read)
    }

    /// So many records more were read.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn read(&mut self, records: usize) -> Result<(), Stop> {
        if let Some(reading) = &mut self.reading {
            reading.read += i64::try_from(records).unwrap_or(i64::MAX);
            let (name, from, to) = stage(reading.noun);
            self.report.message = format!("{name}: {}", grouped(reading.read));
            self.report.progress = self.report.progress.max(reading.progress(from, to));
        }
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
        self.report.counts.push(counts);
        self.events.wake();
    }

    fn end_stage(&mut self) {
        if let Some(name) = self.report.stage.take() {
            let milliseconds = i64::try_from(self.stage_began.elapsed().as_millis()).unwrap_or(i64::MAX);
            self.report.stages.push(StageTime { name, milliseconds });
        }
        self.stage_began = Instant::now();
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
        self.events.wake();
        Ok(())
    }

    /// The run ends, within a transaction that ends more than the run.
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

    /// The run gives its worker up and goes on later, from the checkpoint.
    ///
    /// # Errors
    /// [`Stop::Lost`] when the run is no longer ours.
    pub async fn wait(
        &mut self,
        delay: Duration,
        message: String,
        waits_for: Option<RunFailure>,
        checkpoint: &Checkpoint,
    ) -> Result<(), Stop> {
        self.end_stage();
        self.report.message = message;
        self.report.waits_for = waits_for;
        let report = self.report();
        let mut conn = self.pool.get().await?;
        let checkpoint = serde_json::to_value(checkpoint).map_err(anyhow::Error::from)?;
        lease::wait(
            &mut conn,
            self.claim.run.id,
            self.claim.fence,
            delay,
            &report,
            &checkpoint,
        )
        .await?;
        self.events.wake();
        Ok(())
    }
}

/// A count as people read it: `1,200`.
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
