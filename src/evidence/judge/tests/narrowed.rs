//! Policies that are for less than they seem: without an application, without some people, and narrowed by what is not
//! known here.

use serde_json::{Value, json};

use super::super::Status::{Fail, NeedsReview, Pass};
use super::super::*;
use super::fixture::{Case, days_ago};
use super::tables::Row;
use crate::evidence::snapshot::Resource::{CaPolicies, Groups, Users};

const AZURE: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
const PORTALS: &str = "MicrosoftAdminPortals";

fn without(case: Case, policy: &str, apps: &[&str]) -> Case {
    case.conditions(policy, &json!({"applications": {"excludeApplications": apps}}))
}

fn all_without(apps: &[&str]) -> Case {
    let change = json!({"conditions": {"applications": {"excludeApplications": apps}}});
    Case::healthy().change_all(CaPolicies, &change)
}

pub const ROWS: &[Row] = &[
    ("entra.ca.mfa_azure_management", Fail, "both are left out", |case| {
        without(case, "mfa", &[AZURE, PORTALS])
    }),
    (
        "entra.ca.mfa_azure_management",
        NeedsReview,
        "one of the two is left out",
        |case| without(case, "mfa", &[PORTALS]),
    ),
    (
        "entra.ca.mfa_azure_management",
        Pass,
        "something else is left out",
        |case| without(case, "mfa", &["payroll"]),
    ),
    ("entra.ca.mfa_admins", Pass, "another policy has it", |case| {
        without(case, "mfa", &["payroll"])
    }),
    ("entra.ca.compliant_device_required", Fail, "not for Office", |case| {
        without(case, "device", &["Office365"])
    }),
    ("entra.ca.compliant_device_admins", Fail, "not for Office", |case| {
        without(case, "device", &["Office365"])
    }),
    ("entra.ca.legacy_auth_blocked", Pass, "declared", |case| {
        without(case, "legacy", &["payroll"]).declare("entra.ca.legacy_auth_blocked", "payroll", days_ago(-9))
    }),
    (
        "entra.ca.exclusion_gaps",
        NeedsReview,
        "Ben is caught nearly everywhere",
        |case| {
            let case = case.conditions("mfa", &json!({"users": {"excludeUsers": ["ben"]}}));
            without(case, "device", &["payroll"])
        },
    ),
    (
        "entra.ca.location_bypass",
        NeedsReview,
        "caught nearly everywhere",
        |case| {
            let locations = json!({"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]});
            let case = case.conditions("mfa", &json!({"locations": locations}));
            without(case.policy("again", json!({})), "again", &["payroll"])
        },
    ),
    (
        "entra.tenant.security_defaults_or_ca",
        NeedsReview,
        "everybody is left out",
        |case| {
            case.conditions("mfa", &json!({"users": {"excludeGroups": ["safe", "all-group"]}}))
                .group("all-group", &["ada", "ben", "gil"])
        },
    ),
    (
        "entra.tenant.security_defaults_or_ca",
        NeedsReview,
        "an application is left out",
        |case| without(case, "mfa", &["Office365"]),
    ),
];

#[test]
fn an_application_that_every_policy_leaves_out_is_a_question_in_every_check_on_coverage() {
    let case = all_without(&["payroll"]);
    assert_eq!(case.verdict("entra.ca.mfa_all_users").failed(), ["payroll"]);
    for check in [
        "entra.ca.mfa_admins",
        "entra.ca.phishing_resistant_mfa_admins",
        "entra.ca.mfa_guests",
        "entra.ca.legacy_auth_blocked",
        "entra.ca.compliant_device_required",
        "entra.ca.compliant_device_admins",
        "entra.ca.device_code_flow_blocked",
        "entra.ca.authentication_transfer_blocked",
        "entra.ca.sign_in_risk_blocked",
        "entra.ca.sign_in_risk_mfa",
        "entra.ca.user_risk_remediated",
        "entra.ca.admin_session_controls",
        "entra.ca.user_session_lifetime",
        "entra.ca.unknown_platform_blocked",
    ] {
        let verdict = case.verdict(check);
        assert_eq!(verdict.status, NeedsReview, "{check}");
        assert_eq!(verdict.ids(FindingKind::Review), ["payroll"], "{check}");
        let told = verdict.facts["excludedApplications"].as_array().unwrap();
        assert!(
            !told.is_empty() && told.iter().all(|policy| policy["applications"] == json!(["payroll"])),
            "{check}: {told:?}"
        );
    }
}

#[test]
fn who_is_not_asked_where_azure_is_managed_is_counted_for_each_of_the_two() {
    let verdict = all_without(&[AZURE, PORTALS]).verdict("entra.ca.mfa_azure_management");
    for app in [AZURE, PORTALS] {
        assert_eq!(verdict.facts[format!("uncovered for {app}")], 4);
    }
    assert_eq!(verdict.failed(), ["ada", "ben"]);
}

#[test]
fn what_narrows_a_policy_and_is_not_known_here_is_never_taken_for_nothing() {
    let narrowed: [(&str, Value); 6] = [
        ("people", json!({"users": {"excludeAgents": ["x"]}})),
        ("applications", json!({"applications": {"excludeNetworks": ["x"]}})),
        (
            "places",
            json!({"locations": {"includeLocations": ["All"], "excludeNetworks": ["x"]}}),
        ),
        (
            "systems",
            json!({"platforms": {"includePlatforms": ["all"], "excludeModels": ["x"]}}),
        ),
        ("flows", json!({"authenticationFlows": {"protocols": ["x"]}})),
        ("conditions", json!({"weather": ["rain"]})),
    ];
    for (what, conditions) in narrowed {
        let case = Case::healthy().conditions("mfa", &conditions);
        for check in ["entra.ca.mfa_all_users", "entra.tenant.security_defaults_or_ca"] {
            assert_eq!(case.verdict(check).status, NeedsReview, "{check}: {what}");
        }
    }
    let said = |others: Value| {
        let applications = json!({"applications": {"includeAuthenticationContextClassReferences": others}});
        let case = Case::healthy().conditions("mfa", &applications);
        case.verdict("entra.ca.mfa_all_users").status
    };
    assert_eq!(said(json!([])), Pass, "nothing is said");
    assert_eq!(said(json!(["c1"])), Pass, "it takes more in");
}

#[test]
fn a_policy_that_leaves_out_people_in_a_way_that_is_not_known_here_reaches_nobody_for_sure() {
    let users = json!({"users": {"excludeAgents": ["x"]}});
    let case = Case::healthy().conditions("device", &users);
    assert_eq!(case.verdict("entra.ca.compliant_device_admins").status, NeedsReview);
    let kinds = json!({"guestOrExternalUserTypes": "b2bCollaborationGuest", "externalDomains": ["x"]});
    let of_some = |list: &str| {
        let users = json!({"users": {list: kinds}});
        Case::healthy().conditions("mfa", &users).verdict("entra.ca.mfa_guests")
    };
    assert_eq!(of_some("excludeGuestsOrExternalUsers").status, NeedsReview);
}

#[test]
fn something_else_to_ask_for_that_is_not_known_here_may_be_offered_instead() {
    let grant = |operator: &str| {
        let grant = json!({"operator": operator, "builtInControls": ["mfa"], "verifiedClaims": ["x"]});
        let case = Case::healthy().grant("mfa", &grant);
        case.verdict("entra.ca.mfa_all_users").status
    };
    assert_eq!(grant("OR"), NeedsReview);
    assert_eq!(grant("AND"), Pass, "asked for besides");
}

#[test]
fn the_groups_on_the_path_of_an_exclusion_are_told_by_name() {
    let case = Case::healthy()
        .conditions("mfa", &json!({"users": {"excludeGroups": ["safe", "outer-group"]}}))
        .group("outer-group", &["inner-group"])
        .group("inner-group", &["ben"])
        .put(Groups, json!({"id": "outer-group", "displayName": "Outer"}));
    let verdict = case.verdict("entra.ca.mfa_all_users");
    let ben = verdict.findings.iter().find(|finding| finding.object_id == "ben");
    let how = &ben.unwrap().lineage["policies"][0]["user"]["excluded"];
    assert_eq!(how["names"], json!(["Outer", null]), "the name of one was not read");
    let verdict = case.verdict("entra.ca.exclusions_declared");
    let outer = verdict
        .findings
        .iter()
        .find(|finding| finding.object_id == "outer-group");
    assert_eq!(outer.unwrap().name.as_deref(), Some("Outer"));
}

#[test]
fn whom_the_only_policy_leaves_out_is_told() {
    let case = Case::healthy().conditions("mfa", &json!({"users": {"excludeUsers": ["ben"]}}));
    let verdict = case.verdict("entra.tenant.security_defaults_or_ca");
    let lineage = &verdict.findings[0].lineage;
    assert_eq!(lineage["policies"][0]["leavesOut"], json!(["ben"]), "{lineage}");
    let disabled = case.change(Users, "ben", json!({"accountEnabled": false}));
    assert_eq!(disabled.verdict("entra.tenant.security_defaults_or_ca").status, Pass);
}
