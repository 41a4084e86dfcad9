//! A person's way through sign-in, and an application's way to a token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use m365_simulator::ApplicationSpec;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{CALLBACK, CLIENT, Reply, SECRET, World, application, id};

const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-taken-for-one";

fn authorize(authority: &str, more: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!(
        "{authority}/oauth2/v2.0/authorize?client_id={CLIENT}&redirect_uri={CALLBACK}&response_type=code&scope=openid%20profile&state=s1&nonce=n1&code_challenge={challenge}&code_challenge_method=S256{more}"
    )
}

fn parameter(reply: &Reply, name: &str) -> Option<String> {
    reply
        .location()
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn redeem(world: &World, authority: &str, code: &str, verifier: &str) -> Reply {
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
async fn claims(world: &World, id_token: &str) -> Value {
    let keys = world.get("common/discovery/v2.0/keys").await.json();
    let kid = jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid)
        .unwrap();
    let key =
        DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap())
            .unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[CLIENT]);
    jsonwebtoken::decode::<Value>(id_token, &key, &validation)
        .unwrap()
        .claims
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
    assert!(
        claims["sid"].is_string() && claims["login_hint"].is_string() && claims["sub"].is_string()
    );
    let info: Value = serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(tokens["client_info"].as_str().unwrap())
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        info,
        json!({"uid": administrator.oid, "utid": world.tenant.id})
    );
}

#[tokio::test]
async fn a_member_has_no_administrators_role_a_guest_is_marked_and_app_roles_show() {
    let world = World::with_people(80).await;
    let member = world.tenant.accounts[1].oid.to_string();
    let roles = json!({"clientId": CLIENT, "roles": ["ADMIN"]});
    world
        .control(Method::PUT, &format!("appRoles/{member}"), roles)
        .await;
    let tokens = sign_in(&world, &world.tenant.id.to_string(), &member).await;
    let of_member = claims(&world, tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(of_member["roles"], json!(["ADMIN"]));
    assert!(!of_member["wids"].to_string().contains("62e90394"));
    let people = world.people().await;
    let guest = people
        .iter()
        .find(|person| person["userType"] == "Guest" && person["accountEnabled"] == true)
        .unwrap();
    let tokens = sign_in(&world, &world.tenant.id.to_string(), &id(guest)).await;
    assert_eq!(
        claims(&world, tokens["id_token"].as_str().unwrap()).await["acct"],
        1
    );
}

#[tokio::test]
async fn wids_can_be_left_out_by_the_registration() {
    let world = World::with_people(5).await;
    world.simulator.add_application(ApplicationSpec {
        emit_wids: false,
        ..application(world.tenant.id)
    });
    let tokens = sign_in(
        &world,
        "organizations",
        &world.tenant.administrators[0].to_string(),
    )
    .await;
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
        .post_form(
            &authorize("organizations", ""),
            &[("account", &account)],
            None,
        )
        .await;
    assert_eq!(parameter(&reply, "state").as_deref(), Some("s1"));
    let code = parameter(&reply, "code").unwrap();
    assert_eq!(
        redeem(&world, "organizations", &code, VERIFIER)
            .await
            .status,
        200
    );
    let again = redeem(&world, "organizations", &code, VERIFIER).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["error_codes"]),
        (400, &json!([54005]))
    );
    let reply = world
        .post_form(
            &authorize("organizations", ""),
            &[("account", &account)],
            None,
        )
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
        redeem(&world, "organizations", "no-such-code", VERIFIER)
            .await
            .json()["error_codes"],
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
            .post_form(
                &url,
                &[("account", &world.tenant.administrators[0].to_string())],
                None,
            )
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
    let found = world
        .get(&authorize("organizations", &format!("&q={username}")))
        .await;
    assert_eq!(found.text.matches("name=\"account\"").count(), 1);
    assert!(found.text.contains(username.as_str()));
    let posted = world
        .get(&authorize("organizations", "&response_mode=form_post"))
        .await;
    assert_eq!(posted.status, 200);
}

