//! Compliance policies that are assigned, and to whom.

use serde_json::{Value, json};

use super::super::Status::{Fail, NeedsReview, Pass};
use super::fixture::Case;
use super::tables::Row;
use crate::evidence::snapshot::Resource::{CompliancePolicies, GroupMembers, ManagedDevices};

const GROUP: &str = "#microsoft.graph.groupAssignmentTarget";
const NOT_GROUP: &str = "#microsoft.graph.exclusionGroupAssignmentTarget";

fn targets(case: Case, policy: &str, targets: &[Value]) -> Case {
    let assignments: Vec<Value> = targets.iter().map(|target| json!({"target": target})).collect();
    case.change(CompliancePolicies, policy, json!({"assignments": assignments}))
}

fn to_team(case: Case, policy: &str) -> Case {
    targets(case, policy, &[json!({"@odata.type": GROUP, "groupId": "team"})])
}

fn gone(case: Case, policy: &str) -> Case {
    to_team(case, policy).put(GroupMembers, json!({"id": "team", "missing": true}))
}

fn empty(case: Case, policy: &str) -> Case {
    to_team(case, policy).group("team", &[])
}

/// Whoever is in is out again.
fn undone(case: Case, policy: &str) -> Case {
    let (to, not) = (
        json!({"@odata.type": GROUP, "groupId": "team"}),
        json!({"@odata.type": NOT_GROUP, "groupId": "team"}),
    );
    targets(case, policy, &[to, not]).group("team", &["ben"])
}

fn filtered(case: Case, policy: &str) -> Case {
    let target = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget",
        "deviceAndAppManagementAssignmentFilterType": "include"});
    targets(case, policy, &[target])
}

fn computers_alone(case: Case) -> Case {
    case.drop(ManagedDevices, "phone").drop(ManagedDevices, "droid")
}

const MAC: &str = "macOSCompliancePolicy";
const IOS: &str = "iosCompliancePolicy";

pub const ROWS: &[Row] = &[
    (
        "intune.policy.exists_per_platform",
        Fail,
        "for a group that is gone",
        |case| gone(case, MAC),
    ),
    (
        "intune.policy.exists_per_platform",
        Fail,
        "for nobody's group",
        |case| empty(case, MAC),
    ),
    ("intune.policy.exists_per_platform", Fail, "in and out", |case| {
        undone(case, MAC)
    }),
    ("intune.policy.exists_per_platform", Pass, "for a group", |case| {
        to_team(case, MAC).group("team", &["ada"])
    }),
    (
        "intune.policy.exists_per_platform",
        NeedsReview,
        "by a filter",
        |case| filtered(case, MAC),
    ),
    (
        "intune.policy.exists_per_platform",
        NeedsReview,
        "one way to enrol alone",
        |case| case.drop(CompliancePolicies, "androidCompliancePolicy"),
    ),
    (
        "intune.policy.encryption_required",
        Fail,
        "for a group that is gone",
        |case| gone(case, MAC),
    ),
    (
        "intune.policy.encryption_required",
        NeedsReview,
        "one way to enrol alone",
        |case| case.drop(CompliancePolicies, "androidWorkProfileCompliancePolicy"),
    ),
    (
        "intune.policy.jailbreak_blocked",
        Fail,
        "for a group that is gone",
        |case| gone(case, IOS),
    ),
    ("intune.policy.jailbreak_blocked", Fail, "for nobody's group", |case| {
        empty(case, IOS)
    }),
    ("intune.policy.jailbreak_blocked", NeedsReview, "by a filter", |case| {
        filtered(case, IOS)
    }),
    (
        "intune.policy.jailbreak_blocked",
        NeedsReview,
        "one way to enrol alone",
        |case| {
            let change = json!({"securityBlockJailbrokenDevices": false});
            case.change(CompliancePolicies, "androidCompliancePolicy", change)
        },
    ),
    ("intune.policy.assigned", Fail, "to a group that is gone", |case| {
        gone(case, IOS)
    }),
    ("intune.policy.assigned", Fail, "to nobody's group", |case| {
        empty(case, IOS)
    }),
    ("intune.policy.assigned", NeedsReview, "by a filter", |case| {
        filtered(case, IOS)
    }),
    (
        "intune.policy.passcode_required",
        Fail,
        "for a group that is gone",
        |case| gone(case, IOS),
    ),
    ("intune.policy.passcode_required", NeedsReview, "by a filter", |case| {
        filtered(case, IOS)
    }),
    ("intune.policy.minimum_os", Fail, "for a group that is gone", |case| {
        gone(computers_alone(case), MAC)
    }),
    ("intune.policy.minimum_os", NeedsReview, "by a filter", |case| {
        filtered(computers_alone(case), MAC)
    }),
];

#[test]
fn a_group_whose_members_were_not_read_is_not_taken_for_anybody() {
    let case = to_team(Case::healthy(), MAC);
    for check in ["intune.policy.exists_per_platform", "intune.policy.assigned"] {
        let missing = case.verdict(check).indeterminate.expect("nobody could look");
        assert_eq!(missing.resource, GroupMembers, "{check}");
    }
}
