//! The built parts, handed upward: what every process of Tenantry shares, made from its settings.

use anyhow::Context;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::config::{self, CloudName, Database, Registration};
use crate::db::embedded::EmbeddedPostgres;
use crate::db::events::Events;
use crate::db::{self, Address, Pool};
use crate::evidence::collect::Clock;
use crate::jobs::{Alarms, Doorbell, Show, Webhook};
use crate::microsoft::{self, Cloud, Credential, Microsoft, Patience, Secret};
use crate::model::sync_run::SyncKind;
use crate::model::sync_run::lease::Claim;
use crate::run::Place;
use crate::telemetry::Facts;
use crate::{evidence, jobs, sync};

/// The database of a process: private, or somebody's.
pub struct Data {
    pub pool: Pool,
    embedded: Option<EmbeddedPostgres>,
}

impl Data {
    /// Starts or joins the private Postgres where no other is named, and brings the schema up to date. `name` is the
    /// command's: the server shows it with each connection.
    ///
    /// # Errors
    /// When there is no Postgres to start or to reach, or a migration fails.
    pub async fn open(settings: &Database, name: &str) -> anyhow::Result<Self> {
        let (url, embedded) = match &settings.database_url {
            Some(url) => (url.clone(), None),
            None => {
                let embedded = EmbeddedPostgres::start_or_join(&settings.data_dir).await?;
                (embedded.url().to_owned(), Some(embedded))
            }
        };
        let (through, direct) = addresses(&url, settings.direct_database_url.as_deref(), name)?;
        db::pooler::require(&through, &direct).await?;
        db::migrate_at(&direct).await?;
        let pool = Pool::through(through, direct, settings.database_connections)?;
        Ok(Self { pool, embedded })
    }

    /// Stops the private Postgres, if this process started it.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn close(self) -> anyhow::Result<()> {
        drop(self.pool);
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// Where the database is, through a pooler if there is one and past it, reached under the name of a command.
///
/// # Errors
/// Names the setting that is no address.
pub fn addresses(url: &str, direct: Option<&str>, name: &str) -> anyhow::Result<(Address, Address)> {
    let name = format!("tenantry {name}");
    let through = Address::parse(url).context("DATABASE_URL")?.named(&name);
    let direct = match direct {
        Some(direct) => Address::parse(direct)
            .context("TENANTRY_DIRECT_DATABASE_URL")?
            .named(&name),
        None => through.clone(),
    };
    Ok((through, direct))
}

/// The parts of a process that serves or works.
#[derive(Clone)]
pub struct App {
    pub pool: Pool,
    pub microsoft: Microsoft,
    pub events: Events,
    pub doorbell: Doorbell,
}

impl App {
    /// Builds the parts; the background tasks end when `stop` is cancelled.
    ///
    /// # Errors
    /// Names the setting that is missing, or says what cannot be reached.
    pub async fn start(pool: Pool, registration: &Registration, stop: CancellationToken) -> anyhow::Result<Self> {
        let microsoft = microsoft(registration)?;
        let events = Events::start(&pool, stop).await?;
        let doorbell = Doorbell::open(&pool).await?;
        Ok(Self {
            pool,
            microsoft,
            events,
            doorbell,
        })
    }

    /// What looks after alarms on this node; to be run beside whatever else it does.
    ///
    /// # Errors
    /// When the webhook's settings are wrong.
    pub fn alarms(&self, settings: &config::Webhook, show: Show) -> anyhow::Result<Alarms> {
        let told = settings.told()?;
        let webhook = told.map(|(url, secret)| Webhook::new(url, secret, show)).transpose()?;
        Ok(Alarms::new(
            self.pool.clone(),
            self.events.clone(),
            &self.microsoft,
            webhook,
        ))
    }

    /// The figures of this process.
    pub fn facts(&self) -> Facts {
        Facts::new("work", self.pool.clone(), self.microsoft.credential_expires())
    }

    /// Works until `stop`, at most `concurrency` runs at a time, as one of the processes that share Microsoft's limits.
    pub async fn work(&self, concurrency: usize, clock: Clock, stop: CancellationToken) {
        let work = jobs::work(
            self.pool.clone(),
            self.doorbell.clone(),
            self.events.clone(),
            concurrency,
            self.perform(clock),
            stop,
        );
        jobs::while_sharing(&self.pool, &self.microsoft, work).await;
    }

    /// What performs the runs that a worker claims. Evidence is dated by `clock`.
    pub fn perform(
        &self,
        clock: Clock,
    ) -> impl Fn(Claim, Place, CancellationToken) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static {
        let (pool, microsoft, events) = (self.pool.clone(), self.microsoft.clone(), self.events.clone());
        let identity = sync::Engine::new(pool.clone(), microsoft.clone(), events.clone());
        let evidence = evidence::Engine::new(pool, microsoft, events, clock);
        move |claim: Claim, place, stop| {
            let (identity, evidence) = (identity.clone(), evidence.clone());
            Box::pin(async move {
                match claim.run.kind {
                    SyncKind::Identity => {
                        identity.perform(claim, stop).await;
                        drop(place);
                    }
                    SyncKind::Evidence => evidence.perform(claim, place, stop).await,
                }
            })
        }
    }
}

/// Our way to Microsoft.
///
/// # Errors
/// Names the setting that is missing or wrong.
pub fn microsoft(registration: &Registration) -> anyhow::Result<Microsoft> {
    let settings = resolve(registration)?;
    Microsoft::with_secret_until(settings, registration.secret_expires()).context("the settings for Microsoft")
}

/// The registration in the form that the way to Microsoft takes.
fn resolve(registration: &Registration) -> anyhow::Result<microsoft::Settings> {
    let client_id = registration.microsoft_client_id.context(
        "MICROSOFT_CLIENT_ID is not set: the application (client) id of your registration; docs/microsoft.md says how to make one",
    )?;
    let cloud = match registration.microsoft_cloud {
        CloudName::Global => Cloud::Global,
        CloudName::Usgov => Cloud::UsGov,
        CloudName::UsgovDod => Cloud::UsGovDod,
        CloudName::China => Cloud::China,
    };
    Ok(microsoft::Settings {
        login_url: registration
            .microsoft_login_url
            .clone()
            .unwrap_or_else(|| cloud.login_url()),
        graph_url: registration
            .microsoft_graph_url
            .clone()
            .unwrap_or_else(|| cloud.graph_url()),
        client_id: client_id.to_string(),
        credential: credential(registration)?,
        patience: Patience::default(),
    })
}

fn credential(registration: &Registration) -> anyhow::Result<Credential> {
    match (
        &registration.microsoft_client_secret,
        &registration.microsoft_client_certificate,
    ) {
        (None, Some(file)) => {
            let pem = std::fs::read_to_string(file)
                .with_context(|| format!("MICROSOFT_CLIENT_CERTIFICATE: reading {}", file.display()))?;
            Ok(Credential::Certificate(Secret::new(pem)))
        }
        (Some(secret), None) => Ok(Credential::Secret(Secret::new(secret.clone()))),
        (Some(_), Some(_)) => {
            anyhow::bail!("set MICROSOFT_CLIENT_SECRET or MICROSOFT_CLIENT_CERTIFICATE, not both")
        }
        (None, None) => anyhow::bail!(
            "set MICROSOFT_CLIENT_CERTIFICATE (a PEM file with key and certificate) or MICROSOFT_CLIENT_SECRET"
        ),
    }
}
