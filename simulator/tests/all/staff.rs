//! What a tenant's administrators decide of their people, as id tokens tell it: app roles, groups, and
//! that somebody may not sign in any more.

use m365_simulator::{ApplicationSpec, Options, TenantSpec};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sign_in::{VERIFIER, authorize, claims_of, parameter, redeem};
use crate::support::{CLIENT, Reply, World, application, id, spec};

async fn assign(world: &World, person: &str, body: Value) -> Reply {
    world
        .control(Method::PUT, &format!("people/{person}/app-roles"), body)
        .await
}

async fn disable(world: &World, person: &str) {
    let change = json!({"accountEnabled": false});
    world.control(Method::PATCH, &format!("people/{person}"), change).await;
}

/// A tenant without groups, and an application whose id tokens carry them.
async fn world_that_tells_groups() -> (World, String) {
    let nobody_in_groups = TenantSpec {
        groups: Some(0),
        ..spec(5)
    };
    let world = World::of(nobody_in_groups, Options::default()).await;
    tell_groups(&world).await;
    let member = world.tenant.accounts[1].oid.to_string();
    (world, member)
}

/// Registers the application anew, over HTTP, as a program in another language would.
async fn tell_groups(world: &World) {
    let mut registration = serde_json::to_value(application(Uuid::from_u128(1))).unwrap();
    registration["emitGroups"] = json!(true);
    let reply = world.control_at(Method::POST, "applications", registration).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
}

async fn group(world: &World, properties: Value, member: &str) -> String {
    let group = id(&world.control(Method::POST, "groups", properties).await.json());
    let path = format!("groups/{group}/members/{member}");
    assert_eq!(world.control(Method::PUT, &path, Value::Null).await.status, 204);
    group
}

fn sorted(list: &Value) -> Vec<String> {
    let mut all: Vec<String> = serde_json::from_value(list.clone()).unwrap();
    all.sort();
    all
}

#[tokio::test]
async fn app_roles_are_any_words_and_show_for_the_person_who_has_them() {
    let world = World::with_people(5).await;
    let [first, second] = [0, 1].map(|index: usize| world.tenant.accounts[index].oid.to_string());
    assert!(claims_of(&world, &first).await.get("roles").is_none());

    let reply = assign(&world, &first, json!({"roles": ["Desk.Lead", "läsare"]})).await;
    assert_eq!(
        reply.json(),
        json!({"clientId": CLIENT, "roles": ["Desk.Lead", "läsare"]})
    );
    assert_eq!(claims_of(&world, &first).await["roles"], json!(["Desk.Lead", "läsare"]));
    assert!(claims_of(&world, &second).await.get("roles").is_none());

    assign(&world, &first, json!({"roles": []})).await;
    assert!(claims_of(&world, &first).await.get("roles").is_none());
}

#[tokio::test]
async fn app_roles_can_be_assigned_inside_the_process() {
    let world = World::with_people(5).await;
    let (tenant, person) = (world.tenant.id, world.tenant.accounts[1].oid);
    world
        .simulator
        .assign_app_roles(tenant, person, &["Desk.Lead"])
        .unwrap();
    assert_eq!(
        claims_of(&world, &person.to_string()).await["roles"],
        json!(["Desk.Lead"])
    );
    for (tenant, person) in [(tenant, Uuid::nil()), (Uuid::nil(), person)] {
        assert!(
            world
                .simulator
                .assign_app_roles(tenant, person, &["Desk.Lead"])
                .is_err()
        );
    }
}

