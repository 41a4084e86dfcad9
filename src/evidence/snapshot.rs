//! What one run read of a tenant: for each resource how it was read, how that ended, and the objects.
//!
//! The danger: a list that ends early looks like a short list. [`Snapshot::complete`] is the only way from here to
//! objects that may be judged, and it refuses every reading that did not see its last page, or fewer objects than another
//! endpoint counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::text_enum::text_enum;

text_enum! {
    /// One thing that is read from a tenant: an endpoint of Graph. The word is what is stored and hashed.
    pub enum Resource {
        /// Conditional access policies.
        CaPolicies = "ca_policies",
        /// Named locations, which policies refer to.
        NamedLocations = "named_locations",
        /// Authentication strength policies, which policies refer to.
        AuthStrengths = "auth_strengths",
        /// Whether security defaults are on. One object.
        SecurityDefaults = "security_defaults",
        /// What users and guests may do. One object.
        AuthzPolicy = "authz_policy",
        /// Which authentication methods are allowed. One object.
        AuthMethodsPolicy = "auth_methods_policy",
        /// The workflow of admin consent. One object.
        AdminConsentPolicy = "admin_consent_policy",
        /// Which authentication methods each person has registered; computed by the service, late.
        Registration = "registration",
        /// People with the state of their accounts.
        Users = "users",
        /// When each person last signed in: `id` and `signInActivity`. Needs a licence that `users` does not.
        UsersSignin = "users_signin",
        /// Groups.
        Groups = "groups",
        /// Who belongs to the groups that something refers to. See [`Object`].
        GroupMembers = "group_members",
        /// Active directory role assignments with their principal.
        RoleAssignments = "role_assignments",
        /// Directory roles.
        RoleDefinitions = "role_definitions",
        /// Licences that the tenant has.
        Skus = "skus",
        /// The tenant itself. One object.
        Organization = "organization",
        /// Entries of the directory's audit log on policies and roles.
        DirectoryAudits = "directory_audits",
        /// Devices that Intune manages.
        ManagedDevices = "managed_devices",
        /// Counts of devices, computed by Intune. One object.
        DeviceOverview = "device_overview",
        /// Settings of Intune. One object.
        DeviceMgmt = "device_mgmt",
        /// Compliance policies with their assignments.
        CompliancePolicies = "compliance_policies",
        /// Counts of devices by state, computed by Intune. One object.
        ComplianceSummary = "compliance_summary",
    }
}

text_enum! {
    /// How a reading ended.
    pub enum Outcome {
        /// The last page was read.
        Complete = "COMPLETE",
        /// Some pages were read, and then no more.
        Partial = "PARTIAL",
        /// The tenant's administrator has not granted the permission.
        PermissionMissing = "PERMISSION_MISSING",
        /// The tenant does not have the licence.
        LicenceMissing = "LICENCE_MISSING",
        /// Microsoft asked us to wait longer than the run may.
        Throttled = "THROTTLED",
        /// Microsoft answered with an error.
        Error = "ERROR",
    }
}

/// One object as Microsoft sent it, without the names that begin with `@odata` except `@odata.type`, by its id.
///
/// An object that has no id of its own (there is one of it) goes by the word of its resource. [`Resource::GroupMembers`]
/// has one object for each group that a policy, a role or an assignment refers to, and for each group found among the
/// members: `{"id": group, "members": [{"id": …, "@odata.type": "#microsoft.graph.user"}, …]}` with the **direct**
/// members, so that the path through nested groups can be told. A group that Microsoft says is not there is
/// `{"id": group, "missing": true}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The id.
    pub id: String,
    /// All of it.
    pub content: Value,
}

/// A number of the same population from another endpoint, read in the same run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The number.
    pub count: u64,
    /// Where it came from, as a request.
    pub source: String,
}

/// What Microsoft said when it gave no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Microsoft's code for it.
    pub code: Option<String>,
    /// A sentence for people.
    pub message: String,
}

/// The reading of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pull {
    /// The exact request: path and query.
    pub request: String,
    /// The permission that it needs.
    pub permission: String,
    /// When the first page was asked for.
    pub started_at: DateTime<Utc>,
    /// When the last answer had come.
    pub finished_at: DateTime<Utc>,
    /// How many pages were read.
    pub pages: u32,
    /// Whether a page without a link to a next one was read.
    pub last_page_reached: bool,
    /// A second number to hold the first against, where there is one.
    pub witness: Option<Witness>,
    /// The ids by which Microsoft finds the requests in its own logs.
    pub request_ids: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so; `None` when it is complete.
    pub refusal: Option<Refusal>,
    /// What came.
    pub objects: Vec<Object>,
}

/// By how many objects two counts may differ: people come and go while a run reads.
pub const TOLERANCE: u64 = 2;
/// And by which part of the whole, in percent.
pub const TOLERANCE_PERCENT: f64 = 0.5;

