//! `$batch`: up to twenty requests in one. Each is asked, throttled and refused by itself.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::request::Request;
use crate::world::{AccessToken, Asked, Tenant, World};

const MOST: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: Option<Value>,
    /// Microsoft's Python client writes it with an underscore.
    #[serde(default, alias = "depends_on")]
    depends_on: Option<Vec<String>>,
}

pub async fn serve(
    world: &World,
    tenant: &Arc<Tenant>,
    token: &AccessToken,
    request: &Request,
) -> Result<Answer, Failure> {
    if request.method != "POST" {
        return Err(Failure::new(405, "BadRequest", "Batches are posted."));
    }
    let batch: Batch = serde_json::from_slice(&request.body)
        .map_err(|_| Failure::new(400, "BadRequest", "Invalid batch payload format."))?;
    if batch.requests.len() > MOST {
        return Err(Failure::new(
            400,
            "BadRequest",
            "The number of requests in a batch exceeds the limit of 20.",
        ));
    }
    let mut statuses: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    for part in batch.requests {
        let unmet = part
            .depends_on
            .iter()
            .flatten()
            .any(|id| statuses.get(id).is_none_or(|status| *status >= 400));
        let answer = if unmet {
            Failure::new(
                424,
                "FailedDependency",
                "A request that this one depends on has failed.",
            )
            .into_answer(Uuid::new_v4(), &part.id)
        } else {
            one(world, tenant, token, request, &part).await?
        };
        if statuses.insert(part.id.clone(), answer.status).is_some() {
            return Err(Failure::new(
                400,
                "BadRequest",
                "The id of each request in a batch must be unique.",
            ));
        }
        responses.push(written(&part.id, &answer));
    }
    Ok(Answer::value(&json!({"responses": responses})))
}

async fn one(
    world: &World,
    tenant: &Arc<Tenant>,
    token: &AccessToken,
    request: &Request,
    part: &Part,
) -> Result<Answer, Failure> {
    let url = part.url.strip_prefix(&request.origin).unwrap_or(&part.url);
    let url = url.strip_prefix("/v1.0").unwrap_or(url);
    let url = format!("/{}", url.trim_start_matches('/'));
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    if path == "/$batch" {
        return Err(Failure::new(400, "BadRequest", "A batch cannot hold a batch."));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &part.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let inner = Request {
        method: part.method.to_uppercase(),
        origin: request.origin.clone(),
        path: format!("/v1.0{path}"),
        query: query.to_owned(),
        headers,
        body: part
            .body
            .as_ref()
            .map(|body| body.to_string().into())
            .unwrap_or_default(),
        resumed: false,
    };
    let asked = Asked {
        order: 0,
        tenant: Some(tenant.id),
        method: inner.method.clone(),
        path: inner.path.clone(),
        query: inner.query.clone(),
        status: 0,
        client_request_id: None,
    };
    // A batch holds no batch, but the compiler cannot know: the future is boxed to end the recursion.
    let answer = Box::pin(super::answer_to(world, tenant, token, inner, Uuid::new_v4(), &part.id)).await;
    world.remember(Asked {
        status: answer.status,
        ..asked
    });
    Ok(answer)
}

fn written(id: &str, answer: &Answer) -> Value {
    let mut headers: HashMap<&str, String> = HashMap::from([("Content-Type", answer.content_type.to_owned())]);
    for (name, value) in &answer.headers {
        headers.insert(if *name == "retry-after" { "Retry-After" } else { name }, value.clone());
    }
    let body = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer.body).into_owned()));
    json!({"id": id, "status": answer.status, "headers": headers, "body": body})
}
