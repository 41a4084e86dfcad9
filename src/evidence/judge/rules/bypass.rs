//! Ways around a policy that nobody wrote down as an exclusion of people: by where they are, and by how they hold their
//! role.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, Standing};
use crate::evidence::judge::directory::Held;
use crate::evidence::judge::predicates::{
    Doubt, Sure, blocks, enabled, in_force_everywhere, managed_device, mfa_eq, no_app_left_out, pr_eq, requires,
    user_policy,
};
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{Policy, User};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// Policies that ask for a second factor, but not at some places.
pub(super) fn by_location(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let asks = |policy: &&Policy| user_policy(policy) && requires(policy, mfa_eq) != Sure::No;
    let policies: Vec<&Policy> = bench.enabled()?.filter(asks).collect();
    let ids = policies.iter().map(|policy| policy.id.as_str());
    tally.population("POLICIES for a second factor", Resource::CaPolicies, ids);
    let cover = Cover::new(bench, |policy| {
        let everywhere = in_force_everywhere(policy, &[], Doubt::Counts).min(no_app_left_out(policy));
        everywhere.min(requires(policy, mfa_eq))
    })?;
    let known: Vec<Value> = bench.read(Resource::NamedLocations)?;
    for policy in policies {
        let locations = policy.conditions.locations.iter();
        let excluded = locations.flat_map(|locations| locations.exclude_locations.iter());
        let excluded: Vec<Value> = excluded.map(|location| expanded(location, &known)).collect();
        if excluded.is_empty() {
            tally.passed();
            continue;
        }
        let (caught, free) = caught(bench, policy, &cover)?;
        let lineage = json!({"excludedLocations": excluded, "people": free});
        let is_certain = enabled(policy).min(requires(policy, mfa_eq)) == Sure::Yes;
        match caught {
            Sure::Yes => tally.passed(),
            Sure::No if is_certain => {
                let because = "at these places nothing asks some people for a second factor";
                tally.failed(policy, because, lineage);
            }
            _ => {
                let because = "whether something else asks for a second factor at these places is not certain";
                tally.review(policy, because, lineage);
            }
        }
    }
    Ok(())
}

/// Whether the cover reaches everybody whom the policy reaches, and whom it does not.
fn caught(bench: &Bench<'_>, policy: &Policy, cover: &Cover<'_>) -> Result<(Sure, Vec<String>), Indeterminate> {
    let reach = bench.reach(policy)?;
    let (mut all, mut free) = (Sure::Yes, Vec::new());
    for user in bench.directory()?.users().filter(|user| user.is_enabled()) {
        let sure = match reach.standing(user) {
            Standing::Included => cover.covers(user),
            Standing::Unclear(_) => cover.covers(user).max(Sure::Maybe),
            Standing::Outside | Standing::Excluded(_) => continue,
        };
        if sure != Sure::Yes {
            free.push(user.id.clone());
        }
        all = all.min(sure);
    }
    Ok((all, free))
}

/// A location with what it stands for.
fn expanded(location: &str, known: &[Value]) -> Value {
    let is_meant = |one: &&Value| match location {
        "AllTrusted" => one["isTrusted"] == true,
        id => one["id"] == id,
    };
    let told = |one: &Value| {
        json!({
            "id": one["id"],
            "name": one["displayName"],
            "ipRanges": one["ipRanges"],
            "countriesAndRegions": one["countriesAndRegions"],
        })
    };
    json!({"location": location, "is": known.iter().filter(is_meant).map(told).collect::<Vec<_>>()})
}

/// Something that a policy may give.
type Gives = fn(&Policy) -> Sure;

const GIVEN: &[Gives] = &[
    |policy| requires(policy, mfa_eq),
    |policy| requires(policy, pr_eq),
    |policy| requires(policy, managed_device),
    |policy| Sure::from(blocks(policy)),
];

/// What people are given, everywhere or under some condition.
struct Given<'b> {
    gives: Gives,
    everywhere: Cover<'b>,
    somewhere: Cover<'b>,
}

impl<'b> Given<'b> {
    fn new(bench: &'b Bench<'_>, gives: Gives) -> Result<Self, Indeterminate> {
        Ok(Self {
            gives,
            everywhere: Cover::new(bench, |policy| {
                let everywhere = in_force_everywhere(policy, &[], Doubt::Counts).min(no_app_left_out(policy));
                everywhere.min(gives(policy))
            })?,
            somewhere: Cover::new(bench, |policy| {
                let about = enabled(policy).min(Sure::from(user_policy(policy)));
                about.min(gives(policy))
            })?,
        })
    }

