//! Intune beyond the devices themselves: compliance policies and the counts over all devices.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::{Directory, Kind};

/// The compliance policies of a tenant with Intune, one a platform; Android's is assigned to nobody.
pub fn compliance_policies(tenant: Uuid) -> Vec<Value> {
    let password = |word: &str| {
        json!({
            format!("{word}BlockSimple"): true, format!("{word}ExpirationDays"): null, format!("{word}MinimumCharacterSetCount"): null,
            format!("{word}MinimumLength"): 8, format!("{word}MinutesOfInactivityBeforeLock"): 15, format!("{word}Required"): true,
            format!("{word}RequiredType"): "deviceDefault",
        })
    };
    let threats =
        json!({"deviceThreatProtectionEnabled": false, "deviceThreatProtectionRequiredSecurityLevel": "unavailable"});
    vec![
        policy(
            tenant,
            "windows10",
            "Windows: encrypted and current",
            true,
            &[
                password("password"),
                json!({
                    "passwordPreviousPasswordBlockCount": null, "passwordRequiredToUnlockFromIdle": true, "requireHealthyDeviceReport": false,
                    "osMinimumVersion": "10.0.22631.0", "osMaximumVersion": null, "mobileOsMinimumVersion": null, "mobileOsMaximumVersion": null,
                    "earlyLaunchAntiMalwareDriverEnabled": false, "bitLockerEnabled": true, "secureBootEnabled": true, "codeIntegrityEnabled": true,
                    "storageRequireEncryption": true,
                }),
            ],
        ),
        policy(
            tenant,
            "macOS",
            "macOS: encrypted and current",
            true,
            &[
                password("password"),
                threats.clone(),
                json!({
                    "passwordPreviousPasswordBlockCount": null, "osMinimumVersion": "14.0", "osMaximumVersion": null,
                    "systemIntegrityProtectionEnabled": true, "storageRequireEncryption": true, "firewallEnabled": true,
                    "firewallBlockAllIncoming": false, "firewallEnableStealthMode": true,
                }),
            ],
        ),
        policy(
            tenant,
            "ios",
            "iOS: not jailbroken",
            true,
            &[
                password("passcode"),
                threats.clone(),
                json!({
                    "passcodePreviousPasscodeBlockCount": null, "osMinimumVersion": "17.0", "osMaximumVersion": null,
                    "managedEmailProfileRequired": false, "securityBlockJailbrokenDevices": true,
                }),
            ],
        ),
        policy(
            tenant,
            "android",
            "Android: trial",
            false,
            &[
                threats,
                json!({
                    "passwordRequired": true, "passwordRequiredType": "numericComplex", "passwordMinimumLength": 6, "passwordExpirationDays": null,
                    "passwordMinutesOfInactivityBeforeLock": 15, "passwordPreviousPasswordBlockCount": null, "osMinimumVersion": null,
                    "osMaximumVersion": null, "minAndroidSecurityPatchLevel": null, "securityBlockJailbrokenDevices": true,
                    "securityDisableUsbDebugging": true, "securityPreventInstallAppsFromUnknownSources": true,
                    "securityRequireCompanyPortalAppIntegrity": false, "securityRequireGooglePlayServices": false,
                    "securityRequireSafetyNetAttestationBasicIntegrity": false, "securityRequireSafetyNetAttestationCertifiedDevice": false,
                    "securityRequireUpToDateSecurityProviders": false, "securityRequireVerifyApps": false, "storageRequireEncryption": true,
                }),
            ],
        ),
    ]
}

fn policy(tenant: Uuid, platform: &str, name: &str, assigned: bool, rules: &[Value]) -> Value {
    let id = Uuid::new_v5(&tenant, name.as_bytes());
    let part = |what: &str| Uuid::new_v5(&id, what.as_bytes());
    let everybody = json!({
        "id": format!("{id}_{}", part("target")), "target": {"@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget"},
    });
    let action = |kind: &str, hours: u32| {
        json!({
            "id": part(kind), "gracePeriodHours": hours, "actionType": kind, "notificationTemplateId": Uuid::nil(), "notificationMessageCCList": [],
        })
    };
    let mut policy = json!({
        "@odata.type": format!("#microsoft.graph.{platform}CompliancePolicy"), "id": id, "displayName": name, "description": null,
        "createdDateTime": "2025-03-03T10:00:00Z", "lastModifiedDateTime": "2025-03-03T10:00:00Z", "version": 1,
        "assignments": if assigned { vec![everybody] } else { Vec::new() },
        "scheduledActionsForRule": [
            {"id": part("rule"), "ruleName": null, "scheduledActionConfigurations": [action("block", 24), action("notification", 0)]},
        ],
    });
    for rule in rules.iter().filter_map(Value::as_object) {
        for (name, value) in rule {
            policy[name] = value.clone();
        }
    }
    policy
}

/// How many devices have each value of a property.
fn tally(directory: &Directory, name: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for device in directory.live_from(Kind::Device, 0) {
        let value = directory.text(Kind::Device, device, name).unwrap_or_default();
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// `deviceManagement/managedDeviceOverview`: the counts that a listing of devices can be held against.
pub fn overview(tenant: Uuid, directory: &Directory) -> Value {
    let systems = tally(directory, "operatingSystem");
    let of = |system: &str| systems.get(system).copied().unwrap_or(0);
    let all = directory.live_count(Kind::Device);
    let named = of("Windows") + of("macOS") + of("iOS") + of("iPadOS") + of("Android");
    json!({
        "id": Uuid::new_v5(&tenant, b"managedDeviceOverview"), "enrolledDeviceCount": all, "mdmEnrolledCount": all, "dualEnrolledDeviceCount": 0,
        "deviceOperatingSystemSummary": {
            "windowsCount": of("Windows"), "macOSCount": of("macOS"), "iosCount": of("iOS") + of("iPadOS"), "androidCount": of("Android"),
            "windowsMobileCount": 0, "unknownCount": all - named, "configMgrDeviceCount": 0, "androidDedicatedCount": 0,
            "androidDeviceAdminCount": 0, "androidFullyManagedCount": 0, "androidWorkProfileCount": 0, "androidCorporateWorkProfileCount": 0,
        },
        "deviceExchangeAccessStateSummary": {
            "allowedDeviceCount": 0, "blockedDeviceCount": 0, "quarantinedDeviceCount": 0, "unknownDeviceCount": 0, "unavailableDeviceCount": 0,
        },
    })
}

/// `deviceManagement/deviceCompliancePolicyDeviceStateSummary`.
pub fn state_summary(tenant: Uuid, directory: &Directory) -> Value {
    let states = tally(directory, "complianceState");
    let of = |state: &str| states.get(state).copied().unwrap_or(0);
    json!({
        "id": Uuid::new_v5(&tenant, b"deviceCompliancePolicyDeviceStateSummary"), "inGracePeriodCount": of("inGracePeriod"),
        "configManagerCount": of("configManager"), "unknownDeviceCount": of("unknown"), "notApplicableDeviceCount": 0,
        "compliantDeviceCount": of("compliant"), "remediatedDeviceCount": 0, "nonCompliantDeviceCount": of("noncompliant"),
        "errorDeviceCount": of("error"), "conflictDeviceCount": of("conflict"),
    })
}
