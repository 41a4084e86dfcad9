//! An Entra that signs whatever a test wants signed, with whichever key, and describes itself however a test wants.

use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tenantry::auth::sign_in::{Authority, Person, Prompt, SignIn, SignInError};
use url::Url;

use super::fake::{Asked, Fake, Say, ok};
use super::{ADELE, TENANT, microsoft};

/// What the product's clock shows.
pub const NOW: i64 = 1_795_416_300;

pub fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

pub fn redirect_uri() -> Url {
    Url::parse("https://tenantry.example/auth/callback").unwrap()
}

pub struct Key {
    pub pem: String,
    n: String,
    e: String,
}

pub static ENTRAS: LazyLock<Key> = LazyLock::new(Key::generate);
pub static FORGERS: LazyLock<Key> = LazyLock::new(Key::generate);

impl Key {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let der = BASE64_STANDARD.encode(der.as_ref());
        let public = pair.public_key();
        Self {
            pem: format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"),
            n: BASE64_URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            e: BASE64_URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        }
    }

    pub fn jwk(&self, kid: &str, issuer: Option<String>) -> Value {
        let mut jwk =
            json!({"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "n": self.n, "e": self.e, "x5c": ["MIID"]});
        if let Some(issuer) = issuer {
            jwk["issuer"] = issuer.into();
        }
        jwk
    }

    pub fn modulus(&self) -> &str {
        &self.n
    }
}

/// All that Entra says in one sign-in. A test changes what it wants.
pub struct Script {
    pub origin: String,
    pub discovery: Value,
    pub keys: Vec<Value>,
    pub header: Header,
    pub claims: Value,
    pub signed_by: &'static Key,
    /// What becomes of the signed token at the end.
    pub spoil: fn(String) -> String,
}

impl Script {
    fn honest(origin: &str, authority: &str, nonce: &str) -> Self {
        let issuer = if authority == "organizations" {
            "{tenantid}"
        } else {
            authority
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some("entras".into());
        Self {
            origin: origin.to_owned(),
            discovery: json!({
                "issuer": format!("{origin}/{issuer}/v2.0"),
                "authorization_endpoint": format!("{origin}/{authority}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{origin}/{authority}/oauth2/v2.0/token"),
                "jwks_uri": format!("{origin}/{authority}/discovery/v2.0/keys"),
                "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            }),
            keys: vec![ENTRAS.jwk("entras", Some(format!("{origin}/{{tenantid}}/v2.0")))],
            header,
            claims: json!({
                "iss": format!("{origin}/{TENANT}/v2.0"), "aud": "app", "sub": "pairwise", "tid": TENANT, "oid": ADELE,
                "ver": "2.0", "nonce": nonce, "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
                "name": "Adele Vance", "preferred_username": "adele@contoso.example",
                "sid": "session-1", "login_hint": "hint-1", "acct": 0, "roles": ["ADMIN"],
                "wids": ["62e90394-69f5-4237-9190-012177145e10"],
            }),
            signed_by: &ENTRAS,
            spoil: |token| token,
        }
    }

    fn id_token(&self) -> String {
        let key = match self.header.alg {
            Algorithm::HS256 => EncodingKey::from_secret(self.signed_by.modulus().as_bytes()),
            _ => EncodingKey::from_rsa_pem(self.signed_by.pem.as_bytes()).unwrap(),
        };
        (self.spoil)(jsonwebtoken::encode(&self.header, &self.claims, &key).unwrap())
    }
}

type Change = Arc<dyn Fn(&mut Script) + Send + Sync>;

/// Entra and a product that signs people in through it.
pub struct Entra {
    pub fake: Fake,
    pub sign_in: SignIn,
    nonce: Arc<Mutex<String>>,
}

impl Entra {
    pub async fn start(change: impl Fn(&mut Script) + Send + Sync + 'static) -> Self {
        Self::start_with(change, |_| None).await
    }

    /// `first` may answer a request before the script does.
    pub async fn start_with(
        change: impl Fn(&mut Script) + Send + Sync + 'static,
        first: impl Fn(&Asked) -> Option<Say> + Send + Sync + 'static,
    ) -> Self {
        let nonce = Arc::new(Mutex::new(String::new()));
        let (change, known_nonce): (Change, _) = (Arc::new(change), nonce.clone());
        let fake = Fake::start(move |asked| {
            if let Some(say) = first(asked) {
                return Some(say);
            }
            let authority = asked.path().split('/').nth(1).unwrap();
            let origin = format!("http://{}", asked.headers["host"]);
            let mut script = Script::honest(&origin, authority, &known_nonce.lock().unwrap());
            change(&mut script);
            Some(match asked.path() {
                path if path.ends_with("/openid-configuration") => ok(script.discovery),
                path if path.ends_with("/keys") => ok(json!({"keys": script.keys})),
                _ => ok(json!({
                    "token_type": "Bearer", "expires_in": 3599, "access_token": "CANARY-access", "id_token": script.id_token()
                })),
            })
        })
        .await;
        let sign_in = SignIn::new(microsoft(&fake), clock);
        Self { fake, sign_in, nonce }
    }

    /// Begins, goes to Entra and comes back with a code.
    pub async fn go_through(&self, authority: Authority) -> Result<Person, SignInError> {
        let begun = self
            .sign_in
            .begin(authority, &redirect_uri(), Prompt::SelectAccount)
            .await?;
        *self.nonce.lock().unwrap() = query(&begun.authorize_url, "nonce");
        self.sign_in
            .finish(begun.pending, authority, &redirect_uri(), "CANARY-code")
            .await
    }
}

pub fn query(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .unwrap_or_else(|| panic!("no {name} in {url}"))
        .1
        .into_owned()
}
