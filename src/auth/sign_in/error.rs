//! Why somebody could not sign in or consent, in plain words.
//!
//! The danger: what Entra writes names people, tenants and trace ids. It is read for its number and never shown.

use crate::microsoft::{EntraError, explain};

/// Why there is nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum SignInError {
    /// Entra, or the person, said no.
    Refused {
        /// The AADSTS number, where there is one.
        number: Option<u32>,
        /// The protocol's word, for example `access_denied`.
        error: String,
    },
    /// The token that came back does not hold.
    TokenInvalid {
        /// Which part of it.
        what: &'static str,
    },
    /// A personal account, which no organization vouches for.
    PersonalAccount,
    /// Somebody of another tenant than the one that was asked.
    OtherTenant,
    /// Entra's own description of itself is not what it must be.
    Metadata,
    /// Entra could not be reached or is not itself.
    Unavailable,
}

impl SignInError {
    /// What the redirect says when there is no code: `error` and `error_description`. Also for the admin consent's redirect.
    pub fn from_redirect(error: &str, description: &str) -> Self {
        Self::refused(&EntraError::in_redirect(error, description))
    }

    pub(super) fn refused(refusal: &EntraError) -> Self {
        // The word comes through the browser: only one that looks like the protocol's is kept.
        let plain = refusal.error.len() <= 64 && refusal.error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let error = if plain { refusal.error.clone() } else { String::new() };
        Self::Refused {
            number: refusal.number(),
            error,
        }
    }

    pub(super) fn token(what: &'static str) -> Self {
        Self::TokenInvalid { what }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "SIGN_IN_REFUSED",
            Self::TokenInvalid { .. } => "SIGN_IN_INVALID",
            Self::PersonalAccount => "PERSONAL_ACCOUNT",
            Self::OtherTenant => "OTHER_TENANT",
            Self::Metadata => "SIGN_IN_METADATA",
            Self::Unavailable => "MICROSOFT_UNAVAILABLE",
        }
    }

    /// What happened, in a sentence for people.
    pub fn message(&self) -> String {
        match self {
            Self::Refused { number, error } => self.explained().map_or_else(
                || match number {
                    Some(number) => format!("Microsoft refused the sign-in (AADSTS{number})."),
                    None if error.is_empty() => "Microsoft refused the sign-in.".into(),
                    None => format!("Microsoft refused the sign-in ({error})."),
                },
                |(message, _)| message.into(),
            ),
            Self::TokenInvalid { what } => {
                format!("The answer of Microsoft's sign-in does not hold: {what}.")
            }
            Self::PersonalAccount => "This is a personal Microsoft account.".into(),
            Self::OtherTenant => "This account belongs to another tenant than the one to sign in to.".into(),
            Self::Metadata => "Microsoft's sign-in describes itself in an unexpected way.".into(),
            Self::Unavailable => "Microsoft's sign-in could not be reached.".into(),
        }
    }

    /// What to do about it, in a sentence for people.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Refused { .. } => self.explained().map_or("Sign in again.", |(_, remedy)| remedy),
            Self::TokenInvalid { what: "its times" } => {
                "Sign in again. If it happens again, check this server's clock."
            }
            Self::TokenInvalid { .. } => "Sign in again.",
            Self::PersonalAccount => "Sign in with a work or school account.",
            Self::OtherTenant => "Sign in again and choose an account of the right tenant.",
            Self::Metadata => "The operator has to check MICROSOFT_LOGIN_URL and MICROSOFT_CLOUD.",
            Self::Unavailable => "Sign in again in a minute.",
        }
    }

    fn explained(&self) -> Option<(&'static str, &'static str)> {
        let Self::Refused { number, error } = self else {
            return None;
        };
        if let Some(explained) = number.and_then(explain) {
            return Some((explained.message, explained.remedy));
        }
        match error.as_str() {
            "access_denied" | "permission_denied" | "consent_required" => Some((
                "The request was declined.",
                "Start again and accept, or ask an administrator of the tenant.",
            )),
            "login_required" | "interaction_required" => Some((
                "There is no Microsoft session to continue.",
                "Sign in again and choose the account.",
            )),
            "temporarily_unavailable" | "server_error" => Some(("Microsoft is busy.", "Sign in again in a minute.")),
            _ => None,
        }
    }
}
