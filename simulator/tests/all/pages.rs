//! Plain reads: pages, options, headers, permissions, and what is not there.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{CLIENT, World, id, spec};

#[tokio::test]
async fn pages_have_microsofts_sizes_and_lead_to_everybody() {
    let world = World::with_people(1_100).await;
    assert_eq!(world.graph("users").await.items().len(), 100);
    assert_eq!(world.graph("users?$top=5000").await.items().len(), 999, "clamped");
    assert_eq!(
        world
            .graph("users?$top=500&$select=id,signInActivity")
            .await
            .items()
            .len(),
        500
    );
    assert_eq!(world.graph("users?$top=0").await.status, 400);
    let (items, _) = world.whole("users?$top=999&$select=id").await;
    let distinct: std::collections::BTreeSet<String> = items.iter().map(id).collect();
    assert_eq!((items.len(), distinct.len()), (1_100, 1_100));
}

#[tokio::test]
async fn a_selection_gives_exactly_what_it_names() {
    let world = World::with_people(3).await;
    let reply = world.graph("users?$select=ID,employeeHireDate,department").await;
    for person in reply.items() {
        let names: Vec<&String> = person.as_object().unwrap().keys().collect();
        assert_eq!(names, ["department", "employeeHireDate", "id"]);
        assert_eq!(person["employeeHireDate"], Value::Null);
    }
    let plain = world.graph("users").await.items();
    assert!(plain[0].get("department").is_none(), "only with $select");
    assert_eq!(world.graph("users?$select=departmnt").await.status, 400);
    assert_eq!(world.graph("users?$select=aboutMe").await.status, 501);
}

#[tokio::test]
async fn a_count_needs_eventual_consistency() {
    let world = World::with_people(30).await;
    assert!(
        world
            .graph("users?$count=true")
            .await
            .json()
            .get("@odata.count")
            .is_none()
    );
    assert_eq!(world.graph("users/$count").await.code(), "Request_BadRequest");
    let eventual = [("consistencylevel", "eventual")];
    assert_eq!(
        world.graph_with("users?$count=true&$top=2", &eventual).await.json()["@odata.count"],
        30
    );
    assert_eq!(world.graph_with("users/$count", &eventual).await.text, "30");
    assert!(
        world.graph("deviceManagement/managedDevices").await.json()["@odata.count"].is_number(),
        "unasked"
    );
}

#[tokio::test]
async fn an_advanced_filter_needs_eventual_consistency_and_a_count() {
    let world = World::with_people(30).await;
    let filter = "users?$filter=endsWith(mail,'example')";
    assert_eq!(world.graph(filter).await.code(), "Request_UnsupportedQuery");
    let reply = world
        .graph_with(&format!("{filter}&$count=true"), &[("consistencylevel", "eventual")])
        .await;
    assert!(reply.status == 200 && !reply.items().is_empty());
    let person = &world.people().await[5];
    let reply = world.graph(&format!("users?$filter=id eq '{}'", id(person))).await;
    assert_eq!(reply.items().len(), 1);
}

#[tokio::test]
async fn one_person_is_found_by_id_and_by_principal_name() {
    let world = World::with_people(60).await;
    let people = world.people().await;
    let guest = people.iter().find(|person| person["userType"] == "Guest").unwrap();
    let principal = guest["userPrincipalName"].as_str().unwrap().replace('#', "%23");
    for key in [id(guest), principal] {
        let reply = world.graph(&format!("users/{key}?$select=id,userType")).await.json();
        assert_eq!((&reply["id"], &reply["userType"]), (&guest["id"], &json!("Guest")));
    }
    let missing = world.graph(&format!("users/{}", Uuid::new_v4())).await;
    assert_eq!(
        (missing.status.as_u16(), missing.code().as_str()),
        (404, "Request_ResourceNotFound")
    );
}

