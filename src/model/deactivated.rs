//! Records of people, groups and devices that have long been gone, and that are kept no longer.
//!
//! The name and the address of everybody who ever left would be kept for ever. Nothing writes to a deactivated record, so
//! `updated_at` is when it was deactivated; one that comes back later is created again, with another id. The dangers:
//! - a sync that has just planned to bring a record back, and then does not find it: its link is past it, and nothing
//!   would read it again. So nothing is removed while a run of the company could do so;
//! - a chosen portal group, without which everybody may enter: whatever somebody chose stays;
//! - what a person has yet to decide, or can still look up among the changes, stays too.
//!
//! Memberships are Microsoft's ids alone and say how its groups stand: they go with the group, or with the next look.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use diesel::sql_types::{BigInt, Integer, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::Connection;

/// How long a record is kept after it was deactivated.
const KEPT: TimeDelta = TimeDelta::days(400);
/// How many records one transaction removes: whoever wants to queue a run of the company waits for it.
const BATCH: i64 = 1_000;
/// How many transactions of a kind one call makes for a company; what is left is left for the next day.
const MOST_BATCHES: usize = 100;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// What [`prune`] removed, by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub contacts: usize,
    pub groups: usize,
    pub assets: usize,
}

/// Removes the records that were deactivated long ago, of the companies whose hour of the day it is: to find them, all
/// records of a company are looked at. Call it every hour, outside of a transaction.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn prune(conn: &mut Connection, now: DateTime<Utc>) -> QueryResult<Pruned> {
    let hour = i32::try_from(now.hour()).unwrap_or_default();
    let due: Vec<Due> =
        sql_query("select id from company where mod(abs(hashtext(id::text)::bigint), 24) = $1 order by id")
            .bind::<Integer, _>(hour)
            .load(conn)
            .await?;
    let mut pruned = Pruned::default();
    for Due { id } in due {
        pruned.groups += prune_kind(conn, id, now, GROUPS).await?;
        pruned.contacts += prune_kind(conn, id, now, CONTACTS).await?;
        pruned.assets += prune_kind(conn, id, now, ASSETS).await?;
    }
    Ok(pruned)
}

async fn prune_kind(
    conn: &mut Connection,
    company_id: Uuid,
    now: DateTime<Utc>,
    statement: &str,
) -> QueryResult<usize> {
    let mut removed = 0;
    for _ in 0..MOST_BATCHES {
        let rows = prune_some(conn, company_id, now, statement).await?;
        removed += rows;
        if i64::try_from(rows).is_ok_and(|rows| rows < BATCH) {
            break;
        }
    }
    Ok(removed)
}

async fn prune_some(
    conn: &mut Connection,
    company_id: Uuid,
    now: DateTime<Utc>,
    statement: &str,
) -> QueryResult<usize> {
    conn.transaction(async |conn| {
        // No run can be queued while the company is held, and whoever is just queueing one comes first.
        let held = sql_query("select from company where id = $1 for update skip locked")
            .bind::<SqlUuid, _>(company_id)
            .execute(conn)
            .await?;
        let busy = sql_query(
            "select from sync_run where company_id = $1 and kind = 'IDENTITY' and finished_at is null limit 1",
        )
        .bind::<SqlUuid, _>(company_id)
        .execute(conn)
        .await?;
        if held == 0 || busy > 0 {
            return Ok(0);
        }
        sql_query(statement)
            .bind::<SqlUuid, _>(company_id)
            .bind::<Timestamptz, _>(now - KEPT)
            .bind::<BigInt, _>(BATCH)
            .execute(conn)
            .await
    })
    .await
}

/// `$1` company, `$2` the horizon, `$3` rows.
macro_rules! long_gone {
    ($table:literal, $noun:literal, $unless:literal) => {
        concat!(
            "delete from ",
            $table,
            " where id = any (array(
                 select gone.id from ",
            $table,
            " gone
                 where gone.company_id = $1 and gone.state = 'DEACTIVATED' and gone.updated_at < $2
                   and not exists (select from held_change h where h.company_id = $1 and h.noun = '",
            $noun,
            "' and h.record_id = gone.id and h.decision = 'HELD')
                   and not exists (select from sync_change x where x.record_id = gone.id)",
            $unless,
            " limit $3))"
        )
    };
}

const CONTACTS: &str = long_gone!("contact", "CONTACT", "");
const ASSETS: &str = long_gone!("asset", "ASSET", "");
const GROUPS: &str = long_gone!(
    "contact_group",
    "CONTACT_GROUP",
    " and not exists (select from portal_access_group a where a.group_id = gone.id)
      and not exists (select from sync_rules r where r.company_id = $1 and gone.entra_id = any (r.only_groups))"
);
