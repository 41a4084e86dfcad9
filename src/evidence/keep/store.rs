//! Keeping a run: what it read and what was said of it, in one transaction under the fence of its lease.
//!
//! The danger is the worker that was taken for dead. The transaction begins and ends with a look at the fence, the last
//! one under a lock, so that a run is kept once, by the one who holds it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::blob::{Blobs, broken};
use super::population::Populations;
use super::row::{LedgerKind, PullRow, ResultRow, RunRow};
use super::seal::{Sealed, clean, over, to_the_microsecond};
use super::{finding, ledger, object, standing};
use crate::db::Connection;
use crate::db::schema::{evidence_pull, evidence_result, evidence_run, evidence_tombstone};
use crate::evidence::judge::Verdict;
use crate::evidence::snapshot::{Indeterminate, Pull, Resource, Snapshot};
use crate::model::sync_run::lease::{self, LeaseError};

/// Where a run stands among those of its company.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub company_id: Uuid,
    pub seq: i64,
    pub at: DateTime<Utc>,
}

/// What was kept of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its place among the kept runs of the company.
    pub seq: i64,
    /// How many objects came, changed or went.
    pub objects: usize,
    /// How many findings opened, changed, closed or could not be looked at.
    pub findings: usize,
}

/// What a result says besides its counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultDetail {
    /// Why, where the findings do not say it.
    pub reason: Option<String>,
    /// What could not be looked at.
    pub indeterminate: Option<Indeterminate>,
    /// The parameters that were used.
    pub parameters: Value,
    /// The readings that it rests on.
    pub inputs: Vec<Resource>,
    /// Numbers and lists that do not decide.
    pub facts: Value,
    /// Who was judged; their ids are behind the hash.
    pub populations: Vec<PopulationDetail>,
}

/// Who was judged, and how we know that these are all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopulationDetail {
    pub name: String,
    pub size: u64,
    /// The hash of the sorted list of ids, in hexadecimal.
    pub sha256: String,
    pub completeness: String,
}

/// Keeps a run in a transaction of its own. A run that was kept before stays as it is.
///
/// # Errors
/// [`LeaseError::Lost`] when the run is no longer ours; then nothing is kept.
pub async fn store(
    conn: &mut Connection,
    company_id: Uuid,
    run_id: Uuid,
    snapshot: &Snapshot,
    verdicts: &[Verdict],
    now: DateTime<Utc>,
    fence: i64,
) -> Result<Kept, LeaseError> {
    conn.transaction(async |conn| {
        lease::check(conn, run_id, fence).await?;
        ledger::hold(conn, company_id).await?;
        if let Some(seq) = seq_of(conn, company_id, run_id).await? {
            return Ok(Kept {
                seq,
                objects: 0,
                findings: 0,
            });
        }
        let place = Place {
            company_id,
            seq: next_seq(conn, company_id).await?,
            at: to_the_microsecond(snapshot.taken_at),
        };
        let kept = keep(conn, place, run_id, snapshot, verdicts, now).await?;
        hold_lease(conn, run_id, fence).await?;
        Ok(kept)
    })
    .await
}

async fn seq_of(conn: &mut Connection, company_id: Uuid, run_id: Uuid) -> QueryResult<Option<i64>> {
    evidence_run::table
        .find(run_id)
        .filter(evidence_run::company_id.eq(company_id))
        .select(evidence_run::seq)
        .first(conn)
        .await
        .optional()
}

/// The place behind the last run, also behind those that retention has removed.
async fn next_seq(conn: &mut Connection, company_id: Uuid) -> QueryResult<i64> {
    let kept: Option<i64> = evidence_run::table
        .filter(evidence_run::company_id.eq(company_id))
        .select(diesel::dsl::max(evidence_run::seq))
        .first(conn)
        .await?;
    let removed: Option<i64> = evidence_tombstone::table
        .filter(evidence_tombstone::company_id.eq(company_id))
        .select(diesel::dsl::max(evidence_tombstone::through_seq))
        .first(conn)
        .await?;
    Ok(kept.max(removed).unwrap_or(0) + 1)
}

/// Until the transaction ends nobody can take the run over.
async fn hold_lease(conn: &mut Connection, run_id: Uuid, fence: i64) -> Result<(), LeaseError> {
    let ours = diesel::sql_query("select from sync_run where id = $1 and fence = $2 and status = 'RUNNING' for share")
        .bind::<SqlUuid, _>(run_id)
        .bind::<BigInt, _>(fence)
        .execute(conn)
        .await?;
    if ours == 0 { Err(LeaseError::Lost) } else { Ok(()) }
}

