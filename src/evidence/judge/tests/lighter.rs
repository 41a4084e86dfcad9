//! Checks of less weight.

use serde_json::{Value, json};

use super::super::Status::{Fail, NeedsReview, NotApplicable, Pass};
use super::fixture::{Case, GLOBAL_ADMINISTRATOR, authenticator, days_ago, merge};
use super::tables::Row;
use crate::evidence::snapshot::Resource::{
    AdminConsentPolicy, AuthMethodsPolicy, AuthzPolicy, CaPolicies, CompliancePolicies, DeviceMgmt, ManagedDevices,
    Registration, RoleAssignments, Skus, Users, UsersSignin,
};

pub fn without_members(case: Case) -> Case {
    case.change_all(Users, &json!({"userType": "Guest"}))
}

/// Everybody is asked for what cannot be phished.
fn strong(case: Case, combinations: &Value) -> Case {
    let strength = json!({"id": "own", "allowedCombinations": combinations});
    let grant = json!({"builtInControls": [], "authenticationStrength": strength});
    case.change(CaPolicies, "mfa", json!({"grantControls": grant}))
}

fn away(case: Case, person: &str, days: i64) -> Case {
    let activity = json!({"lastSuccessfulSignInDateTime": days_ago(days)});
    case.change(UsersSignin, person, json!({"signInActivity": activity}))
}

fn never(case: Case, person: &str, created: &str) -> Case {
    case.change(UsersSignin, person, json!({"signInActivity": null}))
        .change(Users, person, json!({"createdDateTime": created}))
}

fn authz(case: Case, change: Value) -> Case {
    case.change(AuthzPolicy, "authorizationPolicy", change)
}

fn action(case: Case, action: &Value) -> Case {
    let rules = json!([{"scheduledActionConfigurations": [action]}]);
    case.change(
        CompliancePolicies,
        "iosCompliancePolicy",
        json!({"scheduledActionsForRule": rules}),
    )
}

fn push(case: Case, change: Value) -> Case {
    let mut method = authenticator();
    merge(&mut method, change);
    let methods = json!({"authenticationMethodConfigurations": [method]});
    case.change(AuthMethodsPolicy, "authenticationMethodsPolicy", methods)
}

/// Ada has a licence with these plans.
fn licensed(case: Case, plans: &[&str]) -> Case {
    let plans: Vec<Value> = plans.iter().map(|plan| json!({"servicePlanName": plan})).collect();
    case.put(Skus, json!({"id": "pack", "skuId": "pack", "servicePlans": plans}))
        .change(Users, "ada", json!({"assignedLicenses": [{"skuId": "pack"}]}))
}

