//! The evidence itself: whole, without gaps, read with the right permissions, and fresh.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::snapshot::{Gap, Indeterminate, Outcome, Pull, Resource, within_tolerance};
pub(super) use crate::evidence::snapshot::{TOLERANCE, TOLERANCE_PERCENT};

/// The longest time between two complete readings.
pub(super) const MAX_HOURS_BETWEEN: i64 = 24;
/// How old what the service computed may be.
pub(super) const MAX_HOURS_OLD: i64 = 72;
/// Which part of it may be older.
pub(super) const MAX_SHARE_OLD: f64 = 0.05;

/// What is requested, and nothing else. None of it can write.
pub(super) const DECLARED: &[&str] = &[
    "AuditLog.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "User.Read.All",
];

/// Resources of which there is one object: nothing to count.
const SINGLE: &[Resource] = &[
    Resource::SecurityDefaults,
    Resource::AuthzPolicy,
    Resource::AuthMethodsPolicy,
    Resource::AdminConsentPolicy,
    Resource::Organization,
    Resource::DeviceOverview,
    Resource::DeviceMgmt,
    Resource::ComplianceSummary,
];

fn subject(resource: Resource) -> Subject<'static> {
    Subject {
        resource,
        id: resource.as_str(),
        name: None,
    }
}

