//! Every kind of trouble, as a client meets it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_throttled_request_is_told_when_to_come_back_or_not() {
    let world = World::with_people(5).await;
    world
        .fault(json!({"on": "users", "kind": "throttle", "times": 1, "retryAfter": 7}))
        .await;
    world
        .fault(json!({"on": "groups", "kind": "throttle", "times": 1}))
        .await;
    let told = world.graph("users").await;
    assert_eq!((told.status.as_u16(), told.code().as_str()), (429, "TooManyRequests"));
    assert_eq!(told.headers["retry-after"], "7");
    let untold = world.graph("groups").await;
    assert_eq!(untold.status, 429);
    assert!(!untold.headers.contains_key("retry-after"));
    assert_eq!(world.graph("users").await.status, 200, "once was once");
}

#[tokio::test]
async fn any_status_comes_in_microsofts_envelope() {
    let world = World::with_people(5).await;
    for (status, code) in [
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (409, "Directory_ConcurrencyViolation"),
    ] {
        world
            .fault(json!({"on": "users", "kind": "status", "status": status, "times": 1}))
            .await;
        let reply = world.graph("users").await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code));
        assert!(reply.json()["error"]["innerError"]["request-id"].is_string());
    }
}

#[tokio::test]
async fn a_cut_connection_breaks_in_the_middle_of_the_body() {
    let world = World::with_people(5).await;
    world.fault(json!({"on": "users", "kind": "cut", "times": 1})).await;
    let response = world
        .http
        .get(world.url("v1.0/users"))
        .bearer_auth(world.token())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn truncated_malformed_and_html_bodies_are_no_json_and_say_200() {
    let world = World::with_people(5).await;
    for kind in ["truncate", "malformed", "html"] {
        world.fault(json!({"on": "users", "kind": kind, "times": 1})).await;
        let reply = world.graph("users").await;
        assert_eq!(reply.status, 200);
        assert!(
            serde_json::from_str::<Value>(&reply.text).is_err(),
            "{kind}: {}",
            reply.text
        );
        assert_eq!(
            reply.headers["content-type"].to_str().unwrap().starts_with("text/html"),
            kind == "html"
        );
    }
}

#[tokio::test]
async fn any_body_comes_with_200_and_the_type_of_json() {
    let world = World::with_people(5).await;
    for body in ["", "{\"value\": null}"] {
        world
            .fault(json!({"on": "users", "kind": "body", "body": body, "times": 1}))
            .await;
        let reply = world.graph("users").await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, body));
        assert!(
            reply.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("application/json")
        );
    }
}

#[tokio::test]
async fn a_body_that_trickles_or_never_ends_has_begun() {
    let world = World::with_people(5).await;
    for (kind, at_least) in [("trickle", 1), ("endless", 20 * 1024 * 1024)] {
        world.fault(json!({"on": "users", "kind": kind, "times": 1})).await;
        let asked = world.http.get(world.url("v1.0/users")).bearer_auth(world.token());
        let mut response = asked.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut read = 0;
        while read < at_least {
            read += response.chunk().await.unwrap().expect("there is more").len();
        }
        if kind == "trickle" {
            assert_eq!(read, 1, "a byte at a time");
        }
    }
}

#[tokio::test]
async fn gone_and_expired_say_start_over_in_their_two_ways() {
    let world = World::with_people(5).await;
    let (_, link) = world.whole("users/delta").await;
    let link = link.unwrap();
    world
        .fault(json!({"on": "users/delta", "kind": "gone", "times": 1}))
        .await;
    let gone = world.graph(&link).await;
    assert_eq!(gone.status, 410);
    assert!(gone.headers.contains_key("location"));
    world
        .fault(json!({"on": "users/delta", "kind": "expired_delta", "times": 1}))
        .await;
    let expired = world.graph(&link).await;
    assert_eq!(
        (expired.status.as_u16(), expired.code().as_str()),
        (400, "syncStateNotFound")
    );
}

