//! The settings that a tenant has one of.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::directory::Object;

/// Their names in the control interface, which are the last segments of their paths in Graph.
pub const NAMES: [&str; 5] = [
    SECURITY_DEFAULTS,
    "authorizationPolicy",
    "authenticationMethodsPolicy",
    "adminConsentRequestPolicy",
    DEVICE_MANAGEMENT,
];
pub const SECURITY_DEFAULTS: &str = "identitySecurityDefaultsEnforcementPolicy";
/// Intune's tenant-wide compliance settings, which Graph shows as `deviceManagement?$select=settings`.
pub const DEVICE_MANAGEMENT: &str = "deviceManagementSettings";

/// A setting as a tenant starts out with it. Without premium security defaults are on.
pub fn initial(name: &str, premium: bool) -> Object {
    let setting = match name {
        SECURITY_DEFAULTS => json!({
            "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults", "isEnabled": !premium,
            "description": "Basic protection that Microsoft recommends to everybody.", "deletedDateTime": null,
        }),
        "authorizationPolicy" => authorization(),
        "authenticationMethodsPolicy" => methods(),
        "adminConsentRequestPolicy" => json!({
            "isEnabled": false, "notifyReviewers": false, "remindersEnabled": false, "requestDurationInDays": 0, "reviewers": [], "version": 0,
        }),
        _ => {
            json!({"deviceComplianceCheckinThresholdDays": 30, "isScheduledActionEnabled": false, "secureByDefault": false})
        }
    };
    match setting {
        Value::Object(setting) => setting,
        _ => Map::new(),
    }
}

fn authorization() -> Value {
    json!({
        "id": "authorizationPolicy", "displayName": "Authorization Policy", "deletedDateTime": null,
        "description": "Who may do what without being asked.",
        "allowInvitesFrom": "adminsAndGuestInviters", "allowedToSignUpEmailBasedSubscriptions": true, "allowedToUseSSPR": true,
        "allowEmailVerifiedUsersToJoinOrganization": false, "allowUserConsentForRiskyApps": false, "blockMsolPowerShell": false,
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": true, "allowedToCreateSecurityGroups": true, "allowedToCreateTenants": true,
            "allowedToReadBitlockerKeysForOwnedDevice": true, "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-low"],
        },
    })
}

fn methods() -> Value {
    let everybody = json!([{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}]);
    let method = |id: &str, kind: &str, state: &str, more: Value| {
        let mut method = json!({
            "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethodConfiguration"), "id": id, "state": state, "excludeTargets": [],
            "includeTargets": everybody,
        });
        if let (Value::Object(method), Value::Object(more)) = (&mut method, more) {
            method.extend(more);
        }
        method
    };
    let nobody = json!({"id": Uuid::nil(), "targetType": "group"});
    let shown = json!({"state": "enabled", "includeTarget": {"id": "all_users", "targetType": "group"}, "excludeTarget": nobody});
    json!({
        "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy", "policyVersion": "1.5",
        "description": "The methods that people may register and use.", "lastModifiedDateTime": "2025-03-03T09:30:00Z",
        "policyMigrationState": "migrationComplete", "reconfirmationInDays": null,
        "registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {
            "snoozeDurationInDays": 1, "state": "default", "excludeTargets": [],
            "includeTargets": [{"id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}],
        }},
        "authenticationMethodConfigurations": [
            method("Fido2", "fido2", "enabled", json!({"isAttestationEnforced": true, "isSelfServiceRegistrationAllowed": true, "keyRestrictions": null})),
            method("MicrosoftAuthenticator", "microsoftAuthenticator", "enabled", json!({
                "isSoftwareOathEnabled": false,
                "featureSettings": {"displayAppInformationRequiredState": shown, "displayLocationInformationRequiredState": shown},
            })),
            method("Sms", "sms", "enabled", json!({})),
            method("TemporaryAccessPass", "temporaryAccessPass", "enabled", json!({
                "defaultLength": 8, "defaultLifetimeInMinutes": 60, "isUsableOnce": true, "maximumLifetimeInMinutes": 480, "minimumLifetimeInMinutes": 60,
            })),
            method("SoftwareOath", "softwareOath", "enabled", json!({})),
            method("Voice", "voice", "disabled", json!({"isOfficePhoneAllowed": false})),
            method("Email", "email", "disabled", json!({"allowExternalIdToUseEmailOtp": "default"})),
        ],
    })
}

/// The methods that the policy allows, by the names that registration details give them.
pub fn allowed(methods: &Object) -> Vec<&'static str> {
    let enabled = |id: &str| {
        let configurations = methods
            .get("authenticationMethodConfigurations")
            .and_then(Value::as_array);
        configurations.is_some_and(|all| all.iter().any(|one| one["id"] == id && one["state"] == "enabled"))
    };
    let known: [(&str, &[&'static str]); 5] = [
        (
            "MicrosoftAuthenticator",
            &["microsoftAuthenticatorPush", "microsoftAuthenticatorPasswordless"],
        ),
        ("Sms", &["mobilePhone"]),
        ("Voice", &["officePhone", "alternateMobilePhone"]),
        ("SoftwareOath", &["softwareOneTimePasscode"]),
        (
            "Fido2",
            &[
                "fido2SecurityKey",
                "passKeyDeviceBound",
                "passKeyDeviceBoundAuthenticator",
            ],
        ),
    ];
    let by_policy = known
        .into_iter()
        .filter(|(id, _)| enabled(id))
        .flat_map(|(_, names)| names.iter().copied());
    // Windows Hello is no matter of this policy.
    by_policy.chain(["windowsHelloForBusiness"]).collect()
}

/// A setting with what is given laid over it. Errors: a name that it does not have.
pub fn changed(current: &Object, given: Object) -> Result<Object, String> {
    if given.contains_key("id") {
        return Err("'id' is no property that can be set".to_owned());
    }
    match super::shape::overlay(&Value::Object(current.clone()), Value::Object(given), "")? {
        Value::Object(setting) => Ok(setting),
        _ => unreachable!("an object laid over an object is an object"),
    }
}
