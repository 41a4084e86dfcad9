//! What somebody asks for: a run of its own, or to join the one that is active.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{SyncKind, SyncMode, SyncRun, SyncStatus, SyncTrigger, publish};
use crate::db::Connection;
use crate::db::schema::sync_run;
use crate::error::{Failure, UserError};
use crate::model::SyncRules;
use crate::model::audit::{self, Deed};
use crate::model::tenant::{self, TenantStatus};
use crate::telemetry::TraceParent;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    pub company_id: Uuid,
    pub kind: SyncKind,
    pub trigger: SyncTrigger,
    pub mode: SyncMode,
    /// Report the plan and write nothing.
    pub dry_run: bool,
    /// Rules to try in place of the saved ones; only in a dry run.
    pub rules: Option<SyncRules>,
    /// Who asks, by name.
    pub requested_by: String,
}

/// A run, and whether it was there before it was asked for.
#[derive(Clone, Debug)]
pub struct Queued {
    pub run: SyncRun,
    pub joined: bool,
    /// Whether it is another than it was because somebody joined it.
    raised: bool,
}

/// How far the clocks of those who record may lie apart.
const CLOCKS: TimeDelta = TimeDelta::hours(1);

impl Queued {
    /// Records who asked, in the transaction that queued it: each once for a run, and again where the run is another
    /// since. Who asks for what is under way, as programs do at each page they show, adds nothing to it and to the trail.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, conn: &mut Connection, now: DateTime<Utc>, deed: Deed<'_>) -> QueryResult<()> {
        let deed = Deed {
            company_id: Some(self.run.company_id),
            subject: Some(self.run.id.to_string()),
            ..deed
        };
        let adds_nothing = self.joined && !self.raised;
        // Whoever joins holds the run: two at once come one after the other.
        if adds_nothing && audit::is_recorded(conn, self.run.queued_at - CLOCKS, &deed).await? {
            return Ok(());
        }
        audit::record(conn, now, &deed).await
    }
}

/// How often queueing is tried against runs that end meanwhile.
const TRIES: usize = 3;

/// Queues a run, or joins the one that is active. In a transaction; ring the doorbell after it.
///
/// It is due at once, and by the database's clock: whoever asks may be minutes off. A FULL that joins a queued AUTO raises it; a MANUAL that joins a queued SCHEDULED one makes it start now.
///
/// # Errors
/// `NOT_CONNECTED` or `RECONNECT_NEEDED` when the company has no working tenant, `PREVIEW_RUNNING` when other rules
/// are being tried.
pub async fn queue(conn: &mut Connection, wish: &Wish) -> Result<Queued, Failure> {
    require_connected(conn, wish.company_id).await?;
    // A run that is met may end before it is joined; then there is room for one of our own.
    for _ in 0..TRIES {
        if let Some(run) = insert(conn, wish).await? {
            return Ok(Queued {
                run,
                joined: false,
                raised: false,
            });
        }
        if let Some(joined) = join(conn, wish).await? {
            return Ok(joined);
        }
    }
    Err(anyhow::anyhow!("runs of the company came and went faster than one could be joined").into())
}

async fn require_connected(conn: &mut Connection, company_id: Uuid) -> Result<(), Failure> {
    match tenant::share_status(conn, company_id).await? {
        Some(TenantStatus::Connected) => Ok(()),
        Some(TenantStatus::ReconnectNeeded) => Err(UserError::new(
            "RECONNECT_NEEDED",
            "Microsoft no longer lets us read this tenant. Connect it again.",
        )
        .into()),
        _ => Err(UserError::new(
            "NOT_CONNECTED",
            "This company is not connected to Microsoft 365. Connect it first.",
        )
        .into()),
    }
}

async fn insert(conn: &mut Connection, wish: &Wish) -> Result<Option<SyncRun>, Failure> {
    let rules = wish
        .rules
        .as_ref()
        .map(serde_json::to_value)
        .transpose()
        .map_err(anyhow::Error::from)?;
    let run: Option<SyncRun> = diesel::insert_into(sync_run::table)
        .values((
            sync_run::id.eq(crate::model::new_id()),
            sync_run::company_id.eq(wish.company_id),
            sync_run::kind.eq(wish.kind),
            sync_run::trigger.eq(wish.trigger),
            sync_run::mode.eq(wish.mode),
            sync_run::dry_run.eq(wish.dry_run),
            sync_run::rules.eq(rules),
            sync_run::status.eq(SyncStatus::Queued),
            sync_run::message.eq("Sync queued"),
            sync_run::requested_by.eq(&wish.requested_by),
            sync_run::queued_at.eq(sql::<Timestamptz>("now()")),
            sync_run::not_before.eq(sql::<Timestamptz>("now()")),
            sync_run::trace_parent.eq(TraceParent::current().map(|trace| trace.to_string())),
        ))
        .on_conflict_do_nothing()
        .returning(SyncRun::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    if let Some(run) = &run {
        publish(conn, run.id).await?;
    }
    Ok(run)
}

async fn join(conn: &mut Connection, wish: &Wish) -> Result<Option<Queued>, Failure> {
    let met: Option<(SyncRun, Option<serde_json::Value>, bool)> = sync_run::table
        .filter(sync_run::company_id.eq(wish.company_id))
        .filter(sync_run::kind.eq(wish.kind))
        .filter(sync_run::dry_run.eq(wish.dry_run))
        .filter(sync_run::finished_at.is_null())
        .select((
            SyncRun::as_select(),
            sync_run::rules,
            sql::<Bool>("sync_run.not_before > now()"),
        ))
        .for_update()
        .first(conn)
        .await
        .optional()?;
    let Some((run, rules, is_yet_to_come)) = met else {
        return Ok(None);
    };
    let wished = wish
        .rules
        .as_ref()
        .map(serde_json::to_value)
        .transpose()
        .map_err(anyhow::Error::from)?;
    if rules != wished {
        return Err(UserError::new(
            "PREVIEW_RUNNING",
            "Other sync rules are being tried for this company. Try again when that dry run has ended.",
        )
        .into());
    }
    let raise = run.mode == SyncMode::Auto && wish.mode == SyncMode::Full;
    // What the clock has queued is theirs from now on who ask for it, also where it is due already.
    let hasten = wish.trigger == SyncTrigger::Manual && (is_yet_to_come || run.trigger == SyncTrigger::Scheduled);
    if run.status != SyncStatus::Queued || !(raise || hasten) {
        return Ok(Some(Queued {
            run,
            joined: true,
            raised: false,
        }));
    }
    diesel::update(sync_run::table.find(run.id))
        .set((
            sync_run::mode.eq(if raise { wish.mode } else { run.mode }),
            sync_run::trigger.eq(if hasten { wish.trigger } else { run.trigger }),
            sync_run::not_before.eq(sql::<Timestamptz>(if hasten {
                "least(not_before, now())"
            } else {
                "not_before"
            })),
            sync_run::revision.eq(sync_run::revision + 1),
        ))
        .execute(conn)
        .await?;
    publish(conn, run.id).await?;
    let run = sync_run::table
        .find(run.id)
        .select(SyncRun::as_select())
        .first(conn)
        .await?;
    Ok(Some(Queued {
        run,
        joined: true,
        raised: true,
    }))
}
