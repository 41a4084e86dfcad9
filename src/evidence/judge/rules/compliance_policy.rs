//! What is asked of devices, and of which.
//!
//! The danger: a policy that nobody is assigned to asks nothing of anybody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::device::Platform;
use super::os::{Support, support};
use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::directory::Members;
use crate::evidence::judge::predicates::Sure;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{CompliancePolicy, Device, Registration};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How long a device that does not comply may go on.
pub(super) const MAX_HOURS_TO_BLOCK: i64 = 168;

type InUse<'b> = BTreeMap<Platform, Vec<&'b Device>>;

fn read<'b>(bench: &'b Bench<'_>) -> Result<(InUse<'b>, Vec<CompliancePolicy>), Indeterminate> {
    let mut in_use = InUse::new();
    for device in bench.devices()? {
        in_use.entry(Platform::of(device)).or_default().push(device);
    }
    Ok((in_use, bench.read(Resource::CompliancePolicies)?))
}

fn kind_of(policy: &CompliancePolicy) -> &str {
    policy.kind.trim_start_matches("#microsoft.graph.")
}

fn is_for(policy: &CompliancePolicy, platform: Platform) -> bool {
    let kind = kind_of(policy);
    match platform {
        Platform::Windows => kind == "windows10CompliancePolicy",
        Platform::MacOs => kind.starts_with("macOS"),
        Platform::Ios => kind.starts_with("ios"),
        Platform::Android => kind.starts_with("android") || kind.starts_with("aosp"),
        Platform::Other => false,
    }
}

fn is_exclusion(kind: &str) -> bool {
    kind.ends_with("exclusionGroupAssignmentTarget")
}

/// A policy, and how sure it is that it is for anybody.
type Assigned<'p> = (&'p CompliancePolicy, Sure);

/// The policies that are for anybody, or may be.
fn assigned<'p>(bench: &Bench<'_>, policies: &'p [CompliancePolicy]) -> Result<Vec<Assigned<'p>>, Indeterminate> {
    let mut assigned = Vec::new();
    for policy in policies {
        let sure = Aim::new(bench, policy)?.is_at_anybody();
        if sure != Sure::No {
            assigned.push((policy, sure));
        }
    }
    Ok(assigned)
}

/// The kinds of policies for Android: for devices that are managed as a whole, and for work profiles.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/intune-deviceconfig-androidworkprofilecompliancepolicy>
const ANDROID: &[&str] = &["androidCompliancePolicy", "androidWorkProfileCompliancePolicy"];

/// Whether one of these policies is for the devices of a system. One for Android is for one way of enrolling, and v1.0
/// does not tell how a device was enrolled: it takes one of each kind to be sure.
fn any_of(platform: Platform, policies: &[Assigned<'_>]) -> Sure {
    let surest = |holds: &dyn Fn(&CompliancePolicy) -> bool| {
        let matching = policies.iter().filter(|(policy, _)| holds(policy));
        matching.map(|(_, sure)| *sure).max().unwrap_or(Sure::No)
    };
    let any = surest(&|_| true);
    if platform != Platform::Android {
        return any;
    }
    let each = ANDROID.iter().map(|kind| surest(&|policy| kind_of(policy) == *kind));
    any.min(each.min().unwrap_or(Sure::No).max(Sure::Maybe))
}

const NOT_TOLD: &str =
    "whether the policies are for these devices hangs on a filter, a target or a way of enrolling that is not told";

fn subject(platform: Platform) -> Subject<'static> {
    Subject {
        resource: Resource::CompliancePolicies,
        id: platform.name(),
        name: None,
    }
}

