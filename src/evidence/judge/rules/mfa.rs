//! Whether a second factor is asked of everybody whom it should be asked of.

use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, app_gaps};
use crate::evidence::judge::directory::PRIVILEGED;
use crate::evidence::judge::predicates::{
    Doubt, PHISHING_RESISTANT, Sure, enabled, in_force_everywhere, mfa_eq, names_app, pr_eq, requires, unconditional,
    user_policy,
};
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::Policy;
use crate::evidence::snapshot::{Indeterminate, Resource};

/// The service that Azure is managed through, and the administrators' portals.
const MANAGEMENT_APPS: &[&str] = &["797f4846-ba00-4fd7-ba43-dac1f8f63013", "MicrosoftAdminPortals"];

pub(super) fn privileged_roles() -> Value {
    let templates: Vec<&str> = PRIVILEGED.iter().map(|(template, _)| *template).collect();
    json!({"privilegedRoleTemplateIds": templates})
}

pub(super) fn phishing_resistant_combinations() -> Value {
    let mut parameters = privileged_roles();
    parameters["phishingResistantCombinations"] = json!(PHISHING_RESISTANT);
    parameters
}

pub(super) fn management_apps() -> Value {
    json!({"managementAppIds": MANAGEMENT_APPS})
}

fn gives_mfa(policy: &Policy, doubt: Doubt) -> Sure {
    in_force_everywhere(policy, &[], doubt).min(requires(policy, mfa_eq))
}

pub(super) fn all_users(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let cover = Cover::new(bench, |policy| gives_mfa(policy, Doubt::AsksAPerson))?;
    cover.judge_people(tally, &members, "a second factor on all resources");
    app_gaps(tally, &[&cover], &members, Doubt::Counts);
    Ok(())
}

pub(super) fn admins(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    of_admins(bench, tally, "a second factor on all resources", |policy| {
        gives_mfa(policy, Doubt::Counts)
    })
}

pub(super) fn phishing_resistant_admins(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    of_admins(bench, tally, "a second factor that cannot be phished", |policy| {
        in_force_everywhere(policy, &[], Doubt::Counts).min(requires(policy, pr_eq))
    })
}

pub(super) fn phishing_resistant_all(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let cover = Cover::new(bench, |policy| {
        in_force_everywhere(policy, &[], Doubt::Counts).min(requires(policy, pr_eq))
    })?;
    cover.judge(tally, &members, "a second factor that cannot be phished");
    Ok(())
}

/// Holds a cover against everybody with a privileged role.
pub(super) fn of_admins(
    bench: &Bench<'_>,
    tally: &mut Tally<'_>,
    what: &str,
    gives: impl Fn(&Policy) -> Sure,
) -> Result<(), Indeterminate> {
    let admins = tally.admins()?;
    Cover::new(bench, gives)?.judge(tally, &admins, what);
    Ok(())
}

pub(super) fn guests(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let guests = tally.guests()?;
    let policy: Value = bench.only(Resource::AuthzPolicy)?;
    let invites = policy["allowInvitesFrom"].as_str();
    tally.fact("allowInvitesFrom", invites);
    if guests.is_empty() {
        match invites {
            Some("none") => tally.not_applicable("there are no guests, and nobody may invite any"),
            _ => tally.needs_review("there are no guests, but guests may be invited"),
        }
        return Ok(());
    }
    let cover = Cover::new(bench, |policy| gives_mfa(policy, Doubt::Counts))?;
    cover.judge(tally, &guests, "a second factor on all resources");
    Ok(())
}

pub(super) fn azure_management(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let gives = |policy: &Policy, apps: &[&str]| {
        let about = Sure::from(user_policy(policy)).min(names_app(policy, apps, Doubt::Counts));
        let holds = enabled(policy).min(unconditional(policy, &[], Doubt::Counts));
        about.min(holds).min(requires(policy, mfa_eq))
    };
    for app in MANAGEMENT_APPS {
        let cover = Cover::new(bench, |policy| gives(policy, &["All", app]))?;
        let uncovered = members.iter().filter(|user| cover.covers(user) != Sure::Yes).count();
        tally.fact(&format!("uncovered for {app}"), uncovered);
    }
    let [azure, portals] = MANAGEMENT_APPS else {
        unreachable!("there are two")
    };
    let cover = Cover::new(bench, |policy| {
        // One that is about the one and leaves the other out: whether that is enough, a person has to see.
        let one = gives(policy, &["All", azure]).max(gives(policy, &["All", portals]));
        gives(policy, &["All", azure, portals]).max(one.min(Sure::Maybe))
    })?;
    cover.judge_people(tally, &members, "a second factor for managing Azure");
    Ok(())
}
