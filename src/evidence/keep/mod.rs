//! Keeping what a run saw and what was said of it, so that it can be asked for years later and nobody can have changed
//! it meanwhile, ourselves included.
//!
//! Every table here only grows. What an object looked like lies in a [`blob`] by the hash of its [canonical
//! form](canonical), and its history has a row only where a **whole** reading saw a difference; findings likewise.
//! Each row is [sealed](seal) with its hash, a run with the hashes of its rows, and the [`ledger`] holds the run. So
//! [`verify()`] can name the row, the blob or the link that was tampered with.
//!
//! The dangers: a reading that ended early must not look like objects that left, nor close a finding, so nothing here
//! reads the objects of a pull that is not whole; and what is personal must not get into the ledger, which outlives it,
//! so there are hashes and ids of ours alone. Whoever rules the database as a superuser can rewrite a whole chain: to
//! find that, somebody outside has to hold an earlier link.

mod blob;
mod canonical;
mod declaration;
mod finding;
mod ledger;
mod object;
mod past;
mod population;
mod read;
mod retention;
mod row;
mod seal;
mod standing;
mod store;
mod verify;

use std::ops::RangeInclusive;

pub use blob::contents;
pub(in crate::evidence) use blob::inflate;
pub(in crate::evidence) use canonical::Manner;
pub use canonical::{canonical, sha256};
pub use declaration::{DeclarationKind, Statement, declarations, declare, list_declarations, withdraw};
pub use finding::FindingDetail;
pub(in crate::evidence) use ledger::BEGINNING;
pub(in crate::evidence) use object::StateRoot;
pub use past::past;
pub use population::population;
pub(in crate::evidence) use read::seq_before;
pub use read::{
    FindingFilter, ObjectFilter, Opened, Period, Points, Slot, SlotState, Stale, Standing, companies,
    list_finding_events, list_findings, list_ledger, list_object_events, list_objects, list_results_everywhere,
    list_runs, list_tombstones, period, pulls, results, run_as_of, stale,
};
pub use retention::{Pruned, prune, purge};
pub use row::{
    DeclarationRow, FindingRow, FindingState, LedgerKind, LedgerRow, ObjectChange, ObjectRow, PullRow, ResultRow,
    RetentionClass, RunRow, TombstoneRow, WithdrawalRow,
};
pub(in crate::evidence) use seal::moment;
pub use seal::{Sealed, hex};
pub(in crate::evidence) use standing::{findings as standing_findings, objects as standing_objects};
pub use store::{Kept, PopulationDetail, ResultDetail, store};
pub use verify::{Fault, FaultKind, verify};

/// The years that evidence may be asked for of: others are slips of the pen, and more than calendars can reckon with.
pub const YEARS: RangeInclusive<i32> = 1970..=2100;
