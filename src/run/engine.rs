//! Performing a run that a worker has claimed, from whatever it was to a truthful end.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Run, Stop};
use crate::db::Pool;
use crate::db::events::Events;
use crate::microsoft::Microsoft;
use crate::model::sync_run::lease::{self, Claim};

/// What every run needs of the world.
#[derive(Clone)]
pub struct Engine {
    pub pool: Pool,
    pub microsoft: Microsoft,
    pub events: Events,
}

impl Engine {
    /// Stays with the run that was claimed with this fence until its `work` is over, or hands it back when `stop` is
    /// cancelled. A run whose lease was lost is left alone.
    pub async fn perform(
        &self,
        run_id: Uuid,
        fence: i64,
        work: impl Future<Output = Result<(), Stop>>,
        stop: CancellationToken,
    ) {
        let ended = tokio::select! {
            ended = work => ended,
            () = stop.cancelled() => self.hand_back(run_id, fence).await,
        };
        match ended {
            Ok(()) => {}
            Err(Stop::Lost) => tracing::warn!(%run_id, "the run is no longer ours"),
            // The lease runs out, and the sweep takes the run back.
            Err(error) => tracing::error!(%run_id, error = ?anyhow::Error::from(error), "the run could not be ended"),
        }
    }

    async fn hand_back(&self, run_id: Uuid, fence: i64) -> Result<(), Stop> {
        let mut conn = self.pool.get().await?;
        lease::hand_back(&mut conn, run_id, fence).await?;
        tracing::info!(%run_id, "the run was handed back: this process stops");
        self.events.wake();
        Ok(())
    }

    /// Takes up what was claimed.
    ///
    /// # Errors
    /// When the company has no tenant, or the database fails.
    pub async fn take_up(&self, claim: Claim) -> Result<Run, Stop> {
        let run = &claim.run;
        tracing::info!(
            run_id = %run.id,
            company_id = %run.company_id,
            kind = %run.kind,
            trigger = %run.trigger,
            claim = claim.fence,
            "the run begins"
        );
        Run::new(self, claim).await
    }
}
