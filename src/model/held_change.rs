//! Held changes: deactivations that the guard did not let through, and that wait for a person.
//!
//! Exactly the set of one run is settled at a time. A later run that still sees a record gone takes its hold over; one
//! that sees it again lets it go.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::held_change;
use crate::model::{DeactivatedBecause, Noun};

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
#[derive(Clone, Debug, Queryable, Selectable)]
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
