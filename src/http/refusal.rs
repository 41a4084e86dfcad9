//! Why a door did not open, in the shape of a GraphQL answer.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::accept::Media;
use super::rates::Wait;
use crate::error::UserError;

pub(super) const TOO_MANY_FAILURES: &str =
    "Too many attempts with a wrong token or an ended session have come from this address.";

/// When to come again.
pub(super) fn try_again(wait: Wait) -> String {
    match wait.seconds() {
        1 => "Try again in a second.".to_owned(),
        seconds => format!("Try again in {seconds} seconds."),
    }
}

/// A request that never reached the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// One of the codes that every error of the API has.
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// In so many seconds it may be tried again.
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) const NOBODY: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "Sign in at /auth/sign-in, or send a service token as Authorization: Bearer.",
    );
    pub(super) const ENDED: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "The session or token has ended, or the right to it. Sign in again at /auth/sign-in.",
    );
    pub(super) const STRANGE_ORIGIN: Self = Self::new(
        StatusCode::FORBIDDEN,
        "FORBIDDEN",
        "This page's origin may not use the API with your session. Its operator lists it in TENANTRY_ALLOWED_ORIGINS.",
    );
    pub(super) const BARE_GET: Self = Self::new(
        StatusCode::FORBIDDEN,
        "FORBIDDEN",
        "A GET with a session needs the header X-Tenantry-Request: 1, which no other site can send.",
    );
    pub(super) const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "LIMIT",
        "The body is larger than 256 KiB.",
    );
    pub(super) const NOT_JSON: Self = Self::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "BAD_INPUT",
        "Send the request as Content-Type: application/json.",
    );
    pub(super) const NOT_ACCEPTABLE: Self = Self::new(
        StatusCode::NOT_ACCEPTABLE,
        "BAD_INPUT",
        "Accept application/graphql-response+json or application/json.",
    );
    pub(super) const EVENTS_ONLY: Self =
        Self::new(StatusCode::NOT_ACCEPTABLE, "BAD_INPUT", "Accept text/event-stream.");
    pub(super) const MUTATION_BY_GET: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_INPUT", "Mutations go by POST.");
    pub(super) const MUTATION_IN_A_STREAM: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "BAD_INPUT",
        "Mutations go by POST to /graphql.",
    );
    pub(super) const SUBSCRIPTION: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "BAD_INPUT",
        "Subscriptions go over a websocket (graphql-transport-ws) to /graphql, or to /graphql/stream.",
    );
    pub(super) const BROKEN: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "INTERNAL",
        message: Cow::Borrowed("Internal error. Try again."),
        retry_after: Some(5),
    };
    pub(super) const TOO_MANY_STREAMS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "LIMIT",
        "As many streams as may be are open with this token or session. Close one first, or use a websocket for many.",
    );

    pub(super) const TOO_MANY_EXPORTS: Self = Self {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "LIMIT",
        message: Cow::Borrowed("As much evidence as may be is being put together for others. Try again in a minute."),
        retry_after: Some(60),
    };
    pub(super) const NO_FIGURES: Self = Self::new(
        StatusCode::FORBIDDEN,
        "FORBIDDEN",
        "The figures are for staff, and for service tokens of every company that may VIEW_OPERATIONS.",
    );
    pub(super) const NO_COMPANY: Self = Self::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "There is no such company, or its evidence is not shown to you.",
    );

    pub(super) const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message: Cow::Borrowed(message),
            retry_after: None,
        }
    }

    /// The viewer asks too often.
    pub(super) fn too_often(wait: Wait) -> Self {
        Self::limit("You ask more often than is answered.", wait)
    }

    /// The address has spent its failures.
    pub(super) fn too_many_failures(wait: Wait) -> Self {
        Self::limit(TOO_MANY_FAILURES, wait)
    }

    fn limit(what: &str, wait: Wait) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "LIMIT",
            message: format!("{what} {}", try_again(wait)).into(),
            retry_after: Some(wait.seconds()),
        }
    }

    pub(super) const fn bad(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_INPUT", message)
    }

    /// The errors of the answer.
    pub(super) fn errors(&self) -> serde_json::Value {
        json!([{"message": self.message, "extensions": {"code": self.code}}])
    }

    /// The answer in the media type that was asked for, as far as it can be.
    pub(super) fn in_media(self, media: Option<Media>) -> Response {
        let content_type = media.unwrap_or(Media::Json).content_type();
        let body = json!({"errors": self.errors()}).to_string();
        let headers = [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (self.status, headers, body).into_response();
        let extra = match self.status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<UserError> for Refusal {
    fn from(error: UserError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: error.code,
            message: error.message.into(),
            retry_after: None,
        }
    }
}

impl From<anyhow::Error> for Refusal {
    /// The cause is for the log, never for the answer.
    fn from(error: anyhow::Error) -> Self {
        tracing::error!(error = format!("{error:#}"), "a request could not be answered");
        Self::BROKEN
    }
}
