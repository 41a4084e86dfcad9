//! Holding the checks of the catalogue against what a run read. Pure: the same input gives the same verdict, so that an
//! old run can be judged again by anybody.

mod given;
mod verdict;

pub use given::{Assignment, Change, Declarations, Exception, Past, Previous};
pub use verdict::{Counts, Finding, FindingKind, Population, Status, Verdict};
