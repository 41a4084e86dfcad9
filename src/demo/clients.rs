//! The companies of the demo, and the tenants behind them. Ids follow from names, so that they are the same at every
//! start and fit what the database has kept.

use std::path::Path;

use anyhow::Context;
use diesel_async::AsyncConnection;
use m365_simulator::{Account, Simulator, TenantSpec, TenantSummary, published_answers};
use tenantry::app::App;
use tenantry::db::events::News;
use tenantry::model::sync_run::{self, SyncKind, SyncMode, SyncStatus, SyncTrigger, Wish};
use tenantry::model::tenant::{self, Consent, TenantStatus};
use tenantry::model::{Company, Scope, company};
use uuid::Uuid;

use super::CLIENT_ID;
use crate::command::now;

/// A company of the demo with its tenant.
pub struct Client {
    pub tenant: TenantSummary,
    /// Connected from the start; otherwise it is for the visitor to connect.
    pub connected: bool,
}

/// The MSP's own tenant, and the clients.
///
/// # Errors
/// When the simulator refuses a tenant.
pub fn make(simulator: &Simulator) -> anyhow::Result<(TenantSummary, Vec<Client>)> {
    let msp = simulator.add_tenant(TenantSpec {
        people: 12,
        groups: Some(3),
        devices: Some(0),
        ..spec("Lakeside IT", "lakeside-it.example")
    })?;
    let mut clients = vec![
        Client {
            tenant: simulator.add_tenant(TenantSpec {
                seed: 1,
                people: 250,
                devices: Some(180),
                ..spec("Contoso", "contoso.example")
            })?,
            connected: true,
        },
        Client {
            tenant: simulator.add_tenant(TenantSpec {
                seed: 2,
                people: 10_000,
                devices: Some(4_000),
                ..spec("Fabrikam", "fabrikam.example")
            })?,
            connected: true,
        },
        Client {
            tenant: simulator.add_tenant(TenantSpec {
                seed: 3,
                people: 60,
                intune: false,
                ..spec("Northwind", "northwind.example")
            })?,
            connected: true,
        },
        Client {
            tenant: simulator.add_tenant(TenantSpec {
                seed: 4,
                people: 120,
                devices: Some(80),
                ..spec("Adventure Works", "adventure-works.example")
            })?,
            connected: false,
        },
    ];
    if let Some(published) = published_payloads() {
        clients.push(Client {
            tenant: simulator.add_tenant(published)?,
            connected: true,
        });
    }
    Ok((msp, clients))
}

/// The app roles of the MSP's first people.
pub const STAFF: [&str; 3] = ["Tenantry.Admin", "Tenantry.Technician", "Tenantry.Auditor"];

/// The MSP's people who are staff, and as what.
pub fn staff(msp: &TenantSummary) -> impl Iterator<Item = (&Account, &'static str)> {
    msp.accounts.iter().zip(STAFF)
}

fn spec(name: &str, domain: &str) -> TenantSpec {
    TenantSpec {
        id: Some(Uuid::new_v5(&Uuid::NAMESPACE_DNS, domain.as_bytes())),
        ..TenantSpec::named(name, domain)
    }
}

/// A tenant of Microsoft's published answers, where the folder that holds them lies beside the repository.
fn published_payloads() -> Option<TenantSpec> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graph/samples");
    folder.is_dir().then(|| TenantSpec {
        capture: Some(folder),
        capture_manifest: Some(published_answers()),
        ..spec("Published payloads", "published.example")
    })
}

