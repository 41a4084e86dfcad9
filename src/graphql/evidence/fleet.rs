//! The catalogue, and one check over all companies.

use async_graphql::{Context, Object, SimpleObject};

use super::catalogue::{Check, Framework};
use super::result::CheckResult;
use super::words::{CheckStatus, Severity};
use crate::evidence::catalogue::{self, Catalogue};
use crate::evidence::keep::{self, Opened, ResultRow};
use crate::graphql::company::Company;
use crate::graphql::connection::{Connection, Listed, Paging};
use crate::graphql::error::Answer;
use crate::graphql::scope;
use crate::graphql::siblings::Kin;

/// What is asked of evidence over all companies.
pub struct FleetEvidence;

/// What is asked of evidence over all companies.
#[Object]
impl FleetEvidence {
    /// The checks of the catalogue.
    async fn checks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only checks of this area, such as `conditional_access`.")] area: Option<String>,
        #[graphql(desc = "Only checks on which this much hangs.")] severity: Option<Severity>,
    ) -> Answer<Vec<Check>> {
        scope(ctx)?;
        let severity = severity.map(catalogue::Severity::from);
        let wanted = |check: &&catalogue::Check| {
            area.as_ref().is_none_or(|area| *area == check.area)
                && severity.is_none_or(|severity| severity == check.severity)
        };
        Ok(Catalogue::get().checks().iter().filter(wanted).map(Check).collect())
    }

    /// The frameworks of the catalogue.
    async fn frameworks(&self, ctx: &Context<'_>) -> Answer<Vec<Framework>> {
        scope(ctx)?;
        Ok(Catalogue::get().frameworks().iter().map(Framework).collect())
    }

    /// What a check last said of every company that the viewer may see, worst first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn check_results(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The check's id.")] check_id: String,
        #[graphql(desc = "Only companies of which it says this.")] status: Option<CheckStatus>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<CompanyCheckResult>> {
        let listing = keep::list_results_everywhere(&scope(ctx)?, &check_id, status.map(Into::into));
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_nobody(ctx, listing, paging).await
    }
}

/// What a check last said of a company.
#[derive(SimpleObject)]
pub struct CompanyCheckResult {
    /// The company.
    company: Company,
    /// What was said.
    result: CheckResult,
}

impl Listed for CompanyCheckResult {
    type Row = Opened<ResultRow>;
    async fn of(ctx: &Context<'_>, row: Kin<Self::Row>) -> Answer<Self> {
        Ok(Self {
            company: Company::of_sibling(ctx, row.siblings(), row.company_id).await?,
            result: CheckResult::new(ResultRow::clone(&row), row.content.clone(), None)?,
        })
    }
}
