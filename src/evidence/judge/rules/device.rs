//! Devices: compliant, encrypted, in touch, untampered.
//!
//! The danger: a silent device keeps its last state for ever, and a property that is null is no "no" and no "yes".

use chrono::Duration;
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{ComplianceState, Device, ThreatState};
use crate::evidence::snapshot::{Gap, Indeterminate, Resource};

/// How long a grace period may be, from when we first saw the device in it.
pub(super) const MAX_GRACE_DAYS: i64 = 7;
/// How long a new device may be in an unknown state.
pub(super) const GRACE_DAYS: i64 = 2;
/// How long a device may be silent.
pub(super) const MAX_DAYS_SILENT: i64 = 30;
/// How long a device may not say whether it was tampered with.
const MAX_DAYS_UNSAID: i64 = 7;
/// Systems that can be encrypted and say so.
pub(super) const ENCRYPTABLE: &[&str] = &["Windows", "macOS", "Android", "iOS"];

/// What a device runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Platform {
    Windows,
    MacOs,
    Ios,
    Android,
    /// One that Intune's v1.0 policies and properties do not speak of.
    Other,
}

impl Platform {
    pub fn of(device: &Device) -> Self {
        let word = device.operating_system.as_deref().unwrap_or_default().to_lowercase();
        match word.as_str() {
            word if word.starts_with("windows") && !word.contains("phone") => Self::Windows,
            "macos" | "macmdm" => Self::MacOs,
            "ios" | "ipados" => Self::Ios,
            word if word.starts_with("android") => Self::Android,
            _ => Self::Other,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "Windows",
            Self::MacOs => "macOS",
            Self::Ios => "iOS",
            Self::Android => "Android",
            Self::Other => "other",
        }
    }
}

