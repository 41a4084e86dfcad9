//! Sync runs: one attempt to bring one company up to date.
//!
//! The row is the truth. A worker holds it by a lease on the database's clock and a fence: every write carries the
//! fence of its claim, so that a worker that was taken for dead can no longer change anything. Each change of the row
//! writes its snapshot to the outbox in the same transaction.
//!
//! This file says what a run is; [`lease`] is what workers do with it.

mod ahead;
mod json;
pub mod lease;
mod list;
pub mod past;
mod wish;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use ahead::{Ahead, load_ahead};
use json::{Json, JsonOption};
pub use list::{Filter, Standing, latest_of_company, list_everywhere, list_of_company, load, standing};
pub use wish::{Queued, Wish, queue};

use crate::db::schema::sync_run;
use crate::db::{Connection, Setback};
use crate::model::{Noun, Scope};
use crate::telemetry::metrics;

super::text_enum::text_enum! {
    /// What a run brings up to date.
    pub enum SyncKind {
        /// Contacts, contact groups and assets.
        Identity = "IDENTITY",
        /// The security posture.
        Evidence = "EVIDENCE",
    }
}

super::text_enum::text_enum! {
    /// What made a run.
    pub enum SyncTrigger {
        /// The company was just connected.
        Initial = "INITIAL",
        /// Somebody asked.
        Manual = "MANUAL",
        /// The clock.
        Scheduled = "SCHEDULED",
    }
}

super::text_enum::text_enum! {
    /// How much a run reads.
    pub enum SyncMode {
        /// Only what changed, where Microsoft can tell; everything otherwise.
        Auto = "AUTO",
        /// Everything.
        Full = "FULL",
    }
}

super::text_enum::text_enum! {
    /// Where a run stands.
    pub enum SyncStatus {
        /// Waits for a worker.
        Queued = "QUEUED",
        /// A worker is on it.
        Running = "RUNNING",
        /// Waits for Microsoft, without holding a worker.
        Waiting = "WAITING",
        /// Complete.
        Succeeded = "SUCCEEDED",
        /// Some kinds of record are up to date, others could not be read.
        Partial = "PARTIAL",
        /// Nothing could be brought up to date.
        Failed = "FAILED",
        /// Ended by a person before it was done.
        Cancelled = "CANCELLED",
    }
}

impl SyncStatus {
    /// Whether the run still has work to do.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Waiting)
    }
}

/// What a run did to one kind of record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub kind: Noun,
    /// Records that Microsoft listed.
    pub read: i64,
    pub created: i64,
    /// Records that changed, those that came back among them.
    pub updated: i64,
    pub unchanged: i64,
    pub deactivated: i64,
    /// Deactivations that wait for a person.
    pub held: i64,
    /// Records that the sync rules leave out.
    pub skipped: i64,
    /// Why the whole kind was left out, such as a tenant without Intune.
    pub skipped_because: Option<String>,
}

impl Counts {
    /// Counts of a kind of which nothing was seen yet.
    pub fn none(kind: Noun) -> Self {
        Self {
            kind,
            read: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            deactivated: 0,
            held: 0,
            skipped: 0,
            skipped_because: None,
        }
    }
}

/// How long one stage of a run took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTime {
    /// What was done, such as `Reading contacts`.
    pub name: String,
    pub milliseconds: i64,
}

/// Why a run, or a part of it, did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailure {
    /// A stable code in capitals.
    pub code: String,
    /// What went wrong, in plain words.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl RunFailure {
    /// What a run says of a fault of our own; the cause is in the log.
    pub fn internal() -> Self {
        Self {
            code: "INTERNAL".into(),
            message: "Something went wrong on our side.".into(),
            remedy: "Sync again. If it happens again, tell whoever runs Tenantry the time of this run.".into(),
        }
    }

    /// Of an error that is ours to mend. None where the database is away, or chose the run to give way to somebody: such a
    /// run has not ended, and is begun again when its lease has run out.
    pub fn of_ours(error: &anyhow::Error) -> Option<Self> {
        match Setback::of(error) {
            Some(Setback::Away | Setback::Deadlock) => None,
            Some(Setback::Full) => Some(Self {
                code: "STORAGE_FULL".into(),
                message: "The database has no room left, so that nothing was changed.".into(),
                remedy: "Whoever runs Tenantry makes room on the database's disk; then sync again.".into(),
            }),
            None => Some(Self::internal()),
        }
    }
}

