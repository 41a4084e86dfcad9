//! What every bench stands on: a simulated Microsoft in a process of its own, a company that is connected to it, and a
//! worker in another process, so that a worker's memory is its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use m365_simulator::{ApplicationSpec, Options, Simulator, TenantSpec};
use serde::de::DeserializeOwned;
use tenantry::db::Pool;
use tenantry::db::embedded::EmbeddedPostgres;
use tenantry::microsoft::{Credential, Microsoft, PERMISSIONS, Patience, Secret, Settings};
use tenantry::model::company;
use tenantry::model::tenant::{self, Consent};
use uuid::Uuid;

const CLIENT_ID: &str = "7a1e5d0c-0000-4000-8000-00000000c11e";
const SECRET: &str = "a-secret-of-the-bench";

/// Serves one tenant until standard input closes.
pub async fn simulate(people: u32, devices: u32) -> anyhow::Result<()> {
    let simulator = Simulator::start(Options {
        listen: ([127, 0, 0, 1], 0).into(),
        tls_listen: None,
        tls_dir: None,
    })
    .await?;
    let tenant = simulator.add_tenant(TenantSpec {
        people,
        groups: Some(0),
        devices: Some(devices),
        ..TenantSpec::named("Bench", "bench.example")
    })?;
    simulator.add_application(ApplicationSpec {
        client_secret: Some(SECRET.into()),
        permissions: PERMISSIONS.iter().map(|&permission| permission.to_owned()).collect(),
        ..ApplicationSpec::new(CLIENT_ID, tenant.id)
    });
    simulator.grant_consent(tenant.id, CLIENT_ID)?;
    super::say(&format!("{} {}", simulator.url(), tenant.id));
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(())
}

/// The Postgres of the benches, with the product's tables.
pub async fn postgres() -> anyhow::Result<EmbeddedPostgres> {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let postgres = EmbeddedPostgres::start_or_join(&folder).await?;
    tenantry::db::migrate(postgres.url()).await?;
    Ok(postgres)
}

/// A simulated tenant in a process of its own; it ends with this.
struct Tenant {
    process: Child,
    url: String,
    id: String,
}

impl Tenant {
    fn start(people: u32, devices: u32) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["simulator", &people.to_string(), &devices.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("the simulator's output")?).read_line(&mut line)?;
        let (url, id) = line.trim().split_once(' ').context("the simulator says where it is")?;
        Ok(Self {
            process,
            url: url.to_owned(),
            id: id.to_owned(),
        })
    }

    fn stop(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        Ok(())
    }
}

/// What a fresh worker, called by this word, measures on a fresh tenant.
pub fn one_round<F: DeserializeOwned>(worker: &str, people: u32, devices: u32, database: &str) -> anyhow::Result<F> {
    let tenant = Tenant::start(people, devices)?;
    let worker = Command::new(std::env::current_exe()?)
        .args([worker, database, &tenant.url, &tenant.id])
        .stderr(Stdio::inherit())
        .output()?;
    tenant.stop()?;
    ensure!(worker.status.success(), "the worker failed");
    serde_json::from_slice(&worker.stdout).context("the worker's figures")
}

/// The way to the simulated Microsoft.
pub fn microsoft(simulator: &str) -> anyhow::Result<Microsoft> {
    Ok(Microsoft::new(Settings {
        login_url: simulator.parse()?,
        graph_url: simulator.parse()?,
        client_id: CLIENT_ID.into(),
        credential: Credential::Secret(Secret::new(SECRET)),
        patience: Patience::default(),
    })?)
}

/// A company whose tenant is this one.
pub async fn connect(pool: &Pool, entra_tenant_id: Uuid) -> anyhow::Result<Uuid> {
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

/// The most memory that this process ever had.
pub fn peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The middle of what was measured.
pub fn median<F>(figures: &[F], of: impl Fn(&F) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Bytes of WAL that were written so far.
pub async fn wal(pool: &Pool) -> anyhow::Result<i64> {
    let client = pool.raw().await?;
    let written = client
        .query_one("select (pg_current_wal_lsn() - '0/0')::bigint", &[])
        .await?;
    Ok(written.get(0))
}

/// A client for the simulator's control interface.
#[expect(clippy::disallowed_methods, reason = "the bench's own client, not the product's")]
pub fn client() -> reqwest::Client {
    reqwest::Client::new()
}

/// For ratios and tables.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn float(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}
