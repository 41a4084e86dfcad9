//! A simulated Microsoft 365: Entra ID's sign-in, consent and tokens, and the directory and device
//! part of Microsoft Graph v1.0, with Microsoft's paging, delta queries, errors and headers.
//!
//! It is for testing software that reads tenants: without an account, without a network, and with
//! every trouble that the real service makes now and then available on order. The library starts it
//! inside a process; everything else is done over HTTP, under `/_control`.
//!
//! It has no passwords and protects nothing: listen on loopback.

mod application;
mod control;
mod directory;
mod entra;
mod faults;
mod graph;
mod posture;
mod roles;
mod server;
mod tls;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use url::Url;
use uuid::Uuid;

pub use application::ApplicationSpec;
pub use directory::capture::Manifest;
pub use world::{Account, TenantSpec, TenantSummary};

/// Which of the answers that Microsoft's documentation and others published hold which collection:
/// a manifest for a folder of those files, by their usual names.
pub fn published_answers() -> Manifest {
    serde_json::from_str(include_str!("../captures/published.json")).expect("the manifest that is built in is JSON")
}

/// Where to listen. Ports may be 0.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    /// Also listen for TLS, which Microsoft's own clients insist on.
    pub tls_listen: Option<SocketAddr>,
    /// Where the test authority is kept (`ca.pem`) and found again; without it, it lives as long as the process.
    pub tls_dir: Option<PathBuf>,
}

impl Default for Options {
    /// Plain HTTP on a free loopback port.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls_listen: None,
            tls_dir: None,
        }
    }
}

/// A running simulator. Dropping it stops it.
pub struct Simulator {
    world: Arc<world::World>,
    url: Url,
    tls_url: Option<Url>,
    ca_pem: Option<String>,
}

impl Simulator {
    pub async fn start(options: Options) -> anyhow::Result<Simulator> {
        let world = Arc::new(world::World::new()?);
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let url = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
        let (tls_url, ca_pem) = match options.tls_listen {
            None => (None, None),
            Some(address) => {
                let authority = tls::Authority::load_or_create(options.tls_dir.as_deref())?;
                let listener = TcpListener::bind(address)
                    .await
                    .with_context(|| format!("cannot listen on {address}"))?;
                let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr()?.port()))?;
                server::serve(
                    server::TlsListener::new(listener, authority.acceptor()?)?,
                    world.clone(),
                    server::Scheme::Https,
                );
                (Some(url), Some(authority.pem().to_owned()))
            }
        };
        server::serve(listener, world.clone(), server::Scheme::Http);
        Ok(Simulator {
            world,
            url,
            tls_url,
            ca_pem,
        })
    }

    /// Entra, Graph and the control interface, over plain HTTP.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same over TLS.
    pub fn tls_url(&self) -> Option<&Url> {
        self.tls_url.as_ref()
    }

    /// The certificate of the authority that TLS clients have to trust.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Registers an application, or replaces it.
    pub fn add_application(&self, spec: ApplicationSpec) {
        self.world.add_application(spec);
    }

    /// Adds a tenant. Errors: the id is taken, the domain is no host name, or the capture cannot be loaded.
    pub fn add_tenant(&self, spec: TenantSpec) -> anyhow::Result<TenantSummary> {
        self.world.add_tenant(spec)
    }

    /// Every tenant as it is now.
    pub fn tenants(&self) -> Vec<TenantSummary> {
        world::read(&self.world.tenants)
            .values()
            .map(|tenant| tenant.summary())
            .collect()
    }

    /// Consents for a tenant, at once, to all that the application asks for. Errors: unknown tenant or application.
    pub fn grant_consent(&self, tenant: Uuid, client_id: &str) -> anyhow::Result<()> {
        let tenant = self
            .world
            .tenant(tenant)
            .with_context(|| format!("there is no tenant {tenant}"))?;
        let application = self
            .world
            .application(client_id)
            .with_context(|| format!("there is no application {client_id}"))?;
        self.world.grant_consent(&tenant, &application);
        Ok(())
    }

    /// Assigns app roles of the registered application to a person, instead of those so far: their id tokens
    /// carry them as `roles`. Errors: unknown tenant or person, not exactly one application, an undeclared role.
    pub fn assign_app_roles(&self, tenant: Uuid, oid: Uuid, roles: &[&str]) -> anyhow::Result<()> {
        let tenant = self
            .world
            .tenant(tenant)
            .with_context(|| format!("there is no tenant {tenant}"))?;
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        entra::app_roles::assign(&self.world, &tenant, oid, None, roles)?;
        Ok(())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stopping.send_replace(true);
    }
}
