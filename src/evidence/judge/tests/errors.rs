//! Errors that checks of this kind are known for, each shown not to be ours.

use serde_json::{Value, json};

use super::super::*;
use super::fixture::{Case, days_ago};
use crate::evidence::catalogue::Catalogue;
use crate::evidence::snapshot::{Outcome, Resource};

fn policy(case: Case, id: &str, change: Value) -> Case {
    case.change(Resource::CaPolicies, id, change)
}

#[test]
fn error_1_a_policy_that_exists_is_not_a_policy_that_covers() {
    let case = policy(
        Case::healthy(),
        "mfa",
        json!({"conditions": {"users": {"excludeUsers": ["ben"]}}}),
    );
    let verdict = case.verdict("entra.ca.mfa_all_users");
    assert_eq!((verdict.status, verdict.failed()), (Status::Fail, vec!["ben"]));
}

#[test]
fn error_2_a_device_or_a_second_factor_is_no_demand_for_a_device() {
    let either = |operator: &str| {
        let grant = json!({"grantControls": {"operator": operator, "builtInControls": ["compliantDevice", "mfa"]}});
        policy(Case::healthy(), "device", grant).verdict("entra.ca.compliant_device_required")
    };
    assert_eq!(either("AND").status, Status::Pass);
    let or = either("OR");
    assert_eq!(or.status, Status::Fail);
    assert_eq!(
        or.facts["deviceIsOptionalIn"],
        json!([{"policy": "device", "name": "device"}])
    );
    assert_eq!(
        either("XOR").status,
        Status::NeedsReview,
        "an operator that is not known here"
    );
}

#[test]
fn error_3_a_second_factor_for_risky_sign_ins_is_none_for_all() {
    for risk in ["signInRiskLevels", "userRiskLevels"] {
        let case = policy(
            Case::healthy(),
            "mfa",
            json!({"conditions": {risk: ["high", "medium"]}}),
        );
        assert_eq!(case.verdict("entra.ca.mfa_all_users").status, Status::Fail, "{risk}");
        assert_eq!(
            case.verdict("entra.tenant.security_defaults_or_ca").status,
            Status::Fail,
            "{risk}"
        );
    }
    let case = policy(
        Case::healthy(),
        "mfa",
        json!({"conditions": {"insiderRiskLevels": "elevated"}}),
    );
    assert_eq!(case.verdict("entra.ca.mfa_all_users").status, Status::Fail);
}

#[test]
fn error_4_not_being_allowed_to_look_is_neither_failing_nor_passing() {
    for outcome in [Outcome::PermissionMissing, Outcome::LicenceMissing, Outcome::Error] {
        let verdict = Case::healthy()
            .ended(Resource::Registration, outcome)
            .verdict("entra.user.mfa_capable");
        assert_eq!(verdict.status, Status::Indeterminate, "{outcome}");
    }
    let nobody = Case::healthy()
        .none_of(Resource::RoleAssignments)
        .verdict("entra.admin.mfa_registered");
    assert_eq!(nobody.status, Status::NotApplicable, "an empty population never passes");
}

#[test]
fn error_5_disabled_accounts_and_shared_mailboxes_are_not_asked_for_a_second_factor() {
    let without = |change: Value| {
        let case = Case::healthy()
            .change(Resource::Registration, "ben", json!({"isMfaCapable": false}))
            .change(Resource::Users, "ben", change);
        case.verdict("entra.user.mfa_capable")
    };
    assert_eq!(without(json!({})).failed(), ["ben"]);
    for change in [json!({"accountEnabled": false}), json!({"isResourceAccount": true})] {
        let verdict = without(change.clone());
        assert_eq!(
            (verdict.status, verdict.counts.population),
            (Status::Pass, 3),
            "{change}"
        );
    }
}

#[test]
fn error_6_no_list_is_cut_short() {
    let mut case = Case::healthy();
    for number in 0..500 {
        let id = format!("person-{number:03}");
        let person = json!({"id": id, "accountEnabled": true, "createdDateTime": days_ago(100)});
        case = case.put(Resource::Users, person);
    }
    let verdict = case.verdict("entra.user.mfa_capable");
    assert_eq!((verdict.failed().len(), verdict.counts.failed), (500, 500));
    assert_eq!(verdict.populations[0].ids.len(), 504);
    case.pull(Resource::Users).last_page_reached = false;
    assert_eq!(case.verdict("entra.user.mfa_capable").status, Status::Indeterminate);
}

