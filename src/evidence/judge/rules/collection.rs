//! The evidence itself: whole, without gaps, read with the right permissions, and fresh.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::snapshot::{Gap, Indeterminate, Outcome, Pull, Resource};

/// By how many objects two counts may differ: people come and go while a run reads.
pub(super) const TOLERANCE: u64 = 2;
/// And by which part of the whole, in percent.
pub(super) const TOLERANCE_PERCENT: f64 = 0.5;
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

pub(super) fn completeness(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    // What the tenant cannot have is no hole in what was read; it is named, and not counted.
    let (unlicensed, pulls): (Vec<_>, Vec<_>) = bench
        .snapshot
        .pulls
        .iter()
        .partition(|(_, pull)| pull.outcome == Outcome::LicenceMissing);
    tally.fact(
        "notLicensed",
        unlicensed
            .iter()
            .map(|(resource, _)| resource.as_str())
            .collect::<Vec<_>>(),
    );
    tally.population(
        "RESOURCES",
        Resource::Organization,
        pulls.iter().map(|(resource, _)| resource.as_str()),
    );
    for (resource, pull) in pulls {
        let second = second_count(bench, *resource, pull);
        let items = pull.objects.len() as u64;
        let lineage = json!({
            "items": items,
            "independentCount": second.as_ref().map(|(count, _)| count),
            "source": second.as_ref().map(|(_, source)| source),
            "startedAt": pull.started_at,
            "finishedAt": pull.finished_at,
            "requestIds": pull.request_ids,
        });
        match (bench.snapshot.complete(*resource), second) {
            (Err(gap), _) => tally.not_evaluated(subject(*resource), gap, lineage),
            (Ok(_), _) if SINGLE.contains(resource) => tally.passed(),
            (Ok(_), Some((count, _))) if within_tolerance(items, count) => tally.passed(),
            (Ok(_), Some((count, source))) => {
                tally.failed(
                    subject(*resource),
                    format!("{items} were read, and {source} gives {count}"),
                    lineage,
                );
            }
            (Ok(_), None) => tally.review(subject(*resource), "nothing else counts these objects", lineage),
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
    let overview: Value = bench.only(Resource::DeviceOverview).ok()?;
    Some((
        overview["enrolledDeviceCount"].as_u64()?,
        "managedDeviceOverview.enrolledDeviceCount".to_owned(),
    ))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "half a percent of a count needs no more than 52 bits"
)]
fn within_tolerance(items: u64, count: u64) -> bool {
    let apart = items.abs_diff(count);
    apart <= TOLERANCE || apart as f64 <= count as f64 * TOLERANCE_PERCENT / 100.0
}

pub(super) fn gap(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let Some(from) = bench.past.period_from else {
        return Err(Indeterminate {
            resource: Resource::Organization,
            gap: Gap::PartialCollection,
            detail: "when the collection began is not known".to_owned(),
        });
    };
    let licensed = |(_, pull): &(&Resource, &Pull)| pull.outcome != Outcome::LicenceMissing;
    let pulls: Vec<_> = bench.snapshot.pulls.iter().filter(licensed).collect();
    tally.population(
        "RESOURCES",
        Resource::Organization,
        pulls.iter().map(|(resource, _)| resource.as_str()),
    );
    for (resource, pull) in pulls {
        let earlier = bench
            .past
            .complete_readings
            .get(resource)
            .into_iter()
            .flatten()
            .copied();
        let (whole, now) = (pull.is_complete(), bench.now());
        let mut before = from;
        let mut gaps: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        for at in earlier.chain([now]) {
            if at - before > Duration::hours(MAX_HOURS_BETWEEN) {
                gaps.push((before, at));
            }
            before = at;
        }
        let lineage = json!({"gaps": gaps, "readNow": whole, "refusal": pull.refusal});
        if gaps.is_empty() {
            tally.passed();
        } else {
            let because = format!(
                "not read whole for more than {MAX_HOURS_BETWEEN} hours, {} times",
                gaps.len()
            );
            tally.failed(subject(*resource), because, lineage);
        }
    }
    Ok(())
}

pub(super) fn permissions(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let granted: Vec<&str> = bench.snapshot.granted_roles.iter().map(String::as_str).collect();
    let mut all: Vec<&str> = granted.iter().chain(DECLARED).copied().collect();
    all.sort_unstable();
    all.dedup();
    tally.population("PERMISSIONS", Resource::Organization, all.iter().copied());
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
