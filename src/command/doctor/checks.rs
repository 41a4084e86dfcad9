//! What is looked at, one thing after the other; a thing that fails keeps only those from being looked at that need it.

use chrono::{DateTime, TimeDelta, Utc};
use tenantry::config::{Database, Registration, Web, Webhook};
use tenantry::db::embedded::EmbeddedPostgres;
use tenantry::db::{self, Address, locks};
use tenantry::jobs::alarms::Expiry;
use tenantry::jobs::{self, alarms};
use tenantry::microsoft::{Microsoft, Trouble};
use tenantry::{app, telemetry};
use tokio_postgres::Client;
use url::Url;
use uuid::Uuid;

use super::Finding;
use crate::command::{SHOW, now};

/// Clocks that differ by less are as good as equal.
const SKEW: TimeDelta = TimeDelta::seconds(5);
/// Clocks that differ by more make Entra refuse what we sign.
const WRONG: TimeDelta = TimeDelta::seconds(60);

/// The oldest Postgres that will do: `nulls not distinct` is of 15.
const OLDEST: i32 = 150_000;

/// What can be said of the settings by themselves.
pub fn settings(web: &Web, webhook: &Webhook) -> Vec<Finding> {
    let origin = match web.origin() {
        Ok(url) if url.scheme() == "https" => Finding::ok("public URL", url.to_string()),
        Ok(url) => Finding::warn(
            "public URL",
            format!("{url} is plain http"),
            "It serves this machine alone. For others put a proxy with https in front and set TENANTRY_PUBLIC_URL.",
        ),
        Err(error) => Finding::fail(
            "public URL",
            format!("{error:#}"),
            "Set TENANTRY_PUBLIC_URL to our https origin.",
        ),
    };
    let staff = web.staff_tenant().and_then(|tenant| {
        let groups = web.staff_groups()?.len();
        Ok(format!("tenant {tenant}, {groups} groups"))
    });
    let told = webhook.told().and_then(|told| match told {
        None => Ok("nobody is told of alarms: TENANTRY_WEBHOOK_URL is not set".to_owned()),
        Some((url, secret)) => {
            jobs::Webhook::new(url, secret, SHOW).map(|_| "its settings are well formed; nothing was sent".to_owned())
        }
    });
    let origins = web
        .other_origins()
        .map(|origins| format!("{} besides our own", origins.len()));
    let scraper = web.scraper().map(|token| match token {
        None => {
            "TENANTRY_SCRAPE_TOKEN is not set: /metrics asks for a service token, and so for the database".to_owned()
        }
        Some(_) => "it opens /metrics".to_owned(),
    });
    vec![
        origin,
        Finding::of("allowed origins", origins),
        Finding::of("staff", staff),
        Finding::of("webhook", told),
        Finding::of("scrape token", scraper),
    ]
}

/// Whether the database is there and has what is needed.
pub async fn database(settings: &Database) -> Vec<Finding> {
    if let Some(url) = &settings.database_url {
        return database_at(settings, url).await;
    }
    if !settings.data_dir.join("postgres").exists() {
        return vec![Finding::warn(
            "database",
            "DATABASE_URL is not set, and there is no private Postgres yet: the first start makes one in the data folder",
            PRIVATE,
        )];
    }
    let private = match EmbeddedPostgres::start_or_join(&settings.data_dir).await {
        Ok(private) => private,
        Err(error) => {
            let remedy = "Set DATABASE_URL, or install a Postgres server for a private one.";
            return vec![Finding::fail("database", format!("{error:#}"), remedy)];
        }
    };
    let told = "DATABASE_URL is not set: a private Postgres in the data folder is used";
    let mut findings = vec![Finding::warn("database", told, PRIVATE)];
    findings.extend(database_at(settings, private.url()).await);
    if let Err(error) = private.stop().await {
        tracing::warn!(error = format!("{error:#}"), "the private Postgres did not stop");
    }
    findings
}

