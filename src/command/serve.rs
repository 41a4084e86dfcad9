//! `tenantry serve`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tenantry::app::{App, Data};
use tenantry::auth::return_to::Allowed;
use tenantry::auth::sign_in::SignIn;
use tenantry::config::{Database, Registration, Web, Webhook};
use tenantry::graphql::{self, PublicUrl};
use tenantry::http::{self, Build, Executor, Parts, Rates, State, Switches, Timing};
use tenantry::model::secret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    web: Web,
    #[command(flatten)]
    registration: Registration,
    #[command(flatten)]
    webhook: Webhook,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = super::stop_on_signal()?;
        let listener = TcpListener::bind(self.web.listen)
            .await
            .with_context(|| format!("listening on {}", self.web.listen))?;
        let data = Data::open(&self.database, "serve").await?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            listen = %self.web.listen,
            public_url = %self.web.origin()?,
            database = data.pool.direct().place(),
            connections = self.database.database_connections,
            webhook = self.webhook.webhook_url.is_some(),
            "serving"
        );
        let outcome = async {
            let app = App::start(data.pool.clone(), &self.registration, stop.clone()).await?;
            let alarms = app.alarms(&self.webhook, super::SHOW)?;
            let looking = tokio::spawn(alarms.run(Arc::new(super::now), stop.clone()));
            let (_ready, is_ready) = watch::channel(true);
            let served = serve(listener, app, self.web, is_ready, stop).await;
            looking.abort();
            served
        }
        .await;
        data.close().await?;
        outcome?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Serves until `stop` is cancelled and for as long after it as the settings say; then requests under way may end.
///
/// # Errors
/// When a setting is wrong.
pub async fn serve(
    listener: TcpListener,
    app: App,
    web: Web,
    ready: watch::Receiver<bool>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let allowed = Allowed::new(web.origin()?, web.other_origins()?);
    let public_url = PublicUrl(allowed.own().clone());
    let schema = graphql::schema(
        app.pool.clone(),
        app.events.clone(),
        app.doorbell.clone(),
        public_url,
        allowed.clone(),
    );
    let state = State::new(Parts {
        executor: Executor::new(schema),
        pool: app.pool,
        sign_in: SignIn::new(app.microsoft.clone(), super::now),
        microsoft: app.microsoft,
        doorbell: app.doorbell,
        allowed,
        staff_tenant: web.staff_tenant()?,
        staff_groups: web.staff_groups()?,
        clock: super::now,
        timing: Timing {
            linger: Duration::from_secs(web.linger),
            ..Timing::default()
        },
        rates: Rates::default(),
        switches: Switches {
            graphiql: web.graphiql,
            introspection: web.introspection,
        },
        build: Build::own(),
        proxy_hops: web.proxy_hops,
        scrape_token: web.scraper()?.map(secret::hash),
        ready,
        stop,
    });
    http::serve(listener, state).await;
    Ok(())
}
