//! What lies before the judge: the run, the past, the declarations, and what is derived from them once for all checks.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::coverage::Reach;
use super::directory::Directory;
use super::given::{Declarations, Past};
use super::wire::{self, Policy, PolicyState, Registration, Sku, Strength, User};
use crate::evidence::snapshot::{Indeterminate, Resource, Snapshot};

type Lazy<T> = OnceCell<Result<T, Indeterminate>>;

pub(super) struct Bench<'a> {
    pub snapshot: &'a Snapshot,
    pub past: &'a Past,
    pub declarations: &'a Declarations,
    policies: Lazy<Vec<Policy>>,
    directory: Lazy<Directory>,
    registrations: Lazy<Vec<Registration>>,
    reaches: RefCell<HashMap<String, Rc<Reach>>>,
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
            reaches: RefCell::default(),
        }
    }

    /// The moment to which ages are counted.
    pub fn now(&self) -> DateTime<Utc> {
        self.snapshot.taken_at
    }

    /// Every object of a resource.
    pub fn read<T: DeserializeOwned>(&self, resource: Resource) -> Result<Vec<T>, Indeterminate> {
        wire::read(self.snapshot.complete(resource)?)
    }

    /// The only object of a resource that has one.
    pub fn only<T: DeserializeOwned>(&self, resource: Resource) -> Result<T, Indeterminate> {
        let complete = self.snapshot.complete(resource)?;
        wire::read_one(complete, complete.only()?)
    }

    pub fn policies(&self) -> Result<&[Policy], Indeterminate> {
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
        if let Some(reach) = self.reaches.borrow().get(&policy.id) {
            return Ok(Rc::clone(reach));
        }
        let reach = Rc::new(Reach::new(self, policy)?);
        self.reaches.borrow_mut().insert(policy.id.clone(), Rc::clone(&reach));
        Ok(reach)
    }

    pub fn directory(&self) -> Result<&Directory, Indeterminate> {
        self.directory
            .get_or_init(|| Directory::new(self.snapshot))
            .as_ref()
            .map_err(Clone::clone)
    }

    pub fn registrations(&self) -> Result<&[Registration], Indeterminate> {
        let registrations = self.registrations.get_or_init(|| self.read(Resource::Registration));
        registrations.as_deref().map_err(Clone::clone)
    }

    /// People with an enabled account who belong to the tenant, without accounts that are no people.
    pub fn members(&self) -> Result<Vec<&User>, Indeterminate> {
        let non_persons = self.declarations.non_persons(self.now());
        let is_member = |user: &&User| {
            user.is_enabled()
                && matches!(user.user_type.as_deref(), None | Some("Member"))
                && user.is_resource_account != Some(true)
                && !non_persons.contains(user.id.as_str())
        };
        Ok(self.directory()?.users().filter(is_member).collect())
    }

    /// Guests with an enabled account.
    pub fn guests(&self) -> Result<Vec<&User>, Indeterminate> {
        let is_guest = |user: &&User| user.is_enabled() && user.is_guest();
        Ok(self.directory()?.users().filter(is_guest).collect())
    }

    /// People who hold an active privileged role.
    pub fn admins(&self) -> Result<Vec<&User>, Indeterminate> {
        let directory = self.directory()?;
        let holders = directory.privileged(self.snapshot)?;
        Ok(directory.users().filter(|user| holders.contains(&user.id)).collect())
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
