//! GraphQL over HTTP: POST, and GET for queries.
//!
//! Written here rather than taken from async-graphql-axum, whose extractor executes mutations by GET and from forms,
//! runs subscriptions over plain HTTP, takes batches, reads bodies of any size and knows one media type and one status.
//!
//! The danger: what another site can make a browser send. [`guard`](super::guard) turns that away before a body is
//! read.
//!
//! Source: <https://graphql.github.io/graphql-over-http/draft/>

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, RawQuery, Request, State as Extract, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};

use super::accept::Media;
use super::answer::Answer;
use super::asked::{self, Asked};
use super::caller::Address;
use super::guard;
use super::refusal::Refusal;
use super::socket;
use super::state::State;
use crate::graphql::error::RequestId;

/// A query or a mutation in a body of JSON.
pub(super) async fn post(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let media = Media::wanted(&headers);
    let answer = async {
        let admitted = guard::admit(&state, address, &Method::POST, &headers).await?;
        let media = media.ok_or(Refusal::NOT_ACCEPTABLE)?;
        let asked = Asked::in_body(&headers, body).await?;
        let request = asked.into_request(&state, id, admitted.viewer);
        execute(&state, media, &Method::POST, request).await
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.in_media(media))
}

/// A query in the address, or the beginning of a websocket.
pub(super) async fn get(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts
        .headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
    {
        return match WebSocketUpgrade::from_request_parts(&mut parts, &state).await {
            Ok(upgrade) => socket::upgrade(state, address, &parts.headers, upgrade),
            Err(rejection) => rejection.into_response(),
        };
    }
    let headers = parts.headers;
    let media = Media::wanted(&headers);
    let answer = async {
        let admitted = guard::admit(&state, address, &Method::GET, &headers).await?;
        let media = media.ok_or(Refusal::NOT_ACCEPTABLE)?;
        let asked = Asked::in_query(&headers, query.as_deref())?;
        let request = asked.into_request(&state, id, admitted.viewer);
        execute(&state, media, &Method::GET, request).await
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.in_media(media))
}

async fn execute(
    state: &State,
    media: Media,
    method: &Method,
    mut request: async_graphql::Request,
) -> Result<Response, Refusal> {
    match asked::operation(&mut request) {
        Some(OperationType::Subscription) => return Err(Refusal::SUBSCRIPTION),
        Some(OperationType::Mutation) if *method == Method::GET => return Err(Refusal::MUTATION_BY_GET),
        _ => {}
    }
    let answer = Answer::new(state.executor.once(request).await);
    Ok(answer.in_media(media))
}
