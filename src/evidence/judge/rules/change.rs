//! What changed since the run before, who did it, and what has been "on trial" for too long.
//!
//! The danger: no earlier run is not "no change", and no entry in the audit log is not "nobody".

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::given::Assignment;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{AuditEntry, Policy, PolicyState, RoleAssignment};
use crate::evidence::snapshot::{Gap, Indeterminate, Object, Resource};

/// How long a policy may be report-only.
pub(super) const MAX_DAYS_REPORT_ONLY: i64 = 30;

pub(super) fn report_only_stale(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let on_trial = |state| {
        matches!(
            state,
            PolicyState::EnabledForReportingButNotEnforced | PolicyState::Unknown
        )
    };
    let policies: Vec<_> = bench
        .policies()?
        .iter()
        .filter(|policy| on_trial(policy.state))
        .collect();
    tally.population(
        "REPORT_ONLY",
        Resource::CaPolicies,
        policies.iter().map(|policy| policy.id.as_str()),
    );
    for policy in policies {
        let seen = bench.past.report_only_since.get(&policy.id).copied();
        // What was not changed since before we first looked has been report-only since then, not since we looked.
        let changed = policy.modified_date_time.or(policy.created_date_time);
        let since = seen.into_iter().chain(changed).min();
        let lineage = json!({"since": since, "seenByUs": seen.is_some() && since == seen});
        match since {
            _ if policy.state == PolicyState::Unknown => {
                tally.review(
                    policy,
                    "the state of the policy is a word that is not known here",
                    lineage,
                );
            }
            None => tally.review(policy, "since when the policy is report-only is not known", lineage),
            Some(since) if (bench.now() - since).num_days() > MAX_DAYS_REPORT_ONLY => {
                let day = since.format("%Y-%m-%d");
                tally.failed(policy, format!("report-only since {day}: never enforced"), lineage);
            }
            Some(_) => tally.passed(),
        }
    }
    Ok(())
}

/// How far back the audit log is read: as far as Microsoft keeps it for every tenant.
const DAYS_AUDITED: i64 = 7;

fn no_earlier_run(resource: Resource) -> Indeterminate {
    Indeterminate {
        resource,
        gap: Gap::PartialCollection,
        detail: format!("no earlier run has read {resource} whole: there is nothing to compare with"),
    }
}

/// The audit entries about an object between two readings.
struct Window<'a> {
    entries: Vec<AuditEntry>,
    from: DateTime<Utc>,
    bench: &'a Bench<'a>,
}

impl<'a> Window<'a> {
    fn new(bench: &'a Bench<'a>, from: DateTime<Utc>) -> Result<Self, Indeterminate> {
        if bench.now() - from > Duration::days(DAYS_AUDITED) {
            return Err(Indeterminate {
                resource: Resource::DirectoryAudits,
                gap: Gap::StaleSource,
                detail: format!(
                    "the run before is older than the {DAYS_AUDITED} days that the audit log is sure to hold"
                ),
            });
        }
        let entries = bench.read(Resource::DirectoryAudits)?;
        Ok(Self { entries, from, bench })
    }

    fn holds(&self, at: DateTime<Utc>) -> bool {
        at > self.from && at <= self.bench.now()
    }

    /// The entry about an object whose activity has this word in its name.
    fn entry(&self, target: &str, about: &str) -> Option<&AuditEntry> {
        let matches = |entry: &&AuditEntry| {
            let named = entry
                .activity_display_name
                .as_deref()
                .unwrap_or_default()
                .to_lowercase();
            let aimed = entry
                .target_resources
                .iter()
                .any(|aimed| aimed.id.as_deref() == Some(target));
            aimed && named.contains(about) && entry.activity_date_time.is_some_and(|at| self.holds(at))
        };
        self.entries.iter().find(matches)
    }

    fn judge(&self, tally: &mut Tally<'_>, subject: Subject<'_>, target: &str, about: &str, mut lineage: Value) {
        let entry = self.entry(target, about);
        let changes = self.bench.declarations.changes.iter();
        let ticket = changes
            .filter(|change| self.holds(change.at))
            .find(|change| change.object_id == target);
        lineage["between"] = json!([self.from, self.bench.now()]);
        lineage["audit"] = told(entry);
        lineage["ticket"] = json!(ticket.map(|ticket| &ticket.reference));
        match (entry, ticket) {
            (None, _) => tally.failed(subject, "changed, and no entry of the audit log says by whom", lineage),
            (Some(_), None) => tally.review(subject, "changed by a known hand, without a ticket", lineage),
            (Some(_), Some(_)) => tally.passed(),
        }
    }
}

fn told(entry: Option<&AuditEntry>) -> Value {
    entry.map_or(Value::Null, |entry| {
        json!({
            "at": entry.activity_date_time,
            "activity": entry.activity_display_name,
            "by": entry.initiated_by,
            "correlationId": entry.correlation_id,
        })
    })
}

