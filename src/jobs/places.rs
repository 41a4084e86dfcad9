//! A worker's places, and which due run gets one.
//!
//! Manual runs go before those of the clock, and then whoever has been due for longest. At most half of the places are
//! given to tenants whose runs may take long; the others stay with the small ones, for which a place is free again within
//! seconds. It is a rule about places and not about turns, because a run that is under way cannot be put aside without
//! reading its page again: a tenant of 300,000 people is neither interrupted nor in the way.
//!
//! The danger is the list of candidates: full of large tenants, none of which may have a place, it would hide the small
//! ones behind them. So it is asked for without them when their places are taken.

use std::sync::Arc;

use diesel::QueryResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::hold::LEASE;
use crate::db::Connection;
use crate::model::sync_run::lease::{self, Claim, Due};

/// How many due runs are tried until one can be claimed; others may be claiming the same.
const CANDIDATES: i64 = 16;

/// The places of one worker.
pub struct Places {
    /// Who holds the leases: this start of this process.
    owner: String,
    /// One permit per run, kept by the run itself: it may outlive the queue's worker that was asked to do it.
    all: Arc<Semaphore>,
    /// Those of them that may be given to the large.
    large: Arc<Semaphore>,
}

/// A place; it is free again when this is dropped.
pub struct Place {
    _any: OwnedSemaphorePermit,
    large: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// So many places, of whoever holds leases under this name.
    pub fn new(owner: String, places: usize) -> Self {
        Self {
            owner,
            all: Arc::new(Semaphore::new(places)),
            // Who has a single place shares it.
            large: Arc::new(Semaphore::new((places / 2).max(1))),
        }
    }

    /// Waits for a place; none when there will be no more.
    pub(super) async fn take(&self) -> Option<Place> {
        let any = self.all.clone().acquire_owned().await.ok()?;
        Some(Place { _any: any, large: None })
    }

    /// A place, if one is free.
    pub fn try_take(&self) -> Option<Place> {
        let any = self.all.clone().try_acquire_owned().ok()?;
        Some(Place { _any: any, large: None })
    }

    /// Takes all `places` away for good, one after the other as they become free. Once they are, it ends at once.
    pub(super) async fn close(&self, places: usize) {
        for _ in 0..places {
            match self.all.acquire().await {
                Ok(place) => place.forget(),
                Err(_) => return,
            }
        }
        self.all.close();
    }

    /// Claims the first run that is due, free and may have this place. The one that was rung for is tried even where it
    /// is not among the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(
        &self,
        conn: &mut Connection,
        place: &mut Place,
        rung: Option<Uuid>,
    ) -> QueryResult<Option<Claim>> {
        let large = self.large.clone().try_acquire_owned().ok();
        let mut candidates = lease::list_due(conn, CANDIDATES, large.is_some()).await?;
        if large.is_some() {
            // How large it is nobody has said.
            candidates.extend(rung.map(|run_id| Due { run_id, large: true }));
        }
        for due in candidates {
            if let Some(claim) = lease::claim(conn, due.run_id, &self.owner, LEASE).await? {
                place.large = large.filter(|_| due.large);
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }
}
