//! Settings: flags and the environment. Nothing else reads the environment.
//!
//! The danger here is a server that starts with half of its settings and fails at the first client. So everything is
//! checked at the start, and an error names the setting and what to put there.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::builder::{BoolishValueParser, Resettable};
use clap::{ArgAction, Args, Command, ValueEnum};
use url::Url;
use uuid::Uuid;

use crate::model::session::StaffRole;

/// The command line as operators need it: a setting that is set to nothing is not set, as in a file of settings with empty
/// lines to fill in; and complaints name the setting, which is what was written down, beside the flag.
#[must_use]
pub fn for_operators(command: Command) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this file is where settings are read")]
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| match arg.get_env().map(OsStr::to_os_string) {
            None => arg,
            Some(name) if is_empty(&name) => arg.env(Resettable::Reset),
            // Kept for as long as the process lives: some thirty words.
            Some(name) => arg.value_name(&*name.to_string_lossy().into_owned().leak()),
        })
        .mut_subcommands(for_operators)
}

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// Address of the Postgres database. Unset: a private Postgres under --data-dir
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Address of Postgres itself, where DATABASE_URL leads to a pooler in transaction mode
    #[arg(
        long,
        env = "TENANTRY_DIRECT_DATABASE_URL",
        hide_env_values = true,
        requires = "database_url"
    )]
    pub direct_database_url: Option<String>,
    /// Folder of the private Postgres
    #[arg(long, env = "TENANTRY_DATA_DIR", default_value = ".tenantry")]
    pub data_dir: PathBuf,
    /// Connections to the database at most, for this process
    #[arg(long, env = "TENANTRY_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub database_connections: usize,
}

/// How the API is reached.
#[derive(Args, Clone, Debug)]
pub struct Web {
    /// Address to listen on
    #[arg(long, env = "TENANTRY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Our own origin, as browsers see it. Default: http:// and the address to listen on
    #[arg(long, env = "TENANTRY_PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// Other origins whose pages may use the API, such as the PSA's (comma-separated)
    #[arg(long, env = "TENANTRY_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<Url>,
    /// The MSP's own tenant: its people are staff
    #[arg(long, env = "TENANTRY_STAFF_TENANT_ID")]
    pub staff_tenant_id: Option<Uuid>,
    /// Groups of that tenant whose members are staff, as ROLE=group id with ADMIN, TECHNICIAN or AUDITOR
    /// (comma-separated); besides the app roles Tenantry.Admin, Tenantry.Technician, Tenantry.Auditor
    #[arg(long, env = "TENANTRY_STAFF_GROUPS", value_delimiter = ',')]
    pub staff_groups: Vec<String>,
    /// How many proxies of yours every request comes through. Each appends to X-Forwarded-For where it was called from;
    /// 0 believes nothing of that header
    #[arg(long, env = "TENANTRY_PROXY_HOPS", default_value_t = 0)]
    pub proxy_hops: usize,
    /// Whether staff get GraphiQL at /graphiql (on or off)
    #[arg(long, env = "TENANTRY_GRAPHIQL", default_value = "on", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub graphiql: bool,
    /// Whether those who may explore can ask for the schema itself (on or off)
    #[arg(long, env = "TENANTRY_INTROSPECTION", default_value = "on", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub introspection: bool,
    /// What a scraper shows as its bearer token at /metrics, at least 32 characters: it opens nothing else, and does so
    /// while the database is away. Unset: a service token alone does
    #[arg(long, env = "TENANTRY_SCRAPE_TOKEN", hide_env_values = true)]
    pub scrape_token: Option<String>,
    /// Seconds for which requests are still taken after SIGTERM, while /health/ready says 503 already (15 at most)
    #[arg(long, env = "TENANTRY_LINGER", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=15))]
    pub linger: u64,
}

