//! The private Postgres that the binary starts for itself when it is given no database.
//!
//! One data directory holds one cluster (`DIR/postgres`), its log (`DIR/postgres.log`) and a lock
//! (`DIR/postgres.lock`). Whoever takes the lock starts the server and holds the lock until the server
//! has ended; whoever finds it taken joins, and never stops what it joined.
//!
//! Dangers, and what is done about each:
//! - **An orphan.** A server that outlives a killed parent would serve old data to nobody and block the
//!   next start. The kernel asks the server to stop when its parent dies (see `server`), and a start
//!   first waits out whatever an earlier process left behind.
//! - **Strangers on the socket.** There is no TCP listener and no password: whoever may open the socket
//!   is let in. The socket lies in a folder of mode 0700 that belongs to the account the server runs as,
//!   so only that account and root get there, and they could read the files of the cluster anyway.
//! - **A half-made cluster.** It is made under another name and renamed into place when it is whole.

mod cluster;
mod server;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::NoTls;

use cluster::Cluster;
use server::Server;

/// The database of the product, and the role that owns it.
const DATABASE: &str = "tenantry";

/// How long a start may take. Recovery after a crash replays up to `max_wal_size` of log.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How often a server that is on its way is asked whether it is there.
const POLL: Duration = Duration::from_millis(25);

/// A running private Postgres. Dropping it stops the server if this process started it; `stop` does
/// the same and waits for the end.
pub struct EmbeddedPostgres {
    url: String,
    server: Option<Server>,
}

/// What the data is worth, and so what may be traded for speed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Kept,
    ThrownAway,
}

impl EmbeddedPostgres {
    /// Starts the server of `data_dir`, or joins the one that another process already runs there.
    ///
    /// Answers when the database `tenantry` takes connections. What is in it is kept between runs.
    ///
    /// # Errors
    /// When no Postgres of version 15 or newer is installed (the error names the package), when the
    /// folder cannot be used, and when the server does not come up (the error quotes the server's log).
    pub async fn start_or_join(data_dir: &Path) -> anyhow::Result<Self> {
        Self::open(data_dir, Durability::Kept).await
    }

    /// As `start_or_join`, for data that nobody will miss: faster, and a power cut may ruin it.
    ///
    /// # Errors
    /// As `start_or_join`.
    pub async fn start_throwaway(data_dir: &Path) -> anyhow::Result<Self> {
        Self::open(data_dir, Durability::ThrownAway).await
    }

    /// A libpq URL over the Unix socket, which tokio-postgres and sqlx both read.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether another process (or another handle of this one) started the server.
    pub fn joined(&self) -> bool {
        self.server.is_none()
    }

    /// Stops the server if this process started it, and waits until it has ended. Open connections are
    /// cut, open transactions rolled back, everything committed is on disk.
    ///
    /// # Errors
    /// When the server could not be made to end.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    async fn open(data_dir: &Path, durability: Durability) -> anyhow::Result<Self> {
        let home = open_home(data_dir)?;
        let lock_path = home.join("postgres.lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .with_context(|| format!("cannot open {}", lock_path.display()))?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match lock.try_lock() {
                Ok(()) => return Self::start(&home, lock, durability).await,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", lock_path.display()));
                }
            }
            // The holder may still be making the cluster, or be about to give up: ask again, for both.
            match Self::join(&home).await {
                Ok(joined) => return Ok(joined),
                Err(error) if Instant::now() > deadline => {
                    let holder = lock_path.display();
                    return Err(error.context(format!(
                        "another process holds {holder}, but its Postgres takes no connections"
                    )));
                }
                Err(_) => sleep(POLL).await,
            }
        }
    }

    async fn join(home: &Path) -> anyhow::Result<Self> {
        let url = Cluster::existing(home)?.url(DATABASE)?;
        connect(&url).await?;
        Ok(Self { url, server: None })
    }

    async fn start(home: &Path, lock: File, durability: Durability) -> anyhow::Result<Self> {
        let cluster = {
            let home = home.to_path_buf();
            tokio::task::spawn_blocking(move || Cluster::prepare(&home, durability)).await??
        };
        server::wait_out_predecessor(&cluster).await?;
        let server = Server::spawn(&cluster, home, lock, durability)?;
        let admin = wait_until_ready(&cluster, &server).await?;
        create_database(&admin).await?;
        Ok(Self {
            url: cluster.url(DATABASE)?,
            server: Some(server),
        })
    }
}

/// Makes the data directory if need be, and gives its absolute path.
///
/// Run by root, the server is another account and has to pass through; it can list nothing there.
fn open_home(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let describe = || format!("cannot use the data directory {}", data_dir.display());
    if !data_dir.exists() {
        let mode = if cluster::am_root() { 0o711 } else { 0o700 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(data_dir)
            .with_context(describe)?;
        // The umask may have taken bits away.
        fs::set_permissions(data_dir, fs::Permissions::from_mode(mode)).with_context(describe)?;
    }
    data_dir.canonicalize().with_context(describe)
}

async fn wait_until_ready(cluster: &Cluster, server: &Server) -> anyhow::Result<tokio_postgres::Client> {
    let url = cluster.url("postgres")?;
    let deadline = Instant::now() + START_LIMIT;
    loop {
        match connect(&url).await {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(server.complaint("Postgres did not get ready in time")));
            }
            Err(_) => {}
        }
        tokio::select! {
            () = sleep(POLL) => {}
            how = server.ended() => bail!(server.complaint(&format!("Postgres ended while it started ({how})"))),
        }
    }
}

/// A connection that ends when the client is dropped.
async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let attempt = tokio_postgres::connect(url, NoTls);
    let (client, connection) = timeout(Duration::from_secs(10), attempt)
        .await
        .context("no answer on the socket")??;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the embedded Postgres ended");
        }
    });
    Ok(client)
}

async fn create_database(admin: &tokio_postgres::Client) -> anyhow::Result<()> {
    let found = admin
        .query_opt("select 1 from pg_database where datname = $1", &[&DATABASE])
        .await?;
    if found.is_none() {
        admin
            .simple_query(&format!("create database {DATABASE}"))
            .await
            .context("cannot create the database")?;
    }
    Ok(())
}
