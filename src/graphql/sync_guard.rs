//! From how many deactivations on a company wants to be asked.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object};
use uuid::Uuid;

use super::error::Answer;
use super::siblings::Siblings;
use super::{given, scope};
use crate::db::Pool;
use crate::model;

/// A company's guard.
pub struct SyncGuard(model::SyncGuard);

/// The guard of one of several companies, read for all of them at once.
pub async fn of_sibling(ctx: &Context<'_>, companies: &Arc<Siblings>, company_id: Uuid) -> Answer<Option<SyncGuard>> {
    #[derive(PartialEq, Eq, Hash)]
    struct Guards;
    let scope = scope(ctx)?;
    let guards: Arc<HashMap<Uuid, model::SyncGuard>> = companies
        .share(Guards, || async {
            let ids: Vec<Uuid> = companies.owners().iter().map(|owner| owner.company_id).collect();
            let rows = given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    Ok(model::sync_guard::load(conn, &scope, &ids).await?)
                })
                .await?;
            Ok(rows.into_iter().collect())
        })
        .await?;
    let guard = || SyncGuard(guards.get(&company_id).copied().unwrap_or_default());
    Ok(scope.holds_whole(company_id).then(guard))
}

/// From how many deactivations of one kind of record on they are held for a person: more than the larger of `atLeast` and
/// `percent` of the active ones, more than `atMost`, or all of the kind.
#[Object]
impl SyncGuard {
    /// How many of a hundred active records may leave unasked.
    async fn percent(&self) -> i32 {
        self.0.percent
    }

    /// So few may leave whatever the percentage, unless they are the last of their kind.
    async fn at_least(&self) -> i32 {
        self.0.at_least
    }

    /// More than this never leave unasked.
    async fn at_most(&self) -> i32 {
        self.0.at_most
    }
}
