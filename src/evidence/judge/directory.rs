//! People, the groups that matter, and roles, resolved: who is in what, and by which path.
//!
//! The danger: a group that was not read looks like a group that has nobody. Whatever is asked about such a group is
//! answered with the reference that could not be resolved.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value;

use super::wire::{self, List, RoleAssignment, RoleDefinition, User};
use crate::evidence::snapshot::{Complete, Gap, Indeterminate, Object, Resource, Snapshot};

/// Roles that may change who gets in, by template.
///
/// Source: <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
pub(super) const PRIVILEGED: &[(&str, &str)] = &[
    (GLOBAL_ADMINISTRATOR, "Global Administrator"),
    ("e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    ("f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "SharePoint Administrator"),
    ("29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator"),
    ("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator"),
    ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator"),
    (
        "158c047a-c907-4556-b7ef-446551a6b5f7",
        "Cloud Application Administrator",
    ),
    ("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"),
    (
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        "Conditional Access Administrator",
    ),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    ("b0f54661-2d74-4c50-afa3-1ec803f12efe", "Billing Administrator"),
    ("c4e39bd9-1100-46d3-8c65-fb160da0071f", "Authentication Administrator"),
    ("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator"),
    (
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Privileged Authentication Administrator",
    ),
];

pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

#[derive(Deserialize)]
struct Group {
    id: String,
    #[serde(default)]
    members: List<Member>,
    #[serde(default)]
    missing: bool,
}

#[derive(Deserialize)]
struct Member {
    id: String,
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
}

/// The people of a group, each with the groups that lead to them, from the outermost in.
pub(super) type Members = Rc<BTreeMap<String, Vec<String>>>;

/// A role as somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    pub template: String,
    /// `/` for the whole tenant.
    pub scope: String,
    pub built_in: bool,
}

pub(super) struct Directory {
    users: BTreeMap<String, User>,
    /// The direct members; `None` for a group that Microsoft says is not there.
    groups: Result<HashMap<String, Option<Vec<Member>>>, Indeterminate>,
    /// What people call groups, where that was read. Nothing is decided by it.
    names: HashMap<String, String>,
    members: RefCell<HashMap<String, Members>>,
    roles: Result<BTreeMap<String, BTreeSet<Held>>, Indeterminate>,
}

impl Directory {
    /// Reads people; groups and roles only as far as they were read: who asks about others hears what is missing.
    pub fn new(snapshot: &Snapshot) -> Result<Self, Indeterminate> {
        let complete = snapshot.complete(Resource::Users)?;
        let users: Vec<User> = wire::read(complete)?;
        let unreadable = |gap, detail: String| Indeterminate {
            resource: Resource::Users,
            gap,
            detail,
        };
        if users.is_empty() {
            let detail = "users: not one person was given, and a tenant without any cannot be".to_owned();
            return Err(unreadable(Gap::PartialCollection, detail));
        }
        if let Some(user) = users.iter().find(|user| user.account_enabled.is_none()) {
            let detail = format!("users: whether the account {} is enabled is not said", user.id);
            return Err(unreadable(Gap::EndpointError, detail));
        }
        let groups = snapshot.complete(Resource::GroupMembers).and_then(|complete| {
            let groups: Vec<Group> = wire::read(complete)?;
            let members = |group: Group| (!group.missing).then(|| group.members.into_vec());
            Ok(groups
                .into_iter()
                .map(|group| (group.id.clone(), members(group)))
                .collect())
        });
        let mut directory = Self {
            users: users.into_iter().map(|user| (user.id.clone(), user)).collect(),
            groups,
            names: names_of_groups(snapshot),
            members: RefCell::default(),
            roles: Ok(BTreeMap::new()),
        };
        directory.roles = directory.read_roles(snapshot);
        Ok(directory)
    }

    fn read_roles(&self, snapshot: &Snapshot) -> Result<BTreeMap<String, BTreeSet<Held>>, Indeterminate> {
        let assignments = snapshot.complete(Resource::RoleAssignments)?;
        let definitions: Vec<RoleDefinition> = match snapshot.complete(Resource::RoleDefinitions) {
            Ok(complete) => wire::read(complete)?,
            // The id of a built-in role is its template.
            Err(_) => Vec::new(),
        };
        let mut roles: BTreeMap<String, BTreeSet<Held>> = BTreeMap::new();
        for object in assignments.objects() {
            let assignment: RoleAssignment = wire::read_one(assignments, object)?;
            let definition = definitions
                .iter()
                .find(|known| known.id == assignment.role_definition_id);
            let template = definition.and_then(|known| known.template_id.clone());
            let held = Held {
                template: template.unwrap_or_else(|| assignment.role_definition_id.clone()),
                scope: assignment.directory_scope_id.unwrap_or_else(|| "/".to_owned()),
                built_in: definition.and_then(|known| known.is_built_in) != Some(false),
            };
            let is_group = kind_of(object).ends_with("group") || self.is_group(&assignment.principal_id);
            if is_group {
                for user in self.members_of(&assignment.principal_id)?.keys() {
                    roles.entry(user.clone()).or_default().insert(held.clone());
                }
            } else {
                roles.entry(assignment.principal_id).or_default().insert(held);
            }
        }
        Ok(roles)
    }

    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    /// The roles that each person holds.
    pub fn roles(&self) -> Result<&BTreeMap<String, BTreeSet<Held>>, Indeterminate> {
        self.roles.as_ref().map_err(Clone::clone)
    }

