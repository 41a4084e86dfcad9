//! People whom policies leave out: by oversight, and on purpose for emergencies.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, Standing, app_gaps, deleted_references};
use crate::evidence::judge::directory::GLOBAL_ADMINISTRATOR;
use crate::evidence::judge::given::Change;
use crate::evidence::judge::predicates::{
    Doubt, Sure, all_apps, blocks, enabled, in_force_everywhere, managed_device, mfa_eq, requires, user_policy,
};
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{AuthMethod, Policy, SignIn, User};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How many emergency accounts there must be.
pub(super) const MINIMUM: usize = 2;

/// How far from a sign-in the ticket may be that explains it.
pub(super) const HOURS_TO_A_TICKET: i64 = 24;

/// People with an enabled account whom one policy leaves out, and no other catches.
pub(super) fn gaps(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let mut excluded: BTreeMap<&str, (&User, Vec<Value>)> = BTreeMap::new();
    let grants = |policy: &&Policy| policy.grant_controls.is_some() && user_policy(policy);
    for policy in bench.enabled()?.filter(grants) {
        for (user, how) in bench.reach(policy)?.excluded(bench)? {
            if user.is_enabled() {
                let path = json!({"policy": policy.id, "name": policy.display_name, "excluded": how});
                excluded
                    .entry(&user.id)
                    .or_insert_with(|| (user, Vec::new()))
                    .1
                    .push(path);
            }
        }
    }
    tally.population("EXCLUDED", Resource::Users, excluded.keys().copied());
    let cover = Cover::new(bench, |policy| {
        let asks = requires(policy, mfa_eq)
            .max(requires(policy, managed_device))
            .max(Sure::from(blocks(policy)));
        in_force_everywhere(policy, &[], Doubt::Counts).min(asks)
    })?;
    let people: Vec<&User> = excluded.values().map(|(user, _)| *user).collect();
    for (user, paths) in excluded.into_values() {
        match cover.covers(user) {
            Sure::Yes => tally.passed(),
            Sure::Maybe => tally.review(
                user,
                "whether another policy catches this person is not certain",
                json!(paths),
            ),
            Sure::No => tally.failed(
                user,
                "left out of a policy, and no other policy catches this person",
                json!(paths),
            ),
        }
    }
    app_gaps(tally, &[&cover], &people, Doubt::AsksAPerson);
    deleted_references(tally, &[&cover]);
    Ok(())
}

/// Whether a policy could lock everybody out.
fn could_lock_out(policy: &Policy) -> bool {
    policy.grant_controls.is_some() && user_policy(policy) && all_apps(policy, Doubt::AsksAPerson) != Sure::No
}

pub(super) fn emergency_excluded(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let emergency = bench.emergency();
    tally.population("EMERGENCY", Resource::Users, emergency.iter().copied());
    let directory = bench.directory()?;
    let policies: Vec<&Policy> = bench.enabled()?.filter(|policy| could_lock_out(policy)).collect();
    let applying = |user: &User| -> Result<(Sure, Vec<Value>), Indeterminate> {
        let (mut sure, mut applying) = (Sure::No, Vec::new());
        for policy in &policies {
            let applies = match bench.reach(policy)?.standing(user) {
                Standing::Included => enabled(policy),
                Standing::Unclear(_) => Sure::Maybe,
                Standing::Outside | Standing::Excluded(_) => continue,
            };
            sure = sure.max(applies);
            applying.push(json!({"policy": policy.id, "name": policy.display_name}));
        }
        Ok((sure, applying))
    };
    if emergency.is_empty() {
        let mut candidates = Vec::new();
        for user in directory
            .users()
            .filter(|user| user.is_enabled() && !policies.is_empty())
        {
            if applying(user)?.0 == Sure::No {
                candidates.push(user.id.clone());
            }
        }
        tally.fact("candidates", candidates);
        tally.needs_review("no emergency account is declared");
        return Ok(());
    }
    for id in &emergency {
        let Some(user) = directory.user(id) else {
            let subject = Subject {
                resource: Resource::Users,
                id,
                name: None,
            };
            tally.failed(subject, "the declared account does not exist", json!({}));
            continue;
        };
        let held = directory.roles()?.get(*id);
        let is_global = held.is_some_and(|held| {
            held.iter()
                .any(|held| held.template == GLOBAL_ADMINISTRATOR && held.scope == "/")
        });
        let (sure, applying) = applying(user)?;
        let lineage = json!({"stillApply": applying});
        if !user.is_enabled() {
            tally.failed(user, "the account is disabled", lineage);
        } else if !is_global {
            tally.failed(user, "the account is not an active Global Administrator", lineage);
        } else if sure == Sure::Yes {
            tally.failed(
                user,
                "policies that could lock everybody out apply to the account",
                lineage,
            );
        } else if sure == Sure::Maybe {
            tally.review(
                user,
                "whether policies that could lock everybody out apply to the account is not certain",
                lineage,
            );
        } else {
            tally.passed();
        }
    }
    if emergency.len() < MINIMUM {
        let completeness = "The register as it was declared.".to_owned();
        tally.population_by("REGISTER", completeness, std::iter::once("organization"));
        let subject = Subject {
            resource: Resource::Organization,
            id: "organization",
            name: None,
        };
        let because = format!("fewer than {MINIMUM} emergency accounts are declared");
        tally.failed(subject, because, json!({"declared": emergency.len()}));
    }
    Ok(())
}

