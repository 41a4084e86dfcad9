//! Who is reached by which policy, and who by none: the union over all policies, person by person.
//!
//! The danger: a policy that exists and a policy that applies are two things. An exclusion wins over every inclusion,
//! and each person who is left out is told with the path that took them out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Value, json};

use super::bench::Bench;
use super::directory::Held;
use super::predicates::{Doubt, Sure, excluded_apps};
use super::tally::{Subject, Tally};
use super::wire::{Policy, PolicyUsers, User, says_more};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// Whom a policy reaches, with its groups and roles resolved.
pub(super) struct Reach {
    users: PolicyUsers,
    included: BTreeSet<String>,
    excluded: BTreeMap<String, Value>,
    /// What the policy refers to and the tenant does not have.
    deleted: Vec<Value>,
}

/// Where a person stands to a policy.
pub(super) enum Standing {
    Outside,
    Included,
    /// By this user, group path, role or kind of guest.
    Excluded(Value),
    /// Included, and perhaps excluded by this.
    Unclear(Value),
}

impl Reach {
    pub fn new(bench: &Bench<'_>, policy: &Policy) -> Result<Self, Indeterminate> {
        let users = policy.conditions.users.clone().unwrap_or_default();
        let directory = bench.directory()?;
        let is_person = |id: &&String| !matches!(id.as_str(), "All" | "None" | "GuestsOrExternalUsers");
        let named = users
            .include_users
            .iter()
            .chain(users.exclude_users.iter())
            .filter(is_person);
        let mut deleted: Vec<Value> = named
            .filter(|id| directory.user(id).is_none())
            .map(|id| json!({"user": id}))
            .collect();
        let mut included: BTreeSet<String> = users.include_users.iter().cloned().collect();
        let mut excluded: BTreeMap<String, Value> = users
            .exclude_users
            .iter()
            .map(|user| (user.clone(), json!({"by": "user", "object": user})))
            .collect();
        for group in users.include_groups.iter().chain(users.exclude_groups.iter()) {
            // Nobody is in a group that is gone: it neither includes nor excludes.
            if directory.is_gone(group) {
                deleted.push(json!({"group": group}));
                continue;
            }
            let members = directory.members_of(group)?;
            if users.include_groups.contains(group) {
                included.extend(members.keys().cloned());
            }
            if users.exclude_groups.contains(group) {
                for (user, path) in members.iter() {
                    let names: Vec<Option<&str>> = path.iter().map(|group| directory.name_of_group(group)).collect();
                    let lineage = json!({"by": "group", "object": group, "path": path, "names": names});
                    excluded.entry(user.clone()).or_insert(lineage);
                }
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
            deleted,
        })
    }

    /// APPLIES.
    pub fn standing(&self, user: &User) -> Standing {
        if !self.includes(user) {
            return Standing::Outside;
        }
        if let Some(exclusion) = self.exclusion(user) {
            return exclusion;
        }
        if says_more(&self.users.others) {
            return Standing::Unclear(json!({"by": "what is not known here", "object": self.users.others}));
        }
        Standing::Included
    }

    fn includes(&self, user: &User) -> bool {
        let users = &self.users;
        let listed = |word: &str| users.include_users.iter().any(|listed| listed == word);
        let external = user.external_kind();
        // Which tenant a guest comes from is not told: a list of tenants includes nobody for sure.
        let by_kind = users
            .include_guests_or_external_users
            .as_ref()
            .is_some_and(|named| external.is_some_and(|kind| named.has(kind)) && named.is_about_all());
        listed("All")
            || self.included.contains(&user.id)
            || (external.is_some() && listed("GuestsOrExternalUsers"))
            || by_kind
    }

    /// What takes a person out, whether or not something takes them in.
    pub fn exclusion(&self, user: &User) -> Option<Standing> {
        if let Some(lineage) = self.excluded.get(&user.id) {
            return Some(Standing::Excluded(lineage.clone()));
        }
        let kind = user.external_kind()?;
        let lineage = |kind: &str| json!({"by": "guestType", "object": kind});
        if self
            .users
            .exclude_users
            .iter()
            .any(|word| word == "GuestsOrExternalUsers")
        {
            return Some(Standing::Excluded(lineage(kind)));
        }
        let named = self.users.exclude_guests_or_external_users.as_ref()?;
        match (named.has(kind), named.is_about_all()) {
            (true, true) => Some(Standing::Excluded(lineage(kind))),
            // From which tenant a guest comes is not told, and what else narrows it not known.
            (true, false) => Some(Standing::Unclear(lineage(kind))),
            (false, _) => named
                .has_unknown()
                .then(|| Standing::Unclear(lineage("a kind that is not known here"))),
        }
    }