/// Whether two counts of the same say the same.
#[expect(
    clippy::cast_precision_loss,
    reason = "half a percent of a count needs no more than 52 bits"
)]
pub fn within_tolerance(items: u64, count: u64) -> bool {
    let apart = items.abs_diff(count);
    apart <= TOLERANCE || apart as f64 <= count as f64 * TOLERANCE_PERCENT / 100.0
}

impl Pull {
    /// Whether everything was read: the outcome says so, the last page was seen, and nobody counts more than came.
    pub fn is_complete(&self) -> bool {
        self.outcome == Outcome::Complete && self.last_page_reached && self.shortfall().is_none()
    }

    /// That another endpoint counts more objects than came, as a sentence for people. More than it counts may come: what
    /// is counted apart is counted late.
    fn shortfall(&self) -> Option<String> {
        let (items, witness) = (self.objects.len() as u64, self.witness.as_ref()?);
        let is_short = items < witness.count && !within_tolerance(items, witness.count);
        is_short.then(|| format!("{items} came, and {} gives {}.", witness.source, witness.count))
    }

    /// Holds what was read against a second number. A reading that saw its last page and is short of that number is not
    /// whole.
    pub fn hold_against(&mut self, witness: Witness) {
        self.witness = Some(witness);
        if let Some(message) = self.shortfall().filter(|_| self.outcome == Outcome::Complete) {
            self.outcome = Outcome::Partial;
            self.refusal = Some(Refusal { code: None, message });
        }
    }
}

/// What one run read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the run began to read. Ages are counted to here.
    pub taken_at: DateTime<Utc>,
    /// The permissions in the token, sorted.
    pub granted_roles: Vec<String>,
    /// The readings.
    pub pulls: BTreeMap<Resource, Pull>,
}

text_enum! {
    /// Why something could not be judged.
    pub enum Gap {
        /// The tenant's administrator has not granted the permission.
        PermissionMissing = "PERMISSION_MISSING",
        /// The tenant does not have the licence.
        LicenceMissing = "LICENCE_MISSING",
        /// Not read to the last page, or not read at all.
        PartialCollection = "PARTIAL_COLLECTION",
        /// Microsoft answered with an error.
        EndpointError = "ENDPOINT_ERROR",
        /// Microsoft asked us to wait longer than the run may.
        ThrottledIncomplete = "THROTTLED_INCOMPLETE",
        /// What was read is older than the check accepts.
        StaleSource = "STALE_SOURCE",
        /// Something refers to an object that was not read.
        UnresolvedReference = "UNRESOLVED_REFERENCE",
    }
}

/// We could not look: which reading is missing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indeterminate {
    /// The reading.
    pub resource: Resource,
    /// Why.
    pub gap: Gap,
    /// A sentence for people.
    pub detail: String,
}

/// A reading that saw its last page. Only [`Snapshot::complete`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Complete<'a> {
    pull: &'a Pull,
    resource: Resource,
}

impl Snapshot {
    /// The objects of a resource, or why there is nothing to judge.
    pub fn complete(&self, resource: Resource) -> Result<Complete<'_>, Indeterminate> {
        let missing = |gap, detail: String| Indeterminate { resource, gap, detail };
        let Some(pull) = self.pulls.get(&resource) else {
            return Err(missing(Gap::PartialCollection, format!("{resource} was not read")));
        };
        let gap = match pull.outcome {
            Outcome::Complete if pull.is_complete() => return Ok(Complete { pull, resource }),
            Outcome::Complete | Outcome::Partial => Gap::PartialCollection,
            Outcome::PermissionMissing => Gap::PermissionMissing,
            Outcome::LicenceMissing => Gap::LicenceMissing,
            Outcome::Throttled => Gap::ThrottledIncomplete,
            Outcome::Error => Gap::EndpointError,
        };
        let told = pull.refusal.as_ref().map(|refusal| refusal.message.clone());
        let because = told.or_else(|| pull.shortfall());
        let because = because.unwrap_or_else(|| "the last page was not reached".to_owned());
        Err(missing(gap, format!("{resource}: {because}")))
    }
}

impl<'a> Complete<'a> {
    /// What was read.
    pub fn resource(self) -> Resource {
        self.resource
    }

    /// The objects, in the order in which they came.
    pub fn objects(self) -> &'a [Object] {
        &self.pull.objects
    }

    /// The only object of a resource that has one; indeterminate if it is not there, since such an object always exists.
    pub fn only(self) -> Result<&'a Object, Indeterminate> {
        self.pull.objects.first().ok_or_else(|| Indeterminate {
            resource: self.resource,
            gap: Gap::PartialCollection,
            detail: format!("{} came without its object", self.resource),
        })
    }

    /// How it was read.
    pub fn pull(self) -> &'a Pull {
        self.pull
    }
}
