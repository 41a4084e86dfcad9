//! Secrets that we hand out: tickets, states, cookies, service tokens.
//!
//! The danger: a database that leaks must not hand over what opens the doors. So only the SHA-256 of a secret is ever
//! stored; at 256 random bits a plain hash cannot be guessed backwards.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRngCore;
use sha2::{Digest, Sha256};

/// 256 bits from the operating system, as 43 characters of base64url.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn fresh() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a secret, and looked up by. A lookup by hash tells an attacker's clock nothing of the secret.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_alike() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), other.len()), (43, 43));
    }

    #[test]
    fn what_is_stored_is_not_the_secret() {
        let secret = fresh().unwrap();
        assert_eq!(hash(&secret).len(), 32);
        assert_ne!(hash(&secret), secret.as_bytes());
        assert_eq!(hash(&secret), hash(&secret));
    }
}
