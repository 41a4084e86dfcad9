//! Admin consent: given, refused, late, narrowed and revoked.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CALLBACK, CLIENT, PERMISSIONS, Reply, World};

fn page(authority: &str) -> String {
    format!(
        "{authority}/v2.0/adminconsent?client_id={CLIENT}&scope=https://graph.microsoft.com/.default&redirect_uri={CALLBACK}&state=s1"
    )
}

fn sent_back(reply: &Reply) -> HashMap<String, String> {
    let location = reply.location();
    assert!(location.as_str().starts_with(CALLBACK));
    location.query_pairs().into_owned().collect()
}

async fn unconsented() -> World {
    let world = World::with_people(5).await;
    let revoked = world
        .control(Method::DELETE, &format!("consents/{CLIENT}"), Value::Null)
        .await;
    assert_eq!(revoked.status, 204);
    world
}

#[tokio::test]
async fn a_grant_sends_back_the_tenant_and_lets_the_application_in() {
    let mut world = unconsented().await;
    let tenant = world.tenant.id.to_string();
    let shown = world.get(&page(&tenant)).await;
    assert!(PERMISSIONS.iter().all(|permission| shown.text.contains(permission)) && !shown.text.contains("<script"));
    let answer = sent_back(&world.post_form(&page(&tenant), &[("decision", "grant")], None).await);
    assert_eq!(
        (
            answer["admin_consent"].as_str(),
            &answer["tenant"],
            answer["state"].as_str()
        ),
        ("True", &tenant, "s1")
    );
    assert_eq!(answer["scope"], "https://graph.microsoft.com/.default");
    world.renew_token().await;
    assert_eq!(world.graph("users").await.status, 200);
}

#[tokio::test]
async fn a_refusal_says_admin_consent_true_as_well() {
    let world = unconsented().await;
    let tenant = world.tenant.id.to_string();
    let answer = sent_back(&world.post_form(&page(&tenant), &[("decision", "refuse")], None).await);
    assert_eq!(
        (answer["admin_consent"].as_str(), answer["error"].as_str()),
        ("True", "consent_required")
    );
    assert!(answer["error_description"].starts_with("AADSTS65004"));
    assert_eq!(
        world.ask_token(&tenant, &[]).await.json()["error_codes"],
        json!([700016])
    );
}

#[tokio::test]
async fn the_older_endpoint_refuses_in_its_own_words_and_grants_without_a_scope() {
    let world = unconsented().await;
    let url = format!(
        "{}/adminconsent?client_id={CLIENT}&redirect_uri={CALLBACK}&state=s1",
        world.tenant.id
    );
    let refused = sent_back(&world.post_form(&url, &[("decision", "refuse")], None).await);
    assert_eq!(
        (refused["error"].as_str(), refused["error_description"].as_str()),
        ("permission_denied", "The admin canceled the request")
    );
    let granted = sent_back(&world.post_form(&url, &[("decision", "grant")], None).await);
    assert!(!granted.contains_key("scope") && granted["admin_consent"] == "True");
}

#[tokio::test]
async fn for_any_organization_the_account_is_asked_first_and_must_be_an_administrator() {
    let world = unconsented().await;
    let picker = world.get(&page("organizations")).await;
    assert!(picker.text.contains("name=\"account\"") && !picker.text.contains("name=\"decision\""));
    let administrator = world.tenant.administrators[0].to_string();
    let question = world
        .post_form(&page("organizations"), &[("account", &administrator)], None)
        .await;
    assert!(question.text.contains("value=\"grant\"") && question.text.contains(&administrator));
    let granted = sent_back(
        &world
            .post_form(
                &page("organizations"),
                &[("account", &administrator), ("decision", "grant")],
                None,
            )
            .await,
    );
    assert_eq!(granted["tenant"], world.tenant.id.to_string());
    let member = world.tenant.accounts[1].oid.to_string();
    let refused = sent_back(
        &world
            .post_form(
                &page("organizations"),
                &[("account", &member), ("decision", "grant")],
                None,
            )
            .await,
    );
    assert!(refused["error_description"].starts_with("AADSTS90094"));
}

#[tokio::test]
async fn a_wrong_redirect_uri_or_application_is_a_page() {
    let world = unconsented().await;
    let tenant = world.tenant.id.to_string();
    for url in [
        page(&tenant).replace(CALLBACK, "http://evil.example/"),
        page(&tenant).replace(CLIENT, "no-such-client"),
        page("common"),
        page("no-such.example"),
    ] {
        let reply = world.post_form(&url, &[("decision", "grant")], None).await;
        assert!(reply.status == 400 && !reply.headers.contains_key("location"), "{url}");
    }
}

#[tokio::test]
async fn a_late_consent_gives_tokens_at_once_and_access_after_so_many_requests() {
    let mut world = unconsented().await;
    world
        .control_at(
            Method::PATCH,
            &format!("tenants/{}", world.tenant.id),
            json!({"consentDelayRequests": 2}),
        )
        .await;
    world
        .post_form(&page(&world.tenant.id.to_string()), &[("decision", "grant")], None)
        .await;
    world.renew_token().await;
    for expected in [403, 403, 200] {
        let reply = world.graph("organization").await;
        assert_eq!(reply.status, expected);
        assert!(expected == 200 || reply.code() == "Authorization_RequestDenied");
    }
}

#[tokio::test]
async fn a_consent_can_be_late_by_the_clock() {
    let mut world = unconsented().await;
    let path = format!("consents/{CLIENT}");
    world
        .control(Method::PUT, &path, json!({"effectiveAfterSeconds": 3600}))
        .await;
    world.renew_token().await;
    assert_eq!(world.graph("organization").await.code(), "Authorization_RequestDenied");
    world.control(Method::PUT, &path, json!({})).await;
    assert_eq!(world.graph("organization").await.status, 200);
}

#[tokio::test]
async fn after_a_revocation_old_tokens_are_strangers_and_new_ones_are_refused() {
    let world = unconsented().await;
    assert_eq!(world.graph("users").await.code(), "Authorization_IdentityNotFound");
    let reply = world.ask_token(&world.tenant.id.to_string(), &[]).await;
    assert_eq!(
        (&reply.json()["error"], &reply.json()["error_codes"]),
        (&json!("unauthorized_client"), &json!([700016]))
    );
}
