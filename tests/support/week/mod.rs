//! Days of many companies in minutes, on a clock that is moved.
//!
//! **Real**: Postgres, and all that decides what runs when: the slots, the schedules and the leaving alone of who fails
//! (`jobs::clock::strike`, by two nodes at one moment), which run gets a worker's place (`jobs::places`), claims, leases,
//! fences, waits, ends, and the taking back of what a dead worker held.
//!
//! **Moved**: the database's clock. Every statement of ours says `now()` or `clock_timestamp()` without a schema; here
//! these are functions that answer what the simulation says. No process's own clock is asked.
//!
//! **Made up**: Microsoft, and so how long a run takes ([`Nature::duration`]); the doorbell, of which only the sweep's
//! ring every two seconds is left, so that a start is never earlier than in life; and the workers, which take turns in one
//! program, so that races between them do not show (other tests are about those). A lease is renewed once for the whole
//! run and cut short when its worker dies. Lateness is therefore that of the queue, not of a machine: what the machine
//! needs to keep up is in the time that the simulation itself takes.

mod figures;
mod nature;
mod promises;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tenantry::db::{Connection, Pool, events};
use tenantry::jobs::clock::strike;
use tenantry::jobs::places::Places;
use tenantry::model::clock::next_slot;
use tenantry::model::sync_run::lease::{self, Claim, Report};
use tenantry::model::sync_run::{self, RunFailure, SyncKind, SyncMode, SyncRun, SyncStatus, SyncTrigger, Wish};
use tenantry::run::Place;
use uuid::Uuid;

pub use self::figures::Figures;
use self::nature::Nature;

/// How much is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub companies: usize,
    pub days: i64,
    /// Places of each of the two workers.
    pub places: usize,
    pub seed: u64,
}

/// Workers, each a process in life.
const WORKERS: usize = 2;
/// The sweep rings for what is due this often.
const RING_EVERY: i64 = 2;
/// A dead worker is started again after this.
const RESTART: TimeDelta = TimeDelta::seconds(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Both nodes look at the clock.
    Strike,
    /// Somebody clicks on this company.
    Click(usize),
    /// The sweep rings for what is due.
    Ring,
    /// The run with this claim ends, or waits.
    End(u64),
    Die(usize),
    Start(usize),
    /// Every process stops, and the clock with them.
    Down,
    Up,
}

struct Worker {
    places: Places,
    lives: bool,
}

struct Performance {
    claim: Claim,
    worker: usize,
    place: Place,
}

struct Simulation {
    plan: Plan,
    pool: Pool,
    chance: StdRng,
    now: DateTime<Utc>,
    end: DateTime<Utc>,
    events: BinaryHeap<Reverse<(DateTime<Utc>, u64, Event)>>,
    numbers: u64,
    workers: Vec<Worker>,
    performed: HashMap<u64, Performance>,
    companies: HashMap<Uuid, Nature>,
    ids: Vec<Uuid>,
    down: (DateTime<Utc>, DateTime<Utc>),
    begun: HashSet<Uuid>,
    figures: Figures,
}

/// Simulates `plan` in a migrated database that nobody else uses.
///
/// # Errors
/// When the database fails, or a promise was broken.
pub async fn simulate(url: &str, plan: Plan) -> anyhow::Result<Figures> {
    let began = Instant::now();
    let start: DateTime<Utc> = "2030-01-06T23:59:00Z".parse()?;
    move_clock_into(url, start).await?;
    let mut simulation = Simulation::begin(url, plan, start).await?;
    simulation.run().await?;
    simulation.settle().await?;
    let mut figures = simulation.figures;
    figures.took = began.elapsed();
    Ok(figures)
}

/// From the next connection on, `now()` is what the table says. An unqualified name is looked for in `pg_catalog` first
/// unless the path says otherwise.
async fn move_clock_into(url: &str, start: DateTime<Utc>) -> anyhow::Result<()> {
    let pool = Pool::new(url, 1)?;
    let client = pool.raw().await?;
    client
        .simple_query(&format!(
            "create schema moved;
             create unlogged table moved.clock as select timestamptz '{start}' as at;
             create function moved.now() returns timestamptz language sql stable as 'select at from moved.clock';
             create function moved.clock_timestamp() returns timestamptz language sql volatile as 'select at from moved.clock';
             do $$ begin
                 execute format('alter database %I set search_path = moved, public, pg_catalog', current_database());
                 execute format('alter database %I set synchronous_commit = off', current_database());
             end $$"
        ))
        .await?;
    Ok(())
}

