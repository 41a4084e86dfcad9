//! `tenantry work`

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tenantry::app::{App, Data};
use tenantry::config::{Database, Registration, Webhook};
use tenantry::http;
use tokio::net::TcpListener;

#[derive(Args)]
pub struct Work {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    registration: Registration,
    /// Companies that are synced at the same time by this process
    #[arg(long, env = "TENANTRY_CONCURRENCY", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Address for monitoring: /health/live, /health/ready and /metrics, shown to everybody who can reach it. Unset: none
    #[arg(long, env = "TENANTRY_WORKER_LISTEN")]
    worker_listen: Option<SocketAddr>,
    #[command(flatten)]
    webhook: Webhook,
}

impl Work {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = super::stop_on_signal()?;
        let data = Data::open(&self.database, "work").await?;
        let app = App::start(data.pool.clone(), &self.registration, stop.clone()).await?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            places = self.concurrency,
            monitoring = ?self.worker_listen,
            database = data.pool.direct().place(),
            connections = self.database.database_connections,
            webhook = self.webhook.webhook_url.is_some(),
            "working"
        );
        let alarms = app.alarms(&self.webhook, super::SHOW)?;
        let looking = tokio::spawn(alarms.run(Arc::new(super::now), stop.clone()));
        let probing = match self.worker_listen {
            Some(address) => {
                let listener = TcpListener::bind(address)
                    .await
                    .with_context(|| format!("TENANTRY_WORKER_LISTEN: listening on {address}"))?;
                let facts = app.facts();
                Some(tokio::spawn(http::serve_probes(
                    listener,
                    app.pool.clone(),
                    facts,
                    stop.clone(),
                )))
            }
            None => None,
        };
        app.work(self.concurrency.into(), Arc::new(super::now), stop).await;
        looking.abort();
        if let Some(probing) = probing {
            probing.abort();
        }
        data.close().await?;
        Ok(ExitCode::SUCCESS)
    }
}