/// What the tenant can have. What it cannot is no hole in what was read: it is named, and not counted.
fn licensed(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Vec<Resource> {
    let is_unlicensed = |resource: &Resource| {
        let pull = bench.snapshot.pulls.get(resource);
        pull.is_some_and(|pull| pull.outcome == Outcome::LicenceMissing)
    };
    let (unlicensed, licensed): (Vec<_>, Vec<_>) = Resource::ALL.iter().copied().partition(is_unlicensed);
    let words =
        |resources: &[Resource]| -> Vec<&'static str> { resources.iter().map(|resource| resource.as_str()).collect() };
    tally.fact("notLicensed", words(&unlicensed));
    let completeness = format!(
        "Everything that a run reads, but {} for want of a licence.",
        unlicensed.len()
    );
    tally.population_by("RESOURCES", completeness, words(&licensed).into_iter());
    licensed
}

pub(super) fn completeness(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for resource in licensed(bench, tally) {
        let Some(pull) = bench.snapshot.pulls.get(&resource) else {
            let gap = bench.snapshot.complete(resource).err();
            let gap = gap.expect("what is not among the readings is not complete");
            tally.not_evaluated(subject(resource), gap, json!({}));
            continue;
        };
        let second = second_count(bench, resource, pull);
        let items = pull.objects.len() as u64;
        // The reading has its times and request ids. Here they would make every run say something else.
        let lineage = json!({
            "items": items,
            "independentCount": second.as_ref().map(|(count, _)| count),
            "source": second.as_ref().map(|(_, source)| source),
        });
        match (bench.snapshot.complete(resource), second) {
            (Ok(_), _) if SINGLE.contains(&resource) => tally.passed(),
            (_, Some((count, source))) if pull.last_page_reached && !within_tolerance(items, count) => {
                tally.failed(
                    subject(resource),
                    format!("{items} were read, and {source} gives {count}"),
                    lineage,
                );
            }
            (Err(gap), _) => tally.not_evaluated(subject(resource), gap, lineage),
            (Ok(_), Some(_)) => tally.passed(),
            // That policies are read twice tells that they stood still. Whatever cuts the list short once would do so twice.
            (Ok(_), None) => tally.review(subject(resource), "nothing else counts these objects", lineage),
        }
    }
    Ok(())
}

fn second_count(bench: &Bench<'_>, resource: Resource, pull: &Pull) -> Option<(u64, String)> {
    if let Some(witness) = &pull.witness {
        return Some((witness.count, witness.source.clone()));
    }
    if resource != Resource::ManagedDevices {
        return None;
    }
    Some((
        bench.enrolled()?,
        "managedDeviceOverview.enrolledDeviceCount".to_owned(),
    ))
}

pub(super) fn gap(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let Some(from) = bench.past.period_from else {
        return Err(Indeterminate {
            resource: Resource::Organization,
            gap: Gap::PartialCollection,
            detail: "when the collection began is not known".to_owned(),
        });
    };
    for resource in licensed(bench, tally) {
        let pull = bench.snapshot.pulls.get(&resource);
        let earlier = bench.past.complete_readings.get(&resource);
        let earlier = earlier.into_iter().flatten().copied();
        let (whole, now) = (pull.is_some_and(Pull::is_complete), bench.now());
        let mut before = from;
        let mut gaps: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        for at in earlier.chain([now]) {
            if at - before > Duration::hours(MAX_HOURS_BETWEEN) {
                gaps.push((before, at));
            }
            before = at;
        }
        let lineage = json!({"gaps": gaps, "readNow": whole, "refusal": pull.map(|pull| &pull.refusal)});
        if gaps.is_empty() {
            tally.passed();
        } else {
            let because = format!(
                "not read whole for more than {MAX_HOURS_BETWEEN} hours, {} times",
                gaps.len()
            );
            tally.failed(subject(resource), because, lineage);
        }
    }
    Ok(())
}

pub(super) fn permissions(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let granted: Vec<&str> = bench.snapshot.granted_roles.iter().map(String::as_str).collect();
    let mut all: Vec<&str> = granted.iter().chain(DECLARED).copied().collect();
    all.sort_unstable();
    all.dedup();
    let completeness = "The permissions in the token of the run, and those that are asked for.".to_owned();
    tally.population_by("PERMISSIONS", completeness, all.iter().copied());
    let mut sorted = granted.clone();
    sorted.sort_unstable();
    let hash = Sha256::digest(sorted.join(" "));
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    tally.fact("grantedSha256", hash);
    tally.fact("granted", sorted);
    for role in all {
        let subject = Subject {
            resource: Resource::Organization,
            id: role,
            name: Some(role),
        };
        match (granted.contains(&role), DECLARED.contains(&role)) {
            (true, true) => tally.passed(),
            (true, false) => tally.failed(subject, "granted, and not asked for", json!({})),
            (false, _) => tally.failed(subject, "asked for, and not granted", json!({})),
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a share of rows needs no more than 52 bits")]
pub(super) fn freshness(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let rows = bench.registrations()?;
    let pull = bench.snapshot.pulls.get(&Resource::ManagedDevices);
    if pull.is_none_or(|pull| pull.outcome != Outcome::LicenceMissing) {
        let last = bench
            .devices()?
            .iter()
            .filter_map(|device| device.last_sync_date_time)
            .min();
        tally.fact("oldestDeviceSync", json!(last));
    }
    tally.population("ROWS", Resource::Registration, rows.iter().map(|row| row.id.as_str()));
    let limit = bench.now() - Duration::hours(MAX_HOURS_OLD);
    let is_old = |updated: &DateTime<Utc>| *updated < limit;
    let old = rows
        .iter()
        .filter(|row| row.last_updated_date_time.as_ref().is_some_and(is_old))
        .count();
    let share = if rows.is_empty() {
        0.0
    } else {
        old as f64 / rows.len() as f64
    };
    tally.fact("olderThanAllowed", old);
    tally.fact(
        "oldest",
        json!(rows.iter().filter_map(|row| row.last_updated_date_time).min()),
    );
    for row in rows {
        let name = row.user_display_name.as_deref();
        let subject = Subject {
            resource: Resource::Registration,
            id: &row.id,
            name,
        };
        let lineage = json!({"lastUpdatedDateTime": row.last_updated_date_time});
        match row.last_updated_date_time {
            None => tally.review(subject, "when the row was computed is not said", lineage),
            Some(updated) if is_old(&updated) && share > MAX_SHARE_OLD => {
                let because = format!("older than {MAX_HOURS_OLD} hours, as too many rows are");
                tally.failed(subject, because, lineage);
            }
            Some(_) => tally.passed(),
        }
    }
    Ok(())
}
