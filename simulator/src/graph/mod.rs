//! Microsoft Graph v1.0: from a request to an answer.
//!
//! `serve` meets the wire; `answer` is the whole of Graph without it, so that a batch can ask it
//! again for each of its parts. The order of the checks is Microsoft's: token, consent, permission,
//! and only then whether the thing exists.

pub mod answer;
mod batch;
mod delta;
mod filter;
pub mod limits;
mod page;
pub mod permission;
mod posture;
mod records;
pub mod request;
mod write;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request as HttpRequest, Response};
use uuid::Uuid;

use crate::directory::Kind;
use crate::faults::{Fault, Trouble};
use crate::server::{MAX_BODY, Origin};
use crate::world::{AccessToken, Asked, Tenant, World, lock, read};
use answer::{Answer, Failure};
use permission::Granted;
use request::Request;

/// Every request below `/v1.0`.
pub async fn serve(State(world): State<Arc<World>>, http: HttpRequest<Body>) -> Response<Body> {
    let (parts, body) = http.into_parts();
    let origin = Origin::of(&parts);
    let client_request_id = parts
        .headers
        .get("client-request-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let request_id = Uuid::new_v4();
    let echoed = client_request_id.clone().unwrap_or_else(|| request_id.to_string());
    let request = Request {
        method: parts.method.as_str().to_owned(),
        origin: origin.0,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default(),
        resumed: false,
    };
    let (tenant, answer) = match caller(&world, &request) {
        Ok((token, tenant)) => (
            Some(tenant.id),
            answer_to(&world, &tenant, &token, request.clone(), request_id, &echoed).await,
        ),
        Err(failure) => (None, failure.into_answer(request_id, &echoed)),
    };
    world.remember(Asked {
        order: 0,
        tenant,
        method: request.method,
        path: request.path,
        query: request.query,
        status: answer.status,
        client_request_id,
    });
    answer.into_response(request_id, &echoed)
}

/// Whose token it is, and for which tenant.
fn caller(world: &World, request: &Request) -> Result<(AccessToken, Arc<Tenant>), Failure> {
    let header = request
        .header("authorization")
        .ok_or_else(|| Failure::unauthorized("Access token is empty."))?;
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim());
    if token.split('.').count() != 3 {
        return Err(Failure::unauthorized(
            "CompactToken parsing failed with error code: 80049217",
        ));
    }
    let known = lock(&world.tokens).get(token).cloned();
    let known = known.ok_or_else(|| Failure::unauthorized("Access token validation failure."))?;
    if known.expires <= Instant::now() {
        return Err(Failure::unauthorized("Access token has expired or is not yet valid."));
    }
    let tenant = world
        .tenant(known.tenant)
        .ok_or_else(|| Failure::unauthorized("Access token validation failure."))?;
    Ok((known, tenant))
}

/// One request of an application in a tenant, with whatever trouble was ordered for it.
async fn answer_to(
    world: &World,
    tenant: &Arc<Tenant>,
    token: &AccessToken,
    mut request: Request,
    request_id: Uuid,
    client_request_id: &str,
) -> Answer {
    let collection = request.collection();
    let met = tenant.faults.meet(&request.method, &collection);
    tenant.faults.hold(&met, world.stopping.subscribe()).await;
    tenant.faults.resume(&mut request);
    let refused = met.iter().find_map(|fault| fault.before(&request));
    let result = match refused {
        Some(failure) => Err(failure),
        None if collection == "$batch" => batch::serve(world, tenant, token, &request).await,
        None => look_up(tenant, token, &request),
    };
    let mut answer = result.unwrap_or_else(|failure| failure.into_answer(request_id, client_request_id));
    spoil(tenant, &met, &request, &collection, &mut answer);
    answer
}

fn spoil(tenant: &Tenant, met: &[Fault], request: &Request, collection: &str, answer: &mut Answer) {
    let page = answer.clone();
    let still_there = |item: &serde_json::Value| {
        let id = item.get("id").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
        let directory = read(&tenant.directory);
        id.is_some_and(|id| Kind::ALL.iter().any(|kind| directory.find_live(*kind, id).is_some()))
    };
    for fault in met {
        tenant.faults.after(fault, request, answer, &still_there);
    }
    if !met.iter().any(|fault| fault.spec.kind == Trouble::EmptyFirstPage) {
        tenant.faults.keep_page(collection, &page);
    }
}

