//! Sync runs, and what they did.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::company::Company;
use super::connection::{Connection, Listed, Paging};
use super::error::{Answer, Fault};
use super::id::IdOf;
use super::permit;
use super::siblings::{Kin, Siblings};
use super::sync_change::{HeldChange, SyncChange};
use super::{given, scope};
use crate::auth::Action;
use crate::db::Pool;
use crate::model::held_change::{self, Decision};
use crate::model::sync_change::{self, ChangeAction};
use crate::model::sync_run::{self, Ahead, SyncKind, SyncMode, SyncStatus, SyncTrigger};
use crate::model::{self, Noun};
use crate::telemetry::TraceParent;

/// A sync run among those it was read with.
#[derive(Clone)]
pub struct SyncRun(pub Kin<model::SyncRun>);

impl SyncRun {
    /// A run that was read alone.
    pub fn alone(run: model::SyncRun) -> Self {
        Self(Kin::alone(run))
    }

    /// The run that one of several changes was made by, read for all of them at once.
    pub async fn of_change(ctx: &Context<'_>, changes: &Arc<Siblings>, run_id: Uuid) -> Answer<Self> {
        #[derive(PartialEq, Eq, Hash)]
        struct Runs;
        let scope = scope(ctx)?;
        let runs: Arc<HashMap<Uuid, Kin<model::SyncRun>>> = changes
            .share(Runs, || async {
                let ids: Vec<Uuid> = changes.owners().iter().map(|owner| owner.key).collect();
                let rows = given::<Pool>(ctx)?
                    .read(&scope, async |conn| -> anyhow::Result<_> {
                        Ok(sync_run::load(conn, &scope, &ids).await?)
                    })
                    .await?;
                Ok(Kin::all(rows).into_iter().map(|run| (run.id, run)).collect())
            })
            .await?;
        let run = runs.get(&run_id).cloned();
        Ok(Self(run.ok_or_else(|| Fault::not_found("sync run"))?))
    }

    /// What a queued run may have to wait for, read for all of its siblings at once.
    async fn ahead(&self, ctx: &Context<'_>) -> Answer<Option<Ahead>> {
        #[derive(PartialEq, Eq, Hash)]
        struct AheadOf;
        if self.0.status != SyncStatus::Queued {
            return Ok(None);
        }
        let siblings = self.0.siblings();
        let scope = scope(ctx)?;
        let ahead: Arc<HashMap<Uuid, Ahead>> = siblings
            .share(AheadOf, || async {
                let ids: Vec<Uuid> = siblings.owners().iter().map(|owner| owner.company_id).collect();
                let rows = given::<Pool>(ctx)?
                    .read(&scope, async |conn| -> anyhow::Result<_> {
                        Ok(sync_run::load_ahead(conn, &scope, &ids).await?)
                    })
                    .await?;
                Ok(rows.into_iter().collect())
            })
            .await?;
        Ok(ahead.get(&self.0.company_id).cloned())
    }
}

