//! The rows, one shape a table, and what their hashes cover.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::declaration::DeclarationKind;
use super::seal::{Sealed, hex, moment};
use crate::db::schema::{
    evidence_declaration, evidence_finding, evidence_ledger, evidence_object, evidence_pull, evidence_result,
    evidence_run, evidence_tombstone, evidence_withdrawal,
};
use crate::evidence::judge::{FindingKind, Status};
use crate::evidence::snapshot::{Outcome, Resource};
use crate::model::page::{self, Owner};
use crate::model::text_enum::text_enum;

text_enum! {
    /// What a reading saw of an object that it had not seen before.
    pub enum ObjectChange {
        /// It is there for the first time, or again.
        Added = "ADDED",
        /// It is another than it was.
        Changed = "CHANGED",
        /// A whole reading did not tell of it any more.
        Removed = "REMOVED",
    }
}

text_enum! {
    /// Where a finding stands.
    pub enum FindingState {
        /// It is there.
        Open = "OPEN",
        /// The last run could not look: it is neither confirmed nor closed.
        NotEvaluated = "NOT_EVALUATED",
        /// The object was looked at, and it is no longer found.
        Closed = "CLOSED",
    }
}

text_enum! {
    /// What a link of the ledger holds.
    pub enum LedgerKind {
        /// A run with all that it added.
        Run = "RUN",
        /// Something that people stated.
        Declaration = "DECLARATION",
        /// The end of such a statement.
        Withdrawal = "WITHDRAWAL",
        /// What retention left.
        Tombstone = "TOMBSTONE",
    }
}

text_enum! {
    /// What retention removes together.
    pub enum RetentionClass {
        /// What changes at every reading.
        Raw = "RAW",
        /// History, results, and the chain.
        History = "HISTORY",
        /// Everything, with the company.
        Company = "COMPANY",
    }
}

/// A run that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = evidence_run, check_for_backend(diesel::pg::Pg))]
pub struct RunRow {
    /// The id of its sync run.
    pub id: Uuid,
    pub company_id: Uuid,
    /// Counts the kept runs of the company, from one.
    pub seq: i64,
    /// When it began to read.
    pub taken_at: DateTime<Utc>,
    pub kept_at: DateTime<Utc>,
    /// The permissions in the token, sorted.
    pub granted_roles: Vec<String>,
    /// The version of Tenantry that read and judged.
    pub app_version: String,
    /// Over the rows that the run added to each table.
    pub pulls_sha256: Vec<u8>,
    pub objects_sha256: Vec<u8>,
    pub results_sha256: Vec<u8>,
    pub findings_sha256: Vec<u8>,
    /// Over the rows that say how objects and findings stand after the run; runs of earlier versions have none.
    pub standing_sha256: Option<Vec<u8>>,
    /// Over this row; what the ledger holds.
    pub sha256: Vec<u8>,
}

page::paged!(RunRow, |run| Owner {
    company_id: run.company_id,
    key: run.id
});

impl Sealed for RunRow {
    const TABLE: &'static str = "evidence_run";

    fn content(&self) -> Value {
        let mut content = json!({
            "id": self.id, "company": self.company_id, "seq": self.seq, "takenAt": moment(self.taken_at),
            "keptAt": moment(self.kept_at), "grantedRoles": self.granted_roles, "appVersion": self.app_version,
            "pulls": hex(&self.pulls_sha256), "objects": hex(&self.objects_sha256),
            "results": hex(&self.results_sha256), "findings": hex(&self.findings_sha256),
        });
        if let Some(standing) = &self.standing_sha256 {
            content["standing"] = json!(hex(standing));
        }
        content
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("run {}", self.seq)
    }
}

/// How a run read one resource.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = evidence_pull, check_for_backend(diesel::pg::Pg))]
pub struct PullRow {
    pub company_id: Uuid,
    pub seq: i64,
    pub resource: Resource,
    /// Path and query.
    pub request: String,
    pub permission: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub pages: i32,
    pub last_page_reached: bool,
    pub items: i64,
    /// A second number of the same population, and where it came from.
    pub witness_count: Option<i64>,
    pub witness_source: Option<String>,
    pub request_ids: Vec<String>,
    pub outcome: Outcome,
    pub refusal_code: Option<String>,
    pub refusal_message: Option<String>,
    /// Over all objects that were read; of whole readings alone.
    pub state_sha256: Option<Vec<u8>>,
    /// The blob with what changes at every reading.
    pub volatile_sha256: Option<Vec<u8>>,
    pub sha256: Vec<u8>,
}

impl Sealed for PullRow {
    const TABLE: &'static str = "evidence_pull";

