//! What people read, made again from the rows and compared.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use super::super::archive::Archive;
use super::super::binder::{HASH_OF_HASHES, HASHES};
use super::super::derive::{self, Source};
use super::super::layout;
use super::Faults;
use crate::evidence::catalogue::Check;

/// The files that the rest is made from; contents are looked at elsewhere.
const SEALED: &[&str] = &[
    layout::MANIFEST,
    layout::LEDGER,
    layout::RUNS,
    layout::OTHER_RUNS,
    layout::SLOTS,
    layout::PULLS,
    layout::OBJECTS,
    layout::OBJECTS_BEFORE,
    layout::RESULTS,
    layout::FINDINGS,
    layout::FINDINGS_BEFORE,
    layout::POPULATIONS,
    layout::DECLARATIONS,
    layout::WITHDRAWALS,
    layout::TOMBSTONES,
    HASHES,
    HASH_OF_HASHES,
];

/// `again`: whether this program makes the same of the same rows.
pub(super) fn check(source: &mut Source, again: bool, faults: &mut Faults) -> anyhow::Result<()> {
    check_words(source, faults)?;
    for name in SEALED.iter().filter(|name| !source.lists.has(name)) {
        faults.add(*name, "is missing");
    }
    if !again {
        return Ok(());
    }
    let made = derive::names(source)?;
    let there: BTreeSet<String> = source.lists.names().into_iter().collect();
    let mut readers = source.lists.clone();
    for name in &made {
        match readers.stream(name)? {
            None => faults.add(name, "is missing"),
            Some(there) => {
                let mut comparison = Comparison::new(there);
                derive::make(source, name, &mut comparison)?;
                if let Some(line) = comparison.difference()? {
                    faults.add(format!("{name}, line {line}"), "is not what the sealed rows say");
                }
            }
        }
    }
    let known = |name: &String| made.contains(name) || SEALED.contains(&name.as_str()) || name.starts_with("raw/");
    for name in there.into_iter().filter(|name| !known(name)) {
        faults.add(name, "does not belong here");
    }
    Ok(())
}

/// The words of a check against the hash of its logic, which the results hold.
fn check_words(source: &mut Source, faults: &mut Faults) -> anyhow::Result<()> {
    let lists: &mut Archive = &mut source.lists;
    for name in lists.names().into_iter().filter(|name| name.starts_with("checks/")) {
        let words = lists.read(&name)?.unwrap_or_default();
        let holds =
            serde_json::from_slice(&words).is_ok_and(|check: Check| check.compute_logic_sha256() == check.logic_sha256);
        if !holds {
            faults.add(name, "is not the words that its hash of the logic says");
        }
    }
    Ok(())
}

/// Holds what is written against what is there.
struct Comparison<R> {
    there: R,
    line: usize,
    differs: bool,
}

impl<R: Read> Comparison<R> {
    fn new(there: R) -> Self {
        Self {
            there,
            line: 1,
            differs: false,
        }
    }

    /// The line of the first difference.
    fn difference(mut self) -> io::Result<Option<usize>> {
        let more = self.there.read(&mut [0])? > 0;
        Ok((self.differs || more).then_some(self.line))
    }
}

impl<R: Read> Write for Comparison<R> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        if self.differs {
            return Ok(written.len());
        }
        let mut there = Vec::with_capacity(written.len());
        self.there.by_ref().take(written.len() as u64).read_to_end(&mut there)?;
        let same = std::iter::zip(written, &there)
            .take_while(|(one, other)| one == other)
            .count();
        self.line += written[..same].iter().filter(|byte| **byte == b'\n').count();
        self.differs = there != written;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
