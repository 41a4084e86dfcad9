//! `m365-simulator`: a Microsoft 365 of one's own, on loopback.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use m365_simulator::{ApplicationSpec, Options, Simulator, TenantSpec, TenantSummary};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

/// Simulates Microsoft 365: Entra ID sign-in, consent and tokens, and Microsoft Graph v1.0.
///
/// Without --world it starts with one tenant of 250 people and one application that is consented
/// there, and prints what a first request needs. Everything can be changed while it runs: see
/// /_control/openapi.json. It has no passwords and protects nothing, so it listens on loopback.
#[derive(Parser)]
#[command(name = "m365-simulator", version)]
struct Arguments {
    /// Where to listen for plain HTTP.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,

    /// Where to listen for TLS, which Microsoft's own client libraries insist on.
    #[arg(long)]
    tls_listen: Option<SocketAddr>,

    /// The folder in which the test authority is kept: clients have to trust its ca.pem.
    #[arg(long, requires = "tls_listen")]
    tls_dir: Option<PathBuf>,

    /// A JSON file {"applications": […], "tenants": […], "consents": [{"tenant", "clientId"}]}, with
    /// the same members as the bodies that are posted to /_control/applications and /_control/tenants.
    #[arg(long)]
    world: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct World {
    #[serde(default)]
    applications: Vec<ApplicationSpec>,
    #[serde(default)]
    tenants: Vec<TenantSpec>,
    #[serde(default)]
    consents: Vec<Consent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consent {
    tenant: Uuid,
    client_id: String,
}

const EXAMPLE_CLIENT: &str = "8f1b7a0e-5c2d-4e55-9f3a-2d6c1b0a9e77";
const EXAMPLE_SECRET: &str = "example-secret";
const EXAMPLE_TENANT: Uuid = Uuid::from_u128(0x0d4c6f1e_7a35_4b8b_9c0e_1f2a3b4c5d6e);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let world = match &arguments.world {
        Some(path) => read_world(path)?,
        None => example(),
    };
    let options = Options {
        listen: arguments.listen,
        tls_listen: arguments.tls_listen,
        tls_dir: arguments.tls_dir,
    };
    let simulator = Simulator::start(options).await?;
    let text = describe(&simulator, &build(&simulator, world)?, arguments.world.is_none())?;
    std::io::stdout().write_all(text.as_bytes())?;
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
}

fn read_world(path: &PathBuf) -> anyhow::Result<World> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} does not describe a world", path.display()))
}

fn example() -> World {
    let tenant = TenantSpec {
        id: Some(EXAMPLE_TENANT),
        people: 250,
        ..TenantSpec::named("Contoso", "contoso.example")
    };
    let application = ApplicationSpec {
        client_secret: Some(EXAMPLE_SECRET.to_owned()),
        redirect_uris: vec!["http://localhost:3000/callback".to_owned()],
        permissions: [
            "User.Read.All",
            "GroupMember.Read.All",
            "DeviceManagementManagedDevices.Read.All",
            "DeviceManagementConfiguration.Read.All",
            "Policy.Read.All",
            "AuditLog.Read.All",
            "RoleManagement.Read.Directory",
            "Organization.Read.All",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..ApplicationSpec::new(EXAMPLE_CLIENT, EXAMPLE_TENANT)
    };
    let consent = Consent {
        tenant: EXAMPLE_TENANT,
        client_id: EXAMPLE_CLIENT.to_owned(),
    };
    World {
        applications: vec![application],
        tenants: vec![tenant],
        consents: vec![consent],
    }
}

fn build(simulator: &Simulator, world: World) -> anyhow::Result<Vec<TenantSummary>> {
    for application in world.applications {
        simulator.add_application(application);
    }
    let tenants = world
        .tenants
        .into_iter()
        .map(|tenant| simulator.add_tenant(tenant))
        .collect::<anyhow::Result<_>>()?;
    for consent in world.consents {
        simulator.grant_consent(consent.tenant, &consent.client_id)?;
    }
    Ok(tenants)
}

/// What somebody sees who has just started it.
fn describe(simulator: &Simulator, tenants: &[TenantSummary], example: bool) -> anyhow::Result<String> {
    let url = simulator.url();
    let mut text = format!("Microsoft 365, simulated, at {url}\n");
    if let Some(tls) = simulator.tls_url() {
        writeln!(text, "                    and at {tls} (trust its ca.pem)")?;
    }
    writeln!(text, "Control interface: {url}_control/openapi.json")?;
    for tenant in tenants {
        writeln!(
            text,
            "\n{} ({}), tenant {}",
            tenant.display_name, tenant.domain, tenant.id
        )?;
        writeln!(
            text,
            "  {} people, {} groups, {} devices",
            tenant.people, tenant.groups, tenant.devices
        )?;
        for account in &tenant.accounts {
            let role = if account.administrator {
                ", Global Administrator"
            } else {
                ""
            };
            writeln!(text, "  sign in as {} <{}>{role}", account.name, account.username)?;
        }
        for dropped in &tenant.dropped {
            writeln!(text, "  not kept: {dropped}")?;
        }
    }
    if example {
        writeln!(
            text,
            "\nA token, and the first users:\n  TOKEN=$(curl -s {url}{EXAMPLE_TENANT}/oauth2/v2.0/token -d grant_type=client_credentials \\\n    -d client_id={EXAMPLE_CLIENT} -d client_secret={EXAMPLE_SECRET} -d scope=https://graph.microsoft.com/.default | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n  curl -s -H \"Authorization: Bearer $TOKEN\" '{url}v1.0/users?$top=3'"
        )?;
    }
    Ok(text)
}
