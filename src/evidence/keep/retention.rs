//! What is no longer kept, and what says so.
//!
//! What changes at every reading goes after 90 days; history, results and chain after 400 days, or after six years where
//! the company has declared so. What still stands stays, however old it is: an object that has not changed since is no
//! history. The danger: a hole that looks like tampering, or tampering that looks like a hole. Only the database's
//! `retire_evidence` can remove, it leaves a tombstone, and the tombstone is a link of the chain and holds the hashes
//! of what stays.
//!
//! Tombstones would be what grows for ever. So a week goes at a time and never less, and with the history of a time go
//! the tombstones of that time: the last one says that all of it is gone. It can take along none that reached further
//! than itself, so what was removed before its time is told of until its time is over.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Bool, Bytea, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::ledger;
use super::row::{LedgerKind, RetentionClass, TombstoneRow};
use super::seal::{over, to_the_microsecond};
use crate::db::Connection;
use crate::db::schema::{evidence_ledger, evidence_run, evidence_tombstone};

/// How many days what changes at every reading is kept.
const RAW: i64 = 90;
/// How many days history, results and chain are kept.
const SHORT: i64 = 400;
/// The same where six years are declared.
const LONG: i64 = 6 * 366;
/// How many days go together at least: of a class, a company has no more than one tombstone in as many.
const PORTION: i64 = 7;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    company_id: Uuid,
    #[diesel(sql_type = Text)]
    class: RetentionClass,
    #[diesel(sql_type = Timestamptz)]
    horizon: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Hash {
    #[diesel(sql_type = Bytea)]
    sha256: Vec<u8>,
}

/// What is to be removed.
struct Order {
    company_id: Uuid,
    class: RetentionClass,
    through_seq: i64,
    horizon: DateTime<Utc>,
    now: DateTime<Utc>,
}

/// What became of a look at what is past its time.
#[derive(Debug, Default)]
pub struct Pruned {
    pub tombstones: Vec<TombstoneRow>,
    /// The companies of which something had to stay, and why.
    pub failures: Vec<(Uuid, Error)>,
}

/// Removes what is past its time, of every company, each class in a transaction of its own. Where one fails the others
/// go on.
///
/// # Errors
/// When the database is gone.
pub async fn prune(conn: &mut Connection, now: DateTime<Utc>) -> QueryResult<Pruned> {
    let ago = |days| now - Duration::days(days);
    let due: Vec<Due> = diesel::sql_query(DUE)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(ago(RAW))
        .bind::<Timestamptz, _>(ago(SHORT))
        .bind::<Timestamptz, _>(ago(LONG))
        .bind::<BigInt, _>(PORTION)
        .load(conn)
        .await?;
    let mut pruned = Pruned::default();
    for due in due {
        let company_id = due.company_id;
        match prune_class(conn, now, due).await {
            Ok(tombstone) => pruned.tombstones.extend(tombstone),
            Err(error) if is_gone(&error) => return Err(error),
            Err(error) => pruned.failures.push((company_id, error)),
        }
    }
    Ok(pruned)
}

/// Whether nothing more can be asked through this connection.
fn is_gone(error: &Error) -> bool {
    matches!(
        error,
        Error::BrokenTransactionManager | Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
    )
}

/// `$1` now, `$2` `$3` `$4` the horizons of raw readings, of history, and of history where six years are declared, `$5` how
/// many days go together.
const DUE: &str = "
    select distinct run.company_id, of.class, of.horizon
    from evidence_run run
    cross join lateral (
        values ('RAW', $2), ('HISTORY', case when exists (
            select from evidence_declaration d
            where d.company_id = run.company_id and d.kind = 'SIX_YEARS' and coalesce(d.expires_at > $1, true)
              and not exists (select from evidence_withdrawal w where w.declaration_id = d.id)) then $4 else $3 end)
    ) as of (class, horizon)
    where run.taken_at < of.horizon - make_interval(days => $5::int) and run.taken_at < $2
      and run.seq > coalesce((select max(t.through_seq) from evidence_tombstone t
                              where t.company_id = run.company_id and (t.class <> 'RAW' or of.class = 'RAW')), 0)
    order by run.company_id, of.class";

async fn prune_class(conn: &mut Connection, now: DateTime<Utc>, due: Due) -> QueryResult<Option<TombstoneRow>> {
    let Due {
        company_id,
        class,
        horizon,
    } = due;
    conn.transaction(async |conn| {
        ledger::hold(conn, company_id).await?;
        let done = done(conn, company_id, class).await?;
        let past = || {
            evidence_run::table
                .filter(evidence_run::company_id.eq(company_id))
                .filter(evidence_run::seq.gt(done))
                .filter(evidence_run::taken_at.lt(horizon))
        };
        let since: Option<DateTime<Utc>> = past()
            .select(diesel::dsl::min(evidence_run::taken_at))
            .first(conn)
            .await?;
        if since.is_none_or(|since| since >= horizon - Duration::days(PORTION)) {
            return Ok(None);
        }
        let through: Option<i64> = past().select(diesel::dsl::max(evidence_run::seq)).first(conn).await?;
        let order = Order {
            company_id,
            class,
            through_seq: through.unwrap_or(done),
            horizon,
            now,
        };
        if class == RetentionClass::Raw && !order.has_raw_readings(conn, done).await? {
            return Ok(None);
        }
        order.carry_out(conn).await.map(Some)
    })
    .await
}

