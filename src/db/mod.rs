//! The database: connections, migrations, the embedded server, and the events that leave it.
//!
//! Transactions only through `AsyncConnection::transaction`, which throws the connection away when it is cancelled or
//! panics: a `BEGIN` by hand leaks its transaction to the next borrower of the pool.

pub mod embedded;
pub mod events;
pub mod listen;
pub mod schema;

use anyhow::Context;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

/// One connection to Postgres.
pub type Connection = AsyncPgConnection;
/// A connection on loan from the [`Pool`].
pub type Loan = deadpool::Object<AsyncPgConnection>;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The connections that this process shares, and the address to open more of its own.
#[derive(Clone)]
pub struct Pool {
    pool: deadpool::Pool<AsyncPgConnection>,
    url: String,
}

impl Pool {
    /// A pool of at most `size` connections to `url`, opened when they are asked for.
    ///
    /// # Errors
    /// When `size` is zero.
    pub fn new(url: &str, size: usize) -> anyhow::Result<Self> {
        let mut config = ManagerConfig::default();
        // A connection that has ended is told apart without a round trip; asking before every loan would double them.
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = deadpool::Pool::builder(manager)
            .max_size(size)
            .build()
            .context("building the connection pool")?;
        Ok(Self {
            pool,
            url: url.to_owned(),
        })
    }

    /// Borrows a connection; it goes back when it is dropped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn get(&self) -> anyhow::Result<Loan> {
        self.pool.get().await.context("connecting to Postgres")
    }

    /// The address that the pool connects to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection of one's own, for what diesel cannot do: `COPY` and `LISTEN`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn raw(&self) -> anyhow::Result<tokio_postgres::Client> {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls)
            .await
            .context("connecting to Postgres")?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to Postgres ended");
            }
        });
        Ok(client)
    }
}

/// Refuses, with what an administrator has to run, a user who can neither make nor become the role that viewers read as. Before
/// the migrations, for Postgres' own words for it name neither.
async fn may_read_for_viewers(client: &tokio_postgres::Client) -> anyhow::Result<()> {
    let user = client
        .query_one(
            "select current_user::text, rolsuper or rolcreaterole,
                    exists (select from pg_roles where rolname = 'tenantry_viewer'),
                    coalesce((select pg_has_role(oid, 'MEMBER') from pg_roles where rolname = 'tenantry_viewer'), false)
             from pg_roles where rolname = current_user",
            &[],
        )
        .await
        .context("asking for the database user's rights")?;
    let (name, may_make, made, member): (String, bool, bool, bool) =
        (user.get(0), user.get(1), user.get(2), user.get(3));
    if may_make || member {
        return Ok(());
    }
    let make = if made {
        ""
    } else {
        "create role tenantry_viewer nologin; "
    };
    anyhow::bail!(
        "the database user {name} may not read as tenantry_viewer: as an administrator, run: {make}grant tenantry_viewer to \"{name}\""
    )
}

/// Brings the schema up to date; safe to run from several processes at once, for a lock makes them take turns.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let lock = Pool::new(url, 1)?.raw().await?;
    lock.execute("select pg_advisory_lock(7461627)", &[])
        .await
        .context("waiting for other migrations")?;
    may_read_for_viewers(&lock).await?;
    let connection = <AsyncPgConnection as diesel_async::AsyncConnection>::establish(url)
        .await
        .context("connecting to Postgres")?;
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
