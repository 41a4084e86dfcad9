//! A company in good order, and small changes to it.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::super::*;
use crate::evidence::snapshot::{Object, Outcome, Pull, Refusal, Resource, Witness};

pub const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
pub const PERMISSIONS: &[&str] = &[
    "AuditLog.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "User.Read.All",
];

/// The moment of the run.
pub fn now() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

pub fn days_ago(days: i64) -> DateTime<Utc> {
    now() - Duration::days(days)
}

/// What lies before the judge.
pub struct Case {
    pub snapshot: Snapshot,
    pub past: Past,
    pub declared: Declarations,
}

fn pull(resource: Resource) -> Pull {
    Pull {
        request: format!("/v1.0/{resource}"),
        permission: "Policy.Read.All".to_owned(),
        started_at: now(),
        finished_at: now(),
        pages: 1,
        last_page_reached: true,
        witness: None,
        request_ids: vec!["a-request".to_owned()],
        outcome: Outcome::Complete,
        refusal: None,
        objects: Vec::new(),
    }
}

impl Case {
    /// Ada administers, Ben works, Gil is a guest, Eve and Eli are for emergencies; four devices.
    pub fn healthy() -> Self {
        let pulls = Resource::ALL
            .iter()
            .map(|resource| (*resource, pull(*resource)))
            .collect();
        let mut case = Self {
            snapshot: Snapshot {
                taken_at: now(),
                granted_roles: PERMISSIONS.iter().map(|role| (*role).to_owned()).collect(),
                pulls,
            },
            past: Past::default(),
            declared: Declarations::default(),
        };
        case = case.with_people().with_settings().with_policies().with_devices();
        for id in ["eve", "eli"] {
            let declared = account(days_ago(-90));
            case.declared.emergency_accounts.insert(id.to_owned(), declared);
            for check in [
                "entra.user.stale_enabled",
                "entra.ca.user_session_lifetime",
                "entra.ca.unknown_platform_blocked",
                "entra.ca.exclusions_declared",
            ] {
                case = case.declare(check, id, days_ago(-90));
            }
        }
        case = case.declare("entra.ca.exclusions_declared", "safe", days_ago(-90));
        case.past.period_from = Some(now() - Duration::hours(18));
        let readings = [now() - Duration::hours(12), now() - Duration::hours(6)];
        case.past.complete_readings = Resource::ALL
            .iter()
            .map(|resource| (*resource, readings.to_vec()))
            .collect();
        case.remembers().counted()
    }

    fn with_people(self) -> Self {
        let person = |case: Self, id: &str| {
            let name = format!("{id}@example.com");
            let updated = now() - Duration::hours(20);
            let last = days_ago(if id.starts_with('e') { 100 } else { 2 });
            case.put(
                Resource::Users,
                json!({"id": id, "userPrincipalName": name, "accountEnabled": true, "userType": "Member",
                    "createdDateTime": "2024-01-01T00:00:00Z", "onPremisesSyncEnabled": null, "assignedLicenses": []}),
            )
            .put(
                Resource::Registration,
                json!({"id": id, "isAdmin": id != "ben", "isMfaCapable": true, "isMfaRegistered": true, "lastUpdatedDateTime": updated,
                    "methodsRegistered": ["fido2SecurityKey", "mobilePhone"]}),
            )
            .put(
                Resource::UsersSignin,
                json!({"id": id, "signInActivity": {"lastSuccessfulSignInDateTime": last}}),
            )
        };
        let mut case = ["ada", "ben", "gil", "eve", "eli"].into_iter().fold(self, person);
        case = case
            .change(
                Resource::Users,
                "gil",
                json!({"userType": "Guest", "userPrincipalName": "gil_x#EXT#@example.com"}),
            )
            .put(Resource::Groups, json!({"id": "safe", "isAssignableToRole": true}))
            .group("safe", &["eve", "eli"])
            .put(
                Resource::RoleDefinitions,
                json!({"id": GLOBAL_ADMINISTRATOR, "templateId": GLOBAL_ADMINISTRATOR, "isBuiltIn": true,
                    "displayName": "Global Administrator"}),
            );
        ["ada", "eve", "eli"]
            .into_iter()
            .fold(case, |case, id| case.role(id, GLOBAL_ADMINISTRATOR))
    }

