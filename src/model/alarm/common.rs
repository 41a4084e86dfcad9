//! What concerns every company, as their newest runs tell: an outage at Microsoft or on the way there, and a database that is full.
//!
//! That is one alarm of the application, and nothing that is wrong with any of the tenants. The danger is what an outage leaves
//! behind: an alarm for each of two thousand companies, opened while the last of them are not yet synced again, and tenants
//! that are left alone for hours after it is over. So each run that failed in it is noted as such, for good, and whoever
//! judges a tenant by its runs passes over those.
//!
//! It is looked for every few seconds, and reads no history for it: two runs of each kind at the top of an index, whatever
//! lies beneath.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::AlarmKind;
use crate::db::Connection;

/// A run that failed because nothing at all came: Microsoft was not reachable, all it said was errors, or it let everything
/// wait for longer than a run stays.
const NOTHING_CAME: &str = "status = 'FAILED' and code in ('MICROSOFT_UNAVAILABLE', 'READING_INCOMPLETE', 'THROTTLED')";

/// A run to which Microsoft answered, if only to say no. Of what ended by a fault of our own nothing is known, nor where
/// part of it came.
const SOMETHING_CAME: &str = "status = 'SUCCEEDED' or code not in
    ('MICROSOFT_UNAVAILABLE', 'READING_INCOMPLETE', 'THROTTLED', 'STORAGE_FULL', 'CRASHED', 'INTERNAL')";

/// How long the end of a run says something of how things stand now: the longest interval that is usual, and an hour for runs
/// that are late. So a tenant that is synced once a day, or no more, does not keep up what is over.
const LASTS: &str = "7 hours";

/// Which runs an outage is to blame for: those since it was found, and those of the time that it took until enough companies
/// were synced to find it. Whatever else a tenant failed of before goes on to count.
const BEFORE_IT_IS_FOUND: &str = "1 hour";

/// Tells whether nothing comes for many, and notes the runs that failed for it.
///
/// Many are five companies, fewer could be so by chance, and more than a fifth of those of which anything is known: a service of
/// Microsoft's that is down in one region is that. Once it is an outage it remains one while there are three, and more than
/// a tenth: what sways around a limit is no reason to open and close.
static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "with last as materialized (
             select tenant.company_id, run.*
             from tenant
             cross join (values ('IDENTITY'), ('EVIDENCE')) k (kind)
             cross join lateral (
                 select id, status, coalesce(failure ->> 'code', '') as code, failure, finished_at,
                        row_number() over (order by queued_at desc, id desc) = 1 as is_newest
                 from (select id, status, failure, finished_at, queued_at from sync_run
                       where company_id = tenant.company_id and kind = k.kind and not dry_run and status in ('SUCCEEDED', 'PARTIAL', 'FAILED')
                       order by queued_at desc, id desc limit 2) two) run
             where tenant.status = 'CONNECTED'),
         lately as (
             select id, company_id, finished_at, {NOTHING_CAME} as nothing_came, {SOMETHING_CAME} as something_came
             from last where finished_at > now() - interval '{LASTS}'),
         newest as (
             select distinct on (company_id) nothing_came from lately
             where nothing_came or something_came
             order by company_id, finished_at desc),
         counted as (
             select count(*) filter (where nothing_came) as without, count(*) as known,
                    (select opened_at from alarm where kind = 'MICROSOFT_UNREACHABLE' and closed_at is null) as since
             from newest),
         found as (
             select without, known, coalesce(since, now()) - interval '{BEFORE_IT_IS_FOUND}' as from_then from counted
             where case when since is not null then without >= 3 and without * 10 > known else without >= 5 and without * 5 > known end),
         noted as (
             update sync_run set outage = true
             from lately, found
             where sync_run.id = lately.id and lately.nothing_came and lately.finished_at > found.from_then
               and not sync_run.outage)
         select (select without from found), (select known from found), filled.message, filled.remedy
         from (select max(failure ->> 'message') as message, max(failure ->> 'remedy') as remedy
               from last where is_newest and code = 'STORAGE_FULL' and finished_at > now() - interval '{LASTS}') filled"
    )
});

#[derive(QueryableByName)]
struct Row {
    /// For so many companies nothing came, where that is an outage.
    #[diesel(sql_type = Nullable<BigInt>)]
    without: Option<i64>,
    /// Of so many is anything known.
    #[diesel(sql_type = Nullable<BigInt>)]
    known: Option<i64>,
    /// What a run says that found no room.
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    remedy: Option<String>,
}

/// Something that is wrong and concerns every company.
#[derive(Clone, Debug)]
pub struct Common {
    pub kind: AlarmKind,
    pub message: String,
    pub remedy: String,
}

/// Looks for what is wrong and concerns every company, and notes which runs failed in an outage; in the transaction that settles
/// the alarms, before it looks at the facts of the companies.
///
/// # Errors
/// When the database fails.
pub async fn look(conn: &mut Connection) -> QueryResult<Vec<Common>> {
    let row: Row = diesel::sql_query(&*LOOK).get_result(conn).await?;
    let outage = row.without.zip(row.known).map(|(without, known)| Common {
        kind: AlarmKind::MicrosoftUnreachable,
        message: format!(
            "Microsoft could not be reached, or answered with nothing but errors, for {without} of {known} companies when they were \
             synced last."
        ),
        remedy: "Look at Microsoft's service health, and with `tenantry doctor` at the way there. Nothing was changed, and no company \
                 is left alone for it: each is tried again at its next slot."
            .into(),
    });
    let full = row.message.zip(row.remedy).map(|(message, remedy)| Common {
        kind: AlarmKind::StorageFull,
        message,
        remedy,
    });
    Ok(outage.into_iter().chain(full).collect())
}
