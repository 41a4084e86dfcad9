//! The clock: identity at 00:00, 04:00 … 20:00 UTC, evidence at 00:15, 06:15, 12:15 and 18:15, once per slot and company.
//!
//! It strikes from the database: a slot is struck when its rows are there, so it does not matter how many nodes look,
//! how often, or whether any of them was up when the hour came. A cron scheduler would add nothing: it fires on every
//! node, from that machine's clock, and forgets what came while it was away. So this is a plain timer that asks the
//! database for the time and takes the latest slot, again and again; taking a slot twice does nothing. After a
//! downtime the latest slot is made up for, once, and those before it are let go. Which slots a company takes, and when it
//! is left alone because it keeps failing, is said in [`sync_schedule`](crate::model::sync_schedule).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use tokio_util::sync::CancellationToken;

use super::{LONGEST_TURN, Turns};
use crate::db::events::Events;
use crate::db::{Connection, Pool};
use crate::model::clock::part_of;
use crate::model::sync_run::SyncKind;
use crate::model::sync_slot;

/// Runs of a slot start spread over this long, so that thousands of tenants are not asked for at one moment.
const SPREAD: TimeDelta = TimeDelta::minutes(9);

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Queues the runs of the latest slot of a kind for every company that has none: of the latest that its schedule takes.
/// How many companies that were.
///
/// # Errors
/// When the database fails.
pub async fn strike(conn: &mut Connection, kind: SyncKind, now: DateTime<Utc>) -> diesel::QueryResult<usize> {
    sync_slot::take(conn, now, kind, |company_id, slot| slot + part_of(company_id, SPREAD)).await
}

pub(super) async fn run(pool: Pool, events: Events, stop: CancellationToken) {
    let mut turns = Turns::every(LOOK_EVERY, LONGEST_TURN, &pool, stop);
    while turns.next().await {
        turns.take("clock", look(&pool, &events)).await;
    }
}

async fn look(pool: &Pool, events: &Events) -> anyhow::Result<()> {
    let mut conn = pool.get().await?;
    let now = diesel::select(sql::<Timestamptz>("clock_timestamp()"))
        .get_result(&mut conn)
        .await?;
    for kind in SyncKind::ALL {
        if strike(&mut conn, *kind, now).await? > 0 {
            events.wake();
        }
    }
    Ok(())
}
