//! Who was judged in the last run of the period, all of them, and what each check said of each.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use serde_json::Value;

use super::super::archive::Archive;
use super::super::csv::{line, text};
use super::super::layout;
use super::objects::name_of;
use super::{Source, content, findings};

pub(super) const FOLDER: &str = "populations/";

/// A set of ids, and the checks that judged it: each with what it said of those of whom no finding speaks.
struct Set {
    sha256: String,
    checks: BTreeMap<String, String>,
}

/// The sets of the last run, by the name of their list.
fn sets(source: &mut Source) -> anyhow::Result<BTreeMap<String, Set>> {
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    for (row, detail) in source.last_results()? {
        for set in detail["populations"].as_array().into_iter().flatten() {
            let (name, sha256) = (text(&set["name"]), text(&set["sha256"]));
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let short: String = sha256.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
            let file = format!("{FOLDER}{plain}-{short}.csv");
            let known = sets.entry(file).or_insert_with(|| Set {
                sha256,
                checks: BTreeMap::new(),
            });
            known.checks.insert(text(&row["check"]), silence(&row, &detail));
        }
    }
    sets.retain(|name, _| !name.starts_with("populations/-"));
    Ok(sets)
}

/// What it means that no finding speaks of somebody: only where the counts are of exactly the sets of the check, all of
/// them together, that they passed.
fn silence(row: &Value, detail: &Value) -> String {
    let sets = detail["populations"].as_array().into_iter().flatten();
    let judged: Option<u64> = sets.map(|set| set["size"].as_u64()).sum();
    match row["status"].as_str() {
        Some(status @ ("INDETERMINATE" | "NOT_APPLICABLE")) => status.to_owned(),
        _ if judged.is_some() && row["counts"][0].as_u64() == judged => "PASSED".to_owned(),
        _ => String::new(),
    }
}

pub(super) fn names(source: &mut Source) -> anyhow::Result<Vec<String>> {
    Ok(sets(source)?.into_keys().collect())
}

pub(super) fn write(source: &mut Source, name: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let set = sets(source)?
        .remove(name)
        .with_context(|| format!("there is no population {name}"))?;
    let mut words: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let findings = findings::standing(&mut source.lists)?;
    for (check, stands) in findings.iter().filter(|(check, _)| set.checks.contains_key(*check)) {
        words.extend(
            stands
                .iter()
                .map(|stands| ((check.as_str(), stands.object.as_str()), stands.word.as_str())),
        );
    }
    source.standing()?;
    let standing = source.standing.as_ref().context("what stands was just read")?;
    let titles = ["object", "name", "principal name"].into_iter().map(str::to_owned);
    out.write_all(line(titles.chain(set.checks.keys().cloned())).as_bytes())?;
    let ids = ids(&mut source.lists, &mut source.contents, &set.sha256)?;
    for id in &ids {
        let hash = standing.content_of(id).unwrap_or_default();
        let object = content(&mut source.contents, &Value::from(hash))?;
        let principal = text(&object["userPrincipalName"]);
        let mut cells = vec![id.clone(), name_of(&object), principal];
        cells.extend(set.checks.iter().map(|(check, silence)| {
            let said = words.get(&(check.as_str(), id.as_str())).copied();
            said.unwrap_or(silence).to_owned()
        }));
        out.write_all(line(cells).as_bytes())?;
    }
    Ok(())
}

/// The ids of a set, sorted, as far as their chunks are there.
pub(in crate::evidence::export) fn ids(
    lists: &mut Archive,
    contents: &mut Archive,
    sha256: &str,
) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for row in lists.lines(layout::POPULATIONS)? {
        let row = row?;
        if row["sha256"] != sha256 {
            continue;
        }
        ids = members(contents, &row)?;
    }
    Ok(ids)
}

/// The ids in the chunks of a set, sorted.
pub(in crate::evidence::export) fn members(contents: &mut Archive, row: &Value) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for chunk in row["chunks"].as_array().into_iter().flatten() {
        let chunk = content(contents, chunk)?;
        ids.extend(chunk.as_array().into_iter().flatten().map(text));
    }
    ids.sort_unstable();
    Ok(ids)
}
