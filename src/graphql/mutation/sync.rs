//! Syncs are asked for, what they held is settled, and their rules are changed.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;
use serde_json::json;
use uuid::Uuid;

use super::{UserError, deed, get_company, record, record_choice, settle};
use crate::auth::{Action, Resource, Viewer, allow};
use crate::db::events::Events;
use crate::error::{Failure, UserError as Refusal};
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::sync_rules::SyncRulesInput;
use crate::graphql::sync_run::SyncRun;
use crate::graphql::{given, loan, now, permit};
use crate::jobs::Doorbell;
use crate::model::audit::AuditAction;
use crate::model::sync_run::{self, Queued, SyncKind, SyncMode, SyncTrigger, Wish};
use crate::model::{self, SyncRules, company, held_change, sync_rules};

#[derive(Default)]
pub struct SyncMutations;

/// What to sync.
#[derive(InputObject)]
struct SyncCompanyInput {
    /// The id of the company.
    company_id: ID,
    /// What to bring up to date.
    #[graphql(default_with = "SyncKind::Identity")]
    kind: SyncKind,
    /// How much to read.
    #[graphql(default_with = "SyncMode::Auto")]
    mode: SyncMode,
    /// Report the plan and write nothing. Not for EVIDENCE.
    #[graphql(default = false)]
    dry_run: bool,
}

/// What became of `syncCompany`.
#[derive(SimpleObject)]
struct SyncCompanyPayload {
    /// The run that was queued or joined.
    sync_run: Option<SyncRun>,
    /// Whether the run was under way before it was asked for.
    joined: bool,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// Whose held changes to settle.
#[derive(InputObject)]
struct SettleHeldChangesInput {
    /// The id of the sync run that held them.
    sync_run_id: ID,
}

/// What became of `releaseHeldChanges`.
#[derive(SimpleObject)]
struct ReleaseHeldChangesPayload {
    /// The run, its held changes made.
    sync_run: Option<SyncRun>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// What became of `discardHeldChanges`.
#[derive(SimpleObject)]
struct DiscardHeldChangesPayload {
    /// The run, its held changes thrown away.
    sync_run: Option<SyncRun>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// Rules to save or to try.
#[derive(InputObject)]
struct UpdateSyncRulesInput {
    /// The id of the company.
    company_id: ID,
    /// The rules.
    rules: SyncRulesInput,
    /// Save nothing; queue a full dry run under these rules, which tells who would leave and who would come.
    #[graphql(default = false)]
    preview: bool,
}

/// What became of `updateSyncRules`.
#[derive(SimpleObject)]
struct UpdateSyncRulesPayload {
    /// The dry run of a preview; null when the rules were saved, for they take effect at the next run.
    sync_run: Option<SyncRun>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl SyncMutations {
    /// Queues a sync of a company, or joins the one that is under way.
    async fn sync_company(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to sync.")] input: SyncCompanyInput,
    ) -> Answer<SyncCompanyPayload> {
        let viewer = permit(ctx, Action::SyncCompany)?;
        let (queued, user_errors) = settle(sync_company(ctx, viewer, input).await)?;
        Ok(SyncCompanyPayload {
            joined: queued.as_ref().is_some_and(|queued| queued.joined),
            sync_run: queued.map(|queued| SyncRun::alone(queued.run)),
            user_errors,
        })
    }

    /// Makes the deactivations that a run held: exactly those, and no others.
    async fn release_held_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose held changes.")] input: SettleHeldChangesInput,
    ) -> Answer<ReleaseHeldChangesPayload> {
        let viewer = permit(ctx, Action::SettleHeldChanges)?;
        let (run, user_errors) = settle(release(ctx, viewer, &input.sync_run_id).await)?;
        Ok(ReleaseHeldChangesPayload {
            sync_run: run.map(SyncRun::alone),
            user_errors,
        })
    }

    /// Throws the deactivations that a run held away: the records stay as they are, and the next sync reads everything and
    /// looks anew.
    async fn discard_held_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose held changes.")] input: SettleHeldChangesInput,
    ) -> Answer<DiscardHeldChangesPayload> {
        let viewer = permit(ctx, Action::SettleHeldChanges)?;
        let (run, user_errors) = settle(discard(ctx, viewer, &input.sync_run_id).await)?;
        Ok(DiscardHeldChangesPayload {
            sync_run: run.map(SyncRun::alone),
            user_errors,
        })
    }

