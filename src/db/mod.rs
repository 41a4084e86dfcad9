//! The database: connections, migrations, the embedded server, and the events that leave it.
//!
//! Transactions only through `AsyncConnection::transaction`, which throws the connection away when it is cancelled or
//! panics: a `BEGIN` by hand leaks its transaction to the next borrower of the pool.

mod address;
pub mod embedded;
pub mod events;
pub mod listen;
pub mod pooler;
pub mod schema;
mod setback;

use anyhow::Context;
use diesel::migration::{Migration as _, MigrationSource};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures::FutureExt;

pub use self::address::Address;
pub use self::setback::Setback;

/// One connection to Postgres.
pub type Connection = AsyncPgConnection;
/// A connection on loan from the [`Pool`].
pub type Loan = deadpool::Object<AsyncPgConnection>;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

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
        Ok(Self { pool, direct })
    }

    /// Borrows a connection; it goes back when it is dropped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn get(&self) -> anyhow::Result<Loan> {
        self.pool.get().await.context("connecting to Postgres")
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

/// The roles that the schema needs beside its user: viewers are read for as the first, retention removes as the second.
const ROLES: [&str; 2] = ["tenantry_viewer", "tenantry_retention"];

/// Refuses, with what an administrator has to run, a user who can neither make nor become one of [`ROLES`]. Before the
/// migrations, for Postgres' own words for it name neither.
///
/// # Errors
/// Says what an administrator has to run.
pub async fn require_roles(client: &tokio_postgres::Client) -> anyhow::Result<()> {
    let missing = client
        .query(
            "select who.user_name, who.may_make, wanted.name, made.oid is not null
             from (select rolname::text as user_name, rolsuper or rolcreaterole as may_make
                   from pg_roles where rolname = current_user) who
             cross join unnest($1::text[]) with ordinality wanted (name, place)
             left join pg_roles made on made.rolname = wanted.name
             where not who.may_make and not coalesce(pg_has_role(made.oid, 'MEMBER'), false)
             order by wanted.place",
            &[&ROLES.as_slice()],
        )
        .await
        .context("asking for the database user's rights")?;
    let Some(first) = missing.first() else { return Ok(()) };
    let user: String = first.get(0);
    let remedy = missing.iter().map(|role| {
        let (name, made): (String, bool) = (role.get(2), role.get(3));
        let make = if made {
            String::new()
        } else {
            format!("create role {name} nologin; ")
        };
        format!("{make}grant {name} to \"{user}\"")
    });
    anyhow::bail!(
        "the database user {user} lacks a role that Tenantry needs: as an administrator, run: {}",
        remedy.collect::<Vec<_>>().join("; ")
    )
}

/// The names of the migrations that this version needs and a database with these `versions` lacks. A database that is ahead
/// lacks none: migrations only add to what an older version reads.
pub fn migrations_not_in(versions: &[String]) -> Vec<String> {
    let needed = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS).unwrap_or_default();
    let names = needed.iter().map(|migration| migration.name());
    names
        .filter(|name| !versions.contains(&name.version().to_string()))
        .map(ToString::to_string)
        .collect()
}

/// Brings the schema up to date; safe to run from several processes at once, for a lock makes them take turns.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    migrate_at(&Address::parse(url)?).await
}

/// As [`migrate`], at an address that was read already.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_at(address: &Address) -> anyhow::Result<()> {
    let lock = address.client().await?;
    lock.execute("select pg_advisory_lock(7461627)", &[])
        .await
        .context("waiting for other migrations")?;
    require_roles(&lock).await?;
    let connection = address.establish().await.context("connecting to Postgres")?;
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        harness
            .run_pending_migrations(MIGRATIONS)
            .map(|_| ())
            .map_err(|error| anyhow::anyhow!("migrating the database: {error}"))
    })
    .await
    .context("the migration panicked")?
}
