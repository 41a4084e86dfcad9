//! Performing a run that a worker has claimed, from whatever it was to a truthful end.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ending::Stop;
use super::run::Run;
use crate::db::Pool;
use crate::db::events::Events;
use crate::microsoft::Microsoft;
use crate::model::sync_run::lease::{self, Claim};
use crate::model::sync_run::{RunFailure, SyncStatus};
use crate::model::tenant;

/// What a run needs of the world.
#[derive(Clone)]
pub struct Engine {
    pool: Pool,
    microsoft: Microsoft,
    events: Events,
}

impl Engine {
    /// An engine over this database and this way to Microsoft.
    pub fn new(pool: Pool, microsoft: Microsoft, events: Events) -> Self {
        Self {
            pool,
            microsoft,
            events,
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
            Ok(()) => tracing::info!(%run_id, "the run left its worker"),
            Err(Stop::Lost) => tracing::warn!(%run_id, "the run is no longer ours"),
            // The lease runs out, and the sweep takes the run back.
            Err(error) => tracing::error!(%run_id, error = ?anyhow::Error::from(error), "the run could not be ended"),
        }
    }

    async fn hand_back(&self, run_id: Uuid, fence: i64) -> Result<(), Stop> {
        let mut conn = self.pool.get().await?;
        lease::hand_back(&mut conn, run_id, fence).await?;
        self.events.wake();
        Ok(())
    }

    async fn go(&self, claim: Claim) -> Result<(), Stop> {
        let company_id = claim.run.company_id;
        let run_id = claim.run.id;
        let tenant = {
            let mut conn = self.pool.get().await?;
            tenant::find(&mut conn, company_id).await?
        };
        let Some((tenant, entra_id)) = tenant.and_then(|tenant| tenant.entra_tenant_id.map(|id| (tenant, id))) else {
            return Err(anyhow::anyhow!("the run's company has no tenant").into());
        };
        let graph = self.microsoft.graph(entra_id);
        let mut run = Run::new(self.pool.clone(), self.events.clone(), graph, tenant, claim).await?;
        match run.perform().await {
            Ok(()) => Ok(()),
            Err(Stop::Lost) => Err(Stop::Lost),
            Err(Stop::Wait { delay, message }) => {
                // A token keeps the permissions that it was born with.
                self.microsoft.forget_token(entra_id);
                run.reporter.wait(delay, message, None, &run.checkpoint()).await
            }
            Err(Stop::WaitForOperator { delay, failure }) => {
                let message = failure.message.clone();
                run.reporter
                    .wait(delay, message, Some(failure), &run.checkpoint())
                    .await
            }
            Err(Stop::Trouble(trouble)) => {
                let failure = RunFailure::from(&trouble);
                run.reporter
                    .finish(SyncStatus::Failed, failure.message.clone(), Some(&failure))
                    .await
            }
            Err(Stop::Refused(failure)) => run.refuse(&failure).await,
            Err(Stop::Broken(error)) => {
                let Some(failure) = RunFailure::of_ours(&error) else {
                    return Err(Stop::Broken(error));
                };
                tracing::error!(%run_id, ?error, "the run failed");
                run.reporter
                    .finish(SyncStatus::Failed, failure.message.clone(), Some(&failure))
                    .await
            }
        }
    }
}
