//! Whom Entra's metadata and keys are asked for, and how long they are believed.
//!
//! The danger: these documents decide whose signature counts. The issuer must be the one that belongs to the authority, and
//! every endpoint must be on Entra's own origin. Keys may roll at any time; but whoever sends tokens with made-up key
//! ids must not make us ask Entra each time.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens>

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::core::CoreJsonWebKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::SignInError;
use crate::microsoft::{Broken, EntraError, Microsoft, Passing, Tries, now, retry_after};

/// Who vouches for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Authority {
    /// Any organization's tenant: its members, not its guests.
    Organizations,
    /// One tenant: its members and guests.
    Tenant(Uuid),
}

impl Authority {
    fn segment(self) -> String {
        match self {
            Self::Organizations => "organizations".into(),
            Self::Tenant(tenant) => tenant.to_string(),
        }
    }

    /// The issuer in its metadata: for `organizations` a template, literally.
    fn issuer(self, login: &Url) -> String {
        match self {
            Self::Organizations => format!("{login}{TENANT_PLACEHOLDER}/v2.0"),
            Self::Tenant(tenant) => format!("{login}{tenant}/v2.0"),
        }
    }
}

/// What Entra writes where a tenant id belongs.
pub(super) const TENANT_PLACEHOLDER: &str = "{tenantid}";

/// How long metadata and keys are believed.
const FRESH: Duration = Duration::from_secs(3600);

/// How often an unknown key id, or a failed renewal, may make us ask again.
const PAUSE: Duration = Duration::from_secs(300);

/// The part of the metadata that we use.
#[derive(Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    jwks_uri: Url,
}

/// A signing key, with the issuer that it is good for if Entra says so.
#[derive(Clone, Deserialize)]
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) issuer: Option<String>,
    #[serde(skip)]
    pub(super) key: Option<CoreJsonWebKey>,
}

struct Known {
    metadata: Metadata,
    keys: Arc<[Key]>,
    renew_at: Instant,
    /// When an unknown key id last made us ask.
    sought_at: Option<Instant>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Known>>>;

/// What is known of each authority. A slot is locked while it is asked, so that many sign-ins ask once.
pub(super) struct Authorities {
    microsoft: Microsoft,
    slots: Mutex<HashMap<Authority, Slot>>,
}

impl Authorities {
    pub(super) fn new(microsoft: Microsoft) -> Self {
        Self {
            microsoft,
            slots: Mutex::default(),
        }
    }

    pub(super) async fn metadata(&self, authority: Authority) -> Result<Metadata, SignInError> {
        let slot = self.slot(authority);
        let mut slot = slot.lock().await;
        Ok(self.renewed(authority, &mut slot).await?.metadata.clone())
    }

    /// The authority's keys. If none has this id, they are asked for again, once in a while.
    pub(super) async fn keys(&self, authority: Authority, key_id: &str) -> Result<Arc<[Key]>, SignInError> {
        let slot = self.slot(authority);
        let mut slot = slot.lock().await;
        let known = self.renewed(authority, &mut slot).await?;
        let may_seek = known.sought_at.is_none_or(|sought| sought.elapsed() >= PAUSE);
        if may_seek && !known.keys.iter().any(|key| key.kid == key_id) {
            known.sought_at = Some(Instant::now());
            known.keys = self.fetch_keys(&known.metadata).await?;
        }
        Ok(known.keys.clone())
    }

    fn slot(&self, authority: Authority) -> Slot {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(authority)
            .or_default()
            .clone()
    }

    /// What is known, renewed if it is old; when that fails, the last good is kept for a while.
    async fn renewed<'a>(
        &self,
        authority: Authority,
        slot: &'a mut Option<Known>,
    ) -> Result<&'a mut Known, SignInError> {
        let now = Instant::now();
        if slot.as_ref().is_none_or(|known| now >= known.renew_at) {
            match self.fetch(authority).await {
                Ok((metadata, keys)) => {
                    let sought_at = slot.as_ref().and_then(|known| known.sought_at);
                    *slot = Some(Known {
                        metadata,
                        keys,
                        renew_at: now + FRESH,
                        sought_at,
                    });
                }
                Err(error) => slot.as_mut().ok_or(error)?.renew_at = now + PAUSE,
            }
        }
        Ok(slot.as_mut().expect("it was filled above"))
    }

    async fn fetch(&self, authority: Authority) -> Result<(Metadata, Arc<[Key]>), SignInError> {
        let login = self.microsoft.login_url();
        let path = format!("{}/v2.0/.well-known/openid-configuration", authority.segment());
        let metadata: Metadata = self.get(&self.microsoft.login_path(&path)).await?;
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.jwks_uri,
        ];
        let at_home = endpoints.iter().all(|endpoint| endpoint.origin() == login.origin());
        if metadata.issuer != authority.issuer(login) || !at_home {
            return Err(SignInError::Metadata);
        }
        let keys = self.fetch_keys(&metadata).await?;
        Ok((metadata, keys))
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<Arc<[Key]>, SignInError> {
        #[derive(Deserialize)]
        struct KeySet {
            keys: Vec<serde_json::Value>,
        }
        let set: KeySet = self.get(&metadata.jwks_uri).await?;
        // A key of a kind that we do not know is not ours to judge; RFC 7517 says to skip it.
        Ok(set.keys.into_iter().filter_map(read_key).collect())
    }

    /// Asks until there is an answer or no patience left.
    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, SignInError> {
        let door = self.microsoft.door();
        let mut tries = Tries::new(door.patience());
        loop {
            let setback = match door
                .ask_entra(reqwest::Request::new(reqwest::Method::GET, url.clone()))
                .await
            {
                Ok(reply) if reply.status.is_success() => match serde_json::from_slice(&reply.body) {
                    Ok(document) => return Ok(document),
                    Err(error) if error.is_data() => return Err(SignInError::Metadata),
                    Err(_) => Passing::unavailable(),
                },
                Ok(reply) if reply.status.is_redirection() => return Err(SignInError::Metadata),
                Ok(reply) => match serde_json::from_slice::<EntraError>(&reply.body) {
                    Ok(error) if reply.status.is_client_error() && !error.passes() => {
                        return Err(SignInError::refused(&error));
                    }
                    _ => match retry_after(&reply.headers, now()) {
                        Some(told) => Passing::throttled(Some(told)),
                        None => Passing::unavailable(),
                    },
                },
                Err(Broken::Cut) => Passing::unavailable(),
                Err(Broken::TooLarge | Broken::Elsewhere) => return Err(SignInError::Metadata),
            };
            tries.wait_after(setback).await.map_err(|_| SignInError::Unavailable)?;
        }
    }
}

fn read_key(document: serde_json::Value) -> Option<Key> {
    let key = serde_json::from_value(document.clone()).ok()?;
    Some(Key {
        key: Some(key),
        ..serde_json::from_value(document).ok()?
    })
}
