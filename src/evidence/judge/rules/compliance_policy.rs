//! What is asked of devices, and of which.
//!
//! The danger: a policy that nobody is assigned to asks nothing of anybody.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::device::Platform;
use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::predicates::Sure;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{CompliancePolicy, Device};
use crate::evidence::snapshot::{Indeterminate, Resource};

type InUse = BTreeMap<Platform, Vec<Device>>;

fn read(bench: &Bench<'_>) -> Result<(InUse, Vec<CompliancePolicy>), Indeterminate> {
    let mut in_use = InUse::new();
    for device in bench.read::<Device>(Resource::ManagedDevices)? {
        in_use.entry(Platform::of(&device)).or_default().push(device);
    }
    Ok((in_use, bench.read(Resource::CompliancePolicies)?))
}

fn is_for(policy: &CompliancePolicy, platform: Platform) -> bool {
    let kind = policy.kind.trim_start_matches("#microsoft.graph.");
    match platform {
        Platform::Windows => kind.starts_with("windows10Compliance") || kind.starts_with("windows81Compliance"),
        Platform::MacOs => kind.starts_with("macOS"),
        Platform::Ios => kind.starts_with("ios"),
        Platform::Android => kind.starts_with("android") || kind.starts_with("aosp"),
        Platform::Other => false,
    }
}

fn is_exclusion(kind: &str) -> bool {
    kind.ends_with("exclusionGroupAssignmentTarget")
}

fn is_assigned(policy: &CompliancePolicy) -> bool {
    policy
        .assignments
        .iter()
        .any(|assignment| !is_exclusion(&assignment.target.kind))
}

fn subject(platform: Platform) -> Subject<'static> {
    Subject {
        resource: Resource::CompliancePolicies,
        id: platform.name(),
        name: None,
    }
}

fn lineage<'p>(devices: &[Device], policies: impl Iterator<Item = &'p CompliancePolicy>) -> Value {
    let policies = policies.map(|policy| json!({"id": policy.id, "name": policy.display_name}));
    json!({"devices": devices.len(), "policies": policies.collect::<Vec<_>>()})
}

pub(super) fn exists_per_platform(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let (in_use, policies) = read(bench)?;
    tally.population(
        "PLATFORMS",
        Resource::ManagedDevices,
        in_use.keys().map(|platform| platform.name()),
    );
    for (platform, devices) in in_use {
        let mut assigned = policies
            .iter()
            .filter(|policy| is_for(policy, platform) && is_assigned(policy));
        if platform == Platform::Other {
            tally.review(
                subject(platform),
                "there is no kind of policy for this system",
                lineage(&devices, [].iter()),
            );
        } else if assigned.next().is_some() {
            tally.passed();
        } else {
            let considered = policies.iter().filter(|policy| is_for(policy, platform));
            tally.failed(
                subject(platform),
                "no compliance policy is assigned",
                lineage(&devices, considered),
            );
        }
    }
    Ok(())
}

pub(super) fn encryption_required(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let (mut in_use, policies) = read(bench)?;
    in_use.retain(|platform, _| matches!(platform, Platform::Windows | Platform::MacOs | Platform::Android));
    tally.population(
        "PLATFORMS",
        Resource::ManagedDevices,
        in_use.keys().map(|platform| platform.name()),
    );
    let on = |policy: &CompliancePolicy, setting: &str| policy.settings.get(setting) == Some(&Value::Bool(true));
    for (platform, devices) in in_use {
        let asks = |policy: &&CompliancePolicy| {
            let by_bitlocker = platform == Platform::Windows && on(policy, "bitLockerEnabled");
            is_for(policy, platform) && (by_bitlocker || on(policy, "storageRequireEncryption"))
        };
        let asking: Vec<&CompliancePolicy> = policies.iter().filter(asks).collect();
        let reached = |device: &Device| {
            let sure = asking.iter().map(|policy| targets(bench, policy, device));
            sure.max().unwrap_or(Sure::No)
        };
        let missed = devices.iter().filter(|device| reached(device) == Sure::No).count();
        let mut lineage = lineage(&devices, asking.iter().copied());
        lineage["devicesNotTargeted"] = json!(missed);
        match devices.iter().map(reached).min() {
            Some(Sure::Yes) => tally.passed(),
            Some(Sure::Maybe) => tally.review(
                subject(platform),
                "whom the policies are for cannot be resolved",
                lineage,
            ),
            _ => tally.failed(subject(platform), "devices are not asked to be encrypted", lineage),
        }
    }
    Ok(())
}

/// Whether a policy is for a device, as far as its person's groups tell. A group may also hold the device itself, under
/// an id that is not read: who is in no such group is not certain to be left out.
fn targets(bench: &Bench<'_>, policy: &CompliancePolicy, device: &Device) -> Sure {
    let holds = |group: Option<&String>| -> Sure {
        let members = group.and_then(|group| Some(bench.directory().ok()?.members_of(group).ok()?));
        let (Some(members), Some(user)) = (members, device.user_id.as_ref()) else {
            return Sure::Maybe;
        };
        if members.contains_key(user) {
            Sure::Yes
        } else if members
            .keys()
            .all(|id| bench.directory().is_ok_and(|directory| directory.user(id).is_some()))
        {
            Sure::No
        } else {
            Sure::Maybe
        }
    };
    let (mut included, mut excluded) = (Sure::No, Sure::No);
    for assignment in policy.assignments.iter() {
        let target = &assignment.target;
        let filter = target.device_and_app_management_assignment_filter_type.as_deref();
        let filtered = filter.is_some_and(|filter| filter != "none");
        let kind = target.kind.rsplit('.').next().unwrap_or_default();
        let sure = match kind {
            "allDevicesAssignmentTarget" => Sure::Yes,
            "allLicensedUsersAssignmentTarget" if device.user_id.as_deref().is_some_and(|user| !user.is_empty()) => {
                Sure::Yes
            }
            "groupAssignmentTarget" | "exclusionGroupAssignmentTarget" => holds(target.group_id.as_ref()),
            "allLicensedUsersAssignmentTarget" => Sure::No,
            _ => Sure::Maybe,
        };
        let sure = if filtered { sure.min(Sure::Maybe) } else { sure };
        if is_exclusion(kind) {
            excluded = excluded.max(sure);
        } else {
            included = included.max(sure);
        }
    }
    match excluded {
        Sure::Yes => Sure::No,
        Sure::Maybe => included.min(Sure::Maybe),
        Sure::No => included,
    }
}

pub(super) fn jailbreak_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let (mut in_use, policies) = read(bench)?;
    in_use.retain(|platform, _| matches!(platform, Platform::Ios | Platform::Android));
    tally.population(
        "PLATFORMS",
        Resource::ManagedDevices,
        in_use.keys().map(|platform| platform.name()),
    );
    for (platform, devices) in in_use {
        let considered = || {
            policies
                .iter()
                .filter(|policy| is_for(policy, platform) && is_assigned(policy))
        };
        let blocks = |policy: &CompliancePolicy| {
            policy.settings.get("securityBlockJailbrokenDevices") == Some(&Value::Bool(true))
        };
        if considered().any(blocks) {
            tally.passed();
        } else {
            let because = "no assigned policy refuses devices that are jailbroken or rooted";
            tally.failed(subject(platform), because, lineage(&devices, considered()));
        }
    }
    Ok(())
}
