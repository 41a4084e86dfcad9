//! Holding a bundle against itself, without a database and without a network.
//!
//! The danger is a check that looks only where the attacker did not: whoever changes a file can change its hash in the
//! list as well. So the list is the least of it. Rows are held against their own hashes, those against their run's, runs
//! against the chain, contents against the names that the rows have for them, and every list for people is made again from
//! the rows. What is left to an attacker is to make the whole chain anew, which shows against one link that somebody else
//! holds: see [`Verified::head`].

mod chain;
mod contents;
mod files;
mod made;
mod rows;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::archive::{Handle, Unreadable};
use super::csv::text;
use super::derive::Source;
use super::layout::{self, Manifest};
use crate::evidence::catalogue::Catalogue;
use crate::evidence::keep::{hex, sha256};
use crate::evidence::snapshot::Resource;
use chain::Chain;

/// Nobody reads more.
const MOST_FAULTS: usize = 1_000;

/// Something that is not as it was when the bundle was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, row or link.
    pub what: String,
    /// What is wrong with it.
    pub because: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.what, self.because)
    }
}

/// What a bundle says of itself, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What the bundle calls the company; nothing seals a name.
    pub company: String,
    /// Microsoft's ids of the tenants that were read, by the sealed rows.
    pub tenants: Vec<String>,
    pub from: String,
    pub to: String,
    /// The last link of the chain and its hash: to compare with what Tenantry says, or an earlier bundle.
    pub head: (i64, String),
    /// The SHA-256 of the list of hashes.
    pub hashes_sha256: String,
    /// What was not looked at, and why.
    pub unseen: Option<String>,
    /// None when everything is as it was made; at most a thousand.
    pub faults: Vec<Fault>,
}

#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, what: impl AsRef<str>, because: impl AsRef<str>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(Fault {
                what: shown(what.as_ref()),
                because: shown(because.as_ref()),
            });
        }
    }
}

/// Looks at all of a bundle. Blocks.
///
/// # Errors
/// When the file is no bundle, or one of a format that is not known here.
pub fn verify_bundle(path: &Path) -> anyhow::Result<Verified> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let handle = Handle::new(file);
    let mut source = Source::open(handle)?;
    if source.manifest.format != layout::FORMAT {
        let format = &source.manifest.format;
        return Err(
            Unreadable::NoBundle(format!("its format is {format}, and {} is known here", layout::FORMAT)).into(),
        );
    }
    let mut faults = Faults::default();
    let (hashes_sha256, unreadable) = files::check(&mut source.lists, &mut faults)?;
    if unreadable {
        let unseen = "Files that cannot be read end the search: nothing else was looked at.".to_owned();
        return Ok(verified(
            source.manifest,
            Vec::new(),
            hashes_sha256,
            Some(unseen),
            faults,
        ));
    }
    let chain = Chain::read(&mut source.lists, &mut faults)?;
    chain.check(&source.manifest, &mut faults);
    rows::check(&mut source, &chain, &mut faults)?;
    contents::check(&mut source, &chain, &mut faults)?;
    let tenants = tenants(&mut source)?;
    let unseen = unlike_ours(&source);
    made::check(&mut source, unseen.is_none(), &mut faults)?;
    Ok(verified(source.manifest, tenants, hashes_sha256, unseen, faults))
}

fn verified(
    manifest: Manifest,
    tenants: Vec<String>,
    hashes_sha256: String,
    unseen: Option<String>,
    faults: Faults,
) -> Verified {
    Verified {
        company: manifest.company,
        tenants,
        from: shown(&manifest.from),
        to: shown(&manifest.to),
        head: (manifest.ledger_seq, shown(&manifest.ledger_sha256)),
        hashes_sha256,
        unseen: unseen.as_deref().map(shown),
        faults: faults.0,
    }
}

/// What is in a bundle may be meant for the terminal that shows it.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Whose organization was read.
fn tenants(source: &mut Source) -> anyhow::Result<Vec<String>> {
    let mut tenants = BTreeSet::new();
    for list in [layout::OBJECTS_BEFORE, layout::OBJECTS] {
        for row in source.lists.lines(list)? {
            let row = row?;
            if row["resource"] == Resource::Organization.as_str() {
                tenants.insert(shown(&text(&row["object"])));
            }
        }
    }
    Ok(tenants.into_iter().collect())
}

/// Another program, or one with another catalogue, makes other lists of the same rows.
fn unlike_ours(source: &Source) -> Option<String> {
    let manifest = &source.manifest;
    let same = manifest.made_by == layout::made_by() && manifest.catalogue == Catalogue::get().sha256();
    (!same).then(|| {
        format!(
            "This is {}, and the bundle was made by {}: its CSV files and pages were held against HASHES.txt alone, not made again. Verify it with the version that made it.",
            layout::made_by(),
            manifest.made_by
        )
    })
}

/// A sealed row: its content, and the hashes that it has and should have.
pub(super) struct Row {
    pub content: Value,
    /// What the content hashes to.
    pub seal: String,
    /// Which one, for people.
    pub label: String,
    is_intact: bool,
}

impl Row {
    fn new(table: &str, list: &str, line: usize, mut content: Value) -> Self {
        let kept = content.as_object_mut().and_then(|fields| fields.remove("sha256"));
        let seal = hex(&sha256(format!("{table} {content}").as_bytes()));
        let key: Vec<String> = ["seq", "kind", "check", "resource", "object"]
            .iter()
            .map(|name| text(&content[name]))
            .filter(|text| !text.is_empty())
            .collect();
        Self {
            label: format!("{list}, line {line} ({})", key.join(" ")),
            // What retention leaves is sealed by the ledger alone.
            is_intact: table == "evidence_tombstone" || kept == Some(Value::from(seal.as_str())),
            content,
            seal,
        }
    }

    fn require_intact(&self, faults: &mut Faults) {
        if !self.is_intact {
            faults.add(&self.label, "is not as it was kept");
        }
    }

    fn seq(&self) -> i64 {
        self.content["seq"].as_i64().unwrap_or(0)
    }

    fn text(&self, name: &str) -> String {
        text(&self.content[name])
    }
}

/// One hash over many, in hexadecimal: of the hashes in byte order.
pub(super) fn over(hashes: impl IntoIterator<Item = String>) -> String {
    let mut hashes: Vec<String> = hashes.into_iter().collect();
    hashes.sort_unstable();
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| unhex(hash)).collect();
    hex(&sha256(&bytes))
}

/// Bytes of their hexadecimal; none where it is none.
pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.unwrap_or_default();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
