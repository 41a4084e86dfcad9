//! Who belongs to the groups that something refers to: a policy, a role assignment, the assignment of a compliance
//! policy; and to the groups inside those.
//!
//! The danger: a group that was not read looks like one that has nobody. A group that Microsoft says is not there is
//! told apart from one that could not be read, and the latter makes the whole reading incomplete. So does one whose
//! membership is hidden, or may be: without a permission that is not asked for, Graph may list nobody.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Reader;
use super::draft::{Storm, blank, outcome_of, unexpected};
use super::noise::quiet;
use super::source::source;
use crate::evidence::snapshot::{Object, Outcome, Pull, Refusal, Resource};
use crate::microsoft::{Collection, Graph, Trouble};

/// Groups that are asked for at the same time.
const ABREAST: usize = 4;
/// More groups than this are not behind a tenant's policies.
const MOST_GROUPS: usize = 5_000;
/// How often policies may move before they are said to have no standing state.
const ROUNDS: usize = 3;
/// Microsoft's way to say that a group is not there.
const NOT_FOUND: u16 = 404;
/// What hidden members would take.
const HIDDEN: &str = "The members of a group are hidden: that takes Member.Read.Hidden, which is not asked for.";
/// How members are asked for.
const QUERY: &str = "$select=id&$top=999";

impl Reader<'_> {
    /// Reads the groups that something refers to, and the policies once more: where they have moved meanwhile, what they
    /// refer to now is read as well.
    pub(super) async fn policies_and_members(&self, pulls: &mut BTreeMap<Resource, Pull>) -> Result<(), Trouble> {
        let mut members = self.no_members();
        let mut rounds = 0;
        loop {
            self.members(&mut members, referenced(pulls), &hidden(pulls)).await?;
            rounds += 1;
            if !self.policies_moved(pulls).await? {
                break;
            }
            if rounds == ROUNDS {
                never_stood_still(pulls);
                break;
            }
        }
        members.finished_at = (self.clock)();
        require_referrers(&mut members, pulls);
        require_visibility(&mut members, pulls);
        pulls.insert(Resource::GroupMembers, members);
        self.done();
        Ok(())
    }

    /// Whether the policies are others than when they were read; then they are replaced.
    async fn policies_moved(&self, pulls: &mut BTreeMap<Resource, Pull>) -> Result<bool, Trouble> {
        let Some(first) = pulls.get_mut(&Resource::CaPolicies).filter(|first| first.is_complete()) else {
            return Ok(false);
        };
        let Some(source) = source(Resource::CaPolicies, self.taken_at) else {
            return Ok(false);
        };
        let mut again = self.pull(Resource::CaPolicies, &source).await?;
        let ids = [first.request_ids.as_slice(), again.request_ids.as_slice()].concat();
        first.request_ids.clone_from(&ids);
        // One whole reading is a state that there was, even if it could not be seen a second time.
        if !again.is_complete() || by_id(first) == by_id(&again) {
            return Ok(false);
        }
        again.request_ids = ids;
        *first = again;
        Ok(true)
    }

    fn no_members(&self) -> Pull {
        let nobody = self.graph.address(Collection::GroupMembers(Uuid::nil()), QUERY);
        let request = nobody.replace(&Uuid::nil().to_string(), "{id}");
        let permission = Collection::GroupMembers(Uuid::nil()).permission();
        let mut pull = blank(request, &[permission], (self.clock)());
        pull.outcome = Outcome::Complete;
        pull.last_page_reached = true;
        pull
    }

    /// Reads these groups and those inside them, as far as they were not read.
    async fn members(
        &self,
        pull: &mut Pull,
        mut waiting: BTreeSet<Uuid>,
        hidden: &BTreeSet<Uuid>,
    ) -> Result<(), Trouble> {
        let mut asked: BTreeSet<Uuid> = pull.objects.iter().filter_map(|read| read.id.parse().ok()).collect();
        waiting.retain(|group| !asked.contains(group));
        while !waiting.is_empty() {
            asked.append(&mut waiting.clone());
            if !waiting.is_disjoint(hidden) {
                let message = HIDDEN.to_owned();
                fall_short(pull, Outcome::PermissionMissing, Refusal { code: None, message });
                waiting.retain(|group| !hidden.contains(group));
            }
            if asked.len() > MOST_GROUPS {
                let message = format!("More than {MOST_GROUPS} groups are referred to.");
                fall_short(pull, Outcome::Partial, Refusal { code: None, message });
                return Ok(());
            }
            let read: Vec<Group> = stream::iter(std::mem::take(&mut waiting))
                .map(|group| self.group(group))
                .buffer_unordered(ABREAST)
                .try_collect()
                .await?;
            for group in read {
                waiting.extend(group.nested.iter().filter(|nested| !asked.contains(nested)));
                take(pull, group);
            }
        }
        pull.objects.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(())
    }

    async fn group(&self, id: Uuid) -> Result<Group, Trouble> {
        let (graph, heard) = self.graph.listening();
        let mut list = List::default();
        self.begins();
        let ended = self.list_members(&graph, id, &mut list).await;
        self.ends();
        let refused = heard.refused();
        let gone = list.pages == 0 && refused.as_ref().is_some_and(|refused| refused.status == NOT_FOUND);
        let read = match ended {
            Ok(()) => Ok(json!({"id": id, "members": list.members})),
            Err(_) if gone => Ok(json!({"id": id, "missing": true})),
            Err(trouble) => {
                let outcome = outcome_of(&trouble, list.pages).ok_or_else(|| trouble.clone())?;
                let refusal = Refusal {
                    code: refused.and_then(|refused| refused.code),
                    message: trouble.message(),
                };
                Err((outcome, refusal))
            }
        };
        Ok(Group {
            id,
            pages: list.pages,
            request_ids: heard.request_ids(),
            nested: list.nested,
            read,
        })
    }

    async fn list_members(&self, graph: &Graph, group: Uuid, list: &mut List) -> Result<(), Trouble> {
        let mut pages = graph.objects(Collection::GroupMembers(group), QUERY);
        let mut storm = Storm::of(graph);
        loop {
            match pages.next().await {
                Ok(Some(page)) => {
                    self.read(page.items.len() as u64);
                    list.page(page.items)?;
                }
                Ok(None) => return Ok(()),
                Err(trouble) => self.sit_out(&mut storm, trouble).await?,
            }
        }
    }
}

