//! Held changes: deactivations that the guard did not let through, and that wait for a person.
//!
//! Exactly the set of one run is settled at a time. A later run that still sees a record gone takes its hold over; one
//! that sees it again lets it go.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::held_change;
use crate::db::Connection;
use crate::error::Failure;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{DeactivatedBecause, Noun, Scope, SyncRun};

super::text_enum::text_enum! {
    /// What became of a held change.
    pub enum Decision {
        /// Waits for a person.
        Held = "HELD",
        /// A person let it through.
        Released = "RELEASED",
        /// A person threw it away: the record stays.
        Discarded = "DISCARDED",
        /// A later run saw the record again, or holds it itself.
        Superseded = "SUPERSEDED",
    }
}

/// One deactivation that waits, or waited, for a person.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = held_change, check_for_backend(diesel::pg::Pg))]
pub struct HeldChange {
    pub run_id: Uuid,
    pub company_id: Uuid,
    pub noun: Noun,
    pub record_id: Uuid,
    /// The record's name when it was held.
    pub name: Option<String>,
    pub because: DeactivatedBecause,
    pub decision: Decision,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
}

page::paged!(HeldChange, |held| Owner {
    company_id: held.company_id,
    key: held.record_id,
});

/// Which held changes to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<Noun>,
    pub decision: Option<Decision>,
}

/// What was held of the run that owns the list, kind by kind, records that Tenantry has known longest first.
pub fn list(filter: Filter) -> Listing {
    let by_record = Order {
        name: "held.record",
        key: "held_change.noun",
        id: "held_change.record_id",
        compared: Compared::Text,
        direction: Direction::Asc,
    };
    Listing::new("from held_change where held_change.run_id = p.key", by_record)
        .only("held_change.noun = ?", filter.kind.map(|kind| Bind::Text(kind.to_string())))
        .only("held_change.decision = ?", filter.decision.map(|decision| Bind::Text(decision.to_string())))
}

/// Lets exactly the held changes of a run through.
///
/// # Errors
/// When there is nothing to release.
pub async fn release(
    _conn: &mut Connection,
    _now: DateTime<Utc>,
    _scope: &Scope,
    _run_id: Uuid,
    _by: &str,
) -> Result<SyncRun, Failure> {
    Err(anyhow::anyhow!("held changes cannot be released yet").into())
}

/// Throws exactly the held changes of a run away.
///
/// # Errors
/// When there is nothing to discard.
pub async fn discard(
    _conn: &mut Connection,
    _now: DateTime<Utc>,
    _scope: &Scope,
    _run_id: Uuid,
    _by: &str,
) -> Result<SyncRun, Failure> {
    Err(anyhow::anyhow!("held changes cannot be discarded yet").into())
}
