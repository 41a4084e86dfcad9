//! What workers do with a run: claim it, keep the lease, report, wait, hand back, finish.
//!
//! The danger here is the worker that is alive but was taken for dead. Every statement carries the fence of the claim,
//! and answers [`Lost`] when the row has moved on; whoever gets that answer stops at once and writes nothing more.
//! Leases are measured on the database's clock alone.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Interval, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

use super::{Counts, RunFailure, StageTime, SyncKind, SyncRun, SyncStatus};
use crate::db::Connection;
use crate::db::schema::sync_run;
use crate::telemetry::{TraceParent, metrics};

/// A run whose worker died this often is set aside: it kills whoever takes it. A worker that lost the database counts as
/// dead, for a run may kill that one too.
const MOST_CRASHES: i32 = 5;

/// From so many on it is no longer begun beside others, which would die with it and be blamed as well.
const SUSPECT_CRASHES: i32 = 2;

/// A scheduled run that has been due for longer goes in its turn, however many clicks there are.
const LONGEST_BEHIND_CLICKS: &str = "10 minutes";

/// The runs that are due, of companies of which no other run is under way.
///
/// Its lists are asked for once and hashed. As a join it would be planned by statistics from when the queue was empty:
/// they are taken between the slots, and then each of thousands of runs is held against each other.
pub const DUE_AND_FREE: &str = "sync_run.status in ('QUEUED', 'WAITING') and sync_run.not_before <= now()
    and case sync_run.status
        when 'QUEUED' then sync_run.company_id not in
            (select company_id from sync_run busy where busy.status in ('RUNNING', 'WAITING'))
        else sync_run.company_id not in
            (select company_id from sync_run busy where busy.status in ('RUNNING', 'WAITING')
             group by company_id having count(*) > 1)
    end";

/// A worker's hold on a run.
#[derive(Clone, Debug)]
pub struct Claim {
    pub run: SyncRun,
    pub fence: i64,
    /// Rules to try in place of the saved ones.
    pub rules: Option<serde_json::Value>,
    /// Where the run goes on, when it waited.
    pub checkpoint: Option<serde_json::Value>,
}

/// Why a worker has to stop.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The row has moved on: the lease ran out, or the run was cancelled.
    #[error("the lease on the run was lost")]
    Lost,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// How a run stands, for those who watch it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub stage: Option<String>,
    pub message: String,
    /// Percent; never falls.
    pub progress: Option<i32>,
    pub counts: Vec<Counts>,
    pub stages: Vec<StageTime>,
    pub requests: i64,
    /// What a run that waits is waiting for, where a person has to mend that. Gone with the first report after the wait.
    pub waits_for: Option<RunFailure>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Claims a run, if it is due and no other run of its company is under way.
///
/// A run that waited keeps its fence, for nobody held it meanwhile; any other claim bumps it.
///
/// # Errors
/// When the database fails.
pub async fn claim(conn: &mut Connection, run_id: Uuid, owner: &str, lease: Duration) -> QueryResult<Option<Claim>> {
    conn.transaction(async |conn| {
        // The tenant's row is the turnstile: two workers cannot look for other runs of a company at the same time.
        let company: Option<Id> = diesel::sql_query(
            "select company_id as id from tenant
             where company_id = (select company_id from sync_run where id = $1)
               and status in ('CONNECTED', 'RECONNECT_NEEDED')
             for update skip locked",
        )
        .bind::<SqlUuid, _>(run_id)
        .get_result(conn)
        .await
        .optional()?;
        let Some(company) = company else { return Ok(None) };
        let claimed: Option<Id> = diesel::sql_query(
            "update sync_run
             set status = 'RUNNING', message = 'Sync started', started_at = coalesce(started_at, now()), lease_owner = $3, lease_until = now() + $4,
                 fence = case when status = 'WAITING' then fence else fence + 1 end,
                 checkpoint = case when status = 'WAITING' then checkpoint end,
                 counts = case when dry_run and status = 'QUEUED' then '[]' else counts end,
                 revision = revision + 1
             where id = $1 and status in ('QUEUED', 'WAITING') and not_before <= now()
               and not exists (select from sync_run other
                               where other.company_id = $2 and other.id <> $1 and other.status in ('RUNNING', 'WAITING'))
             returning id",
        )
        .bind::<SqlUuid, _>(run_id)
        .bind::<SqlUuid, _>(company.id)
        .bind::<Text, _>(owner)
        .bind::<Interval, _>(interval(lease))
        .get_result(conn)
        .await
        .optional()?;
        if claimed.is_none() {
            return Ok(None);
        }
        forget_a_dry_plan(conn, run_id).await?;
        super::publish(conn, run_id).await?;
        let (run, fence, rules, checkpoint) = sync_run::table
            .find(run_id)
            .select((SyncRun::as_select(), sync_run::fence, sync_run::rules, sync_run::checkpoint))
            .first(conn)
            .await?;
        Ok(Some(Claim { run, fence, rules, checkpoint }))
    })
    .await
}

