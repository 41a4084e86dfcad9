//! The clock that syncs go by: which slot comes next. Pure, in UTC, so that no daylight saving can move a slot.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::model::sync_run::SyncKind;

/// How far apart the slots of `kind` are, and how long after midnight the first one is.
fn beat(kind: SyncKind) -> (TimeDelta, TimeDelta) {
    match kind {
        SyncKind::Identity => (TimeDelta::hours(4), TimeDelta::zero()),
        SyncKind::Evidence => (TimeDelta::hours(6), TimeDelta::minutes(15)),
    }
}

/// The slot of `kind` that is current at `now`: identity at 00:00, 04:00 … 20:00; evidence at 00:15, 06:15, 12:15, 18:15.
pub fn latest_slot(kind: SyncKind, now: DateTime<Utc>) -> DateTime<Utc> {
    let (every, past) = beat(kind);
    let seconds = (now - past).timestamp().rem_euclid(every.num_seconds());
    (now - TimeDelta::seconds(seconds)).trunc_subsecs(0)
}

/// The first slot of `kind` after `now`.
pub fn next_slot(kind: SyncKind, now: DateTime<Utc>) -> DateTime<Utc> {
    latest_slot(kind, now) + beat(kind).0
}

#[cfg(test)]
mod tests {
    use super::next_slot;
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
}