#[tokio::test]
async fn members_and_transitive_members_are_what_the_directory_says() {
    let world = World::with_people(300).await;
    let groups = world.groups().await;
    let is_group = |member: &Value| groups.iter().any(|group| group["id"] == *member);
    let nesting = groups
        .iter()
        .find(|group| group["members"].as_array().unwrap().iter().any(is_group))
        .unwrap();
    let (direct, _) = world.whole(&format!("groups/{}/members?$select=id", id(nesting))).await;
    assert_eq!(direct.len(), nesting["members"].as_array().unwrap().len());
    assert!(
        direct
            .iter()
            .any(|member| member["@odata.type"] == "#microsoft.graph.group")
    );
    let (all, _) = world.whole(&format!("groups/{}/transitiveMembers", id(nesting))).await;
    assert!(all.len() > direct.len());
    let cast = format!("groups/{}/transitiveMembers/microsoft.graph.user", id(nesting));
    assert!(
        world
            .whole(&cast)
            .await
            .0
            .iter()
            .all(|member| member["@odata.type"] == "#microsoft.graph.user")
    );
}

#[tokio::test]
async fn members_that_may_not_be_read_come_as_bare_ids() {
    let mut world = World::with_people(30).await;
    let path = format!("consents/{CLIENT}");
    world
        .control(Method::PUT, &path, json!({"permissions": ["GroupMember.Read.All"]}))
        .await;
    world.renew_token().await;
    assert_eq!(world.graph("users").await.code(), "Authorization_RequestDenied");
    let everybody = id(&world.groups().await[0]);
    let (members, _) = world.whole(&format!("groups/{everybody}/members")).await;
    assert!(
        members
            .iter()
            .all(|member| member["id"].is_string() && member["displayName"].is_null())
    );
}

#[tokio::test]
async fn each_permission_opens_its_own_part_and_no_other() {
    let mut world = World::with_people(20).await;
    let parts = [
        ("User.Read.All", "users/delta"),
        ("GroupMember.Read.All", "groups/delta"),
        (
            "DeviceManagementManagedDevices.Read.All",
            "deviceManagement/managedDevices",
        ),
        (
            "RoleManagement.Read.Directory",
            "roleManagement/directory/roleAssignments",
        ),
        ("Organization.Read.All", "subscribedSkus"),
    ];
    for (permission, _) in parts {
        let consent = json!({"permissions": [permission]});
        world.control(Method::PUT, &format!("consents/{CLIENT}"), consent).await;
        world.renew_token().await;
        for (other, path) in parts {
            let expected = if other == permission { 200 } else { 403 };
            assert_eq!(world.graph(path).await.status, expected, "{path} with {permission}");
        }
    }
}