/// A dry run that is begun again has applied nothing, so that nothing of its plan stands.
async fn forget_a_dry_plan(conn: &mut Connection, run_id: Uuid) -> QueryResult<()> {
    diesel::sql_query(
        "delete from sync_change using sync_run
         where sync_change.run_id = $1 and sync_run.id = $1 and sync_run.dry_run and sync_run.counts = '[]'",
    )
    .bind::<SqlUuid, _>(run_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lengthens the lease.
///
/// # Errors
/// [`LeaseError::Lost`] when it is no longer ours.
pub async fn renew(conn: &mut Connection, run_id: Uuid, fence: i64, lease: Duration) -> Result<(), LeaseError> {
    let renewed = diesel::sql_query(
        "update sync_run set lease_until = now() + $3 where id = $1 and fence = $2 and status = 'RUNNING'",
    )
    .bind::<SqlUuid, _>(run_id)
    .bind::<BigInt, _>(fence)
    .bind::<Interval, _>(interval(lease))
    .execute(conn)
    .await?;
    held(renewed)
}

/// Makes sure that the run is still ours, before a transaction writes on its behalf.
///
/// The row is not locked, so that the lease can be renewed while a long transaction is under way. The transaction ends
/// with [`report`], which looks again under a lock: nothing is committed by a worker that has lost its lease meanwhile.
///
/// # Errors
/// [`LeaseError::Lost`] when it is no longer ours.
pub async fn check(conn: &mut Connection, run_id: Uuid, fence: i64) -> Result<(), LeaseError> {
    let ours = diesel::sql_query("select from sync_run where id = $1 and fence = $2 and status = 'RUNNING'")
        .bind::<SqlUuid, _>(run_id)
        .bind::<BigInt, _>(fence)
        .execute(conn)
        .await?;
    held(ours)
}

/// Tells subscribers how the run stands.
///
/// # Errors
/// [`LeaseError::Lost`] when it is no longer ours.
pub async fn report(conn: &mut Connection, run_id: Uuid, fence: i64, report: &Report) -> Result<(), LeaseError> {
    conn.transaction(async |conn| {
        let changed = diesel::update(
            sync_run::table
                .find(run_id)
                .filter(sync_run::fence.eq(fence))
                .filter(sync_run::status.eq(SyncStatus::Running)),
        )
        .set((
            sync_run::stage.eq(&report.stage),
            sync_run::message.eq(&report.message),
            sync_run::progress.eq(report.progress),
            sync_run::counts.eq(json(&report.counts)?),
            sync_run::stages.eq(json(&report.stages)?),
            sync_run::requests.eq(report.requests),
            // Whatever it waited for is over.
            sync_run::failure.eq(None::<serde_json::Value>),
            sync_run::revision.eq(sync_run::revision + 1),
        ))
        .execute(conn)
        .await?;
        held(changed)?;
        Ok(super::publish(conn, run_id).await?)
    })
    .await
}

/// Ends the run.
///
/// # Errors
/// [`LeaseError::Lost`] when it is no longer ours.
pub async fn finish(
    conn: &mut Connection,
    run_id: Uuid,
    fence: i64,
    status: SyncStatus,
    report: &Report,
    failure: Option<&RunFailure>,
) -> Result<(), LeaseError> {
    conn.transaction(async |conn| {
        let ended: Option<SyncKind> = diesel::update(
            sync_run::table
                .find(run_id)
                .filter(sync_run::fence.eq(fence))
                .filter(sync_run::status.eq(SyncStatus::Running)),
        )
        .set((
            sync_run::status.eq(status),
            sync_run::stage.eq(None::<String>),
            sync_run::message.eq(&report.message),
            sync_run::progress.eq(report.progress),
            sync_run::counts.eq(json(&report.counts)?),
            sync_run::stages.eq(json(&report.stages)?),
            sync_run::requests.eq(report.requests),
            sync_run::failure.eq(failure.map(json).transpose()?),
            sync_run::finished_at.eq(diesel::dsl::sql::<Nullable<Timestamptz>>("now()")),
            sync_run::lease_owner.eq(None::<String>),
            sync_run::lease_until.eq(None::<DateTime<Utc>>),
            sync_run::checkpoint.eq(None::<serde_json::Value>),
            sync_run::revision.eq(sync_run::revision + 1),
        ))
        .returning(sync_run::kind)
        .get_result(conn)
        .await
        .optional()?;
        let kind = ended.ok_or(LeaseError::Lost)?;
        metrics::run_ended(kind.as_str(), status.as_str());
        Ok(super::publish(conn, run_id).await?)
    })
    .await
}

/// How long a run waits that only the operator can help, by how long it has been there: longer and longer, from half a minute
/// to half an hour.
pub fn patience(age: chrono::TimeDelta) -> Duration {
    let quarter = age.to_std().unwrap_or_default() / 4;
    quarter.clamp(Duration::from_secs(30), Duration::from_secs(1_800))
}

/// Gives the worker's place up and goes on from `checkpoint` after `delay`; fence and staged rows are kept.
///
/// # Errors
/// [`LeaseError::Lost`] when it is no longer ours.
pub async fn wait(
    conn: &mut Connection,
    run_id: Uuid,
    fence: i64,
    delay: Duration,
    report: &Report,
    checkpoint: &serde_json::Value,
) -> Result<(), LeaseError> {
    conn.transaction(async |conn| {
        let changed = diesel::sql_query(
            "update sync_run
             set status = 'WAITING', not_before = now() + $3, message = $4, stage = $5, progress = $6, requests = $7,
                 counts = $8, stages = $9, checkpoint = $10, failure = $11, lease_owner = null, lease_until = null, revision = revision + 1
             where id = $1 and fence = $2 and status = 'RUNNING'",
        )
        .bind::<SqlUuid, _>(run_id)
        .bind::<BigInt, _>(fence)
        .bind::<Interval, _>(interval(delay))
        .bind::<Text, _>(&report.message)
        .bind::<Nullable<Text>, _>(&report.stage)
        .bind::<Nullable<Integer>, _>(report.progress)
        .bind::<BigInt, _>(report.requests)
        .bind::<diesel::sql_types::Jsonb, _>(json(&report.counts)?)
        .bind::<diesel::sql_types::Jsonb, _>(json(&report.stages)?)
        .bind::<diesel::sql_types::Jsonb, _>(checkpoint)
        .bind::<Nullable<diesel::sql_types::Jsonb>, _>(report.waits_for.as_ref().map(json).transpose()?)
        .execute(conn)
        .await?;
        held(changed)?;
        Ok(super::publish(conn, run_id).await?)
    })
    .await
}

/// Puts the run back into the queue, for a worker that is asked to stop.
///
/// # Errors
/// [`LeaseError::Lost`] when it is no longer ours.
pub async fn hand_back(conn: &mut Connection, run_id: Uuid, fence: i64) -> Result<(), LeaseError> {
    conn.transaction(async |conn| {
        let changed = diesel::sql_query(
            "update sync_run
             set status = 'QUEUED', stage = null, message = 'Sync queued', lease_owner = null, lease_until = null,
                 revision = revision + 1
             where id = $1 and fence = $2 and status = 'RUNNING'",
        )
        .bind::<SqlUuid, _>(run_id)
        .bind::<BigInt, _>(fence)
        .execute(conn)
        .await?;
        held(changed)?;
        Ok(super::publish(conn, run_id).await?)
    })
    .await
}

/// Takes back the runs whose worker has died: into the queue again, or, after too many deaths, aside with the reason.
/// Answers the ids of those that were taken back.
///
/// # Errors
/// When the database fails.
pub async fn take_back_expired(conn: &mut Connection) -> QueryResult<Vec<Uuid>> {
    let poisoned = RunFailure {
        code: "CRASHED".into(),
        message: format!(
            "The sync was begun {MOST_CRASHES} times and never ended, for each time its worker died or lost the database. It was set aside."
        ),
        remedy: "Look into the worker's log for this run, then sync again.".into(),
    };
    let taken: Vec<Taken> = diesel::sql_query(
        "with dead as (
             select id from sync_run where status = 'RUNNING' and lease_until < now() for update skip locked),
         taken as (
             update sync_run
             set crashes = crashes + 1, fence = fence + 1, revision = revision + 1, stage = null,
                 status = case when crashes + 1 < $1 then 'QUEUED' else 'FAILED' end,
                 message = case when crashes + 1 < $1 then 'Sync queued' else $2 end,
                 failure = case when crashes + 1 < $1 then failure else $3 end,
                 finished_at = case when crashes + 1 < $1 then null else now() end,
                 lease_owner = null, lease_until = null, checkpoint = null
             where id in (select id from dead)
             returning *),
         told as (
             insert into outbox (company_id, run_id, kind, snapshot)
             select company_id, id, kind, to_jsonb(taken) - array['checkpoint', 'rules', 'lease_owner', 'lease_until']
             from taken)
         select id, kind, status from taken",
    )
    .bind::<Integer, _>(MOST_CRASHES)
    .bind::<Text, _>(&poisoned.message)
    .bind::<diesel::sql_types::Jsonb, _>(json(&poisoned)?)
    .load(conn)
    .await?;
    for run in taken.iter().filter(|run| run.status == SyncStatus::Failed) {
        metrics::run_ended(run.kind.as_str(), run.status.as_str());
    }
    Ok(taken.into_iter().map(|run| run.id).collect())
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: SyncKind,
    #[diesel(sql_type = Text)]
    status: SyncStatus,
}

/// Notes the trace of a run that nobody asked for, where a worker begins it.
///
/// # Errors
/// When the database fails.
pub async fn trace(conn: &mut Connection, run_id: Uuid, fence: i64, trace: TraceParent) -> QueryResult<()> {
    diesel::update(
        sync_run::table
            .find(run_id)
            .filter(sync_run::fence.eq(fence))
            .filter(sync_run::trace_parent.is_null()),
    )
    .set(sync_run::trace_parent.eq(trace.to_string()))
    .execute(conn)
    .await?;
    Ok(())
}

/// A run that waits for a worker.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub run_id: Uuid,
    /// Whether it may take long: see `tenant.large`.
    #[diesel(sql_type = Bool)]
    pub large: bool,
    /// Whether workers died while they held it, so that it has to be alone with one.
    #[diesel(sql_type = Bool)]
    pub suspect: bool,
}

