//! People who sign in through an OpenID provider that others wrote and had certified, at Entra's addresses.
//!
//! The simulated Entra and the product come from one hand: what both misread of the protocol passes between them. This
//! one knows neither.

use std::process::Stdio;

use serde::Deserialize;
use tenantry::auth::sign_in::{Authority, Begun, Person, Prompt, SignIn, SignInError};
use tenantry::microsoft::{Credential, Microsoft, Secret, Settings};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;
use uuid::Uuid;

use super::entra::query;
use super::little_patience;
use crate::doors_conformance::{FOLDER, install};
use crate::support::house::{Browser, location};

/// The provider, for as long as this lives, and a product that signs people in through it.
struct Provider {
    told: Told,
    sign_in: SignIn,
    _process: Child,
    /// Open, so that nothing that the process says later breaks it.
    _said: Lines<BufReader<ChildStdout>>,
}

/// What the provider says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    origin: Url,
    tenant: Uuid,
    account: Uuid,
    client_id: String,
    client_secret: String,
    redirect_uri: Url,
}

impl Provider {
    async fn start() -> Self {
        install().await;
        let mut process = Command::new("node")
            .arg("provider.mjs")
            .current_dir(FOLDER)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node is installed");
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = said.next_line().await.unwrap().expect("the provider starts");
        let told: Told = serde_json::from_str(&line).unwrap();
        let microsoft = Microsoft::new(Settings {
            login_url: told.origin.clone(),
            graph_url: told.origin.clone(),
            client_id: told.client_id.clone(),
            credential: Credential::Secret(Secret::new(&told.client_secret)),
            patience: little_patience(),
        });
        #[expect(clippy::disallowed_methods, reason = "the provider signs with the time of day")]
        let sign_in = SignIn::new(microsoft.unwrap_or_else(|error| panic!("{error}")), chrono::Utc::now);
        Self {
            told,
            sign_in,
            _process: process,
            _said: said,
        }
    }

    fn authorities(&self) -> [Authority; 2] {
        [Authority::Organizations, Authority::Tenant(self.told.tenant)]
    }

    async fn begin(&self, authority: Authority) -> Begun {
        self.sign_in
            .begin(authority, &self.told.redirect_uri, Prompt::SelectAccount)
            .await
            .unwrap()
    }

    /// The browser's way until the provider sends it back with a code.
    async fn code(&self, begun: &Begun) -> String {
        let mut browser = Browser::of(self.told.origin.clone());
        let mut at = begun.authorize_url.clone();
        while at.origin() == self.told.origin.origin() {
            at = location(&browser.get(at).await);
        }
        assert_eq!(at.path(), self.told.redirect_uri.path());
        assert_eq!(query(&at, "state"), begun.pending.state);
        query(&at, "code")
    }

    async fn finish(&self, begun: Begun, authority: Authority, code: &str) -> Result<Person, SignInError> {
        self.sign_in
            .finish(begun.pending, authority, &self.told.redirect_uri, code)
            .await
    }
}

fn refused() -> Result<Person, SignInError> {
    Err(SignInError::Refused {
        number: None,
        error: "invalid_grant".into(),
    })
}

#[tokio::test]
async fn a_person_signs_in_through_a_provider_that_others_wrote() {
    let provider = Provider::start().await;
    for authority in provider.authorities() {
        let begun = provider.begin(authority).await;
        let code = provider.code(&begun).await;
        let person = provider.finish(begun, authority, &code).await.unwrap();
        assert_eq!((person.tid, person.oid), (provider.told.tenant, provider.told.account));
        assert_eq!(person.name.as_deref(), Some("Adele Vance"));
        assert_eq!(person.username.as_deref(), Some("adele@contoso.example"));
        assert!(person.roles.is_empty() && person.guest.is_none());
    }
}

#[tokio::test]
async fn the_provider_takes_a_code_once() {
    let provider = Provider::start().await;
    for authority in provider.authorities() {
        let begun = provider.begin(authority).await;
        let code = provider.code(&begun).await;
        let pending = begun.pending.clone();
        provider.finish(begun, authority, &code).await.unwrap();
        let replayed = provider
            .sign_in
            .finish(pending, authority, &provider.told.redirect_uri, &code)
            .await;
        assert_eq!(replayed, refused());
    }
}

#[tokio::test]
async fn the_provider_takes_a_code_from_whoever_began_alone() {
    let provider = Provider::start().await;
    for authority in provider.authorities() {
        let code = provider.code(&provider.begin(authority).await).await;
        let another = provider.begin(authority).await;
        assert_eq!(provider.finish(another, authority, &code).await, refused());
    }
}
