//! A house without Microsoft: a database, connected companies, and runs that the test performs itself.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel_async::{AsyncConnection, RunQueryDsl};
use tenantry::db::Pool;
use tenantry::db::events::{Events, News, Watch};
use tenantry::jobs::{self, Doorbell};
use tenantry::model::sync_run::lease::{self, Claim, Report};
use tenantry::model::sync_run::{self, SyncKind, SyncMode, SyncRun, SyncStatus, SyncTrigger, Wish};
use tenantry::model::tenant::Consent;
use tenantry::model::{Outlook, Scope, company, sync_schedule, tenant};
use tenantry::run::Place;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::support::postgres::{self, TestDatabase};

pub struct House {
    pub pool: Pool,
    pub events: Events,
    pub doorbell: Doorbell,
    pub stop: CancellationToken,
    _stop: DropGuard,
    _database: TestDatabase,
}

impl House {
    pub async fn open() -> Self {
        let database = postgres::database().await;
        let pool = Pool::new(&database.url, 8).expect("a pool");
        let stop = CancellationToken::new();
        let events = Events::start(&pool, stop.clone()).await.expect("events start");
        let doorbell = Doorbell::open(&pool).await.expect("the queue opens");
        Self {
            pool,
            events,
            doorbell,
            _stop: stop.clone().drop_guard(),
            stop,
            _database: database,
        }
    }

    /// A connected company that the real clock leaves alone: its connection is younger than any slot.
    pub async fn company(&self) -> Uuid {
        self.company_since(at("2100-01-01T00:00:00Z")).await
    }

    /// A company that was connected at this time.
    pub async fn company_since(&self, connected_at: DateTime<Utc>) -> Uuid {
        static COMPANIES: AtomicU32 = AtomicU32::new(1);
        let name = format!("Company {}", COMPANIES.fetch_add(1, Ordering::Relaxed));
        let mut conn = self.pool.get().await.expect("a connection");
        let company = company::insert(&mut conn, connected_at, &name, None)
            .await
            .expect("a company");
        let consent = Consent {
            role_proven: true,
            entra_tenant_id: Uuid::new_v4(),
            administrator: "Adele Vance".into(),
            administrator_oid: Uuid::new_v4(),
            expected_domain: None,
        };
        tenant::connect(&mut conn, connected_at, company.id, &consent)
            .await
            .expect("connected");
        company.id
    }

    /// Queues a run that is due, and rings for nobody.
    pub async fn queue(&self, company_id: Uuid, trigger: SyncTrigger) -> SyncRun {
        self.queue_wish(company_id, SyncKind::Identity, trigger, false).await
    }

    pub async fn queue_dry(&self, company_id: Uuid) -> SyncRun {
        self.queue_wish(company_id, SyncKind::Identity, SyncTrigger::Manual, true)
            .await
    }

    pub async fn queue_evidence(&self, company_id: Uuid) -> SyncRun {
        self.queue_wish(company_id, SyncKind::Evidence, SyncTrigger::Scheduled, false)
            .await
    }

    async fn queue_wish(&self, company_id: Uuid, kind: SyncKind, trigger: SyncTrigger, dry_run: bool) -> SyncRun {
        let wish = Wish {
            company_id,
            kind,
            trigger,
            mode: SyncMode::Auto,
            dry_run,
            rules: None,
            requested_by: "a test".into(),
        };
        let mut conn = self.pool.get().await.expect("a connection");
        conn.transaction(async |conn| sync_run::queue(conn, &wish).await)
            .await
            .expect("queued")
            .run
    }

    /// What the clock knows of a company's identity runs.
    pub async fn outlook(&self, company_id: Uuid) -> Outlook {
        let mut conn = self.pool.get().await.expect("a connection");
        let seen = sync_schedule::load(&mut conn, &Scope::All, &[company_id], SyncKind::Identity).await;
        seen.expect("the database answers")[0].1.outlook
    }

    pub async fn claim(&self, run_id: Uuid) -> Option<Claim> {
        let mut conn = self.pool.get().await.expect("a connection");
        lease::claim(&mut conn, run_id, "a test", Duration::from_secs(30))
            .await
            .expect("the database answers")
    }

    pub async fn finish(&self, claim: &Claim) {
        let mut conn = self.pool.get().await.expect("a connection");
        lease::finish(
            &mut conn,
            claim.run.id,
            claim.fence,
            SyncStatus::Succeeded,
            &said("Sync complete"),
            None,
        )
        .await
        .expect("the lease holds");
        self.events.wake();
    }

