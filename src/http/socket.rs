//! GraphQL over a websocket: `graphql-transport-ws`, spoken by a loop of our own.
//!
//! async-graphql-axum's loop accepts any origin and the legacy subprotocol, waits for ever for an introduction, bounds
//! neither operations nor buffers, runs mutations, and closes with other codes than the protocol's.
//!
//! The danger: browsers open sockets across sites and send the cookie along, without asking. So the `Origin` is judged
//! before the upgrade, mutations are refused, and whoever watches is checked again while they do.

mod operations;
mod protocol;

use std::time::Duration;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures::StreamExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{Instrument, Span};

use super::asked::{self, Asked};
use super::caller::Address;
use super::cookies;
use super::guard::{self, Unjudged};
use super::refusal::Refusal;
use super::seats::Seat;
use super::state::State;
use crate::auth::Viewer;
use crate::auth::session::{self, Proof};
use crate::graphql::error::RequestId;
use operations::Operations;
use protocol::{Close, Said};

/// The largest message that is read.
const MESSAGE_LIMIT: usize = 64 * 1024;
/// What a socket that says nothing costs.
const READ_BUFFER: usize = 4 * 1024;
/// The most that waits for a slow reader; an answer must fit in.
const WRITE_BUFFER: usize = 4 * 1024 * 1024;

/// How long the other side may take to answer a farewell.
const FAREWELL: Duration = Duration::from_secs(2);

