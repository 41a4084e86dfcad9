//! What objects were there when the period ended, and what became of them in it.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use serde_json::Value;

use super::super::archive::Archive;
use super::super::csv::{line, text};
use super::super::layout;
use super::{Source, content};

pub(super) const FOLDER: &str = "objects/";

/// An object that was there.
pub(super) struct Stood {
    /// The row that brought it to this form.
    pub at: String,
    pub run: String,
    pub state: String,
    pub content: String,
}

/// The objects that were there, by resource and id.
#[derive(Default)]
pub(super) struct Standing(BTreeMap<String, BTreeMap<String, Stood>>);

impl Standing {
    pub(super) fn read(lists: &mut Archive) -> anyhow::Result<Self> {
        let mut standing = Self::default();
        for list in [layout::OBJECTS_BEFORE, layout::OBJECTS] {
            for row in lists.lines(list)? {
                standing.follow(&row?);
            }
        }
        Ok(standing)
    }

    /// Goes one row on; answers the hash of the content that the object had until then.
    fn follow(&mut self, row: &Value) -> Option<String> {
        let objects = self.0.entry(text(&row["resource"])).or_default();
        let id = text(&row["object"]);
        let before = match row["content"].as_str() {
            None => objects.remove(&id),
            Some(content) => objects.insert(
                id,
                Stood {
                    at: text(&row["at"]),
                    run: text(&row["seq"]),
                    state: text(&row["state"]),
                    content: content.to_owned(),
                },
            ),
        };
        before.map(|before| before.content)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let known = self
            .0
            .iter()
            .filter(|(resource, objects)| is_word(resource) && !objects.is_empty());
        known.map(|(resource, _)| format!("{FOLDER}{resource}.csv"))
    }

    /// The content of whatever goes by this id, people and devices before what only refers to them.
    pub(super) fn content_of(&self, id: &str) -> Option<&str> {
        let first = ["users", "managed_devices", "ca_policies", "groups"];
        let named = first.iter().filter_map(|resource| self.0.get(*resource));
        let found = named.chain(self.0.values()).find_map(|objects| objects.get(id));
        found.map(|stood| stood.content.as_str())
    }
}

fn is_word(resource: &str) -> bool {
    resource.starts_with(|c: char| c.is_ascii_lowercase())
        && resource.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// What people call an object.
pub(super) fn name_of(content: &Value) -> String {
    let names = ["displayName", "deviceName", "skuPartNumber", "activityDisplayName"];
    let name = names.iter().map(|name| &content[name]).find(|name| name.is_string());
    name.map(text).unwrap_or_default()
}

/// The objects of a resource when the period ended.
pub(super) fn write(source: &mut Source, name: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    source.standing()?;
    let standing = source.standing.as_ref().context("what stands was just read")?;
    let resource = name.trim_start_matches(FOLDER).trim_end_matches(".csv");
    let titles = [
        "id",
        "name",
        "principal name",
        "state",
        "account enabled",
        "so since",
        "by run",
        "content sha256",
    ];
    out.write_all(line(titles).as_bytes())?;
    for (id, stood) in standing.0.get(resource).into_iter().flatten() {
        let object = content(&mut source.contents, &Value::from(stood.content.as_str()))?;
        let (principal, enabled) = (text(&object["userPrincipalName"]), text(&object["accountEnabled"]));
        let name = name_of(&object);
        let cells = [
            id,
            &name,
            &principal,
            &stood.state,
            &enabled,
            &stood.at,
            &stood.run,
            &stood.content,
        ];
        out.write_all(line(cells).as_bytes())?;
    }
    Ok(())
}

/// What came, changed and went, with the names of the properties that differ.
pub(super) fn write_changes(source: &mut Source, out: &mut dyn Write) -> anyhow::Result<()> {
    let titles = [
        "run",
        "seen at",
        "resource",
        "object",
        "name",
        "change",
        "state",
        "what differs",
        "content sha256 before",
        "content sha256",
        "sha256",
    ];
    out.write_all(line(titles).as_bytes())?;
    let mut standing = Standing::default();
    for row in source.lists.lines(layout::OBJECTS_BEFORE)? {
        standing.follow(&row?);
    }
    for row in source.lists.lines(layout::OBJECTS)? {
        let row = row?;
        let before = Value::from(standing.follow(&row));
        let (old, new) = (
            content(&mut source.contents, &before)?,
            content(&mut source.contents, &row["content"])?,
        );
        let named = if new.is_null() { &old } else { &new };
        let cells = [
            text(&row["seq"]),
            text(&row["at"]),
            text(&row["resource"]),
            text(&row["object"]),
            name_of(named),
            text(&row["change"]),
            text(&row["state"]),
            differences(&old, &new),
            text(&before),
            text(&row["content"]),
            text(&row["sha256"]),
        ];
        out.write_all(line(cells).as_bytes())?;
    }
    Ok(())
}

/// Of an object that changed: the properties at its top that are not the same.
fn differences(old: &Value, new: &Value) -> String {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return String::new();
    };
    let mut names: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| old.get(*name) != new.get(*name));
    names.join(" ")
}
