//! Findings with when they opened and when they closed.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::Value;

use super::super::archive::Archive;
use super::super::csv::{line, text};
use super::super::layout;
use super::{Source, content};

/// Check, resource, object, and since when it has been there.
type Key = [String; 4];

/// What was last said of a finding in the period.
struct Said {
    at: String,
    state: String,
    kind: String,
    detail: Value,
}

fn read(lists: &mut Archive) -> anyhow::Result<BTreeMap<Key, Said>> {
    let mut findings = BTreeMap::new();
    for list in [layout::FINDINGS_BEFORE, layout::FINDINGS] {
        for row in lists.lines(list)? {
            let row = row?;
            let key = ["check", "resource", "object", "openedAt"].map(|name| text(&row[name]));
            let said = Said {
                at: text(&row["at"]),
                state: text(&row["state"]),
                kind: text(&row["kind"]),
                detail: row["detail"].clone(),
            };
            findings.insert(key, said);
        }
    }
    Ok(findings)
}

/// A finding that stood when the period ended.
pub(in crate::evidence::export) struct Stands {
    pub resource: String,
    pub object: String,
    /// Its kind, or that it was not evaluated.
    pub word: String,
    /// The hash of what is said of it.
    pub detail: Value,
}

/// The findings that stood when the period ended, by check.
pub(in crate::evidence::export) fn standing(lists: &mut Archive) -> anyhow::Result<BTreeMap<String, Vec<Stands>>> {
    let mut standing: BTreeMap<String, Vec<Stands>> = BTreeMap::new();
    for ([check, resource, object, _], said) in read(lists)? {
        let word = match &*said.state {
            "CLOSED" => continue,
            "OPEN" => said.kind,
            state => state.to_owned(),
        };
        let stands = Stands {
            resource,
            object,
            word,
            detail: said.detail,
        };
        standing.entry(check).or_default().push(stands);
    }
    Ok(standing)
}

pub(super) fn write(source: &mut Source, out: &mut dyn Write) -> anyhow::Result<()> {
    let titles = [
        "check",
        "resource",
        "object",
        "name",
        "kind",
        "opened at",
        "closed at",
        "state when the period ended",
        "so since",
        "because",
        "how it came so",
        "content sha256",
    ];
    out.write_all(line(titles).as_bytes())?;
    for ([check, resource, object, opened], said) in read(&mut source.lists)? {
        let detail = content(&mut source.contents, &said.detail)?;
        let closed = if said.state == "CLOSED" { &*said.at } else { "" };
        let (name, because) = (text(&detail["name"]), text(&detail["because"]));
        let (lineage, hash) = (text(&detail["lineage"]), text(&said.detail));
        let cells = [
            &*check,
            &resource,
            &object,
            &name,
            &said.kind,
            &opened,
            closed,
            &said.state,
            &said.at,
            &because,
            &lineage,
            &hash,
        ];
        out.write_all(line(cells).as_bytes())?;
    }
    Ok(())
}
