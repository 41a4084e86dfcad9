//! What a tenant granted, feature by feature.

use serde_json::{Value, json};
use tenantry::model::consent::ConsentFeature;
use tenantry::model::sync_run::SyncStatus;
use uuid::Uuid;

use crate::support::house::House;
use crate::support::world::{CLIENT_ID, CLIENT_SECRET, PERMISSIONS, World};

#[test]
fn each_feature_needs_only_what_is_asked_for_and_everything_that_is_asked_for_is_needed() {
    let needed: Vec<&str> = ConsentFeature::ALL
        .iter()
        .flat_map(|feature| feature.needs())
        .copied()
        .collect();
    assert!(needed.iter().all(|role| PERMISSIONS.contains(role)));
    assert!(PERMISSIONS.iter().all(|role| needed.contains(role)));
}

#[tokio::test]
async fn a_permission_that_was_never_granted_is_not_waited_for() {
    let world = World::start().await;
    let granted: Vec<&&str> = PERMISSIONS
        .iter()
        .filter(|role| **role != "DeviceManagementManagedDevices.Read.All")
        .collect();
    world
        .post(
            "applications",
            json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "redirectUris": [], "permissions": granted,
                   "homeTenant": Uuid::new_v4()}),
        )
        .await;
    let contoso = world.connected_company(5, 2).await;
    world
        .sql("update tenant set connected_at = now() - interval '2 minutes'")
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Partial, "{run:#?}");
    assert_eq!(run.failure.unwrap().code, "PERMISSION_MISSING");
    let evidence = world.collect_evidence(contoso).await;
    assert_ne!(evidence.status, SyncStatus::Waiting, "{evidence:#?}");
    let kept = world.rows("select granted_roles from tenant").await;
    let mut granted: Vec<Value> = granted.into_iter().map(|role| json!(role)).collect();
    granted.sort_by_key(Value::to_string);
    assert_eq!(kept[0]["granted_roles"], Value::Array(granted));
}

#[tokio::test]
async fn a_consent_that_is_late_is_waited_for() {
    let world = World::start().await;
    let contoso = world.connected_company(5, 2).await;
    world
        .sql("update tenant set connected_at = now() - interval '2 minutes'")
        .await;
    world
        .fault(contoso, json!({"on": "users", "kind": "missing_permission"}))
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(
        run.status,
        SyncStatus::Waiting,
        "the token has it, and Graph will: {run:#?}"
    );
    assert_eq!(run.message, "Waiting for Microsoft to apply consent");
}

#[tokio::test]
async fn the_doctor_names_what_stops_and_the_one_repair() {
    const CONSENT: &str = "{ company(externalId: \"one\") { tenant { consent { grantedRoles complete repair
        features { feature works missingRoles stops } } } } }";
    let house = House::open().await;
    let company = house.company("Contoso").await.id;
    house.sql("update company set external_id = 'one'").await;
    house
        .sql(&format!(
            "insert into tenant (company_id, entra_tenant_id, status) values ('{company}', gen_random_uuid(), 'CONNECTED')"
        ))
        .await;
    let consent = async || -> Value {
        let answer: Value = house.post(CONSENT).send().await.unwrap().json().await.unwrap();
        answer["data"]["company"]["tenant"]["consent"].clone()
    };
    let unknown = consent().await;
    assert_eq!(
        (&unknown["complete"], &unknown["repair"]),
        (&Value::Null, &Value::Null),
        "nothing is known"
    );
    assert_eq!(unknown["features"][0]["works"], Value::Null);

    house
        .sql(
            "update tenant set granted_roles = array['User.Read.All', 'Organization.Read.All', 'GroupMember.Read.All']",
        )
        .await;
    let told = consent().await;
    assert_eq!(told["complete"], false);
    assert!(told["repair"].as_str().unwrap().contains("`connect`"));
    let features = told["features"].as_array().unwrap();
    let feature = |name: &str| features.iter().find(|feature| feature["feature"] == name).unwrap();
    assert_eq!(feature("CONTACTS")["works"], true, "others go on");
    assert_eq!(
        feature("ASSETS"),
        &json!({"feature": "ASSETS", "works": false, "missingRoles": ["DeviceManagementManagedDevices.Read.All"],
                "stops": "Assets are not brought up to date."})
    );
    let all: Vec<String> = PERMISSIONS.iter().map(|role| format!("'{role}'")).collect();
    house
        .sql(&format!("update tenant set granted_roles = array[{}]", all.join(", ")))
        .await;
    let whole = consent().await;
    assert_eq!((&whole["complete"], &whole["repair"]), (&json!(true), &Value::Null));
}
