//! Performing an evidence run that a worker has claimed: collect, judge, keep.
//!
//! What was read and what it means are kept in the transaction that ends the run, under the fence of its claim: there is
//! no run that ended well without its evidence, and no evidence of a worker that was taken for dead.

use diesel_async::AsyncConnection;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::collect::{self, Clock, Progress, RESOURCES};
use super::judge::{self, Verdict};
use super::snapshot::{Outcome, Pull, Resource, Snapshot};
use super::{ending, keep};
use crate::db::Pool;
use crate::db::events::Events;
use crate::microsoft::{Microsoft, PERMISSIONS};
use crate::model::sync_run::RunFailure;
use crate::model::sync_run::lease::Claim;
use crate::run::{self, Place, Run, Stop, throttled_for};

/// Between which percents of a run the reading lies.
const READING: (usize, usize) = (5, 90);

/// Performs evidence runs.
#[derive(Clone)]
pub struct Engine {
    engine: run::Engine,
    clock: Clock,
}

impl Engine {
    /// An engine over this database, this way to Microsoft and this clock.
    pub fn new(pool: Pool, microsoft: Microsoft, events: Events, clock: Clock) -> Self {
        let engine = run::Engine {
            pool,
            microsoft,
            events,
        };
        Self { engine, clock }
    }

    /// Performs the run and writes down how it ended: finished, waiting, or handed back when `stop` is cancelled. A
    /// run whose lease was lost is left alone. While Microsoft makes it wait it leaves its place.
    pub async fn perform(&self, claim: Claim, place: Place, stop: CancellationToken) {
        let (run_id, fence) = (claim.run.id, claim.fence);
        let work = async {
            let run = self.engine.take_up(claim).await?;
            let clock = self.clock.clone();
            Evidence { run, place, clock }.perform().await
        };
        self.engine.perform(run_id, fence, work, stop).await;
    }
}

/// One claimed run of kind EVIDENCE.
struct Evidence {
    run: Run,
    place: Place,
    clock: Clock,
}

impl Evidence {
    /// Performs it, and writes down how it ended. Where it has to wait it begins again: what was collected is of its
    /// moment.
    async fn perform(mut self) -> Result<(), Stop> {
        let done = run::within(run::LONGEST, self.work()).await;
        let nothing = serde_json::json!({});
        self.run.end(done, &nothing).await
    }

    async fn work(&mut self) -> Result<(), Stop> {
        self.require_verified()?;
        let snapshot = match self.collect().await {
            Ok(snapshot) => snapshot,
            Err(stop) => return Err(self.run.weigh(stop).await?),
        };
        self.require_same_tenant(&snapshot)?;
        self.run.begin("Judging evidence", 90).await?;
        let (snapshot, verdicts) = self.judge(snapshot).await?;
        self.run.begin("Keeping evidence", 95).await?;
        self.keep(&snapshot, &verdicts).await
    }

    /// That the tenant is the one that was meant, and was connected by an administrator, is found out by the first
    /// identity run. Nothing is kept of a tenant of which that is not known.
    fn require_verified(&self) -> Result<(), Stop> {
        if self.run.tenant.expected_domain.is_none() && self.run.tenant.role_proven != Some(false) {
            return Ok(());
        }
        Err(Stop::Refused(RunFailure {
            code: "TENANT_NOT_VERIFIED".into(),
            message: "It is not known yet whether the right tenant was connected.".into(),
            remedy: "Sync the company's contacts first: that run finds it out.".into(),
        }))
    }

