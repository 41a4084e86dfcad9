//! How things stood at an instant.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::Place;
use super::coverage::FrameworkEvidence;
use super::finding::EvidenceFinding;
use super::object::EvidenceObject;
use super::result::{self, CheckResult};
use super::run::{self, EvidenceRun, Reading};
use super::words::{CheckStatus, ReadingOutcome};
use crate::db::Pool;
use crate::evidence::catalogue::Catalogue;
use crate::evidence::judge::{FindingKind, Status};
use crate::evidence::keep::{self, FindingFilter, FindingState, ObjectFilter, RunRow};
use crate::evidence::snapshot::Resource;
use crate::graphql::connection::{Connection, Paging};
use crate::graphql::error::Answer;
use crate::graphql::siblings::Kin;
use crate::graphql::{given, scope};

/// The check that says who is asked for a second factor.
const MFA_CHECK: &str = "entra.ca.mfa_all_users";

/// A reading that a run could not make whole.
#[derive(SimpleObject)]
pub struct StaleReading {
    /// What was to be read, such as `ca_policies`.
    resource: String,
    /// How that ended.
    outcome: ReadingOutcome,
    /// When it was last read whole; null where it never was.
    last_read_at: Option<DateTime<Utc>>,
}

impl From<keep::Stale> for StaleReading {
    fn from(stale: keep::Stale) -> Self {
        Self {
            resource: stale.resource.to_string(),
            outcome: stale.outcome.into(),
            last_read_at: stale.last_read_at,
        }
    }
}

/// How things stood at an instant.
pub struct Evidence {
    pub at: DateTime<Utc>,
    pub run: RunRow,
}

impl Evidence {
    fn place(&self) -> Place {
        Place::of(&self.run)
    }

    async fn objects_of(
        &self,
        ctx: &Context<'_>,
        filter: ObjectFilter,
        paging: Paging,
    ) -> Answer<Connection<EvidenceObject>> {
        let listing = keep::list_objects(&scope(ctx)?, self.run.seq, &filter);
        self.place().list(ctx, listing, paging).await
    }
}

/// How things stood at an instant, as the last run that was kept by then saw them.
#[Object]
impl Evidence {
    /// The instant that was asked for.
    async fn as_of(&self) -> DateTime<Utc> {
        self.at
    }

    /// The run that says so.
    async fn run(&self) -> EvidenceRun {
        EvidenceRun(Kin::alone(self.run.clone()))
    }

    /// How long before the instant the run began to read, in seconds.
    async fn age_seconds(&self) -> i64 {
        (self.at - self.run.taken_at).num_seconds()
    }

