//! Holding what is kept against its hashes: every row, every blob, every link.
//!
//! The danger is a check that looks only where the attacker did not. What a hash does not cover is compared with what
//! does: rows that were added or removed show in the hash of their run, runs in the chain, and what retention removed
//! in its tombstones.

mod blobs;
mod rows;

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::ledger::BEGINNING;
use super::row::{DeclarationRow, LedgerKind, LedgerRow, RetentionClass, RunRow, TombstoneRow, WithdrawalRow};
use super::seal::{Sealed, over};
use crate::db::Connection;
use crate::db::schema::{evidence_declaration, evidence_ledger, evidence_run, evidence_tombstone, evidence_withdrawal};
use crate::model::text_enum::text_enum;

text_enum! {
    /// What does not hold.
    pub enum FaultKind {
        /// A row, or the rows of a run as a whole.
        Row = "ROW",
        /// Content.
        Blob = "BLOB",
        /// A link of the chain.
        Link = "LINK",
    }
}

/// Something that is not as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// Which one, by ids and hashes.
    pub what: String,
    /// What is wrong with it.
    pub because: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.kind, self.what, self.because)
    }
}

/// The faults of a company's evidence; none when all of it is as it was kept.
///
/// # Errors
/// When the database fails.
pub async fn verify(conn: &mut Connection, company_id: Uuid) -> QueryResult<Vec<Fault>> {
    let mut faults = Faults::default();
    let chain = Chain::load(conn, company_id).await?;
    chain.check_links(&mut faults);
    chain.check_what_they_hold(&mut faults);
    rows::check(conn, company_id, &chain, &mut faults).await?;
    blobs::check(conn, company_id, &chain, &mut faults).await?;
    Ok(faults.0)
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn row(&mut self, what: impl Into<String>, because: &'static str) {
        self.0.push(Fault {
            kind: FaultKind::Row,
            what: what.into(),
            because,
        });
    }

    fn blob(&mut self, what: impl Into<String>, because: &'static str) {
        self.0.push(Fault {
            kind: FaultKind::Blob,
            what: what.into(),
            because,
        });
    }

    fn link(&mut self, what: impl Into<String>, because: &'static str) {
        self.0.push(Fault {
            kind: FaultKind::Link,
            what: what.into(),
            because,
        });
    }

    fn require_intact(&mut self, row: &impl Sealed) {
        if !row.is_intact() {
            self.row(row.label(), "is not as it was kept");
        }
    }
}

/// The chain, and what hangs on it.
struct Chain {
    links: Vec<LedgerRow>,
    runs: BTreeMap<i64, RunRow>,
    declarations: Vec<DeclarationRow>,
    withdrawals: Vec<WithdrawalRow>,
    tombstones: Vec<TombstoneRow>,
}

impl Chain {
    async fn load(conn: &mut Connection, company_id: Uuid) -> QueryResult<Self> {
        let runs: Vec<RunRow> = evidence_run::table
            .filter(evidence_run::company_id.eq(company_id))
            .select(RunRow::as_select())
            .load(conn)
            .await?;
        Ok(Self {
            links: evidence_ledger::table
                .filter(evidence_ledger::company_id.eq(company_id))
                .order(evidence_ledger::seq)
                .select(LedgerRow::as_select())
                .load(conn)
                .await?,
            runs: runs.into_iter().map(|run| (run.seq, run)).collect(),
            declarations: evidence_declaration::table
                .filter(evidence_declaration::company_id.eq(company_id))
                .select(DeclarationRow::as_select())
                .load(conn)
                .await?,
            withdrawals: evidence_withdrawal::table
                .filter(evidence_withdrawal::company_id.eq(company_id))
                .select(WithdrawalRow::as_select())
                .load(conn)
                .await?,
            tombstones: evidence_tombstone::table
                .filter(evidence_tombstone::company_id.eq(company_id))
                .order((evidence_tombstone::at, evidence_tombstone::id))
                .select(TombstoneRow::as_select())
                .load(conn)
                .await?,
        })
    }

