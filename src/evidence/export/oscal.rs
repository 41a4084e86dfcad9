//! The same for machines: OSCAL assessment results.
//!
//! A check's result is an observation. A control to which a failing check contributes has a finding; for the others OSCAL
//! has no word: it knows "satisfied" and "not satisfied", and the danger is to say the first. Passing checks **support** a
//! control, which nobody but an assessor finds satisfied, so that word never stands here. What is excepted is a risk that
//! somebody has taken.
//!
//! Source: <https://pages.nist.gov/OSCAL-Reference/models/v1.1.2/assessment-results/json-reference/>

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::csv::text;
use super::derive::findings::{self, Stands};
use super::derive::{Source, content};
use super::layout::{self, Manifest};
use crate::evidence::catalogue::{Catalogue, Mapping};

const VERSION: &str = "1.1.2";
/// Whose words our properties are.
const NS: &str = "urn:tenantry:oscal";
const NO_CLAIM: &str = "The checks named here support this control. Whether it is met is for an assessor to find.";

/// One identifier for one thing, whenever it is asked for.
fn id(manifest: &Manifest, of: &str) -> Uuid {
    Uuid::new_v5(&manifest.company_id, of.as_bytes())
}

pub(super) fn write(source: &mut Source, out: &mut dyn Write) -> anyhow::Result<()> {
    let results = Results::read(source)?;
    let manifest = &source.manifest;
    let document = json!({"assessment-results": {
        "uuid": id(manifest, &format!("assessment-results {} {} {}", manifest.from, manifest.to, manifest.ledger_sha256)),
        "metadata": results.metadata(manifest),
        "import-ap": {"href": format!("#{}", id(manifest, "no assessment plan"))},
        "results": [results.result(manifest)],
        "back-matter": {"resources": results.resources(manifest)},
    }});
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")?;
    Ok(())
}

struct Results {
    /// Of the last run: row and detail.
    last: Vec<(Value, Value)>,
    kept_at: Option<String>,
    /// When the last answer to each resource came.
    collected: BTreeMap<String, String>,
    /// How often each check came to each status in the period.
    counts: BTreeMap<(String, String), u64>,
    standing: BTreeMap<String, Vec<Stands>>,
    /// Exceptions of the last run: the check, what is excepted, and what was said of it.
    excepted: Vec<(String, Excepted)>,
}

/// What need not meet a check, because somebody answers for it.
struct Excepted {
    resource: String,
    object: String,
    because: String,
    excuse: Value,
}

impl Results {
    fn read(source: &mut Source) -> anyhow::Result<Self> {
        let mut counts = BTreeMap::new();
        for row in source.lists.lines(layout::RESULTS)? {
            let row = row?;
            *counts.entry((text(&row["check"]), text(&row["status"]))).or_default() += 1;
        }
        let mut kept_at = None;
        for run in source.lists.lines(layout::RUNS)? {
            kept_at = run?["keptAt"].as_str().map(str::to_owned);
        }
        let pulls = source.last_pulls()?.into_iter();
        let standing = findings::standing(&mut source.lists)?;
        Ok(Self {
            excepted: excepted(source, &standing)?,
            last: source.last_results()?,
            kept_at,
            collected: pulls
                .map(|pull| (text(&pull["resource"]), text(&pull["finishedAt"])))
                .collect(),
            counts,
            standing,
        })
    }

    fn metadata(&self, manifest: &Manifest) -> Value {
        json!({
            "title": format!("Evidence of {}", one_line(&manifest.company)),
            "last-modified": self.kept_at.as_ref().unwrap_or(&manifest.to),
            "version": manifest.ledger_sha256,
            "oscal-version": VERSION,
            "parties": [{"uuid": id(manifest, "company"), "type": "organization", "name": one_line(&manifest.company)}],
        })
    }

    fn result(&self, manifest: &Manifest) -> Value {
        let tool = json!({
            "uuid": id(manifest, "tool"), "type": "software", "title": "Tenantry",
            "description": "Reads the tenant over Microsoft Graph, without a right to change it, and judges what it read.",
            "props": [prop("version", &manifest.made_by), prop("catalogue-sha256", &manifest.catalogue)],
            "status": {"state": "operational"},
        });
        let mut result = json!({
            "uuid": id(manifest, &format!("result {} {}", manifest.from, manifest.to)),
            "title": "What the checks of the catalogue said",
            "description": "Each observation is what a check said in the last run of the period.",
            "start": manifest.from, "end": manifest.to,
            "local-definitions": {"components": [tool]},
            "reviewed-controls": self.reviewed(),
            "remarks": "A control without a finding is one that no failing check speaks of. That does not mean that it is met.",
        });
        put(
            &mut result,
            "observations",
            self.last.iter().map(|last| self.observation(manifest, last)),
        );
        put(&mut result, "risks", self.risks(manifest));
        put(&mut result, "findings", self.findings(manifest).into_iter());
        result
    }

