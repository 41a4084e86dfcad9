//! The words of `graphql-transport-ws`, and the codes that end a socket.
//!
//! Source: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::rates::Wait;
use super::super::refusal::try_again;

/// The one subprotocol. The older `graphql-ws` has no introduction that must come first, and is not spoken.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";
/// The longest name that a client may give an operation.
const LONGEST_ID: usize = 128;

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said {
    ConnectionInit { payload: Option<Map<String, Value>> },
    Ping { payload: Option<Map<String, Value>> },
    Pong {},
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

impl Said {
    /// Reads a message.
    pub(super) fn read(text: &str) -> Result<Self, Close> {
        let said: Self = serde_json::from_str(text).map_err(|_| Close::BAD_MESSAGE)?;
        match &said {
            Self::Subscribe { id, .. } | Self::Complete { id } if id.is_empty() || id.len() > LONGEST_ID => {
                Err(Close::BAD_MESSAGE)
            }
            _ => Ok(said),
        }
    }
}

pub(super) fn ack() -> Message {
    text(&json!({"type": "connection_ack"}))
}

pub(super) fn pong(payload: Option<Map<String, Value>>) -> Message {
    match payload {
        Some(payload) => text(&json!({"type": "pong", "payload": payload})),
        None => text(&json!({"type": "pong"})),
    }
}

/// One answer; `payload` is JSON already.
pub(super) fn next(id: &str, payload: &str) -> Message {
    Message::text(format!(r#"{{"type":"next","id":{},"payload":{payload}}}"#, json!(id)))
}

pub(super) fn error(id: &str, errors: Value) -> Message {
    text(&json!({"type": "error", "id": id, "payload": errors}))
}

pub(super) fn complete(id: &str) -> Message {
    text(&json!({"type": "complete", "id": id}))
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    code: u16,
    reason: String,
}

impl Close {
    pub(super) const BAD_MESSAGE: Self = Self {
        code: 4400,
        reason: String::new(),
    };

    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub(super) fn subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub(super) fn introduction_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn taken(id: &str) -> Self {
        // A close frame has room for 123 bytes.
        Self::new(
            4409,
            format!(
                "Subscriber for {} already exists",
                id.chars().take(20).collect::<String>()
            ),
        )
    }

    pub(super) fn too_many_introductions() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    /// The protocol has no code for this. It has this one for too much of something, and its clients take that as final,
    /// so that they do not come again at once, as they would after others.
    pub(super) fn too_many_sockets() -> Self {
        Self::new(4429, "Too many sockets")
    }

    /// The address has shown too many proofs that did not hold.
    pub(super) fn too_many_failures(wait: Wait) -> Self {
        Self::new(4429, format!("Too many failed attempts. {}", try_again(wait)))
    }

    pub(super) fn broken() -> Self {
        Self::new(4500, "Internal server error")
    }

    pub(super) fn going_away() -> Self {
        Self::new(1001, "The server is stopping")
    }

    pub(super) fn message(self) -> Message {
        let reason = if self == Self::BAD_MESSAGE {
            "Invalid message"
        } else {
            &self.reason
        };
        Message::Close(Some(CloseFrame {
            code: self.code,
            reason: Utf8Bytes::from(reason),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_protocol_is_a_bad_message() {
        for text in [
            "",
            "x",
            "[]",
            "{}",
            "null",
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"subscribe","id":"","payload":{}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"connection_ack"}"#,
        ] {
            assert!(Said::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_reason_fits_its_frame() {
        assert!(Close::taken(&"ü".repeat(128)).reason.len() <= 123);
    }
}
