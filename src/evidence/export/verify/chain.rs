//! The links of the chain against each other, and what they hold against them.

use std::collections::BTreeMap;

use super::super::archive::{Archive, Unreadable};
use super::super::layout::{self, Manifest};
use super::{Faults, Row, over};
use crate::evidence::keep::{BEGINNING, hex, moment};

/// The chain, and what hangs on it.
pub(super) struct Chain {
    links: Vec<Row>,
    /// The runs of the period, by their place.
    pub runs: BTreeMap<i64, Row>,
    others: Vec<Row>,
    declarations: Vec<Row>,
    withdrawals: Vec<Row>,
    pub tombstones: Vec<Row>,
}

impl Chain {
    pub(super) fn read(lists: &mut Archive, faults: &mut Faults) -> Result<Self, Unreadable> {
        let mut read = |table: &str, list: &str| {
            let mut rows = Vec::new();
            for (line, content) in (1..).zip(lists.lines(list)?) {
                let row = Row::new(table, list, line, content?);
                row.require_intact(faults);
                rows.push(row);
            }
            Ok::<_, Unreadable>(rows)
        };
        let links = read("evidence_ledger", layout::LEDGER)?;
        let runs = read("evidence_run", layout::RUNS)?;
        let others = read("evidence_run", layout::OTHER_RUNS)?;
        let declarations = read("evidence_declaration", layout::DECLARATIONS)?;
        let withdrawals = read("evidence_withdrawal", layout::WITHDRAWALS)?;
        let tombstones = read("evidence_tombstone", layout::TOMBSTONES)?;
        let mut chain = Self {
            links,
            runs: BTreeMap::new(),
            others,
            declarations,
            withdrawals,
            tombstones,
        };
        for run in runs {
            if let Some(other) = chain.runs.insert(run.seq(), run) {
                faults.add(other.label, "has the place of another run");
            }
        }
        Ok(chain)
    }

    pub(super) fn check(&self, manifest: &Manifest, faults: &mut Faults) {
        self.check_company(manifest, faults);
        self.check_links(manifest, faults);
        self.check_what_they_hold(faults);
        self.check_period(manifest, faults);
    }

    /// What the last removal of history left.
    fn horizon(&self) -> Option<&Row> {
        let mut newest_first = self.tombstones.iter().rev();
        newest_first.find(|stone| stone.text("class") != "RAW")
    }

    /// The last run of which what changes at every reading may be gone.
    pub(super) fn raw_through(&self) -> i64 {
        let gone = self
            .tombstones
            .iter()
            .filter_map(|stone| stone.content["throughSeq"].as_i64());
        gone.max().unwrap_or(0)
    }

    /// The hash over what stands after this run, where the run is here and holds one.
    pub(super) fn standing_after(&self, seq: i64) -> Option<String> {
        let others = self.others.iter().find(|run| run.seq() == seq);
        let held = self.runs.get(&seq).or(others)?.text("standing");
        (!held.is_empty()).then_some(held)
    }

    /// The hash over the findings that retention left when it removed the runs up to this one.
    pub(super) fn findings_left(&self, seq: i64) -> Option<String> {
        let stone = self.horizon()?;
        (stone.content["throughSeq"].as_i64() == Some(seq)).then(|| stone.text("findings"))
    }

    fn check_links(&self, manifest: &Manifest, faults: &mut Faults) {
        let (mut seq, mut previous) = match self.horizon() {
            Some(stone) => (stone.content["ledgerSeq"].as_i64().unwrap_or(0), stone.text("ledger")),
            None => (0, hex(&BEGINNING)),
        };
        for link in &self.links {
            let label = format!("link {} of the ledger", link.seq());
            if link.seq() != seq + 1 {
                faults.add(label, "does not follow the one before: links are missing");
            } else if link.text("previous") != previous {
                faults.add(label, "does not hold the hash of the one before");
            }
            seq = link.seq();
            previous.clone_from(&link.seal);
        }
        if (seq, &previous) != (manifest.ledger_seq, &manifest.ledger_sha256) && !self.links.is_empty() {
            faults.add(layout::LEDGER, "does not end with the link that the manifest names");
        }
        if self.links.is_empty() && manifest.ledger_seq != 0 {
            faults.add(layout::LEDGER, "has no links");
        }
    }

