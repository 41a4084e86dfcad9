//! What evidence is read from: conditional access and its like, reports on people, roles, Intune's policies.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{CLIENT, World, id};

const POLICIES: &str = "identity/conditionalAccess/policies";
const REGISTRATIONS: &str = "reports/authenticationMethods/userRegistrationDetails";
const ROLES: &str = "roleManagement/directory/roleAssignments";
const AUDITS: &str = "auditLogs/directoryAudits";
const SECURITY_DEFAULTS: &str = "policies/identitySecurityDefaultsEnforcementPolicy";
const SIGN_INS: &str = "users?$select=id,signInActivity";

fn block_everybody() -> Value {
    json!({
        "displayName": "Block", "state": "enabled", "grantControls": {"builtInControls": ["block"]},
        "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
    })
}

async fn set(world: &World, settings: Value) {
    let path = format!("tenants/{}", world.tenant.id);
    assert_eq!(world.control_at(Method::PATCH, &path, settings).await.status, 200);
}

async fn allow(world: &mut World, permissions: &[&str]) {
    let consent = json!({"permissions": permissions});
    world.control(Method::PUT, &format!("consents/{CLIENT}"), consent).await;
    world.renew_token().await;
}

#[tokio::test]
async fn a_policy_is_added_changed_and_deleted_and_the_audit_log_says_each() {
    let world = World::with_people(30).await;
    let path = format!("policies/{}", Uuid::new_v4());
    let put = |policy: Value| world.control(Method::PUT, &path, policy);
    let made = put(block_everybody()).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["conditions"]["clientAppTypes"], json!(["all"]));
    let mut weaker = block_everybody();
    weaker["state"] = json!("enabledForReportingButNotEnforced");
    assert_eq!(put(weaker).await.status, 200);
    let shown = world.graph(&format!("{POLICIES}/{}", id(&made.json()))).await.json();
    assert_eq!(shown["state"], "enabledForReportingButNotEnforced");
    assert_eq!(shown["createdDateTime"], made.json()["createdDateTime"]);
    assert!(shown["modifiedDateTime"].is_string());
    assert_eq!(world.control(Method::DELETE, &path, Value::Null).await.status, 204);
    assert!(!world.graph(POLICIES).await.text.contains(&id(&made.json())));
    let log = world
        .graph(&format!("{AUDITS}?$filter=loggedByService eq 'Conditional Access'"))
        .await;
    let said: Vec<Value> = log
        .items()
        .iter()
        .map(|line| line["activityDisplayName"].clone())
        .collect();
    assert_eq!(
        said,
        [
            "Delete conditional access policy",
            "Update conditional access policy",
            "Add conditional access policy"
        ]
    );
    assert!(
        log.items()
            .iter()
            .all(|line| line["targetResources"][0]["id"] == made.json()["id"])
    );
}

