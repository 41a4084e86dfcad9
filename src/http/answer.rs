//! An answer of the schema, as it leaves.
//!
//! A request that was refused before it ran has no `data` at all, which async-graphql does not tell apart from data that
//! is null; and its own errors have no code.

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

use super::accept::Media;

/// A document with mistakes in it can have one for each of its fields: nobody reads more than these.
const MOST_ERRORS: usize = 25;

/// What leaves for a request.
#[derive(Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
}

impl Answer {
    pub(super) fn new(mut response: Response) -> Self {
        response.errors.truncate(MOST_ERRORS);
        // What was refused before it ran is about no field.
        let refused = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        if refused {
            response.errors.iter_mut().for_each(name_the_code);
        }
        Self {
            data: (!refused).then_some(response.data),
            errors: response.errors,
        }
    }

    /// Whether the request was refused before it ran.
    pub(super) fn is_refusal(&self) -> bool {
        self.data.is_none()
    }

    /// The errors alone.
    pub(super) fn errors(&self) -> &[ServerError] {
        &self.errors
    }

    /// As JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("values of GraphQL are JSON")
    }

    /// As an answer over HTTP. In the older media type a document that was understood is a success, whatever is in it.
    pub(super) fn in_media(self, media: Media) -> axum::response::Response {
        let status = match media {
            Media::GraphQl if self.is_refusal() => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        let headers = [
            (header::CONTENT_TYPE, media.content_type()),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (status, headers, self.json()).into_response()
    }
}

/// Mistakes in a document, found by the parser or the validation, are the asker's.
fn name_the_code(error: &mut ServerError) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", "BAD_INPUT");
    }
}