const PRIVATE: &str = "That is for a demo, or for one machine. For several nodes set DATABASE_URL.";

/// What a start would ask of these addresses, in its words, and then what is there.
async fn database_at(settings: &Database, url: &str) -> Vec<Finding> {
    let fail = |error: anyhow::Error, remedy| vec![Finding::fail("database", format!("{error:#}"), remedy)];
    let (through, direct) = match app::addresses(url, settings.direct_database_url.as_deref(), "doctor") {
        Ok(addresses) => addresses,
        Err(error) => return fail(error, "Mend the setting that is named."),
    };
    let client = match connect(&through, &direct).await {
        Ok(client) => client,
        Err((setting, error)) => {
            let remedy = format!("Look at {setting}, at the server, and at the network between.");
            return vec![Finding::fail("database", format!("{setting}: {error:#}"), remedy)];
        }
    };
    if let Err(error) = db::pooler::require(&through, &direct).await {
        return fail(
            error,
            "Neither `tenantry serve` nor `tenantry work` starts before that.",
        );
    }
    let mut findings = look_at(&client).await;
    findings.push(asked(
        "connections",
        connections(&client, settings.database_connections).await,
    ));
    findings
}

/// A connection to Postgres itself, where the other address answers as well.
async fn connect(through: &Address, direct: &Address) -> Result<Client, (&'static str, anyhow::Error)> {
    let client = through.client().await.map_err(|error| ("DATABASE_URL", error))?;
    if through.url() == direct.url() {
        return Ok(client);
    }
    direct
        .client()
        .await
        .map_err(|error| ("TENANTRY_DIRECT_DATABASE_URL", error))
}

async fn look_at(client: &Client) -> Vec<Finding> {
    vec![
        asked("Postgres", version(client).await),
        asked("roles", roles(client).await),
        asked("hstore", hstore(client).await),
        asked("migrations", migrations(client).await),
        asked("row-level security", row_level_security(client).await),
        asked("clock of the database", clock(client).await),
        asked("worker", worker(client).await),
    ]
}

/// What was found; or that it could not be asked.
fn asked(check: &'static str, looked: anyhow::Result<Finding>) -> Finding {
    looked.unwrap_or_else(|error| {
        let message = format!("the database could not be asked: {error:#}");
        Finding::fail(check, message, "Look at the server's log.")
    })
}

async fn version(client: &Client) -> anyhow::Result<Finding> {
    let check = "Postgres";
    let row = client
        .query_one(
            "select current_setting('server_version'), current_setting('server_version_num')::int",
            &[],
        )
        .await?;
    let (name, number): (String, i32) = (row.get(0), row.get(1));
    Ok(if number >= OLDEST {
        Finding::ok(check, name)
    } else {
        Finding::fail(check, format!("{name} is too old"), "Use Postgres 15 or newer.")
    })
}

async fn roles(client: &Client) -> anyhow::Result<Finding> {
    let is_pending = !db::pending(client).await?.is_empty();
    Ok(match db::require_roles(client, is_pending).await {
        Ok(()) => Finding::ok("roles", "the database user has, or can make, the roles that are needed"),
        Err(error) => Finding::fail("roles", "the database user lacks a role", format!("{error:#}")),
    })
}

/// What keeps a portal user to their company, beside every query's own condition.
async fn row_level_security(client: &Client) -> anyhow::Result<Finding> {
    let check = "row-level security";
    Ok(match locks::told(&locks::missing(client).await?) {
        None => Finding::ok(check, "policies, grants and owners are as the migrations made them"),
        Some(lacks) => Finding::fail(check, lacks, locks::REMEDY),
    })
}

/// Of the places of a worker, as many as there are unless told.
const PLACES: usize = 4;

