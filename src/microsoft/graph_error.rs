//! Graph's refusals: from a status and a body to what the caller can do about it.
//!
//! The danger: the same fact comes in many dresses. Intune says "no permission" as a 401 with a JSON document inside a
//! string, "no such product" is a 400 or a 403 or a 404, and an expired position is a 410 or any 4xx with one of several
//! codes. Reading one of them wrong turns "we could not look" into "there is nothing".
//!
//! Source: <https://learn.microsoft.com/graph/errors>

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::Trouble;
use super::collection::Collection;
use super::door::now;
use super::patience::{Passing, retry_after};

/// What an answer without success means for the question.
#[derive(Debug)]
pub(crate) enum Setback {
    /// It may pass: ask again within the patience there is.
    Passing(Passing),
    /// The token is not accepted: ask once more with a new one.
    Token,
    /// Asking again does not help.
    Final(Trouble),
}

#[derive(Deserialize)]
struct Envelope {
    error: GraphError,
}

#[derive(Deserialize, Default)]
struct GraphError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Codes that say "this position is gone", whatever the status.
const POSITION_GONE: [&str; 4] = [
    "syncStateNotFound",
    "syncStateInvalid",
    "resyncRequired",
    "Directory_ExpiredPageToken",
];

/// Codes that say "the tenant has no premium licence".
const NO_PREMIUM: [&str; 2] = [
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    "AadPremiumLicenseRequired",
];

/// Reads a refusal. `status` and `headers` are those of the answer, or of the item of a batch.
pub(crate) fn read(collection: Collection, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Setback {
    let told = retry_after(headers, now());
    let error = serde_json::from_slice::<Envelope>(body)
        .map(|envelope| envelope.error)
        .unwrap_or_default();
    let is = |code: &str| error.code.eq_ignore_ascii_case(code);
    let innermost = innermost(&error.message);

    if status.is_redirection() {
        return Setback::Final(Trouble::UntrustedLink);
    }
    if status == StatusCode::GONE || (status.is_client_error() && POSITION_GONE.into_iter().any(is)) {
        return Setback::Final(Trouble::StartOver);
    }
    if status == StatusCode::TOO_MANY_REQUESTS || is("TooManyRequests") || is("activityLimitReached") {
        return Setback::Passing(Passing::throttled(told));
    }
    if status == StatusCode::NOT_IMPLEMENTED {
        return Setback::Final(Trouble::unexpected(
            "Graph does not offer what was asked of this collection",
        ));
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Setback::Passing(Passing {
            trouble: Trouble::Unavailable,
            not_before: told,
        });
    }
    if status == StatusCode::CONFLICT {
        return Setback::Passing(Passing {
            trouble: Trouble::Unavailable,
            not_before: told,
        });
    }
    if NO_PREMIUM.into_iter().any(is) {
        return Setback::Final(Trouble::NotAvailable {
            what: "Entra premium reports",
            why: "it has no Entra ID P1 or P2 licence",
        });
    }
    if collection.is_intune() && no_intune(status, &innermost) {
        return Setback::Final(Trouble::NotAvailable {
            what: "Intune devices",
            why: "Intune is not part of its subscriptions",
        });
    }
    match status {
        StatusCode::UNAUTHORIZED if is("UnknownError") && says_forbidden(&error.message) => {
            permission_missing(collection)
        }
        StatusCode::UNAUTHORIZED => Setback::Token,
        StatusCode::FORBIDDEN if is("Authorization_IdentityNotFound") => Setback::Final(Trouble::ConsentMissing),
        StatusCode::FORBIDDEN => permission_missing(collection),
        _ => Setback::Final(Trouble::unexpected(format!(
            "Graph refused {} with status {} {}",
            collection.path(),
            status.as_u16(),
            identifier(&error.code)
        ))),
    }
}

fn permission_missing(collection: Collection) -> Setback {
    Setback::Final(Trouble::PermissionMissing {
        permission: collection.permission(),
    })
}

/// A tenant without Intune answers 400 with this text; a 404 for the collection itself can mean nothing else.
fn no_intune(status: StatusCode, message: &str) -> bool {
    status == StatusCode::NOT_FOUND
        || (status.is_client_error() && message.to_ascii_lowercase().contains("not applicable to target tenant"))
}

/// Intune wraps its own refusal: `{"ErrorCode":"Forbidden","Message":"{…}"}` as the message of an `UnknownError`.
fn says_forbidden(message: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Wrapped {
        error_code: String,
    }
    serde_json::from_str::<Wrapped>(message).is_ok_and(|wrapped| wrapped.error_code.eq_ignore_ascii_case("Forbidden"))
}

/// The message inside the messages that are themselves JSON documents.
fn innermost(message: &str) -> String {
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(alias = "Message")]
        message: String,
    }
    let mut message = message.to_owned();
    // Two levels were seen; the bound is against a document made to be deep.
    for _ in 0..4 {
        match serde_json::from_str::<Wrapped>(&message) {
            Ok(wrapped) => message = wrapped.message,
            Err(_) => break,
        }
    }
    message
}

/// Microsoft's code in the body of a refusal, if there is one that looks like a code.
pub(crate) fn code(body: &[u8]) -> Option<String> {
    let error = serde_json::from_slice::<Envelope>(body).ok()?.error;
    Some(identifier(&error.code))
        .filter(|code| !code.is_empty())
        .map(str::to_owned)
}

/// An error code is shown only if it looks like one: it is the one word of Microsoft's that we pass on.
fn identifier(code: &str) -> &str {
    let plain = code.len() <= 64
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
    if plain { code } else { "" }
}
