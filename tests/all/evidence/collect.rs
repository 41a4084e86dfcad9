//! A tenant that answers, read whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tenantry::evidence::collect::{Progress, RESOURCES, collect};
use tenantry::evidence::snapshot::{Outcome, Pull, Resource, Snapshot};
use tenantry::microsoft::{Credential, Microsoft, PERMISSIONS, Pace, Patience, Secret, Settings};
use tokio::sync::watch;

use crate::support::house::now;
use crate::support::skip;
use crate::support::world::{CLIENT_ID, CLIENT_SECRET, Client, World, impatient};

/// Reads the client's tenant.
pub async fn read(world: &World, client: Client) -> Snapshot {
    read_with(&world.microsoft, client).await.0
}

async fn read_with(microsoft: &Microsoft, client: Client) -> (Snapshot, Progress) {
    let (progress, told) = watch::channel(Progress::default());
    let graph = microsoft.graph(client.tenant_id);
    let snapshot = collect(&graph, &(Arc::new(now) as _), &progress).await;
    let told = told.borrow().clone();
    (snapshot.expect("the tenant lets itself be read"), told)
}

/// The ids of what was read, which ended well.
pub fn ids(snapshot: &Snapshot, resource: Resource) -> BTreeSet<&str> {
    let complete = snapshot
        .complete(resource)
        .unwrap_or_else(|gap| panic!("{}", gap.detail));
    complete.objects().iter().map(|object| object.id.as_str()).collect()
}

/// How each resource ended that did not end well.
pub fn short(snapshot: &Snapshot) -> Vec<(Resource, Outcome)> {
    let pulls = snapshot.pulls.iter().filter(|(_, pull)| !pull.is_complete());
    pulls.map(|(resource, pull)| (*resource, pull.outcome)).collect()
}

pub fn members_of<'a>(snapshot: &'a Snapshot, group: &str) -> &'a Value {
    let read = &snapshot.pulls[&Resource::GroupMembers].objects;
    let found = read.iter().find(|object| object.id == group);
    &found.unwrap_or_else(|| panic!("group {group} was not read")).content
}

/// A policy that excludes these groups.
pub fn excluding(groups: &[&str]) -> Value {
    json!({
        "displayName": "Ask for a second factor", "state": "enabled", "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        "conditions": {
            "users": {"includeUsers": ["All"], "excludeGroups": groups}, "applications": {"includeApplications": ["All"]},
        },
    })
}

#[tokio::test]
async fn a_healthy_tenant_is_read_whole_and_the_second_counts_agree() {
    let world = World::start().await;
    let client = world.connected_company(1_200, 30).await;

    let (snapshot, told) = read_with(&world.microsoft, client).await;

    assert_eq!(short(&snapshot), []);
    assert_eq!(snapshot.pulls.len(), Resource::ALL.len(), "everything was asked for");
    assert_eq!(told.done, RESOURCES);
    for (resource, pull) in &snapshot.pulls {
        let counted = pull.witness.as_ref().map(|witness| witness.count);
        let witnessed = [
            Resource::Users,
            Resource::UsersSignin,
            Resource::Groups,
            Resource::ManagedDevices,
        ];
        let expected = witnessed.contains(resource).then_some(pull.objects.len() as u64);
        assert_eq!(counted, expected, "{resource}");
        assert!(pull.pages > 0 && pull.last_page_reached, "{resource}");
        assert!(pull.request_ids.len() >= pull.pages as usize, "{resource}");
        assert!(pull.request.starts_with("/v1.0/"), "{resource}: {}", pull.request);
        assert!(
            pull.finished_at >= pull.started_at && pull.refusal.is_none(),
            "{resource}"
        );
    }
    assert_eq!(ids(&snapshot, Resource::Users).len(), 1_200);
    assert_eq!(snapshot.pulls[&Resource::Users].pages, 2);
    assert_eq!(snapshot.pulls[&Resource::UsersSignin].pages, 3, "500 to a page");
    assert_eq!(ids(&snapshot, Resource::ManagedDevices).len(), 30);
    let granted: BTreeSet<&str> = snapshot.granted_roles.iter().map(String::as_str).collect();
    assert_eq!(granted, PERMISSIONS.into_iter().collect());
}

#[tokio::test]
async fn objects_come_as_microsoft_sent_them_without_its_annotations() {
    let world = World::start().await;
    let client = world.connected_company(5, 2).await;

    let snapshot = read(&world, client).await;

    let text = serde_json::to_string(&snapshot).unwrap();
    assert!(!text.contains("@odata.context") && !text.contains("@odata.nextLink"));
    let sent = world.get(&format!("tenants/{}/policies", client.tenant_id)).await;
    let sent: BTreeSet<&str> = values(&sent)
        .iter()
        .filter_map(|policy| policy["id"].as_str())
        .collect();
    assert_eq!(ids(&snapshot, Resource::CaPolicies), sent);
    let only = |resource| snapshot.complete(resource).unwrap().only().unwrap().clone();
    assert_eq!(
        only(Resource::AdminConsentPolicy).id,
        "admin_consent_policy",
        "it has no id of its own"
    );
    assert!(only(Resource::DeviceMgmt).content["settings"]["secureByDefault"].is_boolean());
    assert_eq!(only(Resource::Organization).id, client.tenant_id.to_string());
    let compliance = snapshot.complete(Resource::CompliancePolicies).unwrap();
    let compliance = &compliance.objects()[0].content;
    assert!(compliance["@odata.type"].is_string() && compliance["assignments"].is_array());
}

