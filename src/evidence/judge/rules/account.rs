//! Accounts: used, not too many with power, of this tenant, and of nobody from outside.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::directory::GLOBAL_ADMINISTRATOR;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{SignIn, SignInActivity, User};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How long an administrator may stay away.
pub(super) const MAX_DAYS_WITHOUT_SIGN_IN: i64 = 45;
/// How long anybody may.
pub(super) const MAX_DAYS_AWAY: i64 = 90;
/// How long somebody may take to sign in for the first time.
pub(super) const DAYS_TO_BEGIN: i64 = 30;
/// How few Global Administrators there may be, accounts for emergencies apart.
pub(super) const MIN_GLOBAL_ADMINISTRATORS: usize = 2;
/// And how many.
pub(super) const MAX_GLOBAL_ADMINISTRATORS: usize = 4;

/// Sign-ins that succeeded are told apart since 1 December 2023, and not filled in from before.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/signinactivity>
const SUCCESS_IS_TOLD_SINCE: DateTime<Utc> = DateTime::from_timestamp(1_701_388_800, 0).expect("a moment after 1970");
/// Sign-ins are told since April 2020.
const SIGN_INS_ARE_TOLD_SINCE: DateTime<Utc> = DateTime::from_timestamp(1_585_699_200, 0).expect("a moment after 1970");

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
    let activities = Activities::read(bench)?;
    for user in admins {
        let last = activities.last(user);
        let mut lineage = last.lineage(user);
        lineage["roles"] = json!(bench.directory()?.privileged_roles_of(&user.id));
        if last.is_within(bench, user, MAX_DAYS_WITHOUT_SIGN_IN) {
            tally.passed();
        } else {
            let because = format!("no sign-in for more than {MAX_DAYS_WITHOUT_SIGN_IN} days");
            tally.failed(user, because, lineage);
        }
    }
    Ok(())
}

/// When everybody last signed in.
pub(super) struct Activities(HashMap<String, SignInActivity>);

/// When somebody last signed in, as far as it is told.
pub(super) struct Last {
    /// Without failure, by hand or by a program.
    sure: Option<DateTime<Utc>>,
    /// This one counts failed attempts too.
    weak: Option<DateTime<Utc>>,
    /// Whether the moment of the last sign-in by hand without failure is told.
    told: bool,
}

impl Activities {
    pub fn read(bench: &Bench<'_>) -> Result<Self, Indeterminate> {
        let rows: Vec<SignIn> = bench.read(Resource::UsersSignin)?;
        let rows = rows.into_iter().filter_map(|row| Some((row.id, row.sign_in_activity?)));
        Ok(Self(rows.collect()))
    }

    pub fn last(&self, user: &User) -> Last {
        let activity = self.0.get(&user.id);
        let successful = activity.and_then(|activity| activity.last_successful_sign_in_date_time);
        let program = activity.and_then(|activity| activity.last_non_interactive_sign_in_date_time);
        Last {
            sure: successful.max(program),
            weak: activity.and_then(|activity| activity.last_sign_in_date_time),
            told: successful.is_some(),
        }
    }
}

impl Last {
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.sure.or(self.weak)
    }

    /// Whether somebody signed in within these days, or could not have before.
    fn is_within(&self, bench: &Bench<'_>, user: &User, days: i64) -> bool {
        let limit = bench.now() - Duration::days(days);
        let is_new = user.created_date_time.is_some_and(|created| created > limit);
        is_new || self.at().is_some_and(|last| last >= limit)
    }

    fn lineage(&self, user: &User) -> Value {
        json!({
            "lastSignIn": self.at(),
            "countsFailedAttempts": self.sure.is_none() && self.weak.is_some(),
            "createdDateTime": user.created_date_time,
        })
    }
}

pub(super) fn user_stale(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let activities = Activities::read(bench)?;
    for user in members {
        let last = activities.last(user);
        let lineage = last.lineage(user);
        let before = user
            .created_date_time
            .is_none_or(|created| created < SUCCESS_IS_TOLD_SINCE);
        if last.is_within(bench, user, MAX_DAYS_AWAY) {
            tally.passed();
        } else if before && !last.told {
            let because = "no sign-in is told, and the account is older than the record of sign-ins that succeeded";
            tally.review(user, because, lineage);
        } else {
            tally.failed(user, format!("no sign-in for more than {MAX_DAYS_AWAY} days"), lineage);
        }
    }
    Ok(())
}

pub(super) fn guest_stale(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let guests = tally.guests()?;
    let activities = Activities::read(bench)?;
    let limit = bench.now() - Duration::days(MAX_DAYS_AWAY);
    for user in guests {
        let last = activities.last(user);
        let lineage = last.lineage(user);
        let invited = user.created_date_time.is_some_and(|created| created < limit);
        if user.external_user_state.as_deref() == Some("PendingAcceptance") && invited {
            tally.failed(
                user,
                format!("invited more than {MAX_DAYS_AWAY} days ago, and never came"),
                lineage,
            );
        } else if last.is_within(bench, user, MAX_DAYS_AWAY) {
            tally.passed();
        } else {
            tally.failed(user, format!("no sign-in for more than {MAX_DAYS_AWAY} days"), lineage);
        }
    }
    Ok(())
}

pub(super) fn never_signed_in(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let activities = Activities::read(bench)?;
    let limit = bench.now() - Duration::days(DAYS_TO_BEGIN);
    for user in members {
        let last = activities.last(user);
        let lineage = last.lineage(user);
        let is_new = user.created_date_time.is_some_and(|created| created > limit);
        let is_hired = user.employee_hire_date.is_none_or(|hired| hired <= bench.now());
        let before = user
            .created_date_time
            .is_none_or(|created| created < SIGN_INS_ARE_TOLD_SINCE);
        if last.at().is_some() || is_new || !is_hired {
            tally.passed();
        } else if before {
            tally.review(user, "the account is older than the record of sign-ins", lineage);
        } else {
            let because = format!("never signed in, {DAYS_TO_BEGIN} days after the account was made");
            tally.failed(user, because, lineage);
        }
    }
    Ok(())
}

/// How many people may decide over everything.
pub(super) fn global_admin_count(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let emergency = bench.emergency();
    let directory = bench.directory()?;
    let roles = directory.roles()?;
    let is_global = |user: &&User| {
        let held = roles.get(&user.id).into_iter().flatten();
        let mut held = held.filter(|held| held.template == GLOBAL_ADMINISTRATOR && held.scope == "/");
        user.is_enabled() && held.next().is_some()
    };
    let (apart, counted): (Vec<&User>, Vec<&User>) = directory
        .users()
        .filter(is_global)
        .partition(|user| emergency.contains(user.id.as_str()));
    let ids = |users: &[&User]| users.iter().map(|user| user.id.clone()).collect::<Vec<_>>();
    tally.fact("globalAdministrators", ids(&counted));
    tally.fact("emergencyAccounts", ids(&apart));
    tally.population("TENANT", Resource::RoleAssignments, std::iter::once("organization"));
    if (MIN_GLOBAL_ADMINISTRATORS..=MAX_GLOBAL_ADMINISTRATORS).contains(&counted.len()) {
        tally.passed();
    } else {
        let subject = Subject {
            resource: Resource::RoleAssignments,
            id: "organization",
            name: None,
        };
        let because = format!("{} people are Global Administrators", counted.len());
        tally.failed(subject, because, json!({"globalAdministrators": ids(&counted)}));
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
