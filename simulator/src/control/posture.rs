//! A tenant's security settings: conditional access, the policies that there is one of, what people
//! registered, and who holds which role.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::{Refusal, body};
use super::tenants::tenant;
use crate::directory::{Kind, Object};
use crate::roles::{BUILT_IN, RoleAssignment};
use crate::world::{Tenant, World, lock, read, write};

type Ids = Path<(String, Uuid)>;
type Reply = Result<Json<Value>, Refusal>;

pub async fn policies(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let posture = read(&tenant.posture);
    Ok(Json(json!({"value": posture.policies()})))
}

fn put(tenant: &Tenant, id: Uuid, bytes: &[u8]) -> Result<(StatusCode, Json<Value>), Refusal> {
    let given: Object = body(bytes)?;
    let mut posture = write(&tenant.posture);
    let new = posture.put_policy(id, given).map_err(Refusal::bad_input)?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!(posture.policy(id)))))
}

pub async fn add_policy(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    put(&*tenant(&world, &tid)?, Uuid::new_v4(), &bytes)
}

pub async fn put_policy(
    State(world): State<Arc<World>>,
    Path((tid, id)): Ids,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    put(&*tenant(&world, &tid)?, id, &bytes)
}

pub async fn policy(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let posture = read(&tenant.posture);
    let policy = posture.policy(id).ok_or_else(|| Refusal::not_found("policy"))?;
    Ok(Json(json!(policy)))
}

pub async fn delete_policy(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Result<StatusCode, Refusal> {
    if write(&tenant(&world, &tid)?.posture).delete_policy(id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found("policy"))
    }
}

pub async fn setting(State(world): State<Arc<World>>, Path((tid, name)): Path<(String, String)>) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let posture = read(&tenant.posture);
    let setting = posture.setting(&name).ok_or_else(|| Refusal::not_found("setting"))?;
    Ok(Json(json!(setting)))
}

pub async fn change_setting(
    State(world): State<Arc<World>>,
    Path((tid, name)): Path<(String, String)>,
    bytes: Bytes,
) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let given = body(&bytes)?;
    let mut posture = write(&tenant.posture);
    let changed = posture.change_setting(&name, given);
    let setting = changed.ok_or_else(|| Refusal::not_found("setting"))?;
    Ok(Json(json!(setting.map_err(Refusal::bad_input)?)))
}

fn registered(tenant: &Tenant, id: Uuid) -> Reply {
    let directory = read(&tenant.directory);
    let person = directory
        .find_live(Kind::Person, id)
        .ok_or_else(|| Refusal::not_found("person"))?;
    let posture = read(&tenant.posture);
    let administrators: Vec<Uuid> = lock(&tenant.role_assignments)
        .iter()
        .map(|role| role.principal)
        .collect();
    Ok(Json(posture.registration(&directory, person, &administrators)))
}

pub async fn registration(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    registered(&*tenant(&world, &tid)?, id)
}

pub async fn register(State(world): State<Arc<World>>, Path((tid, id)): Ids, bytes: Bytes) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let given = body(&bytes)?;
    read(&tenant.directory)
        .find_live(Kind::Person, id)
        .ok_or_else(|| Refusal::not_found("person"))?;
    write(&tenant.posture).register(id, given).map_err(Refusal::bad_input)?;
    registered(&tenant, id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleGiven {
    role_definition_id: Uuid,
    principal_id: Uuid,
    directory_scope_id: Option<String>,
}

fn shown(assignment: &RoleAssignment) -> Value {
    json!({
        "id": assignment.id(), "roleDefinitionId": assignment.role, "principalId": assignment.principal,
        "directoryScopeId": assignment.scope,
    })
}

pub async fn roles(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let roles: Vec<Value> = lock(&tenant.role_assignments).iter().map(shown).collect();
    Ok(Json(json!({"value": roles})))
}

pub async fn give_role(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let tenant = tenant(&world, &tid)?;
    let given: RoleGiven = body(&bytes)?;
    if !BUILT_IN.iter().any(|(role, _, _)| *role == given.role_definition_id) {
        return Err(Refusal::not_found("role"));
    }
    let directory = read(&tenant.directory);
    let holder = |kind| directory.find_live(kind, given.principal_id);
    holder(Kind::Person)
        .or_else(|| holder(Kind::Group))
        .ok_or_else(|| Refusal::not_found("principal"))?;
    let assignment = RoleAssignment {
        role: given.role_definition_id,
        principal: given.principal_id,
        scope: given.directory_scope_id.unwrap_or_else(|| "/".to_owned()),
    };
    let mut posture = write(&tenant.posture);
    let mut roles = lock(&tenant.role_assignments);
    let new = !roles.contains(&assignment);
    if new {
        posture.note_role(&assignment, true);
        roles.push(assignment.clone());
    }
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(shown(&assignment))))
}

pub async fn take_role(
    State(world): State<Arc<World>>,
    Path((tid, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let tenant = tenant(&world, &tid)?;
    let mut posture = write(&tenant.posture);
    let mut roles = lock(&tenant.role_assignments);
    let place = roles.iter().position(|role| role.id() == id);
    let gone = roles.remove(place.ok_or_else(|| Refusal::not_found("role assignment"))?);
    posture.note_role(&gone, false);
    Ok(StatusCode::NO_CONTENT)
}
