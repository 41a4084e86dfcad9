//! Rows against their own hashes, and the rows of each run together against the run's.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::canonical::Manner;
use super::super::object::StateRoot;
use super::super::row::{FindingRow, ObjectRow, PullRow, ResultRow};
use super::super::seal::{Sealed, over};
use super::{Chain, Faults};
use crate::db::Connection;
use crate::db::schema::{evidence_finding, evidence_object, evidence_pull, evidence_result};
use crate::evidence::snapshot::Resource;

/// How many runs are looked at together.
const RUNS: i64 = 50;

/// The hashes of rows, by run.
type ByRun = BTreeMap<i64, Vec<Vec<u8>>>;

/// The state that the rows lead to, and the one that the last whole reading saw.
#[derive(Default)]
struct Standing {
    objects: BTreeMap<Resource, BTreeMap<String, Vec<u8>>>,
    read: BTreeMap<Resource, Vec<u8>>,
}

pub(super) async fn check(
    conn: &mut Connection,
    company_id: Uuid,
    chain: &Chain,
    faults: &mut Faults,
) -> QueryResult<()> {
    let through = chain.horizon().map_or(0, |tombstone| tombstone.through_seq);
    let mut standing = Standing::default();
    check_what_stayed(conn, company_id, chain, &mut standing, faults).await?;
    let last = last_seq(conn, company_id)
        .await?
        .max(chain.runs.keys().next_back().copied().unwrap_or(0));
    let mut from = through;
    while from < last {
        let to = from + RUNS;
        let rows = Rows::load(conn, company_id, from, to).await?;
        rows.check(chain, from..to, faults);
        standing.follow(rows);
        from = to;
    }
    standing.check(faults);
    check_what_stands(conn, company_id, chain, faults).await
}

/// What stands after the last run, against what that run holds.
async fn check_what_stands(
    conn: &mut Connection,
    company_id: Uuid,
    chain: &Chain,
    faults: &mut Faults,
) -> QueryResult<()> {
    let Some(run) = chain.runs.values().next_back() else {
        return Ok(());
    };
    if let Some(held) = &run.standing_sha256
        && *held != super::super::standing::root(conn, company_id, run.seq).await?
    {
        faults.row(
            format!("what stands after {}", run.label()),
            "is not what stood when it was kept",
        );
    }
    Ok(())
}

/// The last run that any row belongs to, whether or not there is such a run.
async fn last_seq(conn: &mut Connection, company_id: Uuid) -> QueryResult<i64> {
    macro_rules! last {
        ($table:ident) => {
            $table::table
                .filter($table::company_id.eq(company_id))
                .select(diesel::dsl::max($table::seq))
                .first::<Option<i64>>(conn)
                .await?
        };
    }
    let lasts = [
        last!(evidence_object),
        last!(evidence_finding),
        last!(evidence_result),
        last!(evidence_pull),
    ];
    Ok(lasts.into_iter().flatten().max().unwrap_or(0))
}

/// The rows that runs added.
struct Rows {
    pulls: Vec<PullRow>,
    objects: Vec<ObjectRow>,
    results: Vec<ResultRow>,
    findings: Vec<FindingRow>,
}

impl Rows {
    async fn load(conn: &mut Connection, company_id: Uuid, from: i64, to: i64) -> QueryResult<Self> {
        macro_rules! load {
            ($table:ident, $row:ty) => {
                $table::table
                    .filter($table::company_id.eq(company_id))
                    .filter($table::seq.gt(from))
                    .filter($table::seq.le(to))
                    .order($table::seq)
                    .select(<$row>::as_select())
                    .load(conn)
                    .await?
            };
        }
        Ok(Self {
            pulls: load!(evidence_pull, PullRow),
            objects: load!(evidence_object, ObjectRow),
            results: load!(evidence_result, ResultRow),
            findings: load!(evidence_finding, FindingRow),
        })
    }

