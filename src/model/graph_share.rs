//! Which part of the application's limits at Microsoft each worker process may use.
//!
//! The danger is the moment at which somebody joins: whoever simply counted heads would use its part while the others still
//! use theirs of before. So a part is taken only as far as it is free: the parts in this table are never more than the
//! whole, and each process uses less before it says so, and more only after.

use diesel::QueryResult;
use diesel::sql_types::{BigInt, Integer, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::Connection;

/// The whole.
const PARTS: i32 = 1_000_000;

/// Any number, of ours alone: whoever holds it is the only one who takes.
const TAKING: i64 = 7_461_629;

#[derive(diesel::QueryableByName)]
struct Taken {
    #[diesel(sql_type = Integer)]
    parts: i32,
}

/// Takes as much as is this process's due, 0 to 1: the same as everybody's. Where that is not free yet, because others have to
/// make room first, it keeps what it has: nothing, when it is new.
///
/// It holds for as long as this connection does, and is confirmed in the next half minute. What it is going to be is told to
/// `make_room` before anybody else can take what it leaves.
///
/// # Errors
/// When the database fails.
pub async fn take(conn: &mut Connection, process: Uuid, make_room: impl Fn(f64) + Send + Sync) -> QueryResult<f64> {
    conn.transaction(async |conn| {
            diesel::sql_query("select pg_advisory_xact_lock($1)")
                .bind::<BigInt, _>(TAKING)
                .execute(conn)
                .await?;
            diesel::sql_query(
                "delete from graph_share
                 where process <> $1
                   and (seen_at < clock_timestamp() - interval '30 seconds'
                        or backend <> all (select pid from pg_stat_activity where datname = current_database()))",
            )
            .bind::<SqlUuid, _>(process)
            .execute(conn)
            .await?;
            let taken: Taken = diesel::sql_query(
                "insert into graph_share (process, parts, backend, seen_at)
                 select $1, case when fair <= $2 - taken then fair else coalesce(mine, 0) end, pg_backend_pid(), clock_timestamp()
                 from (select $2 / (count(*) filter (where process <> $1) + 1)::int as fair,
                              coalesce(sum(parts) filter (where process <> $1), 0) as taken,
                              max(parts) filter (where process = $1) as mine
                       from graph_share) now
                 on conflict (process) do update
                 set parts = excluded.parts, backend = excluded.backend, seen_at = excluded.seen_at
                 returning parts",
            )
            .bind::<SqlUuid, _>(process)
            .bind::<Integer, _>(PARTS)
            .get_result(conn)
            .await?;
            let share = f64::from(taken.parts) / f64::from(PARTS);
            make_room(share);
            Ok(share)
        })
        .await
}

/// Leaves its part to the others.
///
/// # Errors
/// When the database fails.
pub async fn give_back(conn: &mut Connection, process: Uuid) -> QueryResult<()> {
    diesel::sql_query("delete from graph_share where process = $1")
        .bind::<SqlUuid, _>(process)
        .execute(conn)
        .await?;
    Ok(())
}
