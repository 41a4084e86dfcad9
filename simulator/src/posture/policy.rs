//! Conditional access: policies in the shape that Graph gives them, named locations, authentication
//! strengths, and what a seeded tenant starts out with.

use serde_json::{Value, json};
use uuid::Uuid;

use super::shape::overlay;
use crate::directory::{Directory, Kind, Object};
use crate::roles::BUILT_IN;

const STATES: [&str; 3] = ["enabled", "disabled", "enabledForReportingButNotEnforced"];

/// A policy with every property that Graph shows of it.
///
/// `when` becomes its times unless they are given. Errors: a name that Graph v1.0 does not have, a
/// policy without a name or a known state, an authentication strength that does not exist.
pub fn complete(given: Object, id: Uuid, when: &str) -> Result<Object, String> {
    let mut laid = overlay(&shape(id, when), Value::Object(given.clone()), "")?;
    for (name, shape) in [
        ("grantControls", grant_controls()),
        ("sessionControls", session_controls()),
    ] {
        laid[name] = match given.get(name) {
            Some(controls) if !controls.is_null() => overlay(&shape, controls.clone(), name)?,
            _ => Value::Null,
        };
    }
    laid["id"] = json!(id);
    if laid["displayName"].as_str().is_none_or(str::is_empty) {
        return Err("a policy has a displayName".to_owned());
    }
    if !laid["state"].as_str().is_some_and(|state| STATES.contains(&state)) {
        return Err(format!("the state is one of {}", STATES.join(", ")));
    }
    let strength = laid["grantControls"]["authenticationStrength"]["id"].as_str();
    if let Some(wanted) = strength {
        let known = strengths().into_iter().find(|strength| strength["id"] == wanted);
        laid["grantControls"]["authenticationStrength"] =
            known.ok_or_else(|| format!("there is no authentication strength '{wanted}'"))?;
    }
    match laid {
        Value::Object(policy) => Ok(policy),
        _ => unreachable!("an object laid over an object is an object"),
    }
}

fn shape(id: Uuid, when: &str) -> Value {
    json!({
        "id": id, "templateId": null, "displayName": null, "createdDateTime": when, "modifiedDateTime": null, "state": null,
        "deletedDateTime": null, "grantControls": null, "sessionControls": null,
        "conditions": {
            "userRiskLevels": [], "signInRiskLevels": [], "clientAppTypes": ["all"], "platforms": null, "locations": null,
            "servicePrincipalRiskLevels": [], "insiderRiskLevels": null, "devices": null, "clientApplications": null,
            "authenticationFlows": null,
            "applications": {
                "includeApplications": [], "excludeApplications": [], "includeUserActions": [],
                "includeAuthenticationContextClassReferences": [], "applicationFilter": null,
            },
            "users": {
                "includeUsers": [], "excludeUsers": [], "includeGroups": [], "excludeGroups": [], "includeRoles": [], "excludeRoles": [],
                "includeGuestsOrExternalUsers": null, "excludeGuestsOrExternalUsers": null,
            },
        },
    })
}

fn grant_controls() -> Value {
    json!({
        "operator": "OR", "builtInControls": [], "customAuthenticationFactors": [], "termsOfUse": [], "authenticationStrength": null,
    })
}

fn session_controls() -> Value {
    json!({
        "disableResilienceDefaults": null, "applicationEnforcedRestrictions": null, "cloudAppSecurity": null,
        "persistentBrowser": null, "signInFrequency": null, "secureSignInSession": null,
    })
}

/// What a policy may be given, as JSON Schema: any of the properties that it has.
pub fn described() -> Value {
    fn schema(shape: &Value) -> Value {
        let Value::Object(shape) = shape else {
            return json!({});
        };
        let properties: Object = shape
            .iter()
            .map(|(name, below)| (name.clone(), schema(below)))
            .collect();
        json!({"type": ["object", "null"], "properties": properties})
    }
    let mut whole = shape(Uuid::nil(), "");
    whole["grantControls"] = grant_controls();
    whole["sessionControls"] = session_controls();
    let mut described = schema(&whole);
    described["type"] = json!("object");
    described["required"] = json!(["displayName", "state"]);
    described
}

