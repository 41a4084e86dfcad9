//! The longest that a run is worked on.
//!
//! Every answer of Microsoft's has its time, but not the number of them: a tenant that answers each page after a minute and
//! a half would hold a worker's place for weeks, and each slot of the clock would join that run.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::Stop;
use crate::model::sync_run::RunFailure;

/// The longest that a run is worked on at a stretch. 300,000 people are read within two hours at the slowest of Microsoft's
/// published paces.
pub const LONGEST: Duration = Duration::from_secs(6 * 3_600);

/// Does the work, for so long at most.
///
/// # Errors
/// Those of the work; and the reason why it was ended, for people.
pub async fn within(longest: Duration, work: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
    timeout(longest, work).await.unwrap_or_else(|_| {
        Err(Stop::Refused(RunFailure {
            code: "TOOK_TOO_LONG".into(),
            message: format!("The sync was ended after {} hours.", longest.as_secs() / 3_600),
            remedy:
                "Microsoft answers too slowly for this tenant. Sync again; if it happens again, report it with the \
                     time of this run."
                    .into(),
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_without_an_end_is_ended_with_the_reason() {
        let ended = within(Duration::ZERO, std::future::pending()).await;
        let Err(Stop::Refused(failure)) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(failure.code, "TOOK_TOO_LONG");
        assert!(within(Duration::ZERO, std::future::ready(Ok(()))).await.is_ok());
    }
}
