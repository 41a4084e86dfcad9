//! Whose devices they are, who has none, and for how long they are managed and mended.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use serde_json::json;

use super::account::Activities;
use super::device::{Platform, lineage};
use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, deleted_references};
use crate::evidence::judge::predicates::{Alternative, Sure, enabled, requires, user_policy};
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{BuiltIn, ComplianceState, Device, Policy, User};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How old the last security patch of an Android device may be.
pub(super) const MAX_DAYS_UNPATCHED: i64 = 90;
/// How long before its certificate ends a device is asked about.
pub(super) const WARN_DAYS: i64 = 30;
/// Without a sign-in for so long, a person may need no device.
const DAYS_AWAY: i64 = 30;

pub(super) fn android_patched(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let is_android = |device: &&Device| Platform::of(device) == Platform::Android;
    let devices: Vec<&Device> = bench.devices()?.iter().filter(is_android).collect();
    let ids = devices.iter().map(|device| device.id.as_str());
    tally.population("DEVICES with Android", Resource::ManagedDevices, ids);
    let today = bench.now().date_naive();
    for device in devices {
        let said = device.android_security_patch_level.as_deref().unwrap_or_default();
        let mut lineage = lineage(device);
        lineage["androidSecurityPatchLevel"] = json!(said);
        match said.parse::<NaiveDate>() {
            Ok(patched) if today - patched <= Duration::days(MAX_DAYS_UNPATCHED) => tally.passed(),
            Ok(_) => tally.failed(
                device,
                format!("the last security patch is older than {MAX_DAYS_UNPATCHED} days"),
                lineage,
            ),
            Err(_) => tally.review(device, "the date of the last security patch is not said", lineage),
        }
    }
    Ok(())
}

pub(super) fn none_personal(_: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for device in tally.devices()? {
        match device.managed_device_owner_type.as_deref() {
            Some("company") => tally.passed(),
            Some("personal") => tally.failed(device, "the device is somebody's own", lineage(device)),
            _ => tally.review(
                device,
                "whose the device is, is not said in a word that is known here",
                lineage(device),
            ),
        }
    }
    Ok(())
}

pub(super) fn certificate_valid(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for device in tally.devices()? {
        let ends = device.management_certificate_expiration_date;
        let mut lineage = lineage(device);
        lineage["certificateEnds"] = json!(ends);
        match ends {
            Some(ends) if ends <= bench.now() => {
                tally.failed(device, "the certificate of management has ended", lineage);
            }
            Some(ends) if ends <= bench.now() + Duration::days(WARN_DAYS) => {
                tally.review(device, "the certificate of management ends soon", lineage);
            }
            Some(_) => tally.passed(),
            None => tally.review(device, "when the certificate of management ends is not said", lineage),
        }
    }
    Ok(())
}

/// Whether a policy in force lets nobody in without a compliant device.
fn demands_compliant(policy: &Policy) -> Sure {
    let compliant = |alternative: Alternative<'_>| match alternative {
        Alternative::BuiltIn(BuiltIn::CompliantDevice) => Sure::Yes,
        // A device of the domain would do as well, and no reading tells who has one.
        Alternative::BuiltIn(BuiltIn::DomainJoinedDevice | BuiltIn::Unknown) => Sure::Maybe,
        _ => Sure::No,
    };
    let grant = policy.grant_controls.as_ref();
    let named = grant.is_some_and(|grant| {
        let mut controls = grant.built_in_controls.iter();
        controls.any(|control| matches!(control, BuiltIn::CompliantDevice | BuiltIn::Unknown))
    });
    enabled(policy)
        .min(Sure::from(named && user_policy(policy)))
        .min(requires(policy, compliant))
}

pub(super) fn no_policy_demands(bench: &Bench<'_>) -> Result<Option<&'static str>, Indeterminate> {
    let any = bench.enabled()?.any(|policy| demands_compliant(policy) != Sure::No);
    Ok((!any).then_some("no policy in force demands a compliant device"))
}

pub(super) fn people_have_devices(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let cover = Cover::new(bench, demands_compliant)?;
    let name = "MEMBERS bound by a device policy";
    let bound = tally.members_who(name, Resource::Users, |user| cover.covers(user) != Sure::No)?;
    let mut owned: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in bench.devices()? {
        owned
            .entry(device.user_id.as_deref().unwrap_or_default())
            .or_default()
            .push(device);
    }
    let of = |user: &User| owned.get(user.id.as_str()).map_or(&[][..], Vec::as_slice);
    let (having, lacking): (Vec<&User>, Vec<&User>) =
        bound.into_iter().partition(|user| has_compliant(of(user)) == Sure::Yes);
    having.iter().for_each(|_| tally.passed());
    if !lacking.is_empty() {
        let activities = Activities::read(bench)?;
        let limit = bench.now() - Duration::days(DAYS_AWAY);
        for user in lacking {
            let last = activities.last(user).at();
            let is_away = last.is_none_or(|last| last < limit);
            let is_licensed = user
                .assigned_licenses
                .as_ref()
                .is_none_or(|licences| !licences.is_empty());
            let devices: Vec<_> = of(user).iter().map(|device| lineage(device)).collect();
            let lineage = json!({"lastSignIn": last, "devices": devices, "bound": cover.lineage(user)});
            if is_away && is_licensed {
                let because = format!("no compliant device, and no sign-in for {DAYS_AWAY} days");
                tally.review(user, because, lineage);
            } else if cover.covers(user) == Sure::Maybe || has_compliant(of(user)) == Sure::Maybe {
                let because = "whether this person needs a compliant device, or has one, is not certain";
                tally.review(user, because, lineage);
            } else {
                tally.failed(
                    user,
                    "a compliant device is demanded, and this person has none",
                    lineage,
                );
            }
        }
    }
    deleted_references(tally, &[&cover]);
    Ok(())
}

/// Whether one of the devices is compliant.
fn has_compliant(devices: &[&Device]) -> Sure {
    let states = devices.iter().map(|device| match device.compliance_state {
        ComplianceState::Compliant => Sure::Yes,
        ComplianceState::New => Sure::Maybe,
        _ => Sure::No,
    });
    states.max().unwrap_or(Sure::No)
}
