//! That everything is here that the rows refer to, and nothing else; and that sets of ids are those that were judged.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::derive::{Source, populations};
use super::super::layout;
use super::chain::Chain;
use super::{Faults, Row};
use crate::evidence::keep::{canonical, hex, sha256};

/// The lists whose rows name contents, and in which field.
const NAMED: &[(&str, &str, &str)] = &[
    ("evidence_object", layout::OBJECTS_BEFORE, "content"),
    ("evidence_object", layout::OBJECTS, "content"),
    ("evidence_result", layout::RESULTS, "detail"),
    ("evidence_finding", layout::FINDINGS_BEFORE, "detail"),
    ("evidence_finding", layout::FINDINGS, "detail"),
    ("evidence_pull", layout::PULLS, "volatile"),
];

pub(super) fn check(source: &mut Source, chain: &Chain, faults: &mut Faults) -> anyhow::Result<()> {
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut sets: BTreeSet<String> = BTreeSet::new();
    for (table, list, field) in NAMED {
        for (line, content) in (1..).zip(source.lists.lines(list)?) {
            let row = Row::new(table, list, line, content?);
            sets.extend(
                row.content["populations"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(super::text),
            );
            let hash = row.text(field);
            let may_be_gone = *field == "volatile" && row.seq() <= chain.raw_through();
            if hash.is_empty() {
                continue;
            }
            if !source.contents.has(&layout::raw(&hash)) && !may_be_gone && !named.contains(&hash) {
                faults.add(layout::raw(&hash), format!("is missing; {} names it", row.label));
            }
            named.insert(hash);
        }
    }
    for row in source.lists.lines(layout::POPULATIONS)? {
        let row = row?;
        let hash = super::text(&row["sha256"]);
        named.extend(row["chunks"].as_array().into_iter().flatten().map(super::text));
        let ids = populations::members(&mut source.contents, &row)?;
        if hex(&sha256(&canonical(&json!(ids)))) != hash {
            faults.add(format!("population {hash}"), "is not what its hash says");
        }
        if !sets.remove(&hash) {
            faults.add(format!("population {hash}"), "was not judged in the period");
        }
    }
    for hash in sets {
        faults.add(format!("population {hash}"), "is missing");
    }
    for name in source.lists.names() {
        let content = name.strip_prefix("raw/").and_then(|name| name.strip_suffix(".json"));
        if content.is_some_and(|hash| !named.contains(hash)) {
            faults.add(name, "is named by no row");
        }
    }
    Ok(())
}
