//! App-only tokens: one for each tenant, asked for once however many wait for it, renewed before it ends.
//!
//! The danger: the same request in a loop makes Entra refuse us (AADSTS50196), and a token used for another tenant than
//! its own would mix two clients. So the cache is keyed by tenant and locked per tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use uuid::Uuid;

use super::aadsts::EntraError;
use super::credential::{JWT_BEARER, Proof};
use super::door::now;
use super::patience::{Passing, Tries, retry_after};
use super::{Broken, Microsoft, Reply, Trouble};

/// How long before its end a token is renewed.
const EARLY: Duration = Duration::from_secs(300);

/// A token for Graph in one tenant.
#[derive(Clone)]
pub(crate) struct Token {
    /// `Bearer …`, marked sensitive, so that no `Debug` of headers shows it.
    header: HeaderValue,
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The application permissions in it, if it can be read: for diagnostics only, Graph alone judges tokens.
    pub(crate) fn roles(&self) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Claims {
            #[serde(default)]
            roles: Vec<String>,
        }
        let jwt = self.header.to_str().ok()?.strip_prefix("Bearer ")?;
        unverified_claims::<Claims>(jwt).map(|claims| claims.roles)
    }
}

/// What a token says of itself, **not verified**.
pub(crate) fn unverified_claims<T: DeserializeOwned>(jwt: &str) -> Option<T> {
    let payload = jwt.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// The tokens of all tenants. A slot's lock is held while its token is on its way: whoever else needs it waits for the
/// same answer.
#[derive(Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<Uuid, Slot>>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

impl Tokens {
    pub(crate) fn forget(&self, tenant: Uuid) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&tenant);
    }

    /// Forgets the tenant's token if it still is this one, so that two that fail with the same token ask for one new.
    pub(crate) async fn forget_this(&self, tenant: Uuid, refused: &Token) {
        let slot = self.slot(tenant);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|token| token.header == refused.header) {
            *held = None;
        }
    }

    fn slot(&self, tenant: Uuid) -> Slot {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(tenant)
            .or_default()
            .clone()
    }
}

impl Microsoft {
    /// The tenant's token, from the cache or from Entra.
    pub(crate) async fn token(&self, tenant: Uuid) -> Result<Token, Trouble> {
        let slot = self.tokens().slot(tenant);
        let mut held = slot.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        match self.new_token(tenant).await {
            Ok(token) => Ok(held.insert(token).clone()),
            // An Entra that is down for a moment need not stop a run whose token is still good.
            Err(Trouble::Unavailable | Trouble::Throttled { .. })
                if held.as_ref().is_some_and(|token| now < token.ends_at) =>
            {
                Ok(held.clone().expect("it was just seen"))
            }
            Err(trouble) => {
                *held = None;
                Err(trouble)
            }
        }
    }

    async fn new_token(&self, tenant: Uuid) -> Result<Token, Trouble> {
        let mut tries = Tries::new(self.door().patience());
        loop {
            let setback = match self.ask_for_token(tenant).await {
                Ok(reply) if reply.status.is_success() => match read_token(&reply.body) {
                    Some(token) => return Ok(token),
                    None => Passing::unavailable(),
                },
                Ok(reply) => refusal(&reply)?,
                Err(Broken::Cut) => Passing::unavailable(),
                Err(Broken::TooLarge) => {
                    return Err(Trouble::TooLarge {
                        what: "an answer to a token request",
                    });
                }
                Err(Broken::Elsewhere) => return Err(Trouble::UntrustedLink),
            };
            tries.wait_after(setback).await?;
        }
    }

    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
    async fn ask_for_token(&self, tenant: Uuid) -> Result<Reply, Broken> {
        let endpoint = self.login_path(&format!("{tenant}/oauth2/v2.0/token"));
        let scope = self.door().graph_scope();
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id()),
            ("scope", &scope),
        ];
        let proof = self
            .signed_as()
            .prove(&endpoint, now())
            .expect("the key has signed at start");
        match &proof {
            Proof::Secret(secret) => form.push(("client_secret", secret)),
            Proof::Assertion(assertion) => {
                form.push(("client_assertion_type", JWT_BEARER));
                form.push(("client_assertion", assertion));
            }
        }
        let request = self
            .door()
            .client()
            .post(endpoint)
            .form(&form)
            .build()
            .map_err(|_| Broken::Cut)?;
        let asking = tracing::debug_span!("token", %tenant);
        self.door().ask_entra(request).instrument(asking).await
    }
}

