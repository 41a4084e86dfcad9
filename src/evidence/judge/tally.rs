//! Counting what a check finds, and the verdict that follows from the counts. No check states its own verdict.
//!
//! The danger: an exception that makes somebody vanish. What is excused is counted and listed as excepted, with who
//! answers for it, and stays in the population.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::bench::Bench;
use super::given::AccountDeclaration;
use super::verdict::{Counts, Finding, FindingKind, Population, Status, Verdict};
use super::wire::{Device, Group, Policy, User};
use crate::evidence::catalogue::Check;
use crate::evidence::snapshot::{Indeterminate, Resource};

/// What a check accepts as an excuse. Where exceptions are, so is the declaration that a member is no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excuse {
    /// A declared exception from this check.
    Exception,
    /// Being a declared emergency account.
    Emergency,
    /// Both.
    Either,
    /// None.
    Never,
}

/// An object that something is said of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub resource: Resource,
    pub id: &'a str,
    pub name: Option<&'a str>,
}

impl<'a> From<&'a User> for Subject<'a> {
    fn from(user: &'a User) -> Self {
        let name = user.user_principal_name.as_deref().or(user.display_name.as_deref());
        Self {
            resource: Resource::Users,
            id: &user.id,
            name,
        }
    }
}

impl<'a> From<&'a Policy> for Subject<'a> {
    fn from(policy: &'a Policy) -> Self {
        Self {
            resource: Resource::CaPolicies,
            id: &policy.id,
            name: policy.display_name.as_deref(),
        }
    }
}

impl<'a> From<&'a Group> for Subject<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            resource: Resource::Groups,
            id: &group.id,
            name: group.display_name.as_deref(),
        }
    }
}

impl<'a> From<&'a Device> for Subject<'a> {
    fn from(device: &'a Device) -> Self {
        Self {
            resource: Resource::ManagedDevices,
            id: &device.id,
            name: device.device_name.as_deref(),
        }
    }
}

pub(super) struct Tally<'a> {
    bench: &'a Bench<'a>,
    check: &'a Check,
    excuse: Excuse,
    counts: Counts,
    findings: Vec<Finding>,
    populations: Vec<Population>,
    facts: Map<String, Value>,
    /// Members who are declared to be no people.
    no_persons: BTreeSet<String>,
    parameters: Value,
    ruled: Option<(Status, String)>,
    gap: Option<Indeterminate>,
}

impl<'a> Tally<'a> {
    pub fn new(bench: &'a Bench<'a>, check: &'a Check, excuse: Excuse, parameters: Value) -> Self {
        Self {
            bench,
            check,
            excuse,
            counts: Counts::default(),
            findings: Vec::new(),
            populations: Vec::new(),
            facts: Map::new(),
            no_persons: BTreeSet::new(),
            parameters,
            ruled: None,
            gap: None,
        }
    }

    pub fn passed(&mut self) {
        self.counts.passed += 1;
    }

