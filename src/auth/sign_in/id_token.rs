//! The checks of an id token. Whoever passes here is somebody.
//!
//! The danger: Entra signs tokens of all tenants, personal accounts included, with the same keys, and its metadata for
//! `organizations` names no issuer but a template. openidconnect's discovery refuses that template, and the common way out,
//! not to compare the issuer, lets anybody's tenant in. So the issuer is rebuilt from the token's own `tid` and compared as
//! a whole, and the key must be one that is good for that issuer.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/id-tokens#validate-tokens>, OpenID Connect Core 3.1.3.7

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, IdToken, IdTokenVerifier, IssuerUrl, JsonWebKeySet, Nonce,
};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::{Uuid, uuid};

use super::authority::{Authority, Key, TENANT_PLACEHOLDER};
use super::{Person, SignInError};
use crate::microsoft::unverified_claims;

/// How far apart our clock and Entra's may be.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// The tenant of all personal accounts.
const PERSONAL: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");

/// Entra's own claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EntraClaims {
    tid: Uuid,
    oid: Uuid,
    ver: String,
    nbf: i64,
    sid: Option<String>,
    login_hint: Option<String>,
    wids: Option<Vec<Uuid>>,
    acct: Option<serde_json::Value>,
    idp: Option<String>,
    roles: Option<Vec<String>>,
    groups: Option<Vec<Uuid>>,
}

impl AdditionalClaims for EntraClaims {}

pub(super) type EntraIdToken =
    IdToken<EntraClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// What the token has to agree with.
pub(super) struct Expected<'a> {
    pub(super) client_id: &'a str,
    pub(super) login: &'a Url,
    pub(super) authority: Authority,
    pub(super) nonce: Nonce,
    pub(super) now: DateTime<Utc>,
}

/// The id of the key that the token says it is signed with. Entra always names one.
pub(super) fn key_id(token: &EntraIdToken) -> Result<String, SignInError> {
    let header = jsonwebtoken::decode_header(token.to_string()).map_err(|_| SignInError::token("its header"))?;
    header.kid.ok_or(SignInError::token("it names no key"))
}

/// Who the token speaks of, if all of it holds.
pub(super) fn check(token: &EntraIdToken, keys: &[Key], expected: &Expected<'_>) -> Result<Person, SignInError> {
    #[derive(Deserialize)]
    struct Claimed {
        tid: Uuid,
    }
    // Not believed yet: it says which issuer the token must prove to be of.
    let Claimed { tid } = unverified_claims(&token.to_string()).ok_or(SignInError::token("its tenant"))?;
    if tid == PERSONAL {
        return Err(SignInError::PersonalAccount);
    }
    if let Authority::Tenant(tenant) = expected.authority
        && tid != tenant
    {
        return Err(SignInError::OtherTenant);
    }
    let issuer = format!("{}{tid}/v2.0", expected.login);
    let key = usable_key(keys, &key_id(token)?, &issuer, tid)?;

    let client_id = ClientId::new(expected.client_id.to_owned());
    let issuer_url = IssuerUrl::new(issuer.clone()).map_err(|_| SignInError::token("its issuer"))?;
    let now = expected.now;
    let verifier = IdTokenVerifier::new_public_client(client_id, issuer_url, JsonWebKeySet::new(vec![key]))
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
        .set_other_audience_verifier_fn(|_| false)
        .set_time_fn(move || now - SKEW)
        .set_issue_time_verifier_fn(move |issued| {
            if issued <= now + SKEW {
                Ok(())
            } else {
                Err("issued in the future".into())
            }
        });
    let claims = token
        .claims(&verifier, &expected.nonce)
        .map_err(|error| SignInError::token(what_failed(&error)))?;

    let entra = claims.additional_claims();
    if claims.issuer().as_str() != issuer || entra.tid != tid {
        return Err(SignInError::token("its issuer"));
    }
    if claims.audiences().len() != 1 {
        return Err(SignInError::token("its audience"));
    }
    if entra.ver != "2.0" {
        return Err(SignInError::token("its version"));
    }
    if DateTime::from_timestamp(entra.nbf, 0).is_none_or(|not_before| not_before > now + SKEW) {
        return Err(SignInError::token("its times"));
    }
    Ok(Person {
        tid,
        oid: entra.oid,
        name: claims
            .name()
            .and_then(|name| name.get(None))
            .map(|name| name.to_string()),
        username: claims.preferred_username().map(|name| name.to_string()),
        sid: entra.sid.clone(),
        login_hint: entra.login_hint.clone(),
        wids: entra.wids.clone(),
        guest: guest(entra, &issuer),
        roles: entra.roles.clone().unwrap_or_default(),
        groups: entra.groups.clone().unwrap_or_default(),
    })
}

/// The key with this id, if it may sign for this issuer.
fn usable_key(keys: &[Key], key_id: &str, issuer: &str, tid: Uuid) -> Result<CoreJsonWebKey, SignInError> {
    let key = keys
        .iter()
        .find(|key| key.kid == key_id)
        .ok_or(SignInError::token("its key is unknown"))?;
    let good_for = key
        .issuer
        .as_ref()
        .map(|template| template.replace(TENANT_PLACEHOLDER, &tid.to_string()));
    if good_for.is_some_and(|good_for| good_for != issuer) {
        return Err(SignInError::token("its key belongs to another issuer"));
    }
    key.key.clone().ok_or(SignInError::token("its key is unknown"))
}

/// The optional claim `acct` is 0 for a member and 1 for a guest: what is not plainly a member is a guest. Without it, an
/// identity provider other than the tenant itself (`idp`) still gives a guest away.
fn guest(entra: &EntraClaims, issuer: &str) -> Option<bool> {
    match &entra.acct {
        Some(acct) => Some(acct.as_u64() != Some(0) && acct.as_str() != Some("0")),
        None => entra.idp.as_ref().filter(|idp| *idp != issuer).map(|_| true),
    }
}

/// What failed, in words of ours: openidconnect's quote the token.
fn what_failed(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "its times",
        ClaimsVerificationError::InvalidAudience(_) => "its audience",
        ClaimsVerificationError::InvalidIssuer(_) => "its issuer",
        ClaimsVerificationError::InvalidNonce(_) => "its nonce",
        ClaimsVerificationError::SignatureVerification(_) => "its signature",
        _ => "its claims",
    }
}
