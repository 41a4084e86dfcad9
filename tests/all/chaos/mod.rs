//! Two APIs, three workers, one Postgres, forty companies: killed, frozen and lied to at random, then left in peace.
//!
//! When it is quiet again nothing may be missing: every company equals its directory, its evidence is whole, every run
//! that somebody was promised ended exactly once, whoever watched knows how, and no job, no staged row, no connection and
//! no process is left behind.
//!
//! The seed decides what happens and when, and is printed; what meets what inside the processes it cannot decide.
//! `TENANTRY_CHAOS_SEED=… cargo test --workspace --test all chaos` tells the same again, and `TENANTRY_CHAOS_SECONDS`
//! makes it longer.

mod nodes;
mod script;
pub mod watcher;

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_graphql::ID;
use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use url::Url;
use uuid::Uuid;

use self::nodes::Seat;
use self::script::{APIS, Blow, COMPANIES, WORKERS};
use self::watcher::Watcher;
use crate::support::aloud;
use crate::support::cluster::Cluster;
use crate::support::node::{PATIENCE, Role};
use crate::support::verdict;
use crate::support::world::{Client, World, client};

const SYNC: &str = "mutation($company: ID!, $kind: SyncKind!, $mode: SyncMode!) {
    syncCompany(input: {companyId: $company, kind: $kind, mode: $mode}) { syncRun { id } userErrors { code } } }";

/// How many companies are watched, through each API.
const WATCHED: usize = 4;

/// A click that is not answered in this time was no click.
const CLICK: Duration = Duration::from_secs(20);

struct Chaos {
    world: World,
    postgres: Cluster,
    fell: Option<Instant>,
    apis: Vec<Url>,
    seats: Vec<Seat>,
    clients: Vec<Client>,
    token: String,
    /// Runs whose id an API has told somebody.
    promised: Arc<Mutex<Vec<Uuid>>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_random_kills_and_faults_every_company_equals_its_directory_and_every_run_ended_once() {
    let seed = setting("TENANTRY_CHAOS_SEED").unwrap_or_else(rand::random);
    let length = Duration::from_secs(setting("TENANTRY_CHAOS_SECONDS").unwrap_or(50));
    aloud::say(format!(
        "chaos: TENANTRY_CHAOS_SEED={seed} TENANTRY_CHAOS_SECONDS={}",
        length.as_secs()
    ));
    let mut chaos = Chaos::begin().await;
    let watchers = chaos.watch();
    let script = script::write(seed, length);
    let blows = script.len();
    for (pause, blow) in script {
        tokio::time::sleep(pause).await;
        chaos.strike(blow).await;
        chaos.look();
    }
    aloud::say(format!("chaos: {blows} blows; now it gets quiet"));
    chaos.calm().await;
    chaos.until_every_run_has_ended().await;
    chaos.sync_everybody().await;
    chaos.judge(watchers).await;
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a person asks for a certain run of this test"
    )]
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

impl Chaos {
    async fn begin() -> Self {
        let postgres = Cluster::start("chaos").await;
        let world = World::over(postgres.url()).await;
        let mut clients = Vec::new();
        for company in 0..COMPANIES {
            let devices = if company.is_multiple_of(3) { 6 } else { 0 };
            clients.push(
                world
                    .connected(json!({"seed": company, "people": 12 + company, "devices": devices}))
                    .await,
            );
        }
        let token = crate::matrix::token(&world).await;
        let (folder, url) = (&postgres.folder, postgres.url());
        let mut apis = Vec::new();
        let mut seats = Vec::new();
        for n in 1..=APIS {
            let (role, api) = Role::api(&format!("api-{n}"), folder, url, &world.simulator);
            apis.push(api);
            seats.push(Seat::new(role));
        }
        for n in 1..=WORKERS {
            let role = Role::worker(&format!("worker-{n}"), folder, url, &world.simulator, 3);
            seats.push(Seat::new(role));
        }
        Self {
            world,
            postgres,
            fell: None,
            apis,
            seats,
            clients,
            token,
            promised: Arc::default(),
        }
    }

    fn watch(&self) -> Vec<(Client, Watcher)> {
        let watched = self.clients.iter().take(WATCHED);
        watched
            .flat_map(|client| {
                self.apis
                    .iter()
                    .map(|api| (*client, Watcher::start(api, &self.token, shown(*client))))
            })
            .collect()
    }