/// Which due runs are wanted besides those that are neither large nor suspect; see [`Due`].
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub large: bool,
    pub suspect: bool,
}

impl Wanted {
    pub const ALL: Self = Self {
        large: true,
        suspect: true,
    };
    pub const ORDINARY: Self = Self {
        large: false,
        suspect: false,
    };
}

/// The runs that are due and that nobody is on, at most `limit`. Manual ones go first, but no scheduled one waits behind
/// them without end.
///
/// # Errors
/// When the database fails.
pub async fn list_due(conn: &mut Connection, limit: i64, wanted: Wanted) -> QueryResult<Vec<Due>> {
    select_due(conn, limit, wanted, None).await
}

/// This run, if it is due, nobody is on it, and it is of the wanted.
///
/// # Errors
/// When the database fails.
pub async fn find_due(conn: &mut Connection, run_id: Uuid, wanted: Wanted) -> QueryResult<Option<Due>> {
    Ok(select_due(conn, 1, wanted, Some(run_id)).await?.pop())
}

async fn select_due(conn: &mut Connection, limit: i64, wanted: Wanted, only: Option<Uuid>) -> QueryResult<Vec<Due>> {
    diesel::sql_query(format!(
        "select sync_run.id as run_id, tenant.large, sync_run.crashes >= {SUSPECT_CRASHES} as suspect
         from sync_run join tenant on tenant.company_id = sync_run.company_id
         where {DUE_AND_FREE} and ($2 or not tenant.large) and ($3 or sync_run.crashes < {SUSPECT_CRASHES})
           and ($4 is null or sync_run.id = $4)
         order by trigger = 'SCHEDULED' and not_before > now() - interval '{LONGEST_BEHIND_CLICKS}', not_before, sync_run.id
         limit $1"
    ))
    .bind::<BigInt, _>(limit)
    .bind::<Bool, _>(wanted.large)
    .bind::<Bool, _>(wanted.suspect)
    .bind::<Nullable<SqlUuid>, _>(only)
    .load(conn)
    .await
}

fn held(rows: usize) -> Result<(), LeaseError> {
    if rows == 0 { Err(LeaseError::Lost) } else { Ok(()) }
}

fn json(value: &(impl Serialize + ?Sized)) -> QueryResult<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| diesel::result::Error::SerializationError(error.into()))
}

fn interval(duration: Duration) -> diesel::pg::data_types::PgInterval {
    diesel::pg::data_types::PgInterval::from_microseconds(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
