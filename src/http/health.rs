//! For whoever watches the process: does it live, can it serve, and how does it do?
//!
//! The figures name no client, but tell how many there are and how they fare. So the API shows them to whoever may see how
//! Tenantry runs, and to nobody without a proof: an exception for callers on this machine would be one for everybody who
//! comes through a proxy on it.

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::caller::Address;
use super::guard;
use super::refusal::Refusal;
use super::state::State;
use crate::auth::session::Proof;
use crate::auth::{Action, Resource, allow};
use crate::model::secret;
use crate::telemetry::health::{self, Health};

/// The media type of the figures.
///
/// Source: <https://prometheus.io/docs/specs/om/open_metrics_spec/>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// 200 as long as the process answers at all.
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// 200 when the house is up, its database answers and has the schema that is needed; 503 otherwise. What is wrong is told
/// in words.
pub(super) async fn ready(Extract(state): Extract<State>) -> Response {
    if !*state.ready.borrow() {
        return told(&Health::problem("It is still starting."));
    }
    if state.stop.is_cancelled() {
        return told(&Health::problem("It is stopping."));
    }
    told(&health::check(&state.pool).await)
}

/// The figures, for whoever may see how Tenantry runs, and for the scraper that the settings name.
pub(super) async fn metrics(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    headers: HeaderMap,
) -> Response {
    if is_scraper(&state, &headers) {
        return figures(state.facts.text().await);
    }
    match guard::admit(&state, address, &Method::GET, &headers).await {
        Ok(admitted) if allow(&admitted.viewer, Action::ViewOperations, Resource::Msp) => {
            figures(state.facts.text().await)
        }
        Ok(_) => Refusal::NO_FIGURES.in_media(None),
        Err(refusal) => refusal.in_media(None),
    }
}

/// Whether these headers show what the settings name for a scraper. No database is asked: the figures have to be there when
/// it is not.
fn is_scraper(state: &State, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match (shown.and_then(Proof::bearer), &state.scrape_token) {
        (Some(Proof::Bearer(shown)), Some(known)) => secret::hash(&shown) == *known,
        _ => false,
    }
}

pub(super) fn told(health: &Health) -> Response {
    let status = if health.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::json!({
        "ready": health.is_ready(), "problems": health.problems, "warnings": health.warnings,
    });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

pub(super) fn figures(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, OPEN_METRICS),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}
