//! The control interface: its description, its refusals, and captures.

use std::path::PathBuf;

use m365_simulator::{Options, TenantSpec};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{World, id, skipped};

#[tokio::test]
async fn every_described_operation_exists_and_no_other() {
    let world = World::with_people(5).await;
    let described = world.get("_control/openapi.json").await.json();
    let mut operations = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        let path = path
            .replace("{tid}", &world.tenant.id.to_string())
            .replace("{client}", "nobody");
        let path = path
            .replace("{id}", &Uuid::nil().to_string())
            .replace("{member}", &Uuid::nil().to_string());
        let path = path.replace("{oid}", &Uuid::nil().to_string());
        for method in ["get", "put", "post", "patch", "delete"] {
            let exists = methods.get(method).is_some();
            operations += usize::from(exists);
            if exists && (method == "delete" || path.ends_with("/expire") || path.ends_with("/rotate")) {
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let reply = world
                .control_at(
                    method.clone(),
                    path.trim_start_matches("/_control/"),
                    json!("not an object"),
                )
                .await;
            assert_eq!(reply.status != 405, exists, "{method} {path}");
        }
    }
    assert!(operations > 40);
    let text = described.to_string();
    for reference in text
        .split("#/components/schemas/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(
            described["components"]["schemas"].get(reference).is_some(),
            "{reference}"
        );
    }
}

