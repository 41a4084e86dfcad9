//! Where a run that waits goes on.

use serde::{Deserialize, Serialize};

use crate::model::Noun;

/// The place in a chain of pages; what came before it is staged.
#[derive(Clone, Serialize, Deserialize)]
pub struct Place {
    pub part: Part,
    /// The page that comes next. It can be read with a token alone: not for logs.
    pub at: String,
    /// Records of this kind that were read so far.
    pub read: i64,
    /// Staging rows that were written so far.
    pub seq: i64,
}

/// Which chain of pages it is.
#[derive(Clone, Serialize, Deserialize)]
pub enum Part {
    /// The plain list of people, after which come the changes since `then`.
    Everybody { then: String },
    /// Changes to people; `full` when the plain list came before them.
    PeopleChanges { full: bool },
    /// Groups with their members; `full` when the round began at the beginning.
    Groups { full: bool },
    /// Devices.
    Devices,
}

impl Place {
    /// The kind of record that is read there.
    pub fn noun(&self) -> Noun {
        match self.part {
            Part::Everybody { .. } | Part::PeopleChanges { .. } => Noun::Contact,
            Part::Groups { .. } => Noun::ContactGroup,
            Part::Devices => Noun::Asset,
        }
    }
}