pub(super) fn has_no_intune(bench: &Bench<'_>) -> Result<Option<&'static str>, Indeterminate> {
    let devices = bench.snapshot.pulls.get(&Resource::ManagedDevices);
    // What is there is judged, whatever the licences say.
    if devices.is_some_and(|pull| !pull.objects.is_empty()) {
        return Ok(None);
    }
    // The plan of that name for Office 365 alone does not manage devices in Intune.
    let has = bench.has_plan(|plan| plan.starts_with("INTUNE_") && plan != "INTUNE_O365")?;
    Ok((!has).then_some("no licence of the tenant has a plan of Intune"))
}

pub(super) fn manages_none_by_declaration(bench: &Bench<'_>) -> Result<Option<&'static str>, Indeterminate> {
    let none = bench.declarations.manages_no_devices && has_no_intune(bench)?.is_some();
    Ok(none.then_some("no licence has a plan of Intune, and it is declared that the company manages no devices"))
}

/// What a finding says of a device. When it last spoke is not among it unless that decides: it moves at every reading, and
/// a finding that says something else each time says nothing.
pub(super) fn lineage(device: &Device) -> Value {
    json!({
        "operatingSystem": device.operating_system,
        "osVersion": device.os_version,
        "userId": device.user_id,
        "complianceState": format!("{:?}", device.compliance_state),
    })
}

pub(super) fn compliant(_: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for device in tally.devices()? {
        match device.compliance_state {
            ComplianceState::Compliant => tally.passed(),
            ComplianceState::Noncompliant => tally.failed(device, "the device is not compliant", lineage(device)),
            ComplianceState::Conflict => {
                tally.failed(device, "policies contradict each other on the device", lineage(device))
            }
            ComplianceState::Error => tally.failed(device, "the device cannot be evaluated", lineage(device)),
            ComplianceState::InGracePeriod | ComplianceState::Unknown | ComplianceState::ConfigManager => {
                tally.review(
                    device,
                    "not compliant and not yet otherwise: a check of its own decides",
                    lineage(device),
                );
            }
            ComplianceState::New => tally.review(device, "the state is a word that is not known here", lineage(device)),
        }
    }
    Ok(())
}

pub(super) fn in_grace_period(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let in_grace = |device: &&Device| device.compliance_state == ComplianceState::InGracePeriod;
    let devices: Vec<&Device> = bench.devices()?.iter().filter(in_grace).collect();
    tally.population(
        "DEVICES in grace",
        Resource::ManagedDevices,
        devices.iter().map(|device| device.id.as_str()),
    );
    for device in devices {
        let since = bench
            .past
            .in_grace_since
            .get(&device.id)
            .copied()
            .unwrap_or_else(|| bench.now());
        let expires = device.compliance_grace_period_expiration_date_time;
        let mut lineage = lineage(device);
        lineage["graceExpires"] = json!(expires);
        lineage["firstSeenInGrace"] = json!(since);
        match expires {
            Some(expires) if expires - since > Duration::days(MAX_GRACE_DAYS) => {
                tally.failed(
                    device,
                    format!("the grace period is longer than {MAX_GRACE_DAYS} days"),
                    lineage,
                );
            }
            Some(_) => tally.review(device, "within the grace period that is allowed", lineage),
            None => tally.review(device, "when the grace period ends is not said", lineage),
        }
    }
    Ok(())
}

pub(super) fn state_unknown(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for device in tally.devices()? {
        let enrolled = device.enrolled_date_time;
        let is_new = enrolled.is_some_and(|enrolled| enrolled > bench.now() - Duration::days(GRACE_DAYS));
        match device.compliance_state {
            ComplianceState::Unknown if is_new => tally.passed(),
            ComplianceState::Unknown if enrolled.is_none() => {
                tally.review(device, "unknown, and since when is not said", lineage(device));
            }
            ComplianceState::Unknown => {
                tally.failed(
                    device,
                    format!("in an unknown state for more than {GRACE_DAYS} days"),
                    lineage(device),
                );
            }
            ComplianceState::ConfigManager if !is_new => {
                tally.review(
                    device,
                    "Configuration Manager decides, and must give the evidence",
                    lineage(device),
                );
            }
            ComplianceState::New => tally.review(device, "the state is a word that is not known here", lineage(device)),
            _ => tally.passed(),
        }
    }
    Ok(())
}

pub(super) fn encrypted(_: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for device in tally.devices()? {
        let platform = Platform::of(device);
        let model = device.model.as_deref().unwrap_or_default();
        let virtual_machine = platform == Platform::Windows && model.contains("Virtual");
        match device.is_encrypted {
            _ if platform == Platform::Other => {
                tally.review(
                    device,
                    "whether this system is encrypted is not told by Intune",
                    lineage(device),
                );
            }
            Some(true) => tally.passed(),
            _ if virtual_machine => {
                tally.review(device, "a virtual machine: its host may be encrypted", lineage(device))
            }
            Some(false) => tally.failed(device, "the device is not encrypted", lineage(device)),
            None => tally.review(device, "whether the device is encrypted is not said", lineage(device)),
        }
    }
    Ok(())
}

pub(super) fn checked_in(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for device in tally.devices()? {
        let mut lineage = lineage(device);
        lineage["lastSyncDateTime"] = json!(device.last_sync_date_time);
        match device.last_sync_date_time {
            None => tally.review(device, "when the device last spoke to Intune is not said", lineage),
            Some(last) if bench.now() - last > Duration::days(MAX_DAYS_SILENT) => {
                tally.failed(device, format!("silent for more than {MAX_DAYS_SILENT} days"), lineage);
            }
            Some(_) => tally.passed(),
        }
    }
    Ok(())
}

pub(super) fn not_jailbroken(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let is_phone = |device: &&Device| matches!(Platform::of(device), Platform::Ios | Platform::Android);
    let phones: Vec<&Device> = bench.devices()?.iter().filter(is_phone).collect();
    tally.population(
        "DEVICES with iOS or Android",
        Resource::ManagedDevices,
        phones.iter().map(|device| device.id.as_str()),
    );
    for device in phones {
        let word = device.jail_broken.as_deref().unwrap_or_default().to_lowercase();
        let enrolled = device.enrolled_date_time;
        let is_new = enrolled.is_some_and(|enrolled| enrolled > bench.now() - Duration::days(MAX_DAYS_UNSAID));
        match word.as_str() {
            "true" => tally.failed(device, "the device is jailbroken or rooted", lineage(device)),
            "false" => tally.passed(),
            _ if is_new => {
                let detail = "a device that was just enrolled has not said whether it was tampered with".to_owned();
                let gap = Indeterminate {
                    resource: Resource::ManagedDevices,
                    gap: Gap::StaleSource,
                    detail,
                };
                tally.not_evaluated(device, gap, lineage(device));
            }
            _ => tally.review(
                device,
                "the device does not say whether it was tampered with",
                lineage(device),
            ),
        }
    }
    Ok(())
}

pub(super) fn threat_state(_: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let devices = tally.devices()?;
    if !devices.is_empty()
        && devices
            .iter()
            .all(|device| device.partner_reported_threat_state == ThreatState::Unknown)
    {
        tally.not_applicable("no device has a threat defence that reports to Intune");
        return Ok(());
    }
    for device in devices {
        match device.partner_reported_threat_state {
            ThreatState::Secured | ThreatState::Activated | ThreatState::LowSeverity => tally.passed(),
            ThreatState::MediumSeverity | ThreatState::HighSeverity | ThreatState::Compromised => {
                tally.failed(device, "the threat defence reports a threat", lineage(device));
            }
            ThreatState::Deactivated | ThreatState::Unresponsive | ThreatState::Misconfigured => {
                tally.failed(
                    device,
                    "the threat defence does not protect the device",
                    lineage(device),
                );
            }
            ThreatState::Unknown => tally.review(device, "no threat defence reports on the device", lineage(device)),
            ThreatState::New => tally.review(device, "the state is a word that is not known here", lineage(device)),
        }
    }
    Ok(())
}
