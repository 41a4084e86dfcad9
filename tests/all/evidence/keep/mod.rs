//! Keeping evidence, on a Postgres of the test's own.

mod findings;
mod locks;
mod reading;
mod retention;
mod storing;
mod tampering;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use tenantry::db::{Loan, Pool};
use tenantry::evidence::judge::{Counts, Finding, FindingKind, Population, Status, Verdict};
use tenantry::evidence::keep::{self, Kept, ObjectFilter, ObjectRow, Opened};
use tenantry::evidence::snapshot::{Object, Outcome, Pull, Refusal, Resource, Snapshot};
use tenantry::model::Scope;
use tenantry::model::page::{self, Owner, Slice};
use tenantry::model::sync_run::lease::LeaseError;
use uuid::Uuid;

use crate::support::postgres::{self, TestDatabase};

/// A company and the runs that are kept of it, one every six hours.
pub(super) struct Keeper {
    pub(super) pool: Pool,
    pub(super) company: Uuid,
    /// When the next run is taken.
    pub(super) next: DateTime<Utc>,
    _database: TestDatabase,
}

pub(super) fn monday() -> DateTime<Utc> {
    "2026-01-05T00:15:00Z".parse().expect("a time")
}

impl Keeper {
    pub(super) async fn start() -> Self {
        let database = postgres::database().await;
        let pool = Pool::new(&database.url, 4).expect("a pool");
        let mut keeper = Self {
            pool,
            company: Uuid::nil(),
            next: monday(),
            _database: database,
        };
        keeper.company = keeper.company("Contoso").await;
        keeper
    }

    pub(super) async fn company(&self, name: &str) -> Uuid {
        let company = Uuid::now_v7();
        self.sql(&format!(
            "insert into company (id, name) values ('{company}', '{name}')"
        ))
        .await;
        self.sql(&format!(
            "insert into tenant (company_id, entra_tenant_id, status, connected_at)
             values ('{company}', gen_random_uuid(), 'CONNECTED', '2026-01-04T00:00:00Z')"
        ))
        .await;
        company
    }

    pub(super) async fn conn(&self) -> Loan {
        self.pool.get().await.expect("a connection")
    }

    /// Runs one statement, or says with which code it was refused.
    pub(super) async fn try_sql(&self, statement: &str) -> Result<u64, String> {
        let client = self.pool.raw().await.expect("a connection");
        client
            .execute(statement, &[])
            .await
            .map_err(|error| error.code().expect("Postgres refused it").code().to_owned())
    }

    pub(super) async fn sql(&self, statement: &str) -> u64 {
        self.try_sql(statement).await.expect("the statement runs")
    }

    /// Does what only a superuser can: changes evidence while its triggers are off.
    async fn tamper(&self, table: &str, statement: &str) {
        let client = self.pool.raw().await.expect("a connection");
        for statement in [
            &*format!("alter table {table} disable trigger user"),
            statement,
            &*format!("alter table {table} enable always trigger {table}_is_append_only"),
        ] {
            let touched = client.execute(statement, &[]).await.expect("the statement runs");
            assert!(
                statement.starts_with("alter") || touched == 1,
                "{statement} touches one row"
            );
        }
    }

    async fn faults(&self) -> Vec<String> {
        let mut conn = self.conn().await;
        let faults = keep::verify(&mut conn, self.company)
            .await
            .expect("the database answers");
        faults.iter().map(ToString::to_string).collect()
    }

    async fn number(&self, query: &str) -> i64 {
        let client = self.pool.raw().await.expect("a connection");
        client.query_one(query, &[]).await.expect("the query runs").get(0)
    }

    /// The object as it stood after this run, as far as the scope sees it.
    async fn object(&self, scope: &Scope, seq: i64, resource: Resource, id: &str) -> Option<Opened<ObjectRow>> {
        let filter = ObjectFilter {
            resource: Some(resource),
            object_id: Some(id.to_owned()),
            ..ObjectFilter::default()
        };
        let (owner, listing) = (Owner::company(self.company), keep::list_objects(scope, seq, &filter));
        let mut conn = self.conn().await;
        let mut pages = page::list(&mut conn, scope, &[owner], &listing, &Slice::ONE)
            .await
            .expect("an answer");
        let page: page::Page<Opened<ObjectRow>> = pages.remove(&owner)?;
        page.rows.into_iter().next().map(|placed| placed.row)
    }

