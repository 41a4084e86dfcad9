//! The schema brought up to date, while older processes go on with it.
//!
//! The danger is the queue at a table's door. A migration that waits for a lock makes everybody wait who comes after it,
//! and who holds the lock may be a dump that takes an hour. So it waits for some seconds, lets the others pass, and tries
//! again: the old version serves on meanwhile.

use std::time::Duration;

use anyhow::Context;
use diesel::QueryableByName;
use diesel::migration::{Migration as _, MigrationSource};
use diesel::sql_types::Integer;
use diesel_async::AsyncMigrationHarness;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::time::sleep;
use tokio_postgres::Client;

use super::{Address, Connection, locks};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// How long a statement of a migration waits for a lock. `migrations/README.md` tells of it.
const PATIENCE: &str = "set lock_timeout = '3s'";

/// The pause after the first try; each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often it is looked who is in the way.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Reads for viewers.
const VIEWER: &str = "tenantry_viewer";
/// Removes what is past retention. Our user becomes it only while it makes what belongs to it.
const RETENTION: &str = "tenantry_retention";

/// Refuses, with what an administrator has to run, a user who can neither make nor become a role that is needed: one to read
/// for viewers always, one to hand over what removes evidence `while_migrating`. Before the migrations, for Postgres' own
/// words for it name neither.
///
/// # Errors
/// Says what an administrator has to run.
pub async fn require_roles(client: &Client, while_migrating: bool) -> anyhow::Result<()> {
    let needed: &[&str] = if while_migrating {
        &[VIEWER, RETENTION]
    } else {
        &[VIEWER]
    };
    let missing = client
        .query(
            "select who.user_name, wanted.name, made.oid is not null
             from (select rolname::text as user_name, rolsuper, rolcreaterole from pg_roles where rolname = current_user) who
             cross join unnest($1::text[]) with ordinality wanted (name, place)
             left join pg_roles made on made.rolname = wanted.name
             where not who.rolsuper and not coalesce(pg_has_role(made.oid, 'MEMBER'), false)
               -- Since PostgreSQL 16 who may make roles may not join those that somebody else has made.
               and not (who.rolcreaterole and (made.oid is null or current_setting('server_version_num')::int < 160000))
             order by wanted.place",
            &[&needed],
        )
        .await
        .context("asking for the database user's rights")?;
    let Some(first) = missing.first() else { return Ok(()) };
    let user: String = first.get(0);
    let remedy = missing.iter().map(|role| {
        let (name, made): (String, bool) = (role.get(1), role.get(2));
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

/// The names of the migrations that this version needs and a database lacks. A database that is ahead lacks none: migrations
/// only add to what an older version reads.
///
/// # Errors
/// When the database fails.
pub async fn pending(client: &Client) -> anyhow::Result<Vec<String>> {
    let kept = "select to_regclass('public.__diesel_schema_migrations') is not null";
    let mut applied: Vec<String> = Vec::new();
    if client.query_one(kept, &[]).await?.get(0) {
        let rows = client
            .query("select version::text from __diesel_schema_migrations", &[])
            .await?;
        applied.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(migrations_not_in(&applied))
}

/// As [`pending`], where these `versions` are known to be there.
pub fn migrations_not_in(versions: &[String]) -> Vec<String> {
    let needed = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS).unwrap_or_default();
    let names = needed.iter().map(|migration| migration.name());
    names
        .filter(|name| !versions.contains(&name.version().to_string()))
        .map(ToString::to_string)
        .collect()
}

/// The newest migration that this version knows; they compare as texts.
pub fn newest() -> String {
    let known = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS).unwrap_or_default();
    let versions = known.iter().map(|migration| migration.name().version().to_string());
    versions.max().unwrap_or_default()
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
/// As [`migrate`]; or when the database was restored without what keeps viewers to their company.
pub async fn migrate_at(address: &Address) -> anyhow::Result<()> {
    let lock = address.client().await?;
    lock.execute("select pg_advisory_lock(7461627)", &[])
        .await
        .context("waiting for other migrations")?;
    let is_pending = !pending(&lock).await?.is_empty();
    require_roles(&lock, is_pending).await?;
    if is_pending {
        run_when_possible(address, &lock).await?;
        lock.simple_query(BECOME_VIEWER)
            .await
            .context("taking the right to read for viewers")?;
    }
    locks::require(&lock).await
}

/// Since PostgreSQL 16 who has made a role belongs to it, and may yet not become it.
const BECOME_VIEWER: &str = "
    do $$ begin
        if current_setting('server_version_num')::int >= 160000 then
            if not pg_has_role('tenantry_viewer', 'SET') and pg_has_role('tenantry_viewer', 'MEMBER WITH ADMIN OPTION') then
                execute format('grant tenantry_viewer to %I with set true', current_user);
            end if;
        end if;
    end $$";

/// Tries until no migration is left to run. It may take as long as somebody holds a table: to give up would only start the
/// process again, and with it the wait.
async fn run_when_possible(address: &Address, lock: &Client) -> anyhow::Result<()> {
    let mut pause = FIRST_PAUSE;
    while let Tried::InTheWay(who) = run(address, lock).await? {
        tracing::warn!(
            "a migration waits for a table that is held by {}; it tries again in {} seconds, and nobody else waits meanwhile",
            who.as_deref().unwrap_or("somebody who is gone by now"),
            pause.as_secs()
        );
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

enum Tried {
    Done,
    /// A lock was not had in time; who held it, as far as it was seen.
    InTheWay(Option<String>),
}

async fn run(address: &Address, lock: &Client) -> anyhow::Result<Tried> {
    let mut conn = address.establish().await.context("connecting to Postgres")?;
    diesel_async::RunQueryDsl::execute(diesel::sql_query(PATIENCE), &mut conn).await?;
    let session = session(&mut conn).await?;
    let mut migrating = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(conn);
        let run = harness.run_pending_migrations(MIGRATIONS);
        run.map(|_| ()).map_err(|error| error.to_string())
    });
    let mut who = None;
    let outcome = loop {
        tokio::select! {
            outcome = &mut migrating => break outcome.context("the migration panicked")?,
            () = sleep(LOOK_EVERY) => who = in_the_way(lock, session).await.unwrap_or(None).or(who),
        }
    };
    match outcome {
        Ok(()) => Ok(Tried::Done),
        // Postgres' words for it: diesel hands nothing else on.
        Err(error) if error.contains("lock timeout") => Ok(Tried::InTheWay(who)),
        Err(error) => anyhow::bail!("migrating the database: {error}"),
    }
}

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

async fn session(conn: &mut Connection) -> anyhow::Result<i32> {
    let asked = diesel::sql_query("select pg_backend_pid() as pid");
    let session: Session = diesel_async::RunQueryDsl::get_result(asked, conn).await?;
    Ok(session.pid)
}

/// Who holds what this session waits for, without a word of what they ask.
async fn in_the_way(lock: &Client, session: i32) -> anyhow::Result<Option<String>> {
    let row = lock
        .query_opt(
            "select format('%s (process %s of the database server%s)',
                           coalesce(nullif(application_name, ''), 'somebody'), pid,
                           coalesce(', its transaction open since ' || to_char(xact_start at time zone 'UTC', 'HH24:MI:SS') || ' UTC', ''))
             from pg_stat_activity where pid = any (pg_blocking_pids($1)) order by xact_start limit 1",
            &[&session],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}
