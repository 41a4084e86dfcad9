//! The database: connections, migrations, the embedded server, and the events that leave it.
//!
//! Transactions only through `AsyncConnection::transaction`, which throws the connection away when it is cancelled or
//! panics: a `BEGIN` by hand leaks its transaction to the next borrower of the pool.

mod address;
pub mod embedded;
pub mod events;
pub mod listen;
pub mod locks;
mod migrations;
pub mod pooler;
pub mod schema;
mod setback;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool};
use futures::FutureExt;

pub use self::address::Address;
pub use self::migrations::{
    migrate, migrate_at, migrations_not_in, newest as newest_migration, pending, require_roles,
};
pub use self::setback::Setback;

/// One connection to Postgres.
pub type Connection = AsyncPgConnection;
/// A connection on loan from the [`Pool`].
pub type Loan = deadpool::Object<AsyncPgConnection>;

/// How a pool is used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Connections that may be open.
    pub most: usize,
    /// Connections that are open.
    pub open: usize,
    /// Open connections that nobody has borrowed.
    pub idle: usize,
    /// Those who wait for one.
    pub waiting: usize,
}

/// The connections that this process shares, and the address to open more of its own.
#[derive(Clone)]
pub struct Pool {
    pool: deadpool::Pool<AsyncPgConnection>,
    direct: Address,
    /// The database could not be reached when it was last tried.
    away: Arc<AtomicBool>,
}

impl Pool {
    /// A pool of at most `size` connections to `url`, opened when they are asked for.
    ///
    /// # Errors
    /// When `size` is zero, or `url` is no address.
    pub fn new(url: &str, size: usize) -> anyhow::Result<Self> {
        let address = Address::parse(url)?;
        Self::through(address.clone(), address, size)
    }

    /// A pool of connections that may go through a pooler, and the address past it.
    ///
    /// # Errors
    /// When `size` is zero.
    pub fn through(address: Address, direct: Address, size: usize) -> anyhow::Result<Self> {
        let mut config = ManagerConfig::default();
        // A connection that has ended is told apart without a round trip; asking before every loan would double them.
        config.recycling_method = RecyclingMethod::Fast;
        let url = address.url().to_owned();
        config.custom_setup = Box::new(move |_| {
            let address = address.clone();
            async move { address.establish().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = deadpool::Pool::builder(manager)
            .max_size(size)
            .build()
            .context("building the connection pool")?;
        Ok(Self {
            pool,
            direct,
            away: Arc::default(),
        })
    }

    /// Borrows a connection; it goes back when it is dropped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn get(&self) -> anyhow::Result<Loan> {
        let loan = self.pool.get().await.context("connecting to Postgres");
        self.tell_once(&loan);
        loan
    }

    /// An outage is one line in the log and its end another, however many loops meet it meanwhile.
    fn tell_once(&self, loan: &anyhow::Result<Loan>) {
        match loan {
            Ok(_) if self.away.load(Relaxed) && self.away.swap(false, Relaxed) => {
                tracing::warn!("the database is there again");
            }
            Err(error) if Setback::of(error) == Some(Setback::Away) && !self.away.swap(true, Relaxed) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the database cannot be reached; work goes on when it is back"
                );
            }
            _ => {}
        }
    }

    /// How the pool is used right now.
    pub fn usage(&self) -> Usage {
        let status = self.pool.status();
        Usage {
            most: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Closes the connections that nobody has borrowed: those behind which somebody waited in vain are among them.
    pub fn forget_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    /// The address of Postgres itself, for connections of one's own: past any pooler.
    pub fn direct(&self) -> &Address {
        &self.direct
    }

    /// A connection of one's own, for what diesel cannot do: `COPY` and `LISTEN`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn raw(&self) -> anyhow::Result<tokio_postgres::Client> {
        self.direct.client().await
    }
}
