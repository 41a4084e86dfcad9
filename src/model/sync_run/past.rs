//! What of past syncs is no longer kept.
//!
//! A sync of a company leaves a run, a slot and what it changed, ten times a day: without an end to it these are soon
//! most of the database. The danger is to remove what something else still rests on:
//! - the newest run of a kind says how a company stands, and stays however old it is;
//! - a run whose changes are held waits for a person, and stays until one has decided;
//! - which evidence runs there should have been is part of what the evidence says, so their slots and runs go only when
//!   the evidence of that time has gone (`evidence::keep` decides when);
//! - what people did is in the audit trail, which has an end of its own, and in the history of the schedules, which says
//!   what runs there should have been for as long as there is evidence: it grows with what people do, not with the clock.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel::{QueryResult, sql_query};
use diesel_async::RunQueryDsl;

use crate::db::Connection;

/// How long identity runs, their slots, what they changed, and decided holds are kept.
const RUNS: TimeDelta = TimeDelta::days(90);
/// How long evidence runs and their slots are kept at least.
const EVIDENCE_RUNS: TimeDelta = TimeDelta::days(400);
/// How long a hold is kept that a later look has replaced: each full look replaces all there are.
const REPLACED_HOLDS: TimeDelta = TimeDelta::days(7);

/// How many rows one statement removes, so that nobody waits for it for long.
const BATCH: i64 = 5_000;
/// How many statements of a sort one call makes; what is left is left for the next.
const MOST_BATCHES: usize = 200;
/// How many old runs or slots of a company are looked at in one statement: no company has so many that may not go.
const OF_EACH: i64 = 200;

/// What [`prune`] removed, by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub changes: usize,
    pub holds: usize,
    pub slots: usize,
    pub runs: usize,
}

/// Removes what is past its time, in small batches. Call it outside of a transaction.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn prune(conn: &mut Connection, now: DateTime<Utc>) -> QueryResult<Pruned> {
    // What hangs on a run goes before it, so that no removal of a run takes a million rows along.
    Ok(Pruned {
        changes: in_batches(conn, now, CHANGES).await?,
        holds: in_batches(conn, now, HOLDS).await?,
        slots: in_batches(conn, now, SLOTS).await?,
        runs: in_batches(conn, now, OLD_RUNS).await?,
    })
}

async fn in_batches(conn: &mut Connection, now: DateTime<Utc>, statement: &str) -> QueryResult<usize> {
    let mut removed = 0;
    for _ in 0..MOST_BATCHES {
        let rows = sql_query(statement)
            .bind::<Timestamptz, _>(now - RUNS)
            .bind::<Timestamptz, _>(now - EVIDENCE_RUNS)
            .bind::<Timestamptz, _>(now - REPLACED_HOLDS)
            .bind::<BigInt, _>(BATCH)
            .bind::<BigInt, _>(OF_EACH)
            .execute(conn)
            .await?;
        if rows == 0 {
            break;
        }
        removed += rows;
    }
    Ok(removed)
}

// `$1` the horizon of identity, `$2` of evidence, `$3` of replaced holds, `$4` rows, `$5` rows of each company.

const CHANGES: &str = "
    delete from sync_change where ctid = any (array(
        select c.ctid
        from company
        cross join lateral (
            select id from sync_run r
            where r.company_id = company.id and kind = 'IDENTITY' and queued_at < $1 and finished_at is not null
              and exists (select from sync_change where run_id = r.id)
            order by queued_at limit $5) old
        join sync_change c on c.run_id = old.id
        limit $4))";

const HOLDS: &str = "
    delete from held_change where ctid = any (array(
        select ctid from held_change
        where decision = 'SUPERSEDED' and decided_at < $3 or decision in ('RELEASED', 'DISCARDED') and decided_at < $1
        limit $4))";

const SLOTS: &str = "
    delete from sync_slot where ctid = any (array(
        select old.ctid
        from company
        cross join (values ('IDENTITY', $1), ('EVIDENCE', $2)) as of (kind, horizon)
        cross join lateral (
            select s.ctid from sync_slot s
            where s.company_id = company.id and s.kind = of.kind and s.slot < of.horizon
              and (s.kind = 'IDENTITY'
                   or not exists (select from evidence_run e where e.company_id = company.id and e.taken_at <= s.slot))
            order by s.slot limit $5) old
        limit $4))";

const OLD_RUNS: &str = "
    delete from sync_run where id = any (array(
        select old.id
        from company
        cross join (values ('IDENTITY', $1), ('EVIDENCE', $2)) as of (kind, horizon)
        cross join lateral (
            select r.id from sync_run r
            where r.company_id = company.id and r.kind = of.kind and r.queued_at < of.horizon and r.finished_at is not null
              and exists (select from sync_run newer
                          where newer.company_id = r.company_id and newer.kind = r.kind and not newer.dry_run
                            and (newer.queued_at, newer.id) > (r.queued_at, r.id))
              and not exists (select from sync_change where run_id = r.id)
              and not exists (select from held_change where run_id = r.id)
              and not exists (select from sync_slot where run_id = r.id)
              and (r.kind = 'IDENTITY'
                   or not exists (select from evidence_run e where e.company_id = r.company_id and e.taken_at <= r.queued_at))
            order by r.queued_at limit $5) old
        limit $4))";