#[test]
fn error_7_a_version_that_is_not_said_is_not_skipped_and_an_old_build_is_not_supported() {
    let version = |version: Value| {
        let case = Case::healthy().change(Resource::ManagedDevices, "win", json!({"osVersion": version}));
        case.verdict("intune.device.os_supported")
    };
    assert!(version(Value::Null).ids(FindingKind::Review).contains(&"win"));
    assert!(version(json!("")).ids(FindingKind::Review).contains(&"win"));
    assert_eq!(version(json!("10.0.19045.5000")).failed(), ["win"]);
}

#[test]
fn error_8_the_ids_of_controls_are_of_the_edition_that_is_named() {
    let catalogue = Catalogue::get();
    let ids = |framework: &str| {
        let framework = catalogue.frameworks().iter().find(|known| known.id == framework);
        let controls = &framework.unwrap_or_else(|| panic!("a framework is gone")).controls;
        controls.iter().map(|control| control.id.as_str()).collect::<Vec<_>>()
    };
    let csf = catalogue
        .frameworks()
        .iter()
        .find(|framework| framework.id.contains("csf"))
        .unwrap();
    assert!(
        !ids(&csf.id).iter().any(|id| id.starts_with("PR.AC")),
        "those are of CSF 1.1"
    );
    let iso = catalogue
        .frameworks()
        .iter()
        .find(|framework| framework.id.contains("27001"))
        .unwrap();
    assert!(
        !ids(&iso.id).iter().any(|id| id.starts_with("A.9.")),
        "those are of the edition of 2013"
    );
    for framework in catalogue.frameworks() {
        assert!(!framework.version.is_empty() && !framework.catalog_used_for_validation.is_empty());
    }
}

#[test]
fn error_9_somebody_counts_for_how_long_a_policy_is_report_only() {
    let mut case = policy(
        Case::healthy(),
        "mfa",
        json!({"state": "enabledForReportingButNotEnforced", "modifiedDateTime": days_ago(0)}),
    );
    case.past.report_only_since.insert("mfa".to_owned(), days_ago(45));
    let verdict = case.verdict("entra.ca.report_only_stale");
    assert_eq!(verdict.findings[0].lineage["since"], json!(days_ago(45)));
    assert_eq!(verdict.status, Status::Fail);
    assert_eq!(
        case.verdict("entra.ca.mfa_all_users").status,
        Status::Fail,
        "and it covers nobody meanwhile"
    );
}

#[test]
fn error_10_an_authentication_strength_asks_for_a_second_factor_too() {
    let strength = |combinations: Value, satisfied: &str| {
        let strength = json!({"id": "own", "allowedCombinations": combinations, "requirementsSatisfied": satisfied});
        let grant = json!({"grantControls": {"builtInControls": [], "authenticationStrength": strength}});
        policy(Case::healthy(), "mfa", grant)
            .verdict("entra.ca.mfa_all_users")
            .status
    };
    assert_eq!(strength(json!(["password,sms"]), "mfa"), Status::Pass);
    assert_eq!(strength(json!(["fido2", "password,sms"]), "none"), Status::Pass);
    assert_eq!(strength(json!(["fido2", "password"]), "none"), Status::Fail);
    assert_eq!(strength(json!(["fido2", "telepathy"]), "none"), Status::NeedsReview);
}

#[test]
fn error_11_a_certificate_as_a_single_factor_does_not_resist_phishing() {
    let certificate = |form: &str| {
        let strength = json!({"id": "own", "requirementsSatisfied": "none", "allowedCombinations": [form]});
        let grant = json!({"grantControls": {"authenticationStrength": strength}});
        let case = policy(Case::healthy(), "resist", grant);
        case.verdict("entra.ca.phishing_resistant_mfa_admins").status
    };
    assert_eq!(certificate("x509CertificateMultiFactor"), Status::Pass);
    assert_eq!(certificate("x509CertificateSingleFactor"), Status::Fail);
    let registered = json!({"methodsRegistered": ["x509CertificateSingleFactor"]});
    let case = Case::healthy().change(Resource::Registration, "ada", registered);
    assert_eq!(
        case.verdict("entra.admin.phishing_resistant_registered").status,
        Status::NeedsReview
    );
}
