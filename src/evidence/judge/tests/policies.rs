//! Conditional access and the settings of the tenant.

use serde_json::{Value, json};

use super::super::Status::{Fail, NeedsReview, NotApplicable, Pass};
use super::super::*;
use super::fixture::{Case, GLOBAL_ADMINISTRATOR, block, days_ago};
use super::tables::Row;
use crate::evidence::snapshot::Resource::{
    AuthMethodsPolicy, AuthStrengths, AuthzPolicy, CaPolicies, Registration, RoleAssignments, SecurityDefaults, Users,
    UsersSignin,
};

fn without_members(case: Case) -> Case {
    case.change_all(Users, &json!({"userType": "Guest"}))
}

fn without_people(case: Case) -> Case {
    case.change_all(Users, &json!({"accountEnabled": false}))
}

/// A policy in a state that we do not know.
fn in_new_state(case: Case, policy: &str) -> Case {
    case.change(CaPolicies, policy, json!({"state": "enabledOnSundays"}))
}

fn report_only(case: Case, policy: &str) -> Case {
    case.change(
        CaPolicies,
        policy,
        json!({"state": "enabledForReportingButNotEnforced"}),
    )
}

fn conditions(case: Case, policy: &str, conditions: &Value) -> Case {
    case.change(CaPolicies, policy, json!({"conditions": conditions}))
}

fn grant(case: Case, policy: &str, grant: &Value) -> Case {
    case.change(CaPolicies, policy, json!({"grantControls": grant}))
}

