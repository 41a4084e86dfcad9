//! The evidence itself, and what a reading that did not end well does to a verdict.

use chrono::Duration;
use serde_json::json;

use super::super::Status::{Fail, Indeterminate, NeedsReview, NotApplicable, Pass};
use super::super::*;
use super::fixture::{Case, days_ago, now};
use super::tables::Row;
use crate::evidence::catalogue::Catalogue;
use crate::evidence::snapshot::Resource::{
    AuthStrengths, CaPolicies, DirectoryAudits, GroupMembers, Registration, RoleAssignments, Users,
};
use crate::evidence::snapshot::{Gap, Outcome, Resource};

pub const ROWS: &[Row] = &[
    ("evidence.collection_completeness", Pass, "as it is", |case| case),
    (
        "evidence.collection_completeness",
        Fail,
        "people are missing",
        |mut case| {
            case.pull(Users).witness.as_mut().unwrap().count = 50;
            case
        },
    ),
    (
        "evidence.collection_completeness",
        Pass,
        "two came while it was read",
        |mut case| {
            case.pull(Users).witness.as_mut().unwrap().count += 2;
            case
        },
    ),
    (
        "evidence.collection_completeness",
        NeedsReview,
        "nothing else counts",
        |mut case| {
            case.pull(CaPolicies).witness = None;
            case
        },
    ),
    (
        "evidence.collection_completeness",
        Indeterminate,
        "one was not read",
        |mut case| {
            case.snapshot.pulls.remove(&CaPolicies);
            case
        },
    ),
    ("evidence.collection_completeness", Pass, "one cannot be had", |case| {
        case.ended(Registration, Outcome::LicenceMissing)
    }),
    ("evidence.collection_gap", Pass, "as it is", |case| case),
    ("evidence.collection_gap", Fail, "nobody read for days", |mut case| {
        case.past.period_from = Some(days_ago(10));
        case
    }),
    (
        "evidence.collection_gap",
        Indeterminate,
        "nobody knows since when",
        |mut case| {
            case.past.period_from = None;
            case
        },
    ),
    ("evidence.collector_permissions", Pass, "as it is", |case| case),
    ("evidence.collector_permissions", Fail, "one too few", |mut case| {
        case.snapshot.granted_roles.pop();
        case
    }),
    ("evidence.collector_permissions", Fail, "one too many", |mut case| {
        case.snapshot.granted_roles.push("User.ReadWrite.All".to_owned());
        case
    }),
    ("evidence.source_freshness", Pass, "as it is", |case| case),
    ("evidence.source_freshness", Fail, "old", |case| {
        case.change_all(Registration, &json!({"lastUpdatedDateTime": days_ago(4)}))
    }),
    ("evidence.source_freshness", NeedsReview, "not said", |case| {
        case.change(Registration, "ben", json!({"lastUpdatedDateTime": null}))
    }),
    ("evidence.source_freshness", NotApplicable, "no rows", |case| {
        case.none_of(Registration)
    }),
    ("evidence.source_freshness", Pass, "no devices to be had", |case| {
        case.ended(Resource::ManagedDevices, Outcome::LicenceMissing)
    }),
];