    /// What the last removal of history, or of everything, left.
    fn horizon(&self) -> Option<&TombstoneRow> {
        let mut newest_first = self.tombstones.iter().rev();
        newest_first.find(|tombstone| tombstone.class != RetentionClass::Raw)
    }

    /// The last run of which what changes at every reading is gone.
    fn raw_through(&self) -> i64 {
        self.tombstones
            .iter()
            .map(|tombstone| tombstone.through_seq)
            .max()
            .unwrap_or(0)
    }

    fn check_links(&self, faults: &mut Faults) {
        let (mut seq, mut previous) = match self.horizon() {
            Some(tombstone) => (tombstone.ledger_seq, tombstone.ledger_sha256.clone()),
            None => (0, BEGINNING.to_vec()),
        };
        for link in &self.links {
            if !link.is_intact() {
                faults.link(link.label(), "is not as it was kept");
            }
            if link.seq != seq + 1 {
                faults.link(link.label(), "does not follow the one before: links are missing");
            } else if link.previous != previous {
                faults.link(link.label(), "does not hold the hash of the one before");
            }
            seq = link.seq;
            previous.clone_from(&link.sha256);
        }
    }

    /// Every link holds something that is there, and everything is held by a link.
    fn check_what_they_hold(&self, faults: &mut Faults) {
        let mut held: BTreeMap<(LedgerKind, Uuid), &LedgerRow> = self
            .links
            .iter()
            .map(|link| ((link.kind, link.held_id), link))
            .collect();
        let mut unlinked = Vec::new();
        for run in self.runs.values() {
            faults.require_intact(run);
            let link = held.remove(&(LedgerKind::Run, run.id));
            agree(link, &run.seal(), &run.label(), faults);
        }
        let statements = self.declarations.iter().map(|row| {
            (
                LedgerKind::Declaration,
                row.id,
                row.seal(),
                row.label(),
                row.is_intact(),
            )
        });
        let ends = self.withdrawals.iter().map(|row| {
            (
                LedgerKind::Withdrawal,
                row.declaration_id,
                row.seal(),
                row.label(),
                row.is_intact(),
            )
        });
        let graves = self.tombstones.iter().map(|row| {
            (
                LedgerKind::Tombstone,
                row.id,
                row.seal(),
                format!("tombstone {}", row.id),
                true,
            )
        });
        for (kind, id, seal, label, intact) in statements.chain(ends).chain(graves) {
            if !intact {
                faults.row(label.clone(), "is not as it was kept");
            }
            match held.remove(&(kind, id)) {
                None => unlinked.push((seal, label)),
                link => agree(link, &seal, &label, faults),
            }
        }
        self.check_unlinked(&unlinked, faults);
        for link in held.into_values() {
            faults.row(format!("what {} holds", link.label()), "is missing");
        }
    }

    /// What is older than the chain is covered by the last tombstone, or by nothing.
    fn check_unlinked(&self, unlinked: &[(Vec<u8>, String)], faults: &mut Faults) {
        let together = over(unlinked.iter().map(|(seal, _)| &**seal));
        match self.horizon() {
            Some(tombstone) if tombstone.others_sha256 == together => {}
            Some(_) => faults.row(
                "declarations, withdrawals and tombstones older than the ledger",
                "are not those that retention left",
            ),
            None => {
                for (_, label) in unlinked {
                    faults.row(label.clone(), "has no link in the ledger");
                }
            }
        }
    }
}

fn agree(link: Option<&LedgerRow>, seal: &[u8], label: &str, faults: &mut Faults) {
    match link {
        None => faults.row(label, "has no link in the ledger"),
        Some(link) if link.content_sha256 != seal => {
            faults.link(link.label(), "holds another hash than that of its row")
        }
        Some(_) => {}
    }
}
