//! Tokens: one for each tenant, asked for once, renewed in time, and never another tenant's.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures::future::join_all;
use serde_json::json;
use tenantry::microsoft::{Cloud, Credential, Microsoft, Patience, Secret, Settings, Trouble};
use tokio::sync::watch;
use url::Url;
use uuid::Uuid;

use super::fake::{Fake, Say, graph_error, ok, say, token};
use super::{TENANT, microsoft};

#[tokio::test]
async fn many_who_need_a_token_wait_for_one() {
    let (open, gate) = watch::channel(false);
    let fake = Fake::start(move |asked| {
        asked
            .is_for_token()
            .then(|| Say::Later(gate.clone(), Box::new(token("one-for-all"))))
    })
    .await;
    let microsoft = microsoft(&fake);
    let graphs: Vec<_> = (0..20).map(|_| microsoft.graph(TENANT)).collect();
    let all = join_all(graphs.iter().map(async |graph| graph.users().next().await.map(|_| ())));
    let opened = async {
        fake.until_asked(1).await;
        open.send(true).unwrap();
    };
    let (all, ()) = tokio::join!(all, opened);
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((fake.token_requests(), fake.asked_graph().len()), (1, 20));
}

#[tokio::test]
async fn each_tenant_has_its_own_token() {
    let fake = Fake::start(|asked| asked.is_for_token().then(|| token(&asked.path()[1..37]))).await;
    let microsoft = microsoft(&fake);
    let tenants: Vec<_> = (0..5).map(|_| Uuid::new_v4()).collect();
    for tenant in tenants.iter().chain(&tenants) {
        microsoft.graph(*tenant).users().next().await.unwrap();
        let last = fake.asked_graph().pop().unwrap();
        assert_eq!(last.headers["authorization"], format!("Bearer {tenant}"));
    }
    assert_eq!(fake.token_requests(), 5);
}

#[tokio::test]
async fn a_forgotten_token_is_asked_for_anew() {
    let fake = Fake::start(|_| None).await;
    let microsoft = microsoft(&fake);
    let graph = microsoft.graph(TENANT);
    graph.users().next().await.unwrap();
    graph.users().next().await.unwrap();
    assert_eq!(fake.token_requests(), 1);
    microsoft.forget_token(TENANT);
    graph.users().next().await.unwrap();
    assert_eq!(fake.token_requests(), 2);
}

