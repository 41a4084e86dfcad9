//! What evidence costs: judging every check, keeping a run, and asking for an instant, against what the same rows cost
//! Postgres and `serde_json` without any of it.
//!
//! The history is that of three days: in each run one in a hundred people, registrations and devices changes, most
//! devices have reported anew and some people have signed in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::{SinkExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenantry::db::{Loan, Pool};
use tenantry::evidence::collect::{Progress, collect};
use tenantry::evidence::judge::{self, Verdict};
use tenantry::evidence::keep::{self, ObjectFilter, ObjectRow, Opened};
use tenantry::evidence::snapshot::{Object, Resource, Snapshot};
use tenantry::model::page::{self, End, Owner, Page, Slice};
use tenantry::model::sync_run::lease::{self, Report};
use tenantry::model::sync_run::{self, SyncKind, SyncMode, SyncStatus, SyncTrigger, Wish};
use tenantry::model::{Scope, company};
use tokio::sync::watch;
use uuid::Uuid;

use super::{say, stage};

/// Conditional access policies of the tenant.
const POLICIES: usize = 50;

/// Runs with changes: three days.
const RUNS: usize = 12;

const EVERY: TimeDelta = TimeDelta::hours(6);

/// What one worker measured: seconds and bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    objects: usize,
    plain: f64,
    collect: f64,
    parse: f64,
    judge: f64,
    copy: f64,
    first: f64,
    first_bytes: f64,
    unchanged: f64,
    changed: f64,
    changed_bytes: f64,
    changed_objects: f64,
    as_of_page: f64,
    as_of_all: f64,
    copied_all: f64,
    verify: f64,
    peak_kib: u64,
}

/// Rounds on a fresh tenant each; medians, and what follows from them.
pub async fn compare(people: u32, devices: u32, rounds: usize) -> anyhow::Result<()> {
    let postgres = stage::postgres().await?;
    let mut figures = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}: {people} people, {devices} devices, {POLICIES} policies");
        figures.push(stage::one_round("evidence-worker", people, devices, postgres.url())?);
    }
    postgres.stop().await?;
    tell(people, devices, &figures);
    Ok(())
}

fn tell(people: u32, devices: u32, figures: &[Figures]) {
    let row = |what: &str, of: fn(&Figures) -> f64| {
        say(&format!("| {what} | {:.2} |", stage::median(figures, of)));
    };
    say(&format!(
        "| {people} people, {devices} devices, {POLICIES} policies | |\n|---|---|"
    ));
    row("objects", |f| stage::float(f.objects));
    row("as plain JSON, MiB", |f| f.plain / MIB);
    row("reading from the simulator, s", |f| f.collect);
    row("judging every check, s", |f| f.judge);
    row("judging / parsing the same JSON", |f| f.judge / f.parse);
    row("keeping the first run, s", |f| f.first);
    row("keeping the first run / COPY of the same objects", |f| f.first / f.copy);
    row("the first run, MiB in the database", |f| f.first_bytes / MIB);
    row("keeping an unchanged run / the first", |f| f.unchanged / f.first);
    row("keeping a run with 1 % changed / the first", |f| f.changed / f.first);
    row("objects that such a run adds", |f| f.changed_objects);
    row("such a run, MiB in the database", |f| f.changed_bytes / MIB);
    row("such a run / its plain JSON", |f| f.changed_bytes / f.plain);
    row("a page of 100 devices as of an instant, ms", |f| f.as_of_page * 1e3);
    row("all devices as of an instant, s", |f| f.as_of_all);
    row("all devices as of an instant / reading them from a plain table", |f| {
        f.as_of_all / f.copied_all
    });
    row("verifying everything kept, s", |f| f.verify);
    row("peak memory of the worker, MiB", |f| stage::float(f.peak_kib) / 1024.0);
}

const MIB: f64 = 1024.0 * 1024.0;

/// Reads a fresh tenant once, lives through [`RUNS`] runs of it, and prints what that took.
pub async fn measure(database: &str, simulator: &str, entra_id: Uuid) -> anyhow::Result<()> {
    add_policies(simulator, entra_id).await?;
    let pool = Pool::new(database, 4)?;
    let bench = Bench {
        company_id: stage::connect(&pool, entra_id).await?,
        pool,
    };
    let (collect, mut snapshot) = bench.collect(simulator, entra_id).await?;
    let text = serde_json::to_vec(&contents(&snapshot))?;
    let parse = parse(&text)?;
    let judge = bench.judging(&snapshot).await?;
    let copy = bench.copy(&snapshot).await?;
    let at = snapshot.taken_at;
    let (first, first_bytes, _) = bench.run(&snapshot).await?;
    snapshot.taken_at += EVERY;
    let (unchanged, ..) = bench.run(&snapshot).await?;
    let mut changed = Vec::new();
    for turn in 0..RUNS {
        snapshot.taken_at += EVERY;
        change(&mut snapshot, turn);
        changed.push(bench.run(&snapshot).await?);
    }
    let peak_kib = stage::peak_kib()?;
    let midst = at + EVERY * 7;
    let began = Instant::now();
    let faults = keep::verify(&mut *bench.conn().await?, bench.company_id).await?;
    let verify = began.elapsed().as_secs_f64();
    ensure!(faults.is_empty(), "{faults:?}");
    let figures = Figures {
        objects: snapshot.pulls.values().map(|pull| pull.objects.len()).sum(),
        plain: stage::float(text.len()),
        collect,
        parse,
        judge,
        copy,
        first,
        first_bytes,
        unchanged,
        changed: stage::median(&changed, |run| run.0),
        changed_bytes: changed.iter().map(|run| run.1).sum::<f64>() / stage::float(RUNS),
        changed_objects: stage::median(&changed, |run| stage::float(run.2)),
        as_of_page: bench.devices_as_of(midst, 1).await?,
        as_of_all: bench.devices_as_of(midst, usize::MAX).await?,
        copied_all: bench.copied_devices().await?,
        verify,
        peak_kib,
    };
    say(&serde_json::to_string(&figures)?);
    bench.clear().await
}