    fn with_settings(self) -> Self {
        let plans = ["AAD_PREMIUM", "AAD_PREMIUM_P2", "INTUNE_A"];
        let plans = plans.map(|plan| json!({"servicePlanName": plan, "provisioningStatus": "Success"}));
        let mut methods = ["Sms", "Voice", "Email"]
            .map(|id| json!({"id": id, "state": "disabled"}))
            .to_vec();
        methods.push(authenticator());
        self.put(Resource::SecurityDefaults, json!({"id": "security_defaults", "isEnabled": false}))
            .put(
                Resource::AuthzPolicy,
                json!({"id": "authorizationPolicy", "allowInvitesFrom": "adminsAndGuestInviters",
                    "guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b",
                    "defaultUserRolePermissions": {"allowedToCreateApps": false, "permissionGrantPoliciesAssigned":
                        ["ManagePermissionGrantsForOwnedResource.microsoft-dynamically-managed-permissions-for-team"]}}),
            )
            .put(
                Resource::AuthMethodsPolicy,
                json!({"id": "authenticationMethodsPolicy", "policyMigrationState": "migrationComplete",
                    "authenticationMethodConfigurations": methods}),
            )
            .put(Resource::AdminConsentPolicy, json!({"id": "admin_consent_policy", "isEnabled": true, "reviewers": [{"query": "/users/ada"}]}))
            .put(Resource::Skus, json!({"id": "sku", "skuId": "sku", "capabilityStatus": "Enabled", "servicePlans": plans}))
            .put(Resource::Organization, json!({"id": "tenant"}))
            .put(
                Resource::DeviceMgmt,
                json!({"id": "device_mgmt", "settings": {"secureByDefault": true, "deviceComplianceCheckinThresholdDays": 30}}),
            )
            .put(Resource::ComplianceSummary, json!({"id": "compliance_summary"}))
    }

    fn with_policies(self) -> Self {
        let strength = json!({"id": "strong", "requirementsSatisfied": "mfa", "allowedCombinations": ["fido2"]});
        self.put(Resource::AuthStrengths, strength.clone())
            .policy("mfa", json!({}))
            .policy(
                "resist",
                json!({"conditions": {"users": {"includeUsers": [], "includeRoles": [GLOBAL_ADMINISTRATOR]}},
                    "grantControls": {"builtInControls": [], "authenticationStrength": strength}}),
            )
            .policy("device", json!({"grantControls": {"builtInControls": ["compliantDevice"]}}))
            .policy(
                "session",
                json!({"grantControls": null, "sessionControls": {
                    "signInFrequency": {"isEnabled": true, "frequencyInterval": "timeBased", "type": "hours", "value": 4},
                    "persistentBrowser": {"isEnabled": true, "mode": "never"}}}),
            )
            .policy(
                "platform",
                json!({"conditions": {"platforms": {"includePlatforms": ["all"],
                    "excludePlatforms": ["linux", "macOS", "windows", "iOS", "android"]}}, "grantControls": block()}),
            )
            .policy("legacy", json!({"conditions": {"clientAppTypes": ["exchangeActiveSync", "other"]}, "grantControls": block()}))
            .policy("flow", json!({"conditions": {"authenticationFlows": {"transferMethods": "deviceCodeFlow,authenticationTransfer"}}, "grantControls": block()}))
            .policy("sign-in", json!({"conditions": {"signInRiskLevels": ["high", "medium"]}, "grantControls": block()}))
            .policy("risky", json!({"conditions": {"userRiskLevels": ["high"]}, "grantControls": block()}))
            .policy(
                "join",
                json!({"conditions": {"applications": {"includeApplications": [],
                    "includeUserActions": ["urn:user:registerdevice"]}}}),
            )
            .policy(
                "register",
                json!({"conditions": {"applications": {"includeApplications": [],
                    "includeUserActions": ["urn:user:registersecurityinfo"]}},
                    "grantControls": {"builtInControls": ["compliantDevice"]}}),
            )
    }