async fn keep(
    conn: &mut Connection,
    place: Place,
    run_id: Uuid,
    snapshot: &Snapshot,
    verdicts: &[Verdict],
    now: DateTime<Utc>,
) -> QueryResult<Kept> {
    let mut blobs = Blobs::of(place.company_id);
    let (mut pulls, mut objects) = (Vec::new(), Vec::new());
    for (resource, pull) in &snapshot.pulls {
        let seen = match snapshot.complete(*resource) {
            Ok(complete) => Some(object::see(conn, place, complete, &mut blobs).await?),
            Err(_) => None,
        };
        let (state, volatile, rows) = seen.map_or((None, None, Vec::new()), |seen| {
            (Some(seen.state_sha256), seen.volatile_sha256, seen.rows)
        });
        pulls.push(place.pull(*resource, pull, state, volatile));
        objects.extend(rows);
    }
    let findings = finding::follow(conn, place, snapshot, verdicts, &mut blobs).await?;
    let mut populations = Populations::default();
    let results = verdicts
        .iter()
        .map(|verdict| place.result(verdict, &mut populations, &mut blobs))
        .collect::<QueryResult<Vec<_>>>()?;
    populations.write(conn, place.company_id, &mut blobs).await?;
    blobs.write(conn).await?;
    diesel::insert_into(evidence_pull::table)
        .values(&pulls)
        .execute(conn)
        .await?;
    diesel::insert_into(evidence_result::table)
        .values(&results)
        .execute(conn)
        .await?;
    object::insert(conn, place, &objects).await?;
    finding::insert(conn, place, &findings).await?;
    let mut run = RunRow {
        id: run_id,
        company_id: place.company_id,
        seq: place.seq,
        taken_at: place.at,
        kept_at: to_the_microsecond(now),
        granted_roles: snapshot.granted_roles.clone(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        pulls_sha256: root(&pulls),
        objects_sha256: root(&objects),
        results_sha256: root(&results),
        findings_sha256: root(&findings),
        standing_sha256: Some(standing::root(conn, place.company_id, place.seq).await?),
        sha256: Vec::new(),
    };
    run.sha256 = run.seal();
    diesel::insert_into(evidence_run::table)
        .values(&run)
        .execute(conn)
        .await?;
    ledger::append(conn, place.company_id, now, LedgerKind::Run, run_id, run.sha256).await?;
    Ok(Kept {
        seq: place.seq,
        objects: objects.len(),
        findings: findings.len(),
    })
}

fn root(rows: &[impl Sealed]) -> Vec<u8> {
    over(rows.iter().map(Sealed::kept_sha256))
}

impl Place {
    fn pull(self, resource: Resource, pull: &Pull, state: Option<Vec<u8>>, volatile: Option<Vec<u8>>) -> PullRow {
        let refusal = pull.refusal.as_ref();
        let mut row = PullRow {
            company_id: self.company_id,
            seq: self.seq,
            resource,
            request: clean(&pull.request),
            permission: clean(&pull.permission),
            started_at: to_the_microsecond(pull.started_at),
            finished_at: to_the_microsecond(pull.finished_at),
            pages: i32::try_from(pull.pages).unwrap_or(i32::MAX),
            last_page_reached: pull.last_page_reached,
            items: i64::try_from(pull.objects.len()).unwrap_or(i64::MAX),
            witness_count: pull.witness.as_ref().map(|witness| signed(witness.count)),
            witness_source: pull.witness.as_ref().map(|witness| clean(&witness.source)),
            request_ids: pull.request_ids.iter().map(|id| clean(id)).collect(),
            outcome: pull.outcome,
            refusal_code: refusal.and_then(|refusal| refusal.code.as_deref()).map(clean),
            refusal_message: refusal.map(|refusal| clean(&refusal.message)),
            state_sha256: state,
            volatile_sha256: volatile,
            sha256: Vec::new(),
        };
        row.sha256 = row.seal();
        row
    }

    fn result(self, verdict: &Verdict, populations: &mut Populations, blobs: &mut Blobs) -> QueryResult<ResultRow> {
        let sets: Vec<Vec<u8>> = verdict
            .populations
            .iter()
            .map(|set| populations.add(&set.ids))
            .collect();
        let detail = ResultDetail {
            reason: verdict.reason.clone(),
            indeterminate: verdict.indeterminate.clone(),
            parameters: verdict.parameters.clone(),
            inputs: verdict.inputs.clone(),
            facts: verdict.facts.clone(),
            populations: std::iter::zip(&verdict.populations, &sets)
                .map(|(set, hash)| PopulationDetail {
                    name: set.name.clone(),
                    size: set.size,
                    sha256: super::seal::hex(hash),
                    completeness: set.completeness.clone(),
                })
                .collect(),
        };
        // Lists keep their order here: they are ours.
        let detail = serde_json::to_value(&detail).map_err(broken)?.to_string().into_bytes();
        let mut row = ResultRow {
            company_id: self.company_id,
            check_id: verdict.check.clone(),
            seq: self.seq,
            at: self.at,
            version: i32::try_from(verdict.version).unwrap_or(i32::MAX),
            logic_sha256: verdict.logic_sha256.clone(),
            status: verdict.status,
            population: signed(verdict.counts.population),
            passed: signed(verdict.counts.passed),
            failed: signed(verdict.counts.failed),
            excepted: signed(verdict.counts.excepted),
            review: signed(verdict.counts.review),
            not_evaluated: signed(verdict.counts.not_evaluated),
            populations: sets,
            detail_sha256: blobs.add(detail),
            sha256: Vec::new(),
        };
        row.sha256 = row.seal();
        Ok(row)
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
