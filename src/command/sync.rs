//! `tenantry sync COMPANY`: queue, then follow with a progress bar.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use diesel_async::AsyncConnection;
use indicatif::{ProgressBar, ProgressStyle};
use tenantry::app::Data;
use tenantry::config::Database;
use tenantry::db::Pool;
use tenantry::db::events::{Events, News};
use tenantry::error::Failure;
use tenantry::jobs::Doorbell;
use tenantry::model::audit::AuditAction;
use tenantry::model::sync_run::{self, Queued, SyncKind, SyncMode, SyncRun, SyncStatus, SyncTrigger, Wish};
use tenantry::model::{Company, Noun, Scope};
use tokio_util::sync::CancellationToken;

/// The company is unknown or cannot be synced.
const WRONG_USAGE: u8 = 2;
/// Some of it could not be read, or changes wait for a person.
const NOT_ALL: u8 = 3;

/// So long is nothing said of a run before one asks whether anybody works.
const NOBODY_WORKS: Duration = Duration::from_secs(10);

#[derive(Args)]
pub struct Sync {
    /// The company's id, or the PSA's id of it
    company: String,
    /// What to sync
    #[arg(long, default_value = "identity")]
    kind: Kind,
    /// Read everything, not only what changed
    #[arg(long)]
    full: bool,
    /// Report what would change and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Contacts, groups and assets
    Identity,
    /// The security posture
    Evidence,
}

impl From<Kind> for SyncKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Identity => Self::Identity,
            Kind::Evidence => Self::Evidence,
        }
    }
}

impl Sync {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = super::stop_on_signal()?;
        let data = Data::open(&self.database, "sync").await?;
        let outcome = self.follow(&data.pool, stop).await;
        data.close().await?;
        outcome
    }

    async fn follow(&self, pool: &Pool, stop: CancellationToken) -> anyhow::Result<ExitCode> {
        let events = Events::start(pool, stop.clone()).await?;
        let Some(company) = super::find_company(&mut *pool.get().await?, &self.company).await? else {
            eprintln!(
                "There is no company \"{}\". Give its id, or the id that the PSA has for it.",
                self.company
            );
            return Ok(ExitCode::from(WRONG_USAGE));
        };
        let mut watch = events.watch(company.id, self.kind.into());
        let queued = match self.queue(pool, &company).await {
            Ok(queued) => queued,
            Err(Failure::Refused(refused)) => {
                eprintln!("{refused}");
                return Ok(ExitCode::from(WRONG_USAGE));
            }
            Err(Failure::Broken(error)) => return Err(error),
        };
        Doorbell::open(pool).await?.ring(queued.run.id).await;
        events.wake();
        let bar = Progress::new(&company.name);
        let mut run = queued.run;
        while run.status.is_active() {
            bar.show(&run);
            let news = match tokio::time::timeout(NOBODY_WORKS, watch.next()).await {
                Ok(news) => news,
                Err(_) if run.status == SyncStatus::Queued => {
                    bar.say("No worker has taken it yet. Is `tenantry work` (or the demo) running?");
                    watch.next().await
                }
                Err(_) => continue,
            };
            run = match news {
                Some(News::Run(told)) if told.id == run.id => (*told).clone(),
                Some(News::Run(_)) => continue,
                Some(News::Missed) => self.read(pool, &run).await?,
                None => bail!("stopped; the sync goes on without this command"),
            };
        }
        bar.finish();
        Ok(self.report(&run))
    }

    async fn queue(&self, pool: &Pool, company: &Company) -> Result<Queued, Failure> {
        let mut conn = pool.get().await?;
        let now = super::now();
        let wish = Wish {
            company_id: company.id,
            kind: self.kind.into(),
            trigger: SyncTrigger::Manual,
            mode: if self.full { SyncMode::Full } else { SyncMode::Auto },
            dry_run: self.dry_run,
            rules: None,
            requested_by: super::ITSELF.into(),
        };
        conn.transaction(async |conn| {
            let queued = sync_run::queue(conn, &wish).await?;
            queued.record(conn, now, super::deed(AuditAction::SyncCompany)).await?;
            Ok(queued)
        })
        .await
    }

    async fn read(&self, pool: &Pool, run: &SyncRun) -> anyhow::Result<SyncRun> {
        let mut conn = pool.get().await?;
        sync_run::find(&mut conn, &Scope::All, run.id)
            .await?
            .context("the company was deleted meanwhile")
    }

    /// Says how it ended; the exit code says it to scripts.
    fn report(&self, run: &SyncRun) -> ExitCode {
        eprintln!("{}", run.message);
        for counts in &run.counts {
            let what = match counts.kind {
                Noun::Contact => "contacts",
                Noun::ContactGroup => "groups",
                Noun::Asset => "assets",
            };
            match &counts.skipped_because {
                Some(why) => eprintln!("  {what:<9} skipped: {why}"),
                None => eprintln!(
                    "  {what:<9} {} read, {} created, {} updated, {} unchanged, {} deactivated, {} held",
                    counts.read, counts.created, counts.updated, counts.unchanged, counts.deactivated, counts.held
                ),
            }
        }
        if let Some(failure) = &run.failure {
            eprintln!("{}: {}", failure.code, failure.remedy);
        }
        let held = run.counts.iter().any(|counts| counts.held > 0);
        match run.status {
            SyncStatus::Succeeded if !held => ExitCode::SUCCESS,
            SyncStatus::Succeeded | SyncStatus::Partial => ExitCode::from(NOT_ALL),
            _ => ExitCode::FAILURE,
        }
    }
}

/// A bar where somebody watches, and lines where a script does.
struct Progress {
    bar: ProgressBar,
    name: String,
}

impl Progress {
    fn new(name: &str) -> Self {
        let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(100).with_style(style).with_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            name: name.to_owned(),
        }
    }

    fn show(&self, run: &SyncRun) {
        self.bar
            .set_position(u64::try_from(run.progress.unwrap_or(0)).unwrap_or(0));
        if self.bar.message() != run.message {
            self.bar.set_message(run.message.clone());
            if self.bar.is_hidden() {
                eprintln!("{}: {}", self.name, run.message);
            }
        }
    }

    fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