    /// Everybody whom an exclusion takes out, whether or not they were in, with how.
    pub fn excluded<'d>(&self, bench: &'d Bench<'_>) -> Result<Vec<(&'d User, Value)>, Indeterminate> {
        let everybody = bench.directory()?.users();
        let taken_out = everybody.filter_map(|user| match self.exclusion(user)? {
            Standing::Excluded(lineage) | Standing::Unclear(lineage) => Some((user, lineage)),
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

    /// The policies that apply to a person, or may.
    pub fn covering(&self, user: &User) -> impl Iterator<Item = (&'b Policy, Sure)> {
        self.policies
            .iter()
            .filter_map(move |(policy, sure, reach)| match reach.standing(user) {
                Standing::Included => Some((*policy, *sure)),
                Standing::Unclear(_) => Some((*policy, (*sure).min(Sure::Maybe))),
                Standing::Outside | Standing::Excluded(_) => None,
            })
    }

    /// The policies that would have covered a person, and what took them out.
    pub fn lineage(&self, user: &User) -> Value {
        let stand = self.policies.iter().map(|(policy, sure, reach)| {
            let how = match reach.standing(user) {
                Standing::Outside => json!("notIncluded"),
                Standing::Included => json!("applies"),
                Standing::Excluded(lineage) => json!({"excluded": lineage}),
                Standing::Unclear(lineage) => json!({"perhapsExcluded": lineage}),
            };
            json!({"policy": policy.id, "name": policy.display_name, "certain": *sure == Sure::Yes, "user": how})
        });
        json!({"policies": stand.collect::<Vec<_>>()})
    }

    /// UNCOVERED, and what is left out of the cover: held against each person.
    pub fn judge(&self, tally: &mut Tally<'_>, people: &[&User], what: &str) {
        self.judge_people(tally, people, what);
        app_gaps(tally, &[self], people, Doubt::AsksAPerson);
    }

    /// UNCOVERED: holds the cover against each person.
    pub fn judge_people(&self, tally: &mut Tally<'_>, people: &[&User], what: &str) {
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
        tell_excluded_apps(tally, &[self]);
        deleted_references(tally, &[self]);
    }

    /// Applications that, for some person, every policy of the cover leaves out.
    fn gaps(&self, people: &[&User]) -> BTreeSet<&'b str> {
        let mut gaps = BTreeSet::new();
        if self.policies().all(|(policy, _)| excluded_apps(policy).is_empty()) {
            return gaps;
        }
        for user in people {
            let sure = self.covering(user).filter(|(_, sure)| *sure == Sure::Yes);
            let left_out = sure.map(|(policy, _)| {
                let apps = excluded_apps(policy).iter();
                apps.map(String::as_str).collect::<BTreeSet<_>>()
            });
            gaps.extend(left_out.reduce(|both, next| &both & &next).unwrap_or_default());
        }
        gaps
    }
}

/// What each policy of the covers leaves out, for whoever asks.
pub(super) fn tell_excluded_apps(tally: &mut Tally<'_>, covers: &[&Cover<'_>]) {
    let policies = covers.iter().flat_map(|cover| cover.policies());
    let leaving_out = policies.filter(|(policy, _)| !excluded_apps(policy).is_empty());
    let told: BTreeMap<&str, Value> = leaving_out
        .map(|(policy, _)| {
            let told = json!({"policy": policy.id, "applications": excluded_apps(policy)});
            (policy.id.as_str(), told)
        })
        .collect();
    tally.fact("excludedApplications", told.into_values().collect::<Vec<_>>());
}

/// `APP_GAP`: applications that, for some person, every policy of one of the covers leaves out. Each cover is needed.
pub(super) fn app_gaps(tally: &mut Tally<'_>, covers: &[&Cover<'_>], people: &[&User], doubt: Doubt) {
    tell_excluded_apps(tally, covers);
    let gaps: BTreeSet<&str> = covers.iter().flat_map(|cover| cover.gaps(people)).collect();
    if gaps.is_empty() {
        return;
    }
    tally.population("APP_GAP", Resource::CaPolicies, gaps.iter().copied());
    for app in gaps {
        let subject = Subject {
            resource: Resource::CaPolicies,
            id: app,
            name: None,
        };
        let because = "every policy that covers somebody leaves this application out";
        let lineage = json!({"application": app});
        match doubt {
            Doubt::Counts => tally.failed(subject, because, lineage),
            Doubt::AsksAPerson => tally.review(subject, because, lineage),
        }
    }
}

/// Policies of the covers that refer to what the tenant no longer has. They are judged as they work, and a person has
/// to see whether they were meant so.
pub(super) fn deleted_references(tally: &mut Tally<'_>, covers: &[&Cover<'_>]) {
    let policies = covers.iter().flat_map(|cover| cover.policies.iter());
    let dangling: BTreeMap<&str, (&Policy, &Reach)> = policies
        .filter(|(.., reach)| !reach.deleted.is_empty())
        .map(|(policy, _, reach)| (policy.id.as_str(), (*policy, &**reach)))
        .collect();
    if dangling.is_empty() {
        return;
    }
    tally.population("DELETED_REFERENCES", Resource::CaPolicies, dangling.keys().copied());
    for (policy, reach) in dangling.into_values() {
        let because = "the policy refers to people or groups that were deleted";
        tally.review(policy, because, json!({"deleted": reach.deleted}));
    }
}