/// Microsoft's national clouds.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CloudName {
    /// Worldwide, GCC included
    Global,
    /// US Government L4 (GCC High)
    Usgov,
    /// US Government L5 (DoD)
    UsgovDod,
    /// China, run by 21Vianet
    China,
}

/// Who we are at Microsoft.
#[derive(Args, Clone)]
pub struct Registration {
    /// Application (client) id of the registration
    #[arg(long, env = "MICROSOFT_CLIENT_ID")]
    pub microsoft_client_id: Option<Uuid>,
    /// Client secret (its value, not its id)
    #[arg(long, env = "MICROSOFT_CLIENT_SECRET", hide_env_values = true)]
    pub microsoft_client_secret: Option<String>,
    /// The day on which the client secret ends, such as 2027-05-31: Entra does not tell us. A certificate says so itself
    #[arg(long, env = "MICROSOFT_CLIENT_SECRET_EXPIRES")]
    pub microsoft_client_secret_expires: Option<NaiveDate>,
    /// PEM file with the private key and the certificate, in place of a secret
    #[arg(long, env = "MICROSOFT_CLIENT_CERTIFICATE")]
    pub microsoft_client_certificate: Option<PathBuf>,
    /// Which of Microsoft's clouds
    #[arg(long, env = "MICROSOFT_CLOUD", default_value = "global")]
    pub microsoft_cloud: CloudName,
    /// Entra's origin, in place of the cloud's (for a simulator)
    #[arg(long, env = "MICROSOFT_LOGIN_URL")]
    pub microsoft_login_url: Option<Url>,
    /// Graph's origin, in place of the cloud's (for a simulator)
    #[arg(long, env = "MICROSOFT_GRAPH_URL")]
    pub microsoft_graph_url: Option<Url>,
}

/// Who is told of alarms.
#[derive(Args, Clone)]
pub struct Webhook {
    /// Address that is told when an alarm opens or closes (Standard Webhooks)
    #[arg(long, env = "TENANTRY_WEBHOOK_URL")]
    pub webhook_url: Option<Url>,
    /// What signs the messages: whsec_ and 24 to 64 random bytes in base64
    #[arg(long, env = "TENANTRY_WEBHOOK_SECRET", hide_env_values = true)]
    pub webhook_secret: Option<String>,
}

impl Webhook {
    /// Address and secret, if there is somebody to tell.
    ///
    /// # Errors
    /// When one is set without the other.
    pub fn told(&self) -> anyhow::Result<Option<(Url, &str)>> {
        match (&self.webhook_url, &self.webhook_secret) {
            (Some(url), Some(secret)) => Ok(Some((url.clone(), secret))),
            (None, None) => Ok(None),
            _ => bail!("set TENANTRY_WEBHOOK_URL and TENANTRY_WEBHOOK_SECRET, or neither"),
        }
    }
}

/// What is written of what happens, and where.
#[derive(Args, Clone, Debug)]
pub struct Logging {
    /// How log lines are written to standard error
    #[arg(long, env = "TENANTRY_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
    /// Base address of a collector of traces (OTLP over HTTP), such as http://127.0.0.1:4318. Unset: none are sent
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true)]
    pub otlp_endpoint: Option<Url>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One object a line, for programs
    Json,
}

impl Registration {
    /// From when on the client secret no longer holds, as far as the operator has told: the beginning of the day.
    pub fn secret_expires(&self) -> Option<DateTime<Utc>> {
        let day = self.microsoft_client_secret_expires?;
        Some(day.and_time(NaiveTime::MIN).and_utc())
    }
}

