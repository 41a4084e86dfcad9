//! What is noted of Microsoft's answers while something is read for evidence: by which ids Microsoft finds the requests
//! again, and in which words it refused the last one.

use std::sync::{Arc, Mutex, PoisonError};

use super::Reply;
use super::graph_error;

/// The notes of one reading. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    request_ids: Vec<String>,
    refused: Option<Refused>,
}

/// How Microsoft refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The status of the answer.
    pub status: u16,
    /// Microsoft's own word for it.
    pub code: Option<String>,
}

impl Heard {
    /// Microsoft answered.
    pub(super) fn note(&self, reply: &Reply) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let id = reply.headers.get("request-id").and_then(|id| id.to_str().ok());
        notes.request_ids.extend(id.map(str::to_owned));
        notes.refused = (!reply.status.is_success()).then(|| Refused {
            status: reply.status.as_u16(),
            code: graph_error::code(&reply.body),
        });
    }

    /// The ids of the requests, in the order of their answers.
    pub(crate) fn request_ids(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.request_ids.clone()
    }

    /// How the last request was refused, if it was.
    pub(crate) fn refused(&self) -> Option<Refused> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.refused.clone()
    }
}