fn lineage<'p>(devices: &[&Device], policies: impl IntoIterator<Item = &'p CompliancePolicy>) -> Value {
    let policies = policies.into_iter();
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
    let assigned = assigned(bench, &policies)?;
    for (platform, devices) in in_use {
        if platform == Platform::Other {
            let because = "there is no kind of policy for this system";
            tally.review(subject(platform), because, lineage(&devices, []));
            continue;
        }
        let fitting = assigned.iter().filter(|(policy, _)| is_for(policy, platform));
        let considered = policies.iter().filter(|policy| is_for(policy, platform));
        let lineage = lineage(&devices, considered);
        match any_of(platform, &fitting.copied().collect::<Vec<_>>()) {
            Sure::Yes => tally.passed(),
            Sure::Maybe => tally.review(subject(platform), NOT_TOLD, lineage),
            Sure::No => tally.failed(
                subject(platform),
                "no compliance policy is assigned to anybody",
                lineage,
            ),
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
        let aims: Vec<Aim> = asking
            .iter()
            .map(|policy| Aim::new(bench, policy))
            .collect::<Result<_, _>>()?;
        let reached = |device: &&Device| aims.iter().map(|aim| aim.at(device)).max().unwrap_or(Sure::No);
        let missed = devices.iter().filter(|device| reached(device) == Sure::No).count();
        let mut lineage = lineage(&devices, asking.iter().copied());
        lineage["devicesNotTargeted"] = json!(missed);
        let kinds: Vec<_> = asking.iter().map(|policy| (*policy, Sure::Yes)).collect();
        match devices.iter().map(reached).min().min(Some(any_of(platform, &kinds))) {
            Some(Sure::Yes) => tally.passed(),
            Some(Sure::Maybe) => tally.review(subject(platform), NOT_TOLD, lineage),
            _ => tally.failed(subject(platform), "devices are not asked to be encrypted", lineage),
        }
    }
    Ok(())
}

/// What a policy is assigned to.
struct Aim {
    targets: Vec<(Kind, bool, bool)>,
}

enum Kind {
    AllDevices,
    AllPeople,
    /// Its members, and whether all of them are people. A group may hold the device itself, under an id that is not
    /// read: who is in no such group is not certain to be left out.
    Group(Members, bool),
    Unknown,
}

impl Aim {
    fn new(bench: &Bench<'_>, policy: &CompliancePolicy) -> Result<Self, Indeterminate> {
        let mut targets = Vec::new();
        for assignment in policy.assignments.iter() {
            let target = &assignment.target;
            let filter = target.device_and_app_management_assignment_filter_type.as_deref();
            let filtered = filter.is_some_and(|filter| filter != "none");
            let word = target.kind.rsplit('.').next().unwrap_or_default();
            let kind = match (word, target.group_id.as_deref()) {
                ("allDevicesAssignmentTarget", _) => Kind::AllDevices,
                ("allLicensedUsersAssignmentTarget", _) => Kind::AllPeople,
                ("groupAssignmentTarget" | "exclusionGroupAssignmentTarget", Some(group)) => {
                    // Nobody is in a group that is gone.
                    let members = bench.group(group)?.unwrap_or_default();
                    let directory = bench.directory()?;
                    let only_people = members.keys().all(|id| directory.user(id).is_some());
                    Kind::Group(members, only_people)
                }
                _ => Kind::Unknown,
            };
            targets.push((kind, filtered, is_exclusion(&target.kind)));
        }
        Ok(Self { targets })
    }

    /// Whether the policy is for anybody at all.
    fn is_at_anybody(&self) -> Sure {
        let members = |target: &'_ (Kind, bool, bool)| match target {
            (Kind::Group(members, _), false, true) => Some(Members::clone(members)),
            _ => None,
        };
        let left_out: Vec<Members> = self.targets.iter().filter_map(members).collect();
        let stays = |member: &String| !left_out.iter().any(|members| members.contains_key(member));
        let included = self.targets.iter().filter(|(.., is_exclusion)| !is_exclusion);
        let sure = included.map(|(kind, filtered, _)| {
            let sure = match kind {
                Kind::AllDevices | Kind::AllPeople => Sure::Yes,
                Kind::Group(members, _) => Sure::from(members.keys().any(stays)),
                Kind::Unknown => Sure::Maybe,
            };
            if *filtered { sure.min(Sure::Maybe) } else { sure }
        });
        sure.max().unwrap_or(Sure::No)
    }

    /// Whether the policy is for a device, as far as its person's groups tell.
    fn at(&self, device: &Device) -> Sure {
        let user = device.user_id.as_ref().filter(|user| !user.is_empty());
        let (mut included, mut excluded) = (Sure::No, Sure::No);
        for (kind, filtered, is_exclusion) in &self.targets {
            let sure = match (kind, user) {
                (Kind::AllDevices, _) => Sure::Yes,
                (Kind::AllPeople, user) => Sure::from(user.is_some()),
                (Kind::Group(members, _), Some(user)) if members.contains_key(user) => Sure::Yes,
                (Kind::Group(_, true), _) => Sure::No,
                (Kind::Group(_, false) | Kind::Unknown, _) => Sure::Maybe,
            };
            let sure = if *filtered { sure.min(Sure::Maybe) } else { sure };
            let side = if *is_exclusion { &mut excluded } else { &mut included };
            *side = sure.max(*side);
        }
        match excluded {
            Sure::Yes => Sure::No,
            Sure::Maybe => included.min(Sure::Maybe),
            Sure::No => included,
        }
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
    let assigned = assigned(bench, &policies)?;
    for (platform, devices) in in_use {
        let considered = assigned.iter().copied().filter(|(policy, _)| is_for(policy, platform));
        let considered: Vec<_> = considered.collect();
        let blocks = |policy: &CompliancePolicy| {
            policy.settings.get("securityBlockJailbrokenDevices") == Some(&Value::Bool(true))
        };
        let blocking: Vec<_> = considered
            .iter()
            .copied()
            .filter(|(policy, _)| blocks(policy))
            .collect();
        let lineage = lineage(&devices, considered.iter().map(|(policy, _)| *policy));
        match any_of(platform, &blocking) {
            Sure::Yes => tally.passed(),
            Sure::Maybe => tally.review(subject(platform), NOT_TOLD, lineage),
            Sure::No => {
                let because = "no assigned policy refuses devices that are jailbroken or rooted";
                tally.failed(subject(platform), because, lineage);
            }
        }
    }
    Ok(())
}

/// Each system that is in use is held against the assigned policies for it.
fn per_platform(
    bench: &Bench<'_>,
    tally: &mut Tally<'_>,
    mut judge: impl FnMut(&mut Tally<'_>, Platform, &[&Device], &[Assigned<'_>]) -> Result<(), Indeterminate>,
) -> Result<(), Indeterminate> {
    let (in_use, policies) = read(bench)?;
    let names = in_use.keys().map(|platform| platform.name());
    tally.population("PLATFORMS", Resource::ManagedDevices, names);
    let assigned = assigned(bench, &policies)?;
    for (platform, devices) in in_use {
        if platform == Platform::Other {
            let because = "there is no kind of policy for this system";
            tally.review(subject(platform), because, lineage(&devices, []));
            continue;
        }
        let considered = assigned.iter().copied().filter(|(policy, _)| is_for(policy, platform));
        judge(tally, platform, &devices, &considered.collect::<Vec<_>>())?;
    }
    Ok(())
}

