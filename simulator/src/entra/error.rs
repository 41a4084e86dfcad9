//! Entra's errors: an OAuth error with an AADSTS number, for programs as JSON and for people as a page.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use super::html;

#[derive(Clone, Debug)]
pub struct Aadsts {
    pub status: u16,
    pub error: &'static str,
    pub number: u32,
    pub message: String,
}

/// Status and OAuth error of the numbers that are answered here.
const TABLE: &[(u32, u16, &str)] = &[
    (50011, 400, "invalid_request"),
    (50012, 401, "invalid_client"),
    (50034, 400, "invalid_grant"),
    (50057, 400, "invalid_grant"),
    (50058, 400, "login_required"),
    (16000, 400, "interaction_required"),
    (54005, 400, "invalid_grant"),
    (65001, 400, "invalid_grant"),
    (65004, 400, "consent_required"),
    (70000, 400, "invalid_grant"),
    (70008, 400, "invalid_grant"),
    (70011, 400, "invalid_scope"),
    (90002, 400, "invalid_request"),
    (90014, 400, "invalid_request"),
    (90094, 400, "access_denied"),
    (90055, 429, "temporarily_unavailable"),
    (50033, 503, "temporarily_unavailable"),
    (70001, 400, "unauthorized_client"),
    (70003, 400, "unsupported_grant_type"),
    (501481, 400, "invalid_grant"),
    (700016, 400, "unauthorized_client"),
    (700024, 401, "invalid_client"),
    (700027, 401, "invalid_client"),
    (7000112, 401, "unauthorized_client"),
    (7000215, 401, "invalid_client"),
    (7000218, 401, "invalid_client"),
    (7000222, 401, "invalid_client"),
    (9001023, 400, "invalid_request"),
    (900144, 400, "invalid_request"),
    (500011, 400, "invalid_resource"),
    (50194, 400, "invalid_request"),
];

impl Aadsts {
    pub fn new(number: u32, message: impl Into<String>) -> Self {
        let (_, status, error) =
            TABLE
                .iter()
                .find(|(known, _, _)| *known == number)
                .copied()
                .unwrap_or((number, 400, "invalid_request"));
        Self {
            status,
            error,
            number,
            message: message.into(),
        }
    }

    pub fn no_such_tenant(name: &str) -> Self {
        Self::new(
            90002,
            format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
        )
    }

    pub fn no_such_application(client_id: &str, directory: &str) -> Self {
        Self::new(
            700016,
            format!(
                "Application with identifier '{client_id}' was not found in the directory '{directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub fn wrong_redirect_uri(given: &str, client_id: &str) -> Self {
        Self::new(
            50011,
            format!(
                "The redirect URI '{given}' specified in the request does not match the redirect URIs configured for the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."
            ),
        )
    }

    pub fn no_such_account() -> Self {
        Self::new(50034, "The user account does not exist in this directory.")
    }

    pub fn missing(parameter: &str) -> Self {
        Self::new(
            900144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    /// As `error_description` shows it.
    pub fn description(&self) -> String {
        format!("AADSTS{}: {}", self.number, self.message)
    }

    /// The JSON answer of the token endpoint and of discovery.
    pub fn into_json(self) -> Response {
        let now = crate::world::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
        let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
        let body = json!({
            "error": self.error,
            "error_description": format!("{}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {now}", self.description()),
            "error_codes": [self.number],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.number),
        });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, axum::Json(body)).into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        response
    }

    /// The page that a person sees where nothing can be sent back to the application.
    pub fn into_page(self) -> Response {
        let body = format!(
            "<p>Sorry, but we're having trouble signing you in.</p><p>{}</p>",
            html::escape(&self.description())
        );
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Html(html::page("Sign in to your account", &body))).into_response()
    }
}