#[tokio::test]
async fn a_token_from_before_the_consent_is_not_kept() {
    let fake = Fake::start(|asked| {
        match (
            asked.is_for_token(),
            asked.headers.get("authorization").map(String::as_str),
        ) {
            (true, _) => Some(token(&format!("token-{}", asked.nth))),
            (false, Some("Bearer token-0")) => Some(graph_error(403, "Authorization_RequestDenied", "")),
            _ => None,
        }
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    assert!(matches!(
        graph.users().next().await,
        Err(Trouble::PermissionMissing { .. })
    ));
    assert!(graph.users().next().await.is_ok());
    assert_eq!(fake.token_requests(), 2);
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed() {
    let fake = Fake::start(|asked| {
        asked
            .is_for_token()
            .then(|| ok(json!({"token_type": "Bearer", "expires_in": 0, "access_token": "short"})))
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    graph.users().next().await.unwrap();
    graph.users().next().await.unwrap();
    assert_eq!(fake.token_requests(), 2);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let fake = Fake::start(|asked| {
        let first = asked.is_for_token() && asked.nth == 0;
        first.then(|| super::fake::entra_error(400, "unauthorized_client", 700_016))
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    assert_eq!(graph.users().next().await.err(), Some(Trouble::ConsentMissing));
    assert!(graph.users().next().await.is_ok());
}

#[tokio::test]
async fn two_that_fail_with_one_token_ask_for_one_new() {
    let fake = Fake::start(|asked| match (asked.is_for_token(), asked.nth) {
        (true, nth) => Some(token(&format!("token-{nth}"))),
        _ => (asked.headers.get("authorization").map(String::as_str) == Some("Bearer token-0"))
            .then(|| graph_error(401, "InvalidAuthenticationToken", "")),
    })
    .await;
    let microsoft = microsoft(&fake);
    let graph = microsoft.graph(TENANT);
    let all = join_all((0..10).map(async |_| graph.users().next().await.map(|_| ()))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(fake.token_requests(), 2);
}

#[tokio::test]
async fn the_secret_goes_to_the_tenants_token_endpoint_only() {
    let fake = Fake::start(|_| None).await;
    microsoft(&fake).graph(TENANT).users().next().await.unwrap();
    let asked = fake.asked();
    assert_eq!(asked[0].target, format!("/{TENANT}/oauth2/v2.0/token"));
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(asked[0].body.as_bytes()).collect();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["client_id"], "app");
    assert_eq!(form["client_secret"], "CANARY-secret");
    assert_eq!(form["scope"], format!("{}.default", fake.url()));
    assert!(!format!("{:?}", asked[1]).contains("CANARY-secret"));
}

#[tokio::test]
async fn granted_permissions_are_read_from_the_token() {
    let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({"roles": ["User.Read.All", "Policy.Read.All"]}).to_string());
    let fake = Fake::start(move |asked| asked.is_for_token().then(|| token(&format!("e30.{claims}.x")))).await;
    let granted = microsoft(&fake).graph(TENANT).granted_permissions().await.unwrap();
    assert_eq!(granted, ["User.Read.All", "Policy.Read.All"]);

    let opaque = Fake::start(|_| None).await;
    let trouble = microsoft(&opaque)
        .graph(TENANT)
        .granted_permissions()
        .await
        .err()
        .unwrap();
    assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }));
}

#[tokio::test]
async fn a_token_that_is_no_header_value_is_no_token() {
    let fake = Fake::start(|asked| {
        asked.is_for_token().then(|| {
            say(
                200,
                &[],
                json!({"expires_in": 1, "access_token": "a\r\nX: y"}).to_string(),
            )
        })
    })
    .await;
    assert_eq!(
        microsoft(&fake).graph(TENANT).users().next().await.err(),
        Some(Trouble::Unavailable)
    );
}

#[tokio::test]
async fn every_cloud_has_its_two_origins() {
    for cloud in [Cloud::Global, Cloud::UsGov, Cloud::UsGovDod, Cloud::China] {
        assert!(
            settings(cloud.login_url().as_str(), cloud.graph_url().as_str()).is_ok(),
            "{cloud:?}"
        );
    }
}

#[tokio::test]
async fn addresses_that_are_no_safe_origin_are_refused() {
    let good = "https://graph.microsoft.com";
    for bad in [
        "http://graph.microsoft.com",
        "http://10.0.0.1:8090",
        "https://graph.microsoft.com/v1.0",
        "https://user@graph.microsoft.com",
        "https://graph.microsoft.com/?x=1",
        "https://graph.microsoft.com/#x",
        "ftp://graph.microsoft.com",
    ] {
        assert!(settings(good, bad).is_err(), "{bad}");
        assert!(settings(bad, good).is_err(), "{bad}");
    }
    assert!(settings("http://127.0.0.1:8090", "http://localhost:8090").is_ok());
}

#[tokio::test]
async fn consent_is_asked_of_the_tenant_with_everything_bound() {
    let microsoft = settings("https://login.microsoftonline.com", "https://graph.microsoft.com").unwrap();
    let back = Url::parse("https://tenantry.example/connect/callback").unwrap();
    let url = microsoft.admin_consent_url(TENANT, &back, "a&b");
    assert_eq!(
        url.as_str(),
        format!(
            "https://login.microsoftonline.com/{TENANT}/v2.0/adminconsent?client_id=app\
             &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
             &redirect_uri=https%3A%2F%2Ftenantry.example%2Fconnect%2Fcallback&state=a%26b"
        )
    );
}

#[tokio::test]
async fn a_certificate_setting_without_key_or_certificate_is_refused_without_quoting_it() {
    for pem in [
        "",
        "CANARY",
        "-----BEGIN CERTIFICATE-----\nQ0FOQVJZ\n-----END CERTIFICATE-----",
    ] {
        let url = Url::parse("https://graph.microsoft.com").unwrap();
        let refused = Microsoft::new(Settings {
            login_url: url.clone(),
            graph_url: url,
            client_id: "app".into(),
            credential: Credential::Certificate(Secret::new(pem)),
            patience: Patience::default(),
        })
        .err()
        .unwrap();
        assert!(!format!("{refused} {refused:?}").contains("CANARY"));
    }
}

fn settings(login: &str, graph: &str) -> Result<Microsoft, impl std::fmt::Debug> {
    Microsoft::new(Settings {
        login_url: Url::parse(login).unwrap(),
        graph_url: Url::parse(graph).unwrap(),
        client_id: "app".into(),
        credential: Credential::Secret(Secret::new("s")),
        patience: Patience::default(),
    })
}