#[tokio::test]
async fn a_policy_that_graph_could_not_show_is_refused() {
    let world = World::with_people(5).await;
    let mut misspelt = block_everybody();
    misspelt["conditions"]["users"]["includeUser"] = json!(["All"]);
    let mut unknown = block_everybody();
    unknown["state"] = json!("on");
    let mut weak = block_everybody();
    weak["grantControls"] = json!({"authenticationStrength": {"id": "nonsense"}});
    for policy in [misspelt, unknown, weak, json!({"state": "enabled"})] {
        let reply = world.control(Method::POST, "policies", policy).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "badInput"));
    }
    let reply = world
        .control(
            Method::PATCH,
            "settings/authorizationPolicy",
            json!({"allowInvites": "none"}),
        )
        .await;
    assert_eq!(reply.status, 400);
    let reply = world.control(Method::PATCH, "settings/nonsense", json!({})).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn settings_that_a_tenant_has_one_of_are_changed_by_name() {
    let world = World::with_people(5).await;
    assert_eq!(world.graph(SECURITY_DEFAULTS).await.json()["isEnabled"], false);
    let changes = [
        ("identitySecurityDefaultsEnforcementPolicy", json!({"isEnabled": true})),
        (
            "authorizationPolicy",
            json!({"defaultUserRolePermissions": {"allowedToCreateApps": false}}),
        ),
        ("adminConsentRequestPolicy", json!({"isEnabled": true})),
        ("deviceManagementSettings", json!({"secureByDefault": true})),
    ];
    for (name, change) in changes {
        let reply = world.control(Method::PATCH, &format!("settings/{name}"), change).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text);
    }
    assert_eq!(world.graph(SECURITY_DEFAULTS).await.json()["isEnabled"], true);
    let rights = world.graph("policies/authorizationPolicy").await.json()["defaultUserRolePermissions"].clone();
    assert_eq!(
        (&rights["allowedToCreateApps"], &rights["allowedToReadOtherUsers"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        world.graph("policies/adminConsentRequestPolicy").await.json()["isEnabled"],
        true
    );
    let root = world.graph("deviceManagement?$select=settings").await.json();
    assert_eq!(root["settings"]["secureByDefault"], true);
    assert!(root.get("subscriptionState").is_none());
}

#[tokio::test]
async fn everybody_has_one_registration_and_what_they_may_not_use_does_not_count() {
    let world = World::with_people(250).await;
    let (rows, _) = world.whole(REGISTRATIONS).await;
    let people = world.people().await;
    assert_eq!(rows.len(), 250);
    assert!(people.iter().zip(&rows).all(|(person, row)| person["id"] == row["id"]));
    assert_eq!(rows[0]["isAdmin"], true);
    let count = |name: &str| rows.iter().filter(|row| row[name] == true).count();
    assert!(count("isMfaRegistered") > count("isMfaCapable") && count("isMfaCapable") > 150);
    let capable = format!("{REGISTRATIONS}?$filter=isMfaCapable eq false");
    assert_eq!(world.whole(&capable).await.0.len(), 250 - count("isMfaCapable"));
    assert_eq!(world.graph(&format!("{REGISTRATIONS}?$top=5")).await.status, 400);

    let path = format!("registrations/{}", id(&people[1]));
    world
        .control(Method::PATCH, &path, json!({"methodsRegistered": []}))
        .await;
    let row = world.graph(&format!("{REGISTRATIONS}/{}", id(&people[1]))).await.json();
    assert_eq!(
        (&row["isMfaCapable"], &row["methodsRegistered"]),
        (&json!(false), &json!([]))
    );
    let refused = world.control(Method::PATCH, &path, json!({"isMfaCapable": true})).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn sign_ins_come_500_to_a_page_and_never_in_a_delta_round() {
    let world = World::with_people(600).await;
    let page = world.graph(&format!("{SIGN_INS}&$top=999")).await;
    assert_eq!(page.items().len(), 500);
    let never = page
        .items()
        .iter()
        .filter(|person| person["signInActivity"].is_null())
        .count();
    assert!(never > 2 && never < 50);
    let (_, link) = world.whole("users/delta?$select=id,displayName").await;
    let person = id(&world.people().await[3]);
    let moment = "2026-01-02T03:04:05Z";
    let change = json!({"signInActivity": {"lastSignInDateTime": moment, "lastSuccessfulSignInDateTime": moment}});
    world.control(Method::PATCH, &format!("people/{person}"), change).await;
    assert!(world.graph(&link.unwrap()).await.items().is_empty());
    let shown = world
        .graph(&format!("users/{person}?$select=id,signInActivity"))
        .await
        .json();
    assert_eq!(shown["signInActivity"]["lastSignInDateTime"], moment);
    let before = "users?$select=id,signInActivity&$filter=signInActivity/lastSignInDateTime le 2026-01-02T03:04:05Z";
    assert!(
        world
            .graph(before)
            .await
            .items()
            .iter()
            .any(|one| one["id"] == person.as_str())
    );
}

#[tokio::test]
async fn each_refusal_is_in_the_words_of_its_service() {
    let mut world = World::with_people(5).await;
    let licence = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    let permission = "Authentication_MSGraphPermissionMissing";
    set(&world, json!({"premium": false})).await;
    for path in [REGISTRATIONS, SIGN_INS] {
        let reply = world.graph(path).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, licence), "{path}");
    }
    assert_eq!(world.graph(POLICIES).await.status, 200);
    allow(&mut world, &["User.Read.All"]).await;
    let cases = [
        (POLICIES, "AccessDenied"),
        (SECURITY_DEFAULTS, "Authorization_RequestDenied"),
        (REGISTRATIONS, permission),
        (AUDITS, permission),
        (SIGN_INS, permission),
        (ROLES, "Authorization_RequestDenied"),
        ("deviceManagement/deviceCompliancePolicies", "Forbidden"),
    ];
    for (path, code) in cases {
        let reply = world.graph(path).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, code), "{path}");
    }
}

#[tokio::test]
async fn a_tenant_without_premium_starts_with_security_defaults_and_no_policies() {
    let spec = m365_simulator::TenantSpec {
        premium: false,
        ..crate::support::spec(20)
    };
    let world = World::of(spec, m365_simulator::Options::default()).await;
    assert_eq!(world.graph(SECURITY_DEFAULTS).await.json()["isEnabled"], true);
    assert!(world.graph(POLICIES).await.items().is_empty());
}

#[tokio::test]
async fn published_limits_hold_where_they_are_switched_on() {
    let world = World::with_people(5).await;
    for reply in join_all((0..12).map(|_| world.graph(POLICIES))).await {
        assert_eq!(reply.status, 200, "nothing is limited unless a tenant asks for it");
    }
    set(&world, json!({"limits": true})).await;
    let conditional = join_all((0..40).map(|_| world.graph(POLICIES))).await;
    let refused = conditional
        .iter()
        .find(|reply| reply.status == 429)
        .expect("40 at once are too many");
    assert_eq!(refused.code(), "TooManyRequests");
    assert!(!refused.headers.contains_key("retry-after"));
    let reports = join_all((0..40).map(|_| world.graph(REGISTRATIONS))).await;
    let refused = reports
        .iter()
        .find(|reply| reply.status == 429)
        .expect("40 at once are too many");
    assert_eq!(refused.headers["retry-after"], "10");
    assert_eq!(world.graph("users").await.status, 200);
}