/// The members of a group while they are read.
#[derive(Default)]
struct List {
    pages: u32,
    members: Vec<Value>,
    /// The groups among them.
    nested: Vec<Uuid>,
}

impl List {
    fn page(&mut self, items: Vec<Value>) -> Result<(), Trouble> {
        for member in items {
            let id = member["id"]
                .as_str()
                .ok_or_else(|| unexpected("a member came without its id"))?;
            if is_group(&member) {
                self.nested.extend(id.parse::<Uuid>().ok());
            }
            self.members.push(quiet(member));
        }
        self.pages += 1;
        Ok(())
    }
}

/// A group that was asked for.
struct Group {
    id: Uuid,
    pages: u32,
    request_ids: Vec<String>,
    nested: Vec<Uuid>,
    /// The group with its members, or without because it is not there; else why it could not be read.
    read: Result<Value, (Outcome, Refusal)>,
}

/// The reading of all members with this group in it. The first group that falls short says how it ended.
fn take(pull: &mut Pull, group: Group) {
    pull.pages += group.pages;
    pull.request_ids.extend(group.request_ids);
    match group.read {
        Ok(content) => pull.objects.push(Object {
            id: group.id.to_string(),
            content,
        }),
        Err((outcome, refusal)) => fall_short(pull, outcome, refusal),
    }
}

fn fall_short(pull: &mut Pull, outcome: Outcome, refusal: Refusal) {
    if pull.outcome == Outcome::Complete {
        pull.outcome = outcome;
        pull.refusal = Some(refusal);
    }
    pull.last_page_reached = false;
}

/// What refers to groups.
const REFERRERS: [Resource; 3] = [
    Resource::CaPolicies,
    Resource::RoleAssignments,
    Resource::CompliancePolicies,
];

