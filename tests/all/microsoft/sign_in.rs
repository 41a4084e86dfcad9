//! A person's way through Entra and back.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use tenantry::auth::sign_in::{Authority, Pending, Person, Prompt, SignInError};
use url::{Url, form_urlencoded};
use uuid::uuid;

use super::entra::{ENTRAS, Entra, FORGERS, query, redirect_uri};
use super::fake::{Asked, Fake, entra_error, say};
use super::{ADELE, TENANT};

const BOTH: [Authority; 2] = [Authority::Organizations, Authority::Tenant(TENANT)];

#[tokio::test]
async fn a_person_is_who_the_token_says() {
    let entra = Entra::start(|_| {}).await;
    for authority in BOTH {
        let person = entra.go_through(authority).await.unwrap();
        let adele = Person {
            tid: TENANT,
            oid: ADELE,
            name: Some("Adele Vance".into()),
            username: Some("adele@contoso.example".into()),
            sid: Some("session-1".into()),
            login_hint: Some("hint-1".into()),
            wids: Some(vec![uuid!("62e90394-69f5-4237-9190-012177145e10")]),
            guest: Some(false),
            roles: vec!["ADMIN".into()],
            groups: Vec::new(),
        };
        assert_eq!(person, adele);
    }
}

#[tokio::test]
async fn optional_claims_may_be_missing() {
    let entra = Entra::start(|script| {
        let claims = script.claims.as_object_mut().unwrap();
        for name in [
            "name",
            "preferred_username",
            "sid",
            "login_hint",
            "acct",
            "wids",
            "roles",
        ] {
            claims.remove(name);
        }
    })
    .await;
    let person = entra.go_through(Authority::Organizations).await.unwrap();
    assert_eq!(
        (person.tid, person.oid, person.name, person.wids, person.guest),
        (TENANT, ADELE, None, None, None)
    );
    assert!(person.roles.is_empty());
}

#[tokio::test]
async fn whoever_is_not_plainly_a_member_is_a_guest() {
    for (acct, guest) in [
        (json!(0), false),
        (json!("0"), false),
        (json!(1), true),
        (json!("1"), true),
        (json!(7), true),
    ] {
        let entra = Entra::start(move |script| script.claims["acct"] = acct.clone()).await;
        assert_eq!(
            entra.go_through(Authority::Tenant(TENANT)).await.unwrap().guest,
            Some(guest)
        );
    }
}

#[tokio::test]
async fn an_identity_provider_other_than_the_tenant_gives_a_guest_away() {
    for (home, guest) in [(false, Some(true)), (true, None)] {
        let entra = Entra::start(move |script| {
            script.claims.as_object_mut().unwrap().remove("acct");
            script.claims["idp"] = match home {
                true => script.claims["iss"].clone(),
                false => json!("https://sts.windows.net/0b8f2b54-7d0e-4c7e-8c3c-0d6f7c1f2a11/"),
            };
        })
        .await;
        let person = entra.go_through(Authority::Tenant(TENANT)).await.unwrap();
        assert_eq!(person.guest, guest);
    }
}

#[tokio::test]
async fn the_browser_is_sent_with_everything_that_binds_the_sign_in() {
    let entra = Entra::start(|_| {}).await;
    let begun = entra
        .sign_in
        .begin(Authority::Organizations, &redirect_uri(), Prompt::SelectAccount)
        .await
        .unwrap();
    let url = begun.authorize_url;
    assert_eq!(url.path(), "/organizations/oauth2/v2.0/authorize");
    for (name, value) in [
        ("response_type", "code"),
        ("response_mode", "query"),
        ("client_id", "app"),
        ("scope", "openid profile"),
        ("prompt", "select_account"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", redirect_uri().as_str()),
        ("state", &begun.pending.state),
    ] {
        assert_eq!(query(&url, name), value);
    }
    let again = entra
        .sign_in
        .begin(Authority::Organizations, &redirect_uri(), Prompt::None)
        .await
        .unwrap();
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(query(&url, name), query(&again.authorize_url, name), "{name}");
        assert!(query(&url, name).len() >= 43, "{name} holds 256 bits");
    }
    assert_eq!(query(&again.authorize_url, "prompt"), "none");
}

