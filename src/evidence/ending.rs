//! How a run ends that has read what it could.

use std::collections::BTreeSet;

use super::snapshot::{Outcome, Pull, Resource, Snapshot};
use crate::model::sync_run::{RunFailure, SyncStatus};

/// What a page says of it. What a tenant has no licence for is named once, and makes no
/// run less than complete.
pub(super) fn of(snapshot: &Snapshot) -> (SyncStatus, String, Option<RunFailure>) {
    let (unlicensed, rest): (Vec<_>, Vec<_>) = snapshot
        .pulls
        .iter()
        .partition(|(_, pull)| pull.outcome == Outcome::LicenceMissing);
    let gaps: Vec<(&Resource, &Pull)> = rest.iter().filter(|(_, pull)| !pull.is_complete()).copied().collect();
    let Some(failure) = failure(&gaps) else {
        let licences: BTreeSet<String> = unlicensed.iter().map(|(_, pull)| said(pull)).collect();
        let licences: Vec<String> = licences.into_iter().collect();
        let message = [vec!["Evidence complete.".to_owned()], licences].concat().join(" ");
        return (SyncStatus::Succeeded, message, None);
    };
    if gaps.len() == rest.len() {
        return (SyncStatus::Failed, failure.message.clone(), Some(failure));
    }
    let message = format!("Evidence partly complete. {}", failure.message);
    (SyncStatus::Partial, message, Some(failure))
}

/// What is missing, with the first reason; what merely follows from something else that is missing is none.
fn failure(gaps: &[(&Resource, &Pull)]) -> Option<RunFailure> {
    let reasons = gaps.iter().find(|(_, pull)| pull.outcome != Outcome::Partial);
    let (_, first) = reasons.or(gaps.first())?;
    let names: Vec<&str> = gaps.iter().map(|(resource, _)| resource.as_str()).collect();
    let code = match first.outcome {
        Outcome::PermissionMissing | Outcome::Throttled => first.outcome.as_str(),
        _ => "READING_INCOMPLETE",
    };
    let remedy = match first.outcome {
        Outcome::PermissionMissing => {
            "Add the permission to the application's registration and connect the tenant again, so that an administrator \
             grants it."
        }
        _ => "Nothing to do: the next run reads it again. If it lasts, look at Microsoft's service health.",
    };
    Some(RunFailure {
        code: code.to_owned(),
        message: format!("Not read whole: {}. {}", names.join(", "), said(first)),
        remedy: remedy.to_owned(),
    })
}

fn said(pull: &Pull) -> String {
    let said = pull.refusal.as_ref().map(|refusal| refusal.message.clone());
    said.unwrap_or_else(|| "The last page was not reached.".to_owned())
}