/// The policies of a seeded tenant: what a provider usually sets up, with the gaps that are usual too.
pub fn seeded(tenant: Uuid, directory: &Directory, administrator: Option<Uuid>) -> Vec<Object> {
    let exempt: Vec<Uuid> = directory
        .live_from(Kind::Group, 0)
        .filter(|group| directory.live_members(*group).take(6).count() < 6)
        .take(1)
        .map(|group| directory.id(Kind::Group, group))
        .collect();
    let roles: Vec<Uuid> = BUILT_IN.iter().map(|(role, _, _)| *role).take(11).collect();
    let everybody = json!({"includeUsers": ["All"], "excludeUsers": administrator.into_iter().collect::<Vec<_>>()});
    let some = json!({"includeUsers": ["All"], "excludeGroups": exempt});
    let admins = json!({"includeRoles": roles});
    let all = json!({"includeApplications": ["All"]});
    let policies = [
        (
            "Require multifactor authentication for everybody",
            "enabled",
            json!({"users": some, "applications": all}),
            json!({"builtInControls": ["mfa"]}),
            Value::Null,
        ),
        (
            "Block legacy authentication",
            "enabled",
            json!({"users": everybody, "applications": all, "clientAppTypes": ["exchangeActiveSync", "other"]}),
            json!({"builtInControls": ["block"]}),
            Value::Null,
        ),
        (
            "Require phishing-resistant authentication for administrators",
            "enabled",
            json!({"users": admins, "applications": all}),
            json!({"authenticationStrength": {"id": PHISHING_RESISTANT}}),
            json!({"signInFrequency": {"isEnabled": true, "type": "hours", "value": 4, "authenticationType": "primaryAndSecondaryAuthentication", "frequencyInterval": "timeBased"},
                "persistentBrowser": {"isEnabled": true, "mode": "never"}}),
        ),
        (
            "Block device code flow",
            "enabled",
            json!({"users": everybody, "applications": all, "authenticationFlows": {"transferMethods": "deviceCodeFlow"}}),
            json!({"builtInControls": ["block"]}),
            Value::Null,
        ),
        (
            "Require a compliant device",
            "enabledForReportingButNotEnforced",
            json!({"users": everybody, "applications": {"includeApplications": ["Office365"]}}),
            json!({"builtInControls": ["compliantDevice", "domainJoinedDevice"]}),
            Value::Null,
        ),
        (
            "Require multifactor authentication for guests",
            "disabled",
            json!({"users": {"includeGuestsOrExternalUsers": {
                "guestOrExternalUserTypes": "internalGuest,b2bCollaborationGuest,b2bCollaborationMember,b2bDirectConnectUser,otherExternalUser,serviceProvider",
                "externalTenants": {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all"}}},
                "applications": all}),
            json!({"builtInControls": ["mfa"]}),
            Value::Null,
        ),
    ];
    let policies = policies.into_iter().enumerate();
    policies
        .map(|(number, (name, state, conditions, grant, session))| {
            let id = Uuid::new_v5(&tenant, name.as_bytes());
            let when = format!("2025-03-{:02}T09:12:00Z", number + 3);
            let given = json!({"displayName": name, "state": state, "conditions": conditions, "grantControls": grant, "sessionControls": session});
            let Value::Object(given) = given else {
                unreachable!("a policy is an object")
            };
            complete(given, id, &when).expect("the policies that a tenant starts out with are well formed")
        })
        .collect()
}

const PHISHING_RESISTANT: &str = "00000000-0000-0000-0000-000000000004";

/// Two named locations: an office, and the countries where people are.
pub fn locations(tenant: Uuid) -> Vec<Value> {
    let id = |name: &str| Uuid::new_v5(&tenant, name.as_bytes());
    vec![
        json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id("head office"), "displayName": "Head office", "isTrusted": true,
            "createdDateTime": "2025-03-03T09:00:00Z", "modifiedDateTime": "2025-03-03T09:00:00Z", "deletedDateTime": null,
            "ipRanges": [
                {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"},
                {"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8:7::/48"},
            ],
        }),
        json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation", "id": id("countries"), "displayName": "Where people are",
            "createdDateTime": "2025-03-03T09:05:00Z", "modifiedDateTime": "2025-03-03T09:05:00Z", "deletedDateTime": null,
            "countriesAndRegions": ["US", "CA"], "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress",
        }),
    ]
}

/// The authentication strengths that are built in.
pub fn strengths() -> Vec<Value> {
    let resistant = ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"];
    let passwordless = [&resistant[..], &["deviceBasedPush"]].concat();
    let any = [
        &passwordless[..],
        &[
            "temporaryAccessPassOneTime",
            "temporaryAccessPassMultiUse",
            "password,microsoftAuthenticatorPush",
            "password,softwareOath",
            "password,hardwareOath",
            "password,sms",
            "password,voice",
            "federatedMultiFactor",
            "microsoftAuthenticatorPush,federatedSingleFactor",
            "softwareOath,federatedSingleFactor",
            "hardwareOath,federatedSingleFactor",
            "sms,federatedSingleFactor",
            "voice,federatedSingleFactor",
        ],
    ]
    .concat();
    let strength = |id: &str, name: &str, description: &str, combinations: &[&str]| {
        json!({
            "id": id, "createdDateTime": "2021-12-01T00:00:00Z", "modifiedDateTime": "2021-12-01T00:00:00Z", "displayName": name,
            "description": description, "policyType": "builtIn", "requirementsSatisfied": "mfa", "allowedCombinations": combinations,
            "combinationConfigurations": [],
        })
    };
    vec![
        strength(
            "00000000-0000-0000-0000-000000000002",
            "Multifactor authentication",
            "Any combination that is two factors",
            &any,
        ),
        strength(
            "00000000-0000-0000-0000-000000000003",
            "Passwordless MFA",
            "Two factors without a password",
            &passwordless,
        ),
        strength(
            PHISHING_RESISTANT,
            "Phishing-resistant MFA",
            "Two factors that cannot be relayed",
            &resistant,
        ),
    ]
}
