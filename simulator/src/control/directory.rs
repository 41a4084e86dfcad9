//! People, groups and devices: their true state, and every change to it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::{Refusal, body};
use super::tenants::tenant;
use crate::directory::{Directory, Kind, shuffle};
use crate::world::{World, read, write};

type Ids = Path<(String, Uuid)>;
type Reply = Result<Json<Value>, Refusal>;

/// An object as the control interface shows it: all that was ever set, and a group's members.
fn shown(directory: &Directory, kind: Kind, index: u32) -> Value {
    let mut object = directory.object(kind, index);
    if kind == Kind::Group {
        let members: Vec<Uuid> = directory.live_members(index).map(|(_, id)| id).collect();
        object.insert("members".to_owned(), json!(members));
    }
    Value::Object(object)
}

fn all(world: &World, tid: &str, kind: Kind) -> Reply {
    let tenant = tenant(world, tid)?;
    let directory = read(&tenant.directory);
    let value: Vec<Value> = directory
        .live_from(kind, 0)
        .map(|index| shown(&directory, kind, index))
        .collect();
    Ok(Json(json!({"value": value})))
}

fn one(world: &World, tid: &str, kind: Kind, id: Uuid) -> Reply {
    let tenant = tenant(world, tid)?;
    let directory = read(&tenant.directory);
    let index = directory
        .find_live(kind, id)
        .ok_or_else(|| Refusal::not_found("object"))?;
    Ok(Json(shown(&directory, kind, index)))
}

fn create(world: &World, tid: &str, kind: Kind, bytes: &[u8]) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = write(&tenant(world, tid)?.directory).create(kind, body(bytes)?)?;
    Ok((StatusCode::CREATED, one(world, tid, kind, id)?))
}

fn update(world: &World, tid: &str, kind: Kind, id: Uuid, bytes: &[u8]) -> Reply {
    write(&tenant(world, tid)?.directory).update(kind, id, body(bytes)?)?;
    one(world, tid, kind, id)
}

#[derive(Deserialize)]
pub struct Removal {
    #[serde(default)]
    permanent: bool,
}

fn remove(world: &World, tid: &str, kind: Kind, id: Uuid, removal: &Removal) -> Result<StatusCode, Refusal> {
    write(&tenant(world, tid)?.directory).delete(kind, id, removal.permanent)?;
    Ok(StatusCode::NO_CONTENT)
}

fn restore(world: &World, tid: &str, kind: Kind, id: Uuid) -> Reply {
    write(&tenant(world, tid)?.directory).restore(kind, id)?;
    one(world, tid, kind, id)
}

pub async fn people(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Reply {
    all(&world, &tid, Kind::Person)
}

pub async fn hire(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    create(&world, &tid, Kind::Person, &bytes)
}

pub async fn person(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    one(&world, &tid, Kind::Person, id)
}

pub async fn change_person(State(world): State<Arc<World>>, Path((tid, id)): Ids, bytes: Bytes) -> Reply {
    update(&world, &tid, Kind::Person, id, &bytes)
}

pub async fn remove_person(
    State(world): State<Arc<World>>,
    Path((tid, id)): Ids,
    Query(removal): Query<Removal>,
) -> Result<StatusCode, Refusal> {
    remove(&world, &tid, Kind::Person, id, &removal)
}

pub async fn restore_person(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    restore(&world, &tid, Kind::Person, id)
}

pub async fn groups(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Reply {
    all(&world, &tid, Kind::Group)
}

pub async fn add_group(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    create(&world, &tid, Kind::Group, &bytes)
}

pub async fn group(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    one(&world, &tid, Kind::Group, id)
}

pub async fn change_group(State(world): State<Arc<World>>, Path((tid, id)): Ids, bytes: Bytes) -> Reply {
    update(&world, &tid, Kind::Group, id, &bytes)
}

pub async fn remove_group(
    State(world): State<Arc<World>>,
    Path((tid, id)): Ids,
    Query(removal): Query<Removal>,
) -> Result<StatusCode, Refusal> {
    remove(&world, &tid, Kind::Group, id, &removal)
}

pub async fn restore_group(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    restore(&world, &tid, Kind::Group, id)
}

pub async fn join(
    State(world): State<Arc<World>>,
    Path((tid, group, member)): Path<(String, Uuid, Uuid)>,
) -> Result<StatusCode, Refusal> {
    write(&tenant(&world, &tid)?.directory).join(group, member)?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn leave(
    State(world): State<Arc<World>>,
    Path((tid, group, member)): Path<(String, Uuid, Uuid)>,
) -> Result<StatusCode, Refusal> {
    write(&tenant(&world, &tid)?.directory).leave(group, member)?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn devices(State(world): State<Arc<World>>, Path(tid): Path<String>) -> Reply {
    all(&world, &tid, Kind::Device)
}

pub async fn enrol(
    State(world): State<Arc<World>>,
    Path(tid): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    create(&world, &tid, Kind::Device, &bytes)
}

pub async fn device(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Reply {
    one(&world, &tid, Kind::Device, id)
}

pub async fn change_device(State(world): State<Arc<World>>, Path((tid, id)): Ids, bytes: Bytes) -> Reply {
    update(&world, &tid, Kind::Device, id, &bytes)
}

pub async fn wipe(State(world): State<Arc<World>>, Path((tid, id)): Ids) -> Result<StatusCode, Refusal> {
    remove(&world, &tid, Kind::Device, id, &Removal { permanent: true })
}

pub async fn reenrol(
    State(world): State<Arc<World>>,
    Path((tid, id)): Ids,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = write(&tenant(&world, &tid)?.directory).reenrol(id)?;
    Ok((StatusCode::CREATED, one(&world, &tid, Kind::Device, id)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shuffle {
    count: usize,
    #[serde(default)]
    seed: u64,
}

pub async fn shuffle(State(world): State<Arc<World>>, Path(tid): Path<String>, bytes: Bytes) -> Reply {
    let tenant = tenant(&world, &tid)?;
    let wanted: Shuffle = body(&bytes)?;
    let changes = shuffle::shuffle(&mut write(&tenant.directory), wanted.count, wanted.seed);
    Ok(Json(json!({"changes": changes})))
}
