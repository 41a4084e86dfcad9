//! What a sync costs, against a bare `COPY` of the same rows into the same table with the same indexes, and against
//! itself at another size.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use diesel_async::AsyncConnection;
use futures::{SinkExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tenantry::db::Pool;
use tenantry::db::events::Events;
use tenantry::model::sync_run::{self, SyncKind, SyncMode, SyncStatus, SyncTrigger, Wish, lease};
use tenantry::model::{Scope, company};
use tenantry::sync::Engine;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{say, stage};

/// The size that memory is compared with.
const SMALL: u32 = 10_000;

/// What one worker measured.
#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    first: f64,
    unchanged: f64,
    unchanged_wal: i64,
    changes: f64,
    copy: f64,
    peak_kib: u64,
}

/// Rounds of small and large in turn; medians, and what follows from them.
pub async fn compare(large: u32, rounds: usize) -> anyhow::Result<()> {
    let postgres = stage::postgres().await?;
    let mut figures: [Vec<Figures>; 2] = Default::default();
    for round in 1..=rounds {
        for (people, figures) in [SMALL, large].into_iter().zip(&mut figures) {
            eprintln!("round {round} of {rounds}: {people} people");
            figures.push(stage::one_round("sync-worker", people, 0, postgres.url())?);
        }
    }
    postgres.stop().await?;
    tell(large, &figures);
    Ok(())
}

fn tell(large: u32, [small, big]: &[Vec<Figures>; 2]) {
    let row = |what: &str, places: usize, of: fn(&Figures) -> f64| {
        let (small, big) = (stage::median(small, of), stage::median(big, of));
        say(&format!("| {what} | {small:.places$} | {big:.places$} |"));
    };
    say(&format!("| | {SMALL} people | {large} people |\n|---|---|---|"));
    let speed = |people: u32, figures: &[Figures]| f64::from(people) / stage::median(figures, |f| f.first);
    let (slow, fast) = (speed(SMALL, small), speed(large, big));
    say(&format!("| first sync, people a second | {slow:.0} | {fast:.0} |"));
    row("first sync / COPY", 2, |f| f.first / f.copy);
    row("unchanged full re-sync / COPY", 2, |f| f.unchanged / f.copy);
    row("sync of 100 changes / first sync", 2, |f| f.changes / f.first);
    row("WAL of the unchanged re-sync, KiB", 0, |f| {
        stage::float(f.unchanged_wal) / 1024.0
    });
    row("peak memory of the worker, MiB", 0, |f| {
        stage::float(f.peak_kib) / 1024.0
    });
    let growth = stage::median(big, |f| stage::float(f.peak_kib)) / stage::median(small, |f| stage::float(f.peak_kib));
    say(&format!("| memory, {large} / {SMALL} people | | {growth:.2} |"));
}

/// Syncs a fresh tenant for the first time, unchanged, and with a few changes, and prints what that took.
pub async fn measure(database: &str, simulator: &str, entra_id: Uuid) -> anyhow::Result<()> {
    let pool = Pool::new(database, 4)?;
    let stop = CancellationToken::new();
    let events = Events::start(&pool, stop.clone()).await?;
    let bench = Bench {
        engine: Engine::new(pool.clone(), stage::microsoft(simulator)?, events),
        company_id: stage::connect(&pool, entra_id).await?,
        pool,
    };
    let first = bench.sync(SyncMode::Auto).await?;
    let peak_kib = stage::peak_kib()?;
    let before = stage::wal(&bench.pool).await?;
    let unchanged = bench.sync(SyncMode::Full).await?;
    let unchanged_wal = stage::wal(&bench.pool).await? - before;
    shuffle(simulator, entra_id).await?;
    let changes = bench.sync(SyncMode::Auto).await?;
    let copy = bench.copy().await?;
    bench.clear().await?;
    stop.cancel();
    let figures = Figures {
        first,
        unchanged,
        unchanged_wal,
        changes,
        copy,
        peak_kib,
    };
    say(&serde_json::to_string(&figures)?);
    Ok(())
}

async fn shuffle(simulator: &str, tenant: Uuid) -> anyhow::Result<()> {
    let url = format!("{simulator}_control/tenants/{tenant}/shuffle");
    stage::client()
        .post(url)
        .json(&serde_json::json!({"count": 100, "seed": 1}))
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

struct Bench {
    pool: Pool,
    engine: Engine,
    company_id: Uuid,
}

impl Bench {
    /// Queues, claims and performs a run; how many seconds the performance took.
    async fn sync(&self, mode: SyncMode) -> anyhow::Result<f64> {
        let wish = Wish {
            company_id: self.company_id,
            kind: SyncKind::Identity,
            trigger: SyncTrigger::Manual,
            mode,
            dry_run: false,
            rules: None,
            requested_by: "the bench".into(),
        };
        let mut conn = self.pool.get().await?;
        let run = conn
            .transaction(async |conn| sync_run::queue(conn, &wish).await)
            .await?
            .run;
        let claim = lease::claim(&mut conn, run.id, "the bench", Duration::from_secs(3_600))
            .await?
            .context("claimed")?;
        drop(conn);
        let began = Instant::now();
        self.engine.perform(claim, CancellationToken::new()).await;
        let took = began.elapsed().as_secs_f64();
        let mut conn = self.pool.get().await?;
        let run = sync_run::find(&mut conn, &Scope::All, run.id)
            .await?
            .context("the run")?;
        ensure!(run.status == SyncStatus::Succeeded, "{run:?}");
        Ok(took)
    }

    /// Seconds that a bare `COPY` of the company's rows takes into a table with the same columns and indexes.
    async fn copy(&self) -> anyhow::Result<f64> {
        let client = self.pool.raw().await?;
        let columns = "id, company_id, entra_id, state, deactivated_because, account_enabled, display_name, mail, user_principal_name,
            department, job_title, business_phones, mobile_phone, user_type, licensed, created_at, updated_at";
        client
            .execute("create table if not exists copied (like contact including all)", &[])
            .await?;
        client.execute("truncate copied", &[]).await?;
        let select = format!(
            "copy (select {columns} from contact where company_id = '{}' order by id) to stdout binary",
            self.company_id
        );
        let rows: Vec<bytes::Bytes> = client.copy_out(&select).await?.try_collect().await?;
        let began = Instant::now();
        let sink = client
            .copy_in(&format!("copy copied ({columns}) from stdin binary"))
            .await?;
        let mut sink = Box::pin(sink);
        for row in rows {
            sink.feed(row).await?;
        }
        sink.close().await?;
        Ok(began.elapsed().as_secs_f64())
    }

    async fn clear(&self) -> anyhow::Result<()> {
        let mut conn = self.pool.get().await?;
        company::remove(&mut conn, self.company_id).await?;
        Ok(())
    }
}
