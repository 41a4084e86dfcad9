//! Slots of the clock: a company takes each one once, whatever the number of nodes.
//!
//! The danger is doing it twice, or not at all when several nodes strike at the same moment. The primary key of
//! `sync_slot` decides who strikes; whoever loses does nothing.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::sync_run::SyncKind;
use crate::db::Connection;

#[derive(diesel::QueryableByName)]
struct Company {
    #[diesel(sql_type = SqlUuid)]
    company_id: Uuid,
}

/// Takes the slot for every connected company that has not taken it, and queues a run for each, due at what
/// `not_before` says. A run that is active is joined: the slot is its. Answers how many companies took the slot.
///
/// A slot before the tenant was connected is not a missed one.
///
/// # Errors
/// When the database fails.
pub async fn take(
    conn: &mut Connection,
    now: DateTime<Utc>,
    kind: SyncKind,
    slot: DateTime<Utc>,
    not_before: impl Fn(Uuid) -> DateTime<Utc> + Send + Sync,
) -> diesel::QueryResult<usize> {
    conn.transaction(async |conn| {
        let companies = take_for_all(conn, kind, slot).await?;
        if !companies.is_empty() {
            queue_for_all(conn, now, kind, &companies, not_before).await?;
            note_runs(conn, kind, slot, &companies).await?;
        }
        Ok(companies.len())
    })
    .await
}

async fn take_for_all(conn: &mut Connection, kind: SyncKind, slot: DateTime<Utc>) -> diesel::QueryResult<Vec<Uuid>> {
    let taken: Vec<Company> = diesel::sql_query(
        "insert into sync_slot (company_id, kind, slot)
         select company_id, $1, $2 from tenant
         where status = 'CONNECTED' and connected_at <= $2
           and not exists (select from sync_slot
                           where sync_slot.company_id = tenant.company_id and kind = $1 and slot = $2)
         order by company_id
         for share of tenant
         on conflict on constraint sync_slot_pkey do nothing
         returning company_id",
    )
    .bind::<Text, _>(kind)
    .bind::<Timestamptz, _>(slot)
    .load(conn)
    .await?;
    Ok(taken.into_iter().map(|taken| taken.company_id).collect())
}

async fn queue_for_all(
    conn: &mut Connection,
    now: DateTime<Utc>,
    kind: SyncKind,
    companies: &[Uuid],
    not_before: impl Fn(Uuid) -> DateTime<Utc>,
) -> diesel::QueryResult<usize> {
    let ids: Vec<Uuid> = companies.iter().map(|_| crate::model::new_id()).collect();
    let due: Vec<DateTime<Utc>> = companies.iter().copied().map(not_before).collect();
    diesel::sql_query(
        "with queued as (
             insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by,
                                   queued_at, not_before)
             select id, company_id, $4, 'SCHEDULED', 'AUTO', false, 'QUEUED', 'Sync queued', 'Schedule', $5, due
             from unnest($1, $2, $3) as wish (id, company_id, due)
             on conflict do nothing
             returning *)
         insert into outbox (company_id, run_id, kind, snapshot)
         select company_id, id, kind, to_jsonb(queued) - array['checkpoint', 'rules', 'lease_owner', 'lease_until']
         from queued",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(companies)
    .bind::<Array<Timestamptz>, _>(due)
    .bind::<Text, _>(kind)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
}

/// The newest run is the one that was queued or the one that was joined, even if it has just ended.
async fn note_runs(
    conn: &mut Connection,
    kind: SyncKind,
    slot: DateTime<Utc>,
    companies: &[Uuid],
) -> diesel::QueryResult<usize> {
    diesel::sql_query(
        "update sync_slot set run_id = (
             select id from sync_run
             where sync_run.company_id = sync_slot.company_id and sync_run.kind = $1 and not dry_run
             order by queued_at desc, id desc limit 1)
         where kind = $1 and slot = $2 and company_id = any($3)",
    )
    .bind::<Text, _>(kind)
    .bind::<Timestamptz, _>(slot)
    .bind::<Array<SqlUuid>, _>(companies)
    .execute(conn)
    .await
}
