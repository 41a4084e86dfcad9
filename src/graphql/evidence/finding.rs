//! Findings: who exactly does not meet a check, why, and since when.

use async_graphql::{Context, Json, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::evidence::judge::FindingKind;
use crate::evidence::keep::{FindingDetail, FindingRow, FindingState, Opened, hex};
use crate::graphql::connection::Listed;
use crate::graphql::error::Answer;
use crate::graphql::siblings::Kin;

/// A finding with what it says.
#[derive(Clone)]
pub struct EvidenceFinding {
    row: Kin<Opened<FindingRow>>,
    detail: FindingDetail,
}

impl Listed for EvidenceFinding {
    type Row = Opened<FindingRow>;
    async fn of(_: &Context<'_>, row: Kin<Self::Row>) -> Answer<Self> {
        let content = row
            .content
            .clone()
            .ok_or_else(|| anyhow::anyhow!("what a finding says is not kept"))?;
        let detail = serde_json::from_value(content).map_err(anyhow::Error::from)?;
        Ok(Self { row, detail })
    }
}

/// One object that does not simply meet a check.
#[Object]
impl EvidenceFinding {
    /// The check's id.
    async fn check_id(&self) -> &str {
        &self.row.check_id
    }

    /// Where the object was read, such as `users`.
    async fn resource(&self) -> &str {
        self.row.resource.as_str()
    }

    /// Microsoft's id of the object.
    async fn object_id(&self) -> &str {
        &self.row.object_id
    }

    /// What people call it.
    async fn name(&self) -> Option<&str> {
        self.detail.name.as_deref()
    }

    /// What is said of it.
    async fn kind(&self) -> FindingKind {
        self.row.kind
    }

    /// Whether it stands. What could not be looked at is not evaluated, and never closed.
    async fn state(&self) -> FindingState {
        self.row.state
    }

    /// Why, as a sentence.
    async fn because(&self) -> &str {
        &self.detail.because
    }

    /// How it came so: policies, the path of an exclusion through groups, values, the exception.
    async fn lineage(&self) -> Json<&Value> {
        Json(&self.detail.lineage)
    }

    /// Since when it has been there.
    async fn opened_at(&self) -> DateTime<Utc> {
        self.row.opened_at
    }

    /// When it last said something else than before.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }

    /// The number of the run that said so.
    async fn run_number(&self) -> i64 {
        self.row.seq
    }

    /// When it was closed; null while it stands.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        (self.row.state == FindingState::Closed).then_some(self.row.at)
    }

    /// SHA-256 of the row, in hexadecimal.
    async fn sha256(&self) -> String {
        hex(&self.row.sha256)
    }
}
