//! The headers that every answer leaves with, and which other origins may read it.
//!
//! The content security policy of a page names what the page may load; this is the one for everything else, which may
//! load nothing and be framed by nobody.

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::caller::{ID_HEADER, TRACE_HEADER};
use super::guard::REQUEST_HEADER;
use super::state::State;

const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Adds them, where the answer has not set its own.
pub(super) async fn add(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::CONTENT_SECURITY_POLICY, NOTHING);
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `same-origin`: what we send elsewhere may have a ticket or a code in its address.
    default(header::REFERRER_POLICY, "same-origin");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if state.is_secure() {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    response
}

/// Lets the pages of the allowed origins use GraphQL, with the session's cookie.
pub(super) fn cors(state: &State) -> CorsLayer {
    let origins: Vec<HeaderValue> = state
        .allowed
        .others()
        .map(|origin| HeaderValue::try_from(origin).expect("an origin is visible ASCII"))
        .collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .expose_headers([ID_HEADER, TRACE_HEADER, header::RETRY_AFTER])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(REQUEST_HEADER),
        ])
}
