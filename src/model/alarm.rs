//! Alarms: what is wrong and wants a person.
//!
//! Nobody raises an alarm where something goes wrong: a look at the facts opens those that are missing and closes those that
//! no longer hold ([`settle`]); one that is open says what the last look found. So none is lost with the process that met the trouble, none comes twice, and one that is over is
//! over. The danger is an alarm for each of two thousand companies where one thing is wrong: what concerns the application
//! belongs to no company.

mod common;
mod delivery;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use self::common::Common;
pub use self::delivery::{Delivery, delivered, give_up, take_deliveries};
use crate::db::schema::alarm;
use crate::db::{Connection, newest_migration};
use crate::model::Scope;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::telemetry::health::LIVING_WORKERS;

super::text_enum::text_enum! {
    /// What is wrong.
    pub enum AlarmKind {
        /// The last two runs of a kind failed, or could not read a part that does not come by itself; or the last six all lacked
        /// something.
        RunFailing = "RUN_FAILING",
        /// Microsoft no longer lets us read the tenant.
        ReconnectNeeded = "RECONNECT_NEEDED",
        /// Deactivations wait for a person to release or discard them.
        ChangesHeld = "CHANGES_HELD",
        /// A check of high or critical severity fails that has passed before.
        EvidenceTurnedBad = "EVIDENCE_TURNED_BAD",
        /// Our own credential at Microsoft runs out soon. It concerns every company.
        CredentialExpiring = "CREDENTIAL_EXPIRING",
        /// Microsoft does not accept our own credential. It concerns every company.
        CredentialRefused = "CREDENTIAL_REFUSED",
        /// The database has no room left. It concerns every company.
        StorageFull = "STORAGE_FULL",
        /// Microsoft cannot be reached, or answers with nothing but errors, for many companies at once. It concerns every
        /// company.
        MicrosoftUnreachable = "MICROSOFT_UNREACHABLE",
        /// No worker has been heard of lately. It concerns every company.
        NoWorker = "NO_WORKER",
    }
}

super::text_enum::text_enum! {
    /// What became of an alarm.
    pub enum AlarmChange {
        /// It was found.
        Opened = "OPENED",
        /// It is open, and there is something else to say of it.
        Changed = "CHANGED",
        /// It no longer holds.
        Closed = "CLOSED",
    }
}

/// Something that is, or was, wrong.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = alarm, check_for_backend(diesel::pg::Pg))]
pub struct Alarm {
    pub id: Uuid,
    pub kind: AlarmKind,
    /// None: it concerns the application, and so every company.
    pub company_id: Option<Uuid>,
    /// What it is about: the kind of run, the check, or our credential.
    pub subject: String,
    pub message: String,
    pub remedy: String,
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

page::paged!(Alarm, |alarm| Owner {
    company_id: alarm.company_id.unwrap_or_default(),
    key: alarm.id,
});

/// What a look at the facts has to be told, because it is not in the database.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The checks whose turning bad is an alarm: their ids, and what they are called.
    pub grave_checks: Vec<(String, String)>,
    /// Our own credential, where its end is known.
    pub credential: Option<OwnCredential>,
    /// Whether there is a webhook to tell.
    pub webhook: bool,
}

/// The credential that a process proves itself with at Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCredential {
    /// What tells it from another; nothing of a secret itself.
    pub name: String,
    pub ends_at: DateTime<Utc>,
}

/// The end of our own credential is told of so long ahead.
pub const AHEAD: TimeDelta = TimeDelta::days(30);

/// What a look changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub opened: usize,
    pub changed: usize,
    pub closed: usize,
}

/// Any number, of ours alone: whoever holds it is the only one who looks.
const LOOKING: i64 = 7_461_628;