    fn with_devices(self) -> Self {
        let device = |case: Self, (id, os, version): (&str, &str, &str)| {
            case.put(
                Resource::ManagedDevices,
                json!({"id": id, "deviceName": id, "userId": "ben", "operatingSystem": os, "osVersion": version,
                    "complianceState": "compliant", "isEncrypted": true, "jailBroken": "False", "model": "X",
                    "partnerReportedThreatState": "secured", "managedDeviceOwnerType": "company",
                    "androidSecurityPatchLevel": "2026-01-05", "managementCertificateExpirationDate": days_ago(-200), "enrolledDateTime": days_ago(200),
                    "lastSyncDateTime": days_ago(1), "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z"}),
            )
        };
        let all = json!([{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]);
        let asks = |case: Self, (kind, settings): (&str, Value)| {
            let mut policy = json!({"id": kind, "@odata.type": format!("#microsoft.graph.{kind}"), "assignments": all,
                "scheduledActionsForRule": [{"scheduledActionConfigurations": [{"actionType": "block", "gracePeriodHours": 24}]}]});
            merge(&mut policy, settings);
            case.put(Resource::CompliancePolicies, policy)
        };
        let devices = [
            ("win", "Windows", "10.0.26100.4000"),
            ("mac", "macOS", "15.1"),
            ("phone", "iOS", "18.1"),
            ("droid", "Android", "15"),
        ];
        let policies = [
            (
                "windows10CompliancePolicy",
                json!({"bitLockerEnabled": true, "passwordRequired": true, "osMinimumVersion": "10.0.26100.0"}),
            ),
            (
                "macOSCompliancePolicy",
                json!({"storageRequireEncryption": true, "passwordRequired": true, "osMinimumVersion": "15.0"}),
            ),
            (
                "iosCompliancePolicy",
                json!({"securityBlockJailbrokenDevices": true, "passcodeRequired": true, "osMinimumVersion": "18.0"}),
            ),
            (
                "androidCompliancePolicy",
                json!({"storageRequireEncryption": true, "securityBlockJailbrokenDevices": true, "passwordRequired": true, "osMinimumVersion": "15"}),
            ),
            (
                "androidWorkProfileCompliancePolicy",
                json!({"storageRequireEncryption": true, "securityBlockJailbrokenDevices": true, "passwordRequired": true, "osMinimumVersion": "15"}),
            ),
        ];
        let case = devices.into_iter().fold(self, device);
        policies.into_iter().fold(case, asks).put(
            Resource::DeviceOverview,
            json!({"id": "device_overview", "enrolledDeviceCount": 4}),
        )
    }

    /// A policy for everybody but the accounts for emergencies, on everything, that asks for a second factor; changed.
    pub fn policy(self, id: &str, change: Value) -> Self {
        let mut policy = json!({
            "id": id, "displayName": id, "state": "enabled", "createdDateTime": days_ago(400), "modifiedDateTime": days_ago(300),
            "conditions": {
                "users": {"includeUsers": ["All"], "excludeGroups": ["safe"]},
                "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"],
            },
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        });
        merge(&mut policy, change);
        self.put(Resource::CaPolicies, policy)
    }

    /// A policy in a state that we do not know.
    pub fn in_new_state(self, policy: &str) -> Self {
        self.change(Resource::CaPolicies, policy, json!({"state": "enabledOnSundays"}))
    }

    pub fn report_only(self, policy: &str) -> Self {
        let state = "enabledForReportingButNotEnforced";
        self.change(Resource::CaPolicies, policy, json!({"state": state}))
    }