/// How a reading ended in words, what is said of it, and the company with such a reading.
type Ending = (&'static str, Gap, fn(Case, Resource) -> Case);

/// Every ending but the good one.
fn endings() -> Vec<Ending> {
    vec![
        ("a page is missing", Gap::PartialCollection, |case, one| {
            case.ended(one, Outcome::Partial)
        }),
        ("withdrawn", Gap::PermissionMissing, |case, one| {
            case.ended(one, Outcome::PermissionMissing)
        }),
        ("no licence", Gap::LicenceMissing, |case, one| {
            case.ended(one, Outcome::LicenceMissing)
        }),
        ("a storm of 429", Gap::ThrottledIncomplete, |case, one| {
            case.ended(one, Outcome::Throttled)
        }),
        ("an error", Gap::EndpointError, |case, one| {
            case.ended(one, Outcome::Error)
        }),
        ("not read", Gap::PartialCollection, |mut case, one| {
            case.snapshot.pulls.remove(&one);
            case
        }),
        (
            "called complete without its last page",
            Gap::PartialCollection,
            |mut case, one| {
                case.pull(one).last_page_reached = false;
                case
            },
        ),
    ]
}

/// What is judged for what was not read whole, because that is the subject; or for what the tenant cannot have.
fn looks_at_endings(check: &str) -> bool {
    matches!(
        check,
        "evidence.collection_completeness" | "evidence.collection_gap" | "evidence.source_freshness"
    )
}

#[test]
fn no_check_judges_what_was_not_read_to_its_end_and_each_says_why() {
    for resource in Resource::ALL {
        for (how, gap, end) in endings() {
            for verdict in end(Case::healthy(), *resource).verdicts() {
                let check = Catalogue::get().check(&verdict.check).unwrap();
                let reads = check.endpoints.iter().any(|endpoint| endpoint == resource.as_str());
                if looks_at_endings(&check.id) {
                    continue;
                }
                if !reads {
                    let rests = verdict.status != Indeterminate && verdict.inputs.contains(resource);
                    assert!(!rests, "{} rests on {resource}: {how}", check.id);
                    continue;
                }
                let what = format!("{}: {resource}: {how}: {:?}", check.id, verdict.reason);
                assert_eq!(verdict.status, Indeterminate, "{what}");
                let missing = verdict.indeterminate.expect("a test before says so");
                assert_eq!((missing.resource, missing.gap), (*resource, gap), "{what}");
                assert!(
                    verdict.findings.is_empty() && verdict.counts == Counts::default(),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn what_was_not_read_never_makes_a_check_pass_that_did_not() {
    for resource in Resource::ALL {
        for (how, _, end) in endings() {
            let broken = Case::healthy().none_of(CaPolicies).none_of(Registration);
            let before = broken.verdicts();
            let after = end(Case::healthy().none_of(CaPolicies).none_of(Registration), *resource).verdicts();
            for (before, after) in before.iter().zip(&after) {
                let better = before.status != Pass && after.status == Pass;
                assert!(!better, "{} without {resource}: {how}", before.check);
            }
        }
    }
}

#[test]
fn fewer_than_are_counted_are_not_all() {
    let counted = |count| {
        let mut case = Case::healthy();
        case.pull(Users).witness.as_mut().unwrap().count = count;
        case
    };
    let verdict = counted(1_500).verdict("entra.ca.mfa_all_users");
    let missing = verdict.indeterminate.expect("five are not all");
    assert_eq!((missing.resource, missing.gap), (Users, Gap::PartialCollection));
    assert_eq!(missing.detail, "users: 5 came, and $count gives 1500.");
    for near in [1, 3, 7] {
        assert_eq!(counted(near).verdict("entra.ca.mfa_all_users").status, Pass, "{near}");
    }
    assert_eq!(counted(8).verdict("entra.ca.mfa_all_users").status, Indeterminate);
}

#[test]
fn zero_users_are_no_answer() {
    let verdict = Case::healthy().none_of(Users).verdict("entra.ca.mfa_all_users");
    assert_eq!(verdict.indeterminate.unwrap().gap, Gap::PartialCollection);
}

#[test]
fn a_person_of_whom_it_is_not_said_whether_the_account_is_enabled_makes_no_hole() {
    let case = Case::healthy().change(Users, "ben", json!({"accountEnabled": null}));
    let verdict = case.verdict("entra.ca.mfa_all_users");
    assert_eq!(verdict.indeterminate.unwrap().gap, Gap::EndpointError);
}

#[test]
fn an_object_that_cannot_be_read_makes_the_whole_reading_unreadable() {
    let case = Case::healthy().change(CaPolicies, "mfa", json!({"conditions": 7}));
    let verdict = case.verdict("entra.ca.mfa_all_users");
    assert_eq!(verdict.indeterminate.unwrap().gap, Gap::EndpointError);
}

#[test]
fn a_group_that_was_not_read_is_a_reference_to_nowhere() {
    let users = json!({"conditions": {"users": {"excludeGroups": ["unread"]}}});
    let case = Case::healthy().change(CaPolicies, "mfa", users);
    let verdict = case.verdict("entra.ca.mfa_all_users");
    let missing = verdict.indeterminate.unwrap();
    assert_eq!(
        (missing.resource, missing.gap),
        (GroupMembers, Gap::UnresolvedReference)
    );
}

#[test]
fn an_administrator_who_is_nobody_is_a_reference_to_nowhere() {
    let nobody = json!({"id": "1", "principalId": "nobody", "principal": null, "directoryScopeId": "/",
        "roleDefinitionId": super::fixture::GLOBAL_ADMINISTRATOR});
    let verdict = Case::healthy()
        .put(RoleAssignments, nobody)
        .verdict("entra.ca.mfa_admins");
    assert_eq!(verdict.indeterminate.unwrap().gap, Gap::UnresolvedReference);
}

#[test]
fn a_change_before_the_audit_log_begins_is_not_held_against_anybody() {
    let mut case = Case::healthy().change(CaPolicies, "mfa", json!({"state": "disabled"}));
    case.past.policies.as_mut().unwrap().taken_at = days_ago(8);
    let missing = case.verdict("entra.ca.policy_changed").indeterminate.unwrap();
    assert_eq!((missing.resource, missing.gap), (DirectoryAudits, Gap::StaleSource));
}

#[test]
fn the_first_run_does_not_say_that_nothing_changed() {
    let mut case = Case::healthy();
    case.past.policies = None;
    case.past.assignments = None;
    for check in ["entra.ca.policy_changed", "entra.admin.role_membership_changed"] {
        assert_eq!(case.verdict(check).status, Indeterminate, "{check}");
    }
}

#[test]
fn an_entry_from_before_the_run_before_explains_nothing() {
    let mut case = Case::healthy()
        .change(CaPolicies, "mfa", json!({"state": "disabled"}))
        .audited("mfa", "Update conditional access policy");
    case.past.policies.as_mut().unwrap().taken_at = now() - Duration::minutes(30);
    assert_eq!(case.verdict("entra.ca.policy_changed").failed(), ["mfa"]);
}

#[test]
fn a_verdict_names_every_reading_that_it_rests_on() {
    let named = |check: &str| Case::healthy().verdict(check).inputs;
    let consent = named("entra.authz.user_consent_restricted");
    assert_eq!(consent, [Resource::AuthzPolicy]);
    let admins = named("entra.admin.cloud_only");
    assert_eq!(
        admins,
        [Users, GroupMembers, RoleAssignments, Resource::RoleDefinitions],
        "who administers through a group is read from the groups"
    );
    assert!(named("entra.ca.mfa_all_users").contains(&AuthStrengths));
}