/// What the application may do, unless its consent has not arrived or is gone.
fn granted(tenant: &Tenant, token: &AccessToken) -> Result<Granted, Failure> {
    let mut consents = lock(&tenant.consents);
    let Some(consent) = consents.get_mut(&token.client_id) else {
        return Err(Failure::new(
            403,
            "Authorization_IdentityNotFound",
            "The identity of the calling application could not be established.",
        ));
    };
    if consent.requests_left > 0 {
        consent.requests_left -= 1;
        return Err(Failure::denied());
    }
    if consent.effective_at.is_some_and(|at| at > Instant::now()) {
        return Err(Failure::denied());
    }
    Ok(Granted {
        permissions: token
            .roles
            .iter()
            .filter(|role| consent.permissions.contains(role))
            .cloned()
            .collect(),
    })
}

/// The directory's own answer.
fn look_up(tenant: &Tenant, token: &AccessToken, request: &Request) -> Result<Answer, Failure> {
    let granted = granted(tenant, token)?;
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    granted.check(request, &segments)?;
    if request.method != "GET" {
        return Err(Failure::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        ));
    }
    let settings = lock(&tenant.settings).clone();
    if segments.first() == Some(&"deviceManagement") && !settings.intune {
        return Err(Failure::new(
            400,
            "BadRequest",
            "Request not applicable to target tenant.",
        ));
    }
    if settings.limits {
        tenant.limits.admit(request, &segments, &token.client_id)?;
    }
    if segments.first() == Some(&"users") && request.asks_for_sign_ins() && !settings.premium {
        return Err(Failure::not_premium());
    }
    let directory = read(&tenant.directory);
    let posture = read(&tenant.posture);
    let units = cost(request, &segments);
    let group = |id: &str| {
        id.parse()
            .ok()
            .and_then(|id| directory.find_live(Kind::Group, id))
            .ok_or_else(|| Failure::not_found(id))
    };
    let answer = match segments.as_slice() {
        ["users"] => page::list(&directory, request, Kind::Person, &posture),
        ["users", "delta"] => delta::delta(&directory, tenant, request, Kind::Person),
        ["users", "$count"] => page::count(&directory, request, Kind::Person),
        ["users", id] => page::single(
            &directory,
            request,
            Kind::Person,
            directory.find_person(id).ok_or_else(|| Failure::not_found(id))?,
            &posture,
        ),
        ["groups"] => page::list(&directory, request, Kind::Group, &posture),
        ["groups", "delta"] => delta::delta(&directory, tenant, request, Kind::Group),
        ["groups", "$count"] => page::count(&directory, request, Kind::Group),
        ["groups", id] => page::single(&directory, request, Kind::Group, group(id)?, &posture),
        ["groups", id, list @ ("members" | "transitiveMembers"), cast @ ..] if cast.len() < 2 => page::members(
            &directory,
            request,
            group(id)?,
            *list == "transitiveMembers",
            cast.first().copied(),
            &granted,
        ),
        ["deviceManagement", "managedDevices"] => page::list(&directory, request, Kind::Device, &posture),
        ["deviceManagement", "managedDevices", id] => {
            let device = id.parse().ok().and_then(|id| directory.find_live(Kind::Device, id));
            let device = device.ok_or_else(|| {
                Failure::new(404, "ResourceNotFound", &format!("Resource '{id}' could not be found."))
            })?;
            page::single(&directory, request, Kind::Device, device, &posture)
        }
        other => {
            drop(posture);
            drop(directory);
            records::serve(tenant, request, other, &settings, &granted)
        }
    };
    answer.map(|answer| answer.costing(units))
}

/// What a request costs in resource units, by the published table.
fn cost(request: &Request, segments: &[&str]) -> u32 {
    let base: i32 = match segments {
        ["users"] => 2,
        ["groups", _, "members", ..] | ["subscribedSkus"] => 3,
        ["groups", _, "transitiveMembers", ..] => 5,
        _ => 1,
    };
    let select = i32::from(request.option("$select").is_some());
    let expand = i32::from(request.option("$expand").is_some());
    let small = i32::from(
        request
            .option("$top")
            .and_then(|top| top.parse::<u32>().ok())
            .is_some_and(|top| top < 20),
    );
    (base - select + expand - small).max(1) as u32
}
