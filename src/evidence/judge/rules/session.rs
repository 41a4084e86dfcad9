//! How long a sign-in lasts.
//!
//! The danger: a frequency that is written down and switched off, or told in a unit that is not known here, ends
//! nothing.

use serde_json::json;

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, app_gaps, deleted_references};
use crate::evidence::judge::predicates::{
    Doubt, Sure, all_apps, enabled, in_force_everywhere, unconditional, user_policy,
};
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::Policy;
use crate::evidence::snapshot::Indeterminate;

/// After how many hours an administrator must sign in again.
pub(super) const MAX_HOURS: i64 = 4;
/// After how many days anybody must.
pub(super) const MAX_DAYS: i64 = 7;

/// Whether a policy has people sign in again within these hours.
fn signs_in_again(policy: &Policy, hours: i64) -> Sure {
    let session = policy.session_controls.as_ref();
    let frequency = session.and_then(|session| session.sign_in_frequency.as_ref());
    let Some(frequency) = frequency.filter(|frequency| frequency.is_enabled == Some(true)) else {
        return Sure::No;
    };
    match frequency.frequency_interval.as_deref() {
        Some("everyTime") => return Sure::Yes,
        None | Some("timeBased") => {}
        Some(_) => return Sure::Maybe,
    }
    let unit = match frequency.unit.as_deref() {
        Some("hours") => 1,
        Some("days") => 24,
        _ => return Sure::Maybe,
    };
    match frequency.value {
        Some(value) if value > 0 => Sure::from(value.saturating_mul(unit) <= hours),
        _ => Sure::Maybe,
    }
}

/// Whether a policy lets no browser stay signed in when it is closed.
fn never_persists(policy: &Policy) -> Sure {
    let session = policy.session_controls.as_ref();
    let browser = session.and_then(|session| session.persistent_browser.as_ref());
    match browser.filter(|browser| browser.is_enabled == Some(true)) {
        None => Sure::No,
        Some(browser) => match browser.mode.as_deref() {
            Some("never") => Sure::Yes,
            Some("always") => Sure::No,
            _ => Sure::Maybe,
        },
    }
}

/// In force, on everything. Where a condition narrows it, a person has to see what is left.
fn applies(policy: &Policy) -> Sure {
    enabled(policy)
        .min(Sure::from(user_policy(policy)))
        .min(all_apps(policy, Doubt::Counts))
        .min(unconditional(policy, &[], Doubt::Counts).max(Sure::Maybe))
}

pub(super) fn of_admins(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let admins = tally.admins()?;
    let frequency = Cover::new(bench, |policy| applies(policy).min(signs_in_again(policy, MAX_HOURS)))?;
    let browser = Cover::new(bench, |policy| applies(policy).min(never_persists(policy)))?;
    for user in admins.iter().copied() {
        let (ends, never) = (frequency.covers(user), browser.covers(user));
        let missing: Vec<&str> = [("signInFrequency", ends), ("persistentBrowser", never)]
            .iter()
            .filter(|(_, sure)| *sure != Sure::Yes)
            .map(|(name, _)| *name)
            .collect();
        let lineage = json!({
            "missing": missing,
            "signInFrequency": frequency.lineage(user),
            "persistentBrowser": browser.lineage(user),
        });
        match ends.min(never) {
            Sure::Yes => tally.passed(),
            Sure::Maybe => {
                let because = "how long a session lasts hangs on a condition or a word that data alone cannot decide";
                tally.review(user, because, lineage);
            }
            Sure::No => {
                let because = format!("no policy in force sets {}", missing.join(" and "));
                tally.failed(user, because, lineage);
            }
        }
    }
    app_gaps(tally, &[&frequency, &browser], &admins, Doubt::AsksAPerson);
    deleted_references(tally, &[&frequency, &browser]);
    Ok(())
}

pub(super) fn of_everybody(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let cover = Cover::new(bench, |policy| {
        in_force_everywhere(policy, &[], Doubt::Counts).min(signs_in_again(policy, MAX_DAYS * 24))
    })?;
    cover.judge(tally, &members, "a session that ends");
    Ok(())
}
