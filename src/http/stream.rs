//! GraphQL over server-sent events, in the "distinct connections" mode of `graphql-sse`: one request, one stream.
//!
//! For whoever cannot open a websocket. Mutations have their own door.
//!
//! Source: <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State as Extract};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::accept;
use super::answer::Answer;
use super::asked::{self, Asked};
use super::caller::Address;
use super::guard::{self, Admitted};
use super::refusal::Refusal;
use super::seats::Seat;
use super::state::State;
use crate::auth::session;
use crate::graphql::error::RequestId;

/// An operation in a body of JSON.
pub(super) async fn post(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let admitted = guard::admit(&state, address, &Method::POST, &headers).await?;
        let asked = Asked::in_body(&headers, body).await?;
        open(&state, id, &headers, admitted, asked)
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.in_media(None))
}

/// An operation in the address.
pub(super) async fn get(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let admitted = guard::admit(&state, address, &Method::GET, &headers).await?;
        let asked = Asked::in_query(&headers, query.as_deref())?;
        open(&state, id, &headers, admitted, asked)
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.in_media(None))
}

fn open(
    state: &State,
    id: RequestId,
    headers: &HeaderMap,
    admitted: Admitted,
    asked: Asked,
) -> Result<Response, Refusal> {
    if !accept::takes_events(headers) {
        return Err(Refusal::EVENTS_ONLY);
    }
    let seat = state
        .stream_seats
        .take(&admitted.proof)
        .ok_or(Refusal::TOO_MANY_STREAMS)?;
    let answers = asked::answers(state, asked.into_request(state, id, admitted.viewer.clone()))?;
    let events = events(state.clone(), admitted, seat, answers);
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        // Proxies that collect an answer before they pass it on are asked not to.
        ("x-accel-buffering", "no"),
    ];
    Ok((headers, paced(events, state.timing.send)).into_response())
}

/// A body of these events. A reader who has not taken one by then is gone, whatever its connection says: the events end,
/// and their seat is free.
fn paced(events: impl futures::Stream<Item = String> + Send + 'static, patience: Duration) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut events = std::pin::pin!(events);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = sender.closed() => None,
            };
            let Some(event) = event else { break };
            if !matches!(timeout(patience, sender.send(event)).await, Ok(Ok(()))) {
                break;
            }
        }
    });
    Body::from_stream(futures::stream::unfold(receiver, async |mut receiver| {
        let event = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    }))
}

/// The events of one operation, until it ends, the viewer may no longer look, or the server stops.
fn events(
    state: State,
    admitted: Admitted,
    seat: Seat,
    mut responses: BoxStream<'static, async_graphql::Response>,
) -> impl futures::Stream<Item = String> + Send {
    // The stream outlives the answer's making, and its log lines the request's.
    let span = tracing::Span::current();
    async_stream::stream! {
        let _seat = seat;
        // A stream begins at once, with something to flush.
        yield ":\n\n".to_owned();
        let mut recheck = interval(state.timing.recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        recheck.tick().await;
        loop {
            tokio::select! {
                response = responses.next() => match response {
                    Some(response) => yield format!("event: next\ndata: {}\n\n", Answer::new(response).json()),
                    None => break,
                },
                _ = recheck.tick() => match session::still_holds(&state.pool, state.gate(), &admitted.proof, &admitted.viewer).await {
                    Ok(true) => yield ":\n\n".to_owned(),
                    Ok(false) => {
                        yield format!("event: next\ndata: {}\n\n", json!({"errors": Refusal::ENDED.errors()}));
                        break;
                    }
                    Err(error) => {
                        span.in_scope(|| {
                            tracing::error!(error = format!("{error:#}"), "a stream's viewer could not be checked");
                        });
                        break;
                    }
                },
                () = state.stop.cancelled() => break,
            }
        }
        yield "event: complete\ndata: \n\n".to_owned();
    }
}
