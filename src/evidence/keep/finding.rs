//! What becomes of findings from run to run.
//!
//! The danger: a finding that closes because nobody looked. Only a verdict that rests on whole readings closes what it
//! does not find any more; otherwise it is "not evaluated", and goes on when somebody looks again. What is found of a
//! change stays open until a ticket explains it, though nothing moves any more.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::blob::{Blobs, broken, contents};
use super::canonical::sha256;
use super::declaration::declarations;
use super::row::{FindingRow, FindingState};
use super::seal::Sealed;
use super::store::Place;
use crate::db::Connection;
use crate::evidence::judge::{
    Change, Finding, FindingKind, Status, Verdict, is_explained, stands_until_explained, with_earlier,
};
use crate::evidence::snapshot::{Resource, Snapshot};
use crate::model::Scope;

/// What a finding says, apart from whom it is about. Personal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingDetail {
    /// What people call the object.
    pub name: Option<String>,
    /// Why, as a sentence for people.
    pub because: String,
    /// How it came so.
    pub lineage: Value,
}

type Key = (String, Resource, String);

#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = Text)]
    check_id: String,
    #[diesel(sql_type = Text)]
    resource: Resource,
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = Text)]
    state: FindingState,
    #[diesel(sql_type = Text)]
    kind: FindingKind,
    #[diesel(sql_type = Timestamptz)]
    opened_at: DateTime<Utc>,
    #[diesel(sql_type = Bytea)]
    detail_sha256: Vec<u8>,
}

/// Holds the verdicts of a run against the findings that stand.
pub(super) async fn follow(
    conn: &mut Connection,
    place: Place,
    snapshot: &Snapshot,
    verdicts: &[Verdict],
    blobs: &mut Blobs,
) -> QueryResult<Vec<FindingRow>> {
    let mut standing = standing(conn, place).await?;
    let unexplained = Unexplained::read(conn, place, &standing).await?;
    let mut rows = Vec::new();
    for verdict in verdicts {
        for (key, mut finding) in by_object(verdict) {
            if let Some(before) = standing.get(&key) {
                unexplained.add_earlier(&key, before, &mut finding);
            }
            // Lists keep their order here: a path through nested groups is one.
            let detail = serde_json::to_value(&finding.1)
                .map_err(broken)?
                .to_string()
                .into_bytes();
            let hash = sha256(&detail);
            let before = standing.remove(&key);
            if let Some(row) = place.found(key, finding.0, hash, before.as_ref()) {
                blobs.add_hashed(row.detail_sha256.clone(), detail);
                rows.push(row);
            }
        }
    }
    let closing: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| has_looked(verdict, snapshot))
        .map(|verdict| &*verdict.check)
        .collect();
    for (key, before) in standing {
        let state = if let Some(is_explained) = unexplained.is_explained(&key, &before) {
            if is_explained {
                FindingState::Closed
            } else {
                FindingState::Open
            }
        } else if closing.contains(&&*key.0) {
            FindingState::Closed
        } else {
            FindingState::NotEvaluated
        };
        if before.state != state {
            rows.push(place.finding(key, before.opened_at, state, before.kind, before.detail_sha256));
        }
    }
    Ok(rows)
}

/// Changes that were found and stand, and the tickets that may explain them.
struct Unexplained {
    details: HashMap<Vec<u8>, Value>,
    tickets: Vec<Change>,
}

impl Unexplained {
    async fn read(conn: &mut Connection, place: Place, standing: &BTreeMap<Key, Standing>) -> QueryResult<Self> {
        let of_changes = standing.iter().filter(|(key, _)| stands_until_explained(&key.0));
        let hashes: Vec<Vec<u8>> = of_changes.map(|(_, standing)| standing.detail_sha256.clone()).collect();
        if hashes.is_empty() {
            return Ok(Self {
                details: HashMap::new(),
                tickets: Vec::new(),
            });
        }
        Ok(Self {
            details: contents(conn, &Scope::All, place.company_id, &hashes).await?,
            tickets: declarations(conn, place.company_id, place.at).await?.changes,
        })
    }

    /// What was found of a change; `None` of another check. Nobody can explain what can no longer be read.
    fn lineage(&self, key: &Key, standing: &Standing) -> Option<&Value> {
        let found = || self.details.get(&standing.detail_sha256);
        stands_until_explained(&key.0).then(|| found().map_or(&Value::Null, |detail| &detail["lineage"]))
    }

    fn is_explained(&self, key: &Key, standing: &Standing) -> Option<bool> {
        let lineage = self.lineage(key, standing)?;
        Some(is_explained(&key.2, lineage, &self.tickets))
    }

    /// Another change of the same object: those before it that nobody has explained stay with it.
    fn add_earlier(&self, key: &Key, standing: &Standing, (kind, detail): &mut (FindingKind, FindingDetail)) {
        let Some(before) = self.lineage(key, standing) else {
            return;
        };
        let lineage = std::mem::take(&mut detail.lineage);
        detail.lineage = with_earlier(&key.2, lineage, before, &self.tickets);
        if detail.lineage.get("earlier").is_some() && rank(standing.kind) < rank(*kind) {
            *kind = standing.kind;
            detail.because = format!("{}; an earlier change is not explained at all", detail.because);
        }
    }
}

