//! What is kept of a company in a period, row by row as it was sealed: the part of a bundle that everything else in it is
//! made from.
//!
//! The danger: a list that quietly begins late or ends early. So what stood before the period is there as well, the chain
//! is there from its beginning, and what retention takes away while we read spoils the whole.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Wanted;
use super::binder::Press;
use super::layout::{self, FORMAT, Manifest};
use crate::db::Connection;
use crate::db::schema::{
    evidence_blob, evidence_declaration, evidence_finding, evidence_ledger, evidence_object, evidence_population,
    evidence_pull, evidence_result, evidence_run, evidence_tombstone, evidence_withdrawal,
};
use crate::evidence::catalogue::Catalogue;
use crate::evidence::keep::{
    BEGINNING, DeclarationRow, FindingRow, LedgerKind, LedgerRow, ObjectRow, Period, PullRow, ResultRow,
    RetentionClass, RunRow, Sealed, TombstoneRow, WithdrawalRow, hex, inflate, moment, seq_before, standing_findings,
    standing_objects,
};
use crate::model::tenant;

/// How many runs are read together, and how many blobs.
const RUNS: i64 = 20;
const BLOBS: usize = 500;

/// A row as it lies in a bundle: what its hash covers, and the hash.
fn sealed(row: &impl Sealed) -> Value {
    let mut content = row.content();
    content["sha256"] = json!(hex(row.kept_sha256()));
    content
}

/// Everything that is sealed, and the raw contents that it names.
pub(super) async fn gather(
    conn: &mut Connection,
    wanted: &Wanted,
    slots: &Period,
    press: &mut Press,
) -> anyhow::Result<()> {
    let stones = tombstones(conn, wanted.company.id).await?;
    let chain = Chain::load(conn, wanted, &stones).await?;
    let mut gatherer = Gatherer {
        company_id: wanted.company.id,
        chain: &chain,
        press,
        raw: BTreeSet::new(),
    };
    gatherer.manifest(conn, wanted).await?;
    gatherer.list(layout::LEDGER, chain.links.iter().map(sealed)).await;
    gatherer.runs(conn).await?;
    gatherer.slots(slots).await;
    gatherer.statements(conn).await?;
    gatherer
        .list(layout::TOMBSTONES, stones.iter().map(TombstoneRow::content))
        .await;
    gatherer.before(conn).await?;
    gatherer.during(conn).await?;
    gatherer.contents(conn).await?;
    if tombstones(conn, wanted.company.id).await? != stones {
        bail!("retention removed evidence of the company meanwhile");
    }
    Ok(())
}

async fn tombstones(conn: &mut Connection, company_id: Uuid) -> QueryResult<Vec<TombstoneRow>> {
    evidence_tombstone::table
        .filter(evidence_tombstone::company_id.eq(company_id))
        .order((evidence_tombstone::at, evidence_tombstone::id))
        .select(TombstoneRow::as_select())
        .load(conn)
        .await
}

/// How far the bundle goes: the runs behind `after` up to `through`, and the chain as it was when the period ended, so
/// that the bundle of a period that is over stays the same.
struct Chain {
    after: i64,
    through: i64,
    /// From the first that is kept.
    links: Vec<LedgerRow>,
}

impl Chain {
    async fn load(conn: &mut Connection, wanted: &Wanted, stones: &[TombstoneRow]) -> QueryResult<Self> {
        let company_id = wanted.company.id;
        let history = stones.iter().filter(|stone| stone.class != RetentionClass::Raw);
        let gone = history.map(|stone| stone.through_seq).max().unwrap_or(0);
        let after = seq_before(conn, company_id, wanted.from).await?.unwrap_or(0).max(gone);
        let through = seq_before(conn, company_id, wanted.to).await?.unwrap_or(0).max(after);
        let mut links: Vec<LedgerRow> = evidence_ledger::table
            .filter(evidence_ledger::company_id.eq(company_id))
            .order(evidence_ledger::seq)
            .select(LedgerRow::as_select())
            .load(conn)
            .await?;
        let last_run: Option<Uuid> = evidence_run::table
            .filter(evidence_run::company_id.eq(company_id))
            .filter(evidence_run::seq.eq(through))
            .select(evidence_run::id)
            .first(conn)
            .await
            .optional()?;
        let last = links.iter().rposition(|link| {
            // What was removed later explains what is missing here.
            link.at < wanted.to || link.kind == LedgerKind::Tombstone || Some(link.held_id) == last_run
        });
        links.truncate(last.map_or(0, |last| last + 1));
        Ok(Self { after, through, links })
    }

    fn head(&self) -> (i64, String) {
        let last = self.links.last();
        last.map_or((0, hex(&BEGINNING)), |link| (link.seq, hex(&link.sha256)))
    }
}

struct Gatherer<'a> {
    company_id: Uuid,
    chain: &'a Chain,
    press: &'a mut Press,
    /// The hashes of what the rows refer to.
    raw: BTreeSet<Vec<u8>>,
}