#[tokio::test]
async fn groups_are_read_only_where_something_refers_to_them_and_to_the_innermost() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let people = world.get(&format!("tenants/{}/people", client.tenant_id)).await;
    let person = values(&people)[4]["id"].as_str().unwrap();
    let inner = world.group(client, "Inner", &[person]).await;
    let outer = world.group(client, "Outer", &[&inner]).await;
    let unasked = world.group(client, "Nobody refers to it", &[person]).await;
    world
        .post(&format!("tenants/{}/policies", client.tenant_id), excluding(&[&outer]))
        .await;

    let snapshot = read(&world, client).await;

    let kinds = |group: &str| -> BTreeSet<(String, String)> {
        let members = members_of(&snapshot, group)["members"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        members
            .iter()
            .map(|member| (text(&member["@odata.type"]), text(&member["id"])))
            .collect()
    };
    let (group, user) = ("#microsoft.graph.group".to_owned(), "#microsoft.graph.user".to_owned());
    assert_eq!(kinds(&outer), [(group, inner.clone())].into(), "direct members alone");
    assert_eq!(kinds(&inner), [(user, person.to_owned())].into());
    assert!(!ids(&snapshot, Resource::GroupMembers).contains(unasked.as_str()));
}

#[tokio::test]
async fn a_tenant_with_nobody_in_it_is_complete_and_empty() {
    let world = World::start().await;
    let client = world.connected_company(0, 0).await;

    let snapshot = read(&world, client).await;

    assert_eq!(short(&snapshot), []);
    let users = &snapshot.pulls[&Resource::Users];
    assert_eq!((users.objects.len(), users.pages), (0, 1));
    assert_eq!(users.witness.as_ref().map(|witness| witness.count), Some(0));
}

#[tokio::test]
async fn limits_are_kept_before_microsoft_speaks_of_them() {
    let world = World::start().await;
    let client = world
        .connected(json!({"seed": 7, "people": 20, "devices": 2, "limits": true}))
        .await;
    let paced = Microsoft::new(Settings {
        login_url: world.simulator.url().clone(),
        graph_url: world.simulator.url().clone(),
        client_id: CLIENT_ID.into(),
        credential: Credential::Secret(Secret::new(CLIENT_SECRET)),
        patience: Patience {
            pace: Pace::default(),
            ..impatient()
        },
    })
    .unwrap();

    let (snapshot, _) = read_with(&paced, client).await;

    assert_eq!(short(&snapshot), []);
    let refused = asked(&world, client).await;
    let refused: Vec<_> = refused.iter().filter(|asked| asked["status"] == 429).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

async fn asked(world: &World, client: Client) -> Vec<Value> {
    let asked = world.get(&format!("requests?tenant={}", client.tenant_id)).await;
    values(&asked).clone()
}

fn values(list: &Value) -> &Vec<Value> {
    list["value"].as_array().expect("a list")
}

/// The folder with Microsoft's schema, kept beside the repository.
fn schema() -> Option<Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |folder: &Path| -> PathBuf { folder.join("shared/graph/openapi/graph-v1.0-subset.json") };
    let file = here.ancestors().map(file).find(|file| file.is_file())?;
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Paths that the cut of the schema lacks, and where Microsoft documents them.
const DOCUMENTED: [&str; 5] = [
    // https://learn.microsoft.com/graph/api/adminconsentrequestpolicy-get
    "/policies/adminConsentRequestPolicy",
    // https://learn.microsoft.com/graph/api/directoryaudit-list
    "/auditLogs/directoryAudits",
    // https://learn.microsoft.com/graph/api/intune-onboarding-devicemanagement-get
    "/deviceManagement",
    // https://learn.microsoft.com/graph/aad-advanced-queries
    "/users/$count",
    "/groups/$count",
];

#[tokio::test]
async fn everything_that_is_asked_for_exists_at_microsoft() {
    let Some(schema) = schema() else {
        skip::say("the folder ../shared/graph with Microsoft's schema is absent");
        return;
    };
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    let snapshot = read(&world, client).await;
    let paths = schema["paths"].as_object().unwrap();

    let asked = asked(&world, client).await;
    assert!(asked.len() >= Resource::ALL.len());
    for request in asked
        .iter()
        .filter(|asked| asked["path"].as_str().unwrap().starts_with("/v1.0/"))
    {
        let path = request["path"].as_str().unwrap().trim_start_matches("/v1.0");
        let words: Vec<&str> = path.split('/').collect();
        let general = match words.as_slice() {
            ["", "groups", _, "members"] => "/groups/{groupId}/members",
            _ => path,
        };
        assert!(paths.contains_key(general) || DOCUMENTED.contains(&general), "{path}");
        assert_eq!(request["method"], "GET", "{path}: evidence is read and nothing else");
    }
    for (resource, graph_type) in [
        (Resource::Users, "user"),
        (Resource::Groups, "group"),
        (Resource::ManagedDevices, "managedDevice"),
        (Resource::Organization, "organization"),
    ] {
        let properties = &schema["components"]["schemas"][format!("microsoft.graph.{graph_type}")]["properties"];
        for name in selected(&snapshot.pulls[&resource]) {
            assert!(properties.get(&name).is_some(), "{graph_type} has no {name}");
        }
    }
}

fn selected(pull: &Pull) -> Vec<String> {
    let (_, query) = pull.request.split_once("$select=").expect("something is selected");
    let names = query.split('&').next().unwrap_or_default();
    names.split(',').map(str::to_owned).collect()
}
