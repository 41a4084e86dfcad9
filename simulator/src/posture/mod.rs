//! A tenant's security settings: conditional access, the policies that it has one of, what people
//! registered, Intune's compliance policies, and the audit log of changes to all of them.
//!
//! A change and its line in the audit log are made together here and nowhere else: a log that lacks
//! a change would prove that somebody did what nobody did.

pub mod intune;
pub mod people;
pub mod policy;
pub mod settings;
mod shape;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::{Directory, Kind, Object};
use crate::roles::{BUILT_IN, RoleAssignment};
use crate::world::now;

pub struct Posture {
    /// Seconds since 1970 of the midnight before the tenant was made.
    today: i64,
    policies: Vec<Object>,
    locations: Vec<Value>,
    settings: BTreeMap<&'static str, Object>,
    registrations: HashMap<Uuid, Object>,
    compliance_policies: Vec<Value>,
    /// Oldest first.
    audits: Vec<Value>,
    /// Who is said to have made a change: the tenant's first administrator.
    actor: Value,
}

impl Posture {
    /// A tenant's settings at the start. Only one that was made from a seed and has premium has policies.
    pub fn new(tenant: Uuid, directory: &Directory, roles: &[RoleAssignment], seeded: bool, premium: bool) -> Self {
        let administrator = roles.first().map(|role| role.principal);
        let equipped = seeded && premium && directory.live_count(Kind::Person) > 0;
        let name = administrator
            .and_then(|id| directory.find_live(Kind::Person, id))
            .and_then(|person| directory.text(Kind::Person, person, "userPrincipalName"));
        Self {
            today: now().timestamp().div_euclid(86_400) * 86_400,
            policies: if equipped {
                policy::seeded(tenant, directory, administrator)
            } else {
                Vec::new()
            },
            locations: if equipped {
                policy::locations(tenant)
            } else {
                Vec::new()
            },
            settings: settings::NAMES
                .map(|name| (name, settings::initial(name, premium)))
                .into(),
            registrations: HashMap::new(),
            compliance_policies: if seeded {
                intune::compliance_policies(tenant)
            } else {
                Vec::new()
            },
            audits: Vec::new(),
            actor: json!({"app": null, "user": {"id": administrator, "displayName": null, "userPrincipalName": name, "ipAddress": null}}),
        }
    }

    pub fn policies(&self) -> &[Object] {
        &self.policies
    }

    pub fn policy(&self, id: Uuid) -> Option<&Object> {
        self.policies.iter().find(|policy| is(policy, id))
    }

    pub fn locations(&self) -> &[Value] {
        &self.locations
    }

    pub fn compliance_policies(&self) -> &[Value] {
        &self.compliance_policies
    }

    pub fn setting(&self, name: &str) -> Option<&Object> {
        self.settings.get(name)
    }

    /// The audit log, oldest first.
    pub fn audits(&self) -> &[Value] {
        &self.audits
    }

    /// Adds a conditional access policy, or replaces one and keeps the time it was made. Whether it is new.
    /// Errors: what Graph v1.0 does not have, in words.
    pub fn put_policy(&mut self, id: Uuid, given: Object) -> Result<bool, String> {
        let moment = moment();
        let mut policy = policy::complete(given.clone(), id, &moment)?;
        let name = policy["displayName"].clone();
        let known = self.policies.iter().position(|policy| is(policy, id));
        match known {
            None => self.policies.push(policy.clone()),
            Some(place) => {
                let made = self.policies[place]["createdDateTime"].clone();
                policy
                    .entry("createdDateTime")
                    .and_modify(|when| *when = given.get("createdDateTime").cloned().unwrap_or(made));
                if !given.contains_key("modifiedDateTime") {
                    policy.insert("modifiedDateTime".to_owned(), json!(moment));
                }
                let before = std::mem::replace(&mut self.policies[place], policy.clone());
                let changed = json!([{
                    "displayName": "ConditionalAccessPolicy",
                    "oldValue": Value::Object(before).to_string(), "newValue": Value::Object(policy).to_string(),
                }]);
                let target = target("Policy", &json!(id), &name, changed);
                self.note(CONDITIONAL_ACCESS, "Update conditional access policy", "Update", target);
                return Ok(false);
            }
        }
        let made = json!([{"displayName": "ConditionalAccessPolicy", "oldValue": null, "newValue": Value::Object(policy).to_string()}]);
        self.note(
            CONDITIONAL_ACCESS,
            "Add conditional access policy",
            "Add",
            target("Policy", &json!(id), &name, made),
        );
        Ok(true)
    }

