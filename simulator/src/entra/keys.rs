//! The keys that tokens are signed with. Several are published at a time; rotation adds one and
//! retires the oldest, as Entra does without a schedule.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

/// How many keys are published: the one in use, and those that it followed.
const PUBLISHED: usize = 2;

struct Key {
    /// Also the SHA-1 thumbprint of the certificate, as Entra names its keys.
    kid: String,
    signing: EncodingKey,
    jwk: Value,
}

pub struct KeySet {
    /// Newest last.
    keys: Vec<Key>,
}

impl KeySet {
    pub fn generate() -> anyhow::Result<Self> {
        Ok(Self {
            keys: vec![Key::generate()?],
        })
    }

    /// Signs with a new key from now on; the oldest is no longer published.
    pub fn rotate(&mut self) -> anyhow::Result<()> {
        self.keys.push(Key::generate()?);
        if self.keys.len() > PUBLISHED {
            self.keys.remove(0);
        }
        Ok(())
    }

    pub fn kids(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.kid.clone()).collect()
    }

    /// The key set as it is published, with the issuer that each key serves.
    pub fn published(&self, issuer: &str) -> Value {
        let keys = self.keys.iter().map(|key| {
            let mut jwk = key.jwk.clone();
            jwk["issuer"] = json!(issuer);
            jwk
        });
        json!({"keys": keys.collect::<Vec<Value>>()})
    }

    pub fn sign(&self, claims: &impl Serialize) -> anyhow::Result<String> {
        let key = self.keys.last().context("a key set is never empty")?;
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(key.kid.clone());
        header.x5t = Some(key.kid.clone());
        Ok(jsonwebtoken::encode(&header, claims, &key.signing)?)
    }
}

impl Key {
    fn generate() -> anyhow::Result<Self> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256)?;
        let mut params = rcgen::CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "accounts.accesscontrol.windows.net");
        let certificate = params.self_signed(&pair)?;
        let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
        let kid = URL_SAFE_NO_PAD.encode(thumbprint);
        let signing = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes())?;
        let mut jwk = serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&signing, Algorithm::RS256)?)?;
        jwk["kid"] = json!(kid);
        jwk["x5t"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["x5c"] = json!([STANDARD.encode(certificate.der())]);
        if let Some(jwk) = jwk.as_object_mut() {
            // Entra's keys do not name their algorithm.
            jwk.remove("alg");
            jwk.retain(|_, value| !value.is_null());
        }
        Ok(Self { kid, signing, jwk })
    }
}
