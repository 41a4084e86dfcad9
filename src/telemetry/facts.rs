//! Figures that are the database's: how things stand for all nodes together, read when somebody asks.
//!
//! The danger: whoever asks often asks the database often. One statement answers everything, and its answer is good for
//! some seconds, however many ask meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Double, Jsonb};
use diesel_async::RunQueryDsl;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::health::LIVING_WORKERS;
use super::metrics;
use super::process::Process;
use crate::db::Pool;
use crate::model::alarm::AlarmKind;
use crate::model::sync_run::lease::DUE_AND_FREE;

/// How long an answer of the database is good for.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// How long the database has to answer; without an answer the other figures are told all the same.
const LONGEST: Duration = Duration::from_secs(5);

/// All figures of a process, for whoever scrapes it. Clones share what was read.
#[derive(Clone)]
pub struct Facts {
    command: &'static str,
    pool: Pool,
    credential_expires: Option<DateTime<Utc>>,
    read: Arc<Mutex<Option<(Instant, Standing)>>>,
}

/// How things stand for all nodes together.
#[derive(Clone, Default)]
struct Standing {
    queue_age: f64,
    oldest_run: f64,
    numbers: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Double)]
    queue_age: f64,
    #[diesel(sql_type = Double)]
    oldest_run: f64,
    #[diesel(sql_type = Jsonb)]
    numbers: serde_json::Value,
}

impl Facts {
    /// Of a process that runs this command, over this database. The last is when our credential at Microsoft runs out,
    /// where that is known.
    pub fn new(command: &'static str, pool: Pool, credential_expires: Option<DateTime<Utc>>) -> Self {
        Self {
            command,
            pool,
            credential_expires,
            read: Arc::default(),
        }
    }

    /// Everything, in the text format of OpenMetrics.
    pub async fn text(&self) -> String {
        let standing = self.standing().await;
        let mut text = String::new();
        let written = metrics::write(&mut text)
            .and_then(|()| encode_registry(&mut text, &self.registry(standing)))
            .and_then(|()| encode_eof(&mut text));
        if written.is_err() {
            text.push_str("# EOF\n");
        }
        text
    }

    /// None when the database does not answer.
    async fn standing(&self) -> Option<Standing> {
        // Held while the database is asked: who comes meanwhile takes the same answer.
        let mut read = self.read.lock().await;
        if let Some((at, standing)) = read.as_ref()
            && at.elapsed() < GOOD_FOR
        {
            return Some(standing.clone());
        }
        match timeout(LONGEST, self.ask())
            .await
            .map_err(anyhow::Error::from)
            .flatten()
        {
            Ok(standing) => {
                *read = Some((Instant::now(), standing.clone()));
                Some(standing)
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the database's figures could not be read");
                None
            }
        }
    }

    async fn ask(&self) -> anyhow::Result<Standing> {
        let mut conn = self.pool.get().await?;
        let row: Row = diesel::sql_query(format!(
            "select
                 (select coalesce(extract(epoch from now() - min(not_before)), 0)::float8 from sync_run
                  where {DUE_AND_FREE}) as queue_age,
                 (select coalesce(extract(epoch from now() - min(greatest(started_at, not_before))), 0)::float8 from sync_run
                  where status = 'RUNNING') as oldest_run,
                 jsonb_build_object(
                     'runs', (select jsonb_object_agg(status, number) from
                              (select status, count(*) as number from sync_run
                               where status in ('QUEUED', 'RUNNING', 'WAITING') group by status) runs),
                     'companies', (select jsonb_object_agg(status, number) from
                                   (select status, count(*) as number from tenant group by status) companies),
                     'alarms', (select jsonb_object_agg(kind, number) from
                                (select kind, count(*) as number from alarm where closed_at is null group by kind) alarms),
                     'held', jsonb_build_object('', (select count(*) from held_change where decision = 'HELD')),
                     'workers', jsonb_build_object('', (select count(*) {LIVING_WORKERS})),
                     'webhooks', jsonb_build_object('', (select count(*) from alarm_event where delivery = 'WAITING'))
                 ) as numbers"
        ))
        .get_result(&mut conn)
        .await?;
        let numbers = BTreeMap::<String, Option<BTreeMap<String, f64>>>::deserialize(row.numbers)?;
        Ok(Standing {
            queue_age: row.queue_age,
            oldest_run: row.oldest_run,
            numbers: numbers
                .into_iter()
                .map(|(what, numbers)| (what, numbers.unwrap_or_default()))
                .collect(),
        })
    }

