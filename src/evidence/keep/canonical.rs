//! The canonical form of an object, by which it is hashed and kept: JSON with sorted keys, without white space, with
//! lists sorted, and without what changes at every reading.
//!
//! Lists are sorted because Graph's are sets that it tells in any order. The danger: a field that changes by itself
//! would make a version of every object at every reading. Such fields are kept [apart](split).

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::evidence::snapshot::{Object, Resource};

/// How the objects of a resource are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evidence) enum Manner {
    /// They come, change and go.
    Lasting,
    /// They happened: a later reading that no longer tells of them does not undo them.
    Journal,
    /// All of it changes at every reading.
    Volatile,
}

impl Manner {
    pub(in crate::evidence) fn of(resource: Resource) -> Self {
        match resource {
            Resource::DirectoryAudits => Self::Journal,
            Resource::UsersSignin => Self::Volatile,
            _ => Self::Lasting,
        }
    }
}

/// What changes at every reading without that anybody changed anything.
fn volatile_fields(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Registration => &["lastUpdatedDateTime"],
        Resource::Users => &["signInActivity"],
        Resource::ManagedDevices => &[
            "lastSyncDateTime",
            "freeStorageSpaceInBytes",
            "exchangeLastSuccessfulSyncDateTime",
            "managementCertificateExpirationDate",
        ],
        Resource::DeviceOverview => &["lastModifiedDateTime"],
        _ => &[],
    }
}

/// An object in the two parts in which it is kept.
pub(super) struct Parts {
    /// The canonical form of what lasts; `None` where nothing does.
    pub lasting: Option<Vec<u8>>,
    /// What changes at every reading; null where nothing does.
    pub volatile: Value,
    /// The word that it is in.
    pub state: Option<String>,
}

pub(super) fn split(resource: Resource, object: &Object) -> Parts {
    if Manner::of(resource) == Manner::Volatile {
        return Parts {
            lasting: None,
            volatile: sorted(&object.content),
            state: None,
        };
    }
    let mut content = object.content.clone();
    let mut volatile = Map::new();
    if let Value::Object(fields) = &mut content {
        for name in volatile_fields(resource) {
            if let Some(value) = fields.remove(*name) {
                volatile.insert((*name).to_owned(), value);
            }
        }
    }
    Parts {
        lasting: Some(canonical(&content)),
        volatile: if volatile.is_empty() {
            Value::Null
        } else {
            Value::Object(volatile)
        },
        state: state_of(resource, &content),
    }
}

fn state_of(resource: Resource, content: &Value) -> Option<String> {
    let field = match resource {
        Resource::CaPolicies => "state",
        Resource::ManagedDevices => "complianceState",
        _ => return None,
    };
    content[field].as_str().map(super::seal::clean)
}

/// The canonical form: what is hashed, byte for byte.
pub fn canonical(value: &Value) -> Vec<u8> {
    sorted(value).to_string().into_bytes()
}

/// Keys are sorted by the map itself.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), sorted(value)))
            .collect(),
        plain => plain.clone(),
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device(content: Value) -> Parts {
        let object = Object {
            id: "d".into(),
            content,
        };
        split(Resource::ManagedDevices, &object)
    }

    #[test]
    fn the_order_in_which_graph_tells_things_is_no_difference() {
        let one = json!({"b": ["x", "y"], "a": [{"k": 1}, {"k": 2}]});
        let other = json!({"a": [{"k": 2}, {"k": 1}], "b": ["y", "x"]});
        assert_eq!(canonical(&one), canonical(&other));
        assert_eq!(canonical(&one), br#"{"a":[{"k":1},{"k":2}],"b":["x","y"]}"#);
    }

    #[test]
    fn a_device_that_only_checked_in_is_the_same_device() {
        let monday =
            device(json!({"id": "d", "complianceState": "compliant", "lastSyncDateTime": "2026-01-05T00:00:00Z"}));
        let tuesday =
            device(json!({"id": "d", "complianceState": "compliant", "lastSyncDateTime": "2026-01-06T00:00:00Z"}));
        assert_eq!(monday.lasting, tuesday.lasting);
        assert_ne!(monday.volatile, tuesday.volatile);
        assert_eq!(monday.state.as_deref(), Some("compliant"));
    }
}
