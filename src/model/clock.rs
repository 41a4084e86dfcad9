//! The clock that syncs go by: which slot comes next. Pure, in UTC, so that no daylight saving can move a slot.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use crate::model::sync_run::SyncKind;

/// How many hours lie between the slots of `kind`, where a company has chosen nothing else.
pub fn usual_hours(kind: SyncKind) -> i32 {
    match kind {
        SyncKind::Identity => 4,
        SyncKind::Evidence => 6,
    }
}

/// How many hours may lie between the slots of `kind` that a company takes: what goes into a day, and is a slot of the
/// kind each time.
pub fn possible_hours(kind: SyncKind) -> &'static [i32] {
    match kind {
        SyncKind::Identity => &[4, 8, 12, 24],
        SyncKind::Evidence => &[6, 12, 24],
    }
}

/// How long after midnight the first slot of `kind` is.
pub fn past_midnight(kind: SyncKind) -> TimeDelta {
    match kind {
        SyncKind::Identity => TimeDelta::zero(),
        SyncKind::Evidence => TimeDelta::minutes(15),
    }
}

/// The slot of `kind` that is current at `now`: identity at 00:00, 04:00 … 20:00; evidence at 00:15, 06:15, 12:15, 18:15.
pub fn latest_slot(kind: SyncKind, now: DateTime<Utc>) -> DateTime<Utc> {
    latest_slot_of(kind, usual_hours(kind), now)
}

/// The first slot of `kind` after `now`.
pub fn next_slot(kind: SyncKind, now: DateTime<Utc>) -> DateTime<Utc> {
    next_slot_of(kind, usual_hours(kind), now)
}

/// The slot of `kind` that is current at `now` where slots are `every_hours` apart: the first of a day stays where it is.
pub fn latest_slot_of(kind: SyncKind, every_hours: i32, now: DateTime<Utc>) -> DateTime<Utc> {
    let every = TimeDelta::hours(every_hours.into()).num_seconds();
    let seconds = (now - past_midnight(kind)).timestamp().rem_euclid(every);
    (now - TimeDelta::seconds(seconds)).trunc_subsecs(0)
}

/// The first slot of `kind` after `now` where slots are `every_hours` apart.
pub fn next_slot_of(kind: SyncKind, every_hours: i32, now: DateTime<Utc>) -> DateTime<Utc> {
    latest_slot_of(kind, every_hours, now) + TimeDelta::hours(every_hours.into())
}

/// A part of this time, from none to nearly all of it: always the same for a company, and for many companies evenly spread.
/// The last bytes of an id are random.
pub fn part_of(company_id: Uuid, spread: TimeDelta) -> TimeDelta {
    let (_, random) = company_id.as_u64_pair();
    let spread = spread.num_milliseconds().unsigned_abs().max(1);
    TimeDelta::milliseconds(i64::try_from(random % spread).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{latest_slot_of, next_slot, next_slot_of, possible_hours, usual_hours};
    use crate::model::sync_run::SyncKind;

    fn next(kind: SyncKind, now: &str) -> String {
        let now = now.parse().expect("a time");
        next_slot(kind, now).to_rfc3339()
    }

    #[test]
    fn identity_comes_every_four_hours() {
        assert_eq!(
            next(SyncKind::Identity, "2026-11-23T00:00:00Z"),
            "2026-11-23T04:00:00+00:00"
        );
        assert_eq!(
            next(SyncKind::Identity, "2026-11-23T03:59:59.999Z"),
            "2026-11-23T04:00:00+00:00"
        );
        assert_eq!(
            next(SyncKind::Identity, "2026-12-31T21:00:00Z"),
            "2027-01-01T00:00:00+00:00"
        );
    }

    #[test]
    fn evidence_comes_every_six_hours_a_quarter_past() {
        assert_eq!(
            next(SyncKind::Evidence, "2026-11-23T00:00:00Z"),
            "2026-11-23T00:15:00+00:00"
        );
        assert_eq!(
            next(SyncKind::Evidence, "2026-11-23T00:15:00Z"),
            "2026-11-23T06:15:00+00:00"
        );
        assert_eq!(
            next(SyncKind::Evidence, "2026-11-23T18:15:00Z"),
            "2026-11-24T00:15:00+00:00"
        );
    }

    #[test]
    fn every_schedule_takes_slots_of_its_kind_and_the_first_of_each_day() {
        for kind in SyncKind::ALL {
            for every_hours in possible_hours(*kind) {
                assert_eq!(24 % every_hours, 0);
                assert_eq!(every_hours % usual_hours(*kind), 0);
                let midnight = "2026-11-23T00:20:00Z".parse().expect("a time");
                let first = latest_slot_of(*kind, *every_hours, midnight);
                assert_eq!(first, next_slot(*kind, first - chrono::TimeDelta::seconds(1)));
                assert_eq!(next_slot_of(*kind, 24, first) - first, chrono::TimeDelta::hours(24));
            }
        }
    }
}
