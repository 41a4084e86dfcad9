//! Performing an evidence run that a worker has claimed: collect, judge, keep.
//!
//! What was read and what it means are kept in the transaction that ends the run, under the fence of its claim: there is
//! no run that ended well without its evidence, and no evidence of a worker that was taken for dead.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::collect::{self, Clock, Progress};
use super::ending::{self, Stop};
use super::judge::{self, Verdict};
use super::keep;
use super::snapshot::{Outcome, Pull, Resource, Snapshot};
use super::teller::Teller;
use crate::db::events::Events;
use crate::db::{Connection, Pool};
use crate::microsoft::{Graph, Microsoft, PERMISSIONS, Trouble};
use crate::model::sync_run::lease::{self, Claim};
use crate::model::sync_run::{RunFailure, SyncStatus};
use crate::model::{Tenant, tenant};
use crate::telemetry::metrics;

/// How long a fresh consent may take to reach every part of Microsoft.
const CONSENT_TAKES: TimeDelta = TimeDelta::minutes(15);

/// The grants of one consent need not be seen all at once, but nearly.
const GRANTS_COME_TOGETHER: TimeDelta = TimeDelta::seconds(60);

/// What an evidence run needs of the world.
#[derive(Clone)]
pub struct Engine {
    pool: Pool,
    microsoft: Microsoft,
    events: Events,
    clock: Clock,
}

impl Engine {
    /// An engine over this database, this way to Microsoft and this clock.
    pub fn new(pool: Pool, microsoft: Microsoft, events: Events, clock: Clock) -> Self {
        Self {
            pool,
            microsoft,
            events,
            clock,
        }
    }

    /// Performs the run and writes down how it ended: finished, waiting, or handed back when `stop` is cancelled. A
    /// run whose lease was lost is left alone.
    pub async fn perform(&self, claim: Claim, stop: CancellationToken) {
        let (run_id, fence) = (claim.run.id, claim.fence);
        let ended = tokio::select! {
            ended = self.go(claim) => ended,
            () = stop.cancelled() => self.hand_back(run_id, fence).await,
        };
        match ended {
            Ok(()) => tracing::info!(%run_id, "the evidence run left its worker"),
            Err(Stop::Lost) => tracing::warn!(%run_id, "the evidence run is no longer ours"),
            // The lease runs out, and the sweep takes the run back.
            Err(error) => {
                tracing::error!(%run_id, error = ?anyhow::Error::from(error), "the evidence run could not be ended")
            }
        }
    }

    async fn hand_back(&self, run_id: Uuid, fence: i64) -> Result<(), Stop> {
        let mut conn = self.pool.get().await?;
        lease::hand_back(&mut conn, run_id, fence).await?;
        self.events.wake();
        Ok(())
    }

    async fn go(&self, claim: Claim) -> Result<(), Stop> {
        let run_id = claim.run.id;
        let tenant = {
            let mut conn = self.pool.get().await?;
            tenant::find(&mut conn, claim.run.company_id).await?
        };
        let Some((tenant, entra_id)) = tenant.and_then(|tenant| tenant.entra_tenant_id.map(|id| (tenant, id))) else {
            return Err(anyhow::anyhow!("the run's company has no tenant").into());
        };
        let graph = self.microsoft.graph(entra_id);
        let teller = Teller::new(self.pool.clone(), self.events.clone(), graph.clone(), claim.clone());
        let mut run = Run {
            engine: self,
            graph,
            tenant,
            claim,
            teller,
        };
        let failure = match run.perform().await {
            Err(Stop::Wait { delay, message }) => {
                // A token keeps the permissions that it was born with.
                self.microsoft.forget_token(entra_id);
                return run.teller.wait(delay, message, None).await;
            }
            Err(Stop::WaitForOperator { delay, failure }) => {
                return run.teller.wait(delay, failure.message.clone(), Some(failure)).await;
            }
            Err(Stop::Trouble(trouble)) => RunFailure::from(&trouble),
            Err(Stop::Refused(failure)) => failure,
            Err(Stop::WrongTenant(failure)) => return run.disconnect(&failure).await,
            Err(Stop::Broken(error)) => {
                let Some(failure) = RunFailure::of_ours(&error) else {
                    return Err(Stop::Broken(error));
                };
                tracing::error!(%run_id, ?error, "the evidence run failed");
                failure
            }
            ended => return ended,
        };
        run.teller.fail(&failure).await
    }
}