    pub fn conditions(self, policy: &str, conditions: &Value) -> Self {
        self.change(Resource::CaPolicies, policy, json!({"conditions": conditions}))
    }

    pub fn grant(self, policy: &str, grant: &Value) -> Self {
        self.change(Resource::CaPolicies, policy, json!({"grantControls": grant}))
    }

    pub fn role(self, principal: &str, role: &str) -> Self {
        self.put(
            Resource::RoleAssignments,
            json!({"id": format!("{principal}-{role}"), "principalId": principal, "roleDefinitionId": role,
                "directoryScopeId": "/", "principal": {"@odata.type": "#microsoft.graph.user", "id": principal}}),
        )
    }

    /// A group; a member whose name ends in `-group` is one.
    pub fn group(self, id: &str, members: &[&str]) -> Self {
        let member = |id: &&str| {
            let kind = if id.ends_with("-group") { "group" } else { "user" };
            json!({"id": id, "@odata.type": format!("#microsoft.graph.{kind}")})
        };
        let members: Vec<Value> = members.iter().map(member).collect();
        self.put(Resource::GroupMembers, json!({"id": id, "members": members}))
    }

    /// Adds an object, or puts it in the place of the one with its id.
    pub fn put(mut self, resource: Resource, content: Value) -> Self {
        let id = content["id"].as_str().expect("an object has an id").to_owned();
        let objects = &mut self.pull(resource).objects;
        objects.retain(|object| object.id != id);
        objects.push(Object { id, content });
        self.recounted(resource)
    }

    pub fn change(mut self, resource: Resource, id: &str, change: Value) -> Self {
        let objects = &mut self.pull(resource).objects;
        let object = objects.iter_mut().find(|object| object.id == id);
        merge(&mut object.expect("what is changed is there").content, change);
        self
    }

    pub fn change_all(mut self, resource: Resource, change: &Value) -> Self {
        for object in &mut self.pull(resource).objects {
            merge(&mut object.content, change.clone());
        }
        self
    }

    pub fn drop(mut self, resource: Resource, id: &str) -> Self {
        let objects = &mut self.pull(resource).objects;
        let before = objects.len();
        objects.retain(|object| object.id != id);
        assert_eq!(objects.len() + 1, before, "{id} is there");
        self.recounted(resource)
    }

    pub fn none_of(mut self, resource: Resource) -> Self {
        self.pull(resource).objects.clear();
        self.recounted(resource)
    }

    /// Whoever counts, counts what is there.
    fn recounted(mut self, resource: Resource) -> Self {
        let pull = self.pull(resource);
        if let Some(witness) = &mut pull.witness {
            witness.count = pull.objects.len() as u64;
        }
        self
    }

    /// A reading that ended otherwise.
    pub fn ended(mut self, resource: Resource, outcome: Outcome) -> Self {
        let pull = self.pull(resource);
        pull.outcome = outcome;
        pull.last_page_reached = false;
        pull.refusal = Some(Refusal {
            code: Some("code".to_owned()),
            message: format!("it ended as {outcome}"),
        });
        self
    }

    /// Without the licences that have these plans.
    pub fn without_plan(self, plan: &str) -> Self {
        let mut plans = vec!["AAD_PREMIUM", "AAD_PREMIUM_P2", "INTUNE_A"];
        plans.retain(|known| !known.starts_with(plan));
        let plans: Vec<Value> = plans.iter().map(|plan| json!({"servicePlanName": plan})).collect();
        self.change(Resource::Skus, "sku", json!({"servicePlans": plans}))
    }

    pub fn without_devices(self) -> Self {
        self.none_of(Resource::ManagedDevices).change(
            Resource::DeviceOverview,
            "device_overview",
            json!({"enrolledDeviceCount": 0}),
        )
    }

    pub fn declare(mut self, check: &str, object_id: &str, expires_at: DateTime<Utc>) -> Self {
        self.declared.exceptions.push(Exception {
            check: check.to_owned(),
            object_id: object_id.to_owned(),
            owner: "Olga".to_owned(),
            reason: "agreed".to_owned(),
            expires_at,
        });
        self
    }

