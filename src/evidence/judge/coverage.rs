//! Who is reached by which policy, and who by none: the union over all policies, person by person.
//!
//! The danger: a policy that exists and a policy that applies are two things. An exclusion wins over every inclusion,
//! and each person who is left out is told with the path that took them out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Value, json};

use super::bench::Bench;
use super::directory::Held;
use super::predicates::Sure;
use super::tally::Tally;
use super::wire::{ExternalUsers, Policy, PolicyUsers, User};
use crate::evidence::snapshot::Indeterminate;

/// Whom a policy reaches, with its groups and roles resolved.
pub(super) struct Reach {
    users: PolicyUsers,
    included: BTreeSet<String>,
    excluded: BTreeMap<String, Value>,
}

/// Where a person stands to a policy.
pub(super) enum Standing<'r> {
    Outside,
    Included,
    /// By this user, group path, role or kind of guest.
    Excluded(std::borrow::Cow<'r, Value>),
}

impl Reach {
    pub fn new(bench: &Bench<'_>, policy: &Policy) -> Result<Self, Indeterminate> {
        let users = policy.conditions.users.clone().unwrap_or_default();
        let directory = bench.directory()?;
        let mut included: BTreeSet<String> = users.include_users.iter().cloned().collect();
        for group in users.include_groups.iter() {
            included.extend(directory.members_of(group)?.into_keys());
        }
        let mut excluded = BTreeMap::new();
        for user in users.exclude_users.iter() {
            excluded.insert(user.clone(), json!({"by": "user", "object": user}));
        }
        for group in users.exclude_groups.iter() {
            for (user, path) in directory.members_of(group)? {
                let lineage = json!({"by": "group", "object": group, "path": path});
                excluded.entry(user).or_insert(lineage);
            }
        }
        if !users.include_roles.is_empty() || !users.exclude_roles.is_empty() {
            for (user, held) in directory.roles()? {
                if matching(&users.include_roles, held).is_some() {
                    included.insert(user.clone());
                }
                if let Some(role) = matching(&users.exclude_roles, held) {
                    excluded
                        .entry(user.clone())
                        .or_insert_with(|| json!({"by": "role", "object": role}));
                }
            }
        }
        Ok(Self {
            users,
            included,
            excluded,
        })
    }

    /// APPLIES.
    pub fn standing(&self, user: &User) -> Standing<'_> {
        let users = &self.users;
        let listed = |list: &[String], word: &str| list.iter().any(|listed| listed == word);
        let external = user.external_kind();
        let guests = |list: &[String]| external.is_some() && listed(list, "GuestsOrExternalUsers");
        // Which tenant a guest comes from is not told: a list of tenants includes nobody for sure, and may exclude anybody.
        let included_kind = kind_of(users.include_guests_or_external_users.as_ref(), external)
            .is_some_and(|(_, of_all_tenants)| of_all_tenants);
        let included = listed(&users.include_users, "All")
            || self.included.contains(&user.id)
            || guests(&users.include_users)
            || included_kind;
        if !included {
            return Standing::Outside;
        }
        if let Some(lineage) = self.excluded.get(&user.id) {
            return Standing::Excluded(std::borrow::Cow::Borrowed(lineage));
        }
        let excluded_kind = kind_of(users.exclude_guests_or_external_users.as_ref(), external).map(|(kind, _)| kind);
        match excluded_kind.or(external.filter(|_| guests(&users.exclude_users))) {
            Some(kind) => Standing::Excluded(std::borrow::Cow::Owned(json!({"by": "guestType", "object": kind}))),
            None => Standing::Included,
        }
    }

    /// Everybody whom an exclusion takes out, whether or not they were in, with how.
    pub fn excluded<'d>(&self, bench: &'d Bench<'_>) -> Result<Vec<(&'d User, Value)>, Indeterminate> {
        let everybody = bench.directory()?.users();
        let taken_out = everybody.filter_map(|user| match self.standing(user) {
            Standing::Excluded(lineage) => Some((user, lineage.into_owned())),
            Standing::Outside | Standing::Included => None,
        });
        Ok(taken_out.collect())
    }
}

/// A role of the list that somebody holds as policies see it: built in, and over the whole tenant.
fn matching<'r>(roles: &'r [String], held: &BTreeSet<Held>) -> Option<&'r String> {
    let seen = |role: &&String| {
        held.iter()
            .any(|held| held.built_in && held.scope == "/" && held.template == **role)
    };
    roles.iter().find(seen)
}

fn kind_of(named: Option<&ExternalUsers>, kind: Option<&'static str>) -> Option<(&'static str, bool)> {
    let (named, kind) = (named?, kind?);
    named.has(kind).then(|| (kind, named.of_all_tenants()))
}

/// The policies that give something, and whom they reach.
pub(super) struct Cover<'b> {
    policies: Vec<(&'b Policy, Sure, Rc<Reach>)>,
}

impl<'b> Cover<'b> {
    /// All policies in force for which `gives` holds or may hold.
    pub fn new(bench: &'b Bench<'_>, gives: impl Fn(&Policy) -> Sure) -> Result<Self, Indeterminate> {
        let mut policies = Vec::new();
        for policy in bench.enabled()? {
            let sure = gives(policy);
            if sure != Sure::No {
                policies.push((policy, sure, bench.reach(policy)?));
            }
        }
        Ok(Self { policies })
    }

    pub fn policies(&self) -> impl Iterator<Item = (&'b Policy, Sure)> + '_ {
        self.policies.iter().map(|(policy, sure, _)| (*policy, *sure))
    }

    /// COVERED.
    pub fn covers(&self, user: &User) -> Sure {
        self.covering(user).map(|(_, sure)| sure).max().unwrap_or(Sure::No)
    }

    /// The policies that apply to a person.
    pub fn covering(&self, user: &User) -> impl Iterator<Item = (&'b Policy, Sure)> {
        let applies = |reach: &Reach| matches!(reach.standing(user), Standing::Included);
        self.policies
            .iter()
            .filter(move |(_, _, reach)| applies(reach))
            .map(|(policy, sure, _)| (*policy, *sure))
    }

    /// The policies that would have covered a person, and what took them out.
    pub fn lineage(&self, user: &User) -> Value {
        let stand = self.policies.iter().map(|(policy, sure, reach)| {
            let how = match reach.standing(user) {
                Standing::Outside => json!("notIncluded"),
                Standing::Included => json!("applies"),
                Standing::Excluded(lineage) => json!({"excluded": lineage}),
            };
            json!({"policy": policy.id, "name": policy.display_name, "certain": *sure == Sure::Yes, "user": how})
        });
        json!({"policies": stand.collect::<Vec<_>>()})
    }

    /// UNCOVERED: holds the cover against each person.
    pub fn judge(&self, tally: &mut Tally<'_>, people: &[&User], what: &str) {
        for user in people {
            match self.covers(user) {
                Sure::Yes => tally.passed(),
                Sure::Maybe => {
                    let because = format!("{what} hangs on a condition or a word that data alone cannot decide");
                    tally.review(*user, because, self.lineage(user));
                }
                Sure::No => tally.failed(
                    *user,
                    format!("no policy in force gives this person {what}"),
                    self.lineage(user),
                ),
            }
        }
    }
}
