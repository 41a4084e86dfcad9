//! Sharing Microsoft's limits: they are the application's, and every worker process asks as that application.
//!
//! The processes agree in the database on who uses how much ([`graph_share`]), every few seconds and never for a request: who
//! is alone has everything, and who joins waits until the others have made room. The danger is a process that the others
//! take for dead and that asks on: so it holds its part together with one connection, and without that it has none.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, timeout};
use uuid::Uuid;

use crate::db::{Address, Connection, Pool};
use crate::microsoft::Microsoft;
use crate::model::graph_share;

/// How often a process looks how many there are.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long one look may take: both together are shorter than a part is kept for somebody who is not seen.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// Does the work as one of the processes that share Microsoft's limits, and gives its part back when it is done.
pub async fn while_sharing<T>(pool: &Pool, microsoft: &Microsoft, work: impl Future<Output = T>) -> T {
    let process = crate::model::new_id();
    let mut conn = None;
    microsoft.set_share(0.0);
    let mut work = pin!(work);
    let done = tokio::select! {
        done = &mut work => done,
        never = keep(pool.direct(), &mut conn, microsoft, process) => match never {},
    };
    // Without that its connection ends, and it is free as well.
    if let Some(conn) = &mut conn
        && let Err(error) = graph_share::give_back(conn, process).await
    {
        tracing::debug!(%error, "the share of Microsoft's limits ends with its connection");
    }
    microsoft.set_share(1.0);
    done
}

async fn keep(address: &Address, conn: &mut Option<Connection>, microsoft: &Microsoft, process: Uuid) -> Infallible {
    let mut turns = tokio::time::interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ours = 0.0;
    loop {
        turns.tick().await;
        let make_room = |share: f64| microsoft.set_share(share.min(ours));
        let share = timeout(LONGEST_LOOK, take(address, conn, process, make_room)).await;
        ours = share.map_err(anyhow::Error::from).flatten().unwrap_or_else(|error| {
            *conn = None;
            let error = format!("{error:#}");
            tracing::warn!(error, "Microsoft is not asked: our share of its limits is not known");
            0.0
        });
        microsoft.set_share(ours);
    }
}

async fn take(
    address: &Address,
    conn: &mut Option<Connection>,
    process: Uuid,
    make_room: impl Fn(f64) + Send + Sync,
) -> anyhow::Result<f64> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(address.establish().await?),
    };
    Ok(graph_share::take(conn, process, make_room).await?)
}
