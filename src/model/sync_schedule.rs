//! Which slots of the clock a company takes, and when it is synced next.
//!
//! The danger: to say a time and not to keep it. What is shown and what the clock does come from the same [`Outlook`].
//! A schedule is never changed but followed by another, for what was agreed is part of what evidence says: without it a
//! slot that nobody wanted looks like one that was missed.
//!
//! A tenant whose scheduled runs fail one after another is left alone for longer each time, a day at most. What a person
//! asks for goes all the same, and a run that succeeds ends it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::{latest_slot_of, next_slot_of, possible_hours, usual_hours};
use super::sync_run::SyncKind;
use crate::db::Connection;
use crate::db::schema::sync_schedule;
use crate::error::UserError;
use crate::model::Scope;

/// The longest that a tenant is left alone.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// Which slots a company takes of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sync_schedule, check_for_backend(diesel::pg::Pg))]
pub struct SyncSchedule {
    /// From when on; earlier slots are not missed.
    pub since: DateTime<Utc>,
    pub every_hours: i32,
    /// None at all.
    pub paused: bool,
}

impl SyncSchedule {
    /// What holds where nothing was ever chosen.
    pub fn usual(kind: SyncKind) -> Self {
        Self {
            since: DateTime::UNIX_EPOCH,
            every_hours: usual_hours(kind),
            paused: false,
        }
    }
}

/// What the clock has to know of a company and a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    pub schedule: SyncSchedule,
    /// When it was paused; also where other hours were chosen since.
    pub paused_since: Option<DateTime<Utc>>,
    /// How many scheduled runs failed one after another until now.
    pub failures: i64,
    /// When the last of them was queued.
    pub failed_at: Option<DateTime<Utc>>,
}

impl Outlook {
    /// The slot at which the next scheduled run is queued; none while the schedule is paused.
    pub fn next(&self, kind: SyncKind, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.schedule.paused {
            return None;
        }
        let next = next_slot_of(kind, self.schedule.every_hours, now);
        Some(self.try_again_at(kind).map_or(next, |earliest| {
            // The schedule may be another than when the run failed.
            let just_before = earliest - TimeDelta::seconds(1);
            next.max(next_slot_of(kind, self.schedule.every_hours, just_before))
        }))
    }

    /// Whether a slot is passed over, for the tenant is left alone until later.
    pub fn passes_over(&self, kind: SyncKind, slot: DateTime<Utc>) -> bool {
        self.try_again_at(kind).is_some_and(|earliest| slot < earliest)
    }

    /// After one failure the next slot is as good as any; from then on the time doubles.
    fn try_again_at(&self, kind: SyncKind) -> Option<DateTime<Utc>> {
        let every_hours = self.schedule.every_hours;
        let doublings = u32::try_from(self.failures - 1).ok()?.min(8);
        let wait = TimeDelta::hours(i64::from(every_hours) << doublings).min(LONGEST);
        Some(latest_slot_of(kind, every_hours, self.failed_at?) + wait)
    }
}

/// An outlook, and when it was had by the database's clock, which is the one that strikes.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub outlook: Outlook,
    pub at: DateTime<Utc>,
}

/// `of (company_id)` stands before it, `$1` is the kind. Failures that are ours (the credential, the database) or Microsoft's
/// (an outage) are no reason to leave a tenant alone.
pub(super) const OUTLOOK: &str = "
    left join lateral (
        select since, every_hours, paused,
               (select min(since) from sync_schedule paused
                where paused.company_id = of.company_id and paused.kind = $1 and paused.paused
                  and not exists (select from sync_schedule went_on
                                  where went_on.company_id = of.company_id and went_on.kind = $1
                                    and not went_on.paused and went_on.since > paused.since)) as paused_since
        from sync_schedule
        where company_id = of.company_id and kind = $1 order by since desc limit 1) s on true
    cross join lateral (
        select count(*) filter (where trigger = 'SCHEDULED') as failures,
               max(queued_at) filter (where trigger = 'SCHEDULED') as failed_at
        from (select trigger, queued_at, bool_and(fails) over (order by queued_at desc, id desc) as in_a_row
              from (select id, trigger, queued_at,
                           status = 'FAILED' and coalesce(failure ->> 'code', '') not in ('CREDENTIAL_REFUSED', 'STORAGE_FULL', 'INTERNAL') as fails
                    from sync_run
                    where company_id = of.company_id and kind = $1 and not dry_run and not outage
                      and status in ('SUCCEEDED', 'PARTIAL', 'FAILED')
                    order by queued_at desc, id desc limit 16) recent) judged
        where in_a_row) f";

/// The columns of [`OUTLOOK`].
#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub(super) company_id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Integer>)]
    every_hours: Option<i32>,
    #[diesel(sql_type = Nullable<Bool>)]
    paused: Option<bool>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paused_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failed_at: Option<DateTime<Utc>>,
}

impl Row {
    pub(super) fn outlook(&self, kind: SyncKind) -> Outlook {
        let chosen = (self.since, self.every_hours, self.paused);
        let schedule = match chosen {
            (Some(since), Some(every_hours), Some(paused)) => SyncSchedule {
                since,
                every_hours,
                paused,
            },
            _ => SyncSchedule::usual(kind),
        };
        Outlook {
            schedule,
            paused_since: self.paused_since,
            failures: self.failures,
            failed_at: self.failed_at,
        }
    }
}

