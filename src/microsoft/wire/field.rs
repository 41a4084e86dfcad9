//! What a delta says about one property, and about an object that is gone.
//!
//! The danger: [`Field::Absent`] read as [`Field::Null`] clears what nobody touched.

use serde::{Deserialize, Deserializer};

use super::Text;

/// A property in a delta. Needs `#[serde(default)]` on the struct's field, which gives [`Field::Absent`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not told: as it was.
    #[default]
    Absent,
    /// Cleared.
    Null,
    /// Set to this.
    Value(T),
}

impl<T> Field<T> {
    /// What to store, where the outer `None` means "leave it".
    pub fn told(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

/// `@removed` on an object of a delta.
///
/// Source: <https://learn.microsoft.com/graph/delta-query-overview#resource-representation-in-the-delta-query-response>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Removed {
    /// `changed`: soft-deleted, can be restored. `deleted`: gone for good.
    #[serde(default)]
    pub reason: Text,
}