impl Web {
    /// Our own origin.
    ///
    /// # Errors
    /// When it is no bare origin, or plain HTTP on another machine than this one: a session cookie would travel in
    /// the clear.
    pub fn origin(&self) -> anyhow::Result<Url> {
        let url = match &self.public_url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://{}", self.listen)).context("TENANTRY_LISTEN makes no address")?,
        };
        require_origin(&url).context("TENANTRY_PUBLIC_URL")?;
        if url.scheme() == "http" && !is_loopback(&url) {
            bail!("TENANTRY_PUBLIC_URL: {url} is plain http; put https in front, or listen on 127.0.0.1");
        }
        Ok(url)
    }

    /// The origins whose pages may use the API, besides our own.
    ///
    /// # Errors
    /// When one is no bare origin.
    pub fn other_origins(&self) -> anyhow::Result<Vec<Url>> {
        for url in &self.allowed_origins {
            require_origin(url).context("TENANTRY_ALLOWED_ORIGINS")?;
        }
        Ok(self.allowed_origins.clone())
    }

    /// The groups of the MSP's own tenant whose members are staff, and as what.
    ///
    /// # Errors
    /// When one is not `ROLE=group id`.
    pub fn staff_groups(&self) -> anyhow::Result<Vec<(StaffRole, Uuid)>> {
        let read = |text: &String| {
            staff_group(text).with_context(|| {
                format!("TENANTRY_STAFF_GROUPS: {text} is not a role and a group's object id, such as ADMIN=0b8e6c2e-…")
            })
        };
        self.staff_groups.iter().map(read).collect()
    }

    /// What opens the figures to a scraper, and nothing else.
    ///
    /// # Errors
    /// When it could be guessed.
    pub fn scraper(&self) -> anyhow::Result<Option<&str>> {
        match self.scrape_token.as_deref() {
            Some(token) if token.len() < 32 => {
                bail!("TENANTRY_SCRAPE_TOKEN: use at least 32 random characters, such as `openssl rand -hex 32` makes")
            }
            token => Ok(token),
        }
    }

    /// The MSP's own tenant.
    ///
    /// # Errors
    /// When it is not set.
    pub fn staff_tenant(&self) -> anyhow::Result<Uuid> {
        self.staff_tenant_id.context(
            "TENANTRY_STAFF_TENANT_ID is not set: the id of the MSP's own tenant, whose people sign in as staff",
        )
    }
}

/// Reads `ROLE=group id`.
fn staff_group(text: &str) -> Option<(StaffRole, Uuid)> {
    let (role, group) = text.split_once('=')?;
    let role = StaffRole::ALL.iter().find(|known| known.as_str() == role.trim())?;
    Some((*role, group.trim().parse().ok()?))
}

fn require_origin(url: &Url) -> anyhow::Result<()> {
    let bare = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare {
        Ok(())
    } else {
        bail!("{url} is not an origin such as https://psa.example")
    }
}

/// Whether an address leads to this machine: there, plain http is heard by nobody else.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Settings {
        #[command(flatten)]
        web: Web,
    }

    #[test]
    fn a_complaint_names_the_setting() {
        use clap::CommandFactory;
        let refused =
            for_operators(Settings::command()).try_get_matches_from(["tenantry", "--staff-tenant-id", "none"]);
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("TENANTRY_STAFF_TENANT_ID"), "{told}");
    }

    #[test]
    fn a_scrape_token_that_could_be_guessed_is_refused() {
        let with = |token: &str| {
            Settings::try_parse_from(["tenantry", "--scrape-token", token])
                .unwrap()
                .web
        };
        assert!(with("monitoring").scraper().is_err());
        let long = "0123456789abcdef0123456789abcdef";
        assert_eq!(with(long).scraper().unwrap(), Some(long));
    }

    #[test]
    fn a_switch_is_on_unless_it_is_off() {
        let settings = |flags: &[&str]| Settings::try_parse_from([&["tenantry"], flags].concat()).map(|set| set.web);
        let web = settings(&[]).unwrap();
        assert!(web.graphiql && web.introspection);
        let web = settings(&["--graphiql", "off", "--introspection", "false"]).unwrap();
        assert!(!web.graphiql && !web.introspection);
        assert!(settings(&["--graphiql", "sometimes"]).is_err());
    }
}
