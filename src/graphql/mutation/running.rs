//! How a company is run is chosen: when, and how carefully.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;
use serde_json::json;

use super::{UserError, get_company, record_choice, settle};
use crate::auth::{Action, Viewer};
use crate::db::events::Events;
use crate::error::Failure;
use crate::graphql::company::Company;
use crate::graphql::error::Answer;
use crate::graphql::siblings::Kin;
use crate::graphql::{given, loan, permit};
use crate::model::audit::AuditAction;
use crate::model::sync_run::{self, SyncKind};
use crate::model::{self, SyncGuard, company, sync_guard, sync_schedule, tenant};

#[derive(Default)]
pub struct RunningMutations;

/// When a company is to be synced by itself. A field that is left out stays as it is saved.
#[derive(InputObject)]
struct UpdateSyncScheduleInput {
    /// The id of the company.
    company_id: ID,
    /// The kind of run.
    #[graphql(default_with = "SyncKind::Identity")]
    kind: SyncKind,
    /// How many hours lie between two slots: 4, 8, 12 or 24 for IDENTITY, 6, 12 or 24 for EVIDENCE, from midnight (UTC), or
    /// a quarter past.
    every_hours: Option<i32>,
    /// Queue no scheduled run until somebody resumes. One that is queued and was not begun is cancelled, unless somebody has
    /// asked for it since; one that was begun goes on.
    paused: Option<bool>,
}

/// What became of `updateSyncSchedule`.
#[derive(SimpleObject)]
struct UpdateSyncSchedulePayload {
    /// The company; null when nothing was changed.
    company: Option<Company>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// From how many deactivations on somebody wants to be asked. A field that is left out stays as it is saved.
#[derive(InputObject)]
struct UpdateSyncGuardInput {
    /// The id of the company.
    company_id: ID,
    /// How many of a hundred active records of a kind may leave unasked: 0 to 50; 10 unless told.
    percent: Option<i32>,
    /// So few may leave whatever the percentage, unless they are the last: 0 to 100; 10 unless told.
    at_least: Option<i32>,
    /// More than this never leave unasked: 1 to 100000; 500 unless told.
    at_most: Option<i32>,
}

/// What became of `updateSyncGuard`.
#[derive(SimpleObject)]
struct UpdateSyncGuardPayload {
    /// The company; null when nothing was changed.
    company: Option<Company>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl RunningMutations {
    /// Changes which slots of the clock a company takes, or pauses and resumes. A slot before the change is not made up
    /// for.
    async fn update_sync_schedule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which slots of which company.")] input: UpdateSyncScheduleInput,
    ) -> Answer<UpdateSyncSchedulePayload> {
        let viewer = permit(ctx, Action::UpdateSyncSchedule)?;
        let (company, user_errors) = settle(update_schedule(ctx, viewer, &input).await)?;
        Ok(UpdateSyncSchedulePayload {
            company: company.map(|row| Company(Kin::alone(row))),
            user_errors,
        })
    }

    /// Changes from how many deactivations on a person is asked. It judges from the next run on; what is held stays held.
    async fn update_sync_guard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many of which company.")] input: UpdateSyncGuardInput,
    ) -> Answer<UpdateSyncGuardPayload> {
        let viewer = permit(ctx, Action::UpdateSyncGuard)?;
        let (company, user_errors) = settle(update_guard(ctx, viewer, &input).await)?;
        Ok(UpdateSyncGuardPayload {
            company: company.map(|row| Company(Kin::alone(row))),
            user_errors,
        })
    }
}

async fn update_schedule(
    ctx: &Context<'_>,
    viewer: &Viewer,
    input: &UpdateSyncScheduleInput,
) -> Result<model::Company, Failure> {
    let company = get_company(ctx, viewer, Action::UpdateSyncSchedule, &input.company_id).await?;
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<(), Failure> {
            if input.paused == Some(true) {
                // Whoever strikes a slot at this moment has done so, or sees the pause.
                tenant::lock(conn, company.id).await?;
            }
            // Two who choose at once take turns.
            company::lock(conn, company.id).await?;
            let changed = sync_schedule::change(conn, company.id, input.kind, input.every_hours, input.paused).await?;
            let Some(schedule) = changed else { return Ok(()) };
            if schedule.paused {
                let why = "The schedule was paused before it began";
                sync_run::cancel_scheduled(conn, schedule.since, company.id, input.kind, why).await?;
            }
            let chosen = json!({
                "kind": input.kind,
                "everyHours": schedule.every_hours,
                "paused": schedule.paused,
            });
            record_choice(ctx, conn, viewer, AuditAction::UpdateSyncSchedule, company.id, chosen).await
        })
        .await?;
    given::<Events>(ctx)?.wake();
    Ok(company)
}

async fn update_guard(
    ctx: &Context<'_>,
    viewer: &Viewer,
    input: &UpdateSyncGuardInput,
) -> Result<model::Company, Failure> {
    let company = get_company(ctx, viewer, Action::UpdateSyncGuard, &input.company_id).await?;
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<(), Failure> {
            company::lock(conn, company.id).await?;
            let saved = sync_guard::get(conn, company.id).await?;
            let guard = SyncGuard {
                percent: input.percent.unwrap_or(saved.percent),
                at_least: input.at_least.unwrap_or(saved.at_least),
                at_most: input.at_most.unwrap_or(saved.at_most),
            };
            guard.check()?;
            if guard == saved {
                return Ok(());
            }
            sync_guard::save(conn, company.id, guard).await?;
            let chosen = json!({
                "percent": guard.percent,
                "atLeast": guard.at_least,
                "atMost": guard.at_most,
            });
            record_choice(ctx, conn, viewer, AuditAction::UpdateSyncGuard, company.id, chosen).await
        })
        .await?;
    Ok(company)
}
