//! The chain that holds a company's evidence, what retention removed of it, and what does not hold.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::evidence::keep::{Fault, FaultKind, LedgerKind, LedgerRow, RetentionClass, TombstoneRow, hex};
use crate::graphql::connection::Listed;
use crate::graphql::error::Answer;
use crate::graphql::siblings::Kin;

/// A link among those it was read with.
#[derive(Clone)]
pub struct EvidenceLink(pub Kin<LedgerRow>);

impl Listed for EvidenceLink {
    type Row = LedgerRow;
    async fn of(_: &Context<'_>, row: Kin<LedgerRow>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// A link of a company's chain: hashes alone, each over the one before.
#[Object]
impl EvidenceLink {
    /// Counts the links, from one.
    async fn number(&self) -> i64 {
        self.0.seq
    }

    /// What it holds.
    async fn kind(&self) -> LedgerKind {
        self.0.kind
    }

    /// When it was linked.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// SHA-256 of what it holds, in hexadecimal.
    async fn content_sha256(&self) -> String {
        hex(&self.0.content_sha256)
    }

    /// SHA-256 of the link before, in hexadecimal.
    async fn previous_sha256(&self) -> String {
        hex(&self.0.previous)
    }

    /// SHA-256 of the link, in hexadecimal. Whoever keeps it elsewhere can show later that nothing before it was changed.
    async fn sha256(&self) -> String {
        hex(&self.0.sha256)
    }
}

/// A tombstone among those it was read with.
#[derive(Clone)]
pub struct EvidenceTombstone(Kin<TombstoneRow>);

impl Listed for EvidenceTombstone {
    type Row = TombstoneRow;
    async fn of(_: &Context<'_>, row: Kin<TombstoneRow>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// What retention has removed, and how much.
#[Object]
impl EvidenceTombstone {
    /// Of what class it was.
    async fn class(&self) -> RetentionClass {
        self.0.class
    }

    /// The number of the last run that it reached.
    async fn through_run_number(&self) -> i64 {
        self.0.through_seq
    }

    /// Everything of its class that was over before this moment is gone.
    async fn through_at(&self) -> DateTime<Utc> {
        self.0.through_at
    }

    /// When it was removed.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// How many rows went.
    async fn rows(&self) -> i64 {
        self.0.rows
    }

    /// How many pieces of content went.
    async fn blobs(&self) -> i64 {
        self.0.blobs
    }
}

/// How kept evidence was held against its hashes.
#[derive(SimpleObject)]
pub struct EvidenceVerification {
    /// Whether everything is as it was kept.
    whole: bool,
    /// How many things are not.
    fault_count: usize,
    /// The first hundred of them.
    faults: Vec<EvidenceFault>,
}

/// Something that is not as it was kept.
#[derive(SimpleObject)]
struct EvidenceFault {
    /// What sort of thing.
    kind: FaultKind,
    /// Which one, by ids and hashes.
    what: String,
    /// What is wrong with it.
    because: &'static str,
}

impl EvidenceVerification {
    pub fn of(faults: Vec<Fault>) -> Self {
        Self {
            whole: faults.is_empty(),
            fault_count: faults.len(),
            faults: faults.into_iter().take(100).map(EvidenceFault::of).collect(),
        }
    }
}

impl EvidenceFault {
    fn of(fault: Fault) -> Self {
        Self {
            kind: fault.kind,
            what: fault.what,
            because: fault.because,
        }
    }
}
