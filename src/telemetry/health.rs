//! Whether a process can do its work, in words for whoever has to mend it.
//!
//! A problem is one of this process: it takes the process out of the balancer. A warning is of the whole, and takes nobody
//! out: an API that answers is better than none, also while no worker lives.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use tokio::time::timeout;

use crate::db::{self, Pool};

/// Workers that the queue has heard of lately: they report every ten seconds. As the rest of a `select`.
pub const LIVING_WORKERS: &str =
    "from apalis.workers where worker_type = 'sync' and last_seen > now() - interval '90 seconds'";

/// How long the database has to answer.
const LONGEST: Duration = Duration::from_secs(5);

/// How a process stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// What keeps it from its work, and what to do about it.
    pub problems: Vec<String>,
    /// What is wrong elsewhere.
    pub warnings: Vec<String>,
}

impl Health {
    /// One that cannot work, and why.
    pub fn problem(why: &str) -> Self {
        Self {
            problems: vec![why.to_owned()],
            warnings: Vec::new(),
        }
    }

    /// Whether the process can do its work.
    pub fn is_ready(&self) -> bool {
        self.problems.is_empty()
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Array<Text>)]
    applied: Vec<String>,
    #[diesel(sql_type = BigInt)]
    workers: i64,
    #[diesel(sql_type = BigInt)]
    connected: i64,
}

/// Looks at the database: does it answer, has it the schema that this version needs, does anybody work?
pub async fn check(pool: &Pool) -> Health {
    let row = match timeout(LONGEST, ask(pool)).await.map_err(anyhow::Error::from).flatten() {
        Ok(row) => row,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the database does not answer");
            return Health::problem("The database does not answer. Look at the server and at DATABASE_URL.");
        }
    };
    let mut health = Health::default();
    let missing = db::migrations_not_in(&row.applied);
    if !missing.is_empty() {
        health.problems.push(format!(
            "The database lacks the migrations {}. Run `tenantry migrate`.",
            missing.join(", ")
        ));
    }
    if row.workers == 0 && row.connected > 0 {
        health
            .warnings
            .push("No worker has been heard of for 90 seconds: nothing is synced. Start `tenantry work`.".into());
    }
    health
}

async fn ask(pool: &Pool) -> anyhow::Result<Row> {
    let mut conn = pool.get().await?;
    Ok(diesel::sql_query(format!(
        "select (select array_agg(version::text) from __diesel_schema_migrations) as applied,
                (select count(*) {LIVING_WORKERS}) as workers,
                (select count(*) from (select from tenant where status = 'CONNECTED' limit 1) one) as connected"
    ))
    .get_result(&mut conn)
    .await?)
}
