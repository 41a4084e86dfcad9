//! Who answers for what policies leave out, and who could quietly leave out more.
//!
//! The danger: whoever may put people into a group that a policy leaves out, decides over the policy.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::directory::Directory;
use crate::evidence::judge::predicates::{Sure, enabled};
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{Group, Policy};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// What policies leave out, whether one of them is in force for sure, and which they are.
type LeftOut<'b> = BTreeMap<(Resource, &'b str), (Sure, Vec<Value>)>;

fn left_out<'b>(bench: &'b Bench<'_>) -> Result<LeftOut<'b>, Indeterminate> {
    let mut left_out = LeftOut::new();
    for policy in bench.enabled()? {
        for object in exclusions(policy) {
            let (sure, policies) = left_out.entry(object).or_insert((Sure::No, Vec::new()));
            *sure = enabled(policy).max(*sure);
            policies.push(json!({"policy": policy.id, "name": policy.display_name}));
        }
    }
    Ok(left_out)
}

/// Each object that a policy leaves out, with where it is read.
fn exclusions(policy: &Policy) -> impl Iterator<Item = (Resource, &str)> {
    let conditions = &policy.conditions;
    let users = conditions.users.iter();
    let people = users.clone().flat_map(|users| users.exclude_users.iter());
    let groups = users.clone().flat_map(|users| users.exclude_groups.iter());
    let roles = users.clone().flat_map(|users| users.exclude_roles.iter());
    let external = users.filter_map(|users| users.exclude_guests_or_external_users.as_ref());
    let kinds = external.flat_map(|external| external.kinds());
    let applications = conditions.applications.iter();
    let applications = applications.flat_map(|applications| applications.exclude_applications.iter());
    let locations = conditions.locations.iter();
    let locations = locations.flat_map(|locations| locations.exclude_locations.iter());
    people
        .map(|id| (Resource::Users, id.as_str()))
        .chain(groups.map(|id| (Resource::Groups, id.as_str())))
        .chain(roles.map(|id| (Resource::RoleDefinitions, id.as_str())))
        .chain(kinds.map(|kind| (Resource::Users, kind)))
        .chain(applications.map(|id| (Resource::CaPolicies, id.as_str())))
        .chain(locations.map(|id| (Resource::NamedLocations, id.as_str())))
}

/// Every exclusion has somebody who answers for it.
///
/// Who was in a group when its exception was approved is not kept with the exception: whoever is in it and not declared
/// by name may have come later, and is a question for a person.
pub(super) fn all_declared(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let left_out = left_out(bench)?;
    let directory = bench.directory()?;
    let ids = left_out.keys().map(|(_, id)| *id);
    tally.population("EXCLUSIONS", Resource::CaPolicies, ids);
    let mut through: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for ((resource, id), (sure, policies)) in &left_out {
        let subject = subject(directory, *resource, id);
        let lineage = json!({"policies": policies});
        if *sure == Sure::Yes {
            tally.failed(subject, "left out, and no exception that holds is declared", lineage);
        } else {
            let because = "left out without a declared exception, by a policy that may not be in force";
            tally.review(subject, because, lineage);
        }
        if *resource == Resource::Groups && tally.is_declared(id) && !directory.is_gone(id) {
            for (person, path) in directory.members_of(id)?.iter() {
                if !left_out.contains_key(&(Resource::Users, person.as_str())) {
                    let path = json!({"group": id, "path": path});
                    through.entry(person.clone()).or_default().push(path);
                }
            }
        }
    }
    if through.is_empty() {
        return Ok(());
    }
    let ids = through.keys().map(String::as_str);
    tally.population("PEOPLE in declared groups", Resource::GroupMembers, ids);
    for (person, paths) in &through {
        let because = "in a group that is left out: was this person in it when the exception was approved?";
        tally.review(subject(directory, Resource::Users, person), because, json!(paths));
    }
    Ok(())
}

fn subject<'s>(directory: &'s Directory, resource: Resource, id: &'s str) -> Subject<'s> {
    let user = directory.user(id).filter(|_| resource == Resource::Users);
    let group = directory.name_of_group(id).filter(|_| resource == Resource::Groups);
    let unnamed = Subject {
        resource,
        id,
        name: group,
    };
    user.map_or(unnamed, Subject::from)
}

pub(super) fn groups_protected(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let groups: Vec<Group> = bench.read(Resource::Groups)?;
    let mut left_out = left_out(bench)?;
    left_out.retain(|(resource, _), _| *resource == Resource::Groups);
    let ids = left_out.keys().map(|(_, id)| *id);
    tally.population("EXCLUDED GROUPS", Resource::Groups, ids);
    for ((resource, id), (sure, policies)) in left_out {
        let Some(group) = groups.iter().find(|group| group.id == id) else {
            let gone = Subject {
                resource,
                id,
                name: None,
            };
            let because = "the policy refers to a group that was deleted";
            tally.review(gone, because, json!({"policies": policies}));
            continue;
        };
        let open = open_to_change(group);
        let lineage = json!({"policies": policies, "groupTypes": *group.group_types});
        if open.is_empty() {
            tally.passed();
        } else if sure == Sure::Yes {
            tally.failed(group, open.join("; "), lineage);
        } else {
            let because = format!("by a policy that may not be in force: {}", open.join("; "));
            tally.review(group, because, lineage);
        }
    }
    Ok(())
}

/// How people could get into a group that no protected role has put there.
fn open_to_change(group: &Group) -> Vec<&'static str> {
    let is_protected = group.is_assignable_to_role == Some(true) || group.is_management_restricted == Some(true);
    let is_dynamic = group.group_types.iter().any(|kind| kind == "DynamicMembership");
    let ways = [
        (
            !is_protected,
            "its owners and every administrator of groups may change it",
        ),
        (is_dynamic, "a rule decides who is in it"),
        (
            group.on_premises_sync_enabled == Some(true),
            "it is synchronised from a directory on the premises",
        ),
    ];
    ways.into_iter().filter(|(open, _)| *open).map(|(_, how)| how).collect()
}
