//! What lies where in a bundle.
//!
//! Under `rows/`, and in the ledger, is what is sealed: a row a line, as JSON with sorted keys, with its hash beside what
//! the hash covers. Under `raw/` are contents by their hash. Everything else is made from these.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a reader has to know to read it.
pub(super) const FORMAT: &str = "tenantry/bundle@1";

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const LEDGER: &str = "ledger.ndjson";
pub(super) const RUNS: &str = "rows/runs.ndjson";
/// Runs of other times: the chain holds them, and what they read is not here.
pub(super) const OTHER_RUNS: &str = "rows/other-runs.ndjson";
pub(super) const SLOTS: &str = "rows/slots.ndjson";
pub(super) const PULLS: &str = "rows/pulls.ndjson";
pub(super) const OBJECTS: &str = "rows/objects.ndjson";
pub(super) const OBJECTS_BEFORE: &str = "rows/objects-before.ndjson";
pub(super) const RESULTS: &str = "rows/results.ndjson";
pub(super) const FINDINGS: &str = "rows/findings.ndjson";
pub(super) const FINDINGS_BEFORE: &str = "rows/findings-before.ndjson";
pub(super) const POPULATIONS: &str = "rows/populations.ndjson";
pub(super) const DECLARATIONS: &str = "rows/declarations.ndjson";
pub(super) const WITHDRAWALS: &str = "rows/withdrawals.ndjson";
pub(super) const TOMBSTONES: &str = "rows/tombstones.ndjson";

/// Where content lies, by its hash in hexadecimal.
pub(super) fn raw(sha256: &str) -> String {
    format!("raw/{sha256}.json")
}

/// What makes what is made from the rest: the same program makes the same.
pub(super) fn made_by() -> String {
    format!("tenantry {}", env!("CARGO_PKG_VERSION"))
}

/// What the bundle is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub format: String,
    pub made_by: String,
    /// The hash of the catalogue: checks, frameworks and mappings.
    pub catalogue: String,
    pub company_id: Uuid,
    pub company: String,
    /// The PSA's id of the company.
    pub external_id: Option<String>,
    /// Microsoft's id of its tenant.
    pub tenant_id: Option<Uuid>,
    /// The period, to before `to`.
    pub from: String,
    pub to: String,
    /// The runs of the period are those behind this one …
    pub after_run: i64,
    /// … up to this one.
    pub through_run: i64,
    /// The last link of the chain that is here, and its hash.
    pub ledger_seq: i64,
    pub ledger_sha256: String,
}
