//! Every file against the list of hashes, the list against its own, and contents against their names.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest, Sha256};

use super::super::archive::{Archive, Unreadable};
use super::super::binder::{HASH_OF_HASHES, HASHES};
use super::Faults;
use crate::evidence::keep::{hex, sha256};

/// Answers the hash of the list, and whether there are files that cannot be read.
pub(super) fn check(archive: &mut Archive, faults: &mut Faults) -> Result<(String, bool), Unreadable> {
    let mut unreadable = false;
    let list = archive.read(HASHES)?.unwrap_or_default();
    let hash = hex(&sha256(&list));
    let expected = archive.read(HASH_OF_HASHES)?.unwrap_or_default();
    if expected != format!("{hash}  {HASHES}\n").as_bytes() {
        faults.add(HASHES, format!("is not what {HASH_OF_HASHES} says"));
    }
    let list = String::from_utf8_lossy(&list);
    let mut listed: BTreeMap<&str, &str> = BTreeMap::new();
    for (line, text) in (1..).zip(list.lines()) {
        let line = |_: &()| format!("{HASHES}, line {line}");
        match text.split_once("  ") {
            Some((hash, name)) if listed.insert(name, hash).is_none() => {}
            _ => faults.add(line(&()), "is no line of a list of hashes, or names a file again"),
        }
    }
    for name in archive.names() {
        if name == HASHES || name == HASH_OF_HASHES {
            continue;
        }
        let hash = match hash_of(archive, &name) {
            Ok(hash) => hash,
            Err(error) => {
                unreadable = true;
                listed.remove(&*name);
                faults.add(name, format!("cannot be read: {error}"));
                continue;
            }
        };
        match listed.remove(&*name) {
            None => faults.add(&name, format!("is not in {HASHES}")),
            Some(expected) if expected != hash => faults.add(&name, format!("is not what {HASHES} says")),
            Some(_) => {}
        }
        let content = name.strip_prefix("raw/").and_then(|name| name.strip_suffix(".json"));
        if content.is_some_and(|expected| expected != hash) {
            faults.add(name, "is not the content that its name is the hash of");
        }
    }
    for name in listed.into_keys() {
        faults.add(name, "is missing");
    }
    Ok((hash, unreadable))
}

fn hash_of(archive: &mut Archive, name: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut stream = archive.stream(name)?.ok_or("it is not there")?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&piece[..read]);
    }
}
