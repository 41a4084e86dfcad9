//! What each run added against the hashes that the run holds, and the history against what was read.

use std::collections::{BTreeMap, BTreeSet};

use super::super::derive::Source;
use super::super::layout;
use super::chain::Chain;
use super::{Faults, Row, over, unhex};
use crate::evidence::keep::{Manner, StateRoot, hex};
use crate::evidence::snapshot::Resource;

/// The tables: their list, and where a run holds the hash over its rows.
const TABLES: &[(&str, &str, &str)] = &[
    ("evidence_pull", layout::PULLS, "pulls"),
    ("evidence_object", layout::OBJECTS, "objects"),
    ("evidence_result", layout::RESULTS, "results"),
    ("evidence_finding", layout::FINDINGS, "findings"),
];

/// What stood before the period.
const BEFORE: [(&str, &str); 2] = [
    ("evidence_object", layout::OBJECTS_BEFORE),
    ("evidence_finding", layout::FINDINGS_BEFORE),
];

pub(super) fn check(source: &mut Source, chain: &Chain, faults: &mut Faults) -> anyhow::Result<()> {
    for (table, list, held) in TABLES {
        let mut seals: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (line, content) in (1..).zip(source.lists.lines(list)?) {
            let row = Row::new(table, list, line, content?);
            row.require_intact(faults);
            seals.entry(row.seq()).or_default().push(row.seal);
        }
        for seq in seals.keys().filter(|seq| !chain.runs.contains_key(seq)) {
            faults.add(format!("{list}, run {seq}"), "is of no run of the period");
        }
        for (seq, run) in &chain.runs {
            if over(seals.remove(seq).unwrap_or_default()) != run.text(held) {
                faults.add(format!("{list}, run {seq}"), "are not the rows that the run has added");
            }
        }
    }
    check_what_stood(source, chain, faults)?;
    check_states(source, faults)
}

/// The rows that say how objects and findings stand, by check, resource and object: the hash of each.
type Standing = BTreeMap<[String; 3], String>;

/// What stood when the period began, against what the run before holds or retention left; and, with the changes of the
/// first run of the period, against what that run holds.
fn check_what_stood(source: &mut Source, chain: &Chain, faults: &mut Faults) -> anyhow::Result<()> {
    const STOOD: &str = "what stood before the period";
    let after = source.manifest.after_run;
    let mut standing = Standing::new();
    for (table, list) in BEFORE {
        for (line, content) in (1..).zip(source.lists.lines(list)?) {
            let row = Row::new(table, list, line, content?);
            row.require_intact(faults);
            if row.seq() > after {
                faults.add(&row.label, "is of a later run");
            }
            follow(&mut standing, row);
        }
    }
    if chain
        .standing_after(after)
        .is_some_and(|held| held != together(&standing, |_| true))
    {
        faults.add(STOOD, format!("is not what run {after} holds"));
    }
    if chain
        .findings_left(after)
        .is_some_and(|left| left != together(&standing, |check| !check.is_empty()))
    {
        faults.add(STOOD, "are not the findings that retention left");
    }
    let Some(held) = chain.standing_after(after + 1) else {
        return Ok(());
    };
    for (table, list) in [
        ("evidence_object", layout::OBJECTS),
        ("evidence_finding", layout::FINDINGS),
    ] {
        for (line, content) in (1..).zip(source.lists.lines(list)?) {
            let row = Row::new(table, list, line, content?);
            if row.seq() == after + 1 {
                follow(&mut standing, row);
            }
        }
    }
    if held != together(&standing, |_| true) {
        faults.add(STOOD, format!("does not lead to what stands after run {}", after + 1));
    }
    Ok(())
}

/// What stands once this has happened. Entries of a journal happen, and do not stand.
fn follow(standing: &mut Standing, row: Row) {
    if row.text("resource") == Resource::DirectoryAudits.as_str() && row.text("check").is_empty() {
        return;
    }
    let key = ["check", "resource", "object"].map(|name| row.text(name));
    if row.text("change") == "REMOVED" || row.text("state") == "CLOSED" && !key[0].is_empty() {
        standing.remove(&key);
    } else {
        standing.insert(key, row.seal);
    }
}

/// The hash over what stands, of these checks; objects are of none.
fn together(standing: &Standing, of: fn(&str) -> bool) -> String {
    let wanted = standing.iter().filter(|([check, ..], _)| of(check));
    over(wanted.map(|(_, seal)| seal.clone()))
}

/// Objects of one resource by id, with the hashes of their contents.
type Objects = BTreeMap<String, String>;

/// A resource, and a run; zero stands for what was there before.
type Place = (String, i64);

/// An object, and the hash of its content; none when it is gone.
type Change = (String, Option<String>);

/// After every whole reading, the history has to be at what was read.
fn check_states(source: &mut Source, faults: &mut Faults) -> anyhow::Result<()> {
    let mut read: BTreeMap<Place, String> = BTreeMap::new();
    for pull in source.lists.lines(layout::PULLS)? {
        let pull = pull?;
        if let (Some(state), Some(seq)) = (pull["state"].as_str(), pull["seq"].as_i64()) {
            read.insert(
                (pull["resource"].as_str().unwrap_or_default().to_owned(), seq),
                state.to_owned(),
            );
        }
    }
    let lasting: BTreeSet<&str> = Resource::ALL
        .iter()
        .filter(|of| Manner::of(**of) == Manner::Lasting)
        .map(|of| of.as_str())
        .collect();
    read.retain(|(resource, _), _| lasting.contains(&**resource));
    let mut changes: BTreeMap<Place, Vec<Change>> = BTreeMap::new();
    for (list, from_the_start) in [(layout::OBJECTS_BEFORE, true), (layout::OBJECTS, false)] {
        for row in source.lists.lines(list)? {
            let row = row?;
            let of = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let seq = if from_the_start {
                0
            } else {
                row["seq"].as_i64().unwrap_or(0)
            };
            let change = (of("object"), row["content"].as_str().map(str::to_owned));
            changes.entry((of("resource"), seq)).or_default().push(change);
        }
    }
    let mut places: BTreeSet<&Place> = changes.keys().collect();
    places.extend(read.keys());
    let mut objects: BTreeMap<&str, (Objects, Option<String>)> = BTreeMap::new();
    for place in places {
        let (resource, seq) = place;
        let (objects, state) = objects.entry(resource).or_default();
        for (id, content) in changes.get(place).into_iter().flatten() {
            *state = None;
            match content {
                Some(hash) => objects.insert(id.clone(), hash.clone()),
                None => objects.remove(id),
            };
        }
        if let Some(expected) = read.get(place)
            && state.get_or_insert_with(|| root(objects)) != expected
        {
            faults.add(
                format!("the history of {resource} up to run {seq}"),
                "does not lead to what that run has read",
            );
        }
    }
    Ok(())
}

fn root(objects: &Objects) -> String {
    let mut root = StateRoot::default();
    for (id, hash) in objects {
        root.add(id, &unhex(hash));
    }
    hex(&root.finish())
}
