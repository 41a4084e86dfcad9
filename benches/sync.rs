//! What a sync costs, as ratios in one run: against a bare `COPY` of the same rows into the same table with the same
//! indexes, and against itself at another size. `make bench` prints the table; `make bench ARGS="10000 5"` sets the
//! larger size and the rounds.
//!
//! The simulated Microsoft and each worker are processes of their own, so that a worker's memory is its own.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use diesel_async::AsyncConnection;
use futures::{SinkExt, TryStreamExt};
use m365_simulator::{ApplicationSpec, Options, Simulator, TenantSpec};
use serde::{Deserialize, Serialize};
use tenantry::db::embedded::EmbeddedPostgres;
use tenantry::db::events::Events;
use tenantry::db::{self, Pool};
use tenantry::microsoft::{Credential, Microsoft, Patience, Secret, Settings};
use tenantry::model::sync_run::{self, SyncKind, SyncMode, SyncStatus, SyncTrigger, Wish, lease};
use tenantry::model::tenant::{self, Consent};
use tenantry::model::{Scope, company};
use tenantry::sync::Engine;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const CLIENT_ID: &str = "7a1e5d0c-0000-4000-8000-00000000c11e";
const SECRET: &str = "a-secret-of-the-bench";
/// The size that memory is compared with.
const SMALL: u32 = 10_000;

/// What one worker measured.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Figures {
    first: f64,
    unchanged: f64,
    unchanged_wal: i64,
    changes: f64,
    copy: f64,
    peak_kib: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["simulator", people] => simulate(people.parse()?).await,
        ["worker", database, simulator, tenant] => {
            let figures = measure(database, simulator, tenant.parse()?).await?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(())
        }
        [] => compare(100_000, 5).await,
        [large] => compare(large.parse()?, 5).await,
        [large, rounds] => compare(large.parse()?, rounds.parse()?).await,
        _ => anyhow::bail!("usage: [PEOPLE [ROUNDS]]"),
    }
}

/// Serves one tenant until standard input closes.
async fn simulate(people: u32) -> anyhow::Result<()> {
    let simulator = Simulator::start(Options {
        listen: ([127, 0, 0, 1], 0).into(),
        tls_listen: None,
        tls_dir: None,
    })
    .await?;
    let tenant = simulator.add_tenant(TenantSpec {
        people,
        groups: Some(0),
        devices: Some(0),
        ..TenantSpec::named("Bench", "bench.example")
    })?;
    simulator.add_application(ApplicationSpec {
        client_secret: Some(SECRET.into()),
        permissions: [
            "User.Read.All",
            "GroupMember.Read.All",
            "DeviceManagementManagedDevices.Read.All",
            "Organization.Read.All",
        ]
        .map(String::from)
        .to_vec(),
        ..ApplicationSpec::new(CLIENT_ID, tenant.id)
    });
    simulator.grant_consent(tenant.id, CLIENT_ID)?;
    println!("{} {}", simulator.url(), tenant.id);
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(())
}

/// Rounds of small and large in turn; medians, and what follows from them.
async fn compare(large: u32, rounds: usize) -> anyhow::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let postgres = EmbeddedPostgres::start_or_join(&folder).await?;
    db::migrate(postgres.url()).await?;
    let mut figures: [Vec<Figures>; 2] = Default::default();
    for round in 1..=rounds {
        for (people, figures) in [SMALL, large].into_iter().zip(&mut figures) {
            eprintln!("round {round} of {rounds}: {people} people");
            figures.push(one_round(people, postgres.url())?);
        }
    }
    postgres.stop().await?;
    let [small, big] = figures.map(|figures| median(&figures));
    println!("| | {SMALL} people | {large} people |\n|---|---|---|");
    println!(
        "| first sync, people a second | {:.0} | {:.0} |",
        f64::from(SMALL) / small.first,
        f64::from(large) / big.first
    );
    for (what, of) in [
        (
            "first sync / COPY",
            (|f: &Figures| f.first / f.copy) as fn(&Figures) -> f64,
        ),
        ("unchanged full re-sync / COPY", |f| f.unchanged / f.copy),
        ("sync of 100 changes / first sync", |f| f.changes / f.first),
    ] {
        println!("| {what} | {:.2} | {:.2} |", of(&small), of(&big));
    }
    println!(
        "| WAL of the unchanged re-sync, KiB | {} | {} |",
        small.unchanged_wal / 1024,
        big.unchanged_wal / 1024
    );
    println!(
        "| peak memory of the worker, MiB | {:.0} | {:.0} |",
        mib(&small),
        mib(&big)
    );
    println!(
        "| memory, {large} / {SMALL} people | | {:.2} |",
        mib(&big) / mib(&small)
    );
    Ok(())
}