    /// Deletes a conditional access policy. Whether there was one.
    pub fn delete_policy(&mut self, id: Uuid) -> bool {
        let Some(place) = self.policies.iter().position(|policy| is(policy, id)) else {
            return false;
        };
        let gone = self.policies.remove(place);
        let name = gone["displayName"].clone();
        let was = json!([{"displayName": "ConditionalAccessPolicy", "oldValue": Value::Object(gone).to_string(), "newValue": null}]);
        self.note(
            CONDITIONAL_ACCESS,
            "Delete conditional access policy",
            "Delete",
            target("Policy", &json!(id), &name, was),
        );
        true
    }

    /// Changes a setting that the tenant has one of. `None`: there is no such setting. Errors: a name that it does not have.
    pub fn change_setting(&mut self, name: &str, given: Object) -> Option<Result<&Object, String>> {
        let (name, before) = self.settings.get_key_value(name)?;
        let (name, before) = (*name, before.clone());
        let after = match settings::changed(&before, given) {
            Ok(after) => after,
            Err(refusal) => return Some(Err(refusal)),
        };
        if after != before {
            let activity = if name == settings::SECURITY_DEFAULTS {
                "Update security defaults"
            } else {
                "Update policy"
            };
            let changed = json!([{"displayName": name, "oldValue": Value::Object(before).to_string(), "newValue": Value::Object(after.clone()).to_string()}]);
            self.note(
                POLICY,
                activity,
                "Update",
                target(
                    "Policy",
                    &after.get("id").cloned().unwrap_or_default(),
                    &json!(name),
                    changed,
                ),
            );
        }
        self.settings.insert(name, after);
        self.settings.get(name).map(Ok)
    }

    /// Says in the audit log that a role was given or taken.
    pub fn note_role(&mut self, assignment: &RoleAssignment, given: bool) {
        let role = BUILT_IN
            .iter()
            .find(|(role, _, _)| *role == assignment.role)
            .map(|(_, name, _)| *name);
        let (old, new) = if given { (None, role) } else { (role, None) };
        let quoted = |name: Option<&str>| name.map(|name| json!(name).to_string());
        let changed = json!([{"displayName": "Role.DisplayName", "oldValue": quoted(old), "newValue": quoted(new)}]);
        let (activity, operation) = if given {
            ("Add member to role", "Assign")
        } else {
            ("Remove member from role", "Unassign")
        };
        self.note(
            ROLE_MANAGEMENT,
            activity,
            operation,
            target("User", &json!(assignment.principal), &Value::Null, changed),
        );
    }

    fn note(&mut self, (service, category): (&str, &str), activity: &str, operation: &str, target: Value) {
        let (moment, id) = (moment(), Uuid::new_v4());
        self.audits.push(json!({
            "id": format!("Directory_{id}"), "category": category, "correlationId": id, "result": "success", "resultReason": null,
            "activityDisplayName": activity, "activityDateTime": moment, "loggedByService": service, "operationType": operation,
            "initiatedBy": self.actor, "targetResources": [target], "additionalDetails": [],
        }));
    }
}

/// The service that logs a change, and the category of it.
const CONDITIONAL_ACCESS: (&str, &str) = ("Conditional Access", "Policy");
const POLICY: (&str, &str) = ("Core Directory", "Policy");
const ROLE_MANAGEMENT: (&str, &str) = ("Core Directory", "RoleManagement");

fn target(kind: &str, id: &Value, name: &Value, changed: Value) -> Value {
    json!({"id": id, "displayName": name, "type": kind, "userPrincipalName": null, "groupType": null, "modifiedProperties": changed})
}

fn is(policy: &Object, id: Uuid) -> bool {
    policy
        .get("id")
        .and_then(Value::as_str)
        .is_some_and(|its| its == id.to_string())
}

fn moment() -> String {
    now().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
