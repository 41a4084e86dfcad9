//! Faults, the record of what was asked, and what expires on order.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::{Refusal, body};
use super::tenants::tenant;
use crate::faults::Fault;
use crate::world::{World, lock, read, write};

/// How long somebody waits for a fault to act before being told that it has not.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn list(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({"value": tenant(&world, &tid)?.faults.list()})))
}

pub async fn add(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Fault>), Refusal> {
    let fault = tenant(&world, &tid)?.faults.add(body(&bytes)?);
    Ok((StatusCode::CREATED, Json(fault)))
}

pub async fn remove_all(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Result<StatusCode, Refusal> {
    tenant(&world, &tid)?.faults.remove(None);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub struct Wait {
    hits: Option<u64>,
}

pub async fn show(
    State(world): State<Arc<World>>,
    Path((tid, id)): Path<(String, Uuid)>,
    Query(wait): Query<Wait>,
) -> Result<Json<Fault>, Refusal> {
    let tenant = tenant(&world, &tid)?;
    let fault = tenant.faults.wait_for_hits(id, wait.hits.unwrap_or(0), PATIENCE).await;
    fault.map(Json).ok_or_else(|| Refusal::not_found("fault"))
}

pub async fn remove(
    State(world): State<Arc<World>>,
    Path((tid, id)): Path<(String, Uuid)>,
) -> Result<StatusCode, Refusal> {
    match tenant(&world, &tid)?.faults.remove(Some(id)) {
        0 => Err(Refusal::not_found("fault")),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

pub async fn expire_deltas(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Result<StatusCode, Refusal> {
    tenant(&world, &tid)?.expire_deltas();
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub struct Whose {
    tenant: Option<Uuid>,
}

pub async fn requests(State(world): State<Arc<World>>, Query(whose): Query<Whose>) -> Json<Value> {
    Json(json!({"value": world.asked(whose.tenant)}))
}

pub async fn forget_requests(State(world): State<Arc<World>>, Query(whose): Query<Whose>) -> StatusCode {
    world.forget_requests(whose.tenant);
    StatusCode::NO_CONTENT
}

pub async fn rotate_keys(State(world): State<Arc<World>>) -> Result<Json<Value>, Refusal> {
    write(&world.keys)
        .rotate()
        .map_err(|error| Refusal::bad_input(error.to_string()))?;
    Ok(Json(json!({"kids": read(&world.keys).kids()})))
}

pub async fn expire_tokens(State(world): State<Arc<World>>) -> StatusCode {
    lock(&world.tokens).clear();
    StatusCode::NO_CONTENT
}