#[tokio::test]
async fn app_roles_are_of_one_application() {
    let world = World::with_people(5).await;
    let member = world.tenant.accounts[1].oid.to_string();
    world
        .simulator
        .add_application(ApplicationSpec::new("another", world.tenant.id));
    let unclear = assign(&world, &member, json!({"roles": ["Desk.Lead"]})).await;
    assert_eq!((unclear.status.as_u16(), unclear.code().as_str()), (400, "badInput"));
    for (client, shown) in [("another", None), (CLIENT, Some(json!(["Desk.Lead"])))] {
        let reply = assign(&world, &member, json!({"clientId": client, "roles": ["Desk.Lead"]})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(claims_of(&world, &member).await.get("roles"), shown.as_ref());
    }
}

#[tokio::test]
async fn app_roles_are_refused_where_entra_could_not_assign_them() {
    let world = World::with_people(5).await;
    let member = world.tenant.accounts[1].oid.to_string();
    let stranger = Uuid::new_v4().to_string();
    world.simulator.add_application(ApplicationSpec {
        app_roles: vec!["Desk.Lead".to_owned()],
        ..application(world.tenant.id)
    });
    for (person, body, status) in [
        (&stranger, json!({"roles": ["Desk.Lead"]}), 404),
        (&member, json!({"roles": ["Desk.Lead"], "clientId": "nobody"}), 404),
        (&member, json!({"roles": ["Undeclared"]}), 400),
        (&member, json!({"roles": "Desk.Lead"}), 400),
        (&member, json!({}), 400),
        (&member, json!({"roles": ["Desk.Lead"]}), 200),
    ] {
        let reply = assign(&world, person, body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text);
    }
}

#[tokio::test]
async fn groups_are_told_when_the_registration_asks_for_them() {
    let world = World::with_people(80).await;
    let member = world.tenant.accounts[1].oid.to_string();
    let silent = claims_of(&world, &member).await;
    assert!(silent.get("groups").is_none() && silent.get("_claim_names").is_none());

    tell_groups(&world).await;
    let mut expected = Vec::new();
    for group in world
        .groups()
        .await
        .iter()
        .filter(|group| group["securityEnabled"] == true)
    {
        let path = format!("groups/{}/transitiveMembers?$top=999", id(group));
        let (members, _) = world.whole(&path).await;
        expected.extend(members.iter().any(|one| id(one) == member).then(|| id(group)));
    }
    expected.sort();
    assert!(!expected.is_empty());
    assert_eq!(sorted(&claims_of(&world, &member).await["groups"]), expected);
}

#[tokio::test]
async fn groups_are_security_groups_that_live_and_those_that_hold_them() {
    let (world, member) = world_that_tells_groups().await;
    assert!(claims_of(&world, &member).await.get("groups").is_none());

    let direct = group(&world, json!({}), &member).await;
    let list = json!({"securityEnabled": false, "mailEnabled": true});
    let mailed = group(&world, list, &member).await;
    let around = group(&world, json!({}), &direct).await;
    let through_a_list = group(&world, json!({}), &mailed).await;
    let deleted = group(&world, json!({}), &member).await;
    world
        .control(Method::DELETE, &format!("groups/{deleted}"), Value::Null)
        .await;
    group(&world, json!({}), &world.tenant.accounts[0].oid.to_string()).await;

    let expected = sorted(&json!([direct, around, through_a_list]));
    assert_eq!(sorted(&claims_of(&world, &member).await["groups"]), expected);
}

#[tokio::test]
async fn more_than_two_hundred_groups_are_not_told_but_where_to_ask() {
    let (world, member) = world_that_tells_groups().await;
    for _ in 0..200 {
        group(&world, json!({}), &member).await;
    }
    let fits = claims_of(&world, &member).await;
    assert_eq!(fits["groups"].as_array().unwrap().len(), 200);
    assert!(fits.get("_claim_names").is_none() && fits.get("_claim_sources").is_none());

    group(&world, json!({}), &member).await;
    let overage = claims_of(&world, &member).await;
    assert!(overage.get("groups").is_none());
    assert_eq!(overage["_claim_names"], json!({"groups": "src1"}));
    let endpoint = overage["_claim_sources"]["src1"]["endpoint"].as_str().unwrap();
    assert!(endpoint.ends_with(&format!("/{}/users/{member}/getMemberObjects", world.tenant.id)));
}

#[tokio::test]
async fn a_disabled_person_cannot_sign_in() {
    let world = World::with_people(5).await;
    let member = world.tenant.accounts[1].oid.to_string();
    disable(&world, &member).await;
    let reply = world
        .post_form(&authorize("organizations", ""), &[("account", &member)], None)
        .await;
    assert!(reply.status == 400 && reply.text.contains("AADSTS50057"));
    let enabled = json!({"accountEnabled": true});
    world.control(Method::PATCH, &format!("people/{member}"), enabled).await;
    assert_eq!(claims_of(&world, &member).await["oid"], member);
}

#[tokio::test]
async fn whoever_is_disabled_after_signing_in_gets_neither_token_nor_silent_sign_in() {
    let world = World::with_people(5).await;
    let member = world.tenant.accounts[1].oid.to_string();
    let signed_in = world
        .post_form(&authorize("organizations", ""), &[("account", &member)], None)
        .await;
    disable(&world, &member).await;

    let code = parameter(&signed_in, "code").unwrap();
    let refused = redeem(&world, "organizations", &code, VERIFIER).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            &refused.json()["error"],
            &refused.json()["error_codes"]
        ),
        (400, &json!("invalid_grant"), &json!([50057]))
    );

    let cookie = signed_in.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let silent = world.url(&authorize("organizations", "&prompt=none"));
    let silent = world.http.get(silent).header("cookie", cookie).send().await.unwrap();
    let back = silent.headers()["location"].to_str().unwrap();
    assert!(
        back.contains("error=login_required") && back.contains("AADSTS50057"),
        "{back}"
    );
    assert!(!back.contains("code="));
}