/// The rows that the runs `$from` (not) to `$to` added to a table, in the order of their keys.
macro_rules! added {
    ($conn:expr, $company:expr, $table:ident, $row:ty, $from:expr, $to:expr, $($key:ident),+) => {
        $table::table
            .filter($table::company_id.eq($company))
            .filter($table::seq.gt($from))
            .filter($table::seq.le($to))
            .order(($table::seq, $($table::$key),+))
            .select(<$row>::as_select())
            .load::<$row>($conn)
            .await?
    };
}

impl Gatherer<'_> {
    async fn list(&mut self, name: &str, rows: impl Iterator<Item = Value> + Send) {
        self.press.file(name).await;
        self.add(rows).await;
    }

    async fn add(&mut self, rows: impl Iterator<Item = Value> + Send) {
        for row in rows {
            self.press.write(format!("{row}\n").as_bytes()).await;
        }
    }

    async fn manifest(&mut self, conn: &mut Connection, wanted: &Wanted) -> anyhow::Result<()> {
        let company = &wanted.company;
        let tenant = tenant::find(conn, company.id).await?;
        let (ledger_seq, ledger_sha256) = self.chain.head();
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            made_by: layout::made_by(),
            catalogue: Catalogue::get().sha256().to_owned(),
            company_id: company.id,
            company: company.name.clone(),
            external_id: company.external_id.clone(),
            tenant_id: tenant.and_then(|tenant| tenant.entra_tenant_id),
            from: moment(wanted.from),
            to: moment(wanted.to),
            after_run: self.chain.after,
            through_run: self.chain.through,
            ledger_seq,
            ledger_sha256,
        };
        self.press.file(layout::MANIFEST).await;
        let text = serde_json::to_string_pretty(&serde_json::to_value(&manifest)?)?;
        self.press.write(format!("{text}\n").as_bytes()).await;
        Ok(())
    }

    /// Those of the period, and the others that the chain holds.
    async fn runs(&mut self, conn: &mut Connection) -> QueryResult<()> {
        let runs: Vec<RunRow> = evidence_run::table
            .filter(evidence_run::company_id.eq(self.company_id))
            .order(evidence_run::seq)
            .select(RunRow::as_select())
            .load(conn)
            .await?;
        let linked: BTreeSet<Uuid> = self.chain.links.iter().map(|link| link.held_id).collect();
        let held = runs.iter().filter(|run| linked.contains(&run.id));
        let period = self.chain.after + 1..=self.chain.through;
        let (ours, others): (Vec<&RunRow>, Vec<&RunRow>) = held.partition(|run| period.contains(&run.seq));
        self.list(layout::RUNS, ours.into_iter().map(sealed)).await;
        self.list(layout::OTHER_RUNS, others.into_iter().map(sealed)).await;
        Ok(())
    }

    async fn slots(&mut self, slots: &Period) {
        let rows = slots
            .slots
            .iter()
            .map(|slot| json!({"at": moment(slot.at), "state": slot.state, "run": slot.seq, "because": slot.because}));
        self.list(layout::SLOTS, rows).await;
    }

    /// Those that the chain holds as far as it is here, and those that are older than it.
    async fn statements(&mut self, conn: &mut Connection) -> QueryResult<()> {
        let (company_id, head) = (self.company_id, self.chain.head().0);
        // Asked within the statement, so that what is stated meanwhile is left out with its link.
        let later = |kind: LedgerKind| {
            evidence_ledger::table
                .filter(evidence_ledger::company_id.eq(company_id))
                .filter(evidence_ledger::seq.gt(head))
                .filter(evidence_ledger::kind.eq(kind))
                .select(evidence_ledger::held_id)
        };
        let declarations: Vec<DeclarationRow> = evidence_declaration::table
            .filter(evidence_declaration::company_id.eq(self.company_id))
            .filter(evidence_declaration::id.ne_all(later(LedgerKind::Declaration)))
            .order((evidence_declaration::declared_at, evidence_declaration::id))
            .select(DeclarationRow::as_select())
            .load(conn)
            .await?;
        let withdrawals: Vec<WithdrawalRow> = evidence_withdrawal::table
            .filter(evidence_withdrawal::company_id.eq(self.company_id))
            .filter(evidence_withdrawal::declaration_id.ne_all(later(LedgerKind::Withdrawal)))
            .order((evidence_withdrawal::withdrawn_at, evidence_withdrawal::declaration_id))
            .select(WithdrawalRow::as_select())
            .load(conn)
            .await?;
        self.list(layout::DECLARATIONS, declarations.iter().map(sealed)).await;
        self.list(layout::WITHDRAWALS, withdrawals.iter().map(sealed)).await;
        Ok(())
    }

    /// What stood when the period began.
    async fn before(&mut self, conn: &mut Connection) -> QueryResult<()> {
        let objects = standing_objects(conn, self.company_id, self.chain.after).await?;
        self.raw
            .extend(objects.iter().filter_map(|row| row.content_sha256.clone()));
        self.list(layout::OBJECTS_BEFORE, objects.iter().map(sealed)).await;
        let findings = standing_findings(conn, self.company_id, self.chain.after).await?;
        self.raw.extend(findings.iter().map(|row| row.detail_sha256.clone()));
        self.list(layout::FINDINGS_BEFORE, findings.iter().map(sealed)).await;
        Ok(())
    }

    /// What the runs of the period added.
    async fn during(&mut self, conn: &mut Connection) -> QueryResult<()> {
        let company = self.company_id;
        self.press.file(layout::PULLS).await;
        for (from, to) in self.stretches() {
            let rows = added!(conn, company, evidence_pull, PullRow, from, to, resource);
            self.raw
                .extend(rows.iter().filter_map(|row| row.volatile_sha256.clone()));
            self.add(rows.iter().map(sealed)).await;
        }
        self.press.file(layout::OBJECTS).await;
        for (from, to) in self.stretches() {
            let rows = added!(conn, company, evidence_object, ObjectRow, from, to, resource, object_id);
            self.raw
                .extend(rows.iter().filter_map(|row| row.content_sha256.clone()));
            self.add(rows.iter().map(sealed)).await;
        }
        let mut populations = BTreeSet::new();
        self.press.file(layout::RESULTS).await;
        for (from, to) in self.stretches() {
            let rows = added!(conn, company, evidence_result, ResultRow, from, to, check_id);
            self.raw.extend(rows.iter().map(|row| row.detail_sha256.clone()));
            populations.extend(rows.iter().flat_map(|row| row.populations.iter().cloned()));
            self.add(rows.iter().map(sealed)).await;
        }
        self.press.file(layout::FINDINGS).await;
        for (from, to) in self.stretches() {
            let rows = added!(
                conn,
                company,
                evidence_finding,
                FindingRow,
                from,
                to,
                check_id,
                resource,
                object_id
            );
            self.raw.extend(rows.iter().map(|row| row.detail_sha256.clone()));
            self.add(rows.iter().map(sealed)).await;
        }
        self.populations(conn, populations).await
    }

    /// The runs of the period, a few at a time: behind the first, up to the second.
    fn stretches(&self) -> Vec<(i64, i64)> {
        let starts = (self.chain.after..self.chain.through).step_by(usize::try_from(RUNS).unwrap_or(1));
        starts
            .map(|from| (from, (from + RUNS).min(self.chain.through)))
            .collect()
    }

    async fn populations(&mut self, conn: &mut Connection, hashes: BTreeSet<Vec<u8>>) -> QueryResult<()> {
        self.press.file(layout::POPULATIONS).await;
        let hashes: Vec<Vec<u8>> = hashes.into_iter().collect();
        for hashes in hashes.chunks(BLOBS) {
            let rows: Vec<(Vec<u8>, i64, Vec<Vec<u8>>)> = evidence_population::table
                .filter(evidence_population::company_id.eq(self.company_id))
                .filter(evidence_population::sha256.eq_any(hashes))
                .order(evidence_population::sha256)
                .select((
                    evidence_population::sha256,
                    evidence_population::size,
                    evidence_population::chunks,
                ))
                .load(conn)
                .await?;
            let lines: Vec<Value> = rows
                .iter()
                .map(|(sha256, size, chunks)| {
                    let chunks: Vec<String> = chunks.iter().map(|chunk| hex(chunk)).collect();
                    json!({"sha256": hex(sha256), "size": size, "chunks": chunks})
                })
                .collect();
            self.raw.extend(rows.into_iter().flat_map(|(_, _, chunks)| chunks));
            self.add(lines.into_iter()).await;
        }
        Ok(())
    }

    /// Each content once, by its hash. One that is gone with its time is left out, and the tombstone says so.
    async fn contents(&mut self, conn: &mut Connection) -> anyhow::Result<()> {
        let hashes: Vec<Vec<u8>> = std::mem::take(&mut self.raw).into_iter().collect();
        for hashes in hashes.chunks(BLOBS) {
            let blobs: Vec<(Vec<u8>, i32, Vec<u8>)> = evidence_blob::table
                .filter(evidence_blob::company_id.eq(self.company_id))
                .filter(evidence_blob::sha256.eq_any(hashes))
                .order(evidence_blob::sha256)
                .select((evidence_blob::sha256, evidence_blob::size, evidence_blob::content))
                .load(conn)
                .await?;
            for (hash, size, content) in blobs {
                self.press.file(&layout::raw(&hex(&hash))).await;
                let content =
                    inflate(&content, size).with_context(|| format!("opening the kept content {}", hex(&hash)))?;
                self.press.write(&content).await;
            }
        }
        Ok(())
    }
}