#[tokio::test]
async fn form_post_sends_the_code_in_a_form() {
    let world = World::with_people(5).await;
    let url = authorize("organizations", "&response_mode=form_post");
    let reply = world
        .post_form(
            &url,
            &[("account", &world.tenant.administrators[0].to_string())],
            None,
        )
        .await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.text.contains(&format!("action=\"{CALLBACK}\""))
            && reply.text.contains("name=\"code\"")
    );
}

#[tokio::test]
async fn a_disabled_person_cannot_sign_in() {
    let world = World::with_people(5).await;
    let member = world.tenant.accounts[1].oid.to_string();
    world
        .control(
            Method::PATCH,
            &format!("people/{member}"),
            json!({"accountEnabled": false}),
        )
        .await;
    let reply = world
        .post_form(
            &authorize("organizations", ""),
            &[("account", &member)],
            None,
        )
        .await;
    assert!(reply.status == 400 && reply.text.contains("AADSTS50057"));
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
    assert!(
        reply.headers()["location"]
            .to_str()
            .unwrap()
            .contains("code=")
    );
    let out = with_cookie(world.url(&format!(
        "common/oauth2/v2.0/logout?post_logout_redirect_uri={CALLBACK}"
    )))
    .await
    .unwrap()
    .text()
    .await
    .unwrap();
    let sid = cookie.split('=').nth(1).unwrap();
    assert!(
        out.contains(&format!("http://localhost:3000/front?sid={sid}")),
        "{out}"
    );
    let reply = with_cookie(world.url(&silent)).await.unwrap();
    assert!(
        reply.headers()["location"]
            .to_str()
            .unwrap()
            .contains("login_required")
    );
}

