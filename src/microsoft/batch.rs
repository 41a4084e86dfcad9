//! Several people in one request: `$batch`, twenty at a time.
//!
//! The danger: a batch answers 200 while its items are throttled or failed, each on its own. An item that did not come is
//! asked for again; only a 404 means that somebody is not there.
//!
//! Source: <https://learn.microsoft.com/graph/json-batching>

use std::collections::HashMap;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::collection::{self, Collection};
use super::graph::{BadAnswer, read_json};
use super::graph_error::{self, Setback};
use super::patience::Passing;
use super::{Graph, Trouble, wire};

/// The most requests that one batch may hold.
const BATCH: usize = 20;

#[derive(Serialize)]
struct Requests {
    requests: Vec<BatchRequest>,
}

#[derive(Serialize)]
struct BatchRequest {
    id: String,
    method: &'static str,
    url: String,
}

#[derive(Deserialize)]
struct Responses {
    responses: Vec<BatchResponse>,
}

#[derive(Deserialize)]
struct BatchResponse {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Option<Box<RawValue>>,
}

impl Graph {
    /// These people, as they are now. Who does not exist (any more) is not in the answer.
    ///
    /// # Errors
    /// Any [`Trouble`]; then nobody is returned.
    pub async fn users_by_id(&self, ids: &[Uuid]) -> Result<Vec<wire::User>, Trouble> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            self.batch_of_users(ids, &mut found).await?;
        }
        Ok(found)
    }

    async fn batch_of_users(&self, ids: &[Uuid], found: &mut Vec<wire::User>) -> Result<(), Trouble> {
        let mut tries = self.tries();
        let mut missing = ids.to_vec();
        loop {
            let responses = self
                .post(Collection::Batch, requests(&missing), |bytes| {
                    read_json::<Responses>(bytes)
                })
                .await?;
            let mut setback = None;
            let mut again = Vec::new();
            for (position, id) in missing.iter().enumerate() {
                let position = position.to_string();
                let response = responses.responses.iter().find(|response| response.id == position);
                match response.map_or(Err(Setback::Passing(Passing::unavailable())), |response| {
                    read_user(response, *id)
                }) {
                    Ok(user) => found.extend(user),
                    Err(Setback::Passing(passing)) => {
                        setback = Some(longer(setback, passing));
                        again.push(*id);
                    }
                    Err(Setback::Token) => return Err(self.given_up(Trouble::TokenRefused)),
                    Err(Setback::Final(trouble)) => return Err(self.given_up(trouble)),
                }
            }
            let Some(setback) = setback else {
                return Ok(());
            };
            tries.wait_after(setback).await?;
            missing = again;
        }
    }
}

fn requests(ids: &[Uuid]) -> Vec<u8> {
    let request = |(position, id): (usize, &Uuid)| BatchRequest {
        id: position.to_string(),
        method: "GET",
        url: format!("/users/{id}?$select={}", collection::USER),
    };
    let requests = Requests {
        requests: ids.iter().enumerate().map(request).collect(),
    };
    serde_json::to_vec(&requests).expect("strings become JSON")
}

/// Of several setbacks, the one that asks for the longest wait.
fn longer(one: Option<Passing>, other: Passing) -> Passing {
    match one {
        Some(one) if one.not_before >= other.not_before => one,
        _ => other,
    }
}

fn read_user(response: &BatchResponse, id: Uuid) -> Result<Option<wire::User>, Setback> {
    let body = response.body.as_ref().map_or("", |body| body.get()).as_bytes();
    match StatusCode::from_u16(response.status) {
        Ok(StatusCode::OK) => match read_json(body) {
            Ok(wire::User { id: other, .. }) if other != id => Err(Setback::Final(Trouble::unexpected(
                "an item of a batch is about somebody else",
            ))),
            Ok(user) => Ok(Some(user)),
            Err(BadAnswer::Broken) => Err(Setback::Final(Trouble::unexpected("an item of a batch has no body"))),
            Err(BadAnswer::Unexpected(trouble)) => Err(Setback::Final(trouble)),
        },
        Ok(StatusCode::NOT_FOUND) => Ok(None),
        Ok(status) => Err(graph_error::read(Collection::Users, status, &wait_of(response), body)),
        Err(_) => Err(Setback::Final(Trouble::unexpected("an item of a batch has no status"))),
    }
}

/// The item's own `Retry-After`, as a header.
fn wait_of(response: &BatchResponse) -> HeaderMap {
    let told = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(RETRY_AFTER.as_str()));
    told.and_then(|(_, value)| HeaderValue::from_str(value).ok())
        .map(|value| (RETRY_AFTER, value))
        .into_iter()
        .collect()
}
