//! The root of subscriptions.
//!
//! A watcher first sees how things stand, then each change in order. It watches before it looks, so that nothing that
//! happens in between is missed, and skips what it has sent already.

use std::collections::HashMap;

use async_graphql::{Context, ID, Subscription as Root};
use futures::Stream;
use uuid::Uuid;

use super::alarm::{self, Alarm};
use super::error::{Answer, Fault};
use super::id::IdOf;
use super::query::{filter_id, find_company};
use super::sync_run::SyncRun;
use super::{given, permit, scope};
use crate::auth::Action;
use crate::db::Pool;
use crate::db::events::{Events, News};
use crate::model::sync_run::{self, SyncKind, SyncStatus};
use crate::model::{self, Scope};
use crate::telemetry::metrics::Subscriber;

/// The root of subscriptions.
pub struct Subscription;

/// What can be watched.
#[Root]
impl Subscription {
    /// How the syncs of a company stand: first the run under way, else the newest, or null while there is none; then
    /// the whole run at each change. A run that is over is told again when somebody has decided about what it held, even where
    /// it is not the newest. It does not complete while the viewer may see the company.
    async fn sync_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the company.")] company_id: ID,
        #[graphql(desc = "The kind of run.", default_with = "SyncKind::Identity")] kind: SyncKind,
    ) -> Result<impl Stream<Item = Answer<Option<SyncRun>>>, Fault> {
        let scope = scope(ctx)?;
        let company = match IdOf::Company.read(&company_id) {
            Some(id) => find_company(ctx, &scope, id)
                .await?
                .filter(|company| scope.holds_whole(company.id)),
            None => None,
        };
        let company_id = company.ok_or_else(|| Fault::not_found("company"))?.id;
        let watched = Watched {
            pool: given::<Pool>(ctx)?.clone(),
            scope,
            company_id,
            kind,
            sent: HashMap::new(),
        };
        Ok(watched.follow(given::<Events>(ctx)?))
    }

    /// The runs of every company that the viewer may see: each as it begins to wait, is taken up, ends, or has its held
    /// changes decided, without the progress in between. Null says to read how things stand: it comes first, and again
    /// where more happened at once than could be told. It does not complete.
    async fn sync_run_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only runs of this kind; of both where it is left out.")] kind: Option<SyncKind>,
    ) -> Result<impl Stream<Item = Answer<Option<SyncRun>>>, Fault> {
        let everything = Everything {
            scope: scope(ctx)?,
            kind,
            told: HashMap::new(),
        };
        Ok(everything.follow(given::<Events>(ctx)?))
    }

    /// What is wrong: first the newest alarm, or null while there was none; then each alarm that opens, says something else, or
    /// closes. It does not complete while the viewer may see how Tenantry runs.
    async fn alarm_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only alarms of this company.")] company_id: Option<ID>,
    ) -> Result<impl Stream<Item = Answer<Option<Alarm>>>, Fault> {
        permit(ctx, Action::ViewOperations)?;
        let watched = alarm::Watched {
            pool: given::<Pool>(ctx)?.clone(),
            scope: scope(ctx)?,
            company_id: filter_id(IdOf::Company, "companyId", company_id)?,
        };
        Ok(watched.follow(given::<Events>(ctx)?))
    }
}

/// What one watcher watches, and the revision of each run that it has seen.
struct Watched {
    pool: Pool,
    scope: Scope,
    company_id: Uuid,
    kind: SyncKind,
    sent: HashMap<Uuid, i64>,
}

impl Watched {
    fn follow(mut self, events: &Events) -> impl Stream<Item = Answer<Option<SyncRun>>> + use<> {
        let mut watch = events.watch(self.company_id, self.kind);
        async_stream::try_stream! {
            let _counted = Subscriber::new();
            let first = self.look().await?;
            yield first.map(SyncRun::alone);
            while let Some(news) = watch.next().await {
                match news {
                    News::Run(run) if self.is_new(&run) => yield Some(SyncRun::alone(model::SyncRun::clone(&run))),
                    News::Run(_) => {}
                    News::Missed => yield self.look().await?.map(SyncRun::alone),
                }
            }
        }
    }

    /// How things stand. What is still on its way to the watcher from before this moment is old news from now on.
    async fn look(&mut self) -> Answer<Option<model::SyncRun>> {
        let standing = self
            .pool
            .read(&self.scope, async |conn| -> Answer<_> {
                Ok(sync_run::standing(conn, &self.scope, self.company_id, self.kind).await?)
            })
            .await?;
        self.sent.extend(standing.revisions);
        Ok(standing.current)
    }

    /// Whether this state of the run was not sent before; from now on it was.
    fn is_new(&mut self, run: &model::SyncRun) -> bool {
        let sent = self.sent.entry(run.id).or_default();
        let new = run.revision > *sent;
        *sent = run.revision.max(*sent);
        new
    }
}

/// What one watcher of every company watches, and what it was told last of each.
struct Everything {
    scope: Scope,
    kind: Option<SyncKind>,
    told: HashMap<(Uuid, SyncKind), Told>,
}

/// The newest state of a company's runs of a kind that a watcher was told.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    run_id: Uuid,
    status: SyncStatus,
    revision: i64,
}

impl Everything {
    fn follow(mut self, events: &Events) -> impl Stream<Item = Answer<Option<SyncRun>>> + use<> {
        let mut watch = events.watch_everything();
        async_stream::try_stream! {
            let _counted = Subscriber::new();
            yield None;
            while let Some(news) = watch.next().await {
                match news {
                    News::Run(run) if self.is_worth_telling(&run) => {
                        yield Some(SyncRun::alone(model::SyncRun::clone(&run)));
                    }
                    News::Run(_) => {}
                    News::Missed => yield None,
                }
            }
        }
    }

    /// Whether the run is one of those that are watched, and stands otherwise than when it was last told of. Of a run
    /// that is over each change is told: only decisions come after the end.
    fn is_worth_telling(&mut self, run: &model::SyncRun) -> bool {
        let wanted = self.kind.is_none_or(|kind| kind == run.kind) && self.scope.holds_whole(run.company_id);
        if !wanted {
            return false;
        }
        let now = Told {
            run_id: run.id,
            status: run.status,
            revision: run.revision,
        };
        let before = self.told.insert((run.company_id, run.kind), now);
        before.is_none_or(|before| {
            let same_run = before.run_id == now.run_id;
            !same_run || before.status != now.status || (!now.status.is_active() && before.revision != now.revision)
        })
    }
}
