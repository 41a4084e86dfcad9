//! What proves to Entra that we are the application: a client secret, or an assertion signed with a certificate's key.
//!
//! The danger: whoever has this reads every client's tenant. It has no `Debug`, is never written anywhere, and leaves
//! only as form fields to Entra's token endpoint.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use super::BadSettings;

/// Text that must not be seen: neither `Debug` nor `Display`.
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What proves that we are the application.
pub enum Credential {
    /// A client secret: its value, not its id.
    Secret(Secret),
    /// PEM text with an RSA private key and the certificate registered for it, the leaf first if there is a chain.
    Certificate(Secret),
}

/// The application with its credential, ready to prove itself.
pub(crate) struct SignedAs {
    client_id: String,
    means: Means,
    /// When the certificate runs out; a secret does not tell.
    expires: Option<DateTime<Utc>>,
}

enum Means {
    Secret(String),
    Certificate { key: EncodingKey, thumbprint: String },
}

/// Form fields for a token endpoint that prove who we are.
pub(crate) enum Proof {
    Secret(String),
    Assertion(String),
}

/// The value of `client_assertion_type` (RFC 7523, section 2.2).
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long a signed assertion is good for: enough for the request that it is made for.
const ASSERTION_LIFE: TimeDelta = TimeDelta::minutes(5);

impl SignedAs {
    pub(crate) fn new(client_id: String, credential: Credential) -> Result<Self, BadSettings> {
        let mut expires = None;
        let means = match credential {
            Credential::Secret(Secret(secret)) => Means::Secret(secret),
            Credential::Certificate(Secret(pem)) => {
                let certificate =
                    der_of(&pem, "CERTIFICATE").ok_or(BadSettings::Certificate("it holds no CERTIFICATE block"))?;
                expires = Some(end_of(&certificate)?);
                let key = EncodingKey::from_rsa_pem(key_block(&pem)?.as_bytes())
                    .map_err(|_| BadSettings::Certificate("its private key is not an RSA key in PEM form"))?;
                Means::Certificate {
                    key,
                    thumbprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate)),
                }
            }
        };
        let signed_as = Self {
            client_id,
            means,
            expires,
        };
        signed_as.prove(
            &Url::parse("https://localhost/").expect("a fixed URL"),
            DateTime::UNIX_EPOCH,
        )?;
        Ok(signed_as)
    }

    pub(crate) fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }

    pub(crate) fn thumbprint(&self) -> Option<&str> {
        match &self.means {
            Means::Secret(_) => None,
            Means::Certificate { thumbprint, .. } => Some(thumbprint),
        }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// A proof for this token endpoint, good for a few minutes from `now`.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
    pub(crate) fn prove(&self, token_endpoint: &Url, now: DateTime<Utc>) -> Result<Proof, BadSettings> {
        #[derive(Serialize)]
        struct Claims<'a> {
            aud: &'a str,
            iss: &'a str,
            sub: &'a str,
            jti: Uuid,
            iat: i64,
            nbf: i64,
            exp: i64,
        }
        match &self.means {
            Means::Secret(secret) => Ok(Proof::Secret(secret.clone())),
            Means::Certificate { key, thumbprint } => {
                let header = Header {
                    x5t_s256: Some(thumbprint.clone()),
                    ..Header::new(Algorithm::PS256)
                };
                let claims = Claims {
                    aud: token_endpoint.as_str(),
                    iss: &self.client_id,
                    sub: &self.client_id,
                    jti: Uuid::new_v4(),
                    iat: now.timestamp(),
                    nbf: now.timestamp(),
                    exp: (now + ASSERTION_LIFE).timestamp(),
                };
                jsonwebtoken::encode(&header, &claims, key)
                    .map(Proof::Assertion)
                    .map_err(|_| BadSettings::Certificate("its private key cannot sign"))
            }
        }
    }
}

/// The last moment at which a certificate is good (RFC 5280, section 4.1.2.5).
fn end_of(certificate: &[u8]) -> Result<DateTime<Utc>, BadSettings> {
    const UNREADABLE: BadSettings = BadSettings::Certificate("its CERTIFICATE block cannot be read");
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).map_err(|_| UNREADABLE)?;
    let end = certificate.validity().not_after.timestamp();
    DateTime::from_timestamp(end, 0).ok_or(UNREADABLE)
}

fn key_block(pem: &str) -> Result<&str, BadSettings> {
    ["PRIVATE KEY", "RSA PRIVATE KEY"]
        .into_iter()
        .find_map(|label| block(pem, label))
        .ok_or(BadSettings::Certificate("it holds no unencrypted PRIVATE KEY block"))
}

/// The first block with this label, its BEGIN and END lines included.
fn block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let end_line = format!("-----END {label}-----");
    let start = pem.find(&format!("-----BEGIN {label}-----"))?;
    let end = start + pem[start..].find(&end_line)? + end_line.len();
    Some(&pem[start..end])
}

fn der_of(pem: &str, label: &str) -> Option<Vec<u8>> {
    let base64: String = block(pem, label)?
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect();
    BASE64_STANDARD.decode(base64).ok()
}
