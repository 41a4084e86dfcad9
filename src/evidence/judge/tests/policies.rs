//! Conditional access: who is reached by what.

use serde_json::json;

use super::super::Status::{Fail, NeedsReview, NotApplicable, Pass};
use super::super::*;
use super::fixture::{Case, block, days_ago};
use super::tables::Row;
use crate::evidence::snapshot::Resource::{
    AuthStrengths, AuthzPolicy, CaPolicies, GroupMembers, RoleAssignments, SecurityDefaults, Users,
};

fn without_members(case: Case) -> Case {
    case.change_all(Users, &json!({"userType": "Guest"}))
}

fn without_people(case: Case) -> Case {
    case.change_all(Users, &json!({"accountEnabled": false}))
}

pub const ROWS: &[Row] = &[
    ("entra.ca.mfa_all_users", Pass, "as it is", |case| case),
    ("entra.ca.mfa_all_users", Fail, "report-only", |case| {
        case.report_only("mfa")
    }),
    ("entra.ca.mfa_all_users", Fail, "an application is left out", |case| {
        case.conditions("mfa", &json!({"applications": {"excludeApplications": ["payroll"]}}))
    }),
    (
        "entra.ca.mfa_all_users",
        Pass,
        "two policies leave out different ones",
        |case| {
            case.conditions("mfa", &json!({"applications": {"excludeApplications": ["payroll"]}}))
                .policy(
                    "more",
                    json!({"conditions": {"applications": {"excludeApplications": ["wiki"]}}}),
                )
        },
    ),
    ("entra.ca.mfa_all_users", NeedsReview, "not from the office", |case| {
        case.conditions(
            "mfa",
            &json!({"locations": {"includeLocations": ["All"], "excludeLocations": ["office"]}}),
        )
    }),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "somebody else's factor",
        |case| {
            case.grant(
                "mfa",
                &json!({"builtInControls": [], "customAuthenticationFactors": ["Duo"]}),
            )
        },
    ),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "a filter on applications",
        |case| {
            case.conditions(
                "mfa",
                &json!({"applications": {"applicationFilter": {"mode": "include", "rule": "x"}}}),
            )
        },
    ),
    ("entra.ca.mfa_all_users", NeedsReview, "a new control", |case| {
        case.grant("mfa", &json!({"builtInControls": ["telepathy"]}))
    }),
    ("entra.ca.mfa_all_users", NeedsReview, "a new condition", |case| {
        case.conditions("mfa", &json!({"weather": {"include": ["rain"]}}))
    }),
    ("entra.ca.mfa_all_users", NeedsReview, "a new state", |case| {
        case.in_new_state("mfa")
    }),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "a group that was deleted",
        |case| {
            case.conditions("mfa", &json!({"users": {"excludeGroups": ["safe", "gone"]}}))
                .put(GroupMembers, json!({"id": "gone", "missing": true}))
        },
    ),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "a person who was deleted",
        |case| case.conditions("mfa", &json!({"users": {"excludeUsers": ["gone"]}})),
    ),
    (
        "entra.ca.mfa_all_users",
        NotApplicable,
        "defaults, and no licence for more",
        |case| {
            case.change(SecurityDefaults, "security_defaults", json!({"isEnabled": true}))
                .without_plan("AAD_PREMIUM")
        },
    ),
    ("entra.ca.mfa_all_users", NotApplicable, "only guests", without_members),
    ("entra.ca.mfa_admins", Pass, "as it is", |case| case),
    ("entra.ca.mfa_admins", Fail, "none", |case| {
        case.drop(CaPolicies, "mfa").drop(CaPolicies, "resist")
    }),
    ("entra.ca.mfa_admins", Pass, "for the role alone", |case| {
        case.drop(CaPolicies, "mfa")
    }),
    ("entra.ca.mfa_admins", Fail, "Ada is excused from nothing", |case| {
        case.drop(CaPolicies, "mfa")
            .drop(CaPolicies, "resist")
            .declare("entra.ca.mfa_admins", "ada", days_ago(-1))
    }),
    ("entra.ca.mfa_admins", NeedsReview, "a new state", |case| {
        case.drop(CaPolicies, "resist").in_new_state("mfa")
    }),
    ("entra.ca.mfa_admins", NotApplicable, "no administrators", |case| {
        case.none_of(RoleAssignments)
    }),
    ("entra.ca.phishing_resistant_mfa_admins", Pass, "as it is", |case| case),
    (
        "entra.ca.phishing_resistant_mfa_admins",
        Fail,
        "the app will do",
        |case| {
            let strength = json!({"allowedCombinations": ["fido2", "password,microsoftAuthenticatorPush"]});
            case.grant("resist", &json!({"authenticationStrength": strength}))
        },
    ),
    (
        "entra.ca.phishing_resistant_mfa_admins",
        NeedsReview,
        "a new combination",
        |case| {
            let strength = json!({"allowedCombinations": ["fido2", "telepathy"]});
            case.grant("resist", &json!({"authenticationStrength": strength}))
        },
    ),
    (
        "entra.ca.phishing_resistant_mfa_admins",
        NeedsReview,
        "a strength that was deleted",
        |case| {
            case.grant(
                "resist",
                &json!({"authenticationStrength": {"id": "gone", "allowedCombinations": null}}),
            )
        },
    ),
    (
        "entra.ca.phishing_resistant_mfa_admins",
        NotApplicable,
        "no administrators",
        |case| case.none_of(RoleAssignments),
    ),
    ("entra.ca.mfa_guests", Pass, "as it is", |case| case),
    ("entra.ca.mfa_guests", Fail, "guests are left out", |case| {
        case.conditions("mfa", &json!({"users": {"excludeUsers": ["GuestsOrExternalUsers"]}}))
    }),
    (
        "entra.ca.mfa_guests",
        Fail,
        "guests of this kind are left out",
        |case| {
            let kinds = json!({"guestOrExternalUserTypes": "internalGuest,b2bCollaborationGuest",
            "externalTenants": {"membershipKind": "all"}});
            case.conditions("mfa", &json!({"users": {"excludeGuestsOrExternalUsers": kinds}}))
        },
    ),
    (
        "entra.ca.mfa_guests",
        NeedsReview,
        "guests of some tenants are left out",
        |case| {
            let kinds = json!({"guestOrExternalUserTypes": "b2bCollaborationGuest",
            "externalTenants": {"membershipKind": "enumerated", "members": ["x"]}});
            case.conditions("mfa", &json!({"users": {"excludeGuestsOrExternalUsers": kinds}}))
        },
    ),
    (
        "entra.ca.mfa_guests",
        Fail,
        "guests of some tenants alone are asked",
        |case| {
            let kinds = json!({"guestOrExternalUserTypes": "b2bCollaborationGuest",
            "externalTenants": {"membershipKind": "enumerated", "members": ["x"]}});
            case.conditions(
                "mfa",
                &json!({"users": {"includeUsers": [], "includeGuestsOrExternalUsers": kinds}}),
            )
        },
    ),
    ("entra.ca.mfa_guests", NeedsReview, "no guests yet", |case| {
        case.drop(Users, "gil")
    }),
    ("entra.ca.mfa_guests", NotApplicable, "no guests ever", |case| {
        case.drop(Users, "gil")
            .change(AuthzPolicy, "authorizationPolicy", json!({"allowInvitesFrom": "none"}))
    }),
    ("entra.ca.mfa_azure_management", Pass, "as it is", |case| case),
    ("entra.ca.mfa_azure_management", Pass, "for the portals alone", |case| {
        let applications = json!({"includeApplications": ["MicrosoftAdminPortals"]});
        case.conditions("mfa", &json!({"applications": applications}))
    }),
    (
        "entra.ca.mfa_azure_management",
        Fail,
        "for another application",
        |case| case.conditions("mfa", &json!({"applications": {"includeApplications": ["Office365"]}})),
    ),
    ("entra.ca.mfa_azure_management", NeedsReview, "a new state", |case| {
        case.in_new_state("mfa")
    }),
    (
        "entra.ca.mfa_azure_management",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.legacy_auth_blocked", Pass, "as it is", |case| case),
    ("entra.ca.legacy_auth_blocked", Pass, "by two policies", |case| {
        case.conditions("legacy", &json!({"clientAppTypes": ["other"]})).policy(
            "sync",
            json!({"conditions": {"clientAppTypes": ["exchangeActiveSync"]}, "grantControls": block()}),
        )
    }),
    ("entra.ca.legacy_auth_blocked", Fail, "one kind is forgotten", |case| {
        case.conditions("legacy", &json!({"clientAppTypes": ["other"]}))
            .drop(CaPolicies, "mfa")
    }),
    (
        "entra.ca.legacy_auth_blocked",
        NeedsReview,
        "asked for what they cannot give",
        |case| case.drop(CaPolicies, "legacy"),
    ),
    (
        "entra.ca.legacy_auth_blocked",
        NotApplicable,
        "defaults block it",
        |case| case.change(SecurityDefaults, "security_defaults", json!({"isEnabled": true})),
    ),
    ("entra.ca.compliant_device_required", Pass, "as it is", |case| case),
    ("entra.ca.compliant_device_required", Pass, "for Office", |case| {
        case.conditions(
            "device",
            &json!({"applications": {"includeApplications": ["Office365"]}}),
        )
    }),
    ("entra.ca.compliant_device_required", Fail, "none", |case| {
        case.drop(CaPolicies, "device")
    }),
    (
        "entra.ca.compliant_device_required",
        NeedsReview,
        "a new state",
        |case| case.in_new_state("device"),
    ),
    (
        "entra.ca.compliant_device_required",
        NotApplicable,
        "no devices by declaration",
        |case| {
            let mut case = case.without_plan("INTUNE").without_devices();
            case.declared.manages_no_devices = true;
            case
        },
    ),
    ("entra.ca.compliant_device_admins", Pass, "as it is", |case| case),
    ("entra.ca.compliant_device_admins", Fail, "none", |case| {
        case.drop(CaPolicies, "device")
    }),
    ("entra.ca.compliant_device_admins", NeedsReview, "a new state", |case| {
        case.in_new_state("device")
    }),
    (
        "entra.ca.compliant_device_admins",
        NotApplicable,
        "no administrators",
        |case| case.none_of(RoleAssignments),
    ),
    (
        "entra.ca.security_info_registration_protected",
        Pass,
        "as it is",
        |case| case,
    ),
    (
        "entra.ca.security_info_registration_protected",
        Fail,
        "a second factor will do",
        |case| case.grant("register", &json!({"builtInControls": ["mfa"]})),
    ),
    (
        "entra.ca.security_info_registration_protected",
        NeedsReview,
        "a new state",
        |case| case.in_new_state("register"),
    ),
    (
        "entra.ca.security_info_registration_protected",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.device_code_flow_blocked", Pass, "as it is", |case| case),
    (
        "entra.ca.device_code_flow_blocked",
        Fail,
        "the other flow alone",
        |case| {
            case.conditions(
                "flow",
                &json!({"authenticationFlows": {"transferMethods": "authenticationTransfer"}}),
            )
        },
    ),
    (
        "entra.ca.device_code_flow_blocked",
        NeedsReview,
        "a new state",
        |case| case.in_new_state("flow"),
    ),
    (
        "entra.ca.device_code_flow_blocked",
        NotApplicable,
        "nobody enabled",
        without_people,
    ),
    ("entra.ca.sign_in_risk_blocked", Pass, "as it is", |case| case),
    ("entra.ca.sign_in_risk_blocked", Fail, "high alone", |case| {
        case.conditions("sign-in", &json!({"signInRiskLevels": ["high"]}))
    }),
    ("entra.ca.sign_in_risk_blocked", Fail, "both risks at once", |case| {
        case.conditions("sign-in", &json!({"userRiskLevels": ["high"]}))
    }),
    ("entra.ca.sign_in_risk_blocked", NeedsReview, "a new state", |case| {
        case.in_new_state("sign-in")
    }),
    ("entra.ca.sign_in_risk_blocked", NotApplicable, "no licence", |case| {
        case.without_plan("AAD_PREMIUM_P2")
    }),
    ("entra.ca.sign_in_risk_mfa", Pass, "blocked is as good", |case| case),
    ("entra.ca.sign_in_risk_mfa", Pass, "asked every time", |case| {
        case.grant("sign-in", &json!({"builtInControls": ["mfa"]})).change(
            CaPolicies,
            "sign-in",
            json!({"sessionControls": {"signInFrequency": {"isEnabled": true, "frequencyInterval": "everyTime"}}}),
        )
    }),
    ("entra.ca.sign_in_risk_mfa", Fail, "asked once", |case| {
        case.grant("sign-in", &json!({"builtInControls": ["mfa"]}))
    }),
    ("entra.ca.sign_in_risk_mfa", NeedsReview, "a new state", |case| {
        case.in_new_state("sign-in")
    }),
    ("entra.ca.sign_in_risk_mfa", NotApplicable, "no licence", |case| {
        case.without_plan("AAD_PREMIUM_P2")
    }),
    ("entra.ca.user_risk_remediated", Pass, "as it is", |case| case),
    ("entra.ca.user_risk_remediated", Fail, "medium alone", |case| {
        case.conditions("risky", &json!({"userRiskLevels": ["medium"]}))
    }),
    (
        "entra.ca.user_risk_remediated",
        Fail,
        "a new password or a second factor",
        |case| {
            case.grant(
                "risky",
                &json!({"operator": "OR", "builtInControls": ["passwordChange", "mfa"]}),
            )
        },
    ),
    ("entra.ca.user_risk_remediated", NeedsReview, "a new state", |case| {
        case.in_new_state("risky")
    }),
    ("entra.ca.user_risk_remediated", NotApplicable, "no licence", |case| {
        case.without_plan("AAD_PREMIUM_P2")
    }),
];

#[test]
fn whoever_is_left_out_is_told_with_the_groups_that_led_there() {
    let case = Case::healthy()
        .conditions("mfa", &json!({"users": {"excludeGroups": ["safe", "outer-group"]}}))
        .group("outer-group", &["inner-group"])
        .group("inner-group", &["ben"]);
    let verdict = case.verdict("entra.ca.mfa_all_users");
    assert_eq!(verdict.failed(), ["ben"]);
    let finding = verdict
        .findings
        .iter()
        .find(|finding| finding.object_id == "ben")
        .unwrap();
    let how = &finding.lineage["policies"][0]["user"]["excluded"];
    assert_eq!(
        *how,
        json!({"by": "group", "object": "outer-group", "path": ["outer-group", "inner-group"], "names": [null, null]})
    );
    assert_eq!(
        verdict.ids(FindingKind::Excepted),
        ["eli", "eve"],
        "accounts for emergencies stay in sight"
    );
}

#[test]
fn groups_that_hold_each_other_end() {
    let case = Case::healthy()
        .conditions("mfa", &json!({"users": {"excludeGroups": ["a-group"]}}))
        .group("a-group", &["b-group"])
        .group("b-group", &["a-group", "eve", "eli"]);
    assert_eq!(case.verdict("entra.ca.mfa_all_users").status, Pass);
}

#[test]
fn the_list_of_strengths_tells_what_a_policy_leaves_out() {
    let case = Case::healthy().grant(
        "resist",
        &json!({"authenticationStrength": {"requirementsSatisfied": null, "allowedCombinations": null}}),
    );
    assert_eq!(case.verdict("entra.ca.phishing_resistant_mfa_admins").status, Pass);
    let weak = json!({"allowedCombinations": ["password,sms"]});
    let case = case.change(AuthStrengths, "strong", weak);
    assert_eq!(case.verdict("entra.ca.phishing_resistant_mfa_admins").failed(), ["ada"]);
}
