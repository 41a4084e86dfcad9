//! What is asked of kept evidence: how things stood at an instant, what changed between two, and since when.
//!
//! An instant is brought to a run first: the last one kept by then. Everything else is asked by the number of
//! that run, so that answers fit together even if the clock of a worker was wrong. The danger is an old good value that
//! looks like a new one: what could not be looked at is answered as that, with the last good value beside it and its
//! age.

mod lists;
mod opened;
mod period;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::{PullRow, ResultRow, RunRow};
use crate::db::Connection;
use crate::db::schema::{evidence_pull, evidence_result, evidence_run};
use crate::evidence::judge::Status;
use crate::evidence::snapshot::{Outcome, Resource};
use crate::model::Scope;
pub use lists::{
    FindingFilter, ObjectFilter, list_finding_events, list_findings, list_ledger, list_object_events, list_objects,
    list_results_everywhere, list_runs, list_tombstones,
};
pub use opened::{Opened, Points};
pub use period::{Period, Slot, SlotState, period};

/// The last run of a company that was taken before this moment.
pub(in crate::evidence) async fn seq_before(
    conn: &mut Connection,
    company_id: Uuid,
    at: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    evidence_run::table
        .filter(evidence_run::company_id.eq(company_id))
        .filter(evidence_run::taken_at.lt(at))
        .select(diesel::dsl::max(evidence_run::seq))
        .first(conn)
        .await
}

/// The run that says how things stood at this instant: the last one that was kept by then, so that nothing in it was read
/// later, and the answer of today is that of tomorrow.
///
/// # Errors
/// When the database fails.
pub async fn run_as_of(
    conn: &mut Connection,
    scope: &Scope,
    company_id: Uuid,
    at: DateTime<Utc>,
) -> QueryResult<Option<RunRow>> {
    if !scope.holds_whole(company_id) {
        return Ok(None);
    }
    evidence_run::table
        .filter(evidence_run::company_id.eq(company_id))
        .filter(evidence_run::kept_at.le(at))
        .order(evidence_run::seq.desc())
        .select(RunRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// How the run read each resource.
///
/// # Errors
/// When the database fails.
pub async fn pulls(conn: &mut Connection, scope: &Scope, company_id: Uuid, seq: i64) -> QueryResult<Vec<PullRow>> {
    if !scope.holds_whole(company_id) {
        return Ok(Vec::new());
    }
    evidence_pull::table
        .filter(evidence_pull::company_id.eq(company_id))
        .filter(evidence_pull::seq.eq(seq))
        .order(evidence_pull::resource)
        .select(PullRow::as_select())
        .load(conn)
        .await
}

/// A reading that a run could not make whole: what is shown of its objects is older.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Stale {
    #[diesel(sql_type = Text)]
    pub resource: Resource,
    #[diesel(sql_type = Text)]
    pub outcome: Outcome,
    /// When it was last read whole, if it ever was.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_read_at: Option<DateTime<Utc>>,
}

/// The readings that the run could not make whole, and when each last was.
///
/// # Errors
/// When the database fails.
pub async fn stale(conn: &mut Connection, scope: &Scope, company_id: Uuid, seq: i64) -> QueryResult<Vec<Stale>> {
    if !scope.holds_whole(company_id) {
        return Ok(Vec::new());
    }
    diesel::sql_query(
        "select pull.resource, pull.outcome, (
             select earlier.finished_at from evidence_pull earlier
             where earlier.company_id = $1 and earlier.resource = pull.resource and earlier.seq < $2
               and earlier.state_sha256 is not null
             order by earlier.seq desc limit 1) as last_read_at
         from evidence_pull pull
         where pull.company_id = $1 and pull.seq = $2 and pull.state_sha256 is null
         order by pull.resource",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<BigInt, _>(seq)
    .load(conn)
    .await
}

/// What a check said, and what it last said when it could look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub result: ResultRow,
    /// Where the result is INDETERMINATE: the last one before it that was not. Its age is its `at`.
    pub last_good: Option<ResultRow>,
}

/// What every check said in this run, by check.
///
/// # Errors
/// When the database fails.
pub async fn results(conn: &mut Connection, scope: &Scope, company_id: Uuid, seq: i64) -> QueryResult<Vec<Standing>> {
    if !scope.holds_whole(company_id) {
        return Ok(Vec::new());
    }
    let results: Vec<ResultRow> = evidence_result::table
        .filter(evidence_result::company_id.eq(company_id))
        .filter(evidence_result::seq.eq(seq))
        .order(evidence_result::check_id)
        .select(ResultRow::as_select())
        .load(conn)
        .await?;
    let unseen: Vec<&str> = results
        .iter()
        .filter(|result| result.status == Status::Indeterminate)
        .map(|result| &*result.check_id)
        .collect();
    let mut good = last_good(conn, company_id, seq, &unseen).await?;
    let standing = |result: ResultRow| Standing {
        last_good: good.remove(&result.check_id),
        result,
    };
    Ok(results.into_iter().map(standing).collect())
}

async fn last_good(
    conn: &mut Connection,
    company_id: Uuid,
    seq: i64,
    checks: &[&str],
) -> QueryResult<BTreeMap<String, ResultRow>> {
    if checks.is_empty() {
        return Ok(BTreeMap::new());
    }
    let good: Vec<ResultRow> = diesel::sql_query(
        "select good.* from unnest($3) as wanted (check_id)
         cross join lateral (
             select * from evidence_result
             where company_id = $1 and check_id = wanted.check_id and seq < $2 and status <> 'INDETERMINATE'
             order by seq desc limit 1) good",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<BigInt, _>(seq)
    .bind::<Array<Text>, _>(checks)
    .load(conn)
    .await?;
    Ok(good.into_iter().map(|row| (row.check_id.clone(), row)).collect())
}

/// The companies of which anything is kept, those that were deleted among them.
///
/// # Errors
/// When the database fails.
pub async fn companies(conn: &mut Connection) -> QueryResult<Vec<Uuid>> {
    use crate::db::schema::evidence_ledger;
    evidence_ledger::table
        .select(evidence_ledger::company_id)
        .distinct()
        .order(evidence_ledger::company_id)
        .load(conn)
        .await
}