    /// Saves whom a company wants as contacts, or tries it. Saved rules take effect at the next run.
    async fn update_sync_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rules, and whether to save them.")] input: UpdateSyncRulesInput,
    ) -> Answer<UpdateSyncRulesPayload> {
        let viewer = permit(ctx, Action::UpdateSyncRules)?;
        let (run, user_errors) = settle(update_rules(ctx, viewer, input).await)?;
        Ok(UpdateSyncRulesPayload {
            sync_run: run.flatten().map(SyncRun::alone),
            user_errors,
        })
    }
}

async fn sync_company(ctx: &Context<'_>, viewer: &Viewer, input: SyncCompanyInput) -> Result<Queued, Failure> {
    let company = get_company(ctx, viewer, Action::SyncCompany, &input.company_id).await?;
    if input.kind == SyncKind::Evidence && input.dry_run {
        let message = "Collecting evidence changes nothing that could be tried first. Ask without dryRun.";
        return Err(Refusal::at("BAD_INPUT", &["dryRun"], message).into());
    }
    let wish = wish(&company, viewer, input.kind, input.mode, input.dry_run);
    queue(ctx, viewer, &wish).await
}

fn wish(company: &model::Company, viewer: &Viewer, kind: SyncKind, mode: SyncMode, dry_run: bool) -> Wish {
    Wish {
        company_id: company.id,
        kind,
        trigger: SyncTrigger::Manual,
        mode,
        dry_run,
        rules: None,
        requested_by: viewer.name().to_owned(),
    }
}

/// Queues in a transaction; when it is committed, rings for the workers and wakes those who watch.
async fn queue(ctx: &Context<'_>, viewer: &Viewer, wish: &Wish) -> Result<Queued, Failure> {
    let queued = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<Queued, Failure> {
            let queued = sync_run::queue(conn, wish).await?;
            let deed = deed(ctx, viewer, AuditAction::SyncCompany, None, None);
            queued.record(conn, now(), deed).await?;
            Ok(queued)
        })
        .await?;
    given::<Events>(ctx)?.wake();
    given::<Doorbell>(ctx)?.ring(queued.run.id).await;
    Ok(queued)
}

async fn release(ctx: &Context<'_>, viewer: &Viewer, id: &ID) -> Result<model::SyncRun, Failure> {
    let id = run_id(id)?;
    let run = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<model::SyncRun, Failure> {
            let run = held_change::release(conn, now(), &viewer.scope(), id, viewer.name()).await?;
            may_settle(viewer, &run)?;
            let (company, subject) = (Some(run.company_id), Some(run.id.to_string()));
            record(ctx, conn, viewer, AuditAction::ReleaseHeldChanges, company, subject).await?;
            Ok(run)
        })
        .await?;
    given::<Events>(ctx)?.wake();
    Ok(run)
}

async fn discard(ctx: &Context<'_>, viewer: &Viewer, id: &ID) -> Result<model::SyncRun, Failure> {
    let id = run_id(id)?;
    let run = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<model::SyncRun, Failure> {
            let run = held_change::discard(conn, now(), &viewer.scope(), id, viewer.name()).await?;
            may_settle(viewer, &run)?;
            let (company, subject) = (Some(run.company_id), Some(run.id.to_string()));
            record(ctx, conn, viewer, AuditAction::DiscardHeldChanges, company, subject).await?;
            Ok(run)
        })
        .await?;
    given::<Events>(ctx)?.wake();
    Ok(run)
}

/// Takes back, with the transaction, what was settled of a company that the viewer may not settle anything of.
fn may_settle(viewer: &Viewer, run: &model::SyncRun) -> Result<(), Failure> {
    if allow(viewer, Action::SettleHeldChanges, Resource::Company(run.company_id)) {
        Ok(())
    } else {
        Err(held_change::nothing_held())
    }
}

fn run_id(id: &ID) -> Result<Uuid, Refusal> {
    IdOf::SyncRun.read_input(id, "syncRunId")
}

async fn update_rules(
    ctx: &Context<'_>,
    viewer: &Viewer,
    input: UpdateSyncRulesInput,
) -> Result<Option<model::SyncRun>, Failure> {
    let company = get_company(ctx, viewer, Action::UpdateSyncRules, &input.company_id).await?;
    if input.preview {
        let (saved, _) = sync_rules::get(&mut *loan(ctx).await?, company.id).await?;
        let rules = input.rules.over(saved);
        rules.check()?;
        let mut wish = wish(&company, viewer, SyncKind::Identity, SyncMode::Full, true);
        wish.rules = Some(rules);
        return Ok(Some(queue(ctx, viewer, &wish).await?.run));
    }
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<(), Failure> {
            let Some(rules) = save_rules(conn, company.id, input.rules).await? else {
                return Ok(());
            };
            let saved = json!({"rules": rules});
            record_choice(ctx, conn, viewer, AuditAction::UpdateSyncRules, company.id, saved).await
        })
        .await?;
    Ok(None)
}

/// Puts the rules over the saved ones, and answers them where they are others; the company's row makes two who change different
/// fields take turns.
async fn save_rules(
    conn: &mut crate::db::Connection,
    company_id: Uuid,
    rules: SyncRulesInput,
) -> Result<Option<SyncRules>, Failure> {
    company::lock(conn, company_id).await?;
    let (saved, _) = sync_rules::get(conn, company_id).await?;
    let rules = rules.over(saved.clone());
    rules.check()?;
    // A save that changes nothing must not make the next run a full one.
    if rules == saved {
        return Ok(None);
    }
    sync_rules::save(conn, company_id, &rules).await?;
    Ok(Some(rules))
}
