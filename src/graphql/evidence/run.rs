//! Kept runs, and how each resource was read.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};

use super::Place;
use super::chain::EvidenceLink;
use super::words::ReadingOutcome;
use crate::db::Pool;
use crate::evidence::keep::{self, PullRow, RunRow, hex};
use crate::graphql::connection::{Listed, first_of_each};
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::siblings::{Kin, Siblings};
use crate::graphql::{given, scope};
use crate::model::page::Owner;

/// A kept run among those it was read with.
#[derive(Clone)]
pub struct EvidenceRun(pub Kin<RunRow>);

impl Listed for EvidenceRun {
    type Row = RunRow;
    async fn of(_: &Context<'_>, row: Kin<RunRow>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// A run whose evidence is kept: what it read and what was said of it.
#[Object]
impl EvidenceRun {
    /// The id of its sync run.
    async fn sync_run_id(&self) -> ID {
        IdOf::SyncRun.show(self.0.id)
    }

    /// Counts the kept runs of the company, from one.
    async fn number(&self) -> i64 {
        self.0.seq
    }

    /// When it began to read.
    async fn taken_at(&self) -> DateTime<Utc> {
        self.0.taken_at
    }

    /// When it was kept.
    async fn kept_at(&self) -> DateTime<Utc> {
        self.0.kept_at
    }

    /// The permissions that it had.
    async fn granted_permissions(&self) -> &[String] {
        &self.0.granted_roles
    }

    /// The version of Tenantry that read and judged.
    async fn app_version(&self) -> &str {
        &self.0.app_version
    }

    /// SHA-256 over everything that it kept, in hexadecimal; what the chain holds.
    async fn sha256(&self) -> String {
        hex(&self.0.sha256)
    }

    /// How it read each resource.
    async fn readings(&self, ctx: &Context<'_>) -> Answer<Vec<Reading>> {
        readings(ctx, Place::of(&self.0)).await
    }

    /// Its link of the company's chain; null once retention has removed it.
    async fn link(&self, ctx: &Context<'_>) -> Answer<Option<EvidenceLink>> {
        let listing = keep::list_ledger(&scope(ctx)?, None, Some(self.0.id));
        let owner = Owner::company(self.0.company_id);
        let siblings = Siblings::new(vec![owner]);
        Ok(first_of_each(ctx, &siblings, owner, &listing).await?.map(EvidenceLink))
    }
}

/// How a run read each resource.
pub(super) async fn readings(ctx: &Context<'_>, place: Place) -> Answer<Vec<Reading>> {
    let scope = scope(ctx)?;
    let pulls = given::<Pool>(ctx)?
        .read(&scope, async |conn| -> anyhow::Result<_> {
            Ok(keep::pulls(conn, &scope, place.company_id, place.seq).await?)
        })
        .await?;
    Ok(pulls.into_iter().map(Reading).collect())
}

/// How one resource was read.
pub struct Reading(pub PullRow);

/// How one resource of the tenant was read: the request, how far it came, and how we know that it is all.
#[Object]
impl Reading {
    /// What was read, such as `ca_policies`.
    async fn resource(&self) -> &str {
        self.0.resource.as_str()
    }

    /// The exact request: path and query.
    async fn request(&self) -> &str {
        &self.0.request
    }

    /// The permission that it needs.
    async fn permission(&self) -> &str {
        &self.0.permission
    }

    /// When the first page was asked for.
    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// When the last answer had come.
    async fn finished_at(&self) -> DateTime<Utc> {
        self.0.finished_at
    }

    /// How many pages came.
    async fn pages(&self) -> i32 {
        self.0.pages
    }

    /// Whether the page that has no next one was read.
    async fn last_page_reached(&self) -> bool {
        self.0.last_page_reached
    }

    /// How many objects came.
    async fn items(&self) -> i64 {
        self.0.items
    }

    /// A second number of the same population, from another endpoint; null where there is none.
    async fn independent_count(&self) -> Option<i64> {
        self.0.witness_count
    }

    /// The request that gave the second number.
    async fn independent_source(&self) -> Option<&str> {
        self.0.witness_source.as_deref()
    }

    /// How it ended.
    async fn outcome(&self) -> ReadingOutcome {
        self.0.outcome.into()
    }

    /// Microsoft's code for why it ended early.
    async fn refusal_code(&self) -> Option<&str> {
        self.0.refusal_code.as_deref()
    }

    /// Why it ended early, in plain words.
    async fn refusal_message(&self) -> Option<&str> {
        self.0.refusal_message.as_deref()
    }

    /// The ids by which Microsoft finds the requests in its own logs.
    async fn request_ids(&self) -> &[String] {
        &self.0.request_ids
    }

    /// A sentence for the working paper: how many, how far, and against what it was counted.
    async fn statement(&self) -> String {
        statement(&self.0)
    }

    /// SHA-256 of the row, in hexadecimal.
    async fn sha256(&self) -> String {
        hex(&self.0.sha256)
    }
}

fn statement(pull: &PullRow) -> String {
    let pages = if pull.pages == 1 { "page" } else { "pages" };
    let reached = if pull.last_page_reached {
        "the last page was reached"
    } else {
        "the last page was not reached"
    };
    let counted = match (pull.witness_count, &pull.witness_source) {
        (Some(count), Some(source)) if count == pull.items => format!("; {source} says {count} as well"),
        (Some(count), Some(source)) => format!("; {source} says {count}, a difference of {}", count - pull.items),
        _ => String::new(),
    };
    let because = pull
        .refusal_message
        .as_ref()
        .map_or_else(String::new, |message| format!(". {message}"));
    format!(
        "{} objects in {} {pages}, {reached}{counted}{because}",
        pull.items, pull.pages
    )
}