    /// The run before saw what is there now.
    pub fn remembers(mut self) -> Self {
        let taken_at = now() - Duration::hours(6);
        let objects = self.pull(Resource::CaPolicies).objects.clone();
        self.past.policies = Some(Previous { taken_at, objects });
        let assignment = |object: &Object| Assignment {
            principal: object.content["principalId"].as_str().unwrap().to_owned(),
            role: object.content["roleDefinitionId"].as_str().unwrap().to_owned(),
            scope: object.content["directoryScopeId"].as_str().unwrap().to_owned(),
        };
        let objects = self
            .pull(Resource::RoleAssignments)
            .objects
            .iter()
            .map(assignment)
            .collect();
        self.past.assignments = Some(Previous { taken_at, objects });
        self
    }

    /// Another endpoint counts what was read.
    pub fn counted(mut self) -> Self {
        for pull in self.snapshot.pulls.values_mut() {
            pull.witness = Some(Witness {
                count: pull.objects.len() as u64,
                source: "$count".to_owned(),
            });
        }
        self
    }

    /// Somebody changed an object an hour ago, as the audit log tells.
    pub fn audited(self, target: &str, activity: &str) -> Self {
        self.put(
            Resource::DirectoryAudits,
            json!({"id": format!("entry-{target}"), "activityDateTime": now() - Duration::hours(1),
                "activityDisplayName": activity, "initiatedBy": {"user": {"id": "ada"}}, "targetResources": [{"id": target}]}),
        )
    }

    pub fn ticket(mut self, object_id: &str, at: DateTime<Utc>) -> Self {
        self.declared.changes.push(Change {
            object_id: object_id.to_owned(),
            at,
            reference: "T-1".to_owned(),
        });
        self
    }

    pub fn pull(&mut self, resource: Resource) -> &mut Pull {
        self.snapshot
            .pulls
            .get_mut(&resource)
            .expect("the fixture has every reading")
    }

    pub fn verdicts(&self) -> Vec<Verdict> {
        judge(&self.snapshot, &self.past, &self.declared)
    }

    pub fn verdict(&self, check: &str) -> Verdict {
        let mut verdicts = self.verdicts().into_iter();
        verdicts
            .find(|verdict| verdict.check == check)
            .unwrap_or_else(|| panic!("{check} is judged"))
    }
}

/// What is declared of an account.
pub fn account(expires_at: DateTime<Utc>) -> AccountDeclaration {
    AccountDeclaration {
        owner: "Olga".to_owned(),
        reason: "agreed".to_owned(),
        expires_at,
    }
}

pub fn block() -> Value {
    json!({"operator": "OR", "builtInControls": ["block"]})
}

/// The Microsoft Authenticator, which shows everybody what they approve.
pub fn authenticator() -> Value {
    let everybody = json!({"targetType": "group", "id": "all_users"});
    let nobody = json!({"targetType": "group", "id": "00000000-0000-0000-0000-000000000000"});
    let shown = json!({"state": "enabled", "includeTarget": everybody, "excludeTarget": nobody});
    json!({"id": "MicrosoftAuthenticator", "state": "enabled", "featureSettings": {
        "displayAppInformationRequiredState": shown, "displayLocationInformationRequiredState": shown}})
}

/// RFC 7396: objects are merged, all else is put in place.
pub fn merge(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (name, value) in change {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
        (target, change) => *target = change,
    }
}

impl Verdict {
    /// The ids of the findings of a kind.
    pub fn ids(&self, kind: FindingKind) -> Vec<&str> {
        let found = self.findings.iter().filter(|finding| finding.kind == kind);
        found.map(|finding| finding.object_id.as_str()).collect()
    }

    pub fn failed(&self) -> Vec<&str> {
        self.ids(FindingKind::Failed)
    }
}
