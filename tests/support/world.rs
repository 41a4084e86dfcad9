//! A world for one test: a database of its own, a simulated Microsoft 365 of its own, and the engine between them.
//!
//! The simulator is spoken to over HTTP alone: Graph and Entra by the product, `/_control` by the tests.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::{AsyncConnection, RunQueryDsl};
use m365_simulator::{Options, Simulator};
use serde_json::{Value, json};
use tenantry::db::Pool;
use tenantry::db::events::Events;
use tenantry::evidence;
use tenantry::microsoft::{Credential, Limit, Microsoft, Pace, Patience, Secret, Settings};
use tenantry::model::sync_run::lease::{self, Claim};
use tenantry::model::sync_run::{self, SyncKind, SyncMode, SyncTrigger, Wish};
use tenantry::model::tenant::Consent;
use tenantry::model::{Company, Scope, SyncRules, SyncRun, company, held_change, tenant};
use tenantry::run::{Place, Room};
use tenantry::sync::Engine;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::postgres::{self, TestDatabase};

/// Our application at the simulated Entra.
pub const CLIENT_ID: &str = "7a1e5d0c-0000-4000-8000-00000000c11e";
/// Its secret.
pub const CLIENT_SECRET: &str = "a-secret-of-the-tests";
/// What it asks of a tenant.
pub const PERMISSIONS: &[&str] = &tenantry::microsoft::PERMISSIONS;

/// What one test needs, gone when it is dropped.
pub struct World {
    pub pool: Pool,
    pub engine: Engine,
    pub evidence: evidence::Engine,
    pub microsoft: Microsoft,
    pub simulator: Simulator,
    pub http: reqwest::Client,
    events: Events,
    _stop: tokio_util::sync::DropGuard,
    _database: Option<TestDatabase>,
}

/// A company and the tenant behind it.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub company_id: Uuid,
    pub tenant_id: Uuid,
}

impl World {
    pub async fn start() -> Self {
        let database = postgres::database().await;
        let world = Self::over(&database.url).await;
        Self {
            _database: Some(database),
            ..world
        }
    }

    /// A world over a migrated database that somebody else looks after.
    pub async fn over(database_url: &str) -> Self {
        let simulator = Simulator::start(Options {
            listen: ([127, 0, 0, 1], 0).into(),
            tls_listen: None,
            tls_dir: None,
        })
        .await
        .expect("the simulator starts");
        let world = Self::between(simulator, database_url).await;
        world.register(false).await;
        world
    }