    /// The object does not meet the rule; it is excused where the check accepts the excuse that there is.
    pub fn failed<'s>(&mut self, subject: impl Into<Subject<'s>>, because: impl Into<String>, lineage: Value) {
        self.say(subject.into(), FindingKind::Failed, because.into(), lineage);
    }

    /// A person has to decide. Whoever has declared an exception has decided.
    pub fn review<'s>(&mut self, subject: impl Into<Subject<'s>>, because: impl Into<String>, lineage: Value) {
        self.say(subject.into(), FindingKind::Review, because.into(), lineage);
    }

    fn say(&mut self, subject: Subject<'_>, kind: FindingKind, because: String, lineage: Value) {
        if let Some(excuse) = self.excuse_of(subject.id) {
            self.counts.excepted += 1;
            let lineage = json!({"excuse": excuse, "otherwise": lineage});
            return self.list(subject, FindingKind::Excepted, because, lineage);
        }
        match kind {
            FindingKind::Failed => self.counts.failed += 1,
            _ => self.counts.review += 1,
        }
        self.list(subject, kind, because, lineage);
    }

    /// This one object could not be looked at.
    pub fn not_evaluated<'s>(&mut self, subject: impl Into<Subject<'s>>, gap: Indeterminate, lineage: Value) {
        self.counts.not_evaluated += 1;
        self.list(subject.into(), FindingKind::NotEvaluated, gap.detail.clone(), lineage);
        self.gap.get_or_insert(gap);
    }

    fn list(&mut self, subject: Subject<'_>, kind: FindingKind, because: String, lineage: Value) {
        self.findings.push(Finding {
            resource: subject.resource,
            object_id: subject.id.to_owned(),
            name: subject.name.map(str::to_owned),
            kind,
            because,
            lineage,
        });
    }

    /// Whether an excuse that the check accepts holds for an object.
    pub fn is_declared(&self, id: &str) -> bool {
        self.excuse_of(id).is_some()
    }

    fn excuse_of(&self, id: &str) -> Option<Value> {
        let (by_exception, by_emergency) = match self.excuse {
            Excuse::Exception => (true, false),
            Excuse::Emergency => (false, true),
            Excuse::Either => (true, true),
            Excuse::Never => (false, false),
        };
        let (declarations, now) = (self.bench.declarations, self.bench.now());
        let exception = declarations.exception(&self.check.id, id, now).filter(|_| by_exception);
        let emergency = declarations.emergency_account(id, now).filter(|_| by_emergency);
        let is_no_person = by_exception && self.no_persons.contains(id);
        let no_person = declarations.non_person_account(id, now).filter(|_| is_no_person);
        exception
            .map(Value::from)
            .or_else(|| emergency.map(AccountDeclaration::for_emergencies))
            .or_else(|| no_person.map(AccountDeclaration::for_no_person))
    }

    /// Says who is judged, and how we know that these are all.
    pub fn population<'s>(&mut self, name: &str, resource: Resource, ids: impl Iterator<Item = &'s str>) {
        let completeness = self.bench.completeness_of(resource);
        self.population_by(name, completeness, ids);
    }

    /// The same where the population is not what one reading gave.
    pub fn population_by<'s>(&mut self, name: &str, completeness: String, ids: impl Iterator<Item = &'s str>) {
        let mut ids: Vec<String> = ids.map(str::to_owned).collect();
        ids.sort_unstable();
        self.populations.push(Population {
            name: name.to_owned(),
            size: ids.len() as u64,
            ids,
            completeness,
        });
    }

    /// MEMBERS are judged.
    pub fn members(&mut self) -> Result<Vec<&'a User>, Indeterminate> {
        self.members_who("MEMBERS", Resource::Users, |_| true)
    }

    /// Those of MEMBERS are judged of whom this holds. Who is declared to be no person is among them, and is excused;
    /// unless the account has power: then it is judged like everybody's.
    pub fn members_who(
        &mut self,
        name: &str,
        resource: Resource,
        holds: impl Fn(&User) -> bool,
    ) -> Result<Vec<&'a User>, Indeterminate> {
        let mut members = self.bench.members()?;
        members.retain(|user| holds(user));
        self.population(name, resource, members.iter().map(|user| user.id.as_str()));
        let (no_persons, powerful) = self.bench.no_persons(&members)?;
        self.fact("nonPersonAccounts", ids_of(&no_persons));
        self.fact("nonPersonAccountsWithPrivilegedRoles", ids_of(&powerful));
        self.fact("resourceAccounts", ids_of(&self.bench.resource_accounts()?));
        self.no_persons = ids_of(&no_persons).into_iter().collect();
        Ok(members)
    }

    /// GUESTS are judged.
    pub fn guests(&mut self) -> Result<Vec<&'a User>, Indeterminate> {
        let guests = self.bench.guests()?;
        self.population("GUESTS", Resource::Users, guests.iter().map(|user| user.id.as_str()));
        Ok(guests)
    }

    /// ADMINS are judged. A disabled account that holds a role is one of them, and is named.
    pub fn admins(&mut self) -> Result<Vec<&'a User>, Indeterminate> {
        let (admins, applications) = self.bench.admins()?;
        let ids = admins.iter().map(|user| user.id.as_str());
        self.population("ADMINS", Resource::RoleAssignments, ids);
        let directory = self.bench.directory()?;
        let roles = admins
            .iter()
            .map(|user| (user.id.clone(), json!(directory.privileged_roles_of(&user.id))));
        self.fact("roles", roles.collect::<Map<_, _>>());
        let disabled: Vec<&User> = admins.iter().copied().filter(|user| !user.is_enabled()).collect();
        self.fact("disabledAccounts", ids_of(&disabled));
        self.fact("applications", applications.into_iter().collect::<Vec<_>>());
        Ok(admins)
    }

    /// DEVICES are judged.
    pub fn devices(&mut self) -> Result<&'a [Device], Indeterminate> {
        let devices = self.bench.devices()?;
        let ids = devices.iter().map(|device| device.id.as_str());
        self.population("DEVICES", Resource::ManagedDevices, ids);
        self.fact("enrolledDeviceCount", self.bench.enrolled());
        Ok(devices)
    }

    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// There is nothing that the rule could be held against.
    pub fn not_applicable(&mut self, reason: impl Into<String>) {
        self.ruled = Some((Status::NotApplicable, reason.into()));
    }

    /// A person has to decide on the whole.
    pub fn needs_review(&mut self, reason: impl Into<String>) {
        self.ruled = Some((Status::NeedsReview, reason.into()));
    }

    /// The verdict. Only objects that were all looked at, and of which there is at least one, make a pass.
    pub fn verdict(mut self, inputs: Vec<Resource>, missing: Option<Indeterminate>) -> Verdict {
        let counts = &mut self.counts;
        counts.population = counts.passed + counts.failed + counts.excepted + counts.review + counts.not_evaluated;
        let gap = missing.or(self.gap);
        let (status, reason) = if let (true, Some(gap)) = (counts.failed == 0, &gap) {
            (Status::Indeterminate, Some(gap.detail.clone()))
        } else if counts.failed > 0 {
            (Status::Fail, None)
        } else if let Some((status, reason)) = self.ruled {
            (status, Some(reason))
        } else if counts.population == 0 {
            let names: Vec<&str> = self
                .populations
                .iter()
                .map(|population| population.name.as_str())
                .collect();
            let reason = format!("there is nothing to judge: {} is empty", names.join(" and "));
            (Status::NotApplicable, Some(reason))
        } else if counts.review > 0 {
            (Status::NeedsReview, None)
        } else {
            (Status::Pass, None)
        };
        Verdict {
            check: self.check.id.clone(),
            version: self.check.version,
            logic_sha256: self.check.logic_sha256.clone(),
            status,
            reason,
            indeterminate: gap.filter(|_| status == Status::Indeterminate),
            counts: self.counts,
            parameters: self.parameters,
            inputs,
            findings: self.findings,
            populations: self.populations,
            facts: Value::Object(self.facts),
        }
    }
}

fn ids_of(users: &[&User]) -> Vec<String> {
    users.iter().map(|user| user.id.clone()).collect()
}

impl Bench<'_> {
    /// The sentence on whether a reading is whole, with the second number where there is one.
    pub fn completeness_of(&self, resource: Resource) -> String {
        let Some(pull) = self.snapshot.pulls.get(&resource) else {
            return format!("{resource} was not read.");
        };
        let read = pull.objects.len();
        let whole = if pull.last_page_reached {
            "to the last page"
        } else {
            "not to the last page"
        };
        let second = pull.witness.as_ref().map_or_else(
            || "No other endpoint counts them.".to_owned(),
            |witness| format!("{} gave {} in the same run.", witness.source, witness.count),
        );
        format!(
            "GET {} gave {read} objects on {} pages, read {whole}. {second}",
            pull.request, pull.pages
        )
    }
}