/// Gives the tenant its policies: each asks for a second factor and leaves another handful of people out.
async fn add_policies(simulator: &str, tenant: Uuid) -> anyhow::Result<()> {
    let control = format!("{simulator}_control/tenants/{tenant}");
    let had: Value = stage::client()
        .get(format!("{control}/policies"))
        .send()
        .await?
        .json()
        .await?;
    let had = had["value"].as_array().map_or(0, Vec::len);
    for number in had..POLICIES {
        let policy = json!({
            "displayName": format!("Policy {number}"), "state": "enabled",
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
            "conditions": {
                "users": {"includeUsers": ["All"], "excludeUsers": (0..10).map(|one| Uuid::from_u128(number as u128 * 10 + one)).collect::<Vec<_>>()},
                "applications": {"includeApplications": ["All"]},
            },
        });
        let posted = stage::client()
            .post(format!("{control}/policies"))
            .json(&policy)
            .send()
            .await?;
        posted.error_for_status()?;
    }
    Ok(())
}

/// What was read, as Microsoft sent it.
fn contents(snapshot: &Snapshot) -> Vec<&Value> {
    let objects = snapshot.pulls.values().flat_map(|pull| &pull.objects);
    objects.map(|object| &object.content).collect()
}

/// Seconds that `serde_json` takes to read the text.
fn parse(text: &[u8]) -> anyhow::Result<f64> {
    let began = Instant::now();
    let parsed: Vec<Value> = serde_json::from_slice(text)?;
    ensure!(!parsed.is_empty(), "something was read");
    Ok(began.elapsed().as_secs_f64())
}

/// What happens to a tenant in six hours.
fn change(snapshot: &mut Snapshot, turn: usize) {
    let at = json!(snapshot.taken_at);
    let mut turned = |resource: Resource, one_in: usize, deed: fn(&mut Value, &Value)| {
        let Some(pull) = snapshot.pulls.get_mut(&resource) else {
            return;
        };
        for Object { content, .. } in pull.objects.iter_mut().skip(turn).step_by(one_in) {
            deed(content, &at);
        }
    };
    turned(Resource::Users, 100, |person, _| {
        person["accountEnabled"] = json!(person["accountEnabled"] != true);
    });
    turned(Resource::Registration, 100, |registration, _| {
        registration["isMfaCapable"] = json!(registration["isMfaCapable"] != true);
    });
    turned(Resource::ManagedDevices, 100, |device, _| {
        let compliant = device["complianceState"] == "compliant";
        device["complianceState"] = json!(if compliant { "noncompliant" } else { "compliant" });
    });
    turned(Resource::UsersSignin, 5, |person, at| {
        person["signInActivity"]["lastSuccessfulSignInDateTime"] = at.clone();
    });
    turned(Resource::ManagedDevices, 2, |device, at| {
        device["lastSyncDateTime"] = at.clone()
    });
}

struct Bench {
    pool: Pool,
    company_id: Uuid,
}

impl Bench {
    async fn conn(&self) -> anyhow::Result<Loan> {
        self.pool.get().await
    }

    async fn collect(&self, simulator: &str, tenant: Uuid) -> anyhow::Result<(f64, Snapshot)> {
        let graph = stage::microsoft(simulator)?.graph(tenant);
        let taken_at: DateTime<Utc> = "2026-01-05T00:15:00Z".parse()?;
        let (progress, _told) = watch::channel(Progress::default());
        let began = Instant::now();
        let snapshot = collect(&graph, &(Arc::new(move || taken_at) as _), &progress).await?;
        let took = began.elapsed().as_secs_f64();
        for (resource, pull) in &snapshot.pulls {
            ensure!(pull.is_complete(), "{resource}: {:?}", pull.refusal);
        }
        Ok((took, snapshot))
    }

    async fn judge(&self, snapshot: &Snapshot) -> anyhow::Result<(f64, Vec<Verdict>)> {
        let mut conn = self.conn().await?;
        let past = keep::past(&mut conn, self.company_id, snapshot.taken_at).await?;
        let declarations = keep::declarations(&mut conn, self.company_id, snapshot.taken_at).await?;
        let began = Instant::now();
        let verdicts = judge::judge(snapshot, &past, &declarations);
        Ok((began.elapsed().as_secs_f64(), verdicts))
    }

