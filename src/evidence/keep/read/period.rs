//! Which runs a period should have had, and which it has.
//!
//! The danger: a list of runs looks complete whatever is missing from it. So the slots of the clock are counted, and
//! each says what became of it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::tenant;
use crate::model::clock::{latest_slot_of, next_slot};
use crate::model::sync_run::SyncKind;
use crate::model::text_enum::text_enum;
use crate::model::{Scope, SyncSchedule, sync_schedule};

/// The longest period that is answered at once, in days.
const LONGEST: i64 = 400;

text_enum! {
    /// What became of a slot of the clock.
    pub enum SlotState {
        /// A run was kept that read everything that the tenant can have.
        Complete = "COMPLETE",
        /// A run was kept that could not read everything.
        Incomplete = "INCOMPLETE",
        /// No run was kept.
        Missing = "MISSING",
    }
}

/// A time at which there should have been a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub at: DateTime<Utc>,
    pub state: SlotState,
    /// The kept run.
    pub seq: Option<i64>,
    /// Why there is none, where a run was tried.
    pub because: Option<String>,
}

/// The runs of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Every slot of its schedules since the company was connected, in order of time.
    pub slots: Vec<Slot>,
    /// How many runs were kept in the period, those that people asked for among them.
    pub kept: i64,
}

impl Period {
    /// How many slots came to this.
    pub fn count(&self, state: SlotState) -> usize {
        self.slots.iter().filter(|slot| slot.state == state).count()
    }
}

#[derive(QueryableByName)]
struct Tried {
    #[diesel(sql_type = Timestamptz)]
    slot: DateTime<Utc>,
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
    #[diesel(sql_type = Nullable<Bool>)]
    whole: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// The runs of a period from `from` to before `to`, no later than `now` and no longer than 400 days.
///
/// # Errors
/// When the database fails.
pub async fn period(
    conn: &mut Connection,
    scope: &Scope,
    company_id: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Period> {
    if !scope.holds_whole(company_id) {
        return Ok(Period::default());
    }
    let to = to.min(now).min(from + TimeDelta::days(LONGEST));
    let tried: Vec<Tried> = diesel::sql_query(TRIED)
        .bind::<SqlUuid, _>(company_id)
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(to)
        .load(conn)
        .await?;
    let mut tried: BTreeMap<DateTime<Utc>, Tried> = tried.into_iter().map(|tried| (tried.slot, tried)).collect();
    // A reconnection moves the connection; slots that were taken before it were due all the same.
    let began = connected_at(conn, company_id)
        .await?
        .into_iter()
        .chain(tried.keys().next().copied())
        .min();
    let schedules = sync_schedule::history(conn, company_id, SyncKind::Evidence).await?;
    let mut slots = Vec::new();
    if let Some(began) = began {
        let mut at = next_slot(SyncKind::Evidence, from.max(began) - TimeDelta::microseconds(1));
        while at < to {
            slots.extend(Slot::under(schedule_at(&schedules, at), at, tried.remove(&at)));
            at = next_slot(SyncKind::Evidence, at);
        }
    }
    let kept: Count = diesel::sql_query(
        "select count(*) as rows from evidence_run where company_id = $1 and taken_at >= $2 and taken_at < $3",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .get_result(conn)
    .await?;
    Ok(Period { slots, kept: kept.rows })
}

/// `$1` company, `$2` from, `$3` before. What the tenant has no licence for is no gap of the run.
const TRIED: &str = "
    select s.slot, e.seq,
           (select bool_and(p.state_sha256 is not null or p.outcome = 'LICENCE_MISSING')
            from evidence_pull p where p.company_id = e.company_id and p.seq = e.seq) as whole,
           coalesce(s.passed_over, r.failure ->> 'message', r.message) as message
    from sync_slot s
    left join evidence_run e on e.id = s.run_id and e.company_id = s.company_id
    left join sync_run r on r.id = s.run_id
    where s.company_id = $1 and s.kind = 'EVIDENCE' and s.slot >= $2 and s.slot < $3
    order by s.slot";

/// The schedule that held at a time.
fn schedule_at(schedules: &[SyncSchedule], at: DateTime<Utc>) -> SyncSchedule {
    let held = schedules.iter().rfind(|schedule| schedule.since <= at);
    held.copied().unwrap_or(SyncSchedule::usual(SyncKind::Evidence))
}

impl Slot {
    /// None where nobody wanted a run then. A pause is a gap like any other, and says that it was meant.
    fn under(schedule: SyncSchedule, at: DateTime<Utc>, tried: Option<Tried>) -> Option<Self> {
        let wanted = latest_slot_of(SyncKind::Evidence, schedule.every_hours, at) == at;
        if tried.is_none() && !wanted {
            return None;
        }
        let because = (tried.is_none() && schedule.paused).then(|| "The schedule was paused.".to_owned());
        let slot = Self::of(at, tried);
        Some(Self {
            because: slot.because.or(because),
            ..slot
        })
    }

    fn of(at: DateTime<Utc>, tried: Option<Tried>) -> Self {
        let Some(Tried {
            seq, whole, message, ..
        }) = tried
        else {
            return Self {
                at,
                state: SlotState::Missing,
                seq: None,
                because: None,
            };
        };
        let state = match (seq, whole) {
            (None, _) => SlotState::Missing,
            (Some(_), Some(true)) => SlotState::Complete,
            (Some(_), _) => SlotState::Incomplete,
        };
        Self {
            at,
            state,
            seq,
            because: message.filter(|_| seq.is_none()),
        }
    }
}

async fn connected_at(conn: &mut Connection, company_id: Uuid) -> QueryResult<Option<DateTime<Utc>>> {
    let connected: Option<Option<DateTime<Utc>>> = tenant::table
        .find(company_id)
        .select(tenant::connected_at)
        .first(conn)
        .await
        .optional()?;
    Ok(connected.flatten())
}