    /// Registers our application, or changes whether its secret has expired.
    pub async fn register(&self, secret_expired: bool) {
        self.post(
            "applications",
            json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "secretExpired": secret_expired,
                   "redirectUris": [], "permissions": PERMISSIONS, "homeTenant": Uuid::new_v4()}),
        )
        .await;
    }

    /// The same Microsoft over another database, as after a backup was restored.
    pub async fn restored_to(self, database_url: &str) -> Self {
        Self::between(self.simulator, database_url).await
    }

    async fn between(simulator: Simulator, database_url: &str) -> Self {
        let pool = Pool::new(database_url, 8).expect("a pool");
        let stop = CancellationToken::new();
        let events = Events::start(&pool, stop.clone()).await.expect("events start");
        let microsoft = Microsoft::new(way_to(&simulator)).expect("the settings are good");
        let (engine, evidence) = engines(&pool, &microsoft, &events);
        Self {
            pool,
            engine,
            evidence,
            microsoft,
            simulator,
            http: client(),
            events,
            _stop: stop.drop_guard(),
            _database: None,
        }
    }

    /// From now on Microsoft is asked in another way: with other patience, or at another address.
    pub fn ask_differently(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = way_to(&self.simulator);
        change(&mut settings);
        self.microsoft = Microsoft::new(settings).expect("the settings are good");
        (self.engine, self.evidence) = engines(&self.pool, &self.microsoft, &self.events);
    }

    /// A company connected to a fresh tenant, nothing synced yet.
    pub async fn connected_company(&self, people: u32, devices: u32) -> Client {
        self.connected(json!({"seed": 7, "people": people, "devices": devices}))
            .await
    }

    /// A company connected to a tenant of this description.
    pub async fn connected(&self, mut tenant: Value) -> Client {
        let domain = format!("{}.example", &Uuid::new_v4().simple().to_string()[..12]);
        tenant["displayName"] = json!("Contoso");
        tenant["domain"] = json!(domain);
        let made = self.post("tenants", tenant).await;
        let tenant_id: Uuid = made["id"].as_str().and_then(|id| id.parse().ok()).expect("a tenant id");
        self.request(
            "PUT",
            &format!("tenants/{tenant_id}/consents/{CLIENT_ID}"),
            Some(json!({})),
        )
        .await;
        let company_id = self.connect(tenant_id, None).await;
        Client { company_id, tenant_id }
    }

    /// A new company that is connected to a tenant long ago, so that no consent is fresh.
    pub async fn connect(&self, tenant_id: Uuid, expected_domain: Option<String>) -> Uuid {
        let mut conn = self.pool.get().await.expect("a connection");
        let now = chrono::DateTime::parse_from_rfc3339("2026-01-05T08:00:00Z")
            .expect("a time")
            .to_utc();
        let company: Company = company::insert(&mut conn, now, "Contoso", None)
            .await
            .expect("a company");
        let consent = Consent {
            entra_tenant_id: tenant_id,
            administrator: "Adele Vance".into(),
            administrator_oid: Uuid::new_v4(),
            role_proven: true,
            expected_domain,
        };
        tenant::connect(&mut conn, now, company.id, &consent)
            .await
            .expect("connected");
        company.id
    }

    /// Queues a run and performs it to its end, or to its waiting.
    pub async fn sync(&self, client: Client) -> SyncRun {
        self.sync_with(client, SyncMode::Auto, false, None).await
    }

    pub async fn full_sync(&self, client: Client) -> SyncRun {
        self.sync_with(client, SyncMode::Full, false, None).await
    }

    pub async fn full_or_not(&self, client: Client, full: bool) -> SyncRun {
        let mode = if full { SyncMode::Full } else { SyncMode::Auto };
        self.sync_with(client, mode, false, None).await
    }

    pub async fn sync_with(&self, client: Client, mode: SyncMode, dry_run: bool, rules: Option<SyncRules>) -> SyncRun {
        let run = self.queue(client, mode, dry_run, rules).await;
        self.perform(run.id).await
    }

    pub async fn queue(&self, client: Client, mode: SyncMode, dry_run: bool, rules: Option<SyncRules>) -> SyncRun {
        self.queue_kind(client, SyncKind::Identity, mode, dry_run, rules).await
    }

    /// Queues an evidence run.
    pub async fn queue_evidence(&self, client: Client) -> SyncRun {
        self.queue_kind(client, SyncKind::Evidence, SyncMode::Auto, false, None)
            .await
    }

    /// Queues an evidence run and performs it to its end, or to its waiting.
    pub async fn collect_evidence(&self, client: Client) -> SyncRun {
        let run = self.queue_evidence(client).await;
        self.perform(run.id).await
    }

    async fn queue_kind(
        &self,
        client: Client,
        kind: SyncKind,
        mode: SyncMode,
        dry_run: bool,
        rules: Option<SyncRules>,
    ) -> SyncRun {
        let wish = Wish {
            company_id: client.company_id,
            kind,
            trigger: SyncTrigger::Manual,
            mode,
            dry_run,
            rules,
            requested_by: "a test".into(),
        };
        let mut conn = self.pool.get().await.expect("a connection");
        conn.transaction(async |conn| sync_run::queue(conn, &wish).await)
            .await
            .expect("queued")
            .run
    }

    /// Claims the run, whenever it was due, and performs it.
    pub async fn perform(&self, run_id: Uuid) -> SyncRun {
        let claim = self.claim(run_id).await;
        match claim.run.kind {
            SyncKind::Identity => self.engine.perform(claim, CancellationToken::new()).await,
            SyncKind::Evidence => self.evidence.perform(claim, place(), CancellationToken::new()).await,
        }
        self.run(run_id).await
    }

    /// Claims the run and performs it beside the test.
    pub async fn perform_beside(&self, run_id: Uuid) -> JoinHandle<()> {
        let claim = self.claim(run_id).await;
        let (engine, evidence) = (self.engine.clone(), self.evidence.clone());
        tokio::spawn(async move {
            match claim.run.kind {
                SyncKind::Identity => engine.perform(claim, CancellationToken::new()).await,
                SyncKind::Evidence => evidence.perform(claim, place(), CancellationToken::new()).await,
            }
        })
    }

    /// Performs the run beside the test, as far as its first request `on` something: there it stands until Microsoft
    /// is mended.
    pub async fn perform_until(&self, client: Client, run_id: Uuid, on: &str) -> JoinHandle<()> {
        let hold = self.fault(client, json!({"on": on, "kind": "hold"})).await;
        let running = self.perform_beside(run_id).await;
        self.get(&format!("tenants/{}/faults/{hold}?hits=1", client.tenant_id))
            .await;
        running
    }

    pub async fn claim(&self, run_id: Uuid) -> Claim {
        self.sql(&format!(
            "update sync_run set not_before = now() where id = '{run_id}' and finished_at is null"
        ))
        .await;
        let mut conn = self.pool.get().await.expect("a connection");
        lease::claim(&mut conn, run_id, "a test", Duration::from_secs(600))
            .await
            .expect("the database answers")
            .expect("the run can be claimed")
    }

    pub async fn run(&self, run_id: Uuid) -> SyncRun {
        let mut conn = self.pool.get().await.expect("a connection");
        sync_run::find(&mut conn, &Scope::All, run_id)
            .await
            .expect("the database answers")
            .expect("the run is there")
    }

    pub async fn now(&self) -> chrono::DateTime<chrono::Utc> {
        let client = self.pool.raw().await.expect("a connection");
        client.query_one("select now()", &[]).await.expect("a time").get(0)
    }

    /// Runs a statement; how many rows it touched.
    pub async fn sql(&self, statement: &str) -> usize {
        let mut conn = self.pool.get().await.expect("a connection");
        diesel::sql_query(statement)
            .execute(&mut conn)
            .await
            .expect("the statement runs")
    }

    /// Asks for JSON rows.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let client = self.pool.raw().await.expect("a connection");
        let rows = client
            .query(&format!("select to_jsonb(q) from ({query}) q"), &[])
            .await
            .expect("the query runs");
        rows.into_iter().map(|row| row.get(0)).collect()
    }

    /// Asks for one number.
    pub async fn number(&self, query: &str) -> i64 {
        let client = self.pool.raw().await.expect("a connection");
        client.query_one(query, &[]).await.expect("the query runs").get(0)
    }

    /// Makes a group with these members; its id.
    pub async fn group(&self, client: Client, name: &str, members: &[&str]) -> String {
        let groups = format!("tenants/{}/groups", client.tenant_id);
        let made = self.post(&groups, json!({"displayName": name})).await;
        let id = made["id"].as_str().expect("an id").to_owned();
        for member in members {
            self.request("PUT", &format!("{groups}/{id}/members/{member}"), None)
                .await;
        }
        id
    }

    /// Lets through whatever waits for a person.
    pub async fn release_everything(&self) {
        for row in self
            .rows("select distinct run_id from held_change where decision = 'HELD'")
            .await
        {
            let run = row["run_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            let now = self.now().await;
            let mut conn = self.pool.get().await.expect("a connection");
            held_change::release(&mut conn, now, &Scope::All, run, "Adele")
                .await
                .expect("released");
        }
    }

    /// Lets Microsoft misbehave; the fault's id.
    pub async fn fault(&self, client: Client, fault: Value) -> String {
        let made = self.post(&format!("tenants/{}/faults", client.tenant_id), fault).await;
        made["id"]
            .as_str()
            .map_or_else(|| made["id"].to_string(), str::to_owned)
    }

    /// Lets Microsoft behave again.
    pub async fn mend(&self, client: Client) {
        self.delete(&format!("tenants/{}/faults", client.tenant_id)).await;
    }

    pub async fn get(&self, path: &str) -> Value {
        self.request("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.request("POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.request("PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.request("DELETE", path, None).await
    }

    /// Asks the control interface.
    pub async fn request(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = self
            .simulator
            .url()
            .join("/_control/")
            .expect("a base")
            .join(path)
            .expect("a path");
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the simulator answers");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

/// How the simulated Microsoft is asked.
fn way_to(simulator: &Simulator) -> Settings {
    Settings {
        login_url: simulator.url().clone(),
        graph_url: simulator.url().clone(),
        client_id: CLIENT_ID.into(),
        credential: Credential::Secret(Secret::new(CLIENT_SECRET)),
        patience: impatient(),
    }
}

fn engines(pool: &Pool, microsoft: &Microsoft, events: &Events) -> (Engine, evidence::Engine) {
    let (pool, microsoft, events) = (pool.clone(), microsoft.clone(), events.clone());
    (
        Engine::new(pool.clone(), microsoft.clone(), events.clone()),
        evidence::Engine::new(pool, microsoft, events, Arc::new(super::house::now)),
    )
}

/// A place at no worker.
fn place() -> Place {
    Room::new(1).try_take().expect("nobody else is there")
}

/// Waits are kept out of tests: one try more, at once.
pub fn impatient() -> Patience {
    let at_once = Limit {
        most: 1,
        within: Duration::ZERO,
    };
    Patience {
        storm: Duration::ZERO,
        pace: Pace {
            conditional_access: at_once,
            reports: at_once,
            sign_in_activity: at_once,
            ..Pace::default()
        },
        tries: 2,
        budget: Duration::from_millis(200),
        first_wait: Duration::from_millis(1),
        ..Patience::default()
    }
}

pub fn client() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests' own client, for the simulator's control interface"
    )]
    reqwest::Client::new()
}
