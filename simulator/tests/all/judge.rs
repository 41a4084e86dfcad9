//! Microsoft's own schema as the judge: every kind of reply against it, closed, so that a misspelt
//! name is caught however sure both sides are of it.

use std::collections::HashMap;
use std::path::Path;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Reply, World, id, skipped};

/// The schema of Graph v1.0, with its open types closed.
struct Judge {
    document: Value,
    validators: HashMap<String, jsonschema::Validator>,
}

impl Judge {
    /// `None`, and loudly so, where the schema is not beside the repository.
    fn find() -> Option<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let schema = |folder: &Path| folder.join("shared/graph/openapi/graph-v1.0-subset.json");
        let Some(path) = here.ancestors().map(schema).find(|path| path.is_file()) else {
            skipped("there is no schema at ../shared/graph/openapi beside the repository");
            return None;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap();
        for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
            if schema.get("x-open-type") == Some(&json!(true)) {
                schema["additionalProperties"] = json!(false);
            }
        }
        Some(Self {
            document,
            validators: HashMap::new(),
        })
    }

    /// The names that a type has, as the schema knows them.
    fn structural_names(&self, graph_type: &str) -> Vec<String> {
        let schema = &self.document["components"]["schemas"][format!("microsoft.graph.{graph_type}")];
        let properties: &Map<String, Value> = schema["properties"].as_object().unwrap();
        let structural = properties
            .iter()
            .filter(|(name, schema)| !name.contains('@') && schema.get("x-navigation").is_none());
        structural.map(|(name, _)| name.clone()).collect()
    }

    fn judge(&mut self, path: &str, reply: &Reply) {
        let schema = if reply.status.is_success() {
            let operation = &self.document["paths"][path];
            let method = if path == "/$batch" { "post" } else { "get" };
            operation[method]["responses"]["200"]["content"]["application/json"]["schema"].clone()
        } else {
            json!({"$ref": "#/components/schemas/graph.ODataError"})
        };
        assert!(schema.is_object(), "the schema has no {path}");
        let components = &self.document["components"];
        let validator = self.validators.entry(schema.to_string()).or_insert_with(|| {
            let mut root = schema.clone();
            root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            root["components"] = components.clone();
            jsonschema::validator_for(&root).unwrap()
        });
        let body = reply.json();
        let errors: Vec<String> = validator
            .iter_errors(&body)
            .take(5)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{path}: {}", errors.join("\n"));
    }
}

/// What evidence is read from, beside the directory.
const POSTURE: [&str; 13] = [
    "identity/conditionalAccess/policies",
    "identity/conditionalAccess/namedLocations",
    "identity/conditionalAccess/authenticationStrength/policies",
    "policies/authenticationStrengthPolicies",
    "policies/identitySecurityDefaultsEnforcementPolicy",
    "policies/authorizationPolicy",
    METHODS,
    "reports/authenticationMethods/userRegistrationDetails",
    "roleManagement/directory/roleAssignments?$expand=principal",
    "deviceManagement/deviceCompliancePolicies",
    "deviceManagement/deviceCompliancePolicies?$expand=assignments,scheduledActionsForRule($expand=scheduledActionConfigurations)",
    "deviceManagement/deviceCompliancePolicyDeviceStateSummary",
    "deviceManagement/managedDeviceOverview",
];

const METHODS: &str = "policies/authenticationMethodsPolicy";

/// Who a method is for is a navigation property that Graph shows unasked, and that this cut of the schema lacks.
fn without_targets(mut policy: Value) -> Value {
    for method in policy["authenticationMethodConfigurations"].as_array_mut().unwrap() {
        assert!(method.as_object_mut().unwrap().remove("includeTargets").is_some());
    }
    policy
}