/// The database's clock: the one that connections are dated by.
async fn now(conn: &mut Connection) -> diesel::QueryResult<DateTime<Utc>> {
    let clock = diesel::dsl::sql::<diesel::sql_types::Timestamptz>("clock_timestamp()");
    diesel_async::RunQueryDsl::get_result(diesel::select(clock), conn).await
}

/// One claimed run.
struct Run<'a> {
    engine: &'a Engine,
    graph: Graph,
    tenant: Tenant,
    claim: Claim,
    teller: Teller,
}

impl Run<'_> {
    async fn perform(&mut self) -> Result<(), Stop> {
        self.require_verified()?;
        let snapshot = match self.collect().await {
            Ok(snapshot) => snapshot,
            Err(stop) => return Err(self.weigh(stop).await?),
        };
        self.require_same_tenant(&snapshot)?;
        self.teller.begin("Judging evidence", 90).await?;
        let (snapshot, verdicts) = self.judge(snapshot).await?;
        self.teller.begin("Keeping evidence", 95).await?;
        self.keep(&snapshot, &verdicts).await
    }

    /// That the tenant is the one that was meant, and was connected by an administrator, is found out by the first
    /// identity run. Nothing is kept of a tenant of which that is not known.
    fn require_verified(&self) -> Result<(), Stop> {
        if self.tenant.expected_domain.is_none() && self.tenant.role_proven != Some(false) {
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
        self.teller.begin("Reading evidence", 5).await?;
        let granted = self.granted().await?;
        let age = self.consent_age().await?;
        let is_granted = |wanted: &str| granted.iter().any(|one| one == wanted);
        let whole = PERMISSIONS.iter().all(|wanted| is_granted(wanted));
        // The grants of one consent come together: what is missing beside others after a minute does not come.
        if !whole && age < CONSENT_TAKES && (granted.is_empty() || age < GRANTS_COME_TOGETHER) {
            return Err(self.wait_for_consent().await?);
        }
        let (progress, mut told) = watch::channel(Progress::default());
        let graph = self.graph.clone();
        let clock = self.engine.clock.clone();
        let mut reading = std::pin::pin!(collect::collect(&graph, &clock, &progress));
        let snapshot = loop {
            tokio::select! {
                read = &mut reading => break read?,
                changed = told.changed() => {
                    let progress = *told.borrow_and_update();
                    if changed.is_ok() {
                        self.teller.read(progress).await?;
                    }
                }
            }
        };
        let late = |pull: &Pull| pull.outcome == Outcome::PermissionMissing && is_granted(&pull.permission);
        if snapshot.pulls.values().any(late) && self.consent_is_fresh().await? {
            return Err(self.wait_for_consent().await?);
        }
        Ok(snapshot)
    }

    /// What the tenant has granted, as its token says; kept for whoever asks what is missing.
    async fn granted(&self) -> Result<Vec<String>, Stop> {
        let granted = self.graph.granted_permissions().await?;
        let mut conn = self.engine.pool.get().await?;
        tenant::note_granted(&mut conn, self.claim.run.company_id, self.graph.tenant(), &granted).await?;
        Ok(granted)
    }

    fn require_same_tenant(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        let organization = snapshot
            .complete(Resource::Organization)
            .and_then(|complete| complete.only());
        match organization {
            Ok(organization) if organization.id.parse() != Ok(self.graph.tenant()) => {
                Err(Stop::WrongTenant(RunFailure {
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
        let (company_id, at) = (self.claim.run.company_id, snapshot.taken_at);
        let (past, declarations) = {
            let mut conn = self.engine.pool.get().await?;
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
        let (run_id, fence, company_id) = (self.claim.run.id, self.claim.fence, self.claim.run.company_id);
        let now = (self.engine.clock)();
        let mut conn = self.engine.pool.get().await?;
        let teller = &mut self.teller;
        conn.transaction(async |conn| -> Result<(), Stop> {
            keep::store(conn, company_id, run_id, snapshot, verdicts, now, fence).await?;
            let (status, message, failure) = ending::of(snapshot);
            teller.finish_within(conn, status, message, failure.as_ref()).await
        })
        .await?;
        self.teller.wake();
        Ok(())
    }

    /// What becomes of trouble that concerns the whole tenant: as in a run of the other kind, some of it passes, and
    /// lost consent is a state of the tenant.
    async fn weigh(&self, stop: Stop) -> Result<Stop, Stop> {
        let Stop::Trouble(trouble) = stop else { return Ok(stop) };
        match &trouble {
            Trouble::Throttled { retry_after } => {
                metrics::throttle_handed_back(*retry_after);
                Ok(Stop::Wait {
                    delay: *retry_after,
                    message: format!(
                        "Waiting for Microsoft, which asks for {} seconds",
                        retry_after.as_secs().max(1)
                    ),
                })
            }
            Trouble::CredentialRefused { .. } => {
                let mut conn = self.engine.pool.get().await?;
                Ok(Stop::WaitForOperator {
                    delay: lease::patience(now(&mut conn).await? - self.claim.run.queued_at),
                    failure: RunFailure::from(&trouble),
                })
            }
            Trouble::ConsentMissing if self.consent_is_fresh().await? => self.wait_for_consent().await,
            Trouble::ConsentMissing | Trouble::TenantUnknown => {
                self.need_reconnect(&trouble).await?;
                Ok(Stop::Trouble(trouble))
            }
            _ => Ok(Stop::Trouble(trouble)),
        }
    }

    async fn need_reconnect(&self, trouble: &Trouble) -> Result<(), Stop> {
        let (run_id, fence, company_id) = (self.claim.run.id, self.claim.fence, self.claim.run.company_id);
        let mut conn = self.engine.pool.get().await?;
        conn.transaction(async |conn| -> Result<(), Stop> {
            lease::check(conn, run_id, fence).await?;
            let now = now(conn).await?;
            tenant::need_reconnect(conn, now, company_id, self.graph.tenant(), &trouble.message()).await?;
            Ok(())
        })
        .await
    }

    /// The connection was not what it was taken for: the run fails and the tenant is disconnected, at once.
    async fn disconnect(&mut self, failure: &RunFailure) -> Result<(), Stop> {
        let (company_id, run_id) = (self.claim.run.company_id, self.claim.run.id);
        let mut conn = self.engine.pool.get().await?;
        let teller = &mut self.teller;
        conn.transaction(async |conn| -> Result<(), Stop> {
            tenant::lock(conn, company_id).await?;
            teller
                .finish_within(conn, SyncStatus::Failed, failure.message.clone(), Some(failure))
                .await?;
            let now = now(conn).await?;
            tenant::disconnect_mistaken(conn, now, company_id, run_id, failure).await?;
            Ok(())
        })
        .await?;
        self.teller.wake();
        Ok(())
    }

    async fn consent_age(&self) -> Result<TimeDelta, Stop> {
        let mut conn = self.engine.pool.get().await?;
        let now = now(&mut conn).await?;
        let age = self.tenant.connected_at.map(|connected| now - connected);
        Ok(age.unwrap_or(TimeDelta::MAX))
    }

    async fn consent_is_fresh(&self) -> Result<bool, Stop> {
        Ok(self.consent_age().await? < CONSENT_TAKES)
    }

    /// Longer and longer, from a second to half a minute.
    async fn wait_for_consent(&self) -> Result<Stop, Stop> {
        let quarter = self.consent_age().await?.to_std().unwrap_or_default() / 4;
        Ok(Stop::Wait {
            delay: quarter.clamp(Duration::from_secs(1), Duration::from_secs(30)),
            message: "Waiting for Microsoft to apply consent".into(),
        })
    }
}
