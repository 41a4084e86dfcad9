//! Held changes: deactivations that the guard did not let through, and that wait for a person.
//!
//! Exactly the set of one run is settled at a time. A later run that still sees a record gone takes its hold over; one
//! that sees it again lets it go.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::held_change;
use crate::error::{Failure, UserError};
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{DeactivatedBecause, Noun, Scope, SyncRun, sync_run, sync_state};

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
        .only(
            "held_change.noun = ?",
            filter.kind.map(|kind| Bind::Text(kind.to_string())),
        )
        .only(
            "held_change.decision = ?",
            filter.decision.map(|decision| Bind::Text(decision.to_string())),
        )
}

/// Lets the deactivations that this run held through, exactly those. In a transaction of its own.
///
/// # Errors
/// `NOTHING_HELD` when the run holds nothing (any more), or is not within the scope.
pub async fn release(
    conn: &mut Connection,
    now: DateTime<Utc>,
    scope: &Scope,
    run_id: Uuid,
    by: &str,
) -> Result<SyncRun, Failure> {
    settle(conn, now, scope, run_id, by, Decision::Released).await
}

/// Throws the deactivations that this run held away, exactly those: the records stay, and the next run reads everything
/// and looks anew, for Microsoft tells of who left only once. In a transaction of its own.
///
/// # Errors
/// `NOTHING_HELD` when the run holds nothing (any more), or is not within the scope.
pub async fn discard(
    conn: &mut Connection,
    now: DateTime<Utc>,
    scope: &Scope,
    run_id: Uuid,
    by: &str,
) -> Result<SyncRun, Failure> {
    settle(conn, now, scope, run_id, by, Decision::Discarded).await
}

async fn settle(
    conn: &mut Connection,
    now: DateTime<Utc>,
    scope: &Scope,
    run_id: Uuid,
    by: &str,
    decision: Decision,
) -> Result<SyncRun, Failure> {
    conn.transaction(async |conn| {
        let Some(run) = sync_run::find(conn, scope, run_id).await? else {
            return Err(nothing_held());
        };
        let settled = diesel::update(
            held_change::table
                .filter(held_change::run_id.eq(run_id))
                .filter(held_change::decision.eq(Decision::Held)),
        )
        .set((
            held_change::decision.eq(decision),
            held_change::decided_by.eq(by),
            held_change::decided_at.eq(now),
        ))
        .execute(conn)
        .await?;
        if settled == 0 {
            return Err(nothing_held());
        }
        if decision == Decision::Discarded {
            sync_state::remove_all(conn, run.company_id).await?;
        }
        if decision == Decision::Released {
            for statement in RELEASE {
                diesel::sql_query(*statement)
                    .bind::<SqlUuid, _>(run_id)
                    .bind::<SqlUuid, _>(run.company_id)
                    .bind::<Timestamptz, _>(now)
                    .execute(conn)
                    .await?;
            }
        }
        // No session ends here: whoever is held may not enter, and went with the run that held them.
        Ok(sync_run::touch(conn, run_id).await?)
    })
    .await
}

/// `$1` run, `$2` company, `$3` now.
const RELEASE: &[&str] = &[
    "insert into sync_change (run_id, noun, record_id, action, name, fields)
     select run_id, noun, record_id, 'DEACTIVATED', name,
         jsonb_build_object('state', jsonb_build_array('ACTIVE', 'DEACTIVATED'),
                            'deactivatedBecause', jsonb_build_array(null, because))
     from held_change where run_id = $1 and company_id = $2 and decision = 'RELEASED' and decided_at = $3",
    "update contact c set state = 'DEACTIVATED', deactivated_because = h.because, updated_at = $3
     from held_change h
     where h.run_id = $1 and h.noun = 'CONTACT' and h.decision = 'RELEASED' and c.id = h.record_id and c.company_id = $2
       and c.state = 'ACTIVE'",
    "update contact_group c set state = 'DEACTIVATED', updated_at = $3
     from held_change h
     where h.run_id = $1 and h.noun = 'CONTACT_GROUP' and h.decision = 'RELEASED' and c.id = h.record_id and c.company_id = $2
       and c.state = 'ACTIVE'",
    "delete from contact_group_member m
     using held_change h, contact_group c
     where h.run_id = $1 and h.noun = 'CONTACT_GROUP' and h.decision = 'RELEASED' and c.id = h.record_id
       and m.company_id = $2 and m.group_entra_id = c.entra_id and c.updated_at = $3",
    "update asset a set state = 'DEACTIVATED', updated_at = $3
     from held_change h
     where h.run_id = $1 and h.noun = 'ASSET' and h.decision = 'RELEASED' and a.id = h.record_id and a.company_id = $2
       and a.state = 'ACTIVE'",
];

/// What is answered where a run holds nothing, or is hidden.
pub fn nothing_held() -> Failure {
    UserError::at(
        "NOTHING_HELD",
        &["syncRunId"],
        "This sync holds no changes back. A later sync may have replaced its list: look at the latest one.",
    )
    .into()
}