/// Takes the socket up, or refuses it before it is one.
pub(super) fn upgrade(state: State, address: Address, headers: &HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let proof = Proof::of(headers, cookies::session(&state));
    let origin = headers
        .get(header::ORIGIN)
        .map(|origin| origin.to_str().is_ok_and(|origin| state.allowed.is_origin(origin)));
    // A browser always names the origin of the page; a program has no cookie.
    let refused = match origin {
        Some(allowed) => !allowed,
        None => proof.as_ref().is_some_and(Proof::is_cookie),
    };
    if refused {
        return Refusal::STRANGE_ORIGIN.in_media(None);
    }
    let Ok(ticket) = proof.map(|proof| Ticket::take(&state, proof)).transpose() else {
        return TOO_MANY_SOCKETS.in_media(None);
    };
    // The socket outlives the request that it began with, and is named after it.
    let span = Span::current();
    upgrade
        .protocols([protocol::SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .on_upgrade(move |socket| {
            let spoken = socket.protocol().is_some();
            let line = Line { state, address, socket };
            line.serve(spoken, ticket).instrument(span)
        })
}

/// A socket on which somebody may speak.
struct Line {
    state: State,
    address: Address,
    socket: WebSocket,
}

/// A proof, not judged yet, and the seat that it takes.
struct Ticket {
    proof: Proof,
    seat: Seat,
}

impl Ticket {
    /// None while as many sockets as may be are open with this proof.
    fn take(state: &State, proof: Proof) -> Result<Self, Full> {
        let seat = state.seats.take(&proof).ok_or(Full)?;
        Ok(Self { proof, seat })
    }
}

/// As many sockets as may be are open with one proof.
struct Full;

/// Somebody who has introduced themselves.
struct Guest {
    viewer: Viewer,
    proof: Proof,
    _seat: Seat,
}

/// The socket is gone, or to be closed.
enum End {
    Gone,
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

impl Line {
    async fn serve(mut self, spoken: bool, ticket: Option<Ticket>) {
        let end = if spoken {
            self.converse(ticket).await
        } else {
            Close::subprotocol().into()
        };
        let told = match end {
            End::Close(close) => self.say(close.message()).await.is_ok(),
            End::Gone => true,
        };
        if told {
            self.hang_up().await;
        }
    }

    /// Reads to the end: that sends the answer to the other side's farewell, and lets it read ours before the connection
    /// goes, for data that nobody reads would make the system cut it.
    async fn hang_up(mut self) {
        let farewell = async { while let Some(Ok(_)) = self.socket.next().await {} };
        // Whoever does not answer has been told, and is let go.
        drop(timeout(FAREWELL, farewell).await);
    }

    async fn converse(&mut self, ticket: Option<Ticket>) -> End {
        let mut guest = match self.introduction(ticket).await {
            Ok(guest) => guest,
            Err(end) => return end,
        };
        let mut operations = Operations::new();
        let mut recheck = interval(self.state.timing.recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        recheck.tick().await;
        let stop = self.state.stop.clone();
        loop {
            let step = tokio::select! {
                // Whoever may no longer be here is told nothing more, however much there is to tell.
                biased;
                () = stop.cancelled() => Err(Close::going_away().into()),
                _ = recheck.tick() => self.recheck(&guest).await,
                event = event(&mut self.socket, &mut operations) => match event {
                    Event::Heard(heard) => self.heard(heard, &mut guest, &mut operations).await,
                    Event::Said(id, said) => self.tell(&id, said).await,
                },
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Waits for `connection_init` and judges the proof in it, or the one that the upgrade carried.
    async fn introduction(&mut self, mut ticket: Option<Ticket>) -> Result<Guest, End> {
        let deadline = Instant::now() + self.state.timing.introduction;
        loop {
            let heard = tokio::select! {
                heard = self.socket.next() => heard,
                () = sleep_until(deadline) => return Err(Close::introduction_timeout().into()),
            };
            match read(heard)? {
                None | Some(Said::Pong {}) => {}
                Some(Said::Ping { payload }) => self.say(protocol::pong(payload)).await?,
                Some(Said::ConnectionInit { payload }) => {
                    if let Some(proof) = offered(payload.as_ref())? {
                        // The seat of the upgrade's proof is given back first: it may be the same proof.
                        drop(ticket.take());
                        ticket = Some(Ticket::take(&self.state, proof).map_err(|Full| Close::too_many_sockets())?);
                    }
                    let guest = recognize(&self.state, self.address, ticket).await?;
                    self.say(protocol::ack()).await?;
                    return Ok(guest);
                }
                Some(Said::Subscribe { .. } | Said::Complete { .. }) => return Err(Close::unauthorized().into()),
            }
        }
    }

    async fn heard(
        &mut self,
        heard: Option<Result<Message, axum::Error>>,
        guest: &mut Guest,
        operations: &mut Operations,
    ) -> Result<(), End> {
        match read(heard)? {
            None | Some(Said::Pong {}) => Ok(()),
            Some(Said::ConnectionInit { .. }) => Err(Close::too_many_introductions().into()),
            Some(Said::Ping { payload }) => self.say(protocol::pong(payload)).await,
            Some(Said::Complete { id }) => {
                operations.end(&id);
                Ok(())
            }
            Some(Said::Subscribe { id, payload }) => self.subscribe(id, payload, guest, operations).await,
        }
    }

    async fn subscribe(
        &mut self,
        id: String,
        payload: Value,
        guest: &mut Guest,
        operations: &mut Operations,
    ) -> Result<(), End> {
        if operations.has(&id) {
            return Err(Close::taken(&id).into());
        }
        if operations.is_full() {
            return self.say(protocol::error(&id, TOO_MANY.errors())).await;
        }
        let asked = Asked::in_value(payload).map_err(|_| Close::BAD_MESSAGE)?;
        let viewer = self.viewer_now(guest).await?;
        let answers = guard::count(&self.state, &viewer).and_then(|()| {
            let request = asked.into_request(&self.state, RequestId::fresh(), viewer);
            asked::answers(&self.state, request)
        });
        match answers {
            Ok(answers) => {
                operations.begin(id, answers);
                Ok(())
            }
            Err(refusal) => self.say(protocol::error(&id, refusal.errors())).await,
        }
    }

    async fn tell(&mut self, id: &str, said: operations::Said) -> Result<(), End> {
        let message = match said {
            operations::Said::Next(answer) => protocol::next(id, &answer.json()),
            operations::Said::Refused(answer) => {
                let errors = serde_json::to_value(answer.errors()).expect("errors of GraphQL are JSON");
                protocol::error(id, errors)
            }
            operations::Said::Complete => protocol::complete(id),
        };
        self.say(message).await
    }

    /// The guest as they stand at this moment, as each request over HTTP looks them up.
    async fn viewer_now(&mut self, guest: &mut Guest) -> Result<Viewer, End> {
        match session::viewer(&self.state.pool, self.state.gate(), &guest.proof).await {
            Ok(Some(viewer)) if session::stands_in_for(&viewer, &guest.viewer) => {
                // Whatever they have won since is theirs to lose from here on.
                guest.viewer = viewer.clone();
                Ok(viewer)
            }
            Ok(_) => Err(Close::ended().into()),
            Err(error) => Err(unchecked(&error).into()),
        }
    }

    /// Whether the guest may still be here; and a sign of life, which the other side's system answers.
    async fn recheck(&mut self, guest: &Guest) -> Result<(), End> {
        match session::still_holds(&self.state.pool, self.state.gate(), &guest.proof, &guest.viewer).await {
            Ok(true) => self.say(Message::Ping(axum::body::Bytes::new())).await,
            Ok(false) => Err(Close::ended().into()),
            Err(error) => Err(unchecked(&error).into()),
        }
    }

    /// Sends a message, or gives up on a reader that takes none.
    async fn say(&mut self, message: Message) -> Result<(), End> {
        match timeout(self.state.timing.send, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// What happens on a socket.
enum Event {
    /// The other side has spoken, or is gone.
    Heard(Option<Result<Message, axum::Error>>),
    /// The operation with this id has something to say.
    Said(String, operations::Said),
}

/// The next thing that happens; neither side can keep the other from its turn.
async fn event(socket: &mut WebSocket, operations: &mut Operations) -> Event {
    tokio::select! {
        heard = socket.next() => Event::Heard(heard),
        (id, said) = operations.next() => Event::Said(id, said),
    }
}

fn unchecked(error: &anyhow::Error) -> Close {
    tracing::error!(error = format!("{error:#}"), "a socket's viewer could not be checked");
    Close::broken()
}

/// The guest that a ticket's proof shows.
async fn recognize(state: &State, address: Address, ticket: Option<Ticket>) -> Result<Guest, Close> {
    let Ticket { proof, seat } = ticket.ok_or_else(Close::forbidden)?;
    match guard::recognize(state, address, &proof).await {
        Ok(Some(viewer)) => Ok(Guest {
            viewer,
            proof,
            _seat: seat,
        }),
        Ok(None) => Err(Close::forbidden()),
        Err(Unjudged::TooOften(wait)) => Err(Close::too_many_failures(wait)),
        Err(Unjudged::Broken(error)) => {
            tracing::error!(error = format!("{error:#}"), "a socket's viewer could not be found");
            Err(Close::broken())
        }
    }
}

const TOO_MANY: Refusal = Refusal::new(
    axum::http::StatusCode::TOO_MANY_REQUESTS,
    "LIMIT",
    "20 operations run on this socket already. Complete one first.",
);

const TOO_MANY_SOCKETS: Refusal = Refusal::new(
    axum::http::StatusCode::TOO_MANY_REQUESTS,
    "LIMIT",
    "As many sockets as may be are open with this token or session. Close one first, or run more operations on each.",
);

/// What was heard; nothing for the frames that are not ours to answer.
fn read(heard: Option<Result<Message, axum::Error>>) -> Result<Option<Said>, End> {
    match heard {
        Some(Ok(Message::Text(text))) => Ok(Some(Said::read(&text)?)),
        Some(Ok(Message::Binary(_))) => Err(Close::BAD_MESSAGE.into()),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
    }
}

/// The proof in the payload of an introduction: for whoever cannot set a header on a socket. What is given is meant: where it is
/// no bearer token, the proof of the upgrade is not looked at.
fn offered(payload: Option<&Map<String, Value>>) -> Result<Option<Proof>, Close> {
    let given = payload.and_then(|payload| payload.get("Authorization").or_else(|| payload.get("authorization")));
    given
        .map(|given| given.as_str().and_then(Proof::bearer).ok_or_else(Close::forbidden))
        .transpose()
}