/// One attempt to bring one company up to date.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Serialize, Deserialize)]
#[diesel(table_name = sync_run, check_for_backend(diesel::pg::Pg))]
pub struct SyncRun {
    pub id: Uuid,
    pub company_id: Uuid,
    pub kind: SyncKind,
    pub trigger: SyncTrigger,
    pub mode: SyncMode,
    pub dry_run: bool,
    pub status: SyncStatus,
    /// What it is doing, such as `Reading contacts`.
    pub stage: Option<String>,
    /// What a page shows.
    pub message: String,
    /// Percent, where it can be told; never falls.
    pub progress: Option<i32>,
    #[diesel(deserialize_as = Json<Vec<Counts>>)]
    pub counts: Vec<Counts>,
    #[diesel(deserialize_as = Json<Vec<StageTime>>)]
    pub stages: Vec<StageTime>,
    /// Requests made to Microsoft, retries included.
    pub requests: i64,
    #[diesel(deserialize_as = JsonOption<RunFailure>)]
    pub failure: Option<RunFailure>,
    pub requested_by: String,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// It does not start, or go on, before this.
    pub not_before: DateTime<Utc>,
    /// Counts the changes of the row.
    pub revision: i64,
    /// The `traceparent` of whoever asked for it, or of the worker that began it.
    pub trace_parent: Option<String>,
}

/// Tells subscribers how the run stands; in the transaction that changed it.
async fn publish(conn: &mut Connection, run_id: Uuid) -> QueryResult<()> {
    diesel::sql_query(
        "insert into outbox (company_id, run_id, kind, snapshot)
         select company_id, id, kind, to_jsonb(sync_run) - array['checkpoint', 'rules', 'lease_owner', 'lease_until']
         from sync_run where id = $1",
    )
    .bind::<SqlUuid, _>(run_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells subscribers of a run whose surroundings changed, such as its held changes; in the transaction that changed
/// them.
///
/// # Errors
/// When the database fails.
pub async fn touch(conn: &mut Connection, run_id: Uuid) -> QueryResult<SyncRun> {
    let run = diesel::update(sync_run::table.find(run_id))
        .set(sync_run::revision.eq(sync_run::revision + 1))
        .returning(SyncRun::as_returning())
        .get_result(conn)
        .await?;
    publish(conn, run_id).await?;
    Ok(run)
}

/// Ends every active run of a company, whoever holds it.
///
/// # Errors
/// When the database fails.
pub async fn cancel_active(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    reason: &str,
) -> QueryResult<()> {
    cancel(conn, now, company_id, reason, None).await
}

/// Ends the run that the clock has queued for a company, if nobody has begun it and nobody has asked for it since.
///
/// # Errors
/// When the database fails.
pub async fn cancel_scheduled(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    kind: SyncKind,
    reason: &str,
) -> QueryResult<()> {
    cancel(conn, now, company_id, reason, Some(kind)).await
}

async fn cancel(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    reason: &str,
    only_scheduled: Option<SyncKind>,
) -> QueryResult<()> {
    let ended: Vec<Ended> = diesel::sql_query(
        "with ended as (
             update sync_run
             set status = 'CANCELLED', message = $3, finished_at = $2, fence = fence + 1, revision = revision + 1,
                 lease_owner = null, lease_until = null, checkpoint = null
             where company_id = $1 and finished_at is null
               and ($4 is null or (kind = $4 and trigger = 'SCHEDULED' and status = 'QUEUED' and started_at is null))
             returning *)
         insert into outbox (company_id, run_id, kind, snapshot)
         select company_id, id, kind, to_jsonb(ended) - array['checkpoint', 'rules', 'lease_owner', 'lease_until']
         from ended
         returning kind",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(reason)
    .bind::<Nullable<Text>, _>(only_scheduled)
    .load(conn)
    .await?;
    for Ended { kind } in ended {
        metrics::run_ended(kind.as_str(), SyncStatus::Cancelled.as_str());
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Text)]
    kind: SyncKind,
}

/// The run with this id, if the scope holds its company.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Connection, scope: &Scope, id: Uuid) -> QueryResult<Option<SyncRun>> {
    let run: Option<SyncRun> = sync_run::table
        .find(id)
        .select(SyncRun::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(run.filter(|run| scope.holds_whole(run.company_id)))
}

/// The newest run of a kind for a company, dry runs apart.
///
/// # Errors
/// When the database fails.
pub async fn latest(
    conn: &mut Connection,
    scope: &Scope,
    company_id: Uuid,
    kind: SyncKind,
) -> QueryResult<Option<SyncRun>> {
    if !scope.holds_whole(company_id) {
        return Ok(None);
    }
    sync_run::table
        .filter(sync_run::company_id.eq(company_id))
        .filter(sync_run::kind.eq(kind))
        .filter(sync_run::dry_run.eq(false))
        .order((sync_run::queued_at.desc(), sync_run::id.desc()))
        .select(SyncRun::as_select())
        .first(conn)
        .await
        .optional()
}