fn read_token(body: &[u8]) -> Option<Token> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
        expires_in: u64,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let mut header = HeaderValue::try_from(format!("Bearer {}", answer.access_token)).ok()?;
    header.set_sensitive(true);
    let life = Duration::from_secs(answer.expires_in.min(24 * 3600));
    let now = Instant::now();
    // A token that lives less than twice the margin is used for half its life.
    Some(Token {
        header,
        renew_at: now + (life - EARLY.min(life / 2)),
        ends_at: now + life,
    })
}

/// A setback that may pass, or the trouble that does not.
fn refusal(reply: &Reply) -> Result<Passing, Trouble> {
    if reply.status.is_redirection() {
        return Err(Trouble::UntrustedLink);
    }
    let told = retry_after(&reply.headers, now());
    if reply.status == reqwest::StatusCode::TOO_MANY_REQUESTS {
        return Ok(Passing::throttled(told));
    }
    if reply.status.is_server_error() {
        return Ok(Passing {
            trouble: Trouble::Unavailable,
            not_before: told,
        });
    }
    match serde_json::from_slice::<EntraError>(&reply.body) {
        Ok(error) if error.passes() => Ok(Passing {
            trouble: Trouble::Unavailable,
            not_before: told,
        }),
        Ok(error) => Err(error.trouble()),
        Err(_) => Ok(Passing::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;
    use crate::microsoft::{Credential, Patience, Secret, Settings};

    const TENANT: Uuid = uuid!("3d2b7f0a-6c1e-4f6e-9a55-1c2f0e9b8a01");

    /// A way to an Entra that nobody answers at, holding a token that is due to be renewed.
    async fn cut_off(ends_at: Instant) -> Microsoft {
        let nobody = url::Url::parse("http://127.0.0.1:1").unwrap();
        let microsoft = Microsoft::new(Settings {
            login_url: nobody.clone(),
            graph_url: nobody,
            client_id: "app".into(),
            credential: Credential::Secret(Secret::new("secret")),
            patience: Patience {
                tries: 1,
                ..Patience::default()
            },
        })
        .unwrap_or_else(|error| panic!("{error}"));
        let header = HeaderValue::from_static("Bearer old");
        let old = Token {
            header,
            renew_at: Instant::now(),
            ends_at,
        };
        *microsoft.tokens().slot(TENANT).lock().await = Some(old);
        microsoft
    }

    #[tokio::test]
    async fn a_token_that_is_still_good_serves_while_entra_is_away() {
        let microsoft = cut_off(Instant::now() + EARLY).await;
        let token = microsoft.token(TENANT).await.map(|token| token.header());
        assert_eq!(token.unwrap(), "Bearer old");
    }

    #[tokio::test]
    async fn a_token_that_has_ended_does_not() {
        let microsoft = cut_off(Instant::now()).await;
        assert_eq!(microsoft.token(TENANT).await.err(), Some(Trouble::Unavailable));
    }

    #[test]
    fn a_token_is_renewed_five_minutes_before_its_end_or_at_half_its_life() {
        for (life, margin) in [(3599, 300), (600, 300), (100, 50), (0, 0)] {
            let body = format!("{{\"access_token\":\"t\",\"expires_in\":{life}}}");
            let token = read_token(body.as_bytes()).unwrap();
            assert_eq!(token.ends_at - token.renew_at, Duration::from_secs(margin), "{life}");
        }
    }
}
