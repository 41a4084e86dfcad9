//! The sweep: looks at how things stand and puts right what was forgotten.
//!
//! It takes no input and remembers nothing, so it may run on every node, at any moment, any number of times. It must
//! never take away what somebody still uses: staged rows go only when no claim can read them, and a job only when it is
//! done, or can never be read.

use std::time::Duration;

use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::doorbell::{Doorbell, QUEUE};
use super::{LONGEST_TIDYING, LONGEST_TURN, Turns};
use crate::db::events::{self, Events};
use crate::db::{Connection, Pool};
use crate::evidence::keep;
use crate::model::sync_run::lease::{self, Wanted};
use crate::model::sync_run::past;
use crate::model::{audit, deactivated, service_token};

const RECONCILE_EVERY: Duration = Duration::from_secs(2);
const TIDY_EVERY: Duration = Duration::from_secs(60);
const RETIRE_EVERY: Duration = Duration::from_secs(3_600);

/// The most runs that are rung for in one turn.
const MOST_RINGS: i64 = 500;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

pub(super) async fn run(pool: Pool, doorbell: Doorbell, events: Events, stop: CancellationToken) {
    tokio::join!(
        keep_reconciling(&pool, &doorbell, &events, stop.clone()),
        keep_tidy(&pool, stop.clone()),
        keep_retiring(&pool, stop)
    );
}

async fn keep_reconciling(pool: &Pool, doorbell: &Doorbell, events: &Events, stop: CancellationToken) {
    let mut turns = Turns::every(RECONCILE_EVERY, LONGEST_TURN, pool, stop);
    while turns.next().await {
        turns.take("sweep", reconcile(pool, doorbell, events)).await;
    }
}

async fn keep_tidy(pool: &Pool, stop: CancellationToken) {
    let mut turns = Turns::every(TIDY_EVERY, LONGEST_TIDYING, pool, stop);
    while turns.next().await {
        turns
            .take("tidying", async { tidy(&mut *pool.get().await?).await })
            .await;
    }
}

async fn keep_retiring(pool: &Pool, stop: CancellationToken) {
    let mut turns = Turns::every(RETIRE_EVERY, LONGEST_TIDYING, pool, stop);
    while turns.next().await {
        turns
            .take("retention", async { retire(&mut *pool.get().await?).await })
            .await;
    }
}

/// Takes back the runs of dead workers, and rings for each due run that no bell is ringing for.
///
/// # Errors
/// When the database fails.
pub async fn reconcile(pool: &Pool, doorbell: &Doorbell, events: &Events) -> anyhow::Result<()> {
    let mut conn = pool.get().await?;
    let taken_back = lease::take_back_expired(&mut conn).await?;
    if !taken_back.is_empty() {
        tracing::warn!(runs = taken_back.len(), "took runs back from workers that have died");
        events.wake();
    }
    let due = lease::list_due(&mut conn, MOST_RINGS, Wanted::ALL).await?;
    let due: Vec<Uuid> = due.iter().map(|due| due.run_id).collect();
    let unheard = without_a_bell(&mut conn, &due).await?;
    drop(conn);
    if !unheard.is_empty() {
        doorbell.ring_all(&unheard).await;
    }
    Ok(())
}

/// Those of the runs for which no job waits in the queue. A job that a worker has taken does not count: that worker may
/// be dead, or about to find that the run was not due yet.
async fn without_a_bell(conn: &mut Connection, due: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let unheard: Vec<Id> = diesel::sql_query(
        "select id from unnest($1) with ordinality as due (id, place)
         where not exists (select from apalis.jobs
                           where job_type = $2 and status = 'Pending'
                             and job = convert_to('{\"run_id\":\"' || due.id || '\"}', 'UTF8'))
         order by place",
    )
    .bind::<Array<SqlUuid>, _>(due)
    .bind::<Text, _>(QUEUE)
    .load(conn)
    .await?;
    Ok(unheard.into_iter().map(|row| row.id).collect())
}

