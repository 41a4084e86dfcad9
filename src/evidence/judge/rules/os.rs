//! Whether the maker still mends what a device runs.
//!
//! The danger: a table of dates grows old. A version that it does not know is asked about, not waved through.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::device::{Platform, lineage};
use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::Tally;
use crate::evidence::snapshot::Indeterminate;

/// Builds of Windows: until when Pro and Enterprise get security updates.
///
/// Source: <https://learn.microsoft.com/lifecycle/products/windows-11-enterprise-and-education>
const WINDOWS: &[(u32, &str, &str)] = &[
    (19045, "2025-10-14", "2025-10-14"),
    (22000, "2023-10-10", "2024-10-08"),
    (22621, "2024-10-08", "2025-10-14"),
    (22631, "2025-11-11", "2026-11-10"),
    (26100, "2026-10-13", "2027-10-12"),
];

/// Versions of macOS that no longer get security updates, since when.
const MACOS_ENDED: &[(u32, &str)] = &[(12, "2024-09-16"), (13, "2025-09-15")];
/// Versions of macOS that were supported when the table was made.
const MACOS_SUPPORTED: &[u32] = &[14, 15, 26];
/// Apple gives no dates ahead: past this day the table cannot tell.
const MACOS_KNOWN_UNTIL: &str = "2026-03-31";

pub(super) fn lifecycle_table() -> Value {
    json!({"lifecycleTable": {
        "windows": WINDOWS,
        "macOS": {"ended": MACOS_ENDED, "supported": MACOS_SUPPORTED, "knownUntil": MACOS_KNOWN_UNTIL},
    }})
}

pub(super) enum Support {
    Supported,
    Ended(NaiveDate),
    Unclear(String),
}

pub(super) fn supported(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let today = bench.now().date_naive();
    for device in tally.devices()? {
        let version = device.os_version.as_deref().unwrap_or_default();
        match support(Platform::of(device), version, today) {
            Support::Supported => tally.passed(),
            Support::Ended(day) => tally.failed(device, format!("no security updates since {day}"), lineage(device)),
            Support::Unclear(because) => tally.review(device, because, lineage(device)),
        }
    }
    Ok(())
}

/// Whether a version is still mended on this day.
pub(super) fn support(platform: Platform, version: &str, today: NaiveDate) -> Support {
    let mut numbers = version.split(['.', ' ']).map(str::parse::<u32>);
    let unclear = |because: &str| Support::Unclear(because.to_owned());
    match platform {
        Platform::Windows => match numbers.nth(2) {
            Some(Ok(build)) => windows(build, today),
            _ => unclear("the version is not said, or cannot be read"),
        },
        Platform::MacOs => match numbers.next() {
            Some(Ok(major)) => macos(major, today),
            _ => unclear("the version is not said, or cannot be read"),
        },
        _ => unclear("the table knows no dates for this system"),
    }
}

fn windows(build: u32, today: NaiveDate) -> Support {
    let Some((_, pro, enterprise)) = WINDOWS.iter().find(|(known, ..)| *known == build) else {
        return Support::Unclear(format!("the table does not know build {build}"));
    };
    let (pro, enterprise) = (day(pro), day(enterprise));
    if enterprise <= today {
        Support::Ended(enterprise)
    } else if pro <= today {
        Support::Unclear(format!("ended on {pro} unless the edition is Enterprise or Education"))
    } else {
        Support::Supported
    }
}

fn macos(major: u32, today: NaiveDate) -> Support {
    if let Some((_, ended)) = MACOS_ENDED.iter().find(|(known, _)| *known == major) {
        return if day(ended) <= today {
            Support::Ended(day(ended))
        } else {
            Support::Supported
        };
    }
    if MACOS_SUPPORTED.contains(&major) && today <= day(MACOS_KNOWN_UNTIL) {
        return Support::Supported;
    }
    Support::Unclear(format!("the table does not know macOS {major} on this day"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("the table's dates are written here")
}
