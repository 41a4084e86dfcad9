//! What was promised, held against what came of it.

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use tenantry::model::clock::next_slot;
use tenantry::model::sync_run::SyncKind;

use super::Simulation;

impl Simulation {
    /// The slots that were to be taken, and those that were let go in the downtime.
    fn expected(&self, start: DateTime<Utc>, kind: SyncKind) -> (i64, i64) {
        let (from, until) = self.down;
        let (mut taken, mut let_go) = (0, 0);
        let mut slot = next_slot(kind, start);
        while slot < self.end {
            if slot >= from && next_slot(kind, slot) <= until {
                let_go += 1;
            } else {
                taken += 1;
            }
            slot = next_slot(kind, slot);
        }
        (taken, let_go)
    }

    /// Holds what came of it against what was promised.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        let start = self.end - TimeDelta::days(self.plan.days);
        let client = self.pool.raw().await?;
        let number = async |query: &str| -> anyhow::Result<i64> { Ok(client.query_one(query, &[]).await?.get(0)) };
        let companies = i64::try_from(self.plan.companies)?;
        for kind in SyncKind::ALL {
            let (taken, let_go) = self.expected(start, *kind);
            let rows = number(&format!("select count(*) from sync_slot where kind = '{kind}'")).await?;
            ensure!(
                rows == taken * companies,
                "{kind}: {rows} slots were taken, not {}",
                taken * companies
            );
            self.figures.slots += rows;
            self.figures.let_go += let_go * companies;
        }
        for (query, what) in [
            ("sync_run where finished_at is null", "runs have not ended"),
            (
                "sync_slot where (run_id is null) = (passed_over is null)",
                "slots have neither a run nor a reason",
            ),
            (
                "sync_run r where trigger = 'SCHEDULED' and not exists (select from sync_slot where run_id = r.id)",
                "scheduled runs have no slot",
            ),
            (
                "sync_slot s where passed_over is not null
                 and exists (select from sync_run r where r.company_id = s.company_id and status = 'SUCCEEDED')",
                "slots of tenants that work were passed over",
            ),
            (
                "sync_run where status not in ('SUCCEEDED', 'FAILED') or crashes > 4",
                "runs were lost",
            ),
        ] {
            let rows = number(&format!("select count(*) from {query}")).await?;
            ensure!(rows == 0, "{rows} {what}");
        }
        self.figures.runs = number("select count(*) from sync_run").await?;
        self.figures.passed_over = number("select count(*) from sync_slot where passed_over is not null").await?;
        Ok(())
    }
}
