//! The worker's own small door: whether it lives, whether it can work, and its figures.
//!
//! A worker answers nobody else and knows nobody who could prove anything, so here everybody is shown the figures who can reach
//! the address: it is for the operator's monitoring alone, and closed unless an address is set.

use std::time::Duration;

use axum::Router;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use super::health;
use super::serve::attend;
use super::state::Timing;
use crate::db::Pool;
use crate::telemetry::Facts;
use crate::telemetry::health::{Health, check};

#[derive(Clone)]
struct Probes {
    pool: Pool,
    facts: Facts,
    stop: CancellationToken,
}

/// Answers until `stop` is cancelled.
pub async fn serve_probes(listener: TcpListener, pool: Pool, facts: Facts, stop: CancellationToken) {
    let probes = Probes {
        pool,
        facts,
        stop: stop.clone(),
    };
    let router = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(15),
        ))
        .with_state(probes);
    attend(listener, router, Timing::default(), stop).await;
}

async fn ready(Extract(probes): Extract<Probes>) -> Response {
    if probes.stop.is_cancelled() {
        return health::told(&Health::problem("It is stopping."));
    }
    health::told(&check(&probes.pool).await)
}

async fn metrics(Extract(probes): Extract<Probes>) -> Response {
    health::figures(probes.facts.text().await)
}