#[tokio::test]
async fn a_tenant_without_intune_or_premium_says_so() {
    let world = World::with_people(5).await;
    world
        .control_at(
            Method::PATCH,
            &format!("tenants/{}", world.tenant.id),
            json!({"intune": false, "premium": false}),
        )
        .await;
    let devices = world.graph("deviceManagement/managedDevices").await;
    assert_eq!((devices.status.as_u16(), devices.code().as_str()), (400, "BadRequest"));
    assert_eq!(
        devices.json()["error"]["message"],
        "Request not applicable to target tenant."
    );
    assert_eq!(
        world.graph("organization").await.items()[0]["mobileDeviceManagementAuthority"],
        "unknown"
    );
    let sign_ins = world.graph("users?$select=signInActivity").await;
    assert_eq!(sign_ins.code(), "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
}

#[tokio::test]
async fn answers_carry_graphs_headers_and_links_of_the_host_that_was_asked() {
    let world = World::with_people(5).await;
    let reply = world
        .graph_with(
            "users?$top=2",
            &[
                ("client-request-id", "3f2b8f62-0000-4000-8000-000000000001"),
                ("host", "graph.test:99"),
            ],
        )
        .await;
    assert_eq!(
        reply.headers["client-request-id"],
        "3f2b8f62-0000-4000-8000-000000000001"
    );
    assert!(
        reply.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/json;odata.metadata=minimal")
    );
    for name in [
        "request-id",
        "x-ms-ags-diagnostic",
        "x-ms-resource-unit",
        "strict-transport-security",
        "date",
    ] {
        assert!(reply.headers.contains_key(name), "{name}");
    }
    assert!(
        reply.json()["@odata.nextLink"]
            .as_str()
            .unwrap()
            .starts_with("http://graph.test:99/v1.0/users?")
    );
    assert_eq!(
        world.graph("users?$skiptoken=nonsense").await.code(),
        "Directory_ExpiredPageToken"
    );
}

#[tokio::test]
async fn the_organization_and_its_administrators_are_there() {
    let world = World::with_people(5).await;
    let organization = &world.graph("organization").await.items()[0];
    assert_eq!(id(organization), world.tenant.id.to_string());
    assert_eq!(organization["verifiedDomains"][0]["name"], "contoso.example");
    let administrator = world.tenant.administrators[0];
    let filter = format!("roleManagement/directory/roleAssignments?$filter=principalId eq '{administrator}'");
    let roles = world.graph(&filter).await.items();
    assert_eq!(roles[0]["roleDefinitionId"], "62e90394-69f5-4237-9190-012177145e10");
    let role = id(&world.graph("directoryRoles").await.items()[0]);
    assert_eq!(
        id(&world.graph(&format!("directoryRoles/{role}/members")).await.items()[0]),
        administrator.to_string()
    );
}

#[tokio::test]
async fn a_batch_takes_twenty_requests_relative_or_absolute() {
    let world = World::with_people(30).await;
    let people = world.people().await;
    let part = |n: usize| {
        let url = format!("/users/{}?$select=id", id(&people[n]));
        let url = if n.is_multiple_of(2) {
            url
        } else {
            world.url(&format!("v1.0{url}"))
        };
        json!({"id": n.to_string(), "method": "GET", "url": url})
    };
    let reply = world.batch((0..20).map(part).collect()).await.json();
    for (n, response) in reply["responses"].as_array().unwrap().iter().enumerate() {
        assert_eq!(
            (&response["status"], &response["body"]["id"]),
            (&json!(200), &people[n]["id"])
        );
    }
    assert_eq!(world.batch((0..21).map(part).collect()).await.status, 400);
}

#[tokio::test]
async fn a_million_people_cost_nothing_until_they_are_read() {
    let world = World::of(spec(1_000_000), m365_simulator::Options::default()).await;
    let reply = world
        .graph_with("users?$top=999&$count=true", &[("consistencylevel", "eventual")])
        .await;
    assert_eq!(
        (reply.items().len(), &reply.json()["@odata.count"]),
        (999, &json!(1_000_000))
    );
}

#[tokio::test]
async fn the_same_seed_gives_the_same_directory() {
    let (one, other) = (World::with_people(50).await, World::with_people(50).await);
    assert_eq!(one.people().await, other.people().await);
    assert_eq!(one.groups().await, other.groups().await);
}

#[tokio::test]
async fn a_directory_has_the_odd_cases_that_real_ones_have() {
    let world = World::with_people(2_000).await;
    let people = world.people().await;
    let count = |test: &dyn Fn(&Value) -> bool| people.iter().filter(|person| test(person)).count();
    assert!(count(&|person| person["userType"] == "Guest") > 20);
    assert!(count(&|person| person["accountEnabled"] == false) > 20);
    assert!(count(&|person| person.get("mail").is_none()) > 20);
    assert!(count(&|person| person["displayName"].as_str().unwrap().contains('佐')) > 5);
    let principals: std::collections::BTreeSet<&str> = people
        .iter()
        .map(|person| person["userPrincipalName"].as_str().unwrap())
        .collect();
    assert_eq!(principals.len(), 2_000);
    let devices = world.whole("deviceManagement/managedDevices").await.0;
    let junk = devices
        .iter()
        .filter(|device| ["", "0", "None", "Default string"].contains(&device["serialNumber"].as_str().unwrap()));
    assert!(junk.count() > 2);
    assert!(devices.iter().any(|device| device["userId"] == ""));
    assert!(
        devices
            .iter()
            .any(|device| device["lastSyncDateTime"] == "0001-01-01T00:00:00Z")
    );
}
