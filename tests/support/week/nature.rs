//! Tenants as the simulation makes them up.

use chrono::TimeDelta;
use rand::Rng;
use rand::rngs::StdRng;
use tenantry::model::sync_run::SyncKind;

/// What a tenant is like: one in fifty is large, another one in fifty fails whenever it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    Small,
    Large,
    Failing,
}

impl Nature {
    pub(super) fn of(number: usize) -> Self {
        match number % 50 {
            0 => Self::Large,
            1 => Self::Failing,
            _ => Self::Small,
        }
    }

    /// How long a run takes. A small tenant's changes are a handful of requests of a tenth to half a second; its evidence
    /// is read within narrow limits. A large one's are read in full once in a while.
    pub(super) fn duration(self, kind: SyncKind, chance: &mut StdRng) -> TimeDelta {
        let milliseconds = match (self, kind) {
            (Self::Failing, _) => chance.random_range(500..5_000),
            (Self::Small, SyncKind::Identity) => chance.random_range(500..3_000),
            (Self::Small, SyncKind::Evidence) => chance.random_range(6_000..15_000),
            (Self::Large, SyncKind::Identity) if chance.random_ratio(1, 42) => chance.random_range(300_000..1_200_000),
            (Self::Large, SyncKind::Identity) => chance.random_range(5_000..60_000),
            (Self::Large, SyncKind::Evidence) => chance.random_range(300_000..1_800_000),
        };
        TimeDelta::milliseconds(milliseconds)
    }
}