pub const ROWS: &[Row] = &[
    ("entra.ca.phishing_resistant_mfa_all", Pass, "everybody", |case| {
        strong(case, &json!(["fido2"]))
    }),
    (
        "entra.ca.phishing_resistant_mfa_all",
        Fail,
        "administrators alone",
        |case| case,
    ),
    (
        "entra.ca.phishing_resistant_mfa_all",
        NeedsReview,
        "a new combination",
        |case| strong(case, &json!(["telepathy"])),
    ),
    (
        "entra.ca.phishing_resistant_mfa_all",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.device_registration_mfa", Pass, "as it is", |case| case),
    ("entra.ca.device_registration_mfa", Fail, "not Ben", |case| {
        case.change(
            CaPolicies,
            "join",
            json!({"conditions": {"users": {"excludeUsers": ["ben"]}}}),
        )
    }),
    (
        "entra.ca.device_registration_mfa",
        NeedsReview,
        "a setting may ask",
        |case| case.drop(CaPolicies, "join"),
    ),
    (
        "entra.ca.device_registration_mfa",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.mixed_risk_conditions", Pass, "as it is", |case| case),
    ("entra.ca.mixed_risk_conditions", Fail, "both in one", |case| {
        case.change(
            CaPolicies,
            "risky",
            json!({"conditions": {"signInRiskLevels": ["high"]}}),
        )
    }),
    (
        "entra.ca.mixed_risk_conditions",
        NeedsReview,
        "both, in a new state",
        |case| {
            case.change(
                CaPolicies,
                "risky",
                json!({"state": "x", "conditions": {"signInRiskLevels": ["high"]}}),
            )
        },
    ),
    ("entra.ca.mixed_risk_conditions", NotApplicable, "none", |case| {
        case.drop(CaPolicies, "risky").drop(CaPolicies, "sign-in")
    }),
    ("entra.ca.authentication_transfer_blocked", Pass, "as it is", |case| {
        case
    }),
    (
        "entra.ca.authentication_transfer_blocked",
        Fail,
        "the other flow alone",
        |case| {
            let flows = json!({"authenticationFlows": {"transferMethods": "deviceCodeFlow"}});
            case.change(CaPolicies, "flow", json!({"conditions": flows}))
        },
    ),
    (
        "entra.ca.authentication_transfer_blocked",
        NeedsReview,
        "a new state",
        |case| case.change(CaPolicies, "flow", json!({"state": "x"})),
    ),
    (
        "entra.ca.authentication_transfer_blocked",
        NotApplicable,
        "nobody enabled",
        |case| case.change_all(Users, &json!({"accountEnabled": false})),
    ),
    ("entra.auth.methods_migration_complete", Pass, "as it is", |case| case),
    ("entra.auth.methods_migration_complete", Fail, "under way", |case| {
        let change = json!({"policyMigrationState": "migrationInProgress"});
        case.change(AuthMethodsPolicy, "authenticationMethodsPolicy", change)
    }),
    (
        "entra.auth.methods_migration_complete",
        NeedsReview,
        "not said",
        |case| {
            let change = json!({"policyMigrationState": null});
            case.change(AuthMethodsPolicy, "authenticationMethodsPolicy", change)
        },
    ),
    ("entra.authz.app_registration_restricted", Pass, "as it is", |case| case),
    ("entra.authz.app_registration_restricted", Fail, "anybody may", |case| {
        authz(
            case,
            json!({"defaultUserRolePermissions": {"allowedToCreateApps": true}}),
        )
    }),
    (
        "entra.authz.app_registration_restricted",
        NeedsReview,
        "not said",
        |case| authz(case, json!({"defaultUserRolePermissions": null})),
    ),
    ("entra.authz.admin_consent_workflow", Pass, "as it is", |case| case),
    ("entra.authz.admin_consent_workflow", Fail, "nobody answers", |case| {
        case.change(AdminConsentPolicy, "admin_consent_policy", json!({"reviewers": []}))
    }),
    ("entra.authz.admin_consent_workflow", NeedsReview, "not said", |case| {
        case.change(AdminConsentPolicy, "admin_consent_policy", json!({"isEnabled": null}))
    }),
    ("entra.guest.invite_restricted", Pass, "as it is", |case| case),
    ("entra.guest.invite_restricted", Fail, "everybody may", |case| {
        authz(case, json!({"allowInvitesFrom": "everyone"}))
    }),
    ("entra.guest.invite_restricted", NeedsReview, "a new word", |case| {
        authz(case, json!({"allowInvitesFrom": "unknownFutureValue"}))
    }),
    ("entra.guest.access_restricted", Pass, "as it is", |case| case),
    ("entra.guest.access_restricted", Fail, "as members", |case| {
        authz(case, json!({"guestUserRoleId": "a0b1b346-4d3e-4e8b-98f8-753987be4970"}))
    }),
    ("entra.guest.access_restricted", NeedsReview, "a new role", |case| {
        authz(case, json!({"guestUserRoleId": "x"}))
    }),
    ("entra.user.mfa_registered_not_capable", Pass, "as it is", |case| case),
    (
        "entra.user.mfa_registered_not_capable",
        Fail,
        "Ben's is not allowed",
        |case| case.change(Registration, "ben", json!({"isMfaCapable": false})),
    ),
    (
        "entra.user.mfa_registered_not_capable",
        NeedsReview,
        "not said",
        |case| case.change(Registration, "ben", json!({"isMfaRegistered": null})),
    ),
    (
        "entra.user.mfa_registered_not_capable",
        NeedsReview,
        "Ben is not in the report",
        |case| case.drop(Registration, "ben"),
    ),
    (
        "entra.user.mfa_registered_not_capable",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.user.phishing_resistant_registered", Pass, "as it is", |case| {
        case
    }),
    (
        "entra.user.phishing_resistant_registered",
        Fail,
        "Ben has a telephone",
        |case| case.change(Registration, "ben", json!({"methodsRegistered": ["mobilePhone"]})),
    ),
    (
        "entra.user.phishing_resistant_registered",
        NeedsReview,
        "a new word",
        |case| case.change(Registration, "ben", json!({"methodsRegistered": ["telepathy"]})),
    ),
    (
        "entra.user.phishing_resistant_registered",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.user.stale_enabled", Pass, "as it is", |case| case),
    ("entra.user.stale_enabled", Fail, "Ben is away", |case| {
        away(case, "ben", 91)
    }),
    (
        "entra.user.stale_enabled",
        NeedsReview,
        "from before the record",
        |case| never(case, "ben", "2023-01-01T00:00:00Z"),
    ),
    (
        "entra.user.stale_enabled",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.user.never_signed_in", Pass, "as it is", |case| case),
    ("entra.user.never_signed_in", Fail, "Ben never came", |case| {
        never(case, "ben", "2024-01-01T00:00:00Z")
    }),
    ("entra.user.never_signed_in", Pass, "Ben begins in spring", |case| {
        never(case, "ben", "2024-01-01T00:00:00Z").change(Users, "ben", json!({"employeeHireDate": days_ago(-60)}))
    }),
    (
        "entra.user.never_signed_in",
        NeedsReview,
        "from before the record",
        |case| never(case, "ben", "2019-01-01T00:00:00Z"),
    ),
    (
        "entra.user.never_signed_in",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.guest.stale", Pass, "as it is", |case| case),
    ("entra.guest.stale", Fail, "Gil is away", |case| away(case, "gil", 91)),
    ("entra.guest.stale", Fail, "Gil never accepted", |case| {
        case.change(Users, "gil", json!({"externalUserState": "PendingAcceptance"}))
    }),
    ("entra.guest.stale", NotApplicable, "no guests", |case| {
        case.drop(Users, "gil")
    }),
    ("entra.admin.global_admin_count", Pass, "Ada and Ben", |case| {
        case.role("ben", GLOBAL_ADMINISTRATOR)
    }),
    ("entra.admin.global_admin_count", Fail, "Ada alone", |case| case),
    ("intune.device.android_patch_level", Pass, "as it is", |case| case),
    ("intune.device.android_patch_level", Fail, "last summer", |case| {
        case.change(
            ManagedDevices,
            "droid",
            json!({"androidSecurityPatchLevel": "2025-06-05"}),
        )
    }),
    ("intune.device.android_patch_level", NeedsReview, "not said", |case| {
        case.change(ManagedDevices, "droid", json!({"androidSecurityPatchLevel": ""}))
    }),
    (
        "intune.device.android_patch_level",
        NotApplicable,
        "no Android",
        |case| case.drop(ManagedDevices, "droid"),
    ),
    ("intune.device.personal_owned", Pass, "as it is", |case| case),
    ("intune.device.personal_owned", Fail, "one is Ben's", |case| {
        case.change(ManagedDevices, "phone", json!({"managedDeviceOwnerType": "personal"}))
    }),
    ("intune.device.personal_owned", NeedsReview, "not said", |case| {
        case.change(ManagedDevices, "phone", json!({"managedDeviceOwnerType": "unknown"}))
    }),
    (
        "intune.device.personal_owned",
        NotApplicable,
        "none",
        Case::without_devices,
    ),
    ("intune.device.management_certificate", Pass, "as it is", |case| case),
    ("intune.device.management_certificate", Fail, "ended", |case| {
        case.change(
            ManagedDevices,
            "mac",
            json!({"managementCertificateExpirationDate": days_ago(1)}),
        )
    }),
    (
        "intune.device.management_certificate",
        NeedsReview,
        "ends soon",
        |case| {
            case.change(
                ManagedDevices,
                "mac",
                json!({"managementCertificateExpirationDate": days_ago(-5)}),
            )
        },
    ),
    (
        "intune.device.management_certificate",
        NeedsReview,
        "has none",
        |case| {
            case.change(
                ManagedDevices,
                "mac",
                json!({"managementCertificateExpirationDate": "0001-01-01T00:00:00Z"}),
            )
        },
    ),
    (
        "intune.device.management_certificate",
        NotApplicable,
        "none",
        Case::without_devices,
    ),
    ("intune.tenant.validity_period", Pass, "as it is", |case| case),
    ("intune.tenant.validity_period", Fail, "too long", |case| {
        case.change(
            DeviceMgmt,
            "device_mgmt",
            json!({"settings": {"deviceComplianceCheckinThresholdDays": 60}}),
        )
    }),
    ("intune.tenant.validity_period", NeedsReview, "none", |case| {
        case.change(
            DeviceMgmt,
            "device_mgmt",
            json!({"settings": {"deviceComplianceCheckinThresholdDays": 0}}),
        )
    }),
    ("intune.tenant.validity_period", NotApplicable, "no licence", |case| {
        case.without_devices().without_plan("INTUNE")
    }),
    ("intune.policy.assigned", Pass, "as it is", |case| case),
    ("intune.policy.assigned", Fail, "to nobody but exclusions", |case| {
        let target = json!({"@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget", "groupId": "safe"});
        case.change(
            CompliancePolicies,
            "iosCompliancePolicy",
            json!({"assignments": [{"target": target}]}),
        )
    }),
    ("intune.policy.assigned", NotApplicable, "none", |case| {
        case.none_of(CompliancePolicies)
    }),
    ("intune.policy.noncompliance_action", Pass, "as it is", |case| case),
    ("intune.policy.noncompliance_action", Fail, "too late", |case| {
        action(case, &json!({"actionType": "block", "gracePeriodHours": 200}))
    }),
    ("intune.policy.noncompliance_action", Fail, "a letter alone", |case| {
        action(case, &json!({"actionType": "notification", "gracePeriodHours": 0}))
    }),
    ("intune.policy.noncompliance_action", NeedsReview, "not said", |case| {
        case.change(
            CompliancePolicies,
            "iosCompliancePolicy",
            json!({"scheduledActionsForRule": null}),
        )
    }),
    ("intune.policy.noncompliance_action", NotApplicable, "none", |case| {
        case.none_of(CompliancePolicies)
    }),
    ("entra.auth.authenticator_context", Pass, "as it is", |case| case),
    ("entra.auth.authenticator_context", Fail, "one by default", |case| {
        let features = json!({"displayLocationInformationRequiredState": {"state": "default"}});
        push(case, json!({"featureSettings": features}))
    }),
    ("entra.auth.authenticator_context", Fail, "some see nothing", |case| {
        let features = json!({"displayAppInformationRequiredState": {"excludeTarget": {"id": "team"}}});
        push(case, json!({"featureSettings": features}))
    }),
    ("entra.auth.authenticator_context", NeedsReview, "a new word", |case| {
        push(case, json!({"state": "onSundays"}))
    }),
    (
        "entra.auth.authenticator_context",
        NotApplicable,
        "not allowed",
        |case| push(case, json!({"state": "disabled"})),
    ),
    ("entra.admin.reduced_licence", Pass, "as it is", |case| case),
    ("entra.admin.reduced_licence", Pass, "Entra ID P1", |case| {
        licensed(case, &["EXCHANGE_S_FOUNDATION", "AAD_PREMIUM"])
    }),
    ("entra.admin.reduced_licence", Fail, "a mailbox", |case| {
        licensed(case, &["AAD_PREMIUM", "EXCHANGE_S_ENTERPRISE"])
    }),
    (
        "entra.admin.reduced_licence",
        NeedsReview,
        "of another tenant",
        |case| licensed(case, &[]).drop(Skus, "pack"),
    ),
    ("entra.admin.reduced_licence", NotApplicable, "no admins", |case| {
        case.none_of(RoleAssignments)
    }),
    ("intune.device.user_coverage", Pass, "Ada has one too", |case| {
        case.change(ManagedDevices, "mac", json!({"userId": "ada"}))
    }),
    ("intune.device.user_coverage", Fail, "Ada has none", |case| case),
    ("intune.device.user_coverage", Fail, "Ada's does not comply", |case| {
        let change = json!({"userId": "ada", "complianceState": "noncompliant"});
        case.change(ManagedDevices, "mac", change)
    }),
    ("intune.device.user_coverage", NeedsReview, "Ada is away", |case| {
        away(licensed(case, &[]), "ada", 31)
    }),
    ("intune.device.user_coverage", Fail, "away without a licence", |case| {
        away(case, "ada", 31)
    }),
    (
        "intune.device.user_coverage",
        NeedsReview,
        "a domain would do",
        |case| {
            let grant = json!({"grantControls": {"builtInControls": ["compliantDevice", "domainJoinedDevice"]}});
            case.drop(CaPolicies, "register").change(CaPolicies, "device", grant)
        },
    ),
    ("intune.device.user_coverage", NotApplicable, "nobody asks", |case| {
        case.drop(CaPolicies, "register").drop(CaPolicies, "device")
    }),
];
