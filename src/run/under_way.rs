//! One claimed run, with what it has of the world; and what becomes of trouble on its way.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::telling::Telling;
use super::{Engine, Stop};
use crate::db::{Connection, Pool};
use crate::microsoft::{Graph, Microsoft, Trouble};
use crate::model::sync_run::lease::{self, Claim};
use crate::model::sync_run::{RunFailure, SyncStatus};
use crate::model::{Tenant, tenant};
use crate::telemetry::metrics;

/// How long a fresh consent may take to reach every part of Microsoft.
const CONSENT_TAKES: TimeDelta = TimeDelta::minutes(15);

/// The grants of one consent need not be seen all at once, but nearly.
const GRANTS_COME_TOGETHER: TimeDelta = TimeDelta::seconds(60);

/// One claimed run.
pub struct Run {
    pub pool: Pool,
    pub graph: Graph,
    pub tenant: Tenant,
    pub claim: Claim,
    /// When it was taken up.
    pub began: DateTime<Utc>,
    pub(super) telling: Telling,
    microsoft: Microsoft,
}

/// The database's clock: the one that leases, connections and records go by.
///
/// # Errors
/// When the database fails.
pub async fn now(conn: &mut Connection) -> diesel::QueryResult<DateTime<Utc>> {
    let clock = diesel::dsl::sql::<diesel::sql_types::Timestamptz>("clock_timestamp()");
    diesel_async::RunQueryDsl::get_result(diesel::select(clock), conn).await
}

impl Run {
    pub(super) async fn new(engine: &Engine, claim: Claim) -> Result<Self, Stop> {
        let (tenant, began) = {
            let mut conn = engine.pool.get().await?;
            let tenant = tenant::find(&mut conn, claim.run.company_id).await?;
            (tenant, now(&mut conn).await?)
        };
        let Some((tenant, entra_id)) = tenant.and_then(|tenant| tenant.entra_tenant_id.map(|id| (tenant, id))) else {
            return Err(anyhow::anyhow!("the run's company has no tenant").into());
        };
        Ok(Self {
            pool: engine.pool.clone(),
            graph: engine.microsoft.graph(entra_id),
            tenant,
            telling: Telling::of(&claim.run, engine.events.clone()),
            claim,
            began,
            microsoft: engine.microsoft.clone(),
        })
    }

    /// Writes down how the run ended, or that it goes on later from `checkpoint`.
    ///
    /// # Errors
    /// What keeps the run from ending here: the lease was lost, or the database failed.
    pub async fn end(&mut self, done: Result<(), Stop>, checkpoint: &impl Serialize) -> Result<(), Stop> {
        let failure = match done {
            Ok(()) | Err(Stop::Lost) => return done,
            Err(Stop::Wait { delay, message }) => {
                // A token keeps the permissions that it was born with.
                self.microsoft.forget_token(self.graph.tenant());
                return self.wait(delay, message, None, checkpoint).await;
            }
            Err(Stop::WaitForOperator { delay, failure }) => {
                let message = failure.message.clone();
                return self.wait(delay, message, Some(failure), checkpoint).await;
            }
            Err(Stop::Mistaken(failure)) => return self.disconnect(&failure).await,
            Err(Stop::Trouble(trouble)) => RunFailure::from(&trouble),
            Err(Stop::Refused(failure)) => failure,
            Err(Stop::Broken(error)) => {
                let Some(failure) = RunFailure::of_ours(&error) else {
                    return Err(Stop::Broken(error));
                };
                tracing::error!(run_id = %self.claim.run.id, ?error, "the run failed");
                failure
            }
        };
        self.finish(SyncStatus::Failed, failure.message.clone(), Some(&failure))
            .await
    }

    /// The connection was not what it was taken for: the run fails and the tenant is disconnected, at once.
    async fn disconnect(&mut self, failure: &RunFailure) -> Result<(), Stop> {
        let (company_id, run_id) = (self.claim.run.company_id, self.claim.run.id);
        let mut conn = self.pool.get().await?;
        conn.transaction(async |conn| -> Result<(), Stop> {
            tenant::lock(conn, company_id).await?;
            self.finish_within(conn, SyncStatus::Failed, failure.message.clone(), Some(failure))
                .await?;
            let now = now(conn).await?;
            tenant::disconnect_mistaken(conn, now, company_id, run_id, failure).await?;
            Ok(())
        })
        .await?;
        self.over(SyncStatus::Failed, Some(failure));
        Ok(())
    }

