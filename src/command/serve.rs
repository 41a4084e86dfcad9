//! `tenantry serve`

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tenantry::app::{App, Data};
use tenantry::config::{Database, Registration, Web};
use tenantry::http;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    web: Web,
    #[command(flatten)]
    registration: Registration,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = super::stop_on_signal()?;
        let data = Data::open(&self.database).await?;
        let app = App::start(data.pool.clone(), &self.registration, stop.clone()).await?;
        let listener = TcpListener::bind(self.web.listen)
            .await
            .with_context(|| format!("listening on {}", self.web.listen))?;
        serve(listener, &app, &self.web, stop).await?;
        data.close().await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Serves until `stop` is cancelled; requests under way may end.
///
/// # Errors
/// When the listener fails or a setting is wrong.
pub async fn serve(listener: TcpListener, app: &App, web: &Web, stop: CancellationToken) -> anyhow::Result<()> {
    let router = http::router(http::State::new(app, web, stop.clone())?);
    axum::serve(listener, router.into_make_service_with_connect_info::<std::net::SocketAddr>())
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("serving")
}