    fn registry(&self, standing: Option<Standing>) -> Registry {
        let mut registry = Registry::default();
        let mut tell = |name: &str, help: &str, value: f64| registry.register(name, help, ConstGauge::new(value));
        tell(
            "tenantry_database_up",
            "Whether the database answered",
            f64::from(u8::from(standing.is_some())),
        );
        let used = self.pool.usage();
        tell(
            "tenantry_pool_connections_max",
            "Connections that this process may open",
            count(used.most),
        );
        tell(
            "tenantry_pool_connections_open",
            "Connections that are open",
            count(used.open),
        );
        tell(
            "tenantry_pool_connections_idle",
            "Connections that nobody has borrowed",
            count(used.idle),
        );
        tell(
            "tenantry_pool_waiting",
            "Those who wait for a connection",
            count(used.waiting),
        );
        if let Some(expires) = self.credential_expires {
            #[expect(clippy::cast_precision_loss, reason = "seconds of Unix time are far from 2^53")]
            let expires = expires.timestamp() as f64;
            tell(
                "tenantry_credential_expires_timestamp_seconds",
                "When our credential at Microsoft runs out",
                expires,
            );
        }
        if let Some(standing) = standing {
            standing.tell(&mut registry);
        }
        tell_process(&mut registry, self.command);
        registry
    }
}

impl Standing {
    fn tell(&self, registry: &mut Registry) {
        let help = "How long the run has been due that has been due the longest, in seconds; 0 when none is";
        registry.register("tenantry_queue_age_seconds", help, ConstGauge::new(self.queue_age));
        let help = "How long ago the run began that has been under way the longest, in seconds; 0 when none is";
        registry.register("tenantry_oldest_run_seconds", help, ConstGauge::new(self.oldest_run));
        self.tell_by(
            registry,
            "runs",
            "tenantry_active_runs",
            "Runs that have not ended",
            ("status", &["QUEUED", "RUNNING", "WAITING"]),
        );
        self.tell_by(
            registry,
            "companies",
            "tenantry_companies",
            "Companies by how their tenant stands",
            ("status", &["CONNECTED"]),
        );
        let kinds: Vec<&str> = AlarmKind::ALL.iter().map(|kind| kind.as_str()).collect();
        self.tell_by(
            registry,
            "alarms",
            "tenantry_alarms_open",
            "Alarms that are open",
            ("kind", &kinds),
        );
        for (what, name, help) in [
            ("held", "tenantry_held_changes", "Deactivations that wait for a person"),
            ("workers", "tenantry_workers_alive", "Workers that were heard of lately"),
            (
                "webhooks",
                "tenantry_webhooks_waiting",
                "Alarms that are yet to be delivered to the webhook",
            ),
        ] {
            let value = self.numbers.get(what).and_then(|numbers| numbers.get("")).copied();
            registry.register(name, help, ConstGauge::new(value.unwrap_or_default()));
        }
    }

    /// By a label. Of these of its values there is always a number, for what vanishes at zero looks like what is broken.
    fn tell_by(
        &self,
        registry: &mut Registry,
        what: &str,
        name: &str,
        help: &str,
        (label, always): (&'static str, &[&str]),
    ) {
        let family = Family::<[(&'static str, String); 1], Gauge<f64, AtomicU64>>::default();
        for value in always {
            family.get_or_create(&[(label, (*value).to_owned())]).set(0.0);
        }
        for (value, number) in self.numbers.get(what).into_iter().flatten() {
            family.get_or_create(&[(label, value.clone())]).set(*number);
        }
        registry.register(name, help, family);
    }
}

fn tell_process(registry: &mut Registry, command: &'static str) {
    let build = Family::<[(&'static str, &'static str); 2], Gauge>::default();
    build
        .get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("command", command)])
        .set(1);
    registry.register("tenantry_build", "The version that runs, and as what", build);
    let Some(process) = Process::read() else { return };
    registry.register(
        "process_cpu_seconds",
        "Processor time that was used",
        ConstCounter::new(process.cpu_seconds),
    );
    if let Some(start) = process.start_seconds {
        let help = "When the process started";
        registry.register("process_start_time_seconds", help, ConstGauge::new(start));
    }
    for (name, help, value) in [
        (
            "process_resident_memory_bytes",
            "Memory that is in use",
            process.resident_bytes,
        ),
        ("process_threads", "Threads of the process", process.threads),
        (
            "process_open_fds",
            "Files and sockets that are open",
            process.open_files,
        ),
        (
            "process_max_fds",
            "Files and sockets that may be open",
            process.most_files,
        ),
    ] {
        registry.register(name, help, ConstGauge::new(value));
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