#[tokio::test]
async fn refusals_are_json_with_a_code_and_words() {
    let world = World::with_people(5).await;
    let person = id(&world.people().await[0]);
    let cases = [
        (
            Method::PATCH,
            format!("people/{person}"),
            json!({"displayNam": "x"}),
            400,
            "badInput",
        ),
        (
            Method::PATCH,
            format!("people/{person}"),
            json!({"id": "x"}),
            400,
            "badInput",
        ),
        (
            Method::PATCH,
            format!("people/{}", Uuid::new_v4()),
            json!({"displayName": "x"}),
            404,
            "notFound",
        ),
        (
            Method::POST,
            format!("people/{person}/restore"),
            Value::Null,
            409,
            "conflict",
        ),
        (
            Method::POST,
            "faults".to_owned(),
            json!({"on": "users", "kind": "earthquake"}),
            400,
            "badInput",
        ),
        (
            Method::POST,
            "people".to_owned(),
            json!({"id": person}),
            400,
            "badInput",
        ),
        (
            Method::GET,
            format!("faults/{}", Uuid::new_v4()),
            Value::Null,
            404,
            "notFound",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let reply = world.control(method, &path, body).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{path}");
        assert!(!reply.json()["error"]["message"].as_str().unwrap().is_empty());
    }
    let twice = json!({"id": world.tenant.id, "displayName": "X", "domain": "x.example"});
    assert_eq!(world.control_at(Method::POST, "tenants", twice).await.status, 400);
}

#[tokio::test]
async fn a_tenant_over_http_is_a_tenant_of_the_library() {
    let world = World::with_people(5).await;
    let body = json!({"displayName": "Fabrikam", "domain": "fabrikam.example", "seed": 3, "people": 40, "groups": 5, "devices": 7});
    let made = world.control_at(Method::POST, "tenants", body).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(
        (&made["people"], &made["groups"], &made["devices"]),
        (&json!(40), &json!(5), &json!(7))
    );
    assert_eq!(made["administrators"].as_array().unwrap().len(), 1);
    assert_eq!(made["accounts"][0]["oid"], made["administrators"][0]);
    assert_eq!(world.simulator.tenants().len(), 2);
    let path = format!("tenants/{}", made["id"].as_str().unwrap());
    assert_eq!(world.control_at(Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(world.control_at(Method::GET, &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_device_that_enrols_again_keeps_its_body_and_gets_a_new_id() {
    let world = World::with_people(20).await;
    let before = world.control(Method::GET, "devices", Value::Null).await.items();
    let old = &before[1];
    let reply = world
        .control(Method::POST, &format!("devices/{}/reenrol", id(old)), Value::Null)
        .await;
    assert_eq!(reply.status, 201);
    let new = reply.json();
    assert_ne!(new["id"], old["id"]);
    for name in [
        "serialNumber",
        "manufacturer",
        "azureADDeviceId",
        "deviceName",
        "userId",
    ] {
        assert_eq!(new[name], old[name], "{name}");
    }
    let after = world.control(Method::GET, "devices", Value::Null).await.items();
    assert_eq!(after.len(), before.len());
    assert!(!after.iter().any(|device| device["id"] == old["id"]));
}

#[tokio::test]
async fn groups_can_be_nested_but_not_in_themselves() {
    let world = World::with_people(5).await;
    let mut made = Vec::new();
    for name in ["outer", "inner"] {
        made.push(id(&world
            .control(Method::POST, "groups", json!({"displayName": name}))
            .await
            .json()));
    }
    let put = async |group: &str, member: &str| {
        world
            .control(Method::PUT, &format!("groups/{group}/members/{member}"), Value::Null)
            .await
            .status
            .as_u16()
    };
    assert_eq!(put(&made[0], &made[1]).await, 204);
    assert_eq!(put(&made[1], &made[0]).await, 400);
    assert_eq!(put(&made[0], &made[0]).await, 400);
    assert_eq!(
        world
            .control(Method::GET, &format!("groups/{}", made[0]), Value::Null)
            .await
            .json()["members"],
        json!([made[1]])
    );
}

#[tokio::test]
async fn the_same_shuffle_makes_the_same_changes() {
    let (one, other) = (World::with_people(100).await, World::with_people(100).await);
    let body = json!({"count": 37, "seed": 1});
    let (first, second) = (
        one.control(Method::POST, "shuffle", body.clone()).await.json(),
        other.control(Method::POST, "shuffle", body).await.json(),
    );
    let kinds = |changes: &Value| {
        changes["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| change["kind"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!((kinds(&first).len(), kinds(&first)), (37, kinds(&second)));
}

#[tokio::test]
async fn what_was_asked_is_remembered_in_order() {
    let world = World::with_people(5).await;
    world.control_at(Method::DELETE, "requests", Value::Null).await;
    world.graph_with("users?$top=1", &[("client-request-id", "abc")]).await;
    world.graph("groups/nonsense").await;
    let asked = world
        .control_at(
            Method::GET,
            &format!("requests?tenant={}", world.tenant.id),
            Value::Null,
        )
        .await
        .items();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        (&asked[0]["path"], &asked[0]["query"], &asked[0]["clientRequestId"]),
        (&json!("/v1.0/users"), &json!("$top=1"), &json!("abc"))
    );
    assert_eq!(asked[1]["status"], 404);
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(Uuid::new_v4().to_string());
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, value: Value) {
        std::fs::write(self.0.join(name), value.to_string()).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_capture_is_replayed_and_what_does_not_fit_is_listed() {
    let folder = Folder::new();
    let (anna, group, stranger) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let tenant = Uuid::new_v4();
    folder.write("manifest.json", json!({
        "organization": ["o.json"], "users": ["u.json"], "groups/delta": ["g.json"], "deviceManagement/managedDevices": ["d.json"],
    }));
    folder.write(
        "o.json",
        json!({"value": [{"id": tenant, "displayName": "Anna's Ltd", "city": "Riga", "directorySizeQuota": {}}]}),
    );
    folder.write("u.json", json!({"value": [{"id": anna, "displayName": "Anna", "userPrincipalName": "anna@real.example", "betaOnly": 1}, {"displayName": "no id"}]}));
    folder.write(
        "g.json",
        json!({"value": [{"id": group, "displayName": "G", "members@delta": [{"id": anna}, {"id": stranger}]}]}),
    );
    folder.write(
        "d.json",
        json!({"value": [{"id": Uuid::new_v4(), "deviceName": "PC", "userId": stranger}]}),
    );
    let spec = TenantSpec {
        capture: Some(folder.0.clone()),
        ..TenantSpec::named("Captured", "real.example")
    };
    let world = World::of(spec, Options::default()).await;
    assert_eq!(world.tenant.id, tenant);
    assert_eq!(world.tenant.administrators, [anna], "somebody can sign in");
    let dropped = world.tenant.dropped.join("\n");
    for part in [
        "betaOnly",
        "directorySizeQuota",
        "without an id",
        "a member of group",
        "the owner of device",
        "Global Administrator",
    ] {
        assert!(dropped.contains(part), "{part} in {dropped}");
    }
    assert_eq!(world.graph("organization").await.items()[0]["city"], "Riga");
    assert_eq!(world.groups().await[0]["members"], json!([anna]));
    let (groups, link) = world.whole("groups/delta?$select=displayName,members").await;
    assert_eq!(groups[0]["members@delta"][0]["id"], json!(anna));
    assert_eq!(world.whole("deviceManagement/managedDevices").await.0[0]["userId"], "");
    world
        .control(Method::PATCH, &format!("groups/{group}"), json!({"displayName": "H"}))
        .await;
    assert_eq!(
        world.whole(&link.unwrap()).await.0.len(),
        1,
        "a capture can be changed like any other tenant"
    );
}

#[tokio::test]
async fn a_capture_that_cannot_be_read_is_refused_in_words() {
    let folder = Folder::new();
    let world = World::with_people(1).await;
    let body = |folder: &Folder| json!({"displayName": "C", "domain": "c.example", "capture": folder.0});
    let missing = world.control_at(Method::POST, "tenants", body(&folder)).await;
    assert!(missing.status == 400 && missing.text.contains("manifest.json"));
    folder.write("manifest.json", json!({"usres": ["u.json"]}));
    let unknown = world.control_at(Method::POST, "tenants", body(&folder)).await;
    assert!(unknown.status == 400 && unknown.text.contains("usres"));
}

#[tokio::test]
async fn published_answers_load_where_they_are_present() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/graph/samples");
    if !folder.is_dir() {
        skipped("there is no folder of published answers at ../shared/graph/samples beside the repository");
        return;
    }
    let spec = TenantSpec {
        capture: Some(folder),
        capture_manifest: Some(m365_simulator::published_answers()),
        ..TenantSpec::named("Published", "published.example")
    };
    let world = World::of(spec, Options::default()).await;
    assert!(
        world.tenant.people > 8 && world.tenant.groups > 35 && world.tenant.devices == 1,
        "{:?}",
        world.tenant
    );
    assert!(!world.tenant.dropped.is_empty());
}
