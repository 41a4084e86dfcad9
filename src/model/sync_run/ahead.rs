//! What is ahead of a queued run: another run of its company, for they go one at a time.
//!
//! It is worked out when somebody asks. The danger of writing it into the run would be words that outlive what they tell of.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{SyncKind, SyncRun, SyncStatus};
use crate::db::Connection;
use crate::db::schema::sync_run;
use crate::model::Scope;

/// A run that keeps others of its company from beginning.
#[derive(Clone, Debug)]
pub struct Ahead {
    run: SyncRun,
    /// When it was read, by the database's clock: the one that runs are due by.
    at: DateTime<Utc>,
}

/// The runs of these companies that others have to wait for, as far as the scope holds them whole: one of each company at most.
///
/// # Errors
/// When the database fails.
pub async fn load_ahead(conn: &mut Connection, scope: &Scope, companies: &[Uuid]) -> QueryResult<Vec<(Uuid, Ahead)>> {
    let under_way: Vec<(SyncRun, DateTime<Utc>)> = sync_run::table
        .filter(sync_run::company_id.eq_any(scope.whole_of(companies)))
        .filter(sync_run::status.eq_any([SyncStatus::Running, SyncStatus::Waiting]))
        .select((SyncRun::as_select(), sql::<Timestamptz>("now()")))
        .load(conn)
        .await?;
    let ahead = under_way
        .into_iter()
        .map(|(run, at)| (run.company_id, Ahead { run, at }));
    Ok(ahead.collect())
}

impl Ahead {
    /// What a page says of a run that would begin now, were it not for this one; none where it would not.
    pub fn keeps(&self, queued: &SyncRun) -> Option<String> {
        // It may have begun itself since it was read.
        let is_another = self.run.id != queued.id;
        let is_due = queued.status == SyncStatus::Queued && queued.not_before <= self.at;
        (is_another && is_due).then(|| {
            let what = match (self.run.kind, self.run.dry_run) {
                (_, true) => "dry run",
                (SyncKind::Identity, false) => "identity sync",
                (SyncKind::Evidence, false) => "evidence run",
            };
            format!("Waits for the {what}, which {}", self.stands())
        })
    }

    fn stands(&self) -> String {
        let run = &self.run;
        match &run.failure {
            _ if run.status == SyncStatus::Running => "is under way".into(),
            Some(failure) => format!("goes on when this is mended: {}", failure.message),
            None if run.not_before > self.at => {
                format!("waits for Microsoft until {} UTC", run.not_before.format("%H:%M"))
            }
            None => "is about to go on".into(),
        }
    }
}
