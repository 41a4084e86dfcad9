//! Objects of a tenant as they were read, and how they changed.

use async_graphql::{Context, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::evidence::keep::{ObjectChange, ObjectRow, Opened, hex};
use crate::graphql::connection::Listed;
use crate::graphql::error::Answer;
use crate::graphql::siblings::Kin;

/// An object as it stood, among those it was read with.
#[derive(Clone)]
pub struct EvidenceObject(Kin<Opened<ObjectRow>>);

impl Listed for EvidenceObject {
    type Row = Opened<ObjectRow>;
    async fn of(_: &Context<'_>, row: Kin<Self::Row>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// Something of the tenant as a whole reading saw it.
#[Object]
impl EvidenceObject {
    /// Where it was read, such as `ca_policies`.
    async fn resource(&self) -> &str {
        self.0.resource.as_str()
    }

    /// Microsoft's id.
    async fn object_id(&self) -> &str {
        &self.0.object_id
    }

    /// What people call it.
    async fn name(&self) -> Option<&str> {
        name(self.0.content.as_ref()?)
    }

    /// The state of a policy or of a device, as Microsoft says it.
    async fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// Since when it has looked like this: when the run that first saw it so began to read.
    async fn since(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// The number of that run.
    async fn run_number(&self) -> i64 {
        self.0.seq
    }

    /// All of it, without what changes at every reading.
    async fn content(&self) -> Option<Json<&Value>> {
        self.0.content.as_ref().map(Json)
    }

    /// SHA-256 of the canonical form of the content, in hexadecimal.
    async fn sha256(&self) -> Option<String> {
        self.0.content_sha256.as_deref().map(hex)
    }
}

/// A change of an object, among those it was read with.
#[derive(Clone)]
pub struct EvidenceChange(Kin<Opened<ObjectRow>>);

impl Listed for EvidenceChange {
    type Row = Opened<ObjectRow>;
    async fn of(_: &Context<'_>, row: Kin<Self::Row>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// That something of the tenant came, changed or went.
#[Object]
impl EvidenceChange {
    /// Where it was read, such as `ca_policies`.
    async fn resource(&self) -> &str {
        self.0.resource.as_str()
    }

    /// Microsoft's id.
    async fn object_id(&self) -> &str {
        &self.0.object_id
    }

    /// What people call it, or called it.
    async fn name(&self) -> Option<&str> {
        name(self.0.content.as_ref().or(self.0.before.as_ref())?)
    }

    /// What became of it.
    async fn change(&self) -> ObjectChange {
        self.0.change
    }

    /// When the run that saw it began to read. It happened between the run before and this one.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// The number of that run.
    async fn run_number(&self) -> i64 {
        self.0.seq
    }

    /// What differs, place by place; at most 100.
    async fn paths(&self) -> Vec<PathChange> {
        let mut paths = Vec::new();
        if let (Some(before), Some(after)) = (&self.0.before, &self.0.content) {
            compare(String::new(), before, after, &mut paths);
        }
        paths
    }

    /// What it looked like before; null where it was not there, or where that is not kept any more.
    async fn before(&self) -> Option<Json<&Value>> {
        self.0.before.as_ref().map(Json)
    }

    /// What it looks like since; null where it is gone.
    async fn after(&self) -> Option<Json<&Value>> {
        self.0.content.as_ref().map(Json)
    }
}

/// A place in an object whose value differs.
#[derive(SimpleObject)]
struct PathChange {
    /// Where: names and places, with dots between.
    path: String,
    /// What was there; null where there was nothing.
    before: Option<Json<Value>>,
    /// What is there; null where there is nothing.
    after: Option<Json<Value>>,
}

/// The most places that are told of one object.
const MOST_PATHS: usize = 100;

/// Objects are compared name by name; lists whole, for their order means nothing.
fn compare(path: String, before: &Value, after: &Value, paths: &mut Vec<PathChange>) {
    if before == after || paths.len() == MOST_PATHS {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        paths.push(PathChange {
            path,
            before: Some(Json(before.clone())),
            after: Some(Json(after.clone())),
        });
        return;
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        compare(
            path,
            old.get(name).unwrap_or(&Value::Null),
            new.get(name).unwrap_or(&Value::Null),
            paths,
        );
    }
}

fn name(content: &Value) -> Option<&str> {
    ["displayName", "deviceName", "userPrincipalName"]
        .iter()
        .find_map(|name| content[name].as_str())
}