#[tokio::test]
async fn an_empty_first_page_leads_on_to_everybody() {
    let world = World::with_people(150).await;
    world
        .fault(json!({"on": "users", "kind": "empty_first_page", "times": 1}))
        .await;
    let first = world.graph("users?$select=id").await;
    assert!(first.items().is_empty());
    let (items, _) = world.whole(first.json()["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(items.len(), 150);
}

#[tokio::test]
async fn a_loop_leads_to_itself_and_a_foreign_link_to_somebody_else() {
    let world = World::with_people(5).await;
    world.fault(json!({"on": "users", "kind": "loop"})).await;
    world
        .fault(json!({"on": "groups", "kind": "foreign_link", "link": "https://evil.example/v1.0/groups"}))
        .await;
    let looping = world.graph("users?$top=2").await.json();
    assert_eq!(looping["@odata.nextLink"], world.url("v1.0/users?$top=2"));
    let foreign = world.graph("groups").await.json();
    assert_eq!(foreign["@odata.nextLink"], "https://evil.example/v1.0/groups");
}

#[tokio::test]
async fn doubled_items_are_there_twice() {
    let world = World::with_people(5).await;
    world.fault(json!({"on": "users", "kind": "duplicate"})).await;
    assert_eq!(world.graph("users").await.items().len(), 10);
}

#[tokio::test]
async fn a_missing_permission_is_refused_in_the_words_of_the_service() {
    let world = World::with_people(5).await;
    world
        .fault(json!({"on": "*", "kind": "missing_permission", "times": 2}))
        .await;
    let directory = world.graph("users").await;
    assert_eq!(
        (directory.status.as_u16(), directory.code().as_str()),
        (403, "Authorization_RequestDenied")
    );
    let intune = world.graph("deviceManagement/managedDevices").await;
    assert_eq!((intune.status.as_u16(), intune.code().as_str()), (403, "Forbidden"));
    let message: Value = serde_json::from_str(intune.json()["error"]["message"].as_str().unwrap()).unwrap();
    assert!(
        message["Message"]
            .as_str()
            .unwrap()
            .contains("DeviceManagementManagedDevices.Read.All")
    );
}

#[tokio::test]
async fn an_expired_token_is_401_and_a_new_one_works() {
    let mut world = World::with_people(5).await;
    world.control_at(Method::POST, "tokens/expire", Value::Null).await;
    let reply = world.graph("users").await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (401, "InvalidAuthenticationToken")
    );
    world.renew_token().await;
    assert_eq!(world.graph("users").await.status, 200);
}

#[tokio::test]
async fn some_pass_before_trouble_begins() {
    let world = World::with_people(5).await;
    world
        .fault(json!({"on": "users", "kind": "unauthorized", "skip": 2, "times": 1}))
        .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(world.graph("users").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 401, 200]);
}

#[tokio::test]
async fn a_held_request_waits_until_it_is_let_go_and_its_being_held_can_be_awaited() {
    let world = World::with_people(5).await;
    let fault = world.fault(json!({"on": "users", "kind": "hold"})).await;
    let path = format!("faults/{}", fault["id"].as_str().unwrap());
    let held = world.graph("users");
    let watching = async {
        let hit = world
            .control(Method::GET, &format!("{path}?hits=1"), Value::Null)
            .await
            .json();
        assert_eq!(hit["hits"], 1);
        assert_eq!(world.graph("groups").await.status, 200, "others go on");
        world.control(Method::DELETE, &path, Value::Null).await
    };
    let (held, removed) = tokio::join!(held, watching);
    assert_eq!((held.status.as_u16(), removed.status.as_u16()), (200, 204));
}

#[tokio::test]
async fn the_token_endpoint_has_its_own_troubles() {
    let world = World::with_people(5).await;
    let tenant = world.tenant.id.to_string();
    world
        .fault(json!({"on": "token", "kind": "status", "code": "AADSTS7000222", "times": 1}))
        .await;
    let expired = world.ask_token(&tenant, &[]).await;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.json()["error_codes"], json!([7000222]));
    world
        .fault(json!({"on": "token", "kind": "throttle", "retryAfter": 3, "times": 1}))
        .await;
    let throttled = world.ask_token(&tenant, &[]).await;
    assert_eq!(
        (throttled.status.as_u16(), &throttled.headers["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    world.fault(json!({"on": "token", "kind": "html", "times": 1})).await;
    assert!(world.ask_token(&tenant, &[]).await.text.starts_with("<!DOCTYPE"));
    assert_eq!(world.graph("users").await.status, 200, "Graph is another place");
}

#[tokio::test]
async fn each_part_of_a_batch_meets_its_own_trouble() {
    let world = World::with_people(5).await;
    world
        .fault(json!({"on": "users", "kind": "throttle", "retryAfter": 4, "times": 1}))
        .await;
    let parts = json!([
        {"id": "1", "method": "GET", "url": "/users?$top=1"},
        {"id": "2", "method": "GET", "url": "/users?$top=1"},
        {"id": "3", "method": "GET", "url": "/users/no-such", "dependsOn": ["1"]},
    ]);
    let reply = world.batch(parts).await;
    assert_eq!(reply.status, 200);
    let responses = reply.json()["responses"].clone();
    assert_eq!(
        (&responses[0]["status"], &responses[0]["headers"]["Retry-After"]),
        (&json!(429), &json!("4"))
    );
    assert_eq!(
        (&responses[1]["status"], &responses[2]["status"]),
        (&json!(200), &json!(424))
    );
}
