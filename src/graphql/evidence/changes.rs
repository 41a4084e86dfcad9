//! What changed between two instants.

use async_graphql::{Context, Object};

use super::Place;
use super::finding::EvidenceFinding;
use super::object::EvidenceChange;
use super::run::EvidenceRun;
use crate::evidence::keep::{self, FindingFilter, FindingState, ObjectChange, ObjectFilter, RunRow};
use crate::graphql::connection::{Connection, Paging};
use crate::graphql::error::Answer;
use crate::graphql::scope;
use crate::graphql::siblings::Kin;

/// What changed between two instants.
pub struct EvidenceChanges {
    pub before: Option<RunRow>,
    pub after: RunRow,
}

impl EvidenceChanges {
    fn after(&self) -> i64 {
        self.before.as_ref().map_or(0, |run| run.seq)
    }
}

/// What changed between two instants, as the runs between them saw it.
#[Object]
impl EvidenceChanges {
    /// The run that says how things stood at the earlier instant; null where nothing was kept by then.
    async fn from_run(&self) -> Option<EvidenceRun> {
        Some(EvidenceRun(Kin::alone(self.before.clone()?)))
    }

    /// The run that says how things stood at the later instant.
    async fn to_run(&self) -> EvidenceRun {
        EvidenceRun(Kin::alone(self.after.clone()))
    }

    /// What came, changed or went, newest first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn objects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was read here, such as `ca_policies`.")] resource: Option<String>,
        #[graphql(desc = "Only this object, by Microsoft's id.")] object_id: Option<String>,
        #[graphql(desc = "Only changes of this sort.")] change: Option<ObjectChange>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceChange>> {
        let filter = ObjectFilter {
            resource: resource.as_deref().map(super::resource).transpose()?,
            object_id,
            change,
            ..ObjectFilter::default()
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        let listing = keep::list_object_events(&scope(ctx)?, self.after(), self.after.seq, &filter);
        Place::of(&self.after).list(ctx, listing, paging).await
    }

    /// Findings that opened, said something else, could not be looked at or closed, newest first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only findings of this check.")] check_id: Option<String>,
        #[graphql(desc = "Only findings about this object, by Microsoft's id.")] object_id: Option<String>,
        #[graphql(desc = "Only findings that came to this state.")] state: Option<FindingState>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceFinding>> {
        let filter = FindingFilter {
            check_id,
            object_id,
            state,
            ..FindingFilter::default()
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        let listing = keep::list_finding_events(&scope(ctx)?, self.after(), self.after.seq, &filter);
        Place::of(&self.after).list(ctx, listing, paging).await
    }
}
