//! Which error to use where.
//!
//! - A caller that branches gets an enum of its own made with `thiserror` (such as `microsoft::Trouble`).
//! - Edges that only report use [`anyhow`] with context: the whole chain is logged once, next to a request id, and
//!   nobody outside ever sees it.
//! - A person who can do something about it gets a [`UserError`]: a code, plain words, and the remedy.

use std::fmt;

/// Something that a person did or asked that cannot be, said so that they can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// A stable code in capitals, such as `NOT_CONNECTED`.
    pub code: &'static str,
    /// What is wrong and what to do, in plain words.
    pub message: String,
    /// The input field that it is about, from the outside in.
    pub path: Vec<&'static str>,
}

impl UserError {
    /// An error that no single field is to blame for.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: Vec::new(),
        }
    }

    /// An error about the input field at `path`.
    pub fn at(code: &'static str, path: &[&'static str], message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: path.to_vec(),
        }
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for UserError {}

/// What a model function answers when a person may be at fault: [`Refused`](Failure::Refused) is for the person,
/// [`Broken`](Failure::Broken) is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The person can mend it.
    #[error(transparent)]
    Refused(#[from] UserError),
    /// We have to mend it.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Broken(error.into())
    }
}