fn mib(figures: &Figures) -> f64 {
    Duration::from_micros(figures.peak_kib).as_secs_f64() * 1e6 / 1024.0
}

fn median(figures: &[Figures]) -> Figures {
    let middle = |of: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = figures.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Figures {
        first: middle(|f| f.first),
        unchanged: middle(|f| f.unchanged),
        changes: middle(|f| f.changes),
        copy: middle(|f| f.copy),
        unchanged_wal: figures.iter().map(|f| f.unchanged_wal).max().unwrap_or_default(),
        peak_kib: figures.iter().map(|f| f.peak_kib).max().unwrap_or_default(),
    }
}

/// A fresh tenant in a process of its own, and a fresh worker in another.
fn one_round(people: u32, database: &str) -> anyhow::Result<Figures> {
    use std::io::{BufRead, BufReader};
    let this = std::env::current_exe()?;
    let mut simulator = Command::new(&this)
        .args(["simulator", &people.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(simulator.stdout.take().context("the simulator's output")?).read_line(&mut line)?;
    let (url, tenant) = line.trim().split_once(' ').context("the simulator says where it is")?;
    let worker = Command::new(&this)
        .args(["worker", database, url, tenant])
        .stderr(Stdio::inherit())
        .output()?;
    drop(simulator.stdin.take());
    simulator.wait()?;
    ensure!(worker.status.success(), "the worker failed");
    serde_json::from_slice(&worker.stdout).context("the worker's figures")
}

async fn measure(database: &str, simulator: &str, entra_id: Uuid) -> anyhow::Result<Figures> {
    let pool = Pool::new(database, 4)?;
    let stop = CancellationToken::new();
    let events = Events::start(&pool, stop.clone()).await?;
    let microsoft = Microsoft::new(Settings {
        login_url: simulator.parse()?,
        graph_url: simulator.parse()?,
        client_id: CLIENT_ID.into(),
        credential: Credential::Secret(Secret::new(SECRET)),
        patience: Patience::default(),
    })?;
    let bench = Bench {
        engine: Engine::new(pool.clone(), microsoft, events),
        company_id: connect(&pool, entra_id).await?,
        pool,
    };
    let first = bench.sync(SyncMode::Auto).await?;
    let peak_kib = peak_kib()?;
    let before = bench.wal().await?;
    let unchanged = bench.sync(SyncMode::Full).await?;
    let unchanged_wal = bench.wal().await? - before;
    shuffle(simulator, entra_id).await?;
    let changes = bench.sync(SyncMode::Auto).await?;
    let copy = bench.copy().await?;
    bench.clear().await?;
    stop.cancel();
    Ok(Figures {
        first,
        unchanged,
        unchanged_wal,
        changes,
        copy,
        peak_kib,
    })
}

async fn connect(pool: &Pool, entra_tenant_id: Uuid) -> anyhow::Result<Uuid> {
    let now = chrono::DateTime::from_timestamp(1_767_600_000, 0).context("a time")?;
    let mut conn = pool.get().await?;
    let company = company::insert(&mut conn, now, "Bench", None).await?;
    let consent = Consent {
        entra_tenant_id,
        administrator: "the bench".into(),
        administrator_oid: Uuid::nil(),
        expected_domain: None,
        role_proven: true,
    };
    tenant::connect(&mut conn, now, company.id, &consent).await?;
    Ok(company.id)
}

async fn shuffle(simulator: &str, tenant: Uuid) -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the bench's own client, for the simulator's control interface"
    )]
    let client = reqwest::Client::new();
    let url = format!("{simulator}_control/tenants/{tenant}/shuffle");
    client
        .post(url)
        .json(&serde_json::json!({"count": 100, "seed": 1}))
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

/// The most memory that this process ever had.
fn peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

struct Bench {
    pool: Pool,
    engine: Engine,
    company_id: Uuid,
}

impl Bench {
    /// Queues, claims and performs a run; how many seconds the performance took.
    async fn sync(&self, mode: SyncMode) -> anyhow::Result<f64> {
        let now = chrono::DateTime::from_timestamp(1_767_600_000, 0).context("a time")?;
        let wish = Wish {
            company_id: self.company_id,
            kind: SyncKind::Identity,
            trigger: SyncTrigger::Manual,
            mode,
            dry_run: false,
            rules: None,
            requested_by: "the bench".into(),
            not_before: now,
        };
        let mut conn = self.pool.get().await?;
        let run = conn
            .transaction(async |conn| sync_run::queue(conn, now, &wish).await)
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

    async fn wal(&self) -> anyhow::Result<i64> {
        let client = self.pool.raw().await?;
        Ok(client
            .query_one("select (pg_current_wal_lsn() - '0/0')::bigint", &[])
            .await?
            .get(0))
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