    fn look(&mut self) {
        for seat in &mut self.seats {
            seat.look(self.fell);
        }
    }

    async fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::Click {
                api,
                company,
                evidence,
                full,
            } => self.click_beside(api, company, evidence, full),
            Blow::Changes { company, count, seed } => {
                let shuffle = format!("tenants/{}/shuffle", self.clients[company].tenant_id);
                self.world.post(&shuffle, json!({"count": count, "seed": seed})).await;
            }
            Blow::Trouble { company, fault } => {
                self.world.fault(self.clients[company], fault).await;
            }
            Blow::TokensExpire => {
                self.world.post("tokens/expire", json!({})).await;
            }
            Blow::Kill { node, away } => self.seats[node].kill(away),
            Blow::Terminate { node } => self.seats[node].terminate(),
            Blow::Freeze { node, away } => self.seats[node].freeze(away),
            Blow::Postgres { how, away } => {
                self.fell = Some(Instant::now());
                self.postgres.restart(how, away).await;
                self.fell = Some(Instant::now());
            }
        }
    }

    /// Somebody clicks; what the API answers is kept, where it answers.
    fn click_beside(&self, api: usize, company: usize, evidence: bool, full: bool) {
        let click = click(&self.apis[api], &self.token, self.clients[company], evidence, full);
        let promised = self.promised.clone();
        tokio::spawn(async move {
            if let Ok(Some(run)) = tokio::time::timeout(CLICK, click).await {
                promised.lock().expect("nobody panics with it").push(run);
            }
        });
    }

    /// Microsoft behaves, and every process is up.
    async fn calm(&mut self) {
        for client in &self.clients {
            self.world.mend(*client).await;
        }
        let since = Instant::now();
        loop {
            self.look();
            for seat in &mut self.seats {
                seat.thaw();
            }
            let mut all_up = self.seats.iter().all(Seat::is_up);
            for api in &self.apis {
                let health = client().get(api.join("health/ready").expect("a path"));
                let answer = health.timeout(Duration::from_secs(5)).send().await;
                all_up &= answer.is_ok_and(|answer| answer.status().is_success());
            }
            if all_up {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "not every process comes up again");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What waits for Microsoft, or for its minute after the slot, is made due: its time has come in any case.
    async fn until_every_run_has_ended(&mut self) {
        let since = Instant::now();
        loop {
            self.look();
            self.world
                .sql("update sync_run set not_before = now() where finished_at is null and not_before > now()")
                .await;
            let open = self
                .world
                .rows("select to_jsonb(run) - 'counts' as run from sync_run run where finished_at is null")
                .await;
            if open.is_empty() {
                return;
            }
            assert!(
                since.elapsed() < PATIENCE,
                "runs are stuck: {open:#?}\n{}",
                self.last_words()
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// One more sync of each company, which has to succeed.
    async fn sync_everybody(&mut self) {
        for (n, company) in self.clients.iter().enumerate() {
            let clicked = click(&self.apis[n % APIS], &self.token, *company, false, n.is_multiple_of(2)).await;
            let run =
                clicked.unwrap_or_else(|| panic!("an API does not answer when all is quiet\n{}", self.last_words()));
            self.promised.lock().expect("nobody panics with it").push(run);
        }
        self.until_every_run_has_ended().await;
        let failed = self
            .world
            .rows(
                "select distinct on (company_id) to_jsonb(run) as run from sync_run run where kind = 'IDENTITY'
                 order by company_id, queued_at desc",
            )
            .await;
        let failed: Vec<&Value> = failed
            .iter()
            .filter(|row| row["run"]["status"] != "SUCCEEDED")
            .collect();
        assert!(
            failed.is_empty(),
            "the last sync of a company did not succeed: {failed:#?}"
        );
        self.world.release_everything().await;
    }

    async fn judge(self, watchers: Vec<(Client, Watcher)>) {
        let promised = self.promised.lock().expect("nobody panics with it").clone();
        assert!(
            promised.len() > COMPANIES,
            "clicks were answered while it was wild, too"
        );
        verdict::no_promise_is_lost(&self.world, &promised).await;
        verdict::equal_and_ended_once(&self.world, &self.clients).await;
        self.until_watchers_know(&watchers).await;
        verdict::no_job_is_stuck(&self.world).await;
        let heard: Vec<_> = watchers.into_iter().map(|(_, watcher)| watcher.dismiss()).collect();
        let starts: Vec<_> = self
            .seats
            .iter()
            .map(|seat| (seat.role.name.clone(), seat.starts))
            .collect();
        for seat in &self.seats {
            let said = std::fs::read_to_string(&seat.role.log).expect("a log");
            assert!(!said.contains("panicked at"), "{} panicked:\n{said}", seat.role.name);
        }
        let runs = self
            .world
            .rows("select status, count(*) from sync_run group by 1 order by 1")
            .await;
        aloud::say(format!(
            "chaos: promised {}, runs {runs:?}, starts {starts:?}, heard {heard:?}",
            promised.len()
        ));
        for seat in self.seats {
            seat.dismiss().await;
        }
        drop(self.world);
        until_nobody_is_connected(self.postgres.url()).await;
        let traces = self.postgres.traces();
        until_no_process_has(self.postgres.url()).await;
        self.postgres.end().await;
        for trace in traces {
            until_no_process_has(&trace).await;
        }
    }

    /// Everybody who watches knows how the last run ended.
    async fn until_watchers_know(&self, watchers: &[(Client, Watcher)]) {
        for (client, watcher) in watchers {
            let latest = format!(
                "select id, status from sync_run where company_id = '{}' and kind = 'IDENTITY' order by queued_at desc, id desc limit 1",
                client.company_id
            );
            let row = self.world.rows(&latest).await.remove(0);
            let id = row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            watcher
                .until_last_is(&json!(IdOf::SyncRun.show(id).0), &row["status"])
                .await;
        }
    }

    fn last_words(&self) -> String {
        self.seats
            .iter()
            .map(|seat| format!("{}:\n{}\n", seat.role.name, seat.role.last_words()))
            .collect()
    }
}

/// Waits until Postgres has no connection but the one that asks: whoever is gone leaves none behind.
async fn until_nobody_is_connected(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("Postgres takes a connection");
    let connection = tokio::spawn(connection);
    let others = "select count(*)::bigint, coalesce(string_agg(application_name || ': ' || query, '; '), '')
                  from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";
    until("connections are left", async || {
        let row = client.query_one(others, &[]).await.expect("the query runs");
        (row.get::<_, i64>(0) > 0).then(|| row.get(1))
    })
    .await;
    drop(client);
    connection.await.expect("no panic").expect("the connection ends well");
}

/// Waits until no process was started with this in its command line or its environment.
async fn until_no_process_has(trace: &str) {
    until("processes are left", async || {
        let processes = fs::read_dir("/proc").expect("processes").flatten();
        let left: Vec<_> = processes
            .map(|process| process.path())
            .filter(|process| {
                // A process that has ended meanwhile has neither.
                let said = |file| fs::read(process.join(file)).unwrap_or_default();
                [said("cmdline"), said("environ")]
                    .iter()
                    .any(|said| String::from_utf8_lossy(said).contains(trace))
            })
            .collect();
        (!left.is_empty()).then(|| format!("{left:?}"))
    })
    .await;
}

/// Waits until nothing is left of what is asked for.
async fn until(what: &str, left: impl AsyncFn() -> Option<String>) {
    let since = Instant::now();
    while let Some(left) = left().await {
        assert!(since.elapsed() < PATIENCE, "{what}: {left}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks an API for a sync; the run's id, where it answers.
fn click(
    api: &Url,
    token: &str,
    company: Client,
    evidence: bool,
    full: bool,
) -> impl Future<Output = Option<Uuid>> + use<> {
    let variables = json!({
        "company": shown(company), "kind": if evidence { "EVIDENCE" } else { "IDENTITY" },
        "mode": if full { "FULL" } else { "AUTO" },
    });
    let request = client()
        .post(api.join("graphql").expect("a path"))
        .bearer_auth(token)
        .json(&json!({"query": SYNC, "variables": variables}));
    async move {
        let answer: Value = request.send().await.ok()?.json().await.ok()?;
        let id = answer["data"]["syncCompany"]["syncRun"]["id"].as_str()?;
        IdOf::SyncRun.read(&ID(id.to_owned()))
    }
}

fn shown(client: Client) -> String {
    IdOf::Company.show(client.company_id).0
}