pub(super) fn disabled_policies(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let is_off = |policy: &&Policy| matches!(policy.state, PolicyState::Disabled | PolicyState::Unknown);
    let policies: Vec<&Policy> = bench.policies()?.iter().filter(is_off).collect();
    let ids = policies.iter().map(|policy| policy.id.as_str());
    tally.population("DISABLED", Resource::CaPolicies, ids);
    if policies.is_empty() {
        return Ok(());
    }
    let before = bench
        .past
        .policies
        .as_ref()
        .ok_or_else(|| no_earlier_run(Resource::CaPolicies))?;
    // Who did it is told where the audit log goes back so far. The verdict does not hang on it.
    let window = Window::new(bench, before.taken_at).ok();
    for policy in policies {
        let old = before.objects.iter().find(|old| old.id == policy.id);
        let old = old.and_then(|old| old.content["state"].as_str());
        // What moves from run to run stays out of what lasts: it would say something else each time.
        let mut lineage = json!({"stateBefore": old, "modifiedDateTime": policy.modified_date_time});
        match (policy.state, old) {
            (PolicyState::Unknown, _) => {
                let because = "the state of the policy is a word that is not known here";
                tally.review(policy, because, lineage);
            }
            (_, Some("enabled")) => {
                let entry = window.as_ref().and_then(|window| window.entry(&policy.id, ""));
                lineage["between"] = json!([before.taken_at, bench.now()]);
                lineage["audit"] = told(entry);
                tally.failed(policy, "was in force in the run before, and is disabled", lineage);
            }
            _ => tally.review(policy, "disabled for longer: is it still needed?", lineage),
        }
    }
    Ok(())
}

pub(super) fn policy_changed(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let now = bench.snapshot.complete(Resource::CaPolicies)?;
    let before = bench
        .past
        .policies
        .as_ref()
        .ok_or_else(|| no_earlier_run(Resource::CaPolicies))?;
    let by_id = |objects: &'_ [Object]| -> BTreeMap<String, Value> {
        objects
            .iter()
            .map(|object| (object.id.clone(), object.content.clone()))
            .collect()
    };
    let (old, new) = (by_id(&before.objects), by_id(now.objects()));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changes: Vec<_> = ids
        .into_iter()
        .map(|id| (id, difference(old.get(id), new.get(id))))
        .filter(|(_, paths)| !paths.is_empty())
        .collect();
    tally.population(
        "CHANGED",
        Resource::CaPolicies,
        changes.iter().map(|(id, _)| id.as_str()),
    );
    if changes.is_empty() {
        tally.not_applicable(format!("no policy has changed since {}", before.taken_at));
        return Ok(());
    }
    let window = Window::new(bench, before.taken_at)?;
    for (id, paths) in changes {
        let content = new.get(id).or_else(|| old.get(id));
        let name = content.and_then(|content| content["displayName"].as_str());
        let subject = Subject {
            resource: Resource::CaPolicies,
            id,
            name,
        };
        window.judge(tally, subject, id, "", json!({"changes": paths}));
    }
    Ok(())
}

/// The paths at which two policies differ, with what was and what is. When it was touched is no difference.
fn difference(old: Option<&Value>, new: Option<&Value>) -> Vec<Value> {
    let mut paths = Vec::new();
    walk("", old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), &mut paths);
    paths
}

fn walk(path: &str, old: &Value, new: &Value, paths: &mut Vec<Value>) {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys
            .into_iter()
            .filter(|key| *key != "modifiedDateTime" && !key.contains("@odata"))
        {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let of = |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
            walk(&path, &of(old), &of(new), paths);
        }
    } else if !same(old, new) {
        paths.push(json!({"path": path, "before": old, "after": new}));
    }
}

/// Lists in policies are sets.
fn same(old: &Value, new: &Value) -> bool {
    let set = |value: &Value| -> Option<BTreeSet<String>> {
        Some(value.as_array()?.iter().map(ToString::to_string).collect())
    };
    old == new || set(old).is_some_and(|old| set(new) == Some(old))
}

pub(super) fn role_membership_changed(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let now: Vec<RoleAssignment> = bench.read(Resource::RoleAssignments)?;
    let before = bench
        .past
        .assignments
        .as_ref()
        .ok_or_else(|| no_earlier_run(Resource::RoleAssignments))?;
    let old: BTreeSet<Assignment> = before.objects.iter().cloned().collect();
    let new: BTreeSet<Assignment> = now
        .into_iter()
        .map(|assignment| Assignment {
            principal: assignment.principal_id,
            role: assignment.role_definition_id,
            scope: assignment.directory_scope_id.unwrap_or_else(|| "/".to_owned()),
        })
        .collect();
    let id = |assignment: &Assignment| format!("{}|{}|{}", assignment.principal, assignment.role, assignment.scope);
    let changed: Vec<String> = old.symmetric_difference(&new).map(id).collect();
    tally.population("CHANGED", Resource::RoleAssignments, changed.iter().map(String::as_str));
    if changed.is_empty() {
        tally.not_applicable(format!("no role assignment has changed since {}", before.taken_at));
        return Ok(());
    }
    let window = Window::new(bench, before.taken_at)?;
    for assignment in old.symmetric_difference(&new) {
        let (id, added) = (id(assignment), new.contains(assignment));
        let subject = Subject {
            resource: Resource::RoleAssignments,
            id: &id,
            name: None,
        };
        let lineage = json!({"assignment": assignment, "change": if added { "added" } else { "removed" }});
        window.judge(tally, subject, &assignment.principal, "role", lineage);
    }
    Ok(())
}