    fn content(&self) -> Value {
        json!({
            "company": self.company_id, "seq": self.seq, "resource": self.resource, "request": self.request,
            "permission": self.permission, "startedAt": moment(self.started_at), "finishedAt": moment(self.finished_at),
            "pages": self.pages, "lastPageReached": self.last_page_reached, "items": self.items,
            "witnessCount": self.witness_count, "witnessSource": self.witness_source, "requestIds": self.request_ids,
            "outcome": self.outcome, "refusalCode": self.refusal_code, "refusalMessage": self.refusal_message,
            "state": self.state_sha256.as_deref().map(hex), "volatile": self.volatile_sha256.as_deref().map(hex),
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("run {}, reading of {}", self.seq, self.resource)
    }
}

/// What a run saw of an object that was new.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = evidence_object, check_for_backend(diesel::pg::Pg))]
pub struct ObjectRow {
    pub company_id: Uuid,
    pub resource: Resource,
    /// Microsoft's id.
    pub object_id: String,
    pub seq: i64,
    /// When the run was taken; it happened after the whole reading before.
    pub at: DateTime<Utc>,
    pub change: ObjectChange,
    /// The blob; none when it was removed.
    pub content_sha256: Option<Vec<u8>>,
    /// The word that a policy or a device is in, as Microsoft writes it.
    pub state: Option<String>,
    pub sha256: Vec<u8>,
}

page::paged!(ObjectRow, |object| Owner::company(object.company_id));

impl Sealed for ObjectRow {
    const TABLE: &'static str = "evidence_object";

    fn content(&self) -> Value {
        json!({
            "company": self.company_id, "resource": self.resource, "object": self.object_id, "seq": self.seq,
            "at": moment(self.at), "change": self.change, "content": self.content_sha256.as_deref().map(hex),
            "state": self.state,
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("run {}, {} {}", self.seq, self.resource, self.object_id)
    }
}

/// What a check said in a run.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = evidence_result, check_for_backend(diesel::pg::Pg))]
pub struct ResultRow {
    pub company_id: Uuid,
    pub check_id: String,
    pub seq: i64,
    /// When the run was taken.
    pub at: DateTime<Utc>,
    pub version: i32,
    /// The hash of the check's words, in hexadecimal.
    pub logic_sha256: String,
    pub status: Status,
    pub population: i64,
    pub passed: i64,
    pub failed: i64,
    pub excepted: i64,
    pub review: i64,
    pub not_evaluated: i64,
    /// The sets of ids that were judged, in the order of the detail.
    pub populations: Vec<Vec<u8>>,
    /// The blob with a [`ResultDetail`](super::ResultDetail).
    pub detail_sha256: Vec<u8>,
    pub sha256: Vec<u8>,
}

page::paged!(ResultRow, |result| Owner::company(result.company_id));

impl Sealed for ResultRow {
    const TABLE: &'static str = "evidence_result";

    fn content(&self) -> Value {
        json!({
            "company": self.company_id, "check": self.check_id, "seq": self.seq, "at": moment(self.at),
            "version": self.version, "logic": self.logic_sha256, "status": self.status,
            "counts": [self.population, self.passed, self.failed, self.excepted, self.review, self.not_evaluated],
            "populations": self.populations.iter().map(|set| hex(set)).collect::<Vec<_>>(),
            "detail": hex(&self.detail_sha256),
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("run {}, result of {}", self.seq, self.check_id)
    }
}

/// What became of a finding in a run.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = evidence_finding, check_for_backend(diesel::pg::Pg))]
pub struct FindingRow {
    pub company_id: Uuid,
    pub check_id: String,
    pub resource: Resource,
    pub object_id: String,
    pub seq: i64,
    /// When the run was taken.
    pub at: DateTime<Utc>,
    /// Since when it has been there.
    pub opened_at: DateTime<Utc>,
    pub state: FindingState,
    /// What was last said of the object.
    pub kind: FindingKind,
    /// The blob with a [`FindingDetail`](super::FindingDetail).
    pub detail_sha256: Vec<u8>,
    pub sha256: Vec<u8>,
}

page::paged!(FindingRow, |finding| Owner::company(finding.company_id));

impl Sealed for FindingRow {
    const TABLE: &'static str = "evidence_finding";

    fn content(&self) -> Value {
        json!({
            "company": self.company_id, "check": self.check_id, "resource": self.resource, "object": self.object_id,
            "seq": self.seq, "at": moment(self.at), "openedAt": moment(self.opened_at), "state": self.state,
            "kind": self.kind, "detail": hex(&self.detail_sha256),
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        let Self {
            seq,
            check_id,
            resource,
            object_id,
            ..
        } = self;
        format!("run {seq}, finding of {check_id} on {resource} {object_id}")
    }
}

/// Something that people stated about a company.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = evidence_declaration, check_for_backend(diesel::pg::Pg))]
pub struct DeclarationRow {
    pub id: Uuid,
    pub company_id: Uuid,
    pub kind: DeclarationKind,
    /// Of an exception: the check.
    pub check_id: Option<String>,
    /// The object, account or policy that it is about.
    pub object_id: Option<String>,
    /// Who answers for it.
    pub owner: String,
    pub reason: String,
    /// Of a change: the ticket.
    pub reference: Option<String>,
    /// Of a change: when it was made.
    pub changed_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Who wrote it down.
    pub declared_by: String,
    pub declared_at: DateTime<Utc>,
    pub sha256: Vec<u8>,
}

page::paged!(DeclarationRow, |declaration| Owner {
    company_id: declaration.company_id,
    key: declaration.id
});

impl Sealed for DeclarationRow {
    const TABLE: &'static str = "evidence_declaration";

    fn content(&self) -> Value {
        json!({
            "id": self.id, "company": self.company_id, "kind": self.kind, "check": self.check_id,
            "object": self.object_id, "owner": self.owner, "reason": self.reason, "reference": self.reference,
            "changedAt": self.changed_at.map(moment), "expiresAt": self.expires_at.map(moment),
            "declaredBy": self.declared_by, "declaredAt": moment(self.declared_at),
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("declaration {}", self.id)
    }
}

/// The end of a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = evidence_withdrawal, check_for_backend(diesel::pg::Pg))]
pub struct WithdrawalRow {
    pub declaration_id: Uuid,
    pub company_id: Uuid,
    pub withdrawn_by: String,
    pub withdrawn_at: DateTime<Utc>,
    pub sha256: Vec<u8>,
}

impl Sealed for WithdrawalRow {
    const TABLE: &'static str = "evidence_withdrawal";

    fn content(&self) -> Value {
        json!({
            "declaration": self.declaration_id, "company": self.company_id, "by": self.withdrawn_by,
            "at": moment(self.withdrawn_at),
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("withdrawal of declaration {}", self.declaration_id)
    }
}

/// What retention left in place of what it removed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = evidence_tombstone, check_for_backend(diesel::pg::Pg))]
pub struct TombstoneRow {
    pub id: Uuid,
    pub company_id: Uuid,
    pub class: RetentionClass,
    /// Everything of the class up to this run is gone.
    pub through_seq: i64,
    /// Everything of the class that was over before this is gone.
    pub through_at: DateTime<Utc>,
    pub at: DateTime<Utc>,
    /// How many rows went.
    pub rows: i64,
    /// How many blobs went.
    pub blobs: i64,
    /// Over the rows up to `through_seq` that stayed.
    pub objects_sha256: Vec<u8>,
    pub findings_sha256: Vec<u8>,
    /// Over declarations, withdrawals and tombstones that outlive their links.
    pub others_sha256: Vec<u8>,
    /// The last link of the ledger that went, and its hash.
    pub ledger_seq: i64,
    pub ledger_sha256: Vec<u8>,
}

page::paged!(TombstoneRow, |tombstone| Owner {
    company_id: tombstone.company_id,
    key: tombstone.id
});

impl TombstoneRow {
    /// Everything that its hash covers.
    pub(in crate::evidence) fn content(&self) -> Value {
        json!({
            "id": self.id, "company": self.company_id, "class": self.class, "throughSeq": self.through_seq,
            "throughAt": moment(self.through_at), "at": moment(self.at), "rows": self.rows, "blobs": self.blobs,
            "objects": hex(&self.objects_sha256), "findings": hex(&self.findings_sha256),
            "others": hex(&self.others_sha256), "ledgerSeq": self.ledger_seq, "ledger": hex(&self.ledger_sha256),
        })
    }

    /// What the ledger holds of it.
    pub(super) fn seal(&self) -> Vec<u8> {
        super::canonical::sha256(format!("evidence_tombstone {}", self.content()).as_bytes())
    }
}

/// One link of a company's chain.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = evidence_ledger, check_for_backend(diesel::pg::Pg))]
pub struct LedgerRow {
    pub company_id: Uuid,
    pub seq: i64,
    pub kind: LedgerKind,
    /// Our id of what it holds.
    pub held_id: Uuid,
    pub content_sha256: Vec<u8>,
    pub at: DateTime<Utc>,
    /// The hash of the link before; zeros for the first.
    pub previous: Vec<u8>,
    pub sha256: Vec<u8>,
}

page::paged!(LedgerRow, |link| Owner {
    company_id: link.company_id,
    key: link.held_id
});

impl Sealed for LedgerRow {
    const TABLE: &'static str = "evidence_ledger";

    fn content(&self) -> Value {
        json!({
            "company": self.company_id, "seq": self.seq, "kind": self.kind, "ref": self.held_id,
            "content": hex(&self.content_sha256), "at": moment(self.at), "previous": hex(&self.previous),
        })
    }

    fn kept_sha256(&self) -> &[u8] {
        &self.sha256
    }

    fn label(&self) -> String {
        format!("link {} of the ledger", self.seq)
    }
}
