//! A worker's places, and which due run gets one.
//!
//! Manual runs go before those of the clock, but for ten minutes and no longer, and then whoever has been due for longest.
//! At most half of the places are given to tenants whose runs may take long; the others stay with the small ones, for
//! which a place is free again within seconds. It is a rule about places and not about turns, because a run that is under
//! way cannot be put aside without reading its page again: a tenant of 300,000 people is neither interrupted nor in the
//! way.
//!
//! When a process dies, nobody knows which of its runs killed it. A run that has been there twice is therefore performed
//! by a worker that does nothing else meanwhile: if it is to blame, it takes nobody along again, and if it is not, it ends
//! well and is cleared.
//!
//! The danger is the list of candidates: full of large tenants, none of which may have a place, it would hide the small
//! ones behind them. So it is asked for without those that may not have this one.

use diesel::QueryResult;
use uuid::Uuid;

use super::hold::LEASE;
use crate::db::Connection;
use crate::model::sync_run::lease::{self, Claim, Due, Wanted};
use crate::run::{Place, Room};

/// How many due runs are tried until one can be claimed; others may be claiming the same.
const CANDIDATES: i64 = 16;

/// The places of one worker.
pub struct Places {
    /// Who holds the leases: this start of this process.
    owner: String,
    room: Room,
}

impl Places {
    /// So many places, of whoever holds leases under this name.
    pub fn new(owner: String, places: usize) -> Self {
        let room = Room::new(places);
        Self { owner, room }
    }

    /// Waits for a place.
    pub(super) async fn take(&self) -> Place {
        self.room.take().await
    }

    /// A place, if one is free.
    pub fn try_take(&self) -> Option<Place> {
        self.room.try_take()
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
        let wanted = Wanted {
            large: place.widen(),
            suspect: place.isolate(),
        };
        let claimed = self.claim_one_of(conn, wanted, rung).await?;
        if !claimed.as_ref().is_some_and(|(due, _)| due.large) {
            place.narrow();
        }
        if !claimed.as_ref().is_some_and(|(due, _)| due.suspect) {
            place.admit_others();
        }
        Ok(claimed.map(|(_, claim)| claim))
    }

    async fn claim_one_of(
        &self,
        conn: &mut Connection,
        wanted: Wanted,
        rung: Option<Uuid>,
    ) -> QueryResult<Option<(Due, Claim)>> {
        let mut candidates = lease::list_due(conn, CANDIDATES, wanted).await?;
        if let Some(run_id) = rung.filter(|rung| candidates.iter().all(|due| due.run_id != *rung)) {
            candidates.extend(lease::find_due(conn, run_id, wanted).await?);
        }
        for due in candidates {
            if let Some(claim) = lease::claim(conn, due.run_id, &self.owner, LEASE).await? {
                return Ok(Some((due, claim)));
            }
        }
        Ok(None)
    }
}
