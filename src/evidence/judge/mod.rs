//! Holding the checks of the catalogue against what a run read. Pure: the same input gives the same verdict, so that an
//! old run can be judged again by anybody.
//!
//! The danger is a check that decides by itself when it may pass. Checks only count ([`tally`]); the verdict follows
//! from the counts, and a reading that did not end well never reaches a check.

mod bench;
mod coverage;
mod directory;
mod given;
mod predicates;
mod rules;
mod tally;
mod unexplained;
mod verdict;
mod wire;

#[cfg(test)]
mod tests;

pub use given::{AccountDeclaration, Assignment, Change, Declarations, Exception, Past, Previous};
pub use unexplained::{is_explained, stands_until_explained, with_earlier};
pub use verdict::{Counts, Finding, FindingKind, Population, Status, Verdict};

use crate::evidence::snapshot::Snapshot;

/// What every check says of a run, in the order of the table of checks.
pub fn judge(snapshot: &Snapshot, past: &Past, declarations: &Declarations) -> Vec<Verdict> {
    let bench = bench::Bench::new(snapshot, past, declarations);
    rules::ALL.iter().map(|rule| rule.hold(&bench)).collect()
}