    /// Reads the tenant, and tells meanwhile how far that is.
    async fn collect(&mut self) -> Result<Snapshot, Stop> {
        self.run.begin("Reading evidence", 5).await?;
        let granted = self.run.note_granted().await?;
        let is_granted = |wanted: &str| granted.iter().any(|one| one == wanted);
        let whole = PERMISSIONS.iter().all(|wanted| is_granted(wanted));
        // The grants of one consent come together: what is missing beside others after a minute does not come.
        if !whole && self.run.consent_is_fresh() && (granted.is_empty() || self.run.grants_may_come()) {
            return Err(self.run.wait_for_consent());
        }
        let (progress, mut told) = watch::channel(Progress::default());
        let (graph, clock) = (self.run.graph.clone(), self.clock.clone());
        let mut reading = std::pin::pin!(collect::collect(&graph, &clock, &progress));
        let snapshot = loop {
            tokio::select! {
                read = &mut reading => break read?,
                changed = told.changed() => {
                    let so_far = told.borrow_and_update().clone();
                    if changed.is_err() {
                        continue;
                    }
                    // Nothing is missed meanwhile: what reads goes on when it is looked at again.
                    match so_far.still_until() {
                        Some(until) => self.stand_still(until, &progress).await?,
                        None => self.read(&so_far).await?,
                    }
                }
            }
        };
        let late = |pull: &Pull| pull.outcome == Outcome::PermissionMissing && is_granted(&pull.permission);
        if snapshot.pulls.values().any(late) && self.run.consent_is_fresh() {
            return Err(self.run.wait_for_consent());
        }
        Ok(snapshot)
    }

    /// The reading is so far.
    async fn read(&mut self, progress: &Progress) -> Result<(), Stop> {
        let &Progress { done, objects, .. } = progress;
        let percent = READING.0 + done * (READING.1 - READING.0) / RESOURCES;
        let message = format!("Reading evidence: {done} of {RESOURCES} sources, {objects} objects");
        self.run.progress(message, i32::try_from(percent).ok()).await
    }

    /// Microsoft lets every reading wait: so does the run, and others have its place meanwhile, if it may be left.
    async fn stand_still(&mut self, until: Instant, progress: &watch::Sender<Progress>) -> Result<(), Stop> {
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(());
        }
        self.run.say(throttled_for(wait)).await?;
        if self.place.leave() {
            progress.send_if_modified(Progress::place_left);
            sleep_until(until).await;
            self.place.take_again().await;
        }
        Ok(())
    }

    fn require_same_tenant(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        let organization = snapshot
            .complete(Resource::Organization)
            .and_then(|complete| complete.only());
        match organization {
            Ok(organization) if organization.id.parse() != Ok(self.run.graph.tenant()) => {
                Err(Stop::Mistaken(RunFailure {
                    code: "TENANT_MISMATCH".into(),
                    message:
                        "Microsoft answered for another tenant than the one that was connected, so it was disconnected."
                            .into(),
                    remedy: "Connect again and sign in as a Global Administrator of the right tenant.".into(),
                }))
            }
            _ => Ok(()),
        }
    }

    async fn judge(&self, snapshot: Snapshot) -> Result<(Snapshot, Vec<Verdict>), Stop> {
        let (company_id, at) = (self.run.claim.run.company_id, snapshot.taken_at);
        let (past, declarations) = {
            let mut conn = self.run.pool.get().await?;
            (
                keep::past(&mut conn, company_id, at).await?,
                keep::declarations(&mut conn, company_id, at).await?,
            )
        };
        let judged = tokio::task::spawn_blocking(move || {
            let verdicts = judge::judge(&snapshot, &past, &declarations);
            (snapshot, verdicts)
        });
        Ok(judged.await.map_err(anyhow::Error::from)?)
    }

    /// Keeps everything and ends the run, both or neither.
    async fn keep(&mut self, snapshot: &Snapshot, verdicts: &[Verdict]) -> Result<(), Stop> {
        let (run_id, fence, company_id) = (
            self.run.claim.run.id,
            self.run.claim.fence,
            self.run.claim.run.company_id,
        );
        let now = (self.clock)();
        let mut conn = self.run.pool.get().await?;
        let run = &mut self.run;
        let (status, message, failure) = ending::of(snapshot);
        conn.transaction(async |conn| -> Result<(), Stop> {
            keep::store(conn, company_id, run_id, snapshot, verdicts, now, fence).await?;
            run.finish_within(conn, status, message.clone(), failure.as_ref()).await
        })
        .await?;
        self.run.over(status, failure.as_ref());
        Ok(())
    }
}