/// The last run of which the class is gone.
async fn done(conn: &mut Connection, company_id: Uuid, class: RetentionClass) -> QueryResult<i64> {
    // With the history of a run its raw readings are gone too.
    let told: &[RetentionClass] = match class {
        RetentionClass::Raw => &[RetentionClass::Raw, RetentionClass::History, RetentionClass::Company],
        _ => &[RetentionClass::History, RetentionClass::Company],
    };
    let done: Option<i64> = evidence_tombstone::table
        .filter(evidence_tombstone::company_id.eq(company_id))
        .filter(evidence_tombstone::class.eq_any(told))
        .select(diesel::dsl::max(evidence_tombstone::through_seq))
        .first(conn)
        .await?;
    Ok(done.unwrap_or(0))
}

/// Removes all evidence of a company that goes, in the caller's transaction. What stays is the tombstone and its link.
///
/// # Errors
/// When the database fails.
pub async fn purge(conn: &mut Connection, company_id: Uuid, now: DateTime<Utc>) -> QueryResult<Option<TombstoneRow>> {
    ledger::hold(conn, company_id).await?;
    if ledger::last(conn, company_id).await?.is_none() {
        return Ok(None);
    }
    let last: Option<i64> = evidence_run::table
        .filter(evidence_run::company_id.eq(company_id))
        .select(diesel::dsl::max(evidence_run::seq))
        .first(conn)
        .await?;
    let order = Order {
        company_id,
        class: RetentionClass::Company,
        through_seq: last.unwrap_or(0),
        horizon: now,
        now,
    };
    order.carry_out(conn).await.map(Some)
}