    /// The rows of the runs behind the first of these, up to the last.
    fn check(&self, chain: &Chain, runs: std::ops::Range<i64>, faults: &mut Faults) {
        let pulls = seals(&self.pulls, |row| row.seq, faults);
        let objects = seals(&self.objects, |row| row.seq, faults);
        let results = seals(&self.results, |row| row.seq, faults);
        let findings = seals(&self.findings, |row| row.seq, faults);
        let all = [&pulls, &objects, &results, &findings];
        let with_rows: BTreeSet<i64> = all.iter().flat_map(|rows| rows.keys().copied()).collect();
        for seq in with_rows.iter().filter(|seq| !chain.runs.contains_key(seq)) {
            faults.row(format!("run {seq}"), "is missing, but not its rows");
        }
        for run in chain.runs.range(runs.start + 1..=runs.end).map(|(_, run)| run) {
            for (name, rows, root) in [
                ("readings", &pulls, &run.pulls_sha256),
                ("objects", &objects, &run.objects_sha256),
                ("results", &results, &run.results_sha256),
                ("findings", &findings, &run.findings_sha256),
            ] {
                if together(rows.get(&run.seq)) != *root {
                    faults.row(format!("{}: {name}", run.label()), "are not those that were kept");
                }
            }
        }
    }
}

fn together(hashes: Option<&Vec<Vec<u8>>>) -> Vec<u8> {
    over(hashes.into_iter().flatten().map(Vec::as_slice))
}

/// What the rows hash to as they are, by run; those that do not hash to what was kept with them are named.
fn seals<R: Sealed>(rows: &[R], seq: fn(&R) -> i64, faults: &mut Faults) -> ByRun {
    let mut seals = ByRun::new();
    for row in rows {
        faults.require_intact(row);
        seals.entry(seq(row)).or_default().push(row.seal());
    }
    seals
}

/// What retention left of the runs that it removed, against its tombstone.
async fn check_what_stayed(
    conn: &mut Connection,
    company_id: Uuid,
    chain: &Chain,
    standing: &mut Standing,
    faults: &mut Faults,
) -> QueryResult<()> {
    let Some(tombstone) = chain.horizon() else {
        return Ok(());
    };
    let rows = Rows::load(conn, company_id, 0, tombstone.through_seq).await?;
    let all = |seals: ByRun| over(seals.values().flatten().map(Vec::as_slice));
    if all(seals(&rows.objects, |row| row.seq, faults)) != tombstone.objects_sha256 {
        faults.row(
            format!("objects up to run {}", tombstone.through_seq),
            "are not those that retention left",
        );
    }
    if all(seals(&rows.findings, |row| row.seq, faults)) != tombstone.findings_sha256 {
        faults.row(
            format!("findings up to run {}", tombstone.through_seq),
            "are not those that retention left",
        );
    }
    for label in rows
        .results
        .iter()
        .map(Sealed::label)
        .chain(rows.pulls.iter().map(Sealed::label))
    {
        faults.row(label, "is older than what retention left");
    }
    standing.follow(rows);
    Ok(())
}

impl Standing {
    fn follow(&mut self, rows: Rows) {
        for row in rows.objects {
            let objects = self.objects.entry(row.resource).or_default();
            match row.content_sha256 {
                Some(hash) => objects.insert(row.object_id, hash),
                None => objects.remove(&row.object_id),
            };
        }
        let whole = rows
            .pulls
            .into_iter()
            .filter_map(|pull| Some((pull.resource, pull.state_sha256?)));
        self.read
            .extend(whole.filter(|(resource, _)| Manner::of(*resource) == Manner::Lasting));
    }

    /// The history has to lead to what the last whole reading saw.
    fn check(&self, faults: &mut Faults) {
        for (resource, read) in &self.read {
            let mut root = StateRoot::default();
            for (id, hash) in self.objects.get(resource).into_iter().flatten() {
                root.add(id, hash);
            }
            if root.finish() != *read {
                faults.row(
                    format!("the history of {resource}"),
                    "does not lead to what the last whole reading saw",
                );
            }
        }
    }
}
