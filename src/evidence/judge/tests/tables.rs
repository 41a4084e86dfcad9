//! One line for each outcome that a check may have, and what holds of every outcome.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::fixture::Case;
use super::{admission, assigned, changes, devices, lighter, narrowed, people, policies, readings};
use crate::evidence::catalogue::Catalogue;

/// What a check says of the company in good order after a change, and the change in words.
pub type Row = (&'static str, Status, &'static str, fn(Case) -> Case);

fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        people::ROWS,
        policies::ROWS,
        admission::ROWS,
        assigned::ROWS,
        changes::ROWS,
        devices::ROWS,
        readings::ROWS,
        lighter::ROWS,
        narrowed::ROWS,
    ];
    tables.into_iter().flatten()
}

#[test]
fn each_check_says_of_each_change_what_the_table_says() {
    let mut wrong = Vec::new();
    for (check, status, change, apply) in rows() {
        let verdict = apply(Case::healthy()).verdict(check);
        if verdict.status != *status {
            wrong.push(format!(
                "{check}: {change}: {} and not {status}: {:?} {:?}",
                verdict.status, verdict.reason, verdict.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a check cannot say, with why.
const NEVER: &[(&str, Status, &str)] = &[
    (
        "entra.auth.methods_migration_complete",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    (
        "entra.authz.app_registration_restricted",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    (
        "entra.authz.admin_consent_workflow",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    (
        "entra.guest.invite_restricted",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    (
        "entra.guest.access_restricted",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    ("entra.guest.stale", Status::NeedsReview, "dates alone decide"),
    (
        "entra.admin.global_admin_count",
        Status::NeedsReview,
        "a number alone decides",
    ),
    (
        "entra.admin.global_admin_count",
        Status::NotApplicable,
        "none are too few",
    ),
    (
        "entra.ca.emergency_access_excluded",
        Status::NotApplicable,
        "without accounts a person must look",
    ),
    (
        "entra.tenant.security_defaults_or_ca",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    (
        "entra.auth.weak_methods_disabled",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    (
        "entra.authz.user_consent_restricted",
        Status::NotApplicable,
        "there is always a tenant",
    ),
    ("entra.admin.stale", Status::NeedsReview, "dates alone decide"),
    (
        "entra.admin.cloud_only",
        Status::NeedsReview,
        "one property alone decides",
    ),
    (
        "entra.admin.no_guest_privileged",
        Status::NeedsReview,
        "two properties alone decide",
    ),
    (
        "intune.device.in_grace_period",
        Status::Pass,
        "who is within grace is listed for a person",
    ),
    (
        "evidence.collection_completeness",
        Status::NotApplicable,
        "there is always a reading",
    ),
    ("evidence.collection_gap", Status::NeedsReview, "dates alone decide"),
    (
        "evidence.collection_gap",
        Status::NotApplicable,
        "there is always a reading",
    ),
    (
        "evidence.collector_permissions",
        Status::NeedsReview,
        "two lists are the same or not",
    ),
    (
        "evidence.collector_permissions",
        Status::NotApplicable,
        "there is always a list",
    ),
];

#[test]
fn every_check_is_seen_in_every_outcome_that_it_can_have() {
    let never: BTreeSet<(&str, Status)> = NEVER.iter().map(|(check, status, _)| (*check, *status)).collect();
    let mut seen: BTreeMap<&str, BTreeSet<Status>> = BTreeMap::new();
    for (check, status, ..) in rows() {
        seen.entry(check).or_default().insert(*status);
    }
    let outcomes = [Status::Pass, Status::Fail, Status::NeedsReview, Status::NotApplicable];
    let mut missing = Vec::new();
    for rule in rules::ALL {
        for status in outcomes {
            let is_seen = seen.get(rule.id).is_some_and(|seen| seen.contains(&status));
            if is_seen == never.contains(&(rule.id, status)) {
                missing.push(format!("{} {status}: seen {is_seen}", rule.id));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_company_in_good_order_passes_what_it_has() {
    let other = Case::healthy()
        .verdicts()
        .into_iter()
        .filter(|verdict| verdict.status != Status::Pass);
    let other: Vec<(String, Status)> = other.map(|verdict| (verdict.check, verdict.status)).collect();
    let expected = [
        ("entra.ca.report_only_stale", Status::NotApplicable),
        ("entra.ca.policy_changed", Status::NotApplicable),
        ("entra.admin.role_membership_changed", Status::NotApplicable),
        ("intune.device.in_grace_period", Status::NotApplicable),
        // No table of dates for telephones.
        ("intune.device.os_supported", Status::NeedsReview),
        // The one for administrators is enough, and Ada is one too few.
        ("entra.ca.phishing_resistant_mfa_all", Status::Fail),
        ("entra.admin.global_admin_count", Status::Fail),
        ("entra.ca.disabled_policies", Status::NotApplicable),
        // Ada has no device.
        ("intune.device.user_coverage", Status::Fail),
        // No table of dates for telephones.
        ("intune.policy.minimum_os", Status::NeedsReview),
    ];
    assert_eq!(other, expected.map(|(check, status)| (check.to_owned(), status)));
}

#[test]
fn the_parts_add_up_and_nobody_passes_over_nobody() {
    for (check, _, change, apply) in rows() {
        for verdict in apply(Case::healthy()).verdicts() {
            let Counts {
                population,
                passed,
                failed,
                excepted,
                review,
                not_evaluated,
            } = verdict.counts;
            let what = format!("{} after {check}: {change}", verdict.check);
            assert_eq!(
                population,
                passed + failed + excepted + review + not_evaluated,
                "{what}"
            );
            assert_eq!(verdict.findings.len() as u64, population - passed, "{what}");
            if verdict.status == Status::Indeterminate && population == 0 {
                continue;
            }
            if verdict.status != Status::NotApplicable {
                let named: u64 = verdict.populations.iter().map(|population| population.size).sum();
                assert_eq!(named, population, "{what}: {:?}", verdict.populations);
            }
            if verdict.status == Status::Pass {
                assert!(population > 0 && failed + review + not_evaluated == 0, "{what}");
            }
            let explained = verdict.reason.is_some() || verdict.status == Status::Pass || !verdict.findings.is_empty();
            assert!(explained, "{what}");
            assert_eq!(
                verdict.indeterminate.is_some(),
                verdict.status == Status::Indeterminate,
                "{what}"
            );
        }
    }
}

#[test]
fn the_same_input_gives_the_same_verdict_in_whatever_order_it_came() {
    let case = Case::healthy();
    let mut turned = Case::healthy();
    for pull in turned.snapshot.pulls.values_mut() {
        pull.objects.reverse();
    }
    let words = |case: &Case| serde_json::to_string(&case.verdicts()).unwrap();
    assert_eq!(words(&case), words(&case));
    let statuses = |case: &Case| {
        case.verdicts()
            .into_iter()
            .map(|verdict| (verdict.check, verdict.status, verdict.counts))
    };
    assert!(statuses(&case).eq(statuses(&turned)));
}

#[test]
fn a_verdict_carries_the_version_and_the_hash_of_the_words_it_was_made_by() {
    for verdict in Case::healthy().verdicts() {
        let check = Catalogue::get().check(&verdict.check).unwrap();
        assert_eq!(
            (verdict.version, &verdict.logic_sha256),
            (check.version, &check.logic_sha256)
        );
        let words = check.parameters.as_object().unwrap().keys();
        for parameter in words {
            assert!(verdict.parameters.get(parameter).is_some(), "{}: {parameter}", check.id);
        }
    }
}

#[test]
fn every_check_of_the_catalogue_is_judged_once() {
    let judged: BTreeSet<&str> = rules::ALL.iter().map(|rule| rule.id).collect();
    assert_eq!(judged.len(), rules::ALL.len());
    let catalogue: BTreeSet<&str> = Catalogue::get()
        .checks()
        .iter()
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(judged, catalogue);
}