    /// Makes the lease of a run end now.
    pub async fn expire(&self, run_id: Uuid) {
        self.sql(&format!(
            "update sync_run set lease_until = now() - interval '1 second' where id = '{run_id}'"
        ))
        .await;
    }

    pub async fn run(&self, run_id: Uuid) -> SyncRun {
        let mut conn = self.pool.get().await.expect("a connection");
        sync_run::find(&mut conn, &Scope::All, run_id)
            .await
            .expect("the database answers")
            .expect("the run is there")
    }

    /// A worker in this process, on its own token.
    pub fn hire(&self, concurrency: usize) -> Hired {
        let stop = self.stop.child_token();
        let (perform, stage) = stage();
        let work = jobs::work(
            self.pool.clone(),
            self.doorbell.clone(),
            self.events.clone(),
            concurrency,
            perform,
            stop.clone(),
        );
        Hired {
            stop,
            stage,
            working: tokio::spawn(work),
        }
    }

    pub async fn now(&self) -> DateTime<Utc> {
        let client = self.pool.raw().await.expect("a connection");
        client.query_one("select now()", &[]).await.expect("a time").get(0)
    }

    pub async fn sql(&self, statement: &str) -> usize {
        let mut conn = self.pool.get().await.expect("a connection");
        diesel::sql_query(statement)
            .execute(&mut conn)
            .await
            .expect("the statement runs")
    }

    pub async fn number(&self, query: &str) -> i64 {
        let client = self.pool.raw().await.expect("a connection");
        client.query_one(query, &[]).await.expect("the query runs").get(0)
    }
}

/// A worker, and the stage on which its runs appear.
pub struct Hired {
    pub stop: CancellationToken,
    pub stage: mpsc::UnboundedReceiver<Performance>,
    working: JoinHandle<()>,
}

impl Hired {
    /// The next run that the worker performs; it goes on until the test lets it end.
    pub async fn next(&mut self) -> Performance {
        soon(self.stage.recv()).await.expect("the worker works")
    }

    /// Stops the worker and waits until it has left. What it performed that nobody looked at.
    pub async fn leave(mut self) -> Vec<Uuid> {
        self.stop.cancel();
        self.working.await.expect("the worker did not panic");
        let mut unseen = Vec::new();
        while let Ok(performance) = self.stage.try_recv() {
            unseen.push(performance.claim.run.id);
        }
        unseen
    }
}

/// A run that is being performed.
pub struct Performance {
    pub claim: Claim,
    pub place: Place,
    pub stop: CancellationToken,
    curtain: oneshot::Sender<()>,
}

impl Performance {
    /// Lets the performance return.
    pub fn end(self) {
        self.curtain.send(()).expect("it is still performed");
    }

    /// Waits until the worker has dropped the performance.
    pub async fn until_let_go(mut self) {
        soon(self.curtain.closed()).await;
    }
}

type Performing = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that performs runs by putting them on a stage, until the test ends them.
pub fn stage() -> (
    impl Fn(Claim, Place, CancellationToken) -> Performing + Clone + Send + Sync + 'static,
    mpsc::UnboundedReceiver<Performance>,
) {
    let (enter, stage) = mpsc::unbounded_channel();
    let perform = move |claim: Claim, place: Place, stop: CancellationToken| -> Performing {
        let enter = enter.clone();
        Box::pin(async move {
            let (curtain, fallen) = oneshot::channel();
            if enter
                .send(Performance {
                    claim,
                    place,
                    stop,
                    curtain,
                })
                .is_ok()
            {
                // An error is a test that is over.
                let _ = fallen.await;
            }
        })
    };
    (perform, stage)
}

/// Waits for what is on its way; what never comes fails the test and does not hang it.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what)
        .await
        .expect("it comes")
}

/// The next change that a watcher hears of.
pub async fn heard(watch: &mut Watch) -> SyncRun {
    match soon(watch.next()).await.expect("the server is not stopping") {
        News::Run(run) => (*run).clone(),
        News::Missed => panic!("nothing was missed"),
    }
}

/// Waits until a watcher hears that the run has this status.
pub async fn heard_status(watch: &mut Watch, run_id: Uuid, status: SyncStatus) -> SyncRun {
    loop {
        let run = heard(watch).await;
        if run.id == run_id && run.status == status {
            return run;
        }
    }
}

pub fn said(message: &str) -> Report {
    Report {
        message: message.into(),
        ..Report::default()
    }
}

pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().expect("a time")
}