pub(super) fn minimum_os(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let today = bench.now().date_naive();
    per_platform(bench, tally, |tally, platform, devices, policies| {
        let minimum = |policy: &CompliancePolicy| {
            let said = policy.settings.get("osMinimumVersion").and_then(Value::as_str)?;
            (!said.is_empty()).then(|| said.to_owned())
        };
        let mut policies = policies.to_vec();
        let mut lineage = lineage(devices, policies.iter().map(|(policy, _)| *policy));
        policies.retain(|(policy, _)| minimum(policy).is_some());
        let minima: Vec<String> = policies.iter().filter_map(|(policy, _)| minimum(policy)).collect();
        lineage["osMinimumVersions"] = json!(minima);
        let (mut ended, mut unclear) = (None, None);
        for version in &minima {
            match support(platform, version, today) {
                Support::Supported => {}
                Support::Ended(day) => ended = Some(format!("{version} gets no security updates since {day}")),
                Support::Unclear(because) => unclear = Some(because),
            }
        }
        if minima.is_empty() {
            tally.failed(subject(platform), "no assigned policy asks for a version", lineage);
        } else if let Some(because) = ended {
            tally.failed(subject(platform), because, lineage);
        } else if let Some(because) = unclear {
            tally.review(subject(platform), because, lineage);
        } else if any_of(platform, &policies) == Sure::Yes {
            tally.passed();
        } else {
            tally.review(subject(platform), NOT_TOLD, lineage);
        }
        Ok(())
    })
}

