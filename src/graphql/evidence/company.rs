//! What is kept of one company.

use anyhow::Context as _;
use async_graphql::{Context, Object};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use uuid::Uuid;

use super::chain::{EvidenceLink, EvidenceTombstone, EvidenceVerification};
use super::changes::EvidenceChanges;
use super::declaration::EvidenceDeclaration;
use super::list;
use super::period::EvidencePeriod;
use super::run::EvidenceRun;
use super::state::Evidence;
use crate::db::Pool;
use crate::evidence::desks::Desks;
use crate::evidence::keep::{self, DeclarationKind, RunRow};
use crate::graphql::connection::{Connection, Paging};
use crate::graphql::error::{Answer, Fault};
use crate::graphql::{given, now, scope};

/// What is kept of one company.
pub struct CompanyEvidence(pub Uuid);

/// What is kept of one company.
#[Object]
impl CompanyEvidence {
    /// How things stood at an instant, as the last run that was kept by then saw them; null where nothing was kept by then, or the
    /// viewer may not see it.
    async fn evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instant; now unless told.")] as_of: Option<DateTime<Utc>>,
    ) -> Answer<Option<Evidence>> {
        let at = as_of.unwrap_or_else(now);
        require_known("asOf", at)?;
        let run = run_as_of(ctx, self.0, at).await?;
        Ok(run.map(|run| Evidence { at, run }))
    }

    /// The kept runs, newest first.
    async fn evidence_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceRun>> {
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        list(ctx, self.0, keep::list_runs(&scope(ctx)?), paging).await
    }

    /// What changed between two instants; null where nothing was kept by the later one.
    async fn evidence_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The earlier instant.")] from: DateTime<Utc>,
        #[graphql(desc = "The later instant.")] to: DateTime<Utc>,
    ) -> Answer<Option<EvidenceChanges>> {
        require_order(from, to)?;
        require_known("to", to)?;
        let before = run_as_of(ctx, self.0, from).await?;
        let after = run_as_of(ctx, self.0, to).await?;
        Ok(after.map(|after| EvidenceChanges { before, after }))
    }

    /// The runs that a period should have had, and what became of each: at most 400 days. Null where the viewer may not see
    /// it.
    async fn evidence_period(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its beginning.")] from: DateTime<Utc>,
        #[graphql(desc = "Its end, which is not part of it.")] to: DateTime<Utc>,
    ) -> Answer<Option<EvidencePeriod>> {
        require_order(from, to)?;
        let (company_id, now) = (self.0, now());
        let scope = scope(ctx)?;
        if !scope.holds_whole(company_id) {
            return Ok(None);
        }
        let period = given::<Pool>(ctx)?
            .read(&scope, async |conn| -> anyhow::Result<_> {
                Ok(keep::period(conn, &scope, company_id, from, to, now).await?)
            })
            .await?;
        Ok(Some(EvidencePeriod::of(period)))
    }

    /// What people have stated, newest first; withdrawn ones are not among them.
    async fn evidence_declarations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only declarations of this kind.")] kind: Option<DeclarationKind>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceDeclaration>> {
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        list(ctx, self.0, keep::list_declarations(&scope(ctx)?, kind), paging).await
    }

    /// The chain that holds what is kept, newest link first.
    async fn evidence_chain(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceLink>> {
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        list(ctx, self.0, keep::list_ledger(&scope(ctx)?, None, None), paging).await
    }

    /// What retention has removed, newest first.
    async fn evidence_tombstones(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceTombstone>> {
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        list(ctx, self.0, keep::list_tombstones(&scope(ctx)?, None), paging).await
    }

    /// Holds everything that is kept against its hashes, here and now; null where the viewer may not see it. It reads all
    /// of it: ask for one company, once.
    async fn evidence_verification(&self, ctx: &Context<'_>) -> Answer<Option<EvidenceVerification>> {
        let company_id = self.0;
        let scope = scope(ctx)?;
        if !scope.holds_whole(company_id) {
            return Ok(None);
        }
        let desk = given::<Desks>(ctx)?.take(company_id).ok_or_else(|| {
            Fault::limit(
                "evidenceVerification",
                "A verification of this company, or of others, is under way. Ask again when it has ended.",
            )
        })?;
        let pool = given::<Pool>(ctx)?.clone();
        // Whoever goes away meanwhile leaves their desk only when the work on it has ended.
        let work = tokio::spawn(async move {
            let _desk = desk;
            pool.read(&scope, async |conn| -> anyhow::Result<_> {
                Ok(keep::verify(conn, company_id).await?)
            })
            .await
        });
        let faults = work.await.context("verifying evidence panicked")??;
        Ok(Some(EvidenceVerification::of(faults)))
    }
}

async fn run_as_of(ctx: &Context<'_>, company_id: Uuid, at: DateTime<Utc>) -> Answer<Option<RunRow>> {
    let scope = scope(ctx)?;
    let run = given::<Pool>(ctx)?
        .read(&scope, async |conn| -> anyhow::Result<_> {
            Ok(keep::run_as_of(conn, &scope, company_id, at).await?)
        })
        .await?;
    Ok(run)
}

/// Nobody knows how things will stand; a day is for clocks and days of other places.
fn require_known(argument: &str, at: DateTime<Utc>) -> Answer<()> {
    if at.year() < *keep::YEARS.start() {
        return Err(Fault::bad_input(argument, "There is no evidence of that time."));
    }
    if at > now() + TimeDelta::days(1) {
        return Err(Fault::bad_input(argument, "That has not been yet."));
    }
    Ok(())
}

fn require_order(from: DateTime<Utc>, to: DateTime<Utc>) -> Answer<()> {
    if !keep::YEARS.contains(&from.year()) || !keep::YEARS.contains(&to.year()) {
        return Err(Fault::bad_input(
            "from",
            "A period lies in this century or the one before.",
        ));
    }
    if from < to {
        return Ok(());
    }
    Err(Fault::bad_input("from", "A period ends after it begins."))
}
