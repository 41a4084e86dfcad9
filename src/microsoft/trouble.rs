//! What can go wrong with Microsoft, as few kinds as a caller has ways to react.
//!
//! The danger: these words end on a page that a client reads. They hold no token, no link, no body and nothing about a
//! person; what Microsoft wrote is translated, never quoted.

use std::time::Duration;

use crate::model::sync_run::RunFailure;

/// Why Microsoft gave no answer that can be used.
///
/// [`message`](Self::message) and [`remedy`](Self::remedy) are for people, [`code`](Self::code) is for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum Trouble {
    /// The position in a chain of pages or changes is no longer known: read everything again.
    StartOver,
    /// The application is not (or no longer) consented to in this tenant, or is disabled there.
    ConsentMissing,
    /// The tenant consented, but not to this; also while a fresh consent has not reached every part of Microsoft.
    PermissionMissing {
        /// The application permission that the question needs.
        permission: &'static str,
    },
    /// The tenant cannot have this at all: not a failure, a fact.
    NotAvailable {
        /// What was asked for.
        what: &'static str,
        /// Why the tenant does not have it.
        why: &'static str,
    },
    /// Microsoft does not accept our own credential. This is the operator's, and concerns every tenant.
    CredentialRefused {
        /// What is wrong with it.
        reason: Refusal,
    },
    /// No such tenant, or one of another national cloud.
    TenantUnknown,
    /// The tenant's own policies keep our application out.
    BlockedByPolicy,
    /// Microsoft refuses the tokens that it has just given.
    TokenRefused,
    /// Too many requests: come back later, not sooner than this.
    Throttled {
        /// The shortest time to wait, at most an hour.
        retry_after: Duration,
    },
    /// Microsoft was not reachable or not itself, also after several tries.
    Unavailable,
    /// An answer that does not say what the contract says it does.
    UnexpectedResponse {
        /// What was unexpected, in words of ours.
        what: String,
    },
    /// A link that leads elsewhere than the question did. Nothing was sent there.
    UntrustedLink,
    /// Pages that lead back to a page already read.
    PagingLoop,
    /// More than we are prepared to hold.
    TooLarge {
        /// What was too large.
        what: &'static str,
    },
}

/// What Microsoft finds wrong with our credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The client secret has expired.
    Expired,
    /// The client secret is not the right one.
    Wrong,
    /// The certificate is not registered with the application, or not for it.
    Certificate,
    /// The signed assertion is outside its time range: this machine's clock is wrong.
    Clock,
}