    /// What becomes of trouble: some of it passes, and some is a state of the tenant.
    ///
    /// # Errors
    /// Trouble with which nothing of the tenant can be read. What is answered may concern one reading alone.
    pub async fn weigh(&self, stop: Stop) -> Result<Stop, Stop> {
        let Stop::Trouble(trouble) = stop else { return Ok(stop) };
        Ok(match &trouble {
            Trouble::Throttled { retry_after } => {
                metrics::throttle_handed_back(*retry_after);
                Stop::Wait {
                    delay: *retry_after,
                    message: throttled_for(*retry_after),
                }
            }
            Trouble::ConsentMissing | Trouble::PermissionMissing { .. } if self.may_be_late(&trouble).await => {
                self.wait_for_consent()
            }
            Trouble::CredentialRefused { .. } => Stop::WaitForOperator {
                delay: lease::patience(self.began - self.claim.run.queued_at),
                failure: RunFailure::from(&trouble),
            },
            Trouble::ConsentMissing | Trouble::TenantUnknown => {
                self.need_reconnect(&trouble).await?;
                return Err(Stop::Trouble(trouble));
            }
            Trouble::BlockedByPolicy | Trouble::TokenRefused => return Err(Stop::Trouble(trouble)),
            _ => Stop::Trouble(trouble),
        })
    }

    async fn need_reconnect(&self, trouble: &Trouble) -> Result<(), Stop> {
        let (run_id, fence, company_id) = (self.claim.run.id, self.claim.fence, self.claim.run.company_id);
        let mut conn = self.pool.get().await?;
        conn.transaction(async |conn| -> Result<(), Stop> {
            lease::check(conn, run_id, fence).await?;
            let now = now(conn).await?;
            tenant::need_reconnect(conn, now, company_id, self.graph.tenant(), &trouble.message()).await?;
            Ok(())
        })
        .await
    }

    /// Keeps what the tenant has granted, as its token says, for whoever asks what is missing.
    ///
    /// # Errors
    /// [`Stop::Trouble`] with the token.
    pub async fn note_granted(&self) -> Result<Vec<String>, Stop> {
        let granted = self.graph.granted_permissions().await?;
        let mut conn = self.pool.get().await?;
        tenant::note_granted(&mut conn, self.claim.run.company_id, self.graph.tenant(), &granted).await?;
        Ok(granted)
    }

    fn consent_age(&self) -> TimeDelta {
        self.tenant
            .connected_at
            .map_or(TimeDelta::MAX, |connected| self.began - connected)
    }

    /// Whether the consent may not have reached all of Microsoft yet.
    pub fn consent_is_fresh(&self) -> bool {
        self.consent_age() < CONSENT_TAKES
    }

    /// Whether grants may still come of which others are there: those of one consent come together.
    pub fn grants_may_come(&self) -> bool {
        self.consent_age() < GRANTS_COME_TOGETHER
    }

    /// Whether what is missing may yet come. A permission that was not among what was granted does not come: then there is
    /// nothing to wait for.
    async fn may_be_late(&self, trouble: &Trouble) -> bool {
        match trouble {
            _ if !self.consent_is_fresh() => false,
            Trouble::PermissionMissing { permission } if !self.grants_may_come() => {
                !self.graph.was_not_granted(permission).await
            }
            _ => true,
        }
    }

    /// To go on when the consent may have arrived: after longer and longer, from a second to half a minute.
    pub fn wait_for_consent(&self) -> Stop {
        let quarter = self.consent_age().to_std().unwrap_or_default() / 4;
        Stop::Wait {
            delay: quarter.clamp(Duration::from_secs(1), Duration::from_secs(30)),
            message: "Waiting for Microsoft to apply consent".into(),
        }
    }
}

/// What a page says while Microsoft wants nothing to be asked for so long.
pub fn throttled_for(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    format!("Waiting for Microsoft, which asks for {seconds} seconds")
}