pub(super) fn emergency_strong(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let emergency = bench.emergency();
    tally.population("EMERGENCY", Resource::Users, emergency.iter().copied());
    let sign_ins: Vec<SignIn> = bench.read(Resource::UsersSignin)?;
    for id in emergency {
        let Some(user) = bench.directory()?.user(id) else {
            let subject = Subject {
                resource: Resource::Users,
                id,
                name: None,
            };
            tally.failed(subject, "the declared account does not exist", json!({}));
            continue;
        };
        let row = bench.registrations()?.iter().find(|row| row.id == id);
        let methods: Vec<&AuthMethod> = row.iter().flat_map(|row| row.methods_registered.iter()).collect();
        // Windows Hello is bound to one person's computer: no key for a safe.
        let strong = |method: &&AuthMethod| matches!(method, AuthMethod::PhishingResistant(word) if word != "windowsHelloForBusiness");
        let unknown = methods.iter().any(|method| matches!(method, AuthMethod::Unknown(_)));
        let activity = sign_ins
            .iter()
            .find(|row| row.id == id)
            .and_then(|row| row.sign_in_activity.as_ref());
        let within = |at: &DateTime<Utc>| bench.past.period_from.is_none_or(|from| *at >= from);
        let used = activity.and_then(|activity| activity.last_successful_sign_in_date_time);
        let used = used.filter(within);
        // Where successful sign-ins are not told apart, the last attempt stands for them.
        let tried = activity.filter(|activity| activity.last_successful_sign_in_date_time.is_none());
        let tried = tried
            .and_then(|activity| activity.last_sign_in_date_time)
            .filter(within);
        let tickets = bench
            .declarations
            .changes
            .iter()
            .filter(|change| change.object_id == id);
        let near = |change: &&Change, at: DateTime<Utc>| (change.at - at).abs() <= Duration::hours(HOURS_TO_A_TICKET);
        let explained = |at: DateTime<Utc>| tickets.clone().any(|change| near(&change, at));
        let words: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        let lineage = json!({"methodsRegistered": words, "lastSuccessfulSignIn": used, "lastAttempt": tried});
        if user.on_premises_sync_enabled == Some(true) {
            tally.failed(
                user,
                "the account is synchronised from a directory on the premises",
                lineage,
            );
        } else if !methods.iter().any(strong) && unknown {
            tally.review(user, "a registered method is a word that is not known here", lineage);
        } else if !methods.iter().any(strong) {
            tally.failed(user, "no strong method is registered", lineage);
        } else if used.or(tried).is_some_and(|at| !explained(at)) {
            tally.review(user, "the account was used: which incident or drill was it?", lineage);
        } else {
            tally.passed();
        }
    }
    Ok(())
}
