//! Who is left out on purpose, what changed, and the settings of the tenant.

use serde_json::json;

use super::super::Status::{Fail, NeedsReview, NotApplicable, Pass};
use super::fixture::{Case, GLOBAL_ADMINISTRATOR, account, days_ago};
use super::tables::Row;
use crate::evidence::snapshot::Resource::{
    AuthMethodsPolicy, AuthzPolicy, CaPolicies, Registration, RoleAssignments, SecurityDefaults, Users, UsersSignin,
};

pub const ROWS: &[Row] = &[
    (
        "entra.ca.exclusion_gaps",
        Pass,
        "accounts for emergencies alone",
        |case| case,
    ),
    ("entra.ca.exclusion_gaps", Pass, "another policy catches Ben", |case| {
        case.conditions("mfa", &json!({"users": {"excludeUsers": ["ben"]}}))
    }),
    ("entra.ca.exclusion_gaps", Fail, "nothing catches Ben", |case| {
        let out = json!({"users": {"excludeUsers": ["ben"]}});
        case.conditions("mfa", &out).conditions("device", &out)
    }),
    ("entra.ca.exclusion_gaps", NeedsReview, "what may catch Ben", |case| {
        case.conditions("mfa", &json!({"users": {"excludeUsers": ["ben"]}}))
            .in_new_state("device")
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
        |case| case.conditions("mfa", &json!({"users": {"excludeGroups": []}})),
    ),
    (
        "entra.ca.emergency_access_excluded",
        Fail,
        "one does not exist",
        |mut case| {
            case.declared
                .emergency_accounts
                .insert("nobody".to_owned(), account(days_ago(-9)));
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
                .for_each(|declared| declared.expires_at = days_ago(1));
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
        case.report_only("mfa")
            .change(CaPolicies, "mfa", json!({"modifiedDateTime": days_ago(1)}))
    }),
    (
        "entra.ca.report_only_stale",
        Fail,
        "for weeks before we first looked",
        |mut case| {
            case.past.report_only_since.insert("mfa".to_owned(), days_ago(1));
            case.report_only("mfa")
        },
    ),
    (
        "entra.ca.report_only_stale",
        Fail,
        "for weeks, whatever was touched since",
        |mut case| {
            case.past.report_only_since.insert("mfa".to_owned(), days_ago(31));
            case.report_only("mfa")
                .change(CaPolicies, "mfa", json!({"modifiedDateTime": days_ago(1)}))
        },
    ),
    (
        "entra.ca.report_only_stale",
        NeedsReview,
        "nobody knows since when",
        |case| {
            case.report_only("mfa").change(
                CaPolicies,
                "mfa",
                json!({"modifiedDateTime": null, "createdDateTime": null}),
            )
        },
    ),
    ("entra.ca.report_only_stale", NotApplicable, "none", |case| case),
    ("entra.ca.policy_changed", Pass, "known, with a ticket", |case| {
        case.report_only("mfa")
            .audited("mfa", "Update conditional access policy")
            .ticket("mfa", days_ago(0))
    }),
    ("entra.ca.policy_changed", Fail, "nobody knows by whom", |case| {
        case.report_only("mfa")
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
        |case| {
            case.report_only("mfa")
                .audited("mfa", "Update conditional access policy")
        },
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
        |case| case.in_new_state("mfa"),
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
fn a_change_is_told_by_what_was_and_what_is() {
    let verdict = Case::healthy().report_only("mfa").verdict("entra.ca.policy_changed");
    let changes = &verdict.findings[0].lineage["changes"];
    let expected = json!([{"path": "state", "before": "enabled", "after": "enabledForReportingButNotEnforced"}]);
    assert_eq!(*changes, expected);
}
