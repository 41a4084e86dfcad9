//! Slots of the clock: a company takes each one once, whatever the number of nodes.
//!
//! The danger is doing it twice, or not at all when several nodes strike at the same moment. The primary key of
//! `sync_slot` decides who strikes; whoever loses does nothing.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::clock::{past_midnight, usual_hours};
use super::sync_run::SyncKind;
use super::sync_schedule::{self, OUTLOOK};
use crate::db::Connection;

/// A slot that was taken further ahead than this is none that the clock was set back before, but one of a clock that was
/// wrong: it keeps nobody from the slots until then.
const LONGEST_SET_BACK: &str = "1 day";

#[derive(QueryableByName)]
struct Due {
    #[diesel(embed)]
    of: sync_schedule::Row,
    #[diesel(sql_type = Timestamptz)]
    slot: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = SqlUuid)]
    company_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    slot: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    wants_a_run: bool,
}

/// Takes the latest slot of its schedule for every connected company that has not taken it, and queues a run for each,
/// due at what `not_before` says. A run that is active is joined: the slot is its. Answers how many runs the slots
/// wanted.
///
/// A slot before the tenant was connected, or before its schedule was changed, is not a missed one, nor is one before the last
/// that was taken: then the clock was set back, by a day at most. One that is passed
/// over because the tenant keeps failing is taken without a run, and says so.
///
/// # Errors
/// When the database fails.
pub async fn take(
    conn: &mut Connection,
    now: DateTime<Utc>,
    kind: SyncKind,
    not_before: impl Fn(Uuid, DateTime<Utc>) -> DateTime<Utc> + Send + Sync,
) -> diesel::QueryResult<usize> {
    conn.transaction(async |conn| {
        let due = due(conn, now, kind).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut taken = take_all(conn, kind, &due).await?;
        taken.retain(|taken| taken.wants_a_run);
        if !taken.is_empty() {
            queue_for_all(conn, now, kind, &taken, not_before).await?;
            note_runs(conn, kind, &taken).await?;
        }
        Ok(taken.len())
    })
    .await
}

/// Who has a slot to take. The tenant is not disconnected before it has one.
async fn due(conn: &mut Connection, now: DateTime<Utc>, kind: SyncKind) -> diesel::QueryResult<Vec<Due>> {
    let origin = DateTime::UNIX_EPOCH + past_midnight(kind);
    diesel::sql_query(format!(
        "with of as materialized (
             select tenant.company_id, latest.slot
             from tenant
             left join lateral (
                 select since, every_hours, paused from sync_schedule
                 where company_id = tenant.company_id and kind = $1 order by since desc limit 1) chosen on true
             cross join lateral (
                 select date_bin(make_interval(hours => coalesce(chosen.every_hours, $4)), $2, $3) as slot) latest
             where status = 'CONNECTED' and connected_at <= latest.slot
               and coalesce(chosen.since <= latest.slot and not chosen.paused, true)
               and not exists (select from sync_slot
                               where sync_slot.company_id = tenant.company_id and kind = $1
                                 and sync_slot.slot between latest.slot and latest.slot + interval '{LONGEST_SET_BACK}')
             order by tenant.company_id
             for share of tenant)
         select of.company_id, of.slot, s.since, s.every_hours, s.paused, s.paused_since, f.failures, f.failed_at
         from of {OUTLOOK}
         order by of.company_id"
    ))
    .bind::<Text, _>(kind)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(origin)
    .bind::<Integer, _>(usual_hours(kind))
    .load(conn)
    .await
}

/// A schedule may have been paused since the tenants were looked at: whoever pauses holds the tenant.
async fn take_all(conn: &mut Connection, kind: SyncKind, due: &[Due]) -> diesel::QueryResult<Vec<Taken>> {
    let companies: Vec<Uuid> = due.iter().map(|due| due.of.company_id).collect();
    let slots: Vec<DateTime<Utc>> = due.iter().map(|due| due.slot).collect();
    let passed_over: Vec<Option<String>> = due.iter().map(|due| passed_over(kind, due)).collect();
    diesel::sql_query(
        "insert into sync_slot (company_id, kind, slot, passed_over)
         select company_id, $1, slot, passed_over from unnest($2, $3, $4) as due (company_id, slot, passed_over)
         where not coalesce((select paused from sync_schedule
                             where sync_schedule.company_id = due.company_id and sync_schedule.kind = $1
                             order by since desc limit 1), false)
         on conflict on constraint sync_slot_pkey do nothing
         returning company_id, slot, passed_over is null as wants_a_run",
    )
    .bind::<Text, _>(kind)
    .bind::<Array<SqlUuid>, _>(companies)
    .bind::<Array<Timestamptz>, _>(slots)
    .bind::<Array<Nullable<Text>>, _>(passed_over)
    .load(conn)
    .await
}

fn passed_over(kind: SyncKind, due: &Due) -> Option<String> {
    let outlook = due.of.outlook(kind);
    outlook.passes_over(kind, due.slot).then(|| {
        format!(
            "Passed over: the last {} scheduled runs failed, and the next try is later.",
            outlook.failures
        )
    })
}

async fn queue_for_all(
    conn: &mut Connection,
    now: DateTime<Utc>,
    kind: SyncKind,
    taken: &[Taken],
    not_before: impl Fn(Uuid, DateTime<Utc>) -> DateTime<Utc>,
) -> diesel::QueryResult<usize> {
    let ids: Vec<Uuid> = taken.iter().map(|_| crate::model::new_id()).collect();
    let companies: Vec<Uuid> = taken.iter().map(|taken| taken.company_id).collect();
    let due: Vec<DateTime<Utc>> = taken
        .iter()
        .map(|taken| not_before(taken.company_id, taken.slot))
        .collect();
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
async fn note_runs(conn: &mut Connection, kind: SyncKind, taken: &[Taken]) -> diesel::QueryResult<usize> {
    let (companies, slots): (Vec<Uuid>, Vec<DateTime<Utc>>) =
        taken.iter().map(|taken| (taken.company_id, taken.slot)).unzip();
    diesel::sql_query(
        "update sync_slot set run_id = (
             select id from sync_run
             where sync_run.company_id = sync_slot.company_id and sync_run.kind = $1 and not dry_run
             order by queued_at desc, id desc limit 1)
         from unnest($2, $3) as taken (company_id, slot)
         where sync_slot.company_id = taken.company_id and kind = $1 and sync_slot.slot = taken.slot",
    )
    .bind::<Text, _>(kind)
    .bind::<Array<SqlUuid>, _>(companies)
    .bind::<Array<Timestamptz>, _>(slots)
    .execute(conn)
    .await
}