/// Whether the verdict rests on whole readings. One that fails may have seen enough for that without having seen all.
fn has_looked(verdict: &Verdict, snapshot: &Snapshot) -> bool {
    match verdict.status {
        Status::Indeterminate => false,
        Status::Fail => verdict
            .inputs
            .iter()
            .all(|resource| snapshot.complete(*resource).is_ok()),
        Status::Pass | Status::NeedsReview | Status::NotApplicable => true,
    }
}

/// One finding an object: what a check says of it more than once is put together, and the worst kind holds.
fn by_object(verdict: &Verdict) -> BTreeMap<Key, (FindingKind, FindingDetail)> {
    let mut found: BTreeMap<Key, (FindingKind, FindingDetail)> = BTreeMap::new();
    for finding in &verdict.findings {
        let Finding {
            resource,
            object_id,
            name,
            kind,
            because,
            lineage,
        } = finding;
        let key = (verdict.check.clone(), *resource, object_id.clone());
        match found.get_mut(&key) {
            None => {
                let detail = FindingDetail {
                    name: name.clone(),
                    because: because.clone(),
                    lineage: lineage.clone(),
                };
                found.insert(key, (*kind, detail));
            }
            Some((worst, detail)) => {
                *worst = if rank(*kind) < rank(*worst) { *kind } else { *worst };
                detail.because = format!("{}; {because}", detail.because);
                detail.lineage = serde_json::json!([detail.lineage, lineage]);
            }
        }
    }
    found
}

fn rank(kind: FindingKind) -> u8 {
    match kind {
        FindingKind::Failed => 0,
        FindingKind::NotEvaluated => 1,
        FindingKind::Review => 2,
        FindingKind::Excepted => 3,
    }
}

impl Place {
    /// The row for a finding of this run, if it says anything that the one before does not.
    fn found(self, key: Key, kind: FindingKind, detail: Vec<u8>, before: Option<&Standing>) -> Option<FindingRow> {
        let could_look = kind != FindingKind::NotEvaluated;
        let state = if could_look {
            FindingState::Open
        } else {
            FindingState::NotEvaluated
        };
        // What was never found, only not looked at, has not been there.
        let opened_at = match before {
            Some(before) if !could_look || before.kind != FindingKind::NotEvaluated => before.opened_at,
            _ => self.at,
        };
        // A finding that nobody could look at keeps saying what was last said of it.
        let (kind, detail) = match before {
            Some(before) if !could_look => (before.kind, before.detail_sha256.clone()),
            _ => (kind, detail),
        };
        let same =
            before.is_some_and(|before| before.state == state && before.kind == kind && before.detail_sha256 == detail);
        (!same).then(|| self.finding(key, opened_at, state, kind, detail))
    }

    fn finding(
        self,
        (check_id, resource, object_id): Key,
        opened_at: DateTime<Utc>,
        state: FindingState,
        kind: FindingKind,
        detail_sha256: Vec<u8>,
    ) -> FindingRow {
        let mut row = FindingRow {
            company_id: self.company_id,
            check_id,
            resource,
            object_id,
            seq: self.seq,
            at: self.at,
            opened_at,
            state,
            kind,
            detail_sha256,
            sha256: Vec::new(),
        };
        row.sha256 = row.seal();
        row
    }
}

/// The findings that are not closed.
async fn standing(conn: &mut Connection, place: Place) -> QueryResult<BTreeMap<Key, Standing>> {
    let standing: Vec<Standing> = diesel::sql_query(
        "select * from (
             select distinct on (check_id, resource, object_id)
                 check_id, resource, object_id, state, kind, opened_at, detail_sha256
             from evidence_finding where company_id = $1
             order by check_id, resource, object_id, seq desc) last
         where state <> 'CLOSED'",
    )
    .bind::<SqlUuid, _>(place.company_id)
    .load(conn)
    .await?;
    let keyed = |standing: Standing| {
        let key = (standing.check_id.clone(), standing.resource, standing.object_id.clone());
        (key, standing)
    };
    Ok(standing.into_iter().map(keyed).collect())
}

/// Adds the rows, many in a statement.
pub(super) async fn insert(conn: &mut Connection, place: Place, rows: &[FindingRow]) -> QueryResult<()> {
    for rows in rows.chunks(5_000) {
        let of = |text: fn(&FindingRow) -> &str| rows.iter().map(text).collect::<Vec<_>>();
        diesel::sql_query(
            "insert into evidence_finding
                 (company_id, seq, at, check_id, resource, object_id, opened_at, state, kind, detail_sha256, sha256)
             select $1, $2, $3, new.* from unnest($4, $5, $6, $7, $8, $9, $10, $11) as new",
        )
        .bind::<SqlUuid, _>(place.company_id)
        .bind::<BigInt, _>(place.seq)
        .bind::<Timestamptz, _>(place.at)
        .bind::<Array<Text>, _>(of(|row| &row.check_id))
        .bind::<Array<Text>, _>(of(|row| row.resource.as_str()))
        .bind::<Array<Text>, _>(of(|row| &row.object_id))
        .bind::<Array<Timestamptz>, _>(rows.iter().map(|row| row.opened_at).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(of(|row| row.state.as_str()))
        .bind::<Array<Text>, _>(of(|row| row.kind.as_str()))
        .bind::<Array<Bytea>, _>(rows.iter().map(|row| &*row.detail_sha256).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(rows.iter().map(|row| &*row.sha256).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    }
    Ok(())
}
