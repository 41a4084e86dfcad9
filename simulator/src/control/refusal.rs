//! How the control interface says no: `{"error": {"code", "message"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::directory::change::Refused;
use crate::entra::app_roles::Unassignable;

#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "badInput",
            message: message.into(),
        }
    }

    pub fn not_found(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "notFound",
            message: format!("there is no such {what}"),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::NotFound(_) => Self {
                status: StatusCode::NOT_FOUND,
                code: "notFound",
                message,
            },
            Refused::NotDeleted => Self {
                status: StatusCode::CONFLICT,
                code: "conflict",
                message,
            },
            Refused::Property(_) | Refused::Id | Refused::Cycle => Self::bad_input(message),
        }
    }
}

impl From<Unassignable> for Refusal {
    fn from(why: Unassignable) -> Self {
        match why {
            Unassignable::NoSuchPerson => Self::not_found("person"),
            Unassignable::NoSuchApplication => Self::not_found("application"),
            Unassignable::WhichApplication(_) | Unassignable::Undeclared(_) => Self::bad_input(why.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(json!({"error": {"code": self.code, "message": self.message}})),
        )
            .into_response()
    }
}

/// A JSON body, refused in words. An empty one stands for `{}`.
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Refusal::bad_input(error.to_string()))
}
