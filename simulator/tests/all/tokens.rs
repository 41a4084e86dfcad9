//! An application's way to a token: by secret, by certificate, and every way in which it is refused.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use m365_simulator::ApplicationSpec;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{CLIENT, SECRET, World, application};

#[tokio::test]
async fn a_token_carries_the_roles_that_were_consented() {
    let world = World::with_people(5).await;
    let reply = world.ask_token(&world.tenant.id.to_string(), &[]).await;
    assert!(reply.headers["cache-control"].to_str().unwrap().contains("no-store"));
    let payload = reply.json()["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap()
        .to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!((&claims["idtyp"], &claims["appid"]), (&json!("app"), &json!(CLIENT)));
    assert!(claims["roles"].as_array().unwrap().contains(&json!("User.Read.All")));
}

#[tokio::test]
async fn each_mistake_at_the_token_endpoint_has_its_number() {
    let world = World::with_people(5).await;
    let tenant = world.tenant.id.to_string();
    let unknown = Uuid::new_v4().to_string();
    let expect = async |authority: &str, more: &[(&str, &str)], status: u16, error: &str, number: u32| {
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
        assert!(body["trace_id"].is_string() && body["correlation_id"].is_string() && body["timestamp"].is_string());
    };
    expect(&tenant, &[("client_secret", "wrong")], 401, "invalid_client", 7000215).await;
    expect(&tenant, &[("client_secret", "")], 401, "invalid_client", 7000218).await;
    expect(&tenant, &[("client_id", &unknown)], 400, "unauthorized_client", 700016).await;
    expect(&unknown, &[], 400, "invalid_request", 90002).await;
    expect("common", &[], 400, "invalid_request", 9001023).await;
    expect(&tenant, &[("scope", "User.Read.All")], 400, "invalid_scope", 70011).await;
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
            let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
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
    let elsewhere = ask(assertion(Algorithm::PS256, true, "https://evil.example/", now + 300.0)).await;
    assert_eq!(elsewhere.json()["error_codes"], json!([50012]));
    let mut forged = assertion(Algorithm::PS256, true, &endpoint, now + 300.0);
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(ask(forged).await.json()["error_codes"], json!([700027]));
}
