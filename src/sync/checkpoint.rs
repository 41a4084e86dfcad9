//! What a run that waits has to know when it goes on.

use serde::{Deserialize, Serialize};

use super::stage::{Part, Place};
use crate::model::Noun;
use crate::model::sync_run::RunFailure;

/// What a run that waits has to know when it goes on.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The page that comes next.
    pub place: Option<Place>,
    /// The kinds that could not be read, and why; they are not tried again in this run.
    pub failed: Vec<(Noun, RunFailure)>,
    /// The version of the sync rules that the run began with.
    pub rules_version: i64,
}

impl Checkpoint {
    /// As it was stored; nothing for a run that begins.
    ///
    /// # Errors
    /// When it was stored in another form.
    pub fn read(stored: Option<serde_json::Value>) -> anyhow::Result<Self> {
        Ok(stored.map(serde_json::from_value).transpose()?.unwrap_or_default())
    }

    /// The place, if what was read before it still serves: the rules that are in force now have to be those under
    /// which an incremental read of people was begun, for others need everybody.
    pub fn place_under(&mut self, rules_version: i64) -> Option<Place> {
        let same_rules = self.rules_version == rules_version;
        self.place
            .take()
            .filter(|place| same_rules || !matches!(place.part, Part::PeopleChanges { full: false }))
    }
}
