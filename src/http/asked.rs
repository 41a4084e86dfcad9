//! What a request asks of GraphQL: the parameters of GraphQL over HTTP, from a body, a query string or a message.
//!
//! Source: <https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters>

use std::collections::HashMap;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Request, Response, Variables};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures::stream::BoxStream;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::state::State;
use crate::auth::{Action, Resource, Viewer, allow};
use crate::graphql::error::RequestId;
use crate::graphql::limits;

/// The parameters of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    #[expect(dead_code, reason = "read so that anything but a map is refused; none is known")]
    extensions: Option<Map<String, Value>>,
}

impl Asked {
    /// From a POST. The content type keeps other sites' forms out: no form can send JSON.
    pub(super) async fn in_body(headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        if !is_json(headers) {
            return Err(Refusal::NOT_JSON);
        }
        let body = axum::body::to_bytes(body, super::BODY_LIMIT)
            .await
            .map_err(|_| Refusal::TOO_LARGE)?;
        if body.trim_ascii_start().starts_with(b"[") {
            return Err(Refusal::bad("Send one request at a time: batches are not accepted."));
        }
        let value: Value = serde_json::from_slice(&body).map_err(|_| Refusal::bad("The body is not JSON."))?;
        Self::in_value(value)
    }

    /// From a GET.
    pub(super) fn in_query(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Refusal> {
        if headers.contains_key(header::CONTENT_TYPE) && !is_json(headers) {
            return Err(Refusal::NOT_JSON);
        }
        let pairs: HashMap<_, _> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
        let map = |name: &str| match pairs.get(name) {
            Some(json) if !json.is_empty() => {
                serde_json::from_str(json).map_err(|_| Refusal::bad("variables and extensions must be JSON maps."))
            }
            _ => Ok(None),
        };
        let text = |name: &str| pairs.get(name).map(|text| text.clone().into_owned());
        Ok(Self {
            query: text("query").ok_or(MISSING)?,
            operation_name: text("operationName").filter(|name| !name.is_empty()),
            variables: map("variables")?,
            extensions: map("extensions")?,
        })
    }

    /// From a value that has been read already.
    pub(super) fn in_value(value: Value) -> Result<Self, Refusal> {
        if !value.is_object() {
            return Err(Refusal::bad("The request must be a JSON map."));
        }
        if value.get("query").is_none() {
            return Err(MISSING);
        }
        serde_json::from_value(value).map_err(|_| {
            Refusal::bad("query must be a string, operationName a string, variables and extensions JSON maps.")
        })
    }

    /// The request for the schema, as this viewer's.
    pub(super) fn into_request(self, state: &State, id: RequestId, viewer: Viewer) -> Request {
        let variables = self
            .variables
            .map_or_else(Variables::default, |map| Variables::from_json(Value::Object(map)));
        let mut request = Request::new(self.query).variables(variables).data(id);
        request.operation_name = self.operation_name;
        if !state.switches.introspection || !allow(&viewer, Action::Explore, Resource::Msp) {
            request = request.disable_introspection();
        }
        request.data(viewer)
    }
}

const MISSING: Refusal = Refusal::bad("The request has no query.");

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let (media, parameters) = value.split_once(';').unwrap_or((value, ""));
            let parameters = parameters.trim().to_ascii_lowercase();
            media.trim().eq_ignore_ascii_case("application/json")
                && (parameters.is_empty() || matches!(parameters.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
        })
}

/// The kind of operation that would run; none where the document does not say, or is refused anyway.
pub(super) fn operation(request: &mut Request) -> Option<OperationType> {
    let name = request.operation_name.clone();
    let document = limits::read(request).ok()?;
    chosen(document, name.as_deref())
}

/// The answers of a request, for the doors that are streams: those of a subscription, or the one of a query.
///
/// # Errors
/// When it is a mutation, which has its own door.
pub(super) fn answers(state: &State, mut request: Request) -> Result<BoxStream<'static, Response>, Refusal> {
    match operation(&mut request) {
        Some(OperationType::Mutation) => Err(Refusal::MUTATION_IN_A_STREAM),
        Some(OperationType::Subscription) => Ok(state.executor.stream(request)),
        // What is refused anyway is answered once too.
        Some(OperationType::Query) | None => Ok(state.executor.once_within(state.timing.answer, request)),
    }
}

fn chosen(document: &ExecutableDocument, name: Option<&str>) -> Option<OperationType> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation.node.ty),
        (DocumentOperations::Multiple(operations), Some(name)) => Some(operations.get(name)?.node.ty),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| operation.node.ty)
        }
        (DocumentOperations::Multiple(_), None) => None,
    }
}