pub const ROWS: &[Row] = &[
    ("entra.ca.mfa_all_users", Pass, "as it is", |case| case),
    ("entra.ca.mfa_all_users", Fail, "report-only", |case| {
        report_only(case, "mfa")
    }),
    ("entra.ca.mfa_all_users", Fail, "an application is left out", |case| {
        conditions(
            case,
            "mfa",
            &json!({"applications": {"excludeApplications": ["payroll"]}}),
        )
    }),
    (
        "entra.ca.mfa_all_users",
        Pass,
        "two policies leave out different ones",
        |case| {
            conditions(
                case,
                "mfa",
                &json!({"applications": {"excludeApplications": ["payroll"]}}),
            )
            .policy(
                "more",
                json!({"conditions": {"applications": {"excludeApplications": ["wiki"]}}}),
            )
        },
    ),
    ("entra.ca.mfa_all_users", NeedsReview, "not from the office", |case| {
        conditions(
            case,
            "mfa",
            &json!({"locations": {"includeLocations": ["All"], "excludeLocations": ["office"]}}),
        )
    }),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "somebody else's factor",
        |case| {
            grant(
                case,
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
            conditions(
                case,
                "mfa",
                &json!({"applications": {"applicationFilter": {"mode": "include", "rule": "x"}}}),
            )
        },
    ),
    ("entra.ca.mfa_all_users", NeedsReview, "a new control", |case| {
        grant(case, "mfa", &json!({"builtInControls": ["telepathy"]}))
    }),
    ("entra.ca.mfa_all_users", NeedsReview, "a new condition", |case| {
        conditions(case, "mfa", &json!({"weather": {"include": ["rain"]}}))
    }),
    ("entra.ca.mfa_all_users", NeedsReview, "a new state", |case| {
        in_new_state(case, "mfa")
    }),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "a group that was deleted",
        |case| {
            conditions(case, "mfa", &json!({"users": {"excludeGroups": ["safe", "gone"]}})).put(
                crate::evidence::snapshot::Resource::GroupMembers,
                json!({"id": "gone", "missing": true}),
            )
        },
    ),
    (
        "entra.ca.mfa_all_users",
        NeedsReview,
        "a person who was deleted",
        |case| conditions(case, "mfa", &json!({"users": {"excludeUsers": ["gone"]}})),
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
        in_new_state(case.drop(CaPolicies, "resist"), "mfa")
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
            grant(case, "resist", &json!({"authenticationStrength": strength}))
        },
    ),
    (
        "entra.ca.phishing_resistant_mfa_admins",
        NeedsReview,
        "a new combination",
        |case| {
            let strength = json!({"allowedCombinations": ["fido2", "telepathy"]});
            grant(case, "resist", &json!({"authenticationStrength": strength}))
        },
    ),
    (
        "entra.ca.phishing_resistant_mfa_admins",
        NeedsReview,
        "a strength that was deleted",
        |case| {
            grant(
                case,
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
        conditions(
            case,
            "mfa",
            &json!({"users": {"excludeUsers": ["GuestsOrExternalUsers"]}}),
        )
    }),
    (
        "entra.ca.mfa_guests",
        Fail,
        "guests of this kind are left out",
        |case| {
            let kinds = json!({"guestOrExternalUserTypes": "internalGuest,b2bCollaborationGuest",
            "externalTenants": {"membershipKind": "all"}});
            conditions(case, "mfa", &json!({"users": {"excludeGuestsOrExternalUsers": kinds}}))
        },
    ),
    (
        "entra.ca.mfa_guests",
        NeedsReview,
        "guests of some tenants are left out",
        |case| {
            let kinds = json!({"guestOrExternalUserTypes": "b2bCollaborationGuest",
            "externalTenants": {"membershipKind": "enumerated", "members": ["x"]}});
            conditions(case, "mfa", &json!({"users": {"excludeGuestsOrExternalUsers": kinds}}))
        },
    ),
    (
        "entra.ca.mfa_guests",
        Fail,
        "guests of some tenants alone are asked",
        |case| {
            let kinds = json!({"guestOrExternalUserTypes": "b2bCollaborationGuest",
            "externalTenants": {"membershipKind": "enumerated", "members": ["x"]}});
            conditions(
                case,
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
        conditions(case, "mfa", &json!({"applications": applications}))
    }),
    (
        "entra.ca.mfa_azure_management",
        Fail,
        "for another application",
        |case| {
            conditions(
                case,
                "mfa",
                &json!({"applications": {"includeApplications": ["Office365"]}}),
            )
        },
    ),
    ("entra.ca.mfa_azure_management", NeedsReview, "a new state", |case| {
        in_new_state(case, "mfa")
    }),
    (
        "entra.ca.mfa_azure_management",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.legacy_auth_blocked", Pass, "as it is", |case| case),
    ("entra.ca.legacy_auth_blocked", Pass, "by two policies", |case| {
        conditions(case, "legacy", &json!({"clientAppTypes": ["other"]})).policy(
            "sync",
            json!({"conditions": {"clientAppTypes": ["exchangeActiveSync"]}, "grantControls": block()}),
        )
    }),
    ("entra.ca.legacy_auth_blocked", Fail, "one kind is forgotten", |case| {
        conditions(case, "legacy", &json!({"clientAppTypes": ["other"]})).drop(CaPolicies, "mfa")
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
        conditions(
            case,
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
        |case| in_new_state(case, "device"),
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
        in_new_state(case, "device")
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
        |case| grant(case, "register", &json!({"builtInControls": ["mfa"]})),
    ),
    (
        "entra.ca.security_info_registration_protected",
        NeedsReview,
        "a new state",
        |case| in_new_state(case, "register"),
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
            conditions(
                case,
                "flow",
                &json!({"authenticationFlows": {"transferMethods": "authenticationTransfer"}}),
            )
        },
    ),
    (
        "entra.ca.device_code_flow_blocked",
        NeedsReview,
        "a new state",
        |case| in_new_state(case, "flow"),
    ),
    (
        "entra.ca.device_code_flow_blocked",
        NotApplicable,
        "nobody enabled",
        without_people,
    ),
    ("entra.ca.sign_in_risk_blocked", Pass, "as it is", |case| case),
    ("entra.ca.sign_in_risk_blocked", Fail, "high alone", |case| {
        conditions(case, "sign-in", &json!({"signInRiskLevels": ["high"]}))
    }),
    ("entra.ca.sign_in_risk_blocked", Fail, "both risks at once", |case| {
        conditions(case, "sign-in", &json!({"userRiskLevels": ["high"]}))
    }),
    ("entra.ca.sign_in_risk_blocked", NeedsReview, "a new state", |case| {
        in_new_state(case, "sign-in")
    }),
    ("entra.ca.sign_in_risk_blocked", NotApplicable, "no licence", |case| {
        case.without_plan("AAD_PREMIUM_P2")
    }),
    ("entra.ca.sign_in_risk_mfa", Pass, "blocked is as good", |case| case),
    ("entra.ca.sign_in_risk_mfa", Pass, "asked every time", |case| {
        grant(case, "sign-in", &json!({"builtInControls": ["mfa"]})).change(
            CaPolicies,
            "sign-in",
            json!({"sessionControls": {"signInFrequency": {"isEnabled": true, "frequencyInterval": "everyTime"}}}),
        )
    }),
    ("entra.ca.sign_in_risk_mfa", Fail, "asked once", |case| {
        grant(case, "sign-in", &json!({"builtInControls": ["mfa"]}))
    }),
    ("entra.ca.sign_in_risk_mfa", NeedsReview, "a new state", |case| {
        in_new_state(case, "sign-in")
    }),
    ("entra.ca.sign_in_risk_mfa", NotApplicable, "no licence", |case| {
        case.without_plan("AAD_PREMIUM_P2")
    }),
    ("entra.ca.user_risk_remediated", Pass, "as it is", |case| case),
    ("entra.ca.user_risk_remediated", Fail, "medium alone", |case| {
        conditions(case, "risky", &json!({"userRiskLevels": ["medium"]}))
    }),
    (
        "entra.ca.user_risk_remediated",
        Fail,
        "a new password or a second factor",
        |case| {
            grant(
                case,
                "risky",
                &json!({"operator": "OR", "builtInControls": ["passwordChange", "mfa"]}),
            )
        },
    ),
    ("entra.ca.user_risk_remediated", NeedsReview, "a new state", |case| {
        in_new_state(case, "risky")
    }),
    ("entra.ca.user_risk_remediated", NotApplicable, "no licence", |case| {
        case.without_plan("AAD_PREMIUM_P2")
    }),
    (
        "entra.ca.exclusion_gaps",
        Pass,
        "accounts for emergencies alone",
        |case| case,
    ),
    ("entra.ca.exclusion_gaps", Pass, "another policy catches Ben", |case| {
        conditions(case, "mfa", &json!({"users": {"excludeUsers": ["ben"]}}))
    }),
    ("entra.ca.exclusion_gaps", Fail, "nothing catches Ben", |case| {
        let out = json!({"users": {"excludeUsers": ["ben"]}});
        conditions(conditions(case, "mfa", &out), "device", &out)
    }),
    ("entra.ca.exclusion_gaps", NeedsReview, "what may catch Ben", |case| {
        in_new_state(
            conditions(case, "mfa", &json!({"users": {"excludeUsers": ["ben"]}})),
            "device",
        )
    }),
    ("entra.ca.exclusion_gaps", NotApplicable, "nobody is left out", |case| {
        case.change_all(CaPolicies, &json!({"conditions": {"users": {"excludeGroups": []}}}))
    }),
    ("entra.ca.emergency_access_excluded", Pass, "as it is", |case| case),
    ("entra.ca.emergency_access_excluded", Fail, "one alone", |mut case| {
        case.declared.emergency_accounts.remove("eli");
        case
    }),
    ("entra.ca.emergency_access_excluded", Fail, "one is disabled", |case| {
        case.change(Users, "eve", json!({"accountEnabled": false}))
    }),
    (
        "entra.ca.emergency_access_excluded",
        Fail,
        "one is no administrator",
        |case| case.drop(RoleAssignments, &format!("eve-{GLOBAL_ADMINISTRATOR}")),
    ),
    (
        "entra.ca.emergency_access_excluded",
        Fail,
        "a policy has them",
        |case| conditions(case, "mfa", &json!({"users": {"excludeGroups": []}})),
    ),
    (
        "entra.ca.emergency_access_excluded",
        Fail,
        "one does not exist",
        |mut case| {
            case.declared
                .emergency_accounts
                .insert("nobody".to_owned(), days_ago(-9));
            case
        },
    ),
    (
        "entra.ca.emergency_access_excluded",
        NeedsReview,
        "none is declared any more",
        |mut case| {
            case.declared
                .emergency_accounts
                .values_mut()
                .for_each(|expires_at| *expires_at = days_ago(1));
            case
        },
    ),
    ("entra.ca.emergency_access_strong", Pass, "as it is", |case| case),
    ("entra.ca.emergency_access_strong", Fail, "a telephone", |case| {
        case.change(Registration, "eve", json!({"methodsRegistered": ["mobilePhone"]}))
    }),
    ("entra.ca.emergency_access_strong", Fail, "from the premises", |case| {
        case.change(Users, "eve", json!({"onPremisesSyncEnabled": true}))
    }),
    ("entra.ca.emergency_access_strong", NeedsReview, "it was used", |case| {
        case.change(
            UsersSignin,
            "eve",
            json!({"signInActivity": {"lastSuccessfulSignInDateTime": days_ago(0)}}),
        )
    }),
    (
        "entra.ca.emergency_access_strong",
        Pass,
        "it was used in a drill",
        |case| {
            case.change(
                UsersSignin,
                "eve",
                json!({"signInActivity": {"lastSuccessfulSignInDateTime": days_ago(0)}}),
            )
            .ticket("eve", days_ago(0))
        },
    ),
    (
        "entra.ca.emergency_access_strong",
        NotApplicable,
        "none is declared",
        |mut case| {
            case.declared.emergency_accounts.clear();
            case
        },
    ),
    ("entra.ca.report_only_stale", Pass, "since yesterday", |mut case| {
        case.past.report_only_since.insert("mfa".to_owned(), days_ago(1));
        report_only(case, "mfa")
    }),
    (
        "entra.ca.report_only_stale",
        Fail,
        "for weeks, whatever was touched since",
        |mut case| {
            case.past.report_only_since.insert("mfa".to_owned(), days_ago(31));
            report_only(case, "mfa").change(CaPolicies, "mfa", json!({"modifiedDateTime": days_ago(1)}))
        },
    ),
    (
        "entra.ca.report_only_stale",
        NeedsReview,
        "nobody knows since when",
        |case| {
            report_only(case, "mfa").change(
                CaPolicies,
                "mfa",
                json!({"modifiedDateTime": null, "createdDateTime": null}),
            )
        },
    ),
    ("entra.ca.report_only_stale", NotApplicable, "none", |case| case),
    ("entra.ca.policy_changed", Pass, "known, with a ticket", |case| {
        report_only(case, "mfa")
            .audited("mfa", "Update conditional access policy")
            .ticket("mfa", days_ago(0))
    }),
    ("entra.ca.policy_changed", Fail, "nobody knows by whom", |case| {
        report_only(case, "mfa")
    }),
    (
        "entra.ca.policy_changed",
        Fail,
        "deleted, nobody knows by whom",
        |case| case.drop(CaPolicies, "mfa"),
    ),
    (
        "entra.ca.policy_changed",
        NeedsReview,
        "known, without a ticket",
        |case| report_only(case, "mfa").audited("mfa", "Update conditional access policy"),
    ),
    (
        "entra.ca.policy_changed",
        NotApplicable,
        "touched, and the same",
        |case| case.change(CaPolicies, "mfa", json!({"modifiedDateTime": days_ago(0)})),
    ),
    (
        "entra.admin.role_membership_changed",
        Pass,
        "known, with a ticket",
        |case| {
            case.role("ben", GLOBAL_ADMINISTRATOR)
                .audited("ben", "Add member to role")
                .ticket("ben", days_ago(0))
        },
    ),
    (
        "entra.admin.role_membership_changed",
        Fail,
        "nobody knows by whom",
        |case| case.role("ben", GLOBAL_ADMINISTRATOR),
    ),
    (
        "entra.admin.role_membership_changed",
        NeedsReview,
        "known, without a ticket",
        |case| {
            case.role("ben", GLOBAL_ADMINISTRATOR)
                .audited("ben", "Add member to role")
        },
    ),
    (
        "entra.admin.role_membership_changed",
        NotApplicable,
        "as it was",
        |case| case,
    ),
    ("entra.tenant.security_defaults_or_ca", Pass, "by a policy", |case| case),
    (
        "entra.tenant.security_defaults_or_ca",
        Pass,
        "by the defaults",
        |case| {
            case.none_of(CaPolicies)
                .change(SecurityDefaults, "security_defaults", json!({"isEnabled": true}))
        },
    ),
    ("entra.tenant.security_defaults_or_ca", Fail, "by neither", |case| {
        case.drop(CaPolicies, "mfa")
    }),
    (
        "entra.tenant.security_defaults_or_ca",
        NeedsReview,
        "a new state",
        |case| in_new_state(case, "mfa"),
    ),
    ("entra.auth.weak_methods_disabled", Pass, "as it is", |case| case),
    ("entra.auth.weak_methods_disabled", Fail, "one is allowed", |case| {
        sms(case, "enabled")
    }),
    ("entra.auth.weak_methods_disabled", NeedsReview, "a new word", |case| {
        sms(case, "onSundays")
    }),
    ("entra.authz.user_consent_restricted", Pass, "as it is", |case| case),
    ("entra.authz.user_consent_restricted", Fail, "to anything", |case| {
        consent(case, "microsoft-user-default-legacy")
    }),
    (
        "entra.authz.user_consent_restricted",
        Fail,
        "to what somebody wrote",
        |case| consent(case, "ours"),
    ),
    (
        "entra.authz.user_consent_restricted",
        NeedsReview,
        "to what is harmless",
        |case| consent(case, "microsoft-user-default-low"),
    ),
];

fn sms(case: Case, state: &str) -> Case {
    let methods = json!([{"id": "Sms", "state": state}, {"id": "Voice", "state": "disabled"},
        {"id": "Email", "state": "disabled"}]);
    let change = json!({"authenticationMethodConfigurations": methods});
    case.change(AuthMethodsPolicy, "authenticationMethodsPolicy", change)
}

fn consent(case: Case, policy: &str) -> Case {
    let assigned = json!([format!("ManagePermissionGrantsForSelf.{policy}")]);
    let change = json!({"defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": assigned}});
    case.change(AuthzPolicy, "authorizationPolicy", change)
}

#[test]
fn whoever_is_left_out_is_told_with_the_groups_that_led_there() {
    let case = conditions(
        Case::healthy(),
        "mfa",
        &json!({"users": {"excludeGroups": ["safe", "outer-group"]}}),
    )
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
        json!({"by": "group", "object": "outer-group", "path": ["outer-group", "inner-group"]})
    );
    assert_eq!(
        verdict.ids(FindingKind::Excepted),
        ["eli", "eve"],
        "accounts for emergencies stay in sight"
    );
}

#[test]
fn groups_that_hold_each_other_end() {
    let case = conditions(
        Case::healthy(),
        "mfa",
        &json!({"users": {"excludeGroups": ["a-group"]}}),
    )
    .group("a-group", &["b-group"])
    .group("b-group", &["a-group", "eve", "eli"]);
    assert_eq!(case.verdict("entra.ca.mfa_all_users").status, Pass);
}

#[test]
fn the_list_of_strengths_tells_what_a_policy_leaves_out() {
    let case = grant(
        Case::healthy(),
        "resist",
        &json!({"authenticationStrength": {"requirementsSatisfied": null, "allowedCombinations": null}}),
    );
    assert_eq!(case.verdict("entra.ca.phishing_resistant_mfa_admins").status, Pass);
    let weak = json!({"allowedCombinations": ["password,sms"]});
    let case = case.change(AuthStrengths, "strong", weak);
    assert_eq!(case.verdict("entra.ca.phishing_resistant_mfa_admins").failed(), ["ada"]);
}

#[test]
fn a_change_is_told_by_what_was_and_what_is() {
    let verdict = report_only(Case::healthy(), "mfa").verdict("entra.ca.policy_changed");
    let changes = &verdict.findings[0].lineage["changes"];
    let expected = json!([{"path": "state", "before": "enabled", "after": "enabledForReportingButNotEnforced"}]);
    assert_eq!(*changes, expected);
}