/// Where it is not known which groups are referred to, those that were read are not all of them. What the tenant has no
/// licence for refers to nothing.
fn require_referrers(members: &mut Pull, pulls: &BTreeMap<Resource, Pull>) {
    let unknown = |resource: &&Resource| {
        let pull = pulls.get(resource);
        pull.is_none_or(|pull| !pull.is_complete() && pull.outcome != Outcome::LicenceMissing)
    };
    let unknown: Vec<&str> = REFERRERS
        .iter()
        .filter(unknown)
        .map(|resource| resource.as_str())
        .collect();
    if !unknown.is_empty() {
        let message = format!("What refers to groups was not read whole: {}.", unknown.join(", "));
        fall_short(members, Outcome::Partial, Refusal { code: None, message });
    }
}

/// Where it is not known of a group that was read whether it hides who is in it, nobody may be an answer that hides
/// everybody.
fn require_visibility(members: &mut Pull, pulls: &BTreeMap<Resource, Pull>) {
    let groups = pulls.get(&Resource::Groups).filter(|groups| groups.is_complete());
    let listed = groups.into_iter().flat_map(|groups| &groups.objects);
    let told: BTreeSet<Uuid> = listed.filter_map(|group| group.id.parse().ok()).collect();
    let untold = |group: &&Object| {
        let id: Option<Uuid> = group.id.parse().ok();
        group.content["missing"] != true && id.is_none_or(|id| !told.contains(&id))
    };
    if let Some(group) = members.objects.iter().find(untold) {
        let message = format!(
            "Whether the group {} hides its members was not read with the groups.",
            group.id
        );
        fall_short(members, Outcome::Partial, Refusal { code: None, message });
    }
}

fn never_stood_still(pulls: &mut BTreeMap<Resource, Pull>) {
    if let Some(policies) = pulls.get_mut(&Resource::CaPolicies) {
        let message = "The policies changed again and again while they were read.".to_owned();
        fall_short(policies, Outcome::Partial, Refusal { code: None, message });
    }
}

fn by_id(pull: &Pull) -> BTreeMap<&str, &Value> {
    let objects = pull.objects.iter();
    objects.map(|object| (object.id.as_str(), &object.content)).collect()
}

fn is_group(object: &Value) -> bool {
    object["@odata.type"].as_str() == Some("#microsoft.graph.group")
}

/// The groups that do not show who is in them.
fn hidden(pulls: &BTreeMap<Resource, Pull>) -> BTreeSet<Uuid> {
    let groups = pulls.get(&Resource::Groups).into_iter().flat_map(|pull| &pull.objects);
    let hidden = groups.filter(|group| group.content["visibility"] == "HiddenMembership");
    hidden.filter_map(|group| group.id.parse().ok()).collect()
}

/// The groups that something refers to. What is no id of a group is left out: whoever asks about it finds it unread.
fn referenced(pulls: &BTreeMap<Resource, Pull>) -> BTreeSet<Uuid> {
    let objects = |resource| pulls.get(&resource).into_iter().flat_map(|pull: &Pull| &pull.objects);
    let mut ids: Vec<&Value> = Vec::new();
    for policy in objects(Resource::CaPolicies) {
        let users = &policy.content["conditions"]["users"];
        for list in ["includeGroups", "excludeGroups"] {
            ids.extend(users[list].as_array().into_iter().flatten());
        }
    }
    let groups: BTreeSet<&str> = objects(Resource::Groups).map(|group| group.id.as_str()).collect();
    for role in objects(Resource::RoleAssignments) {
        let principal = &role.content["principalId"];
        if is_group(&role.content["principal"]) || principal.as_str().is_some_and(|id| groups.contains(id)) {
            ids.push(principal);
        }
    }
    for policy in objects(Resource::CompliancePolicies) {
        let assignments = policy.content["assignments"].as_array().into_iter().flatten();
        ids.extend(assignments.map(|assignment| &assignment["target"]["groupId"]));
    }
    ids.into_iter().filter_map(|id| id.as_str()?.parse().ok()).collect()
}