    /// The controls that the checks of the last run support, a selection for each framework.
    fn reviewed(&self) -> Value {
        let controls = self.controls();
        if controls.is_empty() {
            return json!({"control-selections": [{"description": "None: no run was kept in the period."}]});
        }
        let mut frameworks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (framework, control) in controls.keys() {
            frameworks.entry(framework).or_default().push(control);
        }
        let selections = frameworks.into_iter().map(|(framework, controls)| {
            let known = Catalogue::get().frameworks().iter().find(|known| known.id == framework);
            let name = known.map_or_else(
                || framework.to_owned(),
                |known| format!("{} {}", known.name, known.version),
            );
            let ids: BTreeSet<String> = controls.iter().map(|control| token(framework, control)).collect();
            json!({
                "description": format!("Controls of {name} that a check contributes to"),
                "include-controls": ids.into_iter().map(|id| json!({"control-id": id})).collect::<Value>(),
            })
        });
        json!({"control-selections": selections.collect::<Value>(), "remarks": NO_CLAIM})
    }

    /// The mappings of the checks of the last run, by control.
    fn controls(&self) -> BTreeMap<(&'static str, &'static str), Vec<&'static Mapping>> {
        let checks: BTreeSet<&str> = self.last.iter().filter_map(|(row, _)| row["check"].as_str()).collect();
        let mut controls: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for mapping in Catalogue::get()
            .mappings()
            .filter(|mapping| checks.contains(&*mapping.check))
        {
            let control = (mapping.framework.as_str(), mapping.control.as_str());
            controls.entry(control).or_default().push(mapping);
        }
        controls
    }

    fn observation(&self, manifest: &Manifest, (row, detail): &(Value, Value)) -> Value {
        let check = text(&row["check"]);
        let title = Catalogue::get().check(&check).map_or(&*check, |check| &check.title);
        let inputs = detail["inputs"].as_array().into_iter().flatten();
        let finished = inputs.filter_map(|input| self.collected.get(input.as_str()?)).max();
        let mut observation = json!({
            "uuid": observation_id(manifest, row),
            "title": one_line(title),
            "description": describe(row, detail),
            "props": self.props(row),
            "methods": ["TEST"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": id(manifest, "tool")}]}],
            "collected": finished.cloned().unwrap_or_else(|| text(&row["at"])),
            "relevant-evidence": [{
                "href": format!("#{}", id(manifest, &text(&row["detail"]))),
                "description": "Why, with which parameters, on whom, and how complete the lists are.",
            }],
        });
        let subjects = self.standing.get(&check).into_iter().flatten();
        put(
            &mut observation,
            "subjects",
            subjects.map(|stands| subject(manifest, stands)),
        );
        observation
    }

    fn props(&self, row: &Value) -> Vec<Value> {
        let mut props = vec![
            prop("check", &text(&row["check"])),
            prop("check-version", &text(&row["version"])),
            prop("logic-sha256", &text(&row["logic"])),
            prop("status", &text(&row["status"])),
        ];
        let names = ["population", "passed", "failed", "excepted", "review", "not-evaluated"];
        props.extend(
            (0..)
                .zip(names)
                .map(|(at, name): (usize, _)| prop(name, &text(&row["counts"][at]))),
        );
        let check = text(&row["check"]);
        let counts = self.counts.iter().filter(|((of, _), _)| *of == check);
        props.extend(counts.map(|((_, status), count)| {
            let name = format!("runs-{}", status.to_lowercase().replace('_', "-"));
            prop(&name, &count.to_string())
        }));
        props
    }

    /// One for each exception: somebody has taken the risk, and says until when.
    fn risks(&self, manifest: &Manifest) -> impl Iterator<Item = Value> {
        self.excepted.iter().filter_map(move |(check, excepted)| {
            let (row, _) = self.last.iter().find(|(row, _)| row["check"] == **check)?;
            let Excepted {
                resource,
                object,
                because,
                excuse,
            } = excepted;
            let owner = text(&excuse["owner"]);
            let mut risk = json!({
                "uuid": id(manifest, &format!("risk {check} {resource} {object}")),
                "title": format!("Excepted from {check}"),
                "description": one_line(because),
                "statement": format!("{} ({} answers for it)", one_line(&text(&excuse["reason"])), one_line(&owner)),
                "props": [
                    prop("check", check), prop("resource", resource), prop("id", object),
                    prop("declared", &text(&excuse["declared"])), prop("owner", &owner),
                ],
                "status": "deviation-approved",
                "related-observations": [{"observation-uuid": observation_id(manifest, row)}],
            });
            if excuse["expiresAt"].is_string() {
                risk["deadline"] = excuse["expiresAt"].clone();
            }
            Some(risk)
        })
    }

    /// One for each control to which a check contributes that failed.
    fn findings(&self, manifest: &Manifest) -> Vec<Value> {
        let row_of = |check: &str| self.last.iter().map(|(row, _)| row).find(|row| row["check"] == check);
        let mut findings = Vec::new();
        for ((framework, control), mappings) in self.controls() {
            let rows: Vec<&Value> = mappings.iter().filter_map(|mapping| row_of(&mapping.check)).collect();
            let failed: Vec<String> = rows
                .iter()
                .filter(|row| row["status"] == "FAIL")
                .map(|row| text(&row["check"]))
                .collect();
            if failed.is_empty() {
                continue;
            }
            let related = rows
                .iter()
                .map(|row| json!({"observation-uuid": observation_id(manifest, row)}));
            findings.push(json!({
                "uuid": id(manifest, &format!("finding {framework} {control} {}", manifest.ledger_sha256)),
                "title": format!("{framework} {control}"),
                "description": format!("Failed, of the {} checks that support it: {}", rows.len(), failed.join(", ")),
                "props": [prop("framework", framework), prop("control", control)],
                "target": {
                    "type": "objective-id",
                    "target-id": token(framework, control),
                    "status": {"state": "not-satisfied", "reason": "fail", "remarks": NO_CLAIM},
                },
                "related-observations": related.collect::<Value>(),
            }));
        }
        findings
    }

    fn resources(&self, manifest: &Manifest) -> Value {
        let plan = json!({
            "uuid": id(manifest, "no assessment plan"),
            "title": "No assessment plan",
            "description": "The checks run by themselves every six hours. Their words, with version and hash, lie under checks/.",
        });
        let hashes: BTreeSet<String> = self.last.iter().map(|(row, _)| text(&row["detail"])).collect();
        let contents = hashes.into_iter().map(|hash| {
            json!({
                "uuid": id(manifest, &hash),
                "title": "A result in full",
                "rlinks": [{
                    "href": format!("../{}", layout::raw(&hash)), "media-type": "application/json",
                    "hashes": [{"algorithm": "SHA-256", "value": hash}],
                }],
            })
        });
        std::iter::once(plan).chain(contents).collect()
    }
}

