//! A person's way through sign-in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use m365_simulator::ApplicationSpec;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{CALLBACK, CLIENT, Reply, World, application, id};

pub const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-taken-for-one";

pub fn authorize(authority: &str, more: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!(
        "{authority}/oauth2/v2.0/authorize?client_id={CLIENT}&redirect_uri={CALLBACK}&response_type=code&scope=openid%20profile&state=s1&nonce=n1&code_challenge={challenge}&code_challenge_method=S256{more}"
    )
}

pub fn parameter(reply: &Reply, name: &str) -> Option<String> {
    reply
        .location()
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub async fn redeem(world: &World, authority: &str, code: &str, verifier: &str) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
        ("client_info", "1"),
        ("scope", ""),
    ];
    world.ask_token(authority, &form).await
}

async fn sign_in(world: &World, authority: &str, account: &str) -> Value {
    let reply = world
        .post_form(&authorize(authority, ""), &[("account", account)], None)
        .await;
    let code = parameter(&reply, "code").unwrap();
    redeem(world, authority, &code, VERIFIER).await.json()
}

/// The claims of an id token, checked against the published keys as any relying party would.
pub async fn claims(world: &World, id_token: &str) -> Value {
    let keys = world.get("common/discovery/v2.0/keys").await.json();
    let kid = jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid)
        .unwrap();
    let key = DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[CLIENT]);
    jsonwebtoken::decode::<Value>(id_token, &key, &validation)
        .unwrap()
        .claims
}

/// The claims of whoever signs in to the tenant.
pub async fn claims_of(world: &World, account: &str) -> Value {
    let tokens = sign_in(world, &world.tenant.id.to_string(), account).await;
    claims(world, tokens["id_token"].as_str().unwrap()).await
}