#[tokio::test]
async fn a_token_carries_the_roles_that_were_consented() {
    let world = World::with_people(5).await;
    let reply = world.ask_token(&world.tenant.id.to_string(), &[]).await;
    assert!(
        reply.headers["cache-control"]
            .to_str()
            .unwrap()
            .contains("no-store")
    );
    let payload = reply.json()["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap()
        .to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(
        (&claims["idtyp"], &claims["appid"]),
        (&json!("app"), &json!(CLIENT))
    );
    assert!(
        claims["roles"]
            .as_array()
            .unwrap()
            .contains(&json!("User.Read.All"))
    );
}

#[tokio::test]
async fn each_mistake_at_the_token_endpoint_has_its_number() {
    let world = World::with_people(5).await;
    let tenant = world.tenant.id.to_string();
    let unknown = Uuid::new_v4().to_string();
    let expect =
        async |authority: &str, more: &[(&str, &str)], status: u16, error: &str, number: u32| {
            let reply = world.ask_token(authority, more).await;
            let body = reply.json();
            assert_eq!(
                (reply.status.as_u16(), &body["error"], &body["error_codes"]),
                (status, &json!(error), &json!([number]))
            );
            assert!(
                body["error_description"]
                    .as_str()
                    .unwrap()
                    .starts_with(&format!("AADSTS{number}: "))
            );
            assert!(
                body["trace_id"].is_string()
                    && body["correlation_id"].is_string()
                    && body["timestamp"].is_string()
            );
        };
    expect(
        &tenant,
        &[("client_secret", "wrong")],
        401,
        "invalid_client",
        7000215,
    )
    .await;
    expect(
        &tenant,
        &[("client_secret", "")],
        401,
        "invalid_client",
        7000218,
    )
    .await;
    expect(
        &tenant,
        &[("client_id", &unknown)],
        400,
        "unauthorized_client",
        700016,
    )
    .await;
    expect(&unknown, &[], 400, "invalid_request", 90002).await;
    expect("common", &[], 400, "invalid_request", 9001023).await;
    expect(
        &tenant,
        &[("scope", "User.Read.All")],
        400,
        "invalid_scope",
        70011,
    )
    .await;
    expect(
        &tenant,
        &[("scope", "https://example.com/.default")],
        400,
        "invalid_resource",
        500011,
    )
    .await;
    expect(
        &tenant,
        &[("grant_type", "password")],
        400,
        "unsupported_grant_type",
        70003,
    )
    .await;
    world.simulator.add_application(ApplicationSpec {
        secret_expired: true,
        ..application(world.tenant.id)
    });
    expect(&tenant, &[], 401, "invalid_client", 7000222).await;
}

#[tokio::test]
async fn a_secret_may_come_as_basic_credentials() {
    let world = World::with_people(5).await;
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let url = world.url(&format!("{}/oauth2/v2.0/token", world.tenant.id));
    let request = world.http.post(url).form(&form).header(
        "authorization",
        format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{encoded}"))),
    );
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_certificate_proves_an_application_in_both_ways_that_microsofts_libraries_use() {
    let world = World::with_people(5).await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    world.simulator.add_application(ApplicationSpec {
        client_secret: None,
        certificate_pem: Some(certificate.pem()),
        ..application(world.tenant.id)
    });
    let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
    let tenant = world.tenant.id.to_string();
    let endpoint = world.url(&format!("{tenant}/oauth2/v2.0/token"));
    let now = jsonwebtoken::get_current_timestamp() as f64 + 0.25;
    let assertion = |algorithm, sha256: bool, audience: &str, expires: f64| {
        let mut header = Header::new(algorithm);
        // The padding stays on, as Microsoft's libraries leave it.
        if sha256 {
            header.x5t_s256 = Some(URL_SAFE.encode(Sha256::digest(certificate.der())));
        } else {
            let sha1 = aws_lc_rs::digest::digest(
                &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
                certificate.der(),
            );
            header.x5t = Some(URL_SAFE.encode(sha1));
        }
        let claims = json!({"aud": audience, "iss": CLIENT, "sub": CLIENT, "jti": Uuid::new_v4(), "nbf": now, "iat": now, "exp": expires});
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let ask = async |assertion: String| {
        let form = [
            ("client_secret", ""),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ];
        world.ask_token(&tenant, &form).await
    };
    assert_eq!(
        ask(assertion(Algorithm::PS256, true, &endpoint, now + 300.0))
            .await
            .status,
        200
    );
    assert_eq!(
        ask(assertion(Algorithm::RS256, false, &endpoint, now + 300.0))
            .await
            .status,
        200
    );
    let late = ask(assertion(Algorithm::PS256, true, &endpoint, now - 3_600.0)).await;
    assert_eq!(late.json()["error_codes"], json!([700024]));
    let elsewhere = ask(assertion(
        Algorithm::PS256,
        true,
        "https://evil.example/",
        now + 300.0,
    ))
    .await;
    assert_eq!(elsewhere.json()["error_codes"], json!([50012]));
    let mut forged = assertion(Algorithm::PS256, true, &endpoint, now + 300.0);
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(ask(forged).await.json()["error_codes"], json!([700027]));
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
        .get(&format!(
            "{}/v2.0/.well-known/openid-configuration",
            Uuid::new_v4()
        ))
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
    world
        .control_at(Method::POST, "keys/rotate", Value::Null)
        .await;
    let after = world.get("common/discovery/v2.0/keys").await.json()["keys"].clone();
    assert_eq!(
        (after.as_array().unwrap().len(), &after[0]),
        (2, &before[0])
    );
    let tokens = sign_in(
        &world,
        "organizations",
        &world.tenant.administrators[0].to_string(),
    )
    .await;
    let kid = jsonwebtoken::decode_header(tokens["id_token"].as_str().unwrap())
        .unwrap()
        .kid
        .unwrap();
    assert_eq!(after[1]["kid"], kid);
    claims(&world, tokens["id_token"].as_str().unwrap()).await;
}