#[tokio::test]
async fn every_kind_of_reply_fits_microsofts_schema() {
    let Some(mut judge) = Judge::find() else {
        return;
    };
    let world = World::with_people(600).await;
    let (person, group) = (id(&world.people().await[1]), id(&world.groups().await[1]));
    let device = id(&world.control(Method::GET, "devices", Value::Null).await.items()[0]);
    let role = id(&world.graph("directoryRoles").await.items()[0]);
    let everything = |kind: &str| judge.structural_names(kind).join(",");
    let not_in_lists = [
        "aboutMe",
        "birthday",
        "hireDate",
        "interests",
        "mailboxSettings",
        "mySite",
        "pastProjects",
        "preferredName",
        "responsibilities",
        "schools",
        "skills",
        "signInActivity",
    ];
    let users: Vec<String> = judge
        .structural_names("user")
        .into_iter()
        .filter(|name| !not_in_lists.contains(&name.as_str()))
        .collect();
    let (users, groups, devices) = (users.join(","), everything("group"), everything("managedDevice"));
    let tenant = world.tenant.id;
    let requests = [
        ("/users", "users?$top=999".to_owned()),
        ("/users", format!("users?$top=999&$select={users}")),
        (
            "/users",
            "users?$top=999&$select=id,userPrincipalName,accountEnabled,userType,signInActivity".to_owned(),
        ),
        ("/users/{id}", format!("users/{person}")),
        ("/users/delta()", "users/delta".to_owned()),
        ("/users/delta()", format!("users/delta?$select={users}")),
        ("/groups", "groups".to_owned()),
        ("/groups", format!("groups?$select={groups}")),
        ("/groups/{id}", format!("groups/{group}")),
        ("/groups/delta()", "groups/delta".to_owned()),
        ("/groups/{groupId}/members", format!("groups/{group}/members")),
        (
            "/groups/{groupId}/transitiveMembers",
            format!("groups/{group}/transitiveMembers"),
        ),
        (
            "/deviceManagement/managedDevices",
            "deviceManagement/managedDevices".to_owned(),
        ),
        (
            "/deviceManagement/managedDevices",
            format!("deviceManagement/managedDevices?$select={devices}"),
        ),
        (
            "/deviceManagement/managedDevices/{managedDeviceId}",
            format!("deviceManagement/managedDevices/{device}"),
        ),
        ("/organization", "organization".to_owned()),
        ("/organization/{tenantId}", format!("organization/{tenant}")),
        ("/subscribedSkus", "subscribedSkus".to_owned()),
        ("/directoryRoles", "directoryRoles".to_owned()),
        (
            "/directoryRoles/{roleId}/members",
            format!("directoryRoles/{role}/members"),
        ),
        (
            "/roleManagement/directory/roleAssignments",
            "roleManagement/directory/roleAssignments".to_owned(),
        ),
        (
            "/roleManagement/directory/roleDefinitions",
            "roleManagement/directory/roleDefinitions".to_owned(),
        ),
    ];
    for (path, request) in requests {
        let reply = world.graph(&request).await;
        assert_eq!(reply.status, 200, "{request}: {}", reply.text);
        judge.judge(path, &reply);
    }
    for path in POSTURE {
        let mut reply = world.graph(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        if path == METHODS {
            reply.text = without_targets(reply.json()).to_string();
        }
        let path = path.split('?').next().unwrap();
        judge.judge(&format!("/{path}"), &reply);
    }
    let policies = world.graph(POSTURE[0]).await.items();
    assert!(policies.len() > 4);
    for (path, id) in [
        ("/identity/conditionalAccess/policies/{policyId}", id(&policies[0])),
        (
            "/reports/authenticationMethods/userRegistrationDetails/{userId}",
            person,
        ),
    ] {
        let one = path[1..].split('{').next().unwrap();
        judge.judge(path, &world.graph(&format!("{one}{id}")).await);
    }
    let parts = json!([{"id": "1", "method": "GET", "url": "/organization"}]);
    judge.judge("/$batch", &world.batch(parts).await);
}

#[tokio::test]
async fn every_page_of_a_round_after_many_changes_fits_microsofts_schema() {
    let Some(mut judge) = Judge::find() else {
        return;
    };
    let world = World::with_people(600).await;
    for (path, first) in [("/users/delta()", "users/delta"), ("/groups/delta()", "groups/delta")] {
        let (_, link) = world.whole(first).await;
        world
            .control(Method::POST, "shuffle", json!({"count": 150, "seed": 9}))
            .await;
        let reply = world.graph(&link.unwrap()).await;
        assert!(reply.items().len() > 5);
        judge.judge(path, &reply);
    }
    let devices = world.graph("deviceManagement/managedDevices").await;
    judge.judge("/deviceManagement/managedDevices", &devices);
}

#[tokio::test]
async fn every_kind_of_failure_fits_microsofts_schema() {
    let Some(mut judge) = Judge::find() else {
        return;
    };
    let world = World::with_people(5).await;
    for kind in ["throttle", "status", "gone", "missing_permission", "unauthorized"] {
        world.fault(json!({"on": "*", "kind": kind, "times": 2})).await;
        for path in ["users", "deviceManagement/managedDevices"] {
            judge.judge("", &world.graph(path).await);
        }
    }
    for path in ["users/nobody", "users?$select=nonsense", "nonsense"] {
        judge.judge("", &world.graph(path).await);
    }
}

#[tokio::test]
async fn the_names_that_a_selection_may_give_are_microsofts_names() {
    let Some(judge) = Judge::find() else { return };
    let world = World::with_people(1).await;
    let schemas = world.get("_control/openapi.json").await.json()["components"]["schemas"].clone();
    for (ours, theirs) in [("Person", "user"), ("Group", "group"), ("Device", "managedDevice")] {
        let mut known: Vec<String> = schemas[ours]["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let mut names = judge.structural_names(theirs);
        known.sort();
        names.sort();
        assert_eq!(known, names, "{theirs}");
    }
}

#[tokio::test]
#[should_panic(expected = "departmnt")]
async fn a_misspelt_name_is_caught_by_the_judge() {
    let Some(mut judge) = Judge::find() else {
        panic!("departmnt would not be caught here")
    };
    let world = World::with_people(1).await;
    let mut reply = world.graph("users?$select=id,department").await;
    reply.text = reply.text.replace("department", "departmnt");
    judge.judge("/users", &reply);
}