/// How things stand. `$1`, `$2`: the grave checks and their titles; `$3`: how many days ahead
/// the end of a credential is told of: of each that some process has, for they need not have the same.
const FACTS: &str = "
    select 'RUN_FAILING', t.company_id, k.kind,
           'The last ' || k.runs || case when last.failed = 2 then ' failed. ' else ' did not bring everything. ' end
               || coalesce(last.message, ''),
           coalesce(last.remedy, 'Look at the run.')
    from tenant t
    cross join (values ('IDENTITY', 'syncs'), ('EVIDENCE', 'evidence runs')) k (kind, runs)
    cross join lateral (
        select count(*) filter (where place <= 2 and status = 'FAILED') as failed,
               count(*) filter (where place <= 2 and (status = 'FAILED' or status = 'PARTIAL' and not passes)) as lasting,
               count(*) filter (where status <> 'SUCCEEDED') as lacking,
               max(failure ->> 'message') filter (where place = 1) as message,
               max(failure ->> 'remedy') filter (where place = 1) as remedy
        from (select status, failure, row_number() over (order by queued_at desc, id desc) as place,
                     coalesce(failure ->> 'code', '') in ('MICROSOFT_UNAVAILABLE', 'READING_INCOMPLETE', 'THROTTLED') as passes
              from sync_run
              where company_id = t.company_id and kind = k.kind and not dry_run and not outage
                and status in ('SUCCEEDED', 'PARTIAL', 'FAILED')
                and coalesce(failure ->> 'code', '') not in ('CREDENTIAL_REFUSED', 'STORAGE_FULL')
              order by queued_at desc, id desc limit 6) ended) last
    where t.status = 'CONNECTED' and (last.lasting = 2 or last.lacking = 6)
    union all
    select 'RECONNECT_NEEDED', company_id, '', coalesce(status_reason, 'Microsoft no longer lets us read this tenant.'),
           'Make a link with `connect` and have an administrator of the tenant open it.'
    from tenant where status = 'RECONNECT_NEEDED'
    union all
    select 'CHANGES_HELD', company_id, '',
           'More records left at once than go without a look: '
               || string_agg(n || ' ' || replace(lower(noun), '_', ' ') || case n when 1 then '' else 's' end, ', ' order by noun)
               || '. They stay until somebody decides.',
           'Look at `heldChanges` of the run, then `releaseHeldChanges` or `discardHeldChanges`.'
    from (select company_id, noun, count(*) as n from held_change where decision = 'HELD' group by company_id, noun) held
    group by company_id
    union all
    select 'EVIDENCE_TURNED_BAD', t.company_id, c.id, c.title || ' has passed before and fails now.',
           'Look at the findings of the check in `evidence`, and at `evidenceChanges` for what was changed.'
    from tenant t
    join evidence_verdict v using (company_id)
    join unnest($1, $2) c (id, title) on c.id = v.check_id
    where t.status in ('CONNECTED', 'RECONNECT_NEEDED') and v.fails and v.has_passed
    union all
    select 'CREDENTIAL_EXPIRING', null, name,
           'The application''s credential at Microsoft (' || name || ') ' || case when ends_at > now() then 'runs' else 'ran' end
               || ' out on ' || to_char(ends_at at time zone 'UTC', 'YYYY-MM-DD') || '.',
           'Make a new secret or certificate in the application''s registration and set it here, \
    before the old one ends. Without it no tenant can sync.'
    from credential_in_use
    where ends_at <= now() + make_interval(days => $3) and seen_at > now() - interval '10 minutes'
    union all
    select 'CREDENTIAL_REFUSED', null, '', max(failure ->> 'message'), max(failure ->> 'remedy')
    from sync_run where status in ('QUEUED', 'RUNNING', 'WAITING') and failure ->> 'code' = 'CREDENTIAL_REFUSED'
    having count(*) > 0";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    ours: bool,
}

/// Where the facts and the open alarms differ: a fact without its alarm, an alarm without its fact, or one that says
/// something else.
#[derive(QueryableByName)]
struct Difference {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    alarm_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    company_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    remedy: Option<String>,
}