/// Whether the server has room for one API and one worker with these settings; docs/operations.md has the arithmetic.
async fn connections(client: &Client, pool: usize) -> anyhow::Result<Finding> {
    let check = "connections";
    let row = client
        .query_one(
            "select current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
                    (select count(*) from pg_stat_activity where backend_type = 'client backend')",
            &[],
        )
        .await?;
    let (room, used): (i64, i64) = (row.get(0), row.get(1));
    let (api, worker) = (pool + 5, pool + 3 * PLACES + 7);
    let message = format!(
        "the server takes {room}, {used} are open; with these settings an API opens {api} at most, a worker with {PLACES} places {worker}"
    );
    Ok(if usize::try_from(room)? < api + worker {
        Finding::warn(
            check,
            message,
            "Raise max_connections, or lower TENANTRY_DATABASE_CONNECTIONS.",
        )
    } else {
        Finding::ok(check, message)
    })
}

async fn hstore(client: &Client) -> anyhow::Result<Finding> {
    let check = "hstore";
    let row = client
        .query_one(
            "select exists (select from pg_extension where extname = 'hstore'),
                    exists (select from pg_available_extensions where name = 'hstore')",
            &[],
        )
        .await?;
    Ok(match (row.get(0), row.get(1)) {
        (true, _) => Finding::ok(check, "installed"),
        (false, true) => Finding::ok(check, "available; it is installed at the first start"),
        (false, false) => Finding::fail(check, "the server has no hstore", "Install Postgres' contrib package."),
    })
}

async fn migrations(client: &Client) -> anyhow::Result<Finding> {
    let check = "migrations";
    let missing = db::pending(client).await?;
    Ok(if missing.is_empty() {
        Finding::ok(check, "up to date")
    } else {
        Finding::warn(
            check,
            format!("yet to run: {}", missing.join(", ")),
            "`tenantry serve` and `tenantry work` run them when they start; so does `tenantry migrate`.",
        )
    })
}

async fn clock(client: &Client) -> anyhow::Result<Finding> {
    let check = "clock of the database";
    let row = client.query_one("select clock_timestamp()", &[]).await?;
    Ok(compare(check, row.get(0)))
}

fn compare(check: &'static str, theirs: DateTime<Utc>) -> Finding {
    let apart = (theirs - now()).abs();
    let message = format!("{} seconds from this machine's", apart.num_seconds());
    let remedy = "Set both clocks by NTP: schedules go by the database's, signed requests by this machine's.";
    match apart {
        apart if apart <= SKEW => Finding::ok(check, message),
        apart if apart <= WRONG => Finding::warn(check, message, remedy),
        _ => Finding::fail(check, message, remedy),
    }
}

async fn worker(client: &Client) -> anyhow::Result<Finding> {
    let check = "worker";
    let row = client
        .query_one("select to_regclass('apalis.workers') is not null", &[])
        .await?;
    let mut living: i64 = 0;
    if row.get(0) {
        let statement = format!("select count(*) {}", telemetry::health::LIVING_WORKERS);
        living = client.query_one(&statement, &[]).await?.get(0);
    }
    Ok(match living {
        0 => Finding::warn(
            check,
            "none has been heard of for 90 seconds",
            "Start `tenantry work`: without it nothing is synced.",
        ),
        living => Finding::ok(check, format!("{living} alive")),
    })
}

/// Whether Microsoft is there and knows us.
pub async fn microsoft(web: &Web, registration: &Registration) -> Vec<Finding> {
    let microsoft = match app::microsoft(registration) {
        Ok(microsoft) => microsoft,
        Err(error) => {
            return vec![Finding::fail(
                "application",
                format!("{error:#}"),
                "docs/microsoft.md says how to register the application.",
            )];
        }
    };
    let mut findings = vec![addresses(&microsoft, registration)];
    let (entra, graph) = microsoft.clocks().await;
    findings.push(answered("Entra", entra));
    findings.push(answered("Graph", graph));
    findings.push(ending(&microsoft));
    if let Ok(tenant) = web.staff_tenant() {
        findings.push(match microsoft.graph(tenant).granted_permissions().await {
            Ok(_) => Finding::ok("credential", "Entra gave a token for the staff's tenant"),
            Err(trouble) => Finding::fail("credential", trouble.message(), ours(&trouble)),
        });
        if let Ok(own) = web.origin() {
            for path in ["/auth/callback", "/connect/callback", "/"] {
                findings.push(redirect_uri(&microsoft, tenant, &own.join(path).expect("a fixed path")).await);
            }
        }
    }
    findings
}