    /// Everything is of the company that the manifest names.
    fn check_company(&self, manifest: &Manifest, faults: &mut Faults) {
        let company = manifest.company_id.to_string();
        let rows = self.runs.values().chain(&self.others).chain(&self.links);
        if rows.into_iter().any(|row| row.text("company") != company) {
            faults.add(layout::MANIFEST, "names another company than the rows");
        }
    }

    /// Every link holds something that is here, and everything is held by a link.
    fn check_what_they_hold(&self, faults: &mut Faults) {
        let mut held: BTreeMap<(String, String), &Row> = self
            .links
            .iter()
            .map(|link| ((link.text("kind"), link.text("ref")), link))
            .collect();
        for run in self.runs.values().chain(&self.others) {
            let link = held.remove(&("RUN".to_owned(), run.text("id")));
            agree(link, run, faults);
        }
        let statements = self.declarations.iter().map(|row| ("DECLARATION", row.text("id"), row));
        let ends = self
            .withdrawals
            .iter()
            .map(|row| ("WITHDRAWAL", row.text("declaration"), row));
        let graves = self.tombstones.iter().map(|row| ("TOMBSTONE", row.text("id"), row));
        let mut unlinked = Vec::new();
        for (kind, id, row) in statements.chain(ends).chain(graves) {
            match held.remove(&(kind.to_owned(), id)) {
                None => unlinked.push(row),
                link => agree(link, row, faults),
            }
        }
        self.check_unlinked(&unlinked, faults);
        for link in held.into_values() {
            faults.add(
                format!("what link {} of the ledger holds ({})", link.seq(), link.text("kind")),
                "is missing",
            );
        }
    }

    /// What is older than the chain is covered by the last tombstone, or by nothing.
    fn check_unlinked(&self, unlinked: &[&Row], faults: &mut Faults) {
        let together = over(unlinked.iter().map(|row| row.seal.clone()));
        match self.horizon() {
            Some(stone) if stone.text("others") == together => {}
            Some(_) => faults.add(
                "declarations, withdrawals and tombstones older than the ledger",
                "are not those that retention left",
            ),
            None => {
                for row in unlinked {
                    faults.add(&row.label, "has no link in the ledger");
                }
            }
        }
    }

    /// The runs of the period are those that were taken in it, without a gap.
    fn check_period(&self, manifest: &Manifest, faults: &mut Faults) {
        let places: Vec<i64> = self.runs.keys().copied().collect();
        let expected: Vec<i64> = (manifest.after_run + 1..=manifest.through_run)
            .take(places.len() + 1)
            .collect();
        if places != expected {
            faults.add(layout::RUNS, "does not hold the runs that the manifest names");
        }
        let (from, to) = (at(&manifest.from), at(&manifest.to));
        for run in self.others.iter().filter(|run| run.seq() > manifest.through_run) {
            let taken = at(&run.text("takenAt"));
            if from <= taken && taken < to {
                faults.add(&run.label, "was taken in the period, and is not among its runs");
            }
        }
    }
}

/// A moment in the one form in which moments compare as text.
fn at(text: &str) -> String {
    text.parse().map(moment).unwrap_or_default()
}

fn agree(link: Option<&Row>, row: &Row, faults: &mut Faults) {
    match link {
        None => faults.add(&row.label, "has no link in the ledger"),
        Some(link) if link.text("content") != row.seal => {
            faults.add(
                format!("link {} of the ledger", link.seq()),
                format!("holds another hash than that of {}", row.label),
            );
        }
        Some(_) => {}
    }
}
