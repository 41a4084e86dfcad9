//! When a company is synced by itself.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::error::Answer;
use super::siblings::Siblings;
use super::{given, scope, tenant};
use crate::db::Pool;
use crate::model::TenantStatus;
use crate::model::sync_run::SyncKind;
use crate::model::sync_schedule::{self, Seen};

/// Which slots of the clock a company takes, of one kind of run.
#[derive(SimpleObject)]
pub struct SyncSchedule {
    /// The kind of run.
    kind: SyncKind,
    /// How many hours lie between two slots.
    every_hours: i32,
    /// No scheduled run is queued until somebody resumes. What is asked for goes all the same.
    paused: bool,
    /// When it was paused; null while it is not.
    paused_since: Option<DateTime<Utc>>,
    /// Scheduled runs that failed one after another until now, because of the tenant. From the second on slots are passed
    /// over, for longer each time and for a day at most; `nextSyncAt` is the next try.
    failures: i32,
    /// The slot at which the next scheduled run is queued; null while the company is not connected or the schedule is
    /// paused.
    next_sync_at: Option<DateTime<Utc>>,
}

/// The schedules of one of several companies, read for all of them at once; none where the viewer may not see them.
pub async fn of_sibling(ctx: &Context<'_>, companies: &Arc<Siblings>, company_id: Uuid) -> Answer<Vec<SyncSchedule>> {
    let mut schedules = Vec::new();
    for kind in SyncKind::ALL {
        if let Some(Seen { outlook, .. }) = seen(ctx, companies, company_id, *kind).await? {
            let schedule = outlook.schedule;
            schedules.push(SyncSchedule {
                kind: *kind,
                every_hours: schedule.every_hours,
                paused: schedule.paused,
                paused_since: outlook.paused_since,
                failures: i32::try_from(outlook.failures).unwrap_or(i32::MAX),
                next_sync_at: next(ctx, companies, company_id, *kind).await?,
            });
        }
    }
    Ok(schedules)
}

/// When the next scheduled run of one of several companies is queued, if it is.
pub async fn next(
    ctx: &Context<'_>,
    companies: &Arc<Siblings>,
    company_id: Uuid,
    kind: SyncKind,
) -> Answer<Option<DateTime<Utc>>> {
    let tenant = tenant::of_sibling(ctx, companies, company_id).await?;
    if tenant.is_none_or(|tenant| tenant.0.status != TenantStatus::Connected) {
        return Ok(None);
    }
    let seen = seen(ctx, companies, company_id, kind).await?;
    Ok(seen.and_then(|Seen { outlook, at }| outlook.next(kind, at)))
}

async fn seen(ctx: &Context<'_>, companies: &Arc<Siblings>, company_id: Uuid, kind: SyncKind) -> Answer<Option<Seen>> {
    #[derive(PartialEq, Eq, Hash)]
    struct OutlookOf(SyncKind);
    let scope = scope(ctx)?;
    let outlooks: Arc<HashMap<Uuid, Seen>> = companies
        .share(OutlookOf(kind), || async {
            let ids: Vec<Uuid> = companies.owners().iter().map(|owner| owner.company_id).collect();
            let rows = given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    Ok(sync_schedule::load(conn, &scope, &ids, kind).await?)
                })
                .await?;
            Ok(rows.into_iter().collect())
        })
        .await?;
    Ok(outlooks.get(&company_id).copied())
}
