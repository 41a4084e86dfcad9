//! Whether the evidence of a period is complete.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use crate::evidence::keep::{Period, Slot, SlotState};

/// The runs that a period should have had.
#[derive(SimpleObject)]
pub struct EvidencePeriod {
    /// How many times the clock called for a run while the tenant was connected.
    expected: usize,
    /// How many of them have a run that read everything that the tenant can have.
    complete: usize,
    /// How many have a run that could not.
    incomplete: usize,
    /// How many have none.
    missing: usize,
    /// How many runs were kept in the period, those that people asked for among them.
    kept: i64,
    /// Those that are not complete, in order of time.
    gaps: Vec<EvidenceSlot>,
}

/// A time at which there should have been a run.
#[derive(SimpleObject)]
struct EvidenceSlot {
    /// The time.
    at: DateTime<Utc>,
    /// What became of it.
    state: SlotState,
    /// The number of its run; null where none was kept.
    run_number: Option<i64>,
    /// Why there is none, where one was tried.
    because: Option<String>,
}

impl EvidencePeriod {
    pub fn of(period: Period) -> Self {
        Self {
            expected: period.slots.len(),
            complete: period.count(SlotState::Complete),
            incomplete: period.count(SlotState::Incomplete),
            missing: period.count(SlotState::Missing),
            kept: period.kept,
            gaps: period
                .slots
                .into_iter()
                .filter(|slot| slot.state != SlotState::Complete)
                .map(EvidenceSlot::of)
                .collect(),
        }
    }
}

impl EvidenceSlot {
    fn of(slot: Slot) -> Self {
        Self {
            at: slot.at,
            state: slot.state,
            run_number: slot.seq,
            because: slot.because,
        }
    }
}