#[tokio::test]
async fn roles_are_given_to_people_and_groups_and_their_holders_are_shown() {
    let mut world = World::with_people(60).await;
    let reader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
    let (person, group) = (id(&world.people().await[4]), id(&world.groups().await[0]));
    for (holder, scope) in [(&person, "/administrativeUnits/1"), (&group, "/")] {
        let role = json!({"roleDefinitionId": reader, "principalId": holder, "directoryScopeId": scope});
        assert_eq!(world.control(Method::POST, "roles", role).await.status, 201);
    }
    let held = world.graph(&format!("{ROLES}?$expand=principal")).await.items();
    let of = |who: &str| held.iter().find(|role| role["principalId"] == who).unwrap().clone();
    assert_eq!(of(&person)["directoryScopeId"], "/administrativeUnits/1");
    assert!(of(&person)["principal"]["userPrincipalName"].is_string());
    assert_eq!(of(&group)["principal"]["@odata.type"], "#microsoft.graph.group");
    let path = format!("roles/{}", id(&of(&person)));
    assert_eq!(world.control(Method::DELETE, &path, Value::Null).await.status, 204);
    assert!(!world.graph(ROLES).await.text.contains(&person));
    let log = world
        .graph(&format!("{AUDITS}?$filter=category eq 'RoleManagement'&$top=1"))
        .await;
    assert_eq!(log.items()[0]["activityDisplayName"], "Remove member from role");
    assert_eq!(world.whole(&format!("{AUDITS}?$top=1")).await.0.len(), 3);

    allow(&mut world, &["RoleManagement.Read.Directory"]).await;
    let bare = world.graph(&format!("{ROLES}?$expand=principal")).await.items();
    assert!(
        bare.iter()
            .any(|role| role["principal"]["userPrincipalName"].is_null() && role["principal"]["id"].is_string())
    );
}

#[tokio::test]
async fn counts_over_all_devices_agree_with_the_devices() {
    let world = World::with_people(100).await;
    let (devices, _) = world.whole("deviceManagement/managedDevices").await;
    let unhealthy = devices
        .iter()
        .find(|device| device["complianceState"] == "compliant")
        .unwrap();
    let change = json!({"complianceState": "noncompliant"});
    world
        .control(Method::PATCH, &format!("devices/{}", id(unhealthy)), change)
        .await;
    let overview = world.graph("deviceManagement/managedDeviceOverview").await.json();
    assert_eq!(overview["enrolledDeviceCount"], devices.len());
    let summary = world
        .graph("deviceManagement/deviceCompliancePolicyDeviceStateSummary")
        .await
        .json();
    let failing = devices
        .iter()
        .filter(|device| device["complianceState"] == "noncompliant")
        .count();
    assert_eq!(summary["nonCompliantDeviceCount"], failing + 1);
    let people = world
        .graph_with("users/$count", &[("consistencylevel", "eventual")])
        .await;
    assert_eq!(people.text, "100");
}

#[tokio::test]
async fn compliance_policies_show_assignments_and_actions_only_where_they_are_asked_for() {
    let world = World::with_people(5).await;
    let path = "deviceManagement/deviceCompliancePolicies";
    let bare = world.graph(path).await.items();
    assert!(bare.len() == 4 && bare.iter().all(|policy| policy.get("assignments").is_none()));
    let expand = "$expand=assignments,scheduledActionsForRule($expand=scheduledActionConfigurations)";
    let whole = world.graph(&format!("{path}?{expand}")).await.items();
    let action = &whole[0]["scheduledActionsForRule"][0]["scheduledActionConfigurations"][0];
    assert_eq!(
        (&action["actionType"], &action["gracePeriodHours"]),
        (&json!("block"), &json!(24))
    );
    assert!(whole.iter().any(|policy| policy["assignments"] == json!([])));
    set(&world, json!({"intune": false})).await;
    for path in [
        path,
        "deviceManagement/managedDeviceOverview",
        "deviceManagement?$select=settings",
    ] {
        let reply = world.graph(path).await;
        assert_eq!(
            reply.json()["error"]["message"],
            "Request not applicable to target tenant.",
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_policies() {
    let (one, other) = (World::with_people(40).await, World::with_people(40).await);
    let paths = [
        POLICIES,
        "identity/conditionalAccess/namedLocations",
        "deviceManagement/deviceCompliancePolicies",
    ];
    for path in paths {
        assert_eq!(one.graph(path).await.items(), other.graph(path).await.items(), "{path}");
    }
}
