//! Why work on a run stops before it is done.

use std::time::Duration;

use crate::microsoft::Trouble;
use crate::model::sync_run::RunFailure;
use crate::model::sync_run::lease::LeaseError;

/// Why work on a run stopped before it was done.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Microsoft said no, or nothing that can be used.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// A reason of our own, for people.
    #[error("{}", .0.message)]
    Refused(RunFailure),
    /// The connection is not what it was taken for: the company is disconnected.
    #[error("{}", .0.message)]
    Mistaken(RunFailure),
    /// To go on later, without holding a worker meanwhile.
    #[error("waiting: {message}")]
    Wait { delay: Duration, message: String },
    /// As [`Self::Wait`], until the operator has mended what concerns every company alike.
    #[error("waiting for the operator: {}", .failure.message)]
    WaitForOperator { delay: Duration, failure: RunFailure },
    /// The run is no longer ours.
    #[error("the lease on the run was lost")]
    Lost,
    /// We have to mend it.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

impl From<LeaseError> for Stop {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Lost => Self::Lost,
            LeaseError::Database(error) => Self::Broken(error.into()),
        }
    }
}

impl From<diesel::result::Error> for Stop {
    fn from(error: diesel::result::Error) -> Self {
        Self::Broken(error.into())
    }
}
