//! `tenantry demo`: Postgres, a simulated Microsoft 365, the API and a worker in one process, with companies to look at.
//!
//! What is served is ready only when the companies are: connected, and synced once.

mod clients;
mod handout;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use m365_simulator::{ApplicationSpec, Options, Simulator, TenantSummary};
use tenantry::app::{App, Data};
use tenantry::config::{CloudName, Database, Registration, Web, Webhook};
use tenantry::db::Pool;
use tenantry::microsoft::PERMISSIONS;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use crate::command::{self, serve};

/// Our application at the simulated Entra.
const CLIENT_ID: Uuid = Uuid::from_u128(0x7e4a_4717_0000_4000_8000_0000_0000_c11e);
/// Companies that are synced at the same time.
const CONCURRENCY: usize = 2;

#[derive(Args)]
pub struct Demo {
    /// Address of the API
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of the simulated Microsoft 365, for people
    #[arg(long, default_value = "127.0.0.1:8090")]
    simulator_listen: SocketAddr,
    /// Address of the simulated Microsoft 365 over TLS, for Microsoft's own clients
    #[arg(long, default_value = "127.0.0.1:8443")]
    simulator_tls_listen: SocketAddr,
    /// Folder for everything that is kept
    #[arg(long, env = "TENANTRY_DATA_DIR", default_value = ".tenantry")]
    data_dir: PathBuf,
}

impl Demo {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let stop = command::stop_on_signal()?;
        // Ports first: who has them taken is told at once.
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("listening on {}", self.listen))?;
        let simulator = self.start_simulator().await?;
        let _alone = self.lock()?;
        handout::withdraw(&self.data_dir)?;
        let database = Database {
            database_url: None,
            data_dir: self.data_dir.clone(),
            direct_database_url: None,
            database_connections: 16,
        };
        eprintln!("Starting Postgres under {} …", self.data_dir.display());
        let data = Data::open(&database, "demo").await?;
        let outcome = self.serve(&data.pool, &simulator, listener, stop).await;
        data.close().await?;
        outcome?;
        Ok(ExitCode::SUCCESS)
    }

    /// A second demo in the same folder would be a second worker with another Microsoft behind it.
    fn lock(&self) -> anyhow::Result<std::fs::File> {
        let path = self.data_dir.join("demo.lock");
        let lock = std::fs::File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        if lock.try_lock().is_err() {
            anyhow::bail!(
                "another demo runs in {}; end it, or name another --data-dir",
                self.data_dir.display()
            );
        }
        Ok(lock)
    }

    async fn start_simulator(&self) -> anyhow::Result<Simulator> {
        std::fs::create_dir_all(&self.data_dir).with_context(|| format!("making {}", self.data_dir.display()))?;
        Simulator::start(Options {
            listen: self.simulator_listen,
            tls_listen: Some(self.simulator_tls_listen),
            tls_dir: Some(self.data_dir.join("simulator")),
        })
        .await
        .context("starting the simulated Microsoft 365")
    }

    async fn serve(
        &self,
        pool: &Pool,
        simulator: &Simulator,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let (msp, clients) = clients::make(simulator)?;
        let web = Web {
            listen: listener.local_addr()?,
            public_url: None,
            allowed_origins: Vec::new(),
            staff_tenant_id: Some(msp.id),
            staff_groups: Vec::new(),
            proxy_hops: 0,
            graphiql: true,
            introspection: true,
            scrape_token: None,
            linger: 0,
        };
        let registration = register(simulator, &web.origin()?, &msp);
        for (account, app_role) in clients::staff(&msp) {
            simulator.assign_app_roles(msp.id, account.oid, &[app_role])?;
        }
        let app = App::start(pool.clone(), &registration, stop.clone()).await?;
        let (ready, is_ready) = watch::channel(false);
        let nobody = Webhook {
            webhook_url: None,
            webhook_secret: None,
        };
        let alarms = app.alarms(&nobody, command::SHOW)?;
        let looking = tokio::spawn(alarms.run(Arc::new(command::now), stop.clone()));
        let server = tokio::spawn(serve::serve(listener, app.clone(), web.clone(), is_ready, stop.clone()));
        let worker = tokio::spawn({
            let (app, stop) = (app.clone(), stop.clone());
            async move { app.work(CONCURRENCY, Arc::new(command::now), stop).await }
        });
        let prepared = stop
            .run_until_cancelled(async {
                eprintln!("Waiting until the companies are synced …");
                let companies = clients::connect(&app, simulator, &clients).await?;
                let handout = handout::Handout {
                    web: &web,
                    registration: &registration,
                    simulator,
                    msp: &msp,
                    clients: &clients,
                    companies: &companies,
                };
                handout.write(&app.pool, &self.data_dir).await?;
                ready.send_replace(true);
                handout.print(&self.data_dir);
                anyhow::Ok(())
            })
            .await;
        if let Some(Err(error)) = prepared {
            stop.cancel();
            return Err(error);
        }
        let served = server.await.context("the server panicked")?;
        stop.cancel();
        worker.await.context("the worker panicked")?;
        looking.abort();
        handout::withdraw(&self.data_dir)?;
        served
    }
}

/// Registers our application in the MSP's own tenant; the secret is new at every start.
fn register(simulator: &Simulator, origin: &Url, msp: &TenantSummary) -> Registration {
    let secret = Uuid::new_v4().simple().to_string();
    let redirect = |path: &str| format!("{}{path}", origin.as_str().trim_end_matches('/'));
    simulator.add_application(ApplicationSpec {
        display_name: Some("Tenantry".into()),
        client_secret: Some(secret.clone()),
        redirect_uris: vec![redirect("/auth/callback"), redirect("/connect/callback"), redirect("/")],
        logout_url: Some(redirect("/auth/front-channel-logout")),
        permissions: PERMISSIONS.iter().map(ToString::to_string).collect(),
        ..ApplicationSpec::new(&CLIENT_ID.to_string(), msp.id)
    });
    Registration {
        microsoft_client_id: Some(CLIENT_ID),
        microsoft_client_secret: Some(secret),
        microsoft_client_secret_expires: None,
        microsoft_client_certificate: None,
        microsoft_cloud: CloudName::Global,
        microsoft_login_url: Some(simulator.url().clone()),
        microsoft_graph_url: Some(simulator.url().clone()),
    }
}
