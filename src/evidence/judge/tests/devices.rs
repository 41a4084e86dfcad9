//! Devices and what is asked of them.

use serde_json::{Value, json};

use super::super::Status::{Fail, NeedsReview, NotApplicable, Pass};
use super::super::*;
use super::fixture::{Case, days_ago};
use super::tables::Row;
use crate::evidence::snapshot::Gap;
use crate::evidence::snapshot::Resource::{
    CompliancePolicies, DeviceMgmt, DeviceOverview, ManagedDevices, Registration,
};

fn without_phones(case: Case) -> Case {
    case.drop(ManagedDevices, "phone").drop(ManagedDevices, "droid")
}

fn to_group(case: Case) -> Case {
    let target = json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": "team"});
    case.change(
        CompliancePolicies,
        "windows10CompliancePolicy",
        json!({"assignments": [{"target": target}]}),
    )
}

fn asks(case: Case, policy: &str, change: Value) -> Case {
    case.change(CompliancePolicies, policy, change)
}

pub const ROWS: &[Row] = &[
    ("intune.device.compliant", Pass, "as it is", |case| case),
    ("intune.device.compliant", Fail, "one is not", |case| {
        case.change(ManagedDevices, "win", json!({"complianceState": "noncompliant"}))
    }),
    ("intune.device.compliant", Fail, "one is in conflict", |case| {
        case.change(ManagedDevices, "win", json!({"complianceState": "conflict"}))
    }),
    ("intune.device.compliant", NeedsReview, "one is in grace", |case| {
        case.change(ManagedDevices, "win", json!({"complianceState": "inGracePeriod"}))
    }),
    ("intune.device.compliant", NeedsReview, "a new word", |case| {
        case.change(ManagedDevices, "win", json!({"complianceState": "unknownFutureValue"}))
    }),
    ("intune.device.compliant", NotApplicable, "none", Case::without_devices),
    ("intune.device.compliant", NotApplicable, "no licence", |case| {
        case.without_devices().without_plan("INTUNE")
    }),
    // There is no passing: who is within grace is listed for a person.
    ("intune.device.in_grace_period", Fail, "for too long", |mut case| {
        case.past.in_grace_since.insert("win".to_owned(), days_ago(5));
        case.change(
            ManagedDevices,
            "win",
            json!({"complianceState": "inGracePeriod",
            "complianceGracePeriodExpirationDateTime": days_ago(-3)}),
        )
    }),
    ("intune.device.in_grace_period", NeedsReview, "since now", |case| {
        case.change(
            ManagedDevices,
            "win",
            json!({"complianceState": "inGracePeriod",
            "complianceGracePeriodExpirationDateTime": days_ago(-3)}),
        )
    }),
    ("intune.device.in_grace_period", NotApplicable, "none", |case| case),
    ("intune.device.state_unknown", Pass, "as it is", |case| case),
    ("intune.device.state_unknown", Pass, "it is new", |case| {
        case.change(
            ManagedDevices,
            "win",
            json!({"complianceState": "unknown", "enrolledDateTime": days_ago(1)}),
        )
    }),
    ("intune.device.state_unknown", Fail, "for long", |case| {
        case.change(ManagedDevices, "win", json!({"complianceState": "unknown"}))
    }),
    ("intune.device.state_unknown", NeedsReview, "another decides", |case| {
        case.change(ManagedDevices, "win", json!({"complianceState": "configManager"}))
    }),
    (
        "intune.device.state_unknown",
        NotApplicable,
        "none",
        Case::without_devices,
    ),
    ("intune.device.encrypted", Pass, "as it is", |case| case),
    ("intune.device.encrypted", Fail, "one is not", |case| {
        case.change(ManagedDevices, "mac", json!({"isEncrypted": false}))
    }),
    ("intune.device.encrypted", NeedsReview, "not said", |case| {
        case.change(ManagedDevices, "mac", json!({"isEncrypted": null}))
    }),
    ("intune.device.encrypted", NeedsReview, "a virtual machine", |case| {
        case.change(
            ManagedDevices,
            "win",
            json!({"isEncrypted": false, "model": "Virtual Machine"}),
        )
    }),
    ("intune.device.encrypted", NeedsReview, "Linux", |case| {
        case.change(ManagedDevices, "win", json!({"operatingSystem": "Linux"}))
    }),
    ("intune.device.encrypted", NotApplicable, "none", Case::without_devices),
    (
        "intune.device.os_supported",
        Pass,
        "as it is, without telephones",
        without_phones,
    ),
    ("intune.device.os_supported", Fail, "an old one", |case| {
        case.change(ManagedDevices, "win", json!({"osVersion": "10.0.19045.4046"}))
    }),
    (
        "intune.device.os_supported",
        NeedsReview,
        "ended for some editions",
        |case| {
            let case = without_phones(case);
            case.change(ManagedDevices, "win", json!({"osVersion": "10.0.22631.1"}))
        },
    ),
    (
        "intune.device.os_supported",
        NeedsReview,
        "newer than the table",
        |case| without_phones(case).change(ManagedDevices, "win", json!({"osVersion": "10.0.99999.1"})),
    ),
    (
        "intune.device.os_supported",
        NotApplicable,
        "none",
        Case::without_devices,
    ),
    ("intune.device.checked_in", Pass, "as it is", |case| case),
    ("intune.device.checked_in", Fail, "silent", |case| {
        case.change(ManagedDevices, "win", json!({"lastSyncDateTime": days_ago(31)}))
    }),
    (
        "intune.device.checked_in",
        NeedsReview,
        "never, as Intune writes it",
        |case| {
            case.change(
                ManagedDevices,
                "win",
                json!({"lastSyncDateTime": "0001-01-01T00:00:00Z"}),
            )
        },
    ),
    ("intune.device.checked_in", NotApplicable, "none", Case::without_devices),
    ("intune.device.not_jailbroken", Pass, "as it is", |case| case),
    ("intune.device.not_jailbroken", Fail, "one is", |case| {
        case.change(ManagedDevices, "phone", json!({"jailBroken": "True"}))
    }),
    (
        "intune.device.not_jailbroken",
        NeedsReview,
        "one does not say",
        |case| case.change(ManagedDevices, "phone", json!({"jailBroken": "Unknown"})),
    ),
    (
        "intune.device.not_jailbroken",
        Status::Indeterminate,
        "a new one has not said",
        |case| {
            case.change(
                ManagedDevices,
                "phone",
                json!({"jailBroken": "", "enrolledDateTime": days_ago(1)}),
            )
        },
    ),
    (
        "intune.device.not_jailbroken",
        NotApplicable,
        "no telephones",
        without_phones,
    ),
    ("intune.device.threat_state", Pass, "as it is", |case| case),
    ("intune.device.threat_state", Fail, "a threat", |case| {
        case.change(
            ManagedDevices,
            "phone",
            json!({"partnerReportedThreatState": "highSeverity"}),
        )
    }),
    ("intune.device.threat_state", Fail, "switched off", |case| {
        case.change(
            ManagedDevices,
            "phone",
            json!({"partnerReportedThreatState": "deactivated"}),
        )
    }),
    ("intune.device.threat_state", NeedsReview, "a new word", |case| {
        case.change(
            ManagedDevices,
            "phone",
            json!({"partnerReportedThreatState": "unknownFutureValue"}),
        )
    }),
    ("intune.device.threat_state", NotApplicable, "nobody reports", |case| {
        case.change_all(ManagedDevices, &json!({"partnerReportedThreatState": "unknown"}))
    }),
    ("intune.tenant.default_noncompliant", Pass, "as it is", |case| case),
    ("intune.tenant.default_noncompliant", Fail, "off", |case| {
        case.change(
            DeviceMgmt,
            "device_mgmt",
            json!({"settings": {"secureByDefault": false}}),
        )
    }),
    ("intune.tenant.default_noncompliant", NeedsReview, "not said", |case| {
        case.change(DeviceMgmt, "device_mgmt", json!({"settings": null}))
    }),
    (
        "intune.tenant.default_noncompliant",
        NotApplicable,
        "no licence",
        |case| case.without_devices().without_plan("INTUNE"),
    ),
    ("intune.policy.exists_per_platform", Pass, "as it is", |case| case),
    (
        "intune.policy.exists_per_platform",
        Fail,
        "none for one system",
        |case| case.drop(CompliancePolicies, "macOSCompliancePolicy"),
    ),
    ("intune.policy.exists_per_platform", Fail, "for nobody", |case| {
        case.change(CompliancePolicies, "macOSCompliancePolicy", json!({"assignments": []}))
    }),
    ("intune.policy.exists_per_platform", NeedsReview, "Linux", |case| {
        case.change(ManagedDevices, "win", json!({"operatingSystem": "Linux"}))
    }),
    (
        "intune.policy.exists_per_platform",
        NotApplicable,
        "no devices",
        Case::without_devices,
    ),
    ("intune.policy.encryption_required", Pass, "as it is", |case| case),
    ("intune.policy.encryption_required", Fail, "not asked for", |case| {
        case.change(
            CompliancePolicies,
            "windows10CompliancePolicy",
            json!({"bitLockerEnabled": false}),
        )
    }),
    (
        "intune.policy.encryption_required",
        Pass,
        "for a group that has Ben",
        |case| to_group(case).group("team", &["ben"]),
    ),
    (
        "intune.policy.encryption_required",
        Fail,
        "for a group that has not",
        |case| to_group(case).group("team", &["ada"]),
    ),
    (
        "intune.policy.encryption_required",
        NeedsReview,
        "for a group of computers",
        |case| to_group(case).group("team", &["some-computer"]),
    ),
    (
        "intune.policy.encryption_required",
        NeedsReview,
        "by a filter",
        |case| {
            let target = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget",
            "deviceAndAppManagementAssignmentFilterType": "include"});
            case.change(
                CompliancePolicies,
                "windows10CompliancePolicy",
                json!({"assignments": [{"target": target}]}),
            )
        },
    ),
    (
        "intune.policy.encryption_required",
        NotApplicable,
        "no devices",
        Case::without_devices,
    ),
    ("intune.policy.jailbreak_blocked", Pass, "as it is", |case| case),
    ("intune.policy.jailbreak_blocked", Fail, "not asked for", |case| {
        case.change(
            CompliancePolicies,
            "iosCompliancePolicy",
            json!({"securityBlockJailbrokenDevices": false}),
        )
    }),
    (
        "intune.policy.jailbreak_blocked",
        NotApplicable,
        "no telephones",
        without_phones,
    ),
    ("intune.policy.minimum_os", Pass, "computers alone", without_phones),
    ("intune.policy.minimum_os", Fail, "none for Windows", |case| {
        asks(case, "windows10CompliancePolicy", json!({"osMinimumVersion": null}))
    }),
    ("intune.policy.minimum_os", Fail, "an old one", |case| {
        let change = json!({"osMinimumVersion": "10.0.19045.0"});
        asks(without_phones(case), "windows10CompliancePolicy", change)
    }),
    (
        "intune.policy.minimum_os",
        NeedsReview,
        "no dates for telephones",
        |case| case,
    ),
    ("intune.policy.minimum_os", NotApplicable, "none", Case::without_devices),
    ("intune.policy.passcode_required", Pass, "as it is", |case| case),
    ("intune.policy.passcode_required", Fail, "none for iOS", |case| {
        asks(case, "iosCompliancePolicy", json!({"passcodeRequired": false}))
    }),
    ("intune.policy.passcode_required", Fail, "none for Windows", |case| {
        asks(case, "windows10CompliancePolicy", json!({"passwordRequired": false}))
    }),
    ("intune.policy.passcode_required", Fail, "to nobody", |case| {
        asks(case, "macOSCompliancePolicy", json!({"assignments": []}))
    }),
    (
        "intune.policy.passcode_required",
        NeedsReview,
        "Windows Hello",
        |case| {
            asks(case, "windows10CompliancePolicy", json!({"passwordRequired": false})).change(
                Registration,
                "ben",
                json!({"methodsRegistered": ["windowsHelloForBusiness"]}),
            )
        },
    ),
    (
        "intune.policy.passcode_required",
        NotApplicable,
        "none",
        Case::without_devices,
    ),
];

#[test]
fn no_devices_where_intune_counts_some_is_no_answer() {
    let case = Case::healthy().none_of(ManagedDevices);
    let verdict = case.verdict("intune.device.compliant");
    assert_eq!(verdict.indeterminate.unwrap().gap, Gap::PartialCollection);
}

#[test]
fn a_device_that_came_twice_is_one() {
    let mut case = Case::healthy();
    let twice = case.pull(ManagedDevices).objects[0].clone();
    case.pull(ManagedDevices).objects.push(twice);
    assert_eq!(case.verdict("intune.device.compliant").counts.population, 4);
}

#[test]
fn what_is_there_is_judged_whatever_the_licences_say() {
    let case = Case::healthy().without_plan("INTUNE");
    assert_eq!(case.verdict("intune.device.compliant").status, Pass);
    assert_eq!(
        case.change(DeviceOverview, "device_overview", json!({}))
            .verdict("intune.device.compliant")
            .status,
        Pass
    );
}
