//! Applications, tenants, consents and app roles.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::{Refusal, body};
use crate::application::ApplicationSpec;
use crate::entra::app_roles;
use crate::world::{Consent, ConsentDelay, Tenant, TenantSummary, World, lock, read, write};

/// The tenant that a path names.
pub fn tenant(world: &World, id: &str) -> Result<Arc<Tenant>, Refusal> {
    world.tenant_named(id).ok_or_else(|| Refusal::not_found("tenant"))
}

pub async fn applications(State(world): State<Arc<World>>) -> Json<Value> {
    let applications: Vec<ApplicationSpec> = read(&world.applications).values().cloned().collect();
    Json(json!({"value": applications}))
}

pub async fn add_application(
    State(world): State<Arc<World>>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<ApplicationSpec>), Refusal> {
    let spec: ApplicationSpec = body(&bytes)?;
    world.add_application(spec.clone());
    Ok((StatusCode::CREATED, Json(spec)))
}

pub async fn list(State(world): State<Arc<World>>) -> Json<Value> {
    let tenants: Vec<TenantSummary> = read(&world.tenants).values().map(|tenant| tenant.summary()).collect();
    Json(json!({"value": tenants}))
}

pub async fn add(State(world): State<Arc<World>>, bytes: Bytes) -> Result<(StatusCode, Json<TenantSummary>), Refusal> {
    let spec = body(&bytes)?;
    let summary = world
        .add_tenant(spec)
        .map_err(|error| Refusal::bad_input(format!("{error:#}")))?;
    Ok((StatusCode::CREATED, Json(summary)))
}

pub async fn show(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Result<Json<TenantSummary>, Refusal> {
    Ok(Json(tenant(&world, &tid)?.summary()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantChange {
    consent_delay_requests: Option<u64>,
    consent_delay_seconds: Option<u64>,
    intune: Option<bool>,
    premium: Option<bool>,
    limits: Option<bool>,
}

pub async fn change(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<Json<TenantSummary>, Refusal> {
    let tenant = tenant(&world, &tid)?;
    let change: TenantChange = body(&bytes)?;
    let mut settings = lock(&tenant.settings);
    settings.intune = change.intune.unwrap_or(settings.intune);
    settings.premium = change.premium.unwrap_or(settings.premium);
    settings.limits = change.limits.unwrap_or(settings.limits);
    settings.consent_delay = ConsentDelay {
        requests: change.consent_delay_requests.unwrap_or(settings.consent_delay.requests),
        time: change
            .consent_delay_seconds
            .map_or(settings.consent_delay.time, Duration::from_secs),
    };
    drop(settings);
    Ok(Json(tenant.summary()))
}

pub async fn remove(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Result<StatusCode, Refusal> {
    let tenant = tenant(&world, &tid)?;
    write(&world.tenants).remove(&tenant.id);
    // Nobody stays parked on a tenant that is gone.
    tenant.faults.remove(None);
    Ok(StatusCode::NO_CONTENT)
}

/// Without a client id, the roles are those of the one application that is registered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppRoles {
    client_id: Option<String>,
    roles: Vec<String>,
}

pub async fn assign_app_roles(
    State(world): State<Arc<World>>,
    Path((tid, oid)): Path<(String, Uuid)>,
    bytes: Bytes,
) -> Result<Json<AppRoles>, Refusal> {
    let tenant = tenant(&world, &tid)?;
    let AppRoles { client_id, roles } = body(&bytes)?;
    let client_id = app_roles::assign(&world, &tenant, oid, client_id.as_deref(), roles.clone())?;
    Ok(Json(AppRoles {
        client_id: Some(client_id),
        roles,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsentGiven {
    permissions: Option<Vec<String>>,
    #[serde(default)]
    effective_after_requests: u64,
    effective_after_seconds: Option<u64>,
}

fn shown(client_id: &str, consent: &Consent) -> Json<Value> {
    let seconds_left = consent
        .effective_at
        .map_or(0, |at| at.saturating_duration_since(Instant::now()).as_secs());
    Json(json!({
        "clientId": client_id, "permissions": consent.permissions,
        "effectiveAfterRequests": consent.requests_left, "effectiveAfterSeconds": seconds_left,
    }))
}

pub async fn consent(
    State(world): State<Arc<World>>,
    Path((tid, client)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let tenant = tenant(&world, &tid)?;
    let consents = lock(&tenant.consents);
    consents
        .get(&client)
        .map(|consent| shown(&client, consent))
        .ok_or_else(|| Refusal::not_found("consent"))
}

pub async fn give_consent(
    State(world): State<Arc<World>>,
    Path((tid, client)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<Value>, Refusal> {
    let tenant = tenant(&world, &tid)?;
    let application = world
        .application(&client)
        .ok_or_else(|| Refusal::not_found("application"))?;
    let given: ConsentGiven = body(&bytes)?;
    let consent = Consent {
        permissions: given.permissions.unwrap_or(application.permissions),
        requests_left: given.effective_after_requests,
        effective_at: given
            .effective_after_seconds
            .map(|seconds| Instant::now() + Duration::from_secs(seconds)),
    };
    let answer = shown(&client, &consent);
    lock(&tenant.consents).insert(client, consent);
    Ok(answer)
}

pub async fn revoke_consent(
    State(world): State<Arc<World>>,
    Path((tid, client)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let tenant = tenant(&world, &tid)?;
    match lock(&tenant.consents).remove(&client) {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(Refusal::not_found("consent")),
    }
}