#[tokio::test]
async fn the_code_is_exchanged_with_the_verifier_that_fits_the_challenge() {
    let entra = Entra::start(|_| {}).await;
    let begun = entra
        .sign_in
        .begin(Authority::Organizations, &redirect_uri(), Prompt::Login)
        .await
        .unwrap();
    // As the server keeps it between the two.
    let kept = serde_json::to_string(&begun.pending).unwrap();
    let pending: Pending = serde_json::from_str(&kept).unwrap();
    let outcome = entra
        .sign_in
        .finish(pending, Authority::Organizations, &redirect_uri(), "the-code")
        .await;
    assert!(
        matches!(outcome, Err(SignInError::TokenInvalid { what: "its nonce" })),
        "{outcome:?}"
    );

    let asked = entra.fake.asked().into_iter().find(Asked::is_for_token).unwrap();
    let form: std::collections::HashMap<_, _> = form_urlencoded::parse(asked.body.as_bytes()).collect();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(challenge, query(&begun.authorize_url, "code_challenge"));
    assert_eq!(
        (&*form["grant_type"], &*form["code"]),
        ("authorization_code", "the-code")
    );
    assert_eq!((&*form["client_id"], &*form["client_secret"]), ("app", "CANARY-secret"));
    assert_eq!(form["redirect_uri"], redirect_uri().as_str());
}

#[tokio::test]
async fn metadata_and_keys_are_asked_for_once() {
    let entra = Entra::start(|_| {}).await;
    for _ in 0..3 {
        entra.go_through(Authority::Organizations).await.unwrap();
    }
    assert_eq!(asked_for(&entra.fake, "openid-configuration"), 1);
    assert_eq!(asked_for(&entra.fake, "/keys"), 1);
}

#[tokio::test]
async fn a_key_that_rolled_is_fetched_at_once_and_made_up_ones_do_not_make_us_ask_each_time() {
    let rolled = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let has_rolled = rolled.clone();
    let entra = Entra::start(move |script| {
        if has_rolled.load(std::sync::atomic::Ordering::SeqCst) {
            script.keys = vec![FORGERS.jwk("new", None)];
            script.header.kid = Some("new".into());
            script.signed_by = &FORGERS;
        }
    })
    .await;
    entra.go_through(Authority::Organizations).await.unwrap();
    rolled.store(true, std::sync::atomic::Ordering::SeqCst);
    entra.go_through(Authority::Organizations).await.unwrap();
    assert_eq!(asked_for(&entra.fake, "/keys"), 2);

    rolled.store(false, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..3 {
        let refused = entra.go_through(Authority::Organizations).await;
        assert!(matches!(refused, Err(SignInError::TokenInvalid { .. })));
    }
    assert_eq!(asked_for(&entra.fake, "/keys"), 2, "not again within five minutes");
}

#[tokio::test]
async fn metadata_that_is_not_entras_own_is_refused_and_nothing_is_sent_elsewhere() {
    let trap = Fake::start(|_| None).await;
    let elsewhere = trap.url().to_string();
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for value in [
            elsewhere.clone(),
            "https://login.microsoftonline.com.evil.example/x".into(),
            "not a url".into(),
        ] {
            let entra = Entra::start(move |script| script.discovery[name] = value.clone().into()).await;
            for authority in BOTH {
                assert_eq!(
                    entra.go_through(authority).await.err(),
                    Some(SignInError::Metadata),
                    "{name}"
                );
            }
        }
    }
    assert_eq!(trap.asked().len(), 0);
}

#[tokio::test]
async fn one_tenants_metadata_does_not_serve_another() {
    let entra = Entra::start(|script| {
        script.discovery["issuer"] = format!("{}/0b8f2b54-7d0e-4c7e-8c3c-0d6f7c1f2a11/v2.0", script.origin).into();
    })
    .await;
    for authority in BOTH {
        assert_eq!(entra.go_through(authority).await.err(), Some(SignInError::Metadata));
    }
}