    /// Whether other policies give a person the same as one that does not reach them.
    fn instead_of(&self, policy: &Policy, user: &User) -> Sure {
        let everywhere = self.everywhere.covers(user);
        if everywhere == Sure::Yes || in_force_everywhere(policy, &[], Doubt::Counts) == Sure::Yes {
            return everywhere;
        }
        // Whether two conditions say the same, a person has to see.
        self.somewhere.covers(user).min(Sure::Maybe)
    }
}

/// Policies see a role that is built in and held over the whole tenant, and no other.
fn is_seen(held: &Held) -> bool {
    held.built_in && held.scope == "/"
}

fn named_roles(policy: &Policy) -> impl Iterator<Item = &str> {
    let users = policy.conditions.users.iter();
    users.flat_map(|users| users.include_roles.iter().map(String::as_str))
}

/// People with power whom a policy for their role does not see.
pub(super) fn by_role(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let for_roles = |policy: &&Policy| user_policy(policy) && named_roles(policy).next().is_some();
    let policies: Vec<&Policy> = bench.enabled()?.filter(for_roles).collect();
    if policies.is_empty() {
        tally.not_applicable("no policy in force names roles");
        return Ok(());
    }
    let directory = bench.directory()?;
    let (admins, _) = bench.admins()?;
    let roles = directory.roles()?;
    let held = |user: &User| roles.get(&user.id).into_iter().flatten();
    let is_named = |held: &Held| {
        let mut policies = policies.iter();
        policies.any(|policy| named_roles(policy).any(|role| role == held.template))
    };
    let named = directory.users().filter(|user| held(user).any(is_named));
    let people: BTreeMap<&str, &User> = admins
        .into_iter()
        .chain(named)
        .map(|user| (user.id.as_str(), user))
        .collect();
    tally.population("PRIVILEGED", Resource::RoleAssignments, people.keys().copied());
    let custom = directory.users().filter(|user| held(user).any(|held| !held.built_in));
    tally.fact(
        "holdersOfCustomRoles",
        custom.map(|user| user.id.clone()).collect::<Vec<_>>(),
    );
    let given: Vec<Given<'_>> = GIVEN
        .iter()
        .map(|gives| Given::new(bench, *gives))
        .collect::<Result<_, _>>()?;
    for user in people.into_values() {
        let (mut caught, mut missed) = (Sure::Yes, Vec::new());
        for policy in &policies {
            let unseen = unseen(held(user), policy);
            let reach = bench.reach(policy)?;
            let is_outside = matches!(reach.standing(user), Standing::Outside) && reach.exclusion(user).is_none();
            if unseen.is_empty() || !is_outside {
                continue;
            }
            let instead = instead_of(policy, user, &given);
            if instead != Sure::Yes {
                missed.push(json!({"policy": policy.id, "name": policy.display_name, "unseen": unseen}));
            }
            caught = caught.min(instead);
        }
        let lineage = json!({"missed": missed});
        match caught {
            Sure::Yes => tally.passed(),
            Sure::Maybe => {
                let because = "not reached by role, and whether another policy gives the same is not certain";
                tally.review(user, because, lineage);
            }
            Sure::No => {
                let because = "policies do not see the role as this person holds it, and nothing else gives the same";
                tally.failed(user, because, lineage);
            }
        }
    }
    Ok(())
}

/// The roles that a policy names and does not see as they are held.
fn unseen<'h>(held: impl Iterator<Item = &'h Held>, policy: &Policy) -> Vec<Value> {
    held.filter(|held| !is_seen(held) && named_roles(policy).any(|role| role == held.template))
        .map(|held| json!({"role": held.template, "scope": held.scope, "custom": !held.built_in}))
        .collect()
}

/// Whether other policies give a person all that this one would.
fn instead_of(policy: &Policy, user: &User, given: &[Given<'_>]) -> Sure {
    let gives = given.iter().filter(|given| (given.gives)(policy) != Sure::No);
    let instead = gives.map(|given| given.instead_of(policy, user)).min();
    // A policy may give what is not compared here: terms of use, or a limit to the session.
    let instead = instead.unwrap_or(Sure::Maybe);
    if enabled(policy) == Sure::Yes {
        instead
    } else {
        instead.max(Sure::Maybe)
    }
}
