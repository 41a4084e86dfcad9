//! The chain of a company: each link holds the hash of what it stands for and of the link before.
//!
//! The danger: two writers that each put a link behind the same one. Whoever writes holds the chain until their
//! transaction ends.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::{LedgerKind, LedgerRow};
use super::seal::{Sealed, to_the_microsecond};
use crate::db::Connection;
use crate::db::schema::{evidence_ledger, evidence_tombstone};

/// What comes before the first link.
pub(in crate::evidence) const BEGINNING: [u8; 32] = [0; 32];

/// Holds the chain of a company until the transaction ends.
///
/// Plans are made for each statement until then: one that was made while a table was small scans it when it is large.
pub(super) async fn hold(conn: &mut Connection, company_id: Uuid) -> QueryResult<()> {
    diesel::sql_query("select set_config('plan_cache_mode', 'force_custom_plan', true)")
        .execute(conn)
        .await?;
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended('evidence of ' || $1, 0))")
        .bind::<Text, _>(company_id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn last(conn: &mut Connection, company_id: Uuid) -> QueryResult<Option<LedgerRow>> {
    evidence_ledger::table
        .filter(evidence_ledger::company_id.eq(company_id))
        .order(evidence_ledger::seq.desc())
        .select(LedgerRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// Puts a link behind the last one. The chain is held.
pub(super) async fn append(
    conn: &mut Connection,
    company_id: Uuid,
    now: DateTime<Utc>,
    kind: LedgerKind,
    held_id: Uuid,
    content_sha256: Vec<u8>,
) -> QueryResult<()> {
    let (seq, previous) = match last(conn, company_id).await? {
        Some(last) => (last.seq, last.sha256),
        None => last_that_went(conn, company_id)
            .await?
            .unwrap_or((0, BEGINNING.to_vec())),
    };
    let mut link = LedgerRow {
        company_id,
        seq: seq + 1,
        kind,
        held_id,
        content_sha256,
        at: to_the_microsecond(now),
        previous,
        sha256: Vec::new(),
    };
    link.sha256 = link.seal();
    diesel::insert_into(evidence_ledger::table)
        .values(&link)
        .execute(conn)
        .await?;
    Ok(())
}

/// Where retention has taken the whole chain away, it goes on from what the tombstone holds of it.
async fn last_that_went(conn: &mut Connection, company_id: Uuid) -> QueryResult<Option<(i64, Vec<u8>)>> {
    evidence_tombstone::table
        .filter(evidence_tombstone::company_id.eq(company_id))
        .order(evidence_tombstone::ledger_seq.desc())
        .select((evidence_tombstone::ledger_seq, evidence_tombstone::ledger_sha256))
        .first(conn)
        .await
        .optional()
}