#[tokio::test]
async fn entras_refusals_are_told_in_plain_words() {
    for (status, error, number, word) in [
        (400, "invalid_grant", 54_005, "already used"),
        (400, "invalid_grant", 501_481, "already used"),
        (400, "invalid_grant", 65_001, "consent"),
        (401, "invalid_client", 7_000_215, "credential"),
        (401, "invalid_client", 7_000_222, "credential"),
        (400, "interaction_required", 50_076, "second factor"),
        (400, "invalid_grant", 50_020, "does not belong"),
        (400, "invalid_grant", 123_456, "AADSTS123456"),
    ] {
        let entra = Entra::start_with(
            |_| {},
            move |asked| asked.is_for_token().then(|| entra_error(status, error, number)),
        )
        .await;
        let refused = entra.go_through(Authority::Organizations).await.unwrap_err();
        assert_eq!(refused.code(), "SIGN_IN_REFUSED");
        assert!(refused.message().contains(word), "{number}: {refused}");
        assert!(!format!("{refused} {refused:?} {}", refused.remedy()).contains("CANARY"));
    }
}

#[tokio::test]
async fn an_entra_that_is_down_is_unavailable_and_a_code_is_sent_once() {
    let entra = Entra::start_with(|_| {}, |asked| asked.is_for_token().then(|| say(503, &[], "<html>"))).await;
    assert_eq!(
        entra.go_through(Authority::Organizations).await.err(),
        Some(SignInError::Unavailable)
    );
    assert_eq!(entra.fake.token_requests(), 1);

    let down = Entra::start_with(|_| {}, |_| Some(say(503, &[], ""))).await;
    assert_eq!(
        down.go_through(Authority::Organizations).await.err(),
        Some(SignInError::Unavailable)
    );
}

#[tokio::test]
async fn an_unknown_tenant_is_told_as_such() {
    let entra = Entra::start_with(|_| {}, |_| Some(entra_error(400, "invalid_tenant", 90_002))).await;
    let refused = entra.go_through(Authority::Tenant(TENANT)).await.unwrap_err();
    assert!(refused.message().contains("no such tenant"), "{refused}");
}

#[tokio::test]
async fn an_answer_without_an_id_token_is_nobody() {
    let entra = Entra::start_with(
        |_| {},
        |asked| asked.is_for_token().then(|| super::fake::token("CANARY")),
    )
    .await;
    let refused = entra.go_through(Authority::Organizations).await.unwrap_err();
    assert_eq!(refused, SignInError::TokenInvalid { what: "it is missing" });
}

#[test]
fn what_comes_back_in_a_redirect_is_told_in_plain_words_and_never_quoted() {
    for (error, description, word) in [
        ("consent_required", "AADSTS65004: CANARY declined", "declined"),
        ("access_denied", "CANARY", "declined"),
        ("permission_denied", "The+admin+canceled+the+request", "declined"),
        ("login_required", "AADSTS50058: CANARY", "no Microsoft session"),
        ("unauthorized_client", "AADSTS700016: CANARY", "no consent"),
        ("invalid_client", "AADSTS650052: CANARY", "registration"),
        ("interaction_required", "AADSTS90094: CANARY", "administrator"),
        ("server_error", "", "busy"),
        ("<script>CANARY</script>", "CANARY", "refused"),
    ] {
        let refused = SignInError::from_redirect(error, description);
        assert!(refused.message().contains(word), "{error}: {refused}");
        assert!(!format!("{refused} {refused:?} {}", refused.remedy()).contains("CANARY"));
    }
}

#[tokio::test]
async fn sign_out_ends_entras_session_too() {
    let entra = Entra::start(|_| {}).await;
    let home = Url::parse("https://tenantry.example/").unwrap();
    let url = entra.sign_in.sign_out_url(TENANT, Some("hint&1"), &home);
    assert_eq!(url.path(), format!("/{TENANT}/oauth2/v2.0/logout"));
    assert_eq!(
        (query(&url, "post_logout_redirect_uri"), query(&url, "logout_hint")),
        (home.to_string(), "hint&1".into())
    );
    assert!(
        !entra
            .sign_in
            .sign_out_url(TENANT, None, &home)
            .as_str()
            .contains("logout_hint")
    );
}

#[test]
fn a_sign_in_can_be_awaited_by_a_server_with_many_threads() {
    fn sends<T: Send>(_: impl FnOnce(Entra) -> T) {}
    sends(|entra| async move {
        entra
            .sign_in
            .begin(Authority::Organizations, &redirect_uri(), Prompt::Login)
            .await
            .map(|_| ())
    });
    sends(|entra| async move { entra.go_through(Authority::Organizations).await });
    assert!(!ENTRAS.modulus().is_empty());
}

fn asked_for(fake: &Fake, end: &str) -> usize {
    fake.asked().iter().filter(|asked| asked.path().ends_with(end)).count()
}