    /// The names of the privileged roles that a person holds.
    pub fn privileged_roles_of(&self, user: &str) -> Vec<String> {
        let held = self.roles.as_ref().ok().and_then(|roles| roles.get(user));
        let name = |held: &Held| {
            let (_, name) = PRIVILEGED.iter().find(|(template, _)| *template == held.template)?;
            let scoped = if held.scope == "/" {
                String::new()
            } else {
                format!(" (scope {})", held.scope)
            };
            Some(format!("{name}{scoped}"))
        };
        held.into_iter().flatten().filter_map(name).collect()
    }

    /// Who holds a privileged role: people, and the applications among them apart. One whose account was not among the
    /// people is a reference to nowhere, unless the assignment says that it is none.
    pub fn privileged(&self, snapshot: &Snapshot) -> Result<(BTreeSet<String>, BTreeSet<String>), Indeterminate> {
        let is_privileged = |held: &Held| PRIVILEGED.iter().any(|(template, _)| *template == held.template);
        let holders = self.roles()?.iter().filter(|(_, held)| held.iter().any(is_privileged));
        let (people, others): (BTreeSet<_>, BTreeSet<_>) = holders
            .map(|(id, _)| id.clone())
            .partition(|id| self.users.contains_key(id));
        let assignments = snapshot.complete(Resource::RoleAssignments)?.objects().iter();
        let assigned = assignments.map(|object| {
            (
                object.content["principalId"].as_str().unwrap_or_default(),
                kind_of(object),
            )
        });
        let members = self.groups.iter().flat_map(HashMap::values).flatten().flatten();
        let members = members.map(|member| (member.id.as_str(), member.kind.as_deref().unwrap_or_default()));
        let applications: BTreeSet<&str> = assigned
            .chain(members)
            .filter(|(_, kind)| kind.ends_with("servicePrincipal"))
            .map(|(id, _)| id)
            .collect();
        match others.iter().find(|id| !applications.contains(id.as_str())) {
            Some(nobody) => Err(unresolved(
                Resource::Users,
                &format!("{nobody}, who holds a privileged role,"),
            )),
            None => Ok((people, others)),
        }
    }

    /// Whether Microsoft says that there is no such group.
    pub fn is_gone(&self, group: &str) -> bool {
        matches!(self.groups.as_ref().map(|groups| groups.get(group)), Ok(Some(None)))
    }

    /// What people call a group, if that was read.
    pub fn name_of_group(&self, group: &str) -> Option<&str> {
        self.names.get(group).map(String::as_str)
    }

    fn is_group(&self, id: &str) -> bool {
        self.groups.as_ref().is_ok_and(|groups| groups.contains_key(id))
    }

    /// The people of a group, each with the groups that lead to them, from the outermost in.
    pub fn members_of(&self, group: &str) -> Result<Members, Indeterminate> {
        if let Some(members) = self.members.borrow().get(group) {
            return Ok(Rc::clone(members));
        }
        let members = Rc::new(self.find_members(group)?);
        self.members.borrow_mut().insert(group.to_owned(), Rc::clone(&members));
        Ok(members)
    }

    fn find_members(&self, group: &str) -> Result<BTreeMap<String, Vec<String>>, Indeterminate> {
        let groups = self.groups.as_ref().map_err(Clone::clone)?;
        let mut people = BTreeMap::new();
        let mut seen = BTreeSet::from([group.to_owned()]);
        let mut waiting = VecDeque::from([vec![group.to_owned()]]);
        while let Some(path) = waiting.pop_front() {
            let innermost = path.last().expect("a path begins with the group that was asked for");
            let Some(Some(members)) = groups.get(innermost) else {
                return Err(unresolved(Resource::GroupMembers, &format!("group {innermost}")));
            };
            for member in members {
                let is_group = member.kind.as_deref().is_some_and(|kind| kind.ends_with("group"));
                if !is_group && !self.is_group(&member.id) {
                    people.entry(member.id.clone()).or_insert_with(|| path.clone());
                } else if seen.insert(member.id.clone()) {
                    waiting.push_back([path.as_slice(), std::slice::from_ref(&member.id)].concat());
                }
            }
        }
        Ok(people)
    }
}

fn names_of_groups(snapshot: &Snapshot) -> HashMap<String, String> {
    let groups = snapshot
        .complete(Resource::Groups)
        .into_iter()
        .flat_map(Complete::objects);
    let named = groups.filter_map(|group| Some((group.id.clone(), group.content["displayName"].as_str()?.to_owned())));
    named.collect()
}

/// What holds the role that is assigned; empty if Microsoft does not say.
fn kind_of(assignment: &Object) -> &str {
    let principal = &assignment.content["principal"];
    principal.get("@odata.type").and_then(Value::as_str).unwrap_or_default()
}

fn unresolved(resource: Resource, what: &str) -> Indeterminate {
    Indeterminate {
        resource,
        gap: Gap::UnresolvedReference,
        detail: format!("{what} was referred to and not read"),
    }
}