/// What stood as excepted when the period ended.
fn excepted(source: &mut Source, standing: &BTreeMap<String, Vec<Stands>>) -> anyhow::Result<Vec<(String, Excepted)>> {
    let mut excepted = Vec::new();
    for (check, stands) in standing {
        for stands in stands.iter().filter(|stands| stands.word == "EXCEPTED") {
            let detail = content(&mut source.contents, &stands.detail)?;
            excepted.push((
                check.clone(),
                Excepted {
                    resource: stands.resource.clone(),
                    object: stands.object.clone(),
                    because: text(&detail["because"]),
                    excuse: excuse(&detail["lineage"]),
                },
            ));
        }
    }
    Ok(excepted)
}

/// The first excuse in a lineage: of an object that a check says more than one thing of, it is a list.
fn excuse(lineage: &Value) -> Value {
    let parts = lineage.as_array().into_iter().flatten();
    let nested = || parts.map(excuse).find(|excuse| !excuse.is_null());
    lineage.get("excuse").cloned().or_else(nested).unwrap_or_default()
}

fn observation_id(manifest: &Manifest, row: &Value) -> Uuid {
    id(
        manifest,
        &format!("result {} {}", text(&row["seq"]), text(&row["check"])),
    )
}

fn describe(row: &Value, detail: &Value) -> String {
    let counts = &row["counts"];
    let [all, failed, excepted] = [0, 2, 3].map(|at: usize| text(&counts[at]));
    let reason = detail["reason"]
        .as_str()
        .map(|reason| format!(" {}", one_line(reason)))
        .unwrap_or_default();
    let status = text(&row["status"]);
    format!("{status}: of {all}, {failed} failed and {excepted} are excepted.{reason}")
}

fn subject(manifest: &Manifest, stands: &Stands) -> Value {
    let Stands {
        resource, object, word, ..
    } = stands;
    let kind = match resource.as_str() {
        "users" => "user",
        "managed_devices" => "inventory-item",
        _ => "resource",
    };
    json!({
        "subject-uuid": id(manifest, &format!("{resource} {object}")), "type": kind,
        "props": [prop("resource", resource), prop("id", object), prop("finding", word)],
    })
}

fn prop(name: &str, value: &str) -> Value {
    let value = one_line(value);
    json!({"name": name, "ns": NS, "value": if value.is_empty() { "-" } else { &value }})
}

/// Lists are there with something in them, or not at all.
fn put(object: &mut Value, name: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if let (false, Value::Object(fields)) = (items.is_empty(), object) {
        let fields: &mut Map<String, Value> = fields;
        fields.insert(name.to_owned(), items.into());
    }
}

/// OSCAL's strings have no line breaks and no space around them.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A control as OSCAL names things: no brackets, and never a digit first.
fn token(framework: &str, control: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '.'
        }
    };
    let text: String = format!("{framework}_{control}").chars().map(plain).collect();
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_has_a_name_of_its_own_that_oscal_takes() {
        let mut names = BTreeMap::new();
        for framework in Catalogue::get().frameworks() {
            for control in &framework.controls {
                let name = token(&framework.id, &control.id);
                assert!(
                    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'),
                    "{name}"
                );
                let other = names.insert(name.clone(), (&framework.id, &control.id));
                assert_eq!(other, None, "{name}");
            }
        }
        assert_eq!(token("nist", "IA-2(1)"), "nist_IA-2.1");
    }
}
