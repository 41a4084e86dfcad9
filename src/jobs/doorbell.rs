//! The doorbell: tells the workers, wherever they are, that a run is waiting.
//!
//! A ring is pushed after the commit that made the run due, from another pool than ours, so it can be lost between the
//! two. That is why nobody relies on it: the sweep rings again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use apalis::prelude::{TaskBuilder, TaskSink};
use apalis_postgres::{Config, PgPool, PostgresStorage};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::db::listen::listen;
use crate::db::{Address, Pool};

/// The queue that the rings go through.
pub(super) const QUEUE: &str = "sync";

/// What the queue's own trigger notifies when a job is pushed.
const CHANNEL: &str = "apalis::job::insert";

/// The worker is dead to the queue after six heartbeats that did not come.
const HEARTBEAT: Duration = Duration::from_secs(10);
const MISSED_HEARTBEATS: usize = 6;

/// Connections of the queue: one for each of heartbeat, fetch, acknowledgement and ring.
const CONNECTIONS: u32 = 4;

/// The job: this run is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ring {
    pub(super) run_id: Uuid,
}

/// Rings for runs that are due. Cheap to clone.
#[derive(Clone)]
pub struct Doorbell {
    queue: PgPool,
    address: Address,
}

impl Doorbell {
    /// Brings the queue's own schema up to date and opens its small pool.
    ///
    /// # Errors
    /// When the database cannot be reached, or lacks the `hstore` extension.
    pub async fn open(pool: &Pool) -> anyhow::Result<Self> {
        let queue = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options(pool.direct())?)
            .await
            .context("connecting the queue to Postgres")?;
        PostgresStorage::setup(&queue).await.context("preparing the queue")?;
        Ok(Self {
            queue,
            address: pool.direct().clone(),
        })
    }

    /// Rings for a run; after the commit that made it due. It never fails its caller: what is lost is rung again by
    /// the sweep.
    pub async fn ring(&self, run_id: Uuid) {
        self.ring_all(&[run_id]).await;
    }

    /// Rings for several runs at once, in this order.
    pub(super) async fn ring_all(&self, run_ids: &[Uuid]) {
        // One attempt: whether a run is tried again is decided by its row. Due for ages: by default it is due from now on
        // this machine's clock, which may be ahead of the database's, and nobody else would ring meanwhile.
        let rings = run_ids.iter().map(|&run_id| {
            let ring = TaskBuilder::new(Ring { run_id });
            ring.max_attempts(1).run_at_timestamp(1).build()
        });
        if let Err(error) = self
            .storage()
            .push_all(futures::stream::iter(rings.collect::<Vec<_>>()))
            .await
        {
            tracing::warn!(%error, "the doorbell did not ring; the sweep will");
        }
    }

    /// The queue as workers read it. A batch of one: while more lie in its buffer, no heartbeat is sent.
    pub(super) fn storage(&self) -> PostgresStorage<Ring> {
        let config = Config::default()
            .queue(QUEUE)
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS);
        PostgresStorage::new(&self.queue).with_config(config)
    }

    /// Notifies whenever a bell is rung on any node; until it is dropped. Waits out a database that is away.
    ///
    /// The queue's own listener gives up for good when it cannot connect, and so is not used.
    pub(super) async fn hear(self, heard: Arc<Notify>) {
        let ended_or_rung = Arc::new(Notify::new());
        loop {
            match listen(&self.address, CHANNEL, ended_or_rung.clone()).await {
                Ok(client) => {
                    while !client.is_closed() {
                        heard.notify_one();
                        ended_or_rung.notified().await;
                    }
                }
                Err(error) => tracing::debug!(%error, "the doorbell cannot be heard yet"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// An address as the queue's driver has it: that says what it does of TLS in other words.
fn options(address: &Address) -> anyhow::Result<PgConnectOptions> {
    let options: PgConnectOptions = address
        .url()
        .parse()
        .context("the queue cannot read the database's address")?;
    let options = match address.name() {
        Some(name) => options.application_name(name),
        None => options,
    };
    Ok(match address.authorities() {
        Some(file) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(file),
        None => options.ssl_mode(PgSslMode::Disable),
    })
}