/// Opens the alarms that the facts ask for and closes those that they no longer do. Any number of nodes may look at once: one
/// does, and the others leave it to that one.
///
/// # Errors
/// When the database fails.
pub async fn settle(conn: &mut Connection, known: &Known) -> QueryResult<Settled> {
    if let Some(credential) = &known.credential {
        note_in_use(conn, credential).await?;
    }
    conn.transaction(async |conn| {
        let lock: Locked = diesel::sql_query("select pg_try_advisory_xact_lock($1) as ours")
            .bind::<BigInt, _>(LOOKING)
            .get_result(conn)
            .await?;
        if !lock.ours {
            return Ok(Settled::default());
        }
        let common = common::look(conn).await?;
        let (mut found, mut changed, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for difference in differences(conn, known, &common).await? {
            match (difference.alarm_id, &difference.kind) {
                (None, _) => found.push(difference),
                (Some(_), Some(_)) => changed.push(difference),
                (Some(alarm_id), None) => over.push(alarm_id),
            }
        }
        Ok(Settled {
            opened: open(conn, found, known.webhook).await?,
            changed: change(conn, &changed).await?,
            closed: close(conn, &over, known.webhook).await?,
        })
    })
    .await
}

/// Takes the turn to look, unless another process of this version looked a moment ago, or one of a newer version within a
/// minute: to an older one the same facts mean other alarms, and the two would open and close each other's.
///
/// # Errors
/// When the database fails.
pub async fn take_turn(conn: &mut Connection) -> QueryResult<bool> {
    let taken = diesel::sql_query(
        "insert into alarm_look as look (version, taken_at) values ($1, clock_timestamp())
         on conflict (one_row) do update set version = excluded.version, taken_at = excluded.taken_at
         where look.taken_at not between
             excluded.taken_at - case when look.version > excluded.version then interval '1 minute' else interval '12 seconds' end
             and excluded.taken_at + interval '1 minute'",
    )
    .bind::<Text, _>(newest_migration())
    .execute(conn)
    .await?;
    Ok(taken > 0)
}

/// Processes may have different credentials, as they do while one is replaced: each says which it has.
///
/// # Errors
/// When the database fails.
pub async fn note_in_use(conn: &mut Connection, credential: &OwnCredential) -> QueryResult<()> {
    diesel::sql_query(
        "insert into credential_in_use (name, ends_at, seen_at) values ($1, $2, now())
         on conflict (name) do update set ends_at = excluded.ends_at, seen_at = excluded.seen_at",
    )
    .bind::<Text, _>(&credential.name)
    .bind::<Timestamptz, _>(credential.ends_at)
    .execute(conn)
    .await?;
    Ok(())
}

async fn differences(conn: &mut Connection, known: &Known, common: &[Common]) -> QueryResult<Vec<Difference>> {
    let (ids, titles): (Vec<&str>, Vec<&str>) = known.grave_checks.iter().map(|(id, title)| (&**id, &**title)).unzip();
    diesel::sql_query(format!(
        "with fact (kind, company_id, subject, message, remedy) as (
             {FACTS}
             union all
             select kind, null, '', message, remedy from unnest($4, $5, $6) common (kind, message, remedy)
             union all
             select 'NO_WORKER', null, '', 'No worker has been heard of for 90 seconds: nothing is synced.', 'Start `tenantry work`, or look at its log.'
             where not exists (select {LIVING_WORKERS}) and exists (select from tenant where status = 'CONNECTED')),
         standing as (select * from alarm where closed_at is null and kind = any($7))
         select standing.id as alarm_id, fact.*
         from fact full join standing
           on standing.kind = fact.kind and standing.subject = fact.subject
          and coalesce(standing.company_id, '00000000-0000-0000-0000-000000000000') = coalesce(fact.company_id, '00000000-0000-0000-0000-000000000000')
         where standing.id is null or fact.kind is null or (standing.message, standing.remedy) <> (fact.message, fact.remedy)"
    ))
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Text>, _>(titles)
    .bind::<Integer, _>(i32::try_from(AHEAD.num_days()).unwrap_or(i32::MAX))
    .bind::<Array<Text>, _>(common.iter().map(|common| common.kind).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(common.iter().map(|common| &*common.message).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(common.iter().map(|common| &*common.remedy).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(AlarmKind::ALL)
    .load(conn)
    .await
}

async fn open(conn: &mut Connection, found: Vec<Difference>, webhook: bool) -> QueryResult<usize> {
    if found.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = found.iter().map(|_| crate::model::new_id()).collect();
    let companies: Vec<Option<Uuid>> = found.iter().map(|fact| fact.company_id).collect();
    let text = |part: fn(&Difference) -> &Option<String>| -> Vec<String> {
        found
            .iter()
            .map(|fact| part(fact).clone().unwrap_or_default())
            .collect()
    };
    diesel::sql_query(
        "with opened as (
             insert into alarm (id, kind, company_id, subject, message, remedy, opened_at)
             select id, kind, company_id, subject, message, remedy, now()
             from unnest($1, $2, $3, $4, $5, $6) found (id, kind, company_id, subject, message, remedy)
             returning id)
         insert into alarm_event (alarm_id, what, at, delivery, next_at)
         select id, 'OPENED', now(), case when $7 then 'WAITING' else 'NONE' end, now() from opened order by id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(text(|fact| &fact.kind))
    .bind::<Array<Nullable<SqlUuid>>, _>(companies)
    .bind::<Array<Text>, _>(text(|fact| &fact.subject))
    .bind::<Array<Text>, _>(text(|fact| &fact.message))
    .bind::<Array<Text>, _>(text(|fact| &fact.remedy))
    .bind::<Bool, _>(webhook)
    .execute(conn)
    .await
}

/// Has open alarms say what there is to say now. Whoever watches is told; the webhook told what happened when they opened.
async fn change(conn: &mut Connection, changed: &[Difference]) -> QueryResult<usize> {
    if changed.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Option<Uuid>> = changed.iter().map(|fact| fact.alarm_id).collect();
    let messages: Vec<Option<&str>> = changed.iter().map(|fact| fact.message.as_deref()).collect();
    let remedies: Vec<Option<&str>> = changed.iter().map(|fact| fact.remedy.as_deref()).collect();
    diesel::sql_query(
        "with changed as (
             update alarm set message = found.message, remedy = found.remedy
             from unnest($1, $2, $3) found (id, message, remedy)
             where alarm.id = found.id and closed_at is null returning alarm.id)
         insert into alarm_event (alarm_id, what, at, delivery, next_at)
         select id, 'CHANGED', now(), 'NONE', now() from changed order by id",
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(ids)
    .bind::<Array<Nullable<Text>>, _>(messages)
    .bind::<Array<Nullable<Text>>, _>(remedies)
    .execute(conn)
    .await
}

async fn close(conn: &mut Connection, over: &[Uuid], webhook: bool) -> QueryResult<usize> {
    if over.is_empty() {
        return Ok(0);
    }
    diesel::sql_query(
        "with closed as (
             update alarm set closed_at = now() where id = any($1) and closed_at is null returning id)
         insert into alarm_event (alarm_id, what, at, delivery, next_at)
         select id, 'CLOSED', now(), case when $2 then 'WAITING' else 'NONE' end, now() from closed order by id",
    )
    .bind::<Array<SqlUuid>, _>(over)
    .bind::<Bool, _>(webhook)
    .execute(conn)
    .await
}

/// Forgets what everybody has heard long ago, and the alarms that ended a year ago.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Connection) -> QueryResult<()> {
    for old in [
        "delete from alarm_event where delivery <> 'WAITING' and at < now() - interval '1 day'",
        "delete from alarm where closed_at < now() - interval '1 year'",
        "delete from credential_in_use where seen_at < now() - interval '1 day'",
    ] {
        diesel::sql_query(old).execute(conn).await?;
    }
    Ok(())
}

/// Which alarms to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub company_id: Option<Uuid>,
    pub kind: Option<AlarmKind>,
    /// Only those that are open, or only those that are not.
    pub open: Option<bool>,
}

