//! Holding a run: its lease is kept while it is performed, and nobody works on what is no longer theirs.
//!
//! The danger is the worker that was taken for dead and lives. Its writes are stopped by the fence; here its work is
//! stopped too, so that it does not go on asking Microsoft for a run that somebody else has. The lease is renewed by a
//! future and a connection of their own: neither a busy pool nor a long page delays it.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::db::events::{Events, News, Watch};
use crate::db::{Address, Connection, Pool};
use crate::model::sync_run::SyncStatus;
use crate::model::sync_run::lease::{self, Claim, LeaseError};
use crate::run;

/// How long a claim holds unless it is renewed.
pub(super) const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// A run ends itself in time. One that goes on for longer keeps its thread busy: others have it then.
const LAST_RENEWAL: Duration = run::LONGEST.saturating_add(Duration::from_secs(600));

/// How long a run may take to hand itself back before that is done for it.
const GRACE: Duration = Duration::from_secs(10);

/// Has a claimed run performed, for as long as the claim holds.
pub(super) async fn hold<F: Future<Output = ()>>(
    pool: &Pool,
    events: &Events,
    claim: Claim,
    stop: CancellationToken,
    perform: impl FnOnce(Claim, CancellationToken) -> F,
) {
    let run_id = claim.run.id;
    let watch = events.watch(claim.run.company_id, claim.run.kind);
    // A task of its own, which ends with this one: a run that keeps its thread busy does not lose its lease by that.
    let mut keeper = JoinSet::new();
    keeper.spawn(keep(pool.direct().clone(), claim.clone(), watch));
    let performed = perform(claim.clone(), stop.clone());
    tokio::select! {
        () = performed => {}
        _ = keeper.join_next() => tracing::warn!(%run_id, "the lease was lost, so the run was let go"),
        () = overdue(&stop) => match hand_back(pool, &claim).await {
            Ok(()) => tracing::warn!(%run_id, "the run did not hand itself back in time"),
            Err(error) => tracing::warn!(%run_id, %error, "the run could not be handed back; its lease will run out"),
        },
    }
}

async fn overdue(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(GRACE).await;
}

async fn hand_back(pool: &Pool, claim: &Claim) -> anyhow::Result<()> {
    let mut conn = timeout(GRACE, pool.get()).await??;
    Ok(lease::hand_back(&mut conn, claim.run.id, claim.fence).await?)
}

/// Renews the lease for as long as it is ours, and ends when it is not.
async fn keep(address: Address, claim: Claim, mut watch: Watch) {
    let mut conn = None;
    let mut ours_until = Instant::now() + LEASE;
    let mut next = Instant::now() + RENEW_EVERY;
    let end = Instant::now() + LAST_RENEWAL;
    loop {
        tokio::select! {
            () = sleep_until(next) => {}
            () = cancelled(&mut watch, &claim) => {}
        }
        let asked = Instant::now();
        if asked > end {
            return;
        }
        match timeout(RENEW_EVERY, renew(&address, &mut conn, &claim))
            .await
            .unwrap_or_else(|late| Err(late.into()))
        {
            Ok(true) => {
                ours_until = asked + LEASE;
                next = asked + RENEW_EVERY;
            }
            Ok(false) => return,
            Err(_) if asked >= ours_until => return,
            Err(error) => {
                tracing::warn!(run_id = %claim.run.id, %error, "the lease could not be renewed yet");
                conn = None;
                next = asked + RETRY_EVERY;
            }
        }
    }
}

/// Whether the lease is still ours.
async fn renew(address: &Address, conn: &mut Option<Connection>, claim: &Claim) -> anyhow::Result<bool> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(address.establish().await?),
    };
    match lease::renew(conn, claim.run.id, claim.fence, LEASE).await {
        Ok(()) => Ok(true),
        Err(LeaseError::Lost) => Ok(false),
        Err(LeaseError::Database(error)) => Err(error.into()),
    }
}

/// Ends when somebody cancelled the run, so that it stops at once and not at the next renewal.
async fn cancelled(watch: &mut Watch, claim: &Claim) {
    loop {
        match watch.next().await {
            Some(News::Run(run)) if run.id == claim.run.id && run.status == SyncStatus::Cancelled => {
                return;
            }
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}
