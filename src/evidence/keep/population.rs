//! Who was judged: sets of ids, kept by the hash of the sorted list.
//!
//! A set of ten thousand changes by a few ids from run to run. So it lies in chunks, each id in the one that its hash
//! names, and those who come or go cost their chunks alone.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::blob::{Blobs, contents};
use super::canonical::{canonical, sha256};
use crate::db::Connection;
use crate::db::schema::evidence_population;
use crate::model::Scope;

/// About how many ids lie together.
const CHUNK: usize = 128;

#[derive(Insertable)]
#[diesel(table_name = evidence_population)]
struct PopulationRow {
    company_id: Uuid,
    sha256: Vec<u8>,
    size: i64,
    chunks: Vec<Vec<u8>>,
}

/// The sets of a run, each once.
#[derive(Default)]
pub(super) struct Populations(BTreeMap<Vec<u8>, BTreeSet<String>>);

impl Populations {
    /// Keeps a set, and answers its hash.
    pub(super) fn add(&mut self, ids: &[String]) -> Vec<u8> {
        let hash = sha256(&canonical(&json!(ids)));
        self.0
            .entry(hash.clone())
            .or_insert_with(|| ids.iter().cloned().collect());
        hash
    }

    /// Writes the sets that are not there yet; their chunks are added to `blobs`.
    pub(super) async fn write(self, conn: &mut Connection, company_id: Uuid, blobs: &mut Blobs) -> QueryResult<()> {
        let hashes: Vec<&Vec<u8>> = self.0.keys().collect();
        let there: BTreeSet<Vec<u8>> = evidence_population::table
            .filter(evidence_population::company_id.eq(company_id))
            .filter(evidence_population::sha256.eq_any(hashes))
            .select(evidence_population::sha256)
            .load(conn)
            .await?
            .into_iter()
            .collect();
        let new = self.0.into_iter().filter(|(hash, _)| !there.contains(hash));
        let rows: Vec<PopulationRow> = new
            .map(|(sha256, ids)| PopulationRow {
                company_id,
                sha256,
                size: i64::try_from(ids.len()).unwrap_or(i64::MAX),
                chunks: chunks(&ids)
                    .into_iter()
                    .map(|chunk| blobs.add(canonical(&chunk)))
                    .collect(),
            })
            .collect();
        diesel::insert_into(evidence_population::table)
            .values(&rows)
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }
}

/// The number of chunks is a power of two, so that it stays the same while a set grows and shrinks a little.
fn chunks(ids: &BTreeSet<String>) -> Vec<Value> {
    let count = (ids.len() / CHUNK).next_power_of_two();
    let mut chunks: Vec<Vec<&str>> = vec![Vec::new(); count];
    for id in ids {
        let hash = sha256(id.as_bytes());
        let place = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) as usize % count;
        chunks[place].push(id);
    }
    chunks
        .into_iter()
        .filter(|chunk| !chunk.is_empty())
        .map(|chunk| json!(chunk))
        .collect()
}

/// The ids of a set that was judged, sorted; `None` when it is not kept (any more), or not within the scope.
///
/// # Errors
/// When the database fails.
pub async fn population(
    conn: &mut Connection,
    scope: &Scope,
    company_id: Uuid,
    hash: &[u8],
) -> QueryResult<Option<Vec<String>>> {
    if !scope.holds_whole(company_id) {
        return Ok(None);
    }
    let chunks: Option<Vec<Vec<u8>>> = evidence_population::table
        .find((company_id, hash))
        .select(evidence_population::chunks)
        .first(conn)
        .await
        .optional()?;
    let Some(chunks) = chunks else { return Ok(None) };
    let contents = contents(conn, scope, company_id, &chunks).await?;
    let mut ids: Vec<String> = contents
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    ids.sort_unstable();
    Ok(Some(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_joins_ten_thousand_changes_one_chunk() {
        let mut ids: BTreeSet<String> = (0..10_000).map(|n| format!("person {n}")).collect();
        let before = chunks(&ids);
        ids.insert("one more".into());
        let after = chunks(&ids);
        assert_eq!(before.len(), 128);
        let changed = after.iter().filter(|chunk| !before.contains(chunk)).count();
        assert_eq!(changed, 1);
    }
}