impl Simulation {
    async fn begin(url: &str, plan: Plan, start: DateTime<Utc>) -> anyhow::Result<Self> {
        let end = start + TimeDelta::days(plan.days);
        // A night's downtime on the last day, over slots of both kinds.
        let last = end - TimeDelta::days(1);
        let down = (last + TimeDelta::minutes(231), last + TimeDelta::minutes(761));
        let mut simulation = Self {
            plan,
            pool: Pool::new(url, 4)?,
            chance: StdRng::seed_from_u64(plan.seed),
            now: start,
            end,
            events: BinaryHeap::new(),
            numbers: 0,
            workers: Vec::new(),
            performed: HashMap::new(),
            companies: HashMap::new(),
            ids: Vec::new(),
            down,
            begun: HashSet::new(),
            figures: Figures {
                companies: plan.companies,
                days: plan.days,
                lateness: ["small", "large", "failing", "clicks"]
                    .map(|name| (name, Vec::new()))
                    .into(),
                ..Figures::default()
            },
        };
        for number in 0..WORKERS {
            let worker = simulation.fresh_worker(number);
            simulation.workers.push(worker);
        }
        simulation.connect_companies(start).await?;
        simulation.plan_ahead(start, down);
        Ok(simulation)
    }

    fn fresh_worker(&mut self, number: usize) -> Worker {
        self.numbers += 1;
        Worker {
            places: Places::new(format!("worker {number}, start {}", self.numbers), self.plan.places),
            lives: true,
        }
    }

    /// The ids follow from the seed, and with them each company's offset in a slot.
    async fn connect_companies(&mut self, start: DateTime<Utc>) -> anyhow::Result<()> {
        let ids: Vec<Uuid> = (0..self.plan.companies)
            .map(|_| Uuid::from_u128(self.chance.random()))
            .collect();
        let large: Vec<bool> = (0..ids.len())
            .map(|number| Nature::of(number) == Nature::Large)
            .collect();
        let client = self.pool.raw().await?;
        client
            .execute(
                "insert into company (id, name) select id, id::text from unnest($1::uuid[]) id",
                &[&ids],
            )
            .await?;
        client
            .execute(
                "insert into tenant (company_id, entra_tenant_id, status, connected_at, large)
                 select id, id, 'CONNECTED', $3::timestamptz, large
                 from unnest($1::uuid[], $2::bool[]) as new (id, large)",
                &[&ids, &large, &start],
            )
            .await?;
        client.execute("analyze company, tenant", &[]).await?;
        self.companies = ids
            .iter()
            .enumerate()
            .map(|(number, id)| (*id, Nature::of(number)))
            .collect();
        self.ids = ids;
        Ok(())
    }

    fn plan_ahead(&mut self, start: DateTime<Utc>, down: (DateTime<Utc>, DateTime<Utc>)) {
        for kind in SyncKind::ALL {
            let mut slot = next_slot(*kind, start);
            while slot < self.end {
                let looked = slot + TimeDelta::milliseconds(self.chance.random_range(0..10_000));
                self.at(looked, Event::Strike);
                let later = slot + TimeDelta::minutes(self.chance.random_range(1..200));
                self.at(later, Event::Strike);
                slot = next_slot(*kind, slot);
            }
        }
        let seconds = (self.end - start).num_seconds();
        for _ in 0..(self.plan.companies * usize::try_from(self.plan.days).unwrap_or(0) / 20) {
            let company = self.chance.random_range(0..self.plan.companies);
            let when = start + TimeDelta::seconds(self.chance.random_range(0..seconds));
            self.at(when, Event::Click(company));
        }
        for day in 0..self.plan.days {
            // In the busiest minutes of a slot.
            let rush = start
                + TimeDelta::days(day)
                + TimeDelta::minutes(18)
                + TimeDelta::seconds(self.chance.random_range(0..300));
            let worker = self.chance.random_range(0..WORKERS);
            self.at(rush, Event::Die(worker));
            self.at(rush + RESTART, Event::Start(worker));
        }
        self.at(down.0, Event::Down);
        self.at(down.1, Event::Up);
    }