#[tokio::test]
async fn an_administrator_signs_in_and_the_id_token_says_who_they_are() {
    let world = World::with_people(30).await;
    let administrator = world.tenant.accounts[0].clone();
    let tokens = sign_in(&world, "organizations", &administrator.oid.to_string()).await;
    let claims = claims(&world, tokens["id_token"].as_str().unwrap()).await;
    let tenant = world.tenant.id.to_string();
    assert_eq!(claims["iss"], world.url(&format!("{tenant}/v2.0")));
    assert_eq!(
        (&claims["tid"], &claims["oid"]),
        (&json!(tenant), &json!(administrator.oid))
    );
    assert_eq!(
        (&claims["nonce"], &claims["ver"], &claims["acct"]),
        (&json!("n1"), &json!("2.0"), &json!(0))
    );
    assert_eq!(
        (&claims["name"], &claims["preferred_username"]),
        (&json!(administrator.name), &json!(administrator.username))
    );
    assert!(
        claims["wids"]
            .as_array()
            .unwrap()
            .contains(&json!("62e90394-69f5-4237-9190-012177145e10"))
    );
    assert!(claims["sid"].is_string() && claims["login_hint"].is_string() && claims["sub"].is_string());
    let info: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(tokens["client_info"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(info, json!({"uid": administrator.oid, "utid": world.tenant.id}));
}

#[tokio::test]
async fn a_member_has_no_administrators_role_and_a_guest_is_marked() {
    let world = World::with_people(80).await;
    let member = world.tenant.accounts[1].oid.to_string();
    let of_member = claims_of(&world, &member).await;
    assert!(!of_member["wids"].to_string().contains("62e90394"));
    let people = world.people().await;
    let guest = people
        .iter()
        .find(|person| person["userType"] == "Guest" && person["accountEnabled"] == true)
        .unwrap();
    assert_eq!(claims_of(&world, &id(guest)).await["acct"], 1);
}

#[tokio::test]
async fn wids_can_be_left_out_by_the_registration() {
    let world = World::with_people(5).await;
    world.simulator.add_application(ApplicationSpec {
        emit_wids: false,
        ..application(world.tenant.id)
    });
    let tokens = sign_in(&world, "organizations", &world.tenant.administrators[0].to_string()).await;
    assert!(
        claims(&world, tokens["id_token"].as_str().unwrap())
            .await
            .get("wids")
            .is_none()
    );
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier() {
    let world = World::with_people(5).await;
    let account = world.tenant.administrators[0].to_string();
    let reply = world
        .post_form(&authorize("organizations", ""), &[("account", &account)], None)
        .await;
    assert_eq!(parameter(&reply, "state").as_deref(), Some("s1"));
    let code = parameter(&reply, "code").unwrap();
    assert_eq!(redeem(&world, "organizations", &code, VERIFIER).await.status, 200);
    let again = redeem(&world, "organizations", &code, VERIFIER).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["error_codes"]),
        (400, &json!([54005]))
    );
    let reply = world
        .post_form(&authorize("organizations", ""), &[("account", &account)], None)
        .await;
    let wrong = redeem(
        &world,
        "organizations",
        &parameter(&reply, "code").unwrap(),
        "another-verifier",
    )
    .await;
    assert_eq!(
        (&wrong.json()["error"], &wrong.json()["error_codes"]),
        (&json!("invalid_grant"), &json!([501481]))
    );
    assert_eq!(
        redeem(&world, "organizations", "no-such-code", VERIFIER).await.json()["error_codes"],
        json!([70000])
    );
}

#[tokio::test]
async fn a_wrong_redirect_uri_is_a_page_and_never_a_redirect() {
    let world = World::with_people(5).await;
    let url = authorize("organizations", "").replace(CALLBACK, "http://evil.example/");
    for reply in [
        world.get(&url).await,
        world
            .post_form(&url, &[("account", &world.tenant.administrators[0].to_string())], None)
            .await,
    ] {
        assert_eq!(reply.status, 400);
        assert!(!reply.headers.contains_key("location") && reply.text.contains("AADSTS50011"));
    }
}

#[tokio::test]
async fn the_picker_is_a_plain_form_that_finds_people_by_name() {
    let world = World::with_people(400).await;
    let all = world.get(&authorize("organizations", "")).await;
    assert_eq!(all.text.matches("name=\"account\"").count(), 50);
    assert!(!all.text.contains("<script"));
    let username = &world.tenant.accounts[1].username;
    let found = world.get(&authorize("organizations", &format!("&q={username}"))).await;
    assert_eq!(found.text.matches("name=\"account\"").count(), 1);
    assert!(found.text.contains(username.as_str()));
    let posted = world.get(&authorize("organizations", "&response_mode=form_post")).await;
    assert_eq!(posted.status, 200);
}

#[tokio::test]
async fn form_post_sends_the_code_in_a_form() {
    let world = World::with_people(5).await;
    let url = authorize("organizations", "&response_mode=form_post");
    let reply = world
        .post_form(&url, &[("account", &world.tenant.administrators[0].to_string())], None)
        .await;
    assert_eq!(reply.status, 200);
    assert!(reply.text.contains(&format!("action=\"{CALLBACK}\"")) && reply.text.contains("name=\"code\""));
}

#[tokio::test]
async fn a_silent_sign_in_needs_a_session_and_signing_out_ends_it() {
    let world = World::with_people(5).await;
    world.simulator.add_application(ApplicationSpec {
        logout_url: Some("http://localhost:3000/front".to_owned()),
        ..application(world.tenant.id)
    });
    let silent = authorize("organizations", "&prompt=none");
    assert_eq!(
        parameter(&world.get(&silent).await, "error").as_deref(),
        Some("login_required")
    );
    let reply = world
        .post_form(
            &authorize("organizations", ""),
            &[("account", &world.tenant.administrators[0].to_string())],
            None,
        )
        .await;
    let cookie = reply.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let with_cookie = |url: String| world.http.get(url).header("cookie", &cookie).send();
    let reply = with_cookie(world.url(&silent)).await.unwrap();
    assert!(reply.headers()["location"].to_str().unwrap().contains("code="));
    let out = with_cookie(world.url(&format!(
        "common/oauth2/v2.0/logout?post_logout_redirect_uri={CALLBACK}"
    )))
    .await
    .unwrap()
    .text()
    .await
    .unwrap();
    let sid = cookie.split('=').nth(1).unwrap();
    assert!(out.contains(&format!("http://localhost:3000/front?sid={sid}")), "{out}");
    let reply = with_cookie(world.url(&silent)).await.unwrap();
    assert!(reply.headers()["location"].to_str().unwrap().contains("login_required"));
}

#[tokio::test]
async fn discovery_gives_a_tenants_issuer_and_the_template_otherwise() {
    let world = World::with_people(5).await;
    let tenant = world.tenant.id.to_string();
    let own = world
        .get(&format!("{tenant}/v2.0/.well-known/openid-configuration"))
        .await
        .json();
    assert_eq!(own["issuer"], world.url(&format!("{tenant}/v2.0")));
    for word in ["organizations", "common"] {
        let document = world
            .get(&format!("{word}/v2.0/.well-known/openid-configuration"))
            .await
            .json();
        assert_eq!(document["issuer"], world.url("{tenantid}/v2.0"));
        assert_eq!(
            document["token_endpoint"],
            world.url(&format!("{word}/oauth2/v2.0/token"))
        );
    }
    let unknown = world
        .get(&format!("{}/v2.0/.well-known/openid-configuration", Uuid::new_v4()))
        .await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["error"]),
        (400, &json!("invalid_tenant"))
    );
}

#[tokio::test]
async fn a_rotated_key_is_published_beside_the_one_before() {
    let world = World::with_people(5).await;
    let before = world.get("common/discovery/v2.0/keys").await.json()["keys"].clone();
    world.control_at(Method::POST, "keys/rotate", Value::Null).await;
    let after = world.get("common/discovery/v2.0/keys").await.json()["keys"].clone();
    assert_eq!((after.as_array().unwrap().len(), &after[0]), (2, &before[0]));
    let tokens = sign_in(&world, "organizations", &world.tenant.administrators[0].to_string()).await;
    let kid = jsonwebtoken::decode_header(tokens["id_token"].as_str().unwrap())
        .unwrap()
        .kid
        .unwrap();
    assert_eq!(after[1]["kid"], kid);
    claims(&world, tokens["id_token"].as_str().unwrap()).await;
}