pub(super) fn passcode_required(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    per_platform(bench, tally, |tally, platform, devices, policies| {
        let setting = match platform {
            Platform::Ios => "passcodeRequired",
            _ => "passwordRequired",
        };
        let asks = |policy: &CompliancePolicy| policy.settings.get(setting) == Some(&Value::Bool(true));
        let asking: Vec<_> = policies.iter().copied().filter(|(policy, _)| asks(policy)).collect();
        let lineage = lineage(devices, policies.iter().map(|(policy, _)| *policy));
        let asked = any_of(platform, &asking);
        if asked == Sure::Yes {
            tally.passed();
        } else if asked == Sure::Maybe {
            tally.review(subject(platform), NOT_TOLD, lineage);
        } else if platform == Platform::Windows && all_have_hello(bench, devices)? {
            let because = "no password is asked for, and everybody there has Windows Hello: do they use it alone?";
            tally.review(subject(platform), because, lineage);
        } else {
            tally.failed(subject(platform), "no assigned policy asks for a password", lineage);
        }
        Ok(())
    })
}

/// Whether the person of each device has registered Windows Hello for Business.
fn all_have_hello(bench: &Bench<'_>, devices: &[&Device]) -> Result<bool, Indeterminate> {
    let has = |row: &&Registration| {
        let mut methods = row.methods_registered.iter();
        methods.any(|method| method.as_str() == "windowsHelloForBusiness")
    };
    let people: BTreeSet<&str> = bench
        .registrations()?
        .iter()
        .filter(has)
        .map(|row| row.id.as_str())
        .collect();
    let theirs = |device: &&Device| device.user_id.as_deref().is_some_and(|user| people.contains(user));
    Ok(devices.iter().all(theirs))
}

impl<'a> From<&'a CompliancePolicy> for Subject<'a> {
    fn from(policy: &'a CompliancePolicy) -> Self {
        Self {
            resource: Resource::CompliancePolicies,
            id: &policy.id,
            name: policy.display_name.as_deref(),
        }
    }
}

pub(super) fn all_assigned(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let policies: Vec<CompliancePolicy> = bench.read(Resource::CompliancePolicies)?;
    let ids = policies.iter().map(|policy| policy.id.as_str());
    tally.population("POLICIES", Resource::CompliancePolicies, ids);
    for policy in &policies {
        match Aim::new(bench, policy)?.is_at_anybody() {
            Sure::Yes => tally.passed(),
            Sure::Maybe => {
                let because = "whether the policy is for anybody hangs on a filter or a target that cannot be resolved";
                tally.review(policy, because, json!({}));
            }
            Sure::No => tally.failed(policy, "the policy is assigned to nobody", json!({})),
        }
    }
    Ok(())
}

pub(super) fn noncompliance_blocks(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let policies: Vec<CompliancePolicy> = bench.read(Resource::CompliancePolicies)?;
    let policies: Vec<&CompliancePolicy> = assigned(bench, &policies)?
        .into_iter()
        .map(|(policy, _)| policy)
        .collect();
    let ids = policies.iter().map(|policy| policy.id.as_str());
    tally.population("ASSIGNED POLICIES", Resource::CompliancePolicies, ids);
    for policy in policies {
        let rules = policy.settings.get("scheduledActionsForRule").and_then(Value::as_array);
        let configurations = rules.into_iter().flatten();
        let configurations = configurations.filter_map(|rule| rule["scheduledActionConfigurations"].as_array());
        let blocks: Vec<&Value> = configurations
            .flatten()
            .filter(|action| action["actionType"] == "block")
            .map(|action| &action["gracePeriodHours"])
            .collect();
        let lineage = json!({"blocksAfterHours": blocks});
        if blocks
            .iter()
            .any(|hours| hours.as_i64().is_some_and(|hours| hours <= MAX_HOURS_TO_BLOCK))
        {
            tally.passed();
        } else if rules.is_none() {
            tally.review(
                policy,
                "what happens to devices that do not comply is not said",
                lineage,
            );
        } else {
            let because = format!("no block within {MAX_HOURS_TO_BLOCK} hours for devices that do not comply");
            tally.failed(policy, because, lineage);
        }
    }
    Ok(())
}