    fn at(&mut self, when: DateTime<Utc>, event: Event) {
        self.numbers += 1;
        self.events.push(Reverse((when, self.numbers, event)));
    }

    async fn run(&mut self) -> anyhow::Result<()> {
        let mut day = self.now.date_naive();
        while let Some(Reverse((when, _, event))) = self.events.pop() {
            self.move_to(when).await?;
            if self.now.date_naive() != day {
                day = self.now.date_naive();
                events::prune(&mut *self.pool.get().await?).await?;
            }
            self.happen(event).await?;
        }
        Ok(())
    }

    async fn move_to(&mut self, when: DateTime<Utc>) -> anyhow::Result<()> {
        if when > self.now {
            self.now = when;
            let client = self.pool.raw().await?;
            client.execute("update moved.clock set at = $1", &[&when]).await?;
        }
        Ok(())
    }

    fn is_down(&self) -> bool {
        (self.down.0..self.down.1).contains(&self.now)
    }

    async fn happen(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Strike if !self.is_down() => self.strike().await,
            Event::Click(company) if !self.is_down() => self.click(company).await,
            Event::Ring if !self.is_down() => self.ring().await,
            Event::Strike | Event::Click(_) | Event::Ring => Ok(()),
            Event::End(number) => self.end(number).await,
            Event::Die(worker) => self.die(worker).await,
            Event::Start(worker) => {
                self.workers[worker] = self.fresh_worker(worker);
                self.ring_at(self.now);
                Ok(())
            }
            Event::Down => {
                for worker in 0..WORKERS {
                    self.die(worker).await?;
                }
                Ok(())
            }
            Event::Up => {
                for worker in 0..WORKERS {
                    self.workers[worker] = self.fresh_worker(worker);
                }
                self.strike().await
            }
        }
    }

    /// Two nodes look at the same moment.
    async fn strike(&mut self) -> anyhow::Result<()> {
        let (mut here, mut there) = (self.pool.get().await?, self.pool.get().await?);
        let mut rings = false;
        for kind in SyncKind::ALL {
            let (one, other) = tokio::join!(strike(&mut here, *kind, self.now), strike(&mut there, *kind, self.now));
            if one? + other? > 0 {
                rings = true;
            }
        }
        drop((here, there));
        if rings { self.ring_when_due().await } else { Ok(()) }
    }

    /// The sweep will find everything that is due by then.
    async fn ring_when_due(&mut self) -> anyhow::Result<()> {
        let client = self.pool.raw().await?;
        let due = client
            .query(
                "select distinct ceil(extract(epoch from not_before) / $1::int8)::int8 from sync_run
                 where status in ('QUEUED', 'WAITING')",
                &[&RING_EVERY],
            )
            .await?;
        for row in due {
            let when = DateTime::from_timestamp(row.get::<_, i64>(0) * RING_EVERY, 0).context("a time")?;
            self.ring_at(when);
        }
        Ok(())
    }

    fn ring_at(&mut self, when: DateTime<Utc>) {
        let seconds = when.max(self.now).timestamp() + RING_EVERY;
        let turn = DateTime::from_timestamp(seconds - seconds % RING_EVERY, 0).unwrap_or(when);
        self.at(turn, Event::Ring);
    }

    async fn click(&mut self, company: usize) -> anyhow::Result<()> {
        let now = self.now;
        let wish = Wish {
            company_id: self.ids[company],
            kind: SyncKind::Identity,
            trigger: SyncTrigger::Manual,
            mode: SyncMode::Auto,
            dry_run: false,
            rules: None,
            requested_by: "somebody".into(),
            not_before: now,
        };
        let mut conn = self.pool.get().await?;
        conn.transaction(async |conn| sync_run::queue(conn, now, &wish).await)
            .await
            .map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        self.ring_at(now);
        Ok(())
    }

    async fn ring(&mut self) -> anyhow::Result<()> {
        let mut conn = self.pool.get().await?;
        self.figures.taken_back += lease::take_back_expired(&mut conn).await?.len();
        for worker in 0..WORKERS {
            self.fill(&mut conn, worker).await?;
        }
        Ok(())
    }

    /// Gives a worker's free places to what is due.
    async fn fill(&mut self, conn: &mut Connection, worker: usize) -> anyhow::Result<()> {
        while self.workers[worker].lives {
            let places = &self.workers[worker].places;
            let Some(mut place) = places.try_take() else { break };
            let Some(claim) = places.claim(conn, &mut place, None).await? else {
                break;
            };
            self.perform(conn, worker, place, claim).await?;
        }
        Ok(())
    }

    async fn perform(
        &mut self,
        conn: &mut Connection,
        worker: usize,
        place: Place,
        claim: Claim,
    ) -> anyhow::Result<()> {
        let run = &claim.run;
        let nature = self.companies[&run.company_id];
        if self.begun.insert(run.id) {
            let late = (self.now - self.due_since(run)).as_seconds_f64();
            let who = match (run.trigger, nature) {
                (SyncTrigger::Manual, _) => 3,
                (_, Nature::Small) => 0,
                (_, Nature::Large) => 1,
                (_, Nature::Failing) => 2,
            };
            self.figures.lateness[who].1.push(late);
        }
        let duration = nature.duration(run.kind, &mut self.chance);
        let held = duration.to_std()? + Duration::from_secs(30);
        lease::renew(conn, run.id, claim.fence, held).await?;
        self.at(self.now + duration, Event::End(self.numbers + 1));
        let performance = Performance { claim, worker, place };
        self.performed.insert(self.numbers, performance);
        Ok(())
    }

    /// Since when it could have begun: nobody was there in the downtime.
    fn due_since(&self, run: &SyncRun) -> DateTime<Utc> {
        let since = run.not_before.max(run.queued_at);
        let up = self.down.1;
        if up <= self.now { since.max(up) } else { since }
    }

    /// Most runs end; one in fifty is throttled, and goes on after a minute.
    async fn end(&mut self, number: u64) -> anyhow::Result<()> {
        // Of a worker that is dead, nothing comes any more.
        let Some(Performance { claim, worker, place }) = self.performed.remove(&number) else {
            return Ok(());
        };
        let mut conn = self.pool.get().await?;
        let (run, fence) = (claim.run, claim.fence);
        let report = Report {
            message: "The simulation says so".into(),
            ..Report::default()
        };
        if claim.checkpoint.is_none() && self.chance.random_ratio(1, 50) {
            let minute = Duration::from_secs(60);
            lease::wait(&mut conn, run.id, fence, minute, &report, &json!({})).await?;
            self.ring_at(self.now + TimeDelta::seconds(60));
        } else if self.companies[&run.company_id] == Nature::Failing {
            let failure = RunFailure {
                code: "UNEXPECTED_RESPONSE".into(),
                message: "The simulation says so.".into(),
                remedy: String::new(),
            };
            lease::finish(&mut conn, run.id, fence, SyncStatus::Failed, &report, Some(&failure)).await?;
        } else {
            lease::finish(&mut conn, run.id, fence, SyncStatus::Succeeded, &report, None).await?;
        }
        drop(place);
        self.fill(&mut conn, worker).await
    }

    /// What it performed is left lying; the leases run out half a minute later.
    async fn die(&mut self, worker: usize) -> anyhow::Result<()> {
        self.workers[worker].lives = false;
        self.figures.deaths += 1;
        let mut conn = self.pool.get().await?;
        let left: Vec<u64> = self
            .performed
            .iter()
            .filter(|(_, performance)| performance.worker == worker)
            .map(|(number, _)| *number)
            .collect();
        for number in left {
            if let Some(Performance { claim, .. }) = self.performed.remove(&number) {
                lease::renew(&mut conn, claim.run.id, claim.fence, Duration::from_secs(30)).await?;
            }
        }
        self.ring_at(self.now + TimeDelta::seconds(31));
        Ok(())
    }
}