impl Order {
    async fn carry_out(&self, conn: &mut Connection) -> QueryResult<TombstoneRow> {
        let stays = self.class != RetentionClass::Company && !self.is_the_last_run(conn).await?;
        let (link_seq, link) = self.last_link_to_go(conn).await?;
        let (objects, findings) = if self.class == RetentionClass::History && stays {
            (
                self.hash_of(conn, STANDING_OBJECTS).await?,
                self.hash_of(conn, STANDING_FINDINGS).await?,
            )
        } else {
            (over([]), over([]))
        };
        let others = self.unlinked(conn, link_seq).await?;
        let tombstone: TombstoneRow = diesel::sql_query(
            "select * from retire_evidence_and_tombstones($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<SqlUuid, _>(self.company_id)
        .bind::<Text, _>(self.class)
        .bind::<BigInt, _>(self.through_seq)
        .bind::<Timestamptz, _>(to_the_microsecond(self.horizon))
        .bind::<Timestamptz, _>(to_the_microsecond(self.now))
        .bind::<Bool, _>(stays)
        .bind::<Bytea, _>(objects)
        .bind::<Bytea, _>(findings)
        .bind::<Bytea, _>(others)
        .bind::<BigInt, _>(link_seq)
        .bind::<Bytea, _>(link)
        .get_result(conn)
        .await?;
        let seal = tombstone.seal();
        ledger::append(
            conn,
            self.company_id,
            self.now,
            LedgerKind::Tombstone,
            tombstone.id,
            seal,
        )
        .await?;
        Ok(tombstone)
    }

    /// Whether there is anything of its class to remove, of the runs behind `done`.
    async fn has_raw_readings(&self, conn: &mut Connection, done: i64) -> QueryResult<bool> {
        let any: Vec<Hash> = diesel::sql_query(RAW_READINGS)
            .bind::<SqlUuid, _>(self.company_id)
            .bind::<BigInt, _>(done)
            .bind::<BigInt, _>(self.through_seq)
            .load(conn)
            .await?;
        Ok(!any.is_empty())
    }

    /// Whether this tombstone goes along: it tells of nothing that ours does not tell of.
    fn takes_along(&self, earlier: &TombstoneRow) -> bool {
        let horizon = to_the_microsecond(self.horizon);
        self.class != RetentionClass::Raw
            && earlier.at < horizon
            && earlier.through_at < horizon
            && earlier.through_seq <= self.through_seq
    }

    /// Nothing has been seen since: what stood then says nothing of how things stand.
    async fn is_the_last_run(&self, conn: &mut Connection) -> QueryResult<bool> {
        let last: Option<i64> = evidence_run::table
            .filter(evidence_run::company_id.eq(self.company_id))
            .select(diesel::dsl::max(evidence_run::seq))
            .first(conn)
            .await?;
        Ok(last == Some(self.through_seq))
    }

    /// The link of the last run that goes; of a company that goes, the last one there is.
    async fn last_link_to_go(&self, conn: &mut Connection) -> QueryResult<(i64, Vec<u8>)> {
        let links = evidence_ledger::table
            .filter(evidence_ledger::company_id.eq(self.company_id))
            .order(evidence_ledger::seq.desc())
            .select((evidence_ledger::seq, evidence_ledger::sha256));
        let link: Option<(i64, Vec<u8>)> = match self.class {
            RetentionClass::Company => links.first(conn).await.optional()?,
            RetentionClass::History => {
                let run = evidence_run::table
                    .filter(evidence_run::company_id.eq(self.company_id))
                    .filter(evidence_run::seq.eq(self.through_seq))
                    .select(evidence_run::id);
                links
                    .filter(evidence_ledger::kind.eq(LedgerKind::Run))
                    .filter(evidence_ledger::held_id.eq_any(run))
                    .first(conn)
                    .await
                    .optional()?
            }
            RetentionClass::Raw => None,
        };
        Ok(link.unwrap_or_else(|| (0, ledger::BEGINNING.to_vec())))
    }

    async fn hash_of(&self, conn: &mut Connection, statement: &str) -> QueryResult<Vec<u8>> {
        let hashes: Vec<Hash> = diesel::sql_query(statement)
            .bind::<SqlUuid, _>(self.company_id)
            .bind::<BigInt, _>(self.through_seq)
            .load(conn)
            .await?;
        Ok(over(hashes.iter().map(|hash| &*hash.sha256)))
    }

    /// Over what stays without a link of its own: what was stated and is not past, and tombstones that do not go along.
    async fn unlinked(&self, conn: &mut Connection, link_seq: i64) -> QueryResult<Vec<u8>> {
        let mut hashes: Vec<Vec<u8>> = match self.class {
            RetentionClass::Raw => return Ok(over([])),
            RetentionClass::Company => Vec::new(),
            RetentionClass::History => {
                let stay: Vec<Hash> = diesel::sql_query(STANDING_STATEMENTS)
                    .bind::<SqlUuid, _>(self.company_id)
                    .bind::<BigInt, _>(link_seq)
                    .bind::<Timestamptz, _>(to_the_microsecond(self.horizon))
                    .load(conn)
                    .await?;
                stay.into_iter().map(|hash| hash.sha256).collect()
            }
        };
        let linked = evidence_ledger::table
            .filter(evidence_ledger::company_id.eq(self.company_id))
            .filter(evidence_ledger::seq.gt(link_seq))
            .select(evidence_ledger::held_id);
        let tombstones: Vec<TombstoneRow> = evidence_tombstone::table
            .filter(evidence_tombstone::company_id.eq(self.company_id))
            .filter(evidence_tombstone::id.ne_all(linked))
            .select(TombstoneRow::as_select())
            .load(conn)
            .await?;
        let stay = tombstones.iter().filter(|tombstone| !self.takes_along(tombstone));
        hashes.extend(stay.map(TombstoneRow::seal));
        Ok(over(hashes.iter().map(|hash| &**hash)))
    }
}

/// `$1` company, `$2` the last run of which they are gone, `$3` the last of which they go. One that `retire_evidence`
/// would remove.
const RAW_READINGS: &str = "
    select b.sha256 from evidence_pull p join evidence_blob b on b.company_id = $1 and b.sha256 = p.volatile_sha256
    where p.company_id = $1 and p.seq > $2 and p.seq <= $3
      and not exists (select from evidence_pull later
                      where later.company_id = $1 and later.volatile_sha256 = b.sha256 and later.seq > $3)
    limit 1";

/// `$1` company, `$2` the last run that goes. What `retire_evidence` leaves.
const STANDING_OBJECTS: &str = "
    select o.sha256 from evidence_object o
    where o.company_id = $1 and o.seq <= $2 and o.change <> 'REMOVED'
      and not exists (select from evidence_object later
                      where later.company_id = o.company_id and later.resource = o.resource and later.object_id = o.object_id
                        and later.seq > o.seq and later.seq <= $2)";
const STANDING_FINDINGS: &str = "
    select f.sha256 from evidence_finding f
    where f.company_id = $1 and f.seq <= $2 and f.state <> 'CLOSED'
      and not exists (select from evidence_finding later
                      where later.company_id = f.company_id and later.check_id = f.check_id and later.resource = f.resource
                        and later.object_id = f.object_id and later.seq > f.seq and later.seq <= $2)";

/// `$1` company, `$2` the last link that goes, `$3` the horizon.
const STANDING_STATEMENTS: &str = "
    with stays as (
        select d.id, d.sha256 from evidence_declaration d
        where d.company_id = $1
          and not coalesce(d.expires_at < $3, false)
          and not coalesce(d.kind = 'CHANGE' and d.changed_at < $3, false)
          and not exists (select from evidence_withdrawal w where w.declaration_id = d.id and w.withdrawn_at < $3)
    ), linked as (
        select kind, held_id from evidence_ledger where company_id = $1 and seq > $2
    )
    select sha256 from stays where not exists (select from linked where kind = 'DECLARATION' and held_id = stays.id)
    union all
    select w.sha256 from evidence_withdrawal w join stays on stays.id = w.declaration_id
    where not exists (select from linked where kind = 'WITHDRAWAL' and held_id = w.declaration_id)";
