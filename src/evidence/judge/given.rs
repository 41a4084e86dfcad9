//! What a judge needs besides the snapshot: what earlier runs saw, and what people have declared.
//!
//! The danger: history that is not there must not read as "nothing happened". Where a check needs it and has none, it
//! says so.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::snapshot::{Object, Resource};

/// What earlier runs of the company saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// By policy: since when our history has seen it report-only without a break.
    pub report_only_since: BTreeMap<String, DateTime<Utc>>,
    /// By device: since when our history has seen it in its grace period without a break.
    pub in_grace_since: BTreeMap<String, DateTime<Utc>>,
    /// The last run that read the policies whole, and what it read of them. `None` when there is none.
    pub policies: Option<Previous<Object>>,
    /// The last run that read the role assignments whole, and what it read of them. `None` when there is none.
    pub assignments: Option<Previous<Assignment>>,
    /// When each resource was read whole within the period that is judged, in order of time.
    pub complete_readings: BTreeMap<Resource, Vec<DateTime<Utc>>>,
    /// Where that period begins: the connection of the tenant, if that was within it. `None` when nothing is known.
    pub period_from: Option<DateTime<Utc>>,
}

/// What an earlier run read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Previous<T> {
    /// When it was read.
    pub taken_at: DateTime<Utc>,
    /// What it read.
    pub objects: Vec<T>,
}

/// Who holds which role, and over what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assignment {
    /// The holder's id.
    pub principal: String,
    /// The role's definition.
    pub role: String,
    /// `/` for the whole tenant.
    pub scope: String,
}

/// What people have declared about a company. Expired entries may be among them: the judge looks at the dates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declarations {
    /// Exceptions from checks.
    pub exceptions: Vec<Exception>,
    /// Accounts for emergencies, by id.
    pub emergency_accounts: BTreeMap<String, AccountDeclaration>,
    /// Accounts that are no people (shared mailboxes and the like), by id.
    pub non_person_accounts: BTreeMap<String, AccountDeclaration>,
    /// Tickets for changes.
    pub changes: Vec<Change>,
    /// Whether it is declared that the company manages no devices.
    pub manages_no_devices: bool,
}

/// A declared exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The check.
    pub check: String,
    /// The object.
    pub object_id: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// That an account is not what it seems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDeclaration {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// A ticket that explains a change of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The object that was changed.
    pub object_id: String,
    /// When it was changed, as far as the ticket tells.
    pub at: DateTime<Utc>,
    /// The ticket.
    pub reference: String,
}

impl Declarations {
    /// The exception that holds for this object of this check at this moment.
    pub(super) fn exception(&self, check: &str, object_id: &str, at: DateTime<Utc>) -> Option<&Exception> {
        let holds = |exception: &&Exception| {
            exception.check == check && exception.object_id == object_id && exception.expires_at > at
        };
        self.exceptions.iter().find(holds)
    }

    /// The emergency accounts whose declaration holds at this moment.
    pub(super) fn emergency(&self, at: DateTime<Utc>) -> BTreeSet<&str> {
        let accounts = self.emergency_accounts.iter();
        let holding = accounts.filter(|(_, declared)| declared.expires_at > at);
        holding.map(|(id, _)| id.as_str()).collect()
    }

    /// What is declared of an emergency account, if that holds at this moment.
    pub(super) fn emergency_account(&self, id: &str, at: DateTime<Utc>) -> Option<&AccountDeclaration> {
        let declared = self.emergency_accounts.get(id);
        declared.filter(|declared| declared.expires_at > at)
    }

    /// What is declared of an account that is no person, if that holds at this moment.
    pub(super) fn non_person_account(&self, id: &str, at: DateTime<Utc>) -> Option<&AccountDeclaration> {
        let declared = self.non_person_accounts.get(id);
        declared.filter(|declared| declared.expires_at > at)
    }
}

/// What is declared as a verdict shows it: what it is, who answers for it, why, and until when.
fn excuse(declared: &str, owner: &str, reason: &str, expires_at: DateTime<Utc>) -> Value {
    serde_json::json!({"declared": declared, "owner": owner, "reason": reason, "expiresAt": expires_at})
}

impl AccountDeclaration {
    /// As an excuse for an account that is for emergencies.
    pub(super) fn for_emergencies(&self) -> Value {
        excuse("EMERGENCY_ACCOUNT", &self.owner, &self.reason, self.expires_at)
    }

    /// As an excuse for an account that is no person.
    pub(super) fn for_no_person(&self) -> Value {
        excuse("NON_PERSON_ACCOUNT", &self.owner, &self.reason, self.expires_at)
    }
}

/// The exception as a verdict shows it.
impl From<&Exception> for Value {
    fn from(exception: &Exception) -> Self {
        excuse("EXCEPTION", &exception.owner, &exception.reason, exception.expires_at)
    }
}