    /// Seconds of judging, once warm.
    async fn judging(&self, snapshot: &Snapshot) -> anyhow::Result<f64> {
        let mut took = Vec::new();
        for _ in 0..5 {
            took.push(self.judge(snapshot).await?.0);
        }
        Ok(stage::median(&took, |took| *took))
    }

    /// Judges and keeps a run: the seconds of keeping, the bytes that the tables grew by, the objects that were added.
    async fn run(&self, snapshot: &Snapshot) -> anyhow::Result<(f64, f64, usize)> {
        let (_, verdicts) = self.judge(snapshot).await?;
        let before = self.bytes().await?;
        let mut conn = self.conn().await?;
        let now = snapshot.taken_at;
        let wish = Wish {
            company_id: self.company_id,
            kind: SyncKind::Evidence,
            trigger: SyncTrigger::Manual,
            mode: SyncMode::Auto,
            dry_run: false,
            rules: None,
            requested_by: "the bench".into(),
        };
        let queued = conn.transaction(async |conn| sync_run::queue(conn, &wish).await);
        let run_id = queued.await?.run.id;
        let claim = lease::claim(&mut conn, run_id, "the bench", Duration::from_secs(3_600)).await?;
        let fence = claim.context("claimed")?.fence;
        let began = Instant::now();
        let kept = keep::store(&mut conn, self.company_id, run_id, snapshot, &verdicts, now, fence).await?;
        let took = began.elapsed().as_secs_f64();
        lease::finish(
            &mut conn,
            run_id,
            fence,
            SyncStatus::Succeeded,
            &Report::default(),
            None,
        )
        .await?;
        Ok((took, self.bytes().await? - before, kept.objects))
    }

    /// Bytes of every table of evidence with its indexes.
    async fn bytes(&self) -> anyhow::Result<f64> {
        let client = self.pool.raw().await?;
        let sum = "select sum(pg_total_relation_size(oid))::float8 from pg_class
                   where relkind = 'r' and relname like 'evidence\\_%'";
        Ok(client.query_one(sum, &[]).await?.get(0))
    }

    /// Seconds that a bare `COPY` of the objects takes into a table with the same key.
    async fn copy(&self, snapshot: &Snapshot) -> anyhow::Result<f64> {
        let client = self.pool.raw().await?;
        let table = "create table if not exists copied_evidence
                     (resource text, object_id text, content text, primary key (resource, object_id))";
        client.execute(table, &[]).await?;
        client.execute("truncate copied_evidence", &[]).await?;
        let mut rows = Vec::new();
        for (resource, pull) in &snapshot.pulls {
            for object in &pull.objects {
                let content = object
                    .content
                    .to_string()
                    .replace('\\', "\\\\")
                    .replace(['\n', '\t'], " ");
                rows.push(bytes::Bytes::from(format!("{resource}\t{}\t{content}\n", object.id)));
            }
        }
        let began = Instant::now();
        let sink = client.copy_in("copy copied_evidence from stdin").await?;
        let mut sink = Box::pin(sink);
        for row in rows {
            sink.feed(row).await?;
        }
        sink.close().await?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// Seconds that it takes to read so many pages of the devices as they stood at this instant, with their content.
    async fn devices_as_of(&self, at: DateTime<Utc>, pages: usize) -> anyhow::Result<f64> {
        let scope = Scope::Companies(vec![self.company_id]);
        let mut conn = self.conn().await?;
        let began = Instant::now();
        let run = keep::run_as_of(&mut conn, &scope, self.company_id, at)
            .await?
            .context("a run")?;
        let filter = ObjectFilter {
            resource: Some(Resource::ManagedDevices),
            ..ObjectFilter::default()
        };
        let listing = keep::list_objects(&scope, run.seq, &filter);
        let owner = Owner::company(self.company_id);
        let mut slice = Slice {
            end: End::First,
            most: 100,
            after: None,
            before: None,
        };
        for _ in 0..pages {
            let mut read = page::list(&mut conn, &scope, &[owner], &listing, &slice).await?;
            let page: Page<Opened<ObjectRow>> = read.remove(&owner).context("a page")?;
            slice.after = page.rows.last().map(|placed| placed.mark.clone());
            if !page.more {
                break;
            }
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// Seconds that the same devices take from the plain table, and to be parsed.
    async fn copied_devices(&self) -> anyhow::Result<f64> {
        let client = self.pool.raw().await?;
        let began = Instant::now();
        let query = "select content from copied_evidence where resource = $1 order by object_id";
        let rows = client.query_raw(query, ["managed_devices"]).await?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await? {
            let _: Value = serde_json::from_str(row.get(0))?;
        }
        Ok(began.elapsed().as_secs_f64())
    }

    async fn clear(&self) -> anyhow::Result<()> {
        let mut conn = self.conn().await?;
        company::remove(&mut conn, self.company_id).await?;
        Ok(())
    }
}
