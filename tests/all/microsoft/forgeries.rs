//! Id tokens that somebody would like us to believe. Each differs from an honest one in a single thing.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use tenantry::auth::sign_in::{Authority, SignInError};
use uuid::Uuid;

use super::TENANT;
use super::entra::{ENTRAS, Entra, FORGERS, NOW, Script};

const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const OTHER: &str = "0b8f2b54-7d0e-4c7e-8c3c-0d6f7c1f2a11";

/// What is wrong with a token, and how it is made.
type Forgery = (&'static str, fn(&mut Script));

/// The issuer of a key at an origin, and whether it is good for our tenant's tokens.
type Issuer = (fn(&str) -> Option<String>, bool);

async fn outcome(change: impl Fn(&mut Script) + Send + Sync + 'static) -> Result<(), SignInError> {
    Entra::start(change)
        .await
        .go_through(Authority::Organizations)
        .await
        .map(|_| ())
}

/// Sets a claim; `null` takes it out.
fn claim(name: &'static str, value: Value) -> impl Fn(&mut Script) + Send + Sync + 'static {
    move |script| {
        let claims = script.claims.as_object_mut().unwrap();
        match &value {
            Value::Null => claims.remove(name),
            value => claims.insert(name.into(), value.clone()),
        };
    }
}

#[tokio::test]
async fn an_honest_token_is_believed() {
    assert_eq!(outcome(|_| {}).await, Ok(()));
}

#[tokio::test]
async fn a_token_with_one_wrong_claim_is_refused() {
    let forged = [
        ("aud", json!("another-app")),
        ("aud", json!(["app", "another-app"])),
        ("aud", json!(["another-app", "app"])),
        ("aud", json!([])),
        ("aud", json!("APP")),
        ("aud", json!("")),
        ("aud", Value::Null),
        ("iss", json!(format!("https://sts.windows.net/{TENANT}/"))),
        ("iss", json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0"))),
        ("iss", json!("https://evil.example/v2.0")),
        ("iss", Value::Null),
        ("tid", json!(OTHER)),
        ("tid", json!("contoso.example")),
        ("tid", json!("")),
        ("tid", Value::Null),
        ("oid", json!("adele@contoso.example")),
        ("oid", json!("")),
        ("oid", Value::Null),
        ("ver", json!("1.0")),
        ("ver", json!(2.0)),
        ("ver", Value::Null),
        ("nonce", json!("another")),
        ("nonce", json!("")),
        ("nonce", Value::Null),
        ("exp", json!(NOW - 301)),
        ("exp", json!(0)),
        ("exp", json!("9999999999")),
        ("exp", Value::Null),
        ("nbf", json!(NOW + 301)),
        ("nbf", json!("0")),
        ("nbf", Value::Null),
        ("iat", json!(NOW + 301)),
        ("iat", Value::Null),
        ("sub", Value::Null),
        ("wids", json!("62e90394-69f5-4237-9190-012177145e10")),
        ("roles", json!("ADMIN")),
    ];
    for (name, value) in forged {
        let refused = outcome(claim(name, value.clone())).await;
        assert!(
            matches!(refused, Err(SignInError::TokenInvalid { .. })),
            "{name} = {value}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn an_issuer_that_only_looks_right_is_refused() {
    let looks: [fn(&str) -> String; 8] = [
        |origin| format!("{origin}/{{tenantid}}/v2.0"),
        |origin| format!("{origin}/{TENANT}/v2.0/"),
        |origin| format!("{origin}/{TENANT}/v1.0"),
        |origin| format!("{origin}/{OTHER}/v2.0"),
        |origin| format!("{origin}/{}/v2.0", TENANT.to_string().to_uppercase()),
        |origin| format!("{origin}//{TENANT}/v2.0"),
        |origin| format!("{origin}.evil.example/{TENANT}/v2.0"),
        |origin| format!("{}/{TENANT}/v2.0", origin.replace("http://", "https://")),
    ];
    for look in looks {
        let refused = outcome(move |script| script.claims["iss"] = look(&script.origin).into()).await;
        assert!(
            matches!(refused, Err(SignInError::TokenInvalid { .. })),
            "{}: {refused:?}",
            look("http://entra")
        );
    }
}

#[tokio::test]
async fn clocks_may_differ_by_less_than_five_minutes() {
    for (name, time) in [("exp", NOW - 290), ("nbf", NOW + 290), ("iat", NOW + 290)] {
        assert_eq!(outcome(claim(name, json!(time))).await, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn a_personal_account_is_refused_though_its_token_is_sound() {
    let refused = outcome(|script| {
        script.claims["tid"] = PERSONAL.into();
        script.claims["iss"] = format!("{}/{PERSONAL}/v2.0", script.origin).into();
    })
    .await;
    assert_eq!(refused, Err(SignInError::PersonalAccount));
}

#[tokio::test]
async fn a_sound_token_of_another_tenant_is_refused_where_one_tenant_was_asked() {
    let entra = Entra::start(|script| {
        script.claims["tid"] = OTHER.into();
        script.claims["iss"] = format!("{}/{OTHER}/v2.0", script.origin).into();
    })
    .await;
    assert_eq!(
        entra.go_through(Authority::Tenant(TENANT)).await.err(),
        Some(SignInError::OtherTenant)
    );
    let elsewhere = entra.go_through(Authority::Organizations).await.unwrap();
    assert_eq!(
        elsewhere.tid,
        OTHER.parse::<Uuid>().unwrap(),
        "the identity is the token's tenant, whatever the address"
    );
    assert_eq!(elsewhere.username.as_deref(), Some("adele@contoso.example"));
}

#[tokio::test]
async fn a_signature_that_does_not_hold_is_refused() {
    let forgeries: [Forgery; 12] = [
        ("signed by somebody else under Entra's key id", |script| {
            script.signed_by = &FORGERS
        }),
        ("no signature", |script| {
            script.spoil = |token| format!("{}.", token.rsplit_once('.').unwrap().0)
        }),
        ("half a signature", |script| {
            script.spoil = |token| token[..token.len() - 20].to_owned()
        }),
        ("the signature of another payload", |script| script.spoil = swap_payload),
        ("algorithm none", |script| {
            script.spoil = |token| with_header(&token, r#"{"alg":"none","kid":"entras"}"#)
        }),
        ("algorithm nOnE", |script| {
            script.spoil = |token| with_header(&token, r#"{"alg":"nOnE","kid":"entras"}"#)
        }),
        ("a shared secret made of the public key", |script| {
            script.header.alg = Algorithm::HS256
        }),
        ("another RSA algorithm", |script| script.header.alg = Algorithm::RS512),
        ("PS256", |script| script.header.alg = Algorithm::PS256),
        ("a key id that nobody has", |script| {
            script.header.kid = Some("nobody".into())
        }),
        ("no key id", |script| script.header = Header::new(Algorithm::RS256)),
        ("a key of its own in the header", |script| {
            script.signed_by = &FORGERS;
            script.header.jwk = serde_json::from_value(FORGERS.jwk("entras", None)).ok();
        }),
    ];
    for (what, forge) in forgeries {
        let refused = outcome(forge).await;
        assert!(
            matches!(refused, Err(SignInError::TokenInvalid { .. })),
            "{what}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_text_that_is_no_token_is_refused() {
    let texts: [fn(String) -> String; 5] = [
        |_| String::new(),
        |_| "..".into(),
        |_| "CANARY".into(),
        |token| format!("{token}.more"),
        |token| token.replace('.', ""),
    ];
    for text in texts {
        let refused = outcome(move |script| script.spoil = text).await.unwrap_err();
        assert!(matches!(refused, SignInError::TokenInvalid { .. }), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("CANARY"));
    }
}

#[tokio::test]
async fn a_key_signs_only_for_the_issuer_that_it_is_good_for() {
    let issuers: [Issuer; 6] = [
        (|_| None, true),
        (|origin| Some(format!("{origin}/{{tenantid}}/v2.0")), true),
        (|origin| Some(format!("{origin}/{TENANT}/v2.0")), true),
        (|origin| Some(format!("{origin}/{OTHER}/v2.0")), false),
        (|origin| Some(format!("{origin}/{PERSONAL}/v2.0")), false),
        (|_| Some("https://evil.example/{tenantid}/v2.0".into()), false),
    ];
    for (issuer, good) in issuers {
        let believed = outcome(move |script| script.keys = vec![ENTRAS.jwk("entras", issuer(&script.origin))]).await;
        assert_eq!(believed.is_ok(), good, "{:?}: {believed:?}", issuer("http://entra"));
    }
}

#[tokio::test]
async fn keys_that_nobody_understands_are_skipped() {
    let believed = outcome(|script| {
        let strange = [
            json!({"kty": "LATTICE", "kid": "entras-2"}),
            json!(7),
            json!({"kid": "x"}),
        ];
        script.keys.splice(0..0, strange);
    })
    .await;
    assert_eq!(believed, Ok(()));
}

fn with_header(token: &str, header: &str) -> String {
    use base64::Engine as _;
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(header))
}

/// The same token with another object id, and the signature left as it was.
fn swap_payload(token: String) -> String {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let parts: Vec<_> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["oid"] = Uuid::new_v4().to_string().into();
    format!(
        "{}.{}.{}",
        parts[0],
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()),
        parts[2]
    )
}
