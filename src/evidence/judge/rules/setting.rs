//! Settings of the whole tenant that one value decides.
//!
//! The danger: a value that is not said is no value. Each of these asks a person then.

use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// What guests may see: of their own alone, or a little of others.
pub(super) const GUEST_ROLES: &[&str] = &[
    "2af84b1e-32c8-42b7-82bc-daa82404023b",
    "10dae51f-b6af-4016-8d66-8c2a99b929b3",
];
/// What guests may see when they are as members are.
const GUESTS_AS_MEMBERS: &str = "a0b1b346-4d3e-4e8b-98f8-753987be4970";
/// For how long a device that is silent may count as compliant.
pub(super) const MAX_DAYS_VALID: i64 = 30;

/// What a value says: `None` if it does not say, or in a word that is not known here.
fn decide(
    bench: &Bench<'_>,
    tally: &mut Tally<'_>,
    resource: Resource,
    pointer: &str,
    meets: impl Fn(&Value) -> Option<bool>,
) -> Result<(), Indeterminate> {
    let settings: Value = bench.only(resource)?;
    let subject = Subject {
        resource,
        id: resource.as_str(),
        name: None,
    };
    tally.population("TENANT", resource, std::iter::once(resource.as_str()));
    let value = settings.pointer(pointer).unwrap_or(&Value::Null);
    let lineage = json!({"setting": pointer.trim_start_matches('/').replace('/', "."), "value": value});
    match meets(value) {
        Some(true) => tally.passed(),
        Some(false) => tally.failed(subject, "the setting is not as it must be", lineage),
        None => tally.review(subject, "the setting is not said in a word that is known here", lineage),
    }
    Ok(())
}

fn one_of(value: &Value, good: &[&str], bad: &[&str]) -> Option<bool> {
    let word = value.as_str()?;
    (good.contains(&word) || bad.contains(&word)).then(|| good.contains(&word))
}

pub(super) fn methods_migrated(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let bad = ["preMigration", "migrationInProgress"];
    decide(
        bench,
        tally,
        Resource::AuthMethodsPolicy,
        "/policyMigrationState",
        |value| one_of(value, &["migrationComplete"], &bad),
    )
}

pub(super) fn app_registration_restricted(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let pointer = "/defaultUserRolePermissions/allowedToCreateApps";
    decide(bench, tally, Resource::AuthzPolicy, pointer, |value| {
        value.as_bool().map(|may| !may)
    })
}

pub(super) fn admin_consent_workflow(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    decide(bench, tally, Resource::AdminConsentPolicy, "", |policy| {
        let has_reviewers = policy["reviewers"]
            .as_array()
            .is_some_and(|reviewers| !reviewers.is_empty());
        policy["isEnabled"].as_bool().map(|on| on && has_reviewers)
    })
}

pub(super) fn invites_restricted(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let bad = ["adminsGuestInvitersAndAllMembers", "everyone"];
    decide(bench, tally, Resource::AuthzPolicy, "/allowInvitesFrom", |value| {
        one_of(value, &["none", "adminsAndGuestInviters"], &bad)
    })
}

pub(super) fn guest_access_restricted(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    decide(bench, tally, Resource::AuthzPolicy, "/guestUserRoleId", |value| {
        one_of(value, GUEST_ROLES, &[GUESTS_AS_MEMBERS])
    })
}

pub(super) fn validity_period(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let pointer = "/settings/deviceComplianceCheckinThresholdDays";
    decide(bench, tally, Resource::DeviceMgmt, pointer, |value| {
        let days = value.as_i64().filter(|days| *days > 0)?;
        Some(days <= MAX_DAYS_VALID)
    })
}
