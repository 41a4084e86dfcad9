//! The checks that were used, in their words, with what they support.
//!
//! A version whose words this build no longer has is not here; its hash stands with its results.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Context;
use serde_json::{Value, json};

use super::super::csv::text;
use super::super::layout;
use super::Source;
use crate::evidence::catalogue::{Catalogue, Check};

pub(super) const FOLDER: &str = "checks/";

fn name(check: &Check) -> String {
    format!("{FOLDER}{}@{}.json", check.id, check.version)
}

pub(super) fn names(source: &mut Source) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for row in source.lists.lines(layout::RESULTS)? {
        let row = row?;
        let known = Catalogue::get().check(&text(&row["check"]));
        let same = known.filter(|check| row["version"] == check.version && row["logic"] == *check.logic_sha256);
        names.extend(same.map(name));
    }
    Ok(names)
}

pub(super) fn write(wanted: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let catalogue = Catalogue::get();
    let check = catalogue.checks().iter().find(|check| name(check) == wanted);
    let check = check.with_context(|| format!("there is no check {wanted}"))?;
    let mut words = serde_json::to_value(check)?;
    words["supports"] = supports(&check.id);
    let sources = check
        .sources
        .iter()
        .map(|key| (key.clone(), json!(catalogue.source(key))));
    words["source_texts"] = Value::Object(sources.collect());
    out.write_all(serde_json::to_string_pretty(&words)?.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// What it contributes to. No check satisfies a control.
fn supports(check: &str) -> Value {
    let mappings = Catalogue::get().mappings().filter(|mapping| mapping.check == check);
    mappings
        .map(|mapping| {
            json!({
                "framework": mapping.framework, "control": mapping.control, "grade": mapping.grade,
                "evidence": mapping.evidence,
            })
        })
        .collect()
}
