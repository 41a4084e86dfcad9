//! The accounts of administrators: used, of this tenant, and of nobody from outside.

use chrono::Duration;
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{SignIn, User};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How long an administrator may stay away.
pub(super) const MAX_DAYS_WITHOUT_SIGN_IN: i64 = 45;

fn admins<'a>(bench: &Bench<'_>, tally: &mut Tally<'a>) -> Result<Vec<(&'a User, Value)>, Indeterminate> {
    let admins = tally.admins()?;
    let directory = bench.directory()?;
    Ok(admins
        .into_iter()
        .map(|user| (user, json!({"roles": directory.privileged_roles_of(&user.id)})))
        .collect())
}

pub(super) fn admin_stale(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let emergency = bench.emergency();
    let (mut admins, _) = bench.admins()?;
    admins.retain(|user| !emergency.contains(user.id.as_str()));
    tally.population(
        "ADMINS minus EMERGENCY",
        Resource::RoleAssignments,
        admins.iter().map(|user| user.id.as_str()),
    );
    let sign_ins: Vec<SignIn> = bench.read(Resource::UsersSignin)?;
    let limit = bench.now() - Duration::days(MAX_DAYS_WITHOUT_SIGN_IN);
    for user in admins {
        let activity = sign_ins
            .iter()
            .find(|row| row.id == user.id)
            .and_then(|row| row.sign_in_activity.as_ref());
        let sure = activity.and_then(|activity| {
            let successful = activity.last_successful_sign_in_date_time;
            successful.max(activity.last_non_interactive_sign_in_date_time)
        });
        // This one counts failed attempts too.
        let weak = activity.and_then(|activity| activity.last_sign_in_date_time);
        let last = sure.or(weak);
        let lineage = json!({
            "roles": bench.directory()?.privileged_roles_of(&user.id),
            "lastSignIn": last,
            "countsFailedAttempts": sure.is_none() && weak.is_some(),
            "createdDateTime": user.created_date_time,
        });
        let is_new = user.created_date_time.is_some_and(|created| created > limit);
        if is_new || last.is_some_and(|last| last >= limit) {
            tally.passed();
        } else {
            let because = format!("no sign-in for more than {MAX_DAYS_WITHOUT_SIGN_IN} days");
            tally.failed(user, because, lineage);
        }
    }
    Ok(())
}

pub(super) fn admin_cloud_only(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for (user, lineage) in admins(bench, tally)? {
        if user.on_premises_sync_enabled == Some(true) {
            tally.failed(
                user,
                "the account is synchronised from a directory on the premises",
                lineage,
            );
        } else {
            tally.passed();
        }
    }
    Ok(())
}

pub(super) fn no_guest_privileged(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    for (user, lineage) in admins(bench, tally)? {
        if user.is_guest() || user.is_external() {
            tally.failed(user, "somebody from outside holds a privileged role", lineage);
        } else {
            tally.passed();
        }
    }
    Ok(())
}