    /// A run that a worker holds, with fence 1.
    async fn running(&self) -> Uuid {
        let run = Uuid::now_v7();
        self.sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by,
                                   queued_at, not_before, fence, lease_until)
             values ('{run}', '{}', 'EVIDENCE', 'MANUAL', 'AUTO', false, 'RUNNING', '', 'a test', now(), now(), 1,
                     now() + interval '1 hour')",
            self.company
        ))
        .await;
        run
    }

    async fn ended(&self, run: Uuid) {
        self.sql(&format!(
            "update sync_run set status = 'SUCCEEDED', finished_at = now() where id = '{run}'"
        ))
        .await;
    }

    /// Keeps a run that is taken now, and moves on by six hours.
    pub(super) async fn keep(&mut self, pulls: BTreeMap<Resource, Pull>, verdicts: &[Verdict]) -> Kept {
        let run = self.running().await;
        let kept = self.keep_as(run, 1, pulls, verdicts).await.expect("the run is kept");
        self.ended(run).await;
        self.next += Duration::hours(6);
        kept
    }

    async fn keep_as(
        &self,
        run: Uuid,
        fence: i64,
        pulls: BTreeMap<Resource, Pull>,
        verdicts: &[Verdict],
    ) -> Result<Kept, LeaseError> {
        let snapshot = Snapshot {
            taken_at: self.next,
            granted_roles: vec!["Policy.Read.All".into(), "User.Read.All".into()],
            pulls,
        };
        let mut conn = self.conn().await;
        keep::store(&mut conn, self.company, run, &snapshot, verdicts, self.next, fence).await
    }
}

/// Whole readings.
pub fn read<const N: usize>(readings: [(Resource, Vec<Value>); N]) -> BTreeMap<Resource, Pull> {
    let whole = |(resource, objects)| (resource, pull(Outcome::Complete, objects));
    readings.into_iter().map(whole).collect()
}

pub(super) fn pull(outcome: Outcome, objects: Vec<Value>) -> Pull {
    let object = |content: Value| Object {
        id: content["id"].as_str().expect("an id").to_owned(),
        content,
    };
    let refusal = Refusal {
        code: Some("TooManyRequests".into()),
        message: "no more".into(),
    };
    Pull {
        request: "/v1.0/things".into(),
        permission: "Policy.Read.All".into(),
        started_at: monday(),
        finished_at: monday(),
        pages: 1,
        last_page_reached: outcome == Outcome::Complete,
        witness: None,
        request_ids: vec!["a request".into()],
        outcome,
        refusal: (outcome != Outcome::Complete).then_some(refusal),
        objects: objects.into_iter().map(object).collect(),
    }
}

pub fn policy(id: &str, state: &str) -> Value {
    json!({"id": id, "displayName": format!("Policy {id}"), "state": state, "conditions": {"users": {"includeUsers": ["All"]}}})
}

pub fn device(id: &str, state: &str, last_sync: &str) -> Value {
    json!({"id": id, "deviceName": format!("PC {id}"), "complianceState": state, "lastSyncDateTime": last_sync})
}

/// A verdict on so many, of whom these failed.
pub fn verdict(check: &str, population: &[&str], failed: &[&str]) -> Verdict {
    let status = if failed.is_empty() { Status::Pass } else { Status::Fail };
    let finding = |id: &&str| Finding {
        resource: Resource::Users,
        object_id: (*id).to_owned(),
        name: Some(format!("Person {id}")),
        kind: FindingKind::Failed,
        because: "no policy asks them for a second factor".into(),
        lineage: json!({"path": ["policy", "group", id]}),
    };
    Verdict {
        check: check.into(),
        version: 1,
        logic_sha256: "00".repeat(32),
        status,
        reason: None,
        indeterminate: None,
        counts: Counts {
            population: population.len() as u64,
            passed: (population.len() - failed.len()) as u64,
            failed: failed.len() as u64,
            ..Counts::default()
        },
        parameters: json!({"days": 90}),
        inputs: vec![Resource::Users],
        findings: failed.iter().map(finding).collect(),
        populations: vec![Population {
            name: "MEMBERS".into(),
            size: population.len() as u64,
            ids: population.iter().map(|id| (*id).to_owned()).collect(),
            completeness: "GET /v1.0/users gave them all.".into(),
        }],
        facts: json!({}),
    }
}
