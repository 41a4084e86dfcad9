//! `tenantry work`

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tenantry::app::{App, Data};
use tenantry::config::{Database, Registration};
use tenantry::jobs;

#[derive(Args)]
pub struct Work {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    registration: Registration,
    /// Companies that are synced at the same time by this process
    #[arg(long, env = "TENANTRY_CONCURRENCY", default_value_t = 4)]
    concurrency: usize,
}

impl Work {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = super::stop_on_signal()?;
        let data = Data::open(&self.database).await?;
        let app = App::start(data.pool.clone(), &self.registration, stop.clone()).await?;
        jobs::work(
            app.pool.clone(),
            app.doorbell.clone(),
            app.events.clone(),
            self.concurrency,
            app.perform(Arc::new(super::now)),
            stop,
        )
        .await;
        data.close().await?;
        Ok(ExitCode::SUCCESS)
    }
}