    /// What every check said.
    async fn results(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only results with one of these.")] status: Option<Vec<CheckStatus>>,
        #[graphql(desc = "Only checks that support this framework, by its id.")] framework: Option<String>,
        #[graphql(desc = "Only checks of this area, such as `conditional_access`.")] area: Option<String>,
    ) -> Answer<Vec<CheckResult>> {
        let wanted: Option<Vec<Status>> = status.map(|words| words.into_iter().map(Status::from).collect());
        let mut results = result::results(ctx, self.place()).await?;
        results.retain(|result| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(&result.row.status))
                && framework.as_ref().is_none_or(|id| supports(&result.row.check_id, id))
                && area.as_ref().is_none_or(|area| is_of_area(&result.row.check_id, area))
        });
        Ok(results)
    }

    /// What one check said; null where it was not judged.
    async fn result(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The check's id.")] check_id: String,
    ) -> Answer<Option<CheckResult>> {
        find_result(ctx, self.place(), &check_id).await
    }

    /// Who is asked for a second factor, and who is not: its findings are the people who are not, with why. Null where it
    /// was not judged.
    async fn mfa_coverage(&self, ctx: &Context<'_>) -> Answer<Option<CheckResult>> {
        find_result(ctx, self.place(), MFA_CHECK).await
    }

    /// The objects that do not simply meet a check, by check and object.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only findings of this check.")] check_id: Option<String>,
        #[graphql(desc = "Only findings about this object, by Microsoft's id.")] object_id: Option<String>,
        #[graphql(desc = "Only findings in this state.")] state: Option<FindingState>,
        #[graphql(desc = "Only findings that say this.")] kind: Option<FindingKind>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceFinding>> {
        let filter = FindingFilter {
            check_id,
            resource: None,
            object_id,
            state,
            kind,
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        let listing = keep::list_findings(&scope(ctx)?, self.run.seq, &filter);
        self.place().list(ctx, listing, paging).await
    }

    /// What the run could not read whole. Policies, devices and other objects of these are shown as they were last read.
    async fn stale(&self, ctx: &Context<'_>) -> Answer<Vec<StaleReading>> {
        let (scope, Place { company_id, seq }) = (scope(ctx)?, self.place());
        let stale = given::<Pool>(ctx)?
            .read(&scope, async |conn| -> anyhow::Result<_> {
                Ok(keep::stale(conn, &scope, company_id, seq).await?)
            })
            .await?;
        Ok(stale.into_iter().map(StaleReading::from).collect())
    }

    /// The conditional access policies; those that were last read where `stale` names `ca_policies`.
    async fn policies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this state: `enabled`, `disabled` or `enabledForReportingButNotEnforced`.")]
        state: Option<String>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceObject>> {
        let filter = ObjectFilter {
            resource: Some(Resource::CaPolicies),
            state,
            ..ObjectFilter::default()
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        self.objects_of(ctx, filter, paging).await
    }

    /// The devices that Intune manages, by compliance; those that were last read where `stale` names `managed_devices`.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn devices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this compliance state, as Microsoft says it, such as `noncompliant`.")]
        compliance_state: Option<String>,
        #[graphql(desc = "Only other compliance states than this one, such as all but `compliant`.")]
        not_compliance_state: Option<String>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceObject>> {
        let filter = ObjectFilter {
            resource: Some(Resource::ManagedDevices),
            state: compliance_state,
            not_state: not_compliance_state,
            ..ObjectFilter::default()
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        self.objects_of(ctx, filter, paging).await
    }

    /// Everything that was read, by resource and id.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn objects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was read here, such as `users`.")] resource: Option<String>,
        #[graphql(desc = "Only this object, by Microsoft's id.")] object_id: Option<String>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceObject>> {
        let filter = ObjectFilter {
            resource: resource.as_deref().map(super::resource).transpose()?,
            object_id,
            ..ObjectFilter::default()
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        self.objects_of(ctx, filter, paging).await
    }

    /// How each resource was read: whether these are all, and how we know.
    async fn readings(&self, ctx: &Context<'_>) -> Answer<Vec<Reading>> {
        run::readings(ctx, self.place()).await
    }

    /// How the checks stand that support a framework; null for one that is not known.
    async fn framework(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework's id, such as `soc2_2017_rev2022`.")] id: String,
    ) -> Answer<Option<FrameworkEvidence>> {
        let Some(framework) = Catalogue::get()
            .frameworks()
            .iter()
            .find(|framework| framework.id == id)
        else {
            return Ok(None);
        };
        let results = result::results(ctx, self.place()).await?;
        Ok(Some(FrameworkEvidence::of(framework, &results)))
    }
}

async fn find_result(ctx: &Context<'_>, place: Place, check_id: &str) -> Answer<Option<CheckResult>> {
    let results = result::results(ctx, place).await?;
    Ok(results.into_iter().find(|result| result.row.check_id == check_id))
}

fn supports(check_id: &str, framework: &str) -> bool {
    Catalogue::get()
        .mappings()
        .any(|mapping| mapping.check == check_id && mapping.framework == framework)
}

fn is_of_area(check_id: &str, area: &str) -> bool {
    Catalogue::get().check(check_id).is_some_and(|check| check.area == area)
}
