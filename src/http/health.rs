//! For whoever watches the process: does it live, and can it serve?

use axum::extract::State as Extract;
use axum::http::StatusCode;
use diesel_async::RunQueryDsl;

use super::state::State;

/// 200 as long as the process answers at all.
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// 200 when the house is up and its database answers; 503 otherwise.
pub(super) async fn ready(Extract(state): Extract<State>) -> (StatusCode, &'static str) {
    if !*state.ready.borrow() || state.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "not ready\n");
    }
    match database(&state).await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

async fn database(state: &State) -> anyhow::Result<()> {
    let mut conn = state.pool.get().await?;
    diesel::sql_query("select 1").execute(&mut conn).await?;
    Ok(())
}
