//! The doors: every way into the house over HTTP.
//!
//! The danger: a door that forgets to ask. So nothing is answered before the request has shown who sent it
//! ([`guard`]), except what is named under "open to everybody" below; and every answer leaves with the headers of
//! [`headers`].

mod accept;
mod answer;
mod asked;
mod caller;
mod connect;
mod cookies;
mod entrance;
mod evidence;
mod graphiql;
mod graphql;
mod guard;
mod headers;
mod health;
mod home;
mod page;
mod probes;
mod rates;
mod refusal;
mod seats;
mod serve;
mod sign_in;
mod socket;
mod state;
mod stream;
mod web;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::evidence::export::Format;

pub use probes::serve_probes;
pub use rates::Rate;
pub use serve::serve;
pub use state::{Executor, Parts, Rates, State, Switches, Timing};
pub use web::Build;

/// The largest body that is read.
const BODY_LIMIT: usize = 256 * 1024;

/// The longest that evidence to take away may be in the making.
const EXPORT_LIMIT: Duration = Duration::from_secs(600);

/// Every route.
fn router(state: State) -> Router {
    Router::new()
        .merge(graphql_routes(&state))
        .merge(sign_in_routes(&state))
        .merge(graphiql_routes(&state))
        .merge(page_routes())
        // For people, in a browser.
        .route("/auth/sign-out", get(sign_in::confirm_sign_out).post(sign_in::sign_out))
        // Open to everybody.
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        // For monitoring, which shows a token.
        .route("/metrics", get(health::metrics))
        .fallback(page::not_found)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            state.timing.answer,
        ))
        // Large files take longer to make than an answer may.
        .merge(evidence_routes(&state))
        .layer(CatchPanicLayer::new())
        .layer(axum::middleware::from_fn_with_state(state.clone(), headers::add))
        .layer(axum::middleware::from_fn_with_state(state.clone(), caller::receive))
        .with_state(state)
}

/// For programs: these answer other origins too, where the operator allowed them.
fn graphql_routes(state: &State) -> Router<State> {
    Router::new()
        .route("/graphql", post(graphql::post).get(graphql::get))
        .route("/graphql/stream", post(stream::post).get(stream::get))
        .layer(headers::cors(state))
}

/// Evidence to take away.
fn evidence_routes(state: &State) -> Router<State> {
    let take_away = |format: Format| get(evidence::take_away).head(refuse_to_make).layer(Extension(format));
    Router::new()
        .route("/evidence/{companyId}/bundle", take_away(Format::Bundle))
        .route("/evidence/{companyId}/oscal", take_away(Format::Oscal))
        .layer(headers::cors(state))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            EXPORT_LIMIT,
        ))
}

/// Off to Microsoft and back. Nobody has shown who they are yet, so each address may come only so often. A look at a link
/// without following it, as mail programs take, neither begins anything nor uses it up.
fn sign_in_routes(state: &State) -> Router<State> {
    Router::new()
        .route("/auth/sign-in", get(sign_in::start).head(look))
        .route("/auth/callback", get(sign_in::callback).head(look))
        .route("/connect/start", get(connect::start).head(look))
        .route("/connect/callback", get(connect::callback).head(look))
        .route("/auth/front-channel-logout", get(sign_in::front_channel_sign_out))
        .route_layer(axum::middleware::from_fn_with_state(state.clone(), guard::pace))
}

/// A file is not made to be looked at from outside.
async fn refuse_to_make() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn look() -> StatusCode {
    StatusCode::OK
}

/// The page, at the addresses that it has; its files hold nothing of ours and are open to everybody. It asks GraphQL for
/// everything that it shows.
fn page_routes() -> Router<State> {
    Router::new()
        .route("/", get(home::page))
        .route("/companies/{*rest}", get(web::page))
        .route("/settings", get(web::page))
        .route("/settings/{*rest}", get(web::page))
        .route("/assets/page.css", get(page::style))
        .route("/assets/{name}", get(web::asset))
        .route("/icon.svg", get(web::beside))
        .route("/theme.js", get(web::beside))
}

/// GraphiQL, where the operator wants it. Its files hold nothing of ours and are open to everybody.
fn graphiql_routes(state: &State) -> Router<State> {
    if !state.switches.graphiql {
        return Router::new();
    }
    Router::new()
        .route("/graphiql", get(graphiql::page))
        .route("/graphiql/{name}", get(graphiql::asset))
}