#[derive(QueryableByName)]
struct Asked {
    #[diesel(embed)]
    known: Row,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// What the clock knows of these companies, as far as the scope holds them whole.
///
/// # Errors
/// When the database fails.
pub async fn load(
    conn: &mut Connection,
    scope: &Scope,
    companies: &[Uuid],
    kind: SyncKind,
) -> QueryResult<Vec<(Uuid, Seen)>> {
    let rows: Vec<Asked> = diesel::sql_query(format!(
        "select of.company_id, s.since, s.every_hours, s.paused, s.paused_since, f.failures, f.failed_at, now() as at
         from unnest($2) as of (company_id) {OUTLOOK}"
    ))
    .bind::<Text, _>(kind)
    .bind::<Array<SqlUuid>, _>(scope.whole_of(companies))
    .load(conn)
    .await?;
    let seen = |Asked { known, at }: &Asked| {
        let (outlook, at) = (known.outlook(kind), *at);
        (known.company_id, Seen { outlook, at })
    };
    Ok(rows.iter().map(seen).collect())
}

/// The schedules that a company has had, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn history(conn: &mut Connection, company_id: Uuid, kind: SyncKind) -> QueryResult<Vec<SyncSchedule>> {
    sync_schedule::table
        .filter(sync_schedule::company_id.eq(company_id))
        .filter(sync_schedule::kind.eq(kind))
        .order(sync_schedule::since)
        .select(SyncSchedule::as_select())
        .load(conn)
        .await
}

/// Changes what a company has chosen, and answers what holds from now on where that is something else. In a transaction
/// that has the company locked.
///
/// # Errors
/// `BAD_INPUT` for hours that do not go into the clock of the kind.
pub async fn change(
    conn: &mut Connection,
    company_id: Uuid,
    kind: SyncKind,
    every_hours: Option<i32>,
    paused: Option<bool>,
) -> Result<Option<SyncSchedule>, crate::error::Failure> {
    let before = history(conn, company_id, kind).await?.pop();
    let before = before.unwrap_or(SyncSchedule::usual(kind));
    let (every_hours, paused) = (
        every_hours.unwrap_or(before.every_hours),
        paused.unwrap_or(before.paused),
    );
    if !possible_hours(kind).contains(&every_hours) {
        let possible: Vec<String> = possible_hours(kind).iter().map(ToString::to_string).collect();
        let message = format!("Choose {} hours.", possible.join(", "));
        return Err(UserError::at("BAD_INPUT", &["everyHours"], message).into());
    }
    if (every_hours, paused) == (before.every_hours, before.paused) {
        return Ok(None);
    }
    // The clock that strikes the slots, at this moment: the transaction may have waited for its turn.
    let since = diesel::dsl::sql::<Timestamptz>("clock_timestamp()");
    let changed = diesel::insert_into(sync_schedule::table)
        .values((
            sync_schedule::company_id.eq(company_id),
            sync_schedule::kind.eq(kind),
            sync_schedule::since.eq(since),
            sync_schedule::every_hours.eq(every_hours),
            sync_schedule::paused.eq(paused),
        ))
        .returning(SyncSchedule::as_returning())
        .get_result(conn)
        .await?;
    Ok(Some(changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn failing(failures: i64, every_hours: i32) -> Outlook {
        Outlook {
            schedule: SyncSchedule {
                every_hours,
                ..SyncSchedule::usual(SyncKind::Identity)
            },
            paused_since: None,
            failures,
            failed_at: Some(at("2026-11-23T00:00:03Z")),
        }
    }

    fn next(outlook: Outlook) -> String {
        let next = outlook.next(SyncKind::Identity, at("2026-11-23T00:05:00Z"));
        next.expect("it is not paused").format("%d %H:%M").to_string()
    }

    #[test]
    fn a_tenant_that_fails_is_left_alone_for_longer_each_time_and_for_a_day_at_most() {
        let waits: Vec<String> = (0..=5)
            .chain([1_000])
            .map(|failures| next(failing(failures, 4)))
            .collect();
        assert_eq!(
            waits,
            [
                "23 04:00", "23 04:00", "23 08:00", "23 16:00", "24 00:00", "24 00:00", "24 00:00"
            ]
        );
        assert_eq!(next(failing(2, 12)), "24 00:00");
        assert_eq!(next(failing(9, 24)), "24 00:00");
    }

    #[test]
    fn what_is_shown_is_the_first_slot_that_is_not_passed_over() {
        for failures in 0..6 {
            for every_hours in [4, 8, 12, 24] {
                let outlook = failing(failures, every_hours);
                let next = outlook
                    .next(SyncKind::Identity, at("2026-11-23T00:05:00Z"))
                    .expect("not paused");
                assert!(!outlook.passes_over(SyncKind::Identity, next));
                let before = next - TimeDelta::hours(every_hours.into());
                let first = before <= at("2026-11-23T00:05:00Z");
                assert!(
                    first || outlook.passes_over(SyncKind::Identity, before),
                    "{failures} {every_hours}"
                );
            }
        }
    }

    #[test]
    fn a_paused_schedule_has_no_next_slot() {
        let mut outlook = failing(0, 4);
        outlook.schedule.paused = true;
        assert_eq!(outlook.next(SyncKind::Identity, at("2026-11-23T00:05:00Z")), None);
    }
}
