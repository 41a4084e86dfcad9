//! Whose devices they are, and for how long they are managed and mended.

use chrono::{Duration, NaiveDate};
use serde_json::json;

use super::device::{Platform, lineage};
use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::Device;
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How old the last security patch of an Android device may be.
pub(super) const MAX_DAYS_UNPATCHED: i64 = 90;
/// How long before its certificate ends a device is asked about.
pub(super) const WARN_DAYS: i64 = 30;

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