impl Trouble {
    pub(crate) fn unexpected(what: impl Into<String>) -> Self {
        Self::UnexpectedResponse { what: what.into() }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::StartOver => "START_OVER",
            Self::ConsentMissing => "CONSENT_MISSING",
            Self::PermissionMissing { .. } => "PERMISSION_MISSING",
            Self::NotAvailable { .. } => "NOT_AVAILABLE",
            Self::CredentialRefused { .. } => "CREDENTIAL_REFUSED",
            Self::TenantUnknown => "TENANT_UNKNOWN",
            Self::BlockedByPolicy => "BLOCKED_BY_POLICY",
            Self::TokenRefused => "TOKEN_REFUSED",
            Self::Throttled { .. } => "THROTTLED",
            Self::Unavailable => "MICROSOFT_UNAVAILABLE",
            Self::UnexpectedResponse { .. } => "UNEXPECTED_RESPONSE",
            Self::UntrustedLink => "UNTRUSTED_LINK",
            Self::PagingLoop => "PAGING_LOOP",
            Self::TooLarge { .. } => "TOO_LARGE",
        }
    }

    /// What happened, in a sentence for people.
    pub fn message(&self) -> String {
        match self {
            Self::StartOver => "Microsoft no longer knows where the last sync stopped.".into(),
            Self::ConsentMissing => {
                "This tenant has not consented to the application, or has taken the consent back.".into()
            }
            Self::PermissionMissing { permission } => {
                format!("The permission {permission} is missing in this tenant.")
            }
            Self::NotAvailable { what, why } => format!("This tenant has no {what}: {why}."),
            Self::CredentialRefused { reason } => reason.message().into(),
            Self::TenantUnknown => "Microsoft knows no such tenant in this cloud.".into(),
            Self::BlockedByPolicy => "A Conditional Access policy of this tenant keeps the application out.".into(),
            Self::TokenRefused => "Microsoft refuses the access token that it has just issued.".into(),
            Self::Throttled { retry_after } => {
                format!(
                    "Microsoft asked us to wait for {} seconds: too many requests.",
                    retry_after.as_secs()
                )
            }
            Self::Unavailable => {
                "Microsoft could not be reached or answered with errors, also after several tries.".into()
            }
            Self::UnexpectedResponse { what } => {
                format!("Microsoft's answer was not as expected: {what}.")
            }
            Self::UntrustedLink => {
                "Microsoft's answer led to another address than its own; nothing was sent there.".into()
            }
            Self::PagingLoop => "Microsoft's pages lead in a circle.".into(),
            Self::TooLarge { what } => format!("Microsoft's answer was too large: {what}."),
        }
    }

    /// What to do about it, in a sentence for people.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::StartOver => "Nothing to do: the next sync reads everything again.",
            Self::ConsentMissing => "Connect the tenant again: an administrator of it has to grant the permissions.",
            Self::PermissionMissing { .. } => {
                "Right after connecting, wait a few minutes. Otherwise add the permission to the application's registration \
                 and connect the tenant again, so that an administrator grants it."
            }
            Self::NotAvailable { .. } => "Nothing to do, unless the tenant should have it: then check its licences.",
            Self::CredentialRefused { reason } => reason.remedy(),
            Self::TenantUnknown => "Check that the tenant still exists and that Tenantry is set up for its cloud.",
            Self::BlockedByPolicy => {
                "Ask the tenant's administrator to allow the application in the Conditional Access policies for workload identities."
            }
            Self::TokenRefused => "Check this machine's clock. If it is right, connect the tenant again.",
            Self::Throttled { .. } => "Nothing to do: what was not read is read again later.",
            Self::Unavailable => {
                "Nothing to do: the next sync tries again. If it lasts, look at Microsoft's service health."
            }
            Self::UnexpectedResponse { .. } => "Sync again. If it happens again, report it with the time of this run.",
            Self::UntrustedLink => "Report this to whoever runs Tenantry: something may sit between it and Microsoft.",
            Self::PagingLoop => "Sync again with mode FULL. If it happens again, report it with the time of this run.",
            Self::TooLarge { .. } => "Report it with the time of this run.",
        }
    }
}

/// What a run says of trouble with Microsoft.
impl From<&Trouble> for RunFailure {
    fn from(trouble: &Trouble) -> Self {
        Self {
            code: trouble.code().into(),
            message: trouble.message(),
            remedy: trouble.remedy().into(),
        }
    }
}

impl Refusal {
    fn message(self) -> &'static str {
        match self {
            Self::Expired => "The application's client secret has expired.",
            Self::Wrong => "Microsoft does not accept the application's client secret.",
            Self::Certificate => "Microsoft does not accept the application's certificate.",
            Self::Clock => "Microsoft finds our signed request outside its time range.",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Expired => {
                "The operator has to create a new client secret and set MICROSOFT_CLIENT_SECRET. Until then no tenant can sync."
            }
            Self::Wrong => {
                "The operator has to set MICROSOFT_CLIENT_SECRET to the secret's value (not its id). Until then no tenant can sync."
            }
            Self::Certificate => {
                "The operator has to upload the certificate to the application's registration, or set MICROSOFT_CLIENT_CERTIFICATE to \
                 one that is there. Until then no tenant can sync."
            }
            Self::Clock => "The operator has to set this machine's clock. Until then no tenant can sync.",
        }
    }
}
