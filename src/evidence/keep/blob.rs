//! Content by its hash: the same content is kept once for a company, whatever run or object it came from.
//!
//! The danger is a blob that swells when it is opened: the size is known beforehand, and no more is read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Read, Write};

use diesel::prelude::*;
use diesel::sql_types::{Array, Bytea, Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::Value;
use uuid::Uuid;

use super::canonical::sha256;
use crate::db::Connection;
use crate::db::schema::evidence_blob;
use crate::model::Scope;

/// How much is sent to the database in one statement, in bytes and in rows.
const MOST_BYTES: usize = 4 << 20;
const MOST_ROWS: usize = 5_000;

/// What is to be kept, by its hash.
pub(super) struct Blobs {
    company_id: Uuid,
    wanted: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Blobs {
    pub(super) fn of(company_id: Uuid) -> Self {
        Self {
            company_id,
            wanted: BTreeMap::new(),
        }
    }

    /// Keeps `content`, and answers its hash.
    pub(super) fn add(&mut self, content: Vec<u8>) -> Vec<u8> {
        let hash = sha256(&content);
        self.add_hashed(hash.clone(), content);
        hash
    }

    pub(super) fn add_hashed(&mut self, hash: Vec<u8>, content: Vec<u8>) {
        self.wanted.entry(hash).or_insert(content);
    }

    /// Writes what is not there yet.
    pub(super) async fn write(mut self, conn: &mut Connection) -> QueryResult<()> {
        let hashes: Vec<&Vec<u8>> = self.wanted.keys().collect();
        let mut there: HashSet<Vec<u8>> = HashSet::new();
        for hashes in hashes.chunks(MOST_ROWS) {
            let known: Vec<Vec<u8>> = evidence_blob::table
                .filter(evidence_blob::company_id.eq(self.company_id))
                .filter(evidence_blob::sha256.eq_any(hashes))
                .select(evidence_blob::sha256)
                .load(conn)
                .await?;
            there.extend(known);
        }
        self.wanted.retain(|hash, _| !there.contains(hash));
        let mut batch = Batch::default();
        for (hash, content) in self.wanted {
            batch.push(hash, &content)?;
            if batch.is_full() {
                std::mem::take(&mut batch).write(conn, self.company_id).await?;
            }
        }
        batch.write(conn, self.company_id).await
    }
}

#[derive(Default)]
struct Batch {
    hashes: Vec<Vec<u8>>,
    sizes: Vec<i32>,
    contents: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, hash: Vec<u8>, content: &[u8]) -> QueryResult<()> {
        let size = i32::try_from(content.len()).map_err(broken)?;
        let deflated = deflate(content).map_err(broken)?;
        self.bytes += deflated.len();
        self.hashes.push(hash);
        self.sizes.push(size);
        self.contents.push(deflated);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES || self.hashes.len() >= MOST_ROWS
    }

    async fn write(self, conn: &mut Connection, company_id: Uuid) -> QueryResult<()> {
        if self.hashes.is_empty() {
            return Ok(());
        }
        diesel::sql_query(
            "insert into evidence_blob (company_id, sha256, size, content)
             select $1, sha256, size, content from unnest($2, $3, $4) as new (sha256, size, content)
             on conflict do nothing",
        )
        .bind::<SqlUuid, _>(company_id)
        .bind::<Array<Bytea>, _>(self.hashes)
        .bind::<Array<Integer>, _>(self.sizes)
        .bind::<Array<Bytea>, _>(self.contents)
        .execute(conn)
        .await?;
        Ok(())
    }
}

fn deflate(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

/// The content of a blob. No more is read than the size that was kept with it, and one byte to see that it is right.
pub(in crate::evidence) fn inflate(content: &[u8], size: i32) -> io::Result<Vec<u8>> {
    let size = u64::try_from(size).map_err(io::Error::other)?;
    let mut plain = Vec::new();
    let read = DeflateDecoder::new(content).take(size + 1).read_to_end(&mut plain)?;
    if read as u64 == size {
        Ok(plain)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// What lies behind these hashes of a company, as far as the scope holds it whole and it is still kept.
///
/// # Errors
/// When the database fails, or a blob cannot be read.
pub async fn contents(
    conn: &mut Connection,
    scope: &Scope,
    company_id: Uuid,
    hashes: &[Vec<u8>],
) -> QueryResult<HashMap<Vec<u8>, Value>> {
    if !scope.holds_whole(company_id) {
        return Ok(HashMap::new());
    }
    let mut contents = HashMap::with_capacity(hashes.len());
    for hashes in hashes.chunks(MOST_ROWS) {
        let rows: Vec<(Vec<u8>, i32, Vec<u8>)> = evidence_blob::table
            .filter(evidence_blob::company_id.eq(company_id))
            .filter(evidence_blob::sha256.eq_any(hashes))
            .select((evidence_blob::sha256, evidence_blob::size, evidence_blob::content))
            .load(conn)
            .await?;
        for (hash, size, content) in rows {
            let plain = inflate(&content, size).map_err(broken)?;
            contents.insert(hash, serde_json::from_slice(&plain).map_err(broken)?);
        }
    }
    Ok(contents)
}

/// What is not the database's own failure, said as one.
pub(super) fn broken(error: impl std::error::Error + Send + Sync + 'static) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_what_was_kept_and_never_more_than_its_size() {
        let content = b"{\"id\":\"x\"}".repeat(100);
        let deflated = deflate(&content).unwrap();
        assert!(deflated.len() < content.len() / 10);
        assert_eq!(inflate(&deflated, 1000).unwrap(), content);
        for wrong in [-1, 10, 999, 1001] {
            assert!(inflate(&deflated, wrong).is_err(), "{wrong}");
        }
    }
}