/// Makes the companies, connects those that are to be connected, and waits until their first sync has ended.
///
/// # Errors
/// When the database fails.
pub async fn connect(app: &App, simulator: &Simulator, clients: &[Client]) -> anyhow::Result<Vec<Company>> {
    let mut companies = Vec::with_capacity(clients.len());
    for (index, client) in clients.iter().enumerate() {
        let company = find_or_make(app, &format!("demo-{}", index + 1), &client.tenant.display_name).await?;
        if client.connected {
            simulator.grant_consent(client.tenant.id, &CLIENT_ID.to_string())?;
            connect_one(app, &company, &client.tenant).await?;
        }
        // The simulated Microsoft forgets at every start what the database has kept.
        if is_connected(app, &company).await? {
            simulator.grant_consent(client.tenant.id, &CLIENT_ID.to_string())?;
        }
        companies.push(company);
    }
    for company in &companies {
        wait_until_idle(app, company.id).await?;
    }
    Ok(companies)
}

async fn find_or_make(app: &App, external_id: &str, name: &str) -> anyhow::Result<Company> {
    let mut conn = app.pool.get().await?;
    if let Some(company) = company::find_by_external_id(&mut conn, &Scope::All, external_id).await? {
        return Ok(company);
    }
    company::insert(&mut conn, now(), name, Some(external_id))
        .await
        .context("making a company of the demo")
}

/// As the way through Microsoft would: connected, and the first sync queued, in one transaction.
async fn connect_one(app: &App, company: &Company, tenant: &TenantSummary) -> anyhow::Result<()> {
    let mut conn = app.pool.get().await?;
    if tenant::find(&mut conn, company.id).await?.is_some() {
        return Ok(());
    }
    let administrator = tenant.accounts.iter().find(|account| account.administrator);
    let consent = Consent {
        entra_tenant_id: tenant.id,
        administrator: administrator.map_or_else(|| "the demo".to_owned(), |account| account.name.clone()),
        administrator_oid: administrator.map_or_else(Uuid::nil, |account| account.oid),
        expected_domain: None,
        role_proven: true,
    };
    let at = now();
    let wish = wish(company.id, SyncTrigger::Initial, &consent.administrator);
    let queued = conn
        .transaction(async |conn| {
            tenant::connect(conn, at, company.id, &consent).await?;
            sync_run::queue(conn, &wish).await
        })
        .await
        .context("connecting a company of the demo")?;
    app.doorbell.ring(queued.run.id).await;
    app.events.wake();
    Ok(())
}

fn wish(company_id: Uuid, trigger: SyncTrigger, by: &str) -> Wish {
    Wish {
        company_id,
        kind: SyncKind::Identity,
        trigger,
        mode: SyncMode::Auto,
        dry_run: false,
        rules: None,
        requested_by: by.to_owned(),
    }
}

async fn is_connected(app: &App, company: &Company) -> anyhow::Result<bool> {
    let mut conn = app.pool.get().await?;
    let tenant = tenant::find(&mut conn, company.id).await?;
    Ok(tenant.is_some_and(|tenant| tenant.status == TenantStatus::Connected))
}

async fn wait_until_idle(app: &App, company_id: Uuid) -> anyhow::Result<()> {
    let mut watch = app.events.watch(company_id, SyncKind::Identity);
    loop {
        let run = {
            let mut conn = app.pool.get().await?;
            sync_run::latest(&mut conn, &Scope::All, company_id, SyncKind::Identity).await?
        };
        let Some(run) = run.filter(|run| run.status.is_active()) else {
            return Ok(());
        };
        if run.status == SyncStatus::Queued && run.not_before > now() {
            ask_for_it_now(app, company_id).await?;
        }
        match watch.next().await {
            Some(News::Run(_) | News::Missed) => {}
            None => anyhow::bail!("stopped before the companies were ready"),
        }
    }
}

/// A run of the clock's that is spread over the minutes to come is not waited for.
async fn ask_for_it_now(app: &App, company_id: Uuid) -> anyhow::Result<()> {
    let wish = wish(company_id, SyncTrigger::Manual, "the demo");
    let mut conn = app.pool.get().await?;
    let joined = conn.transaction(async |conn| sync_run::queue(conn, &wish).await).await;
    drop(conn);
    app.doorbell
        .ring(joined.context("starting the sync of a slot")?.run.id)
        .await;
    app.events.wake();
    Ok(())
}
