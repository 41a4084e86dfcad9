//! What lies before the judge: the run, the past, the declarations, and what is derived from them once for all checks.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::coverage::Reach;
use super::directory::{Directory, Members};
use super::given::{Declarations, Past};
use super::wire::{self, Device, Policy, PolicyState, Registration, Sku, Strength, User};
use crate::evidence::snapshot::{Gap, Indeterminate, Resource, Snapshot};

/// What tells who holds which role.
const ROLES: &[Resource] = &[
    Resource::RoleAssignments,
    Resource::RoleDefinitions,
    Resource::GroupMembers,
];

type Lazy<T> = OnceCell<Result<T, Indeterminate>>;

pub(super) struct Bench<'a> {
    pub snapshot: &'a Snapshot,
    pub past: &'a Past,
    pub declarations: &'a Declarations,
    policies: Lazy<Vec<Policy>>,
    directory: Lazy<Directory>,
    registrations: Lazy<Vec<Registration>>,
    devices: Lazy<Vec<Device>>,
    reaches: RefCell<HashMap<String, Rc<Reach>>>,
    asked: RefCell<BTreeSet<Resource>>,
}

impl<'a> Bench<'a> {
    pub fn new(snapshot: &'a Snapshot, past: &'a Past, declarations: &'a Declarations) -> Self {
        Self {
            snapshot,
            past,
            declarations,
            policies: OnceCell::new(),
            directory: OnceCell::new(),
            registrations: OnceCell::new(),
            devices: OnceCell::new(),
            reaches: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// The moment to which ages are counted.
    pub fn now(&self) -> DateTime<Utc> {
        self.snapshot.taken_at
    }

    /// Remembers that a check rests on readings that may have been taken from the shelf.
    fn rests_on(&self, resources: &[Resource]) {
        self.asked.borrow_mut().extend(resources);
    }

    /// The readings that a check names, what else was asked for since this was called last and had, and what was not.
    pub fn inputs(&self, named: Vec<Resource>, missing: Option<Resource>) -> Vec<Resource> {
        let mut asked = self.asked.take();
        asked.retain(|resource| self.snapshot.complete(*resource).is_ok());
        asked.extend(named.into_iter().chain(missing));
        asked.into_iter().collect()
    }

    /// Every object of a resource.
    pub fn read<T: DeserializeOwned>(&self, resource: Resource) -> Result<Vec<T>, Indeterminate> {
        self.rests_on(&[resource]);
        wire::read(self.snapshot.complete(resource)?)
    }

    /// The only object of a resource that has one.
    pub fn only<T: DeserializeOwned>(&self, resource: Resource) -> Result<T, Indeterminate> {
        self.rests_on(&[resource]);
        let complete = self.snapshot.complete(resource)?;
        wire::read_one(complete, complete.only()?)
    }

    pub fn policies(&self) -> Result<&[Policy], Indeterminate> {
        self.rests_on(&[Resource::CaPolicies, Resource::AuthStrengths]);
        let policies = self.policies.get_or_init(|| {
            let mut policies: Vec<Policy> = self.read(Resource::CaPolicies)?;
            // Graph tells the strength inside the policy; where it tells the id alone, the list has the rest.
            let strengths: Vec<Strength> = self.read(Resource::AuthStrengths).unwrap_or_default();
            for policy in &mut policies {
                let grant = policy.grant_controls.as_mut();
                let Some(strength) = grant.and_then(|grant| grant.authentication_strength.as_mut()) else {
                    continue;
                };
                let listed = strengths.iter().find(|listed| listed.id == strength.id);
                if let Some(listed) = listed.filter(|_| strength.allowed_combinations.is_empty()) {
                    *strength = listed.clone();
                }
            }
            Ok(policies)
        });
        policies.as_deref().map_err(Clone::clone)
    }

    /// The policies that are in force, and those whose state is a word that we do not know.
    pub fn enabled(&self) -> Result<impl Iterator<Item = &Policy>, Indeterminate> {
        let policies = self.policies()?.iter();
        Ok(policies.filter(|policy| matches!(policy.state, PolicyState::Enabled | PolicyState::Unknown)))
    }

    /// Whom a policy reaches.
    pub fn reach(&self, policy: &Policy) -> Result<Rc<Reach>, Indeterminate> {
        if let Some(users) = &policy.conditions.users {
            if !users.include_groups.is_empty() || !users.exclude_groups.is_empty() {
                self.rests_on(&[Resource::GroupMembers]);
            }
            if !users.include_roles.is_empty() || !users.exclude_roles.is_empty() {
                self.rests_on(ROLES);
            }
        }
        if let Some(reach) = self.reaches.borrow().get(&policy.id) {
            return Ok(Rc::clone(reach));
        }
        let reach = Rc::new(Reach::new(self, policy)?);
        self.reaches.borrow_mut().insert(policy.id.clone(), Rc::clone(&reach));
        Ok(reach)
    }

    pub fn directory(&self) -> Result<&Directory, Indeterminate> {
        self.rests_on(&[Resource::Users]);
        self.directory
            .get_or_init(|| Directory::new(self.snapshot))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Everybody in a group; `None` for one that is gone.
    pub fn group(&self, group: &str) -> Result<Option<Members>, Indeterminate> {
        self.rests_on(&[Resource::GroupMembers]);
        let directory = self.directory()?;
        if directory.is_gone(group) {
            return Ok(None);
        }
        directory.members_of(group).map(Some)
    }

    pub fn registrations(&self) -> Result<&[Registration], Indeterminate> {
        self.rests_on(&[Resource::Registration]);
        let registrations = self.registrations.get_or_init(|| self.read(Resource::Registration));
        registrations.as_deref().map_err(Clone::clone)
    }

    /// People with an enabled account who are no guests. What Microsoft itself says is no person's is not among them;
    /// what is declared to be none is.
    pub fn members(&self) -> Result<Vec<&User>, Indeterminate> {
        let people = self.enabled_members()?;
        Ok(people.filter(|user| user.is_resource_account != Some(true)).collect())
    }

    /// Accounts that would be members, if Microsoft did not say that they are no person's.
    pub fn resource_accounts(&self) -> Result<Vec<&User>, Indeterminate> {
        let people = self.enabled_members()?;
        Ok(people.filter(|user| user.is_resource_account == Some(true)).collect())
    }

    fn enabled_members(&self) -> Result<impl Iterator<Item = &User>, Indeterminate> {
        let people = self.directory()?.users();
        Ok(people.filter(|user| user.is_enabled() && !user.is_guest()))
    }

    /// Which of these are declared to be no people. Whoever holds a privileged role is one for all that, and is told
    /// apart.
    pub fn no_persons<'u>(&self, people: &[&'u User]) -> Result<(Vec<&'u User>, Vec<&'u User>), Indeterminate> {
        let is_declared = |user: &&&User| self.declarations.non_person_account(&user.id, self.now()).is_some();
        let declared: Vec<&User> = people.iter().filter(is_declared).copied().collect();
        if declared.is_empty() {
            return Ok((declared, Vec::new()));
        }
        let (admins, _) = self.admins()?;
        let has_power = |user: &&User| admins.iter().any(|admin| admin.id == user.id);
        let (powerful, others) = declared.into_iter().partition(has_power);
        Ok((others, powerful))
    }

    /// Guests with an enabled account.
    pub fn guests(&self) -> Result<Vec<&User>, Indeterminate> {
        let is_guest = |user: &&User| user.is_enabled() && user.is_guest();
        Ok(self.directory()?.users().filter(is_guest).collect())
    }

    /// People who hold an active privileged role, and the applications that do.
    pub fn admins(&self) -> Result<(Vec<&User>, BTreeSet<String>), Indeterminate> {
        self.rests_on(ROLES);
        let directory = self.directory()?;
        let (holders, applications) = directory.privileged(self.snapshot)?;
        let people = directory.users().filter(|user| holders.contains(&user.id)).collect();
        Ok((people, applications))
    }

    /// The devices that Intune manages, each once.
    pub fn devices(&self) -> Result<&[Device], Indeterminate> {
        self.rests_on(&[Resource::ManagedDevices, Resource::DeviceOverview]);
        let devices = self.devices.get_or_init(|| {
            let mut devices: Vec<Device> = self.read(Resource::ManagedDevices)?;
            devices.sort_by(|one, other| one.id.cmp(&other.id));
            devices.dedup_by(|one, other| one.id == other.id);
            match self.enrolled() {
                Some(count) if devices.is_empty() && count > 0 => Err(Indeterminate {
                    resource: Resource::ManagedDevices,
                    gap: Gap::PartialCollection,
                    detail: format!("managed_devices: none were given, and {count} are enrolled"),
                }),
                _ => Ok(devices),
            }
        });
        devices.as_deref().map_err(Clone::clone)
    }

    /// How many devices Intune itself counts.
    pub fn enrolled(&self) -> Option<u64> {
        let overview: Value = self.only(Resource::DeviceOverview).ok()?;
        overview["enrolledDeviceCount"].as_u64()
    }

    /// The declared emergency accounts.
    pub fn emergency(&self) -> BTreeSet<&str> {
        self.declarations.emergency(self.now())
    }

    /// Whether a licence of the tenant has such a service plan.
    pub fn has_plan(&self, wanted: impl Fn(&str) -> bool) -> Result<bool, Indeterminate> {
        let skus: Vec<Sku> = self.read(Resource::Skus)?;
        let active = |sku: &&Sku| {
            !matches!(
                sku.capability_status.as_deref(),
                Some("Suspended" | "Deleted" | "LockedOut")
            )
        };
        let plans = skus.iter().filter(active).flat_map(|sku| sku.service_plans.iter());
        let mut plans = plans.filter(|plan| plan.provisioning_status.as_deref() != Some("Disabled"));
        Ok(plans.any(|plan| wanted(&plan.service_plan_name)))
    }
}
