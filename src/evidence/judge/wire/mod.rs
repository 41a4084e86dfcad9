//! Microsoft's objects as the judge reads them.
//!
//! The danger: Microsoft adds values to its enums. A word that we do not know is kept as `Unknown` and never taken for
//! one that we do: whoever decides by it asks a person. A shape that we cannot read is an error of the reading.

mod device;
mod directory;
mod policy;

pub(super) use device::{CompliancePolicy, ComplianceState, Device, ThreatState};
pub(super) use directory::{
    AuditEntry, AuthMethod, Group, Registration, RoleAssignment, RoleDefinition, SignIn, SignInActivity, Sku, User,
};
pub(super) use policy::Users as PolicyUsers;
pub(super) use policy::{
    BuiltIn, ClientApp, Grant, Operator, Platforms, Policy, PolicyState, Strength, is_empty, says_more,
};

use chrono::{DateTime, Datelike, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::evidence::snapshot::{Complete, Gap, Indeterminate, Object};

/// A list that Microsoft also writes as null.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::evidence::judge) struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> List<T> {
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> std::ops::Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// A word that may also be null: then it is the default.
fn nullable<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A moment, where Intune writes "never" as the year 1.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let moment = Option::<DateTime<Utc>>::deserialize(deserializer)?;
    Ok(moment.filter(|moment| moment.year() > 1))
}

/// Every object of a reading in our shape. One that does not fit makes the whole reading unreadable: a population with
/// a hole in it is not judged.
pub(super) fn read<T: DeserializeOwned>(complete: Complete<'_>) -> Result<Vec<T>, Indeterminate> {
    complete
        .objects()
        .iter()
        .map(|object| read_one(complete, object))
        .collect()
}

/// One object of a reading in our shape.
pub(super) fn read_one<T: DeserializeOwned>(complete: Complete<'_>, object: &Object) -> Result<T, Indeterminate> {
    T::deserialize(&object.content).map_err(|error| Indeterminate {
        resource: complete.resource(),
        gap: Gap::EndpointError,
        detail: format!("{}: an object cannot be read: {error}", complete.resource()),
    })
}
