//! What stands between us and Postgres: nothing, or a pooler that lends out its sessions for a transaction at a time.
//!
//! Behind such a pooler a connection is not a session. What listens hears nothing, a lock of the session is somebody
//! else's, the job queue's statements are prepared where they are not run: all of it without a word. So the start looks
//! which it is, and refuses what cannot work with the setting that mends it.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::Address;

/// A lock that is taken through one address and looked for through the other.
const SAME: i32 = 7_461_628;

/// A pooler with one session makes the second connection wait for ever.
const PATIENCE: Duration = Duration::from_secs(15);

/// Refuses addresses through which Tenantry cannot work.
///
/// # Errors
/// Names the setting to change; or when a database cannot be reached.
pub async fn require(through: &Address, direct: &Address) -> anyhow::Result<()> {
    let looking = timeout(PATIENCE, is_shared(direct)).await;
    if looking.context("the database gave no two sessions at a time")?? {
        bail!(
            "the database's address leads to a pooler that lends a session for one transaction at a time: set \
             TENANTRY_DIRECT_DATABASE_URL to the address of Postgres itself, which listening, the job queue, leases, \
             staging and migrations need"
        );
    }
    if through.url() == direct.url() {
        return Ok(());
    }
    require_same(through, direct).await?;
    let looking = timeout(PATIENCE, is_shared(through)).await;
    let is_shared = looking.context("the pooler at DATABASE_URL gave no two sessions at a time")??;
    if is_shared && !keeps_statements(through).await? {
        bail!(
            "the pooler at DATABASE_URL loses prepared statements between transactions: it has to be PgBouncer 1.21 or \
             newer with max_prepared_statements above 0, or in session mode"
        );
    }
    Ok(())
}

/// Whether two connections are ever served by one session of the server.
///
/// Each holds a session of its own for the length of a transaction. Whoever comes next gets the one that was given
/// back last, or the one that was given back first; in two turns one of them is the other's.
async fn is_shared(address: &Address) -> anyhow::Result<bool> {
    let (one, other) = (address.client().await?, address.client().await?);
    let mut seen = HashSet::new();
    for _ in 0..2 {
        begin(&one).await?;
        begin(&other).await?;
        seen.insert((1, session(&one).await?));
        seen.insert((2, session(&other).await?));
        commit(&other).await?;
        commit(&one).await?;
        begin(&other).await?;
        begin(&one).await?;
        seen.insert((1, session(&one).await?));
        seen.insert((2, session(&other).await?));
        commit(&other).await?;
        commit(&one).await?;
    }
    Ok(seen.len() > 2)
}

/// Whether what was prepared in one transaction can be run in another.
async fn keeps_statements(address: &Address) -> anyhow::Result<bool> {
    let (one, other) = (address.client().await?, address.client().await?);
    let Ok(prepared) = one.prepare("select 1").await else {
        return Ok(false);
    };
    begin(&other).await?;
    let kept = one.query(&prepared, &[]).await.is_ok() && other.query("select 2", &[]).await.is_ok();
    // Where the transaction has failed, this ends it as well.
    commit(&other).await?;
    Ok(kept)
}

async fn require_same(through: &Address, direct: &Address) -> anyhow::Result<()> {
    let (through, direct) = (through.client().await?, direct.client().await?);
    let lock = format!("select pg_advisory_lock_shared({SAME}, pg_backend_pid())");
    direct.simple_query(&lock).await.context("taking a lock")?;
    let holder = session(&direct).await?;
    let seen = format!(
        "select 1 from pg_locks where locktype = 'advisory' and granted and classid = {SAME} and objid = {holder}
             and database = (select oid from pg_database where datname = current_database())"
    );
    let found = through.simple_query(&seen).await.context("looking for a lock")?;
    if !found
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(_)))
    {
        bail!("DATABASE_URL and TENANTRY_DIRECT_DATABASE_URL lead to different databases");
    }
    Ok(())
}

async fn session(client: &Client) -> anyhow::Result<String> {
    let answer = client.simple_query("select pg_backend_pid()").await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(row.context("the database names no session")?.to_owned())
}

async fn begin(client: &Client) -> anyhow::Result<()> {
    client.simple_query("begin").await?;
    // Only now does a pooler give it a session.
    client.simple_query("select 1").await?;
    Ok(())
}

async fn commit(client: &Client) -> anyhow::Result<()> {
    client.simple_query("commit").await?;
    Ok(())
}