/// Removes what is over: heard events, links that have expired, jobs that are done, staged rows that nobody will read.
///
/// # Errors
/// When the database fails.
pub async fn tidy(conn: &mut Connection) -> anyhow::Result<()> {
    events::prune(conn).await?;
    for table in ["connect_ticket", "sign_in_flow"] {
        diesel::sql_query(format!("delete from {table} where expires_at < now()"))
            .execute(conn)
            .await?;
    }
    tidy_queue(conn).await?;
    for table in [
        "staged_person",
        "staged_group",
        "staged_member",
        "staged_device",
        "staging",
    ] {
        let rows = tidy_staging(conn, table).await?;
        if rows > 0 {
            tracing::info!(table, rows, "removed rows that nobody will read");
        }
    }
    Ok(())
}

/// Removes what is past its time: past syncs, records of who has long been gone, tokens that ended long ago, the oldest of
/// the audit trail, and evidence, of which each removal leaves its tombstone. A company whose evidence cannot be removed
/// keeps nobody else's.
///
/// # Errors
/// When the database fails, or some company's evidence could not be removed.
pub async fn retire(conn: &mut Connection) -> anyhow::Result<()> {
    let now = diesel::select(diesel::dsl::sql::<Timestamptz>("clock_timestamp()"))
        .get_result(conn)
        .await?;
    let removed = past::prune(conn, now).await?;
    if removed != past::Pruned::default() {
        tracing::info!(?removed, "past syncs were removed");
    }
    let removed = deactivated::prune(conn, now).await?;
    if removed != deactivated::Pruned::default() {
        tracing::info!(?removed, "records that were deactivated long ago were removed");
    }
    let tokens = service_token::prune(conn, now).await?;
    if tokens > 0 {
        tracing::info!(tokens, "service tokens that ended long ago were removed");
    }
    let events = audit::prune(conn).await?;
    if events > 0 {
        tracing::info!(events, "the audit trail of more than six years ago was removed");
    }
    let pruned = keep::prune(conn, now).await?;
    for tombstone in &pruned.tombstones {
        let (company_id, class) = (tombstone.company_id, tombstone.class);
        tracing::info!(%company_id, %class, rows = tombstone.rows, "evidence past its time was removed");
    }
    for (company_id, error) in &pruned.failures {
        tracing::error!(%company_id, %error, "evidence past its time could not be removed");
    }
    anyhow::ensure!(
        pruned.failures.is_empty(),
        "the evidence of {} companies could not be removed",
        pruned.failures.len()
    );
    Ok(())
}

/// The queue keeps its jobs and workers for ever; and one job that it cannot read stops every worker.
async fn tidy_queue(conn: &mut Connection) -> QueryResult<()> {
    diesel::sql_query(
        "delete from apalis.jobs
         where job_type = $1
           and (status in ('Done', 'Failed', 'Killed') and done_at < now() - interval '1 hour'
                or id !~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'
                or status not in ('Pending', 'Queued', 'Running', 'Done', 'Failed', 'Killed'))",
    )
    .bind::<Text, _>(QUEUE)
    .execute(conn)
    .await?;
    diesel::sql_query(
        "delete from apalis.workers
         where worker_type = $1 and last_seen < now() - interval '1 hour'
           and not exists (select from apalis.jobs where lock_by = workers.id)",
    )
    .bind::<Text, _>(QUEUE)
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims are found by leaping from one to the next through the index: a table with a million rows holds few claims.
async fn tidy_staging(conn: &mut Connection, table: &'static str) -> QueryResult<usize> {
    diesel::sql_query(format!(
        "with recursive claim (run_id, fence) as (
             (select run_id, fence from {table} order by run_id, fence limit 1)
             union all
             select next.run_id, next.fence from claim, lateral (
                 select run_id, fence from {table} staged
                 where (staged.run_id, staged.fence) > (claim.run_id, claim.fence)
                 order by run_id, fence limit 1) next)
         delete from {table} staged using claim
         where staged.run_id = claim.run_id and staged.fence = claim.fence
           and not exists (select from sync_run
                           where sync_run.id = claim.run_id and sync_run.fence = claim.fence
                             and sync_run.status in ('RUNNING', 'WAITING'))"
    ))
    .execute(conn)
    .await
}