/// The alarms of a scope, newest first. What concerns every company is shown to those who see every company; a kind that a
/// newer version has added is left out.
pub fn list(scope: &Scope, filter: &Filter) -> Listing {
    let newest_first = Order {
        name: "alarm.opened",
        key: "alarm.opened_at",
        id: "alarm.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    let known = AlarmKind::ALL.iter().map(ToString::to_string).collect();
    Listing::new("from alarm where true", newest_first)
        .only("alarm.kind = any(?)", Some(Bind::Texts(known)))
        .only("alarm.company_id = any(?)", scope.as_bind())
        .only("?", scope.whole_bind())
        .only("alarm.company_id = ?", filter.company_id.map(Bind::Uuid))
        .only("alarm.kind = ?", filter.kind.map(|kind| Bind::Text(kind.to_string())))
        .only("(alarm.closed_at is null) = ?", filter.open.map(Bind::Bool))
}

/// A change of an alarm, and its place among all of them.
#[derive(Clone, Debug, QueryableByName)]
pub struct Changed {
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(embed)]
    pub alarm: Alarm,
}

/// The changes behind a place, as the alarms stand now, at most `limit`; only of what the scope shows.
///
/// # Errors
/// When the database fails.
pub async fn changes_after(
    conn: &mut Connection,
    scope: &Scope,
    company_id: Option<Uuid>,
    seq: i64,
    limit: i64,
) -> QueryResult<Vec<Changed>> {
    diesel::sql_query(
        "select e.seq, alarm.* from alarm_event e join alarm on alarm.id = e.alarm_id
         where e.seq > $1 and ($2::uuid[] is null or alarm.company_id = any($2)) and ($3::uuid is null or alarm.company_id = $3)
           and alarm.kind = any($5)
         order by e.seq limit $4",
    )
    .bind::<BigInt, _>(seq)
    .bind::<Nullable<Array<SqlUuid>>, _>(scope.companies())
    .bind::<Nullable<SqlUuid>, _>(company_id)
    .bind::<BigInt, _>(limit)
    .bind::<Array<Text>, _>(AlarmKind::ALL)
    .load(conn)
    .await
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// The place of the last change there was. Changes get their places one after the other: whoever makes them is alone.
///
/// # Errors
/// When the database fails.
pub async fn last_change(conn: &mut Connection) -> QueryResult<i64> {
    let place: Place = diesel::sql_query("select coalesce(max(seq), 0) as seq from alarm_event")
        .get_result(conn)
        .await?;
    Ok(place.seq)
}