impl Listed for SyncRun {
    type Row = model::SyncRun;
    async fn of(_: &Context<'_>, row: Kin<model::SyncRun>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// One attempt to bring one company up to date.
#[Object]
impl SyncRun {
    /// Opaque, and unique among all nodes.
    pub async fn id(&self) -> ID {
        IdOf::SyncRun.show(self.0.id)
    }

    /// The company that it brings up to date.
    async fn company(&self, ctx: &Context<'_>) -> Answer<Company> {
        Company::of_sibling(ctx, self.0.siblings(), self.0.company_id).await
    }

    /// What it brings up to date.
    async fn kind(&self) -> SyncKind {
        self.0.kind
    }

    /// What made it.
    async fn trigger(&self) -> SyncTrigger {
        self.0.trigger
    }

    /// How much it reads.
    async fn mode(&self) -> SyncMode {
        self.0.mode
    }

    /// Whether it only reports its plan, and writes nothing.
    async fn dry_run(&self) -> bool {
        self.0.dry_run
    }

    /// Where it stands.
    async fn status(&self) -> SyncStatus {
        self.0.status
    }

    /// What a page shows, such as "Reading contacts: 1,200". A run that is due and has to wait for another of its company says
    /// for which, as that stands when it is asked.
    async fn message(&self, ctx: &Context<'_>) -> Answer<String> {
        let kept = self.ahead(ctx).await?.and_then(|ahead| ahead.keeps(&self.0));
        Ok(kept.unwrap_or_else(|| self.0.message.clone()))
    }

    /// While it waits: when it begins, or goes on, at the earliest. Null while a worker is on it, and when it has ended.
    async fn not_before(&self) -> Option<DateTime<Utc>> {
        let waits = matches!(self.0.status, SyncStatus::Queued | SyncStatus::Waiting);
        waits.then_some(self.0.not_before)
    }

    /// What it is doing, such as "Reading contacts"; null while it does nothing.
    async fn stage(&self) -> Option<&str> {
        self.0.stage.as_deref()
    }

    /// How far it is, in percent, where that can be told; it never falls.
    async fn progress(&self) -> Option<i32> {
        self.0.progress
    }

    /// What it did, kind by kind.
    async fn counts(&self) -> Vec<SyncCounts> {
        self.0.counts.iter().cloned().map(SyncCounts::from).collect()
    }

    /// How long each of its stages took.
    async fn stages(&self) -> Vec<SyncStage> {
        self.0.stages.iter().cloned().map(SyncStage::from).collect()
    }

    /// How many requests it made to Microsoft, repeated ones included.
    async fn requests(&self) -> i64 {
        self.0.requests
    }

    /// The trace that it belongs to, in the log and wherever traces are kept: 32 hexadecimal digits, the same as the
    /// `X-Request-Id` of the request that asked for it. Null for whoever may not see how Tenantry runs.
    async fn trace_id(&self, ctx: &Context<'_>) -> Option<String> {
        let trace: TraceParent = self.0.trace_parent.as_deref()?.parse().ok()?;
        permit(ctx, Action::ViewOperations).ok().map(|_| trace.trace_id())
    }

    /// What it changed, or in a dry run would change, record by record.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only changes of this kind of record.")] kind: Option<Noun>,
        #[graphql(desc = "Only changes of this sort.")] action: Option<ChangeAction>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<SyncChange>> {
        let listing = sync_change::list(sync_change::Filter { kind, action });
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.0.owner(), listing, paging).await
    }

    /// The deactivations that it did not make, because there were suspiciously many.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn held_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only changes of this kind of record.")] kind: Option<Noun>,
        #[graphql(desc = "Only changes of which this became; all of them where it is left out.")] decision: Option<
            Decision,
        >,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<HeldChange>> {
        let listing = held_change::list(held_change::Filter { kind, decision });
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.0.owner(), listing, paging).await
    }

    /// Why it, or a part of it, did not succeed.
    async fn failure(&self) -> Option<SyncFailure> {
        self.0.failure.clone().map(SyncFailure::from)
    }

    /// Who asked for it, by name.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// When it was asked for.
    async fn queued_at(&self) -> DateTime<Utc> {
        self.0.queued_at
    }

    /// When a worker first took it.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }
}

/// What a run did to one kind of record.
#[derive(SimpleObject)]
pub struct SyncCounts {
    /// The kind of record.
    kind: Noun,
    /// Records that Microsoft listed.
    read: i64,
    /// Records that are new.
    created: i64,
    /// Records that changed, those that came back among them.
    updated: i64,
    /// Records that are as they were.
    unchanged: i64,
    /// Records that left, or were ruled out.
    deactivated: i64,
    /// Deactivations that wait for a person.
    held: i64,
    /// Records that the sync rules leave out.
    skipped: i64,
    /// Why the whole kind was left out, such as a tenant without Intune; null where it was not.
    skipped_because: Option<String>,
}

impl From<sync_run::Counts> for SyncCounts {
    fn from(counts: sync_run::Counts) -> Self {
        Self {
            kind: counts.kind,
            read: counts.read,
            created: counts.created,
            updated: counts.updated,
            unchanged: counts.unchanged,
            deactivated: counts.deactivated,
            held: counts.held,
            skipped: counts.skipped,
            skipped_because: counts.skipped_because,
        }
    }
}

/// How long one stage of a run took.
#[derive(SimpleObject)]
pub struct SyncStage {
    /// What was done, such as "Reading contacts".
    name: String,
    /// How long it took, in milliseconds.
    milliseconds: i64,
}

impl From<sync_run::StageTime> for SyncStage {
    fn from(stage: sync_run::StageTime) -> Self {
        Self {
            name: stage.name,
            milliseconds: stage.milliseconds,
        }
    }
}

/// Why a run, or a part of it, did not succeed.
#[derive(SimpleObject)]
pub struct SyncFailure {
    /// A stable code in capitals.
    code: String,
    /// What went wrong, in plain words.
    message: String,
    /// What to do about it.
    remedy: String,
}

impl From<sync_run::RunFailure> for SyncFailure {
    fn from(failure: sync_run::RunFailure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
            remedy: failure.remedy,
        }
    }
}
