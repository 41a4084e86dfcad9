//! Entra's errors: what their numbers mean, in words for people.
//!
//! The danger: `error_description` names people and tenants, so it is read for its number and never shown. Microsoft says
//! that the numbers may change and `error` is the contract: a number that is not known here falls back to `error`.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

use serde::Deserialize;

use super::{Refusal, Trouble};

/// The body of a refusal by Entra (RFC 6749, section 5.2, with Microsoft's additions).
#[derive(Deserialize)]
pub(crate) struct EntraError {
    pub(crate) error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl EntraError {
    /// As it arrives in a redirect, where the number is only in the description.
    pub(crate) fn in_redirect(error: &str, description: &str) -> Self {
        Self {
            error: error.to_owned(),
            error_description: description.to_owned(),
            error_codes: Vec::new(),
        }
    }

    /// The AADSTS number, if there is one.
    pub(crate) fn number(&self) -> Option<u32> {
        self.error_codes.first().copied().or_else(|| {
            let (_, after) = self.error_description.split_once("AADSTS")?;
            let digits = after
                .find(|c: char| !c.is_ascii_digit())
                .map_or(after, |end| &after[..end]);
            digits.parse().ok()
        })
    }

    /// Whether the same request may succeed a little later.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.number(), Some(90055 | 50033 | 90024 | 90033)) || self.error == "temporarily_unavailable"
    }

    /// What it means when we ask for an app-only token.
    pub(crate) fn trouble(&self) -> Trouble {
        let refused = |reason| Trouble::CredentialRefused { reason };
        match (self.number(), self.error.as_str()) {
            (
                Some(
                    700_016 | 7_000_112 | 70_001 | 65_001 | 65_004 | 90_094 | 90_095 | 650_052 | 650_054 | 650_056
                    | 650_057,
                ),
                _,
            ) => Trouble::ConsentMissing,
            (Some(7_000_222), _) => refused(Refusal::Expired),
            (Some(7_000_215), _) => refused(Refusal::Wrong),
            (Some(700_027 | 50_012 | 700_030), _) => refused(Refusal::Certificate),
            (Some(700_024), _) => refused(Refusal::Clock),
            (Some(90_002 | 90_038 | 900_382 | 900_432), _) | (_, "invalid_tenant") => Trouble::TenantUnknown,
            (Some(53_003 | 50_131 | 53_000 | 530_035), _) => Trouble::BlockedByPolicy,
            (Some(50_196), _) => Trouble::Throttled {
                retry_after: std::time::Duration::from_secs(300),
            },
            (None, "invalid_client") => refused(Refusal::Wrong),
            (None, "unauthorized_client") => Trouble::ConsentMissing,
            (Some(number), _) => Trouble::unexpected(format!("Entra refused the token request with AADSTS{number}")),
            (None, _) => Trouble::unexpected("Entra refused the token request without a number"),
        }
    }
}

/// What happened and what to do, for somebody who wanted to sign in or to give consent.
pub(crate) struct Explained {
    pub(crate) message: &'static str,
    pub(crate) remedy: &'static str,
}

/// Numbers that people meet while they sign in or consent.
pub(crate) fn explain(number: u32) -> Option<Explained> {
    let (message, remedy) = match number {
        65_004 => (
            "The consent was declined.",
            "Start again and accept, or ask an administrator of the tenant to do so.",
        ),
        65_001 | 700_016 | 7_000_112 | 70_001 => (
            "The application has no consent in this tenant, or is disabled there.",
            "An administrator of the tenant has to connect it (again).",
        ),
        90_094 | 90_095 => (
            "Only an administrator can grant this.",
            "Ask an administrator of the tenant to open the link.",
        ),
        650_052 | 650_054 | 650_056 | 650_057 => (
            "The application's registration does not fit this tenant.",
            "The operator has to check the permissions in the application's registration.",
        ),
        50_011 | 500_113 | 900_971 => (
            "Microsoft does not know this return address.",
            "The operator has to add the redirect URI to the application's registration.",
        ),
        7_000_215 | 7_000_222 | 700_027 | 50_012 | 700_030 | 700_024 => (
            "Microsoft does not accept the application's own credential.",
            "The operator has to renew the client secret or certificate.",
        ),
        90_002 | 90_038 | 900_382 | 900_432 => (
            "Microsoft knows no such tenant in this cloud.",
            "Check that the tenant exists and that Tenantry is set up for its cloud.",
        ),
        53_003 | 50_131 | 53_000 | 530_035 => (
            "A policy of the tenant refuses this sign-in.",
            "Ask the tenant's administrator, or sign in from a device and place that the policy allows.",
        ),
        50_076 | 50_079 | 50_074 | 50_072 => ("Microsoft wants a second factor.", "Sign in again and complete it."),
        50_058 | 16_000 => (
            "There is no Microsoft session to continue.",
            "Sign in again and choose the account.",
        ),
        50_020 | 50_034 | 51_004 | 90_072 => (
            "This account does not belong to the tenant.",
            "Sign in again with a work account of the tenant.",
        ),
        50_105 => (
            "This account is not assigned to the application.",
            "Ask the tenant's administrator to assign it.",
        ),
        50_194 => (
            "The application is registered for a single tenant.",
            "The operator has to make the registration multi-tenant.",
        ),
        54_005 | 70_008 | 70_000 | 50_173 | 501_481 => {
            ("This sign-in was already used or has expired.", "Sign in again.")
        }
        50_196 => (
            "Microsoft saw too many identical requests.",
            "Wait a few minutes, then sign in again.",
        ),
        90_055 | 50_033 | 90_024 | 90_033 => ("Microsoft is busy.", "Sign in again in a minute."),
        _ => return None,
    };
    Some(Explained { message, remedy })
}
