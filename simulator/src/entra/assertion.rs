//! Client assertions (`private_key_jwt`): a JWT that the application signed with its certificate.
//!
//! Microsoft's own libraries leave the padding on the thumbprint and write fractional times; both
//! are taken, as Entra takes them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use x509_parser::prelude::FromDer;

use super::error::Aadsts;
use crate::application::ApplicationSpec;
use crate::server::Origin;

/// Seconds by which clocks may differ.
const SKEW: f64 = 300.0;

/// The client id that an unchecked assertion claims.
pub fn issuer(assertion: &str) -> Option<String> {
    let payload = assertion.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()?;
    claims["iss"].as_str().map(str::to_owned)
}

pub fn check(application: &ApplicationSpec, assertion: &str, tenant: &str, origin: &Origin) -> Result<(), Aadsts> {
    let invalid = |why: &str| {
        Aadsts::new(
            700027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. {why}"
            ),
        )
    };
    let pem = application
        .certificate_pem
        .as_deref()
        .ok_or_else(|| invalid("The application has no certificate."))?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .map_err(|_| invalid("The registered certificate cannot be read."))?;
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(&pem.contents)
        .map_err(|_| invalid("The registered certificate cannot be read."))?;
    check_thumbprint(assertion, &pem.contents).ok_or_else(|| invalid("The thumbprint is another certificate's."))?;

    let key = public_key(&certificate).ok_or_else(|| invalid("The certificate holds no RSA key."))?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.algorithms = vec![Algorithm::RS256, Algorithm::PS256];
    // The times are checked below: they may be fractions, and the audience has several spellings.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Value>(assertion, &key, &validation)
        .map_err(|_| invalid("The signature does not match."))?
        .claims;

    let audience = claims["aud"].as_str().unwrap_or_default();
    let endpoint = format!("{}/{tenant}/oauth2/v2.0/token", origin.0);
    if audience != endpoint && audience != format!("{}/{tenant}/v2.0", origin.0) {
        return Err(Aadsts::new(50012, "Client assertion contains an invalid audience."));
    }
    if claims["iss"] != application.client_id.as_str() || claims["sub"] != application.client_id.as_str() {
        return Err(Aadsts::new(
            50012,
            "Client assertion contains an invalid issuer or subject.",
        ));
    }
    let now = jsonwebtoken::get_current_timestamp() as f64;
    let expires = claims["exp"].as_f64().unwrap_or_default();
    let starts = claims["nbf"].as_f64().unwrap_or(now);
    if expires + SKEW < now || starts - SKEW > now {
        return Err(Aadsts::new(
            700024,
            "Client assertion is not within its valid time range.",
        ));
    }
    Ok(())
}

/// `x5t#S256` or `x5t` has to name the registered certificate.
fn check_thumbprint(assertion: &str, certificate: &[u8]) -> Option<()> {
    let header = assertion.split('.').next()?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header.trim_end_matches('=')).ok()?).ok()?;
    let (given, algorithm) = match (header["x5t#S256"].as_str(), header["x5t"].as_str()) {
        (Some(given), _) => (given, &aws_lc_rs::digest::SHA256),
        (None, Some(given)) => (given, &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY),
        (None, None) => return None,
    };
    let expected = URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(algorithm, certificate));
    (given.trim_end_matches('=') == expected).then_some(())
}

fn public_key(certificate: &x509_parser::certificate::X509Certificate<'_>) -> Option<DecodingKey> {
    match certificate.public_key().parsed().ok()? {
        x509_parser::public_key::PublicKey::RSA(rsa) => {
            let modulus: Vec<u8> = rsa.modulus.iter().copied().skip_while(|byte| *byte == 0).collect();
            Some(DecodingKey::from_rsa_raw_components(&modulus, rsa.exponent))
        }
        _ => None,
    }
}