/// Whether Entra sends people back to this address of ours.
async fn redirect_uri(microsoft: &Microsoft, tenant: Uuid, uri: &Url) -> Finding {
    let check = "redirect URI";
    let remedy = format!(
        "See that the application's registration in Entra has exactly {uri} among its redirect URIs of the platform Web, \
         and that TENANTRY_PUBLIC_URL and MICROSOFT_CLIENT_ID are right."
    );
    match microsoft.returns_to(tenant, uri).await {
        Ok(Some(true)) => Finding::ok(check, format!("{uri} is registered")),
        Ok(Some(false)) => Finding::fail(check, format!("Entra sends nobody to {uri}"), remedy),
        Ok(None) => Finding::warn(check, format!("Entra did not tell whether {uri} is registered"), remedy),
        Err(trouble) => Finding::warn(check, format!("{uri}: {}", trouble.message()), remedy),
    }
}

/// What to look at where it is the staff's tenant: what a run of a client's would advise is of no use then.
fn ours(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::ConsentMissing => {
            "Compare MICROSOFT_CLIENT_ID with the application (client) id of the registration. If it is right, an administrator of \
             the tenant in TENANTRY_STAFF_TENANT_ID has to grant the permissions there (docs/microsoft.md)."
        }
        Trouble::TenantUnknown => {
            "Compare TENANTRY_STAFF_TENANT_ID with the tenant's id, and MICROSOFT_CLOUD with the cloud that it is in."
        }
        Trouble::UnexpectedResponse { .. } | Trouble::UntrustedLink => {
            "Look at MICROSOFT_CLOUD, MICROSOFT_LOGIN_URL and MICROSOFT_GRAPH_URL: they have to be of one cloud."
        }
        _ => trouble.remedy(),
    }
}

fn addresses(microsoft: &Microsoft, registration: &Registration) -> Finding {
    let message = format!("{} and {}", microsoft.login_url(), microsoft.graph_url());
    if registration.microsoft_login_url.is_none() && registration.microsoft_graph_url.is_none() {
        return Finding::ok("cloud", message);
    }
    Finding::warn(
        "cloud",
        message,
        "MICROSOFT_LOGIN_URL or MICROSOFT_GRAPH_URL stands in for the cloud's own address: right for a simulator alone.",
    )
}

fn answered(check: &'static str, theirs: Result<DateTime<Utc>, Trouble>) -> Finding {
    match theirs {
        Ok(theirs) => compare(check, theirs),
        Err(trouble) => Finding::fail(
            check,
            trouble.message(),
            "Look at the network, at a proxy between, and at MICROSOFT_CLOUD.",
        ),
    }
}

fn ending(microsoft: &Microsoft) -> Finding {
    let check = "end of the credential";
    let remedy = "Make a new secret or certificate in the registration and set it here.";
    let now = now();
    match alarms::expiry(microsoft.credential_expires(), now) {
        Expiry::Far => Finding::ok(check, "more than 30 days away"),
        Expiry::Unknown => Finding::warn(
            check,
            "a client secret does not tell its end",
            "Set MICROSOFT_CLIENT_SECRET_EXPIRES to its last day, to be warned ahead.",
        ),
        Expiry::Near(what) if microsoft.credential_expires().is_some_and(|end| end > now) => {
            Finding::warn(check, what, remedy)
        }
        Expiry::Near(what) => Finding::fail(check, what, remedy),
    }
}
