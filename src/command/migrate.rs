//! `tenantry migrate`

use std::process::ExitCode;

use clap::Args;
use tenantry::app::Data;
use tenantry::config::Database;

#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    database: Database,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        Data::open(&self.database, "migrate").await?.close().await?;
        eprintln!("The database is up to date.");
        Ok(ExitCode::SUCCESS)
    }
}
