//! The hash of a row: over its content as JSON with sorted keys and without white space, with the name of its table.
//!
//! The danger: what is not in the content can be changed unseen. A row's content is everything but its own hash.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde_json::Value;

use super::canonical::sha256;

/// A row that can be held against its hash.
pub trait Sealed {
    /// The table, the first word of what is hashed.
    const TABLE: &'static str;
    /// Everything that the hash covers.
    fn content(&self) -> Value;
    /// The hash that was kept with the row.
    fn kept_sha256(&self) -> &[u8];
    /// The row by its key, for people; ids alone.
    fn label(&self) -> String;

    /// The hash of the row as it is.
    fn seal(&self) -> Vec<u8> {
        sha256(format!("{} {}", Self::TABLE, self.content()).as_bytes())
    }

    /// Whether the row is as it was kept.
    fn is_intact(&self) -> bool {
        self.seal() == self.kept_sha256()
    }
}

/// One hash over many: of the hashes in byte order.
pub fn over<'a>(hashes: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut hashes: Vec<&[u8]> = hashes.into_iter().collect();
    hashes.sort_unstable();
    sha256(&hashes.concat())
}

/// Hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes every text");
            text
        })
}

/// A moment as it is hashed: in UTC, to the microsecond.
pub fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A moment as the database keeps it.
pub fn to_the_microsecond(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// Postgres keeps no NUL in a text.
pub fn clean(text: &str) -> String {
    text.replace('\0', "")
}
