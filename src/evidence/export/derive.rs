//! What people read: made from what is sealed, and from nothing else.
//!
//! The danger: a list beside the evidence that says something else than the evidence. So whoever verifies a bundle makes
//! every one of these again and compares.

mod checks;
pub(super) mod findings;
mod objects;
mod page;
pub(super) mod populations;
mod readme;
mod tables;

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Context;
use serde_json::Value;

use super::archive::{Archive, Handle};
use super::layout::{self, Manifest};
use super::oscal;
use objects::Standing;

const README: &str = "README.txt";
const PAGE: &str = "index.html";
pub(super) const OSCAL: &str = "oscal/assessment-results.json";
const FINDINGS: &str = "findings.csv";
const CHANGES: &str = "changes.csv";
const DECLARATIONS: &str = "declarations.csv";

/// What is sealed, to make the rest from.
pub(super) struct Source {
    pub manifest: Manifest,
    /// Two readers of the same, so that contents can be looked up while a list is read.
    pub lists: Archive,
    pub contents: Archive,
    /// What objects were there when the period ended.
    standing: Option<Standing>,
}

impl Source {
    pub(super) fn open(handle: Handle) -> anyhow::Result<Self> {
        let mut lists = Archive::open(handle)?;
        let manifest = lists.read(layout::MANIFEST)?.context("there is no manifest")?;
        Ok(Self {
            manifest: serde_json::from_slice(&manifest).context("the manifest is none")?,
            contents: lists.clone(),
            lists,
            standing: None,
        })
    }

    fn standing(&mut self) -> anyhow::Result<&Standing> {
        if self.standing.is_none() {
            self.standing = Some(Standing::read(&mut self.lists)?);
        }
        Ok(self.standing.as_ref().expect("just filled"))
    }

    /// The rows of the last run of the period.
    fn last(&mut self, list: &str) -> anyhow::Result<Vec<Value>> {
        let last = self.manifest.through_run;
        let mut rows = Vec::new();
        for row in self.lists.lines(list)? {
            let row = row?;
            if row["seq"].as_i64() == Some(last) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// The results of the last run of the period, each with its detail.
    pub(super) fn last_results(&mut self) -> anyhow::Result<Vec<(Value, Value)>> {
        let rows = self.last(layout::RESULTS)?;
        let detailed = |row: Value| Ok((content(&mut self.contents, &row["detail"])?, row));
        let rows = rows.into_iter().map(detailed).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(rows.into_iter().map(|(detail, row)| (row, detail)).collect())
    }

    /// The readings of the last run of the period.
    pub(super) fn last_pulls(&mut self) -> anyhow::Result<Vec<Value>> {
        self.last(layout::PULLS)
    }
}

/// What lies behind a hash; null where nothing does, or nothing that is JSON.
pub(super) fn content(contents: &mut Archive, hash: &Value) -> anyhow::Result<Value> {
    let Some(hash) = hash.as_str() else {
        return Ok(Value::Null);
    };
    let bytes = contents.read(&layout::raw(hash))?;
    Ok(bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default())
}

/// The names of all that is made.
pub(super) fn names(source: &mut Source) -> anyhow::Result<BTreeSet<String>> {
    let fixed = [README, PAGE, OSCAL, FINDINGS, CHANGES, DECLARATIONS];
    let mut names: BTreeSet<String> = fixed.into_iter().map(str::to_owned).collect();
    names.extend(tables::TABLES.iter().map(|table| table.name.to_owned()));
    names.extend(checks::names(source)?);
    names.extend(source.standing()?.names());
    names.extend(populations::names(source)?);
    Ok(names)
}

/// Makes one of them.
pub(super) fn make(source: &mut Source, name: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    match name {
        README => readme::write(source, out),
        PAGE => page::write(source, out),
        OSCAL => oscal::write(source, out),
        FINDINGS => findings::write(source, out),
        CHANGES => objects::write_changes(source, out),
        DECLARATIONS => tables::write_declarations(source, out),
        _ if name.starts_with(checks::FOLDER) => checks::write(name, out),
        _ if name.starts_with(objects::FOLDER) => objects::write(source, name, out),
        _ if name.starts_with(populations::FOLDER) => populations::write(source, name, out),
        _ => tables::write(source, name, out),
    }
}
