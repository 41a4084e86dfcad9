//! The doors: every way into the house over HTTP.
//!
//! The danger: a door that forgets to ask. So nothing is answered before the request has shown who sent it
//! ([`guard`]), except what is named under "open to everybody" below; and every answer leaves with the headers of
//! [`headers`].

mod accept;
mod answer;
mod asked;
mod connect;
mod cookies;
mod entrance;
mod graphiql;
mod graphql;
mod guard;
mod headers;
mod health;
mod home;
mod page;
mod refusal;
mod serve;
mod sign_in;
mod socket;
mod state;
mod stream;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub use serve::serve;
pub use state::{Executor, Parts, State, Timing};

/// The largest body that is read.
const BODY_LIMIT: usize = 256 * 1024;

/// Every route.
pub fn router(state: State) -> Router {
    Router::new()
        .merge(graphql_routes(&state))
        // For people, in a browser.
        .route("/", get(home::page))
        .route("/graphiql", get(graphiql::page))
        .route("/auth/sign-in", get(sign_in::start).head(sign_in::preview))
        .route("/auth/callback", get(sign_in::callback))
        .route("/auth/sign-out", get(sign_in::confirm_sign_out).post(sign_in::sign_out))
        .route("/connect/start", get(connect::start).head(connect::preview))
        .route("/connect/callback", get(connect::callback))
        // Open to everybody.
        .route("/auth/front-channel-logout", get(sign_in::front_channel_sign_out))
        .route("/assets/{name}", get(page::asset))
        .route("/graphiql/{name}", get(graphiql::asset))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(page::not_found)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            state.timing.answer,
        ))
        .layer(CatchPanicLayer::new())
        .layer(axum::middleware::from_fn_with_state(state.clone(), headers::add))
        .with_state(state)
}

/// For programs: these answer other origins too, where the operator allowed them.
fn graphql_routes(state: &State) -> Router<State> {
    Router::new()
        .route("/graphql", post(graphql::post).get(graphql::get))
        .route("/graphql/stream", post(stream::post).get(stream::get))
        .layer(headers::cors(state))
}
