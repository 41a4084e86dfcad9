//! What is looked at, one thing after the other; a thing that fails keeps only those from being looked at that need it.

use chrono::{DateTime, TimeDelta, Utc};
use tenantry::config::{Database, Registration, Web, Webhook};
use tenantry::db::embedded::EmbeddedPostgres;
use tenantry::db::{self, Pool};
use tenantry::jobs::alarms::Expiry;
use tenantry::jobs::{self, alarms};
use tenantry::microsoft::{Microsoft, Trouble};
use tenantry::{app, telemetry};
use tokio_postgres::Client;

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
        Some((url, secret)) => jobs::Webhook::new(url, secret, SHOW).map(|_| "its settings are well formed".to_owned()),
    });
    let origins = web
        .other_origins()
        .map(|origins| format!("{} besides our own", origins.len()));
    let mut findings = vec![
        origin,
        Finding::of("allowed origins", origins),
        Finding::of("staff", staff),
        Finding::of("webhook", told),
    ];
    findings.extend(web.origin().ok().map(|own| {
        let own = own.as_str().trim_end_matches('/').to_owned();
        Finding::warn(
            "redirect URIs",
            "Entra tells them to nobody without a permission that is not asked for",
            format!("See that the registration has exactly {own}/auth/callback, {own}/connect/callback and {own}/ as redirect URIs of type Web."),
        )
    }));
    findings
}

/// Whether the database is there and has what is needed.
pub async fn database(settings: &Database) -> Vec<Finding> {
    let private = match &settings.database_url {
        Some(_) => None,
        None => match EmbeddedPostgres::start_or_join(&settings.data_dir).await {
            Ok(private) => Some(private),
            Err(error) => {
                return vec![Finding::fail(
                    "database",
                    format!("{error:#}"),
                    "Set DATABASE_URL, or install a Postgres server for a private one.",
                )];
            }
        },
    };
    let url = private
        .as_ref()
        .map(EmbeddedPostgres::url)
        .or(settings.database_url.as_deref());
    let findings = match connect(url.unwrap_or_default()).await {
        Ok(client) => look_at(&client, private.is_some()).await,
        Err(error) => vec![Finding::fail(
            "database",
            format!("{error:#}"),
            "Look at DATABASE_URL, at the server, and at the network between.",
        )],
    };
    if let Some(private) = private
        && let Err(error) = private.stop().await
    {
        tracing::warn!(error = format!("{error:#}"), "the private Postgres did not stop");
    }
    findings
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    Pool::new(url, 1)?.raw().await
}

async fn look_at(client: &Client, private: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if private {
        findings.push(Finding::warn(
            "database",
            "DATABASE_URL is not set: a private Postgres in the data folder is used",
            "That is for a demo, or for one machine. For several nodes set DATABASE_URL.",
        ));
    }
    for looked in [
        version(client).await,
        roles(client).await,
        hstore(client).await,
        migrations(client).await,
        clock(client).await,
        worker(client).await,
    ] {
        findings.push(looked.unwrap_or_else(|(check, error)| {
            Finding::fail(
                check,
                format!("the database could not be asked: {error:#}"),
                "Look at the server's log.",
            )
        }));
    }
    findings
}

type Looked = Result<Finding, (&'static str, anyhow::Error)>;

fn unasked<E: Into<anyhow::Error>>(check: &'static str) -> impl Fn(E) -> (&'static str, anyhow::Error) {
    move |error| (check, error.into())
}

async fn version(client: &Client) -> Looked {
    let check = "Postgres";
    let row = client
        .query_one(
            "select current_setting('server_version'), current_setting('server_version_num')::int",
            &[],
        )
        .await
        .map_err(unasked(check))?;
    let (name, number): (String, i32) = (row.get(0), row.get(1));
    Ok(if number >= OLDEST {
        Finding::ok(check, name)
    } else {
        Finding::fail(check, format!("{name} is too old"), "Use Postgres 15 or newer.")
    })
}

async fn roles(client: &Client) -> Looked {
    Ok(match db::require_roles(client).await {
        Ok(()) => Finding::ok("roles", "the database user has, or can make, the roles that are needed"),
        Err(error) => Finding::fail("roles", "the database user lacks a role", format!("{error:#}")),
    })
}

async fn hstore(client: &Client) -> Looked {
    let check = "hstore";
    let row = client
        .query_one(
            "select exists (select from pg_extension where extname = 'hstore'),
                    exists (select from pg_available_extensions where name = 'hstore')",
            &[],
        )
        .await
        .map_err(unasked(check))?;
    Ok(match (row.get(0), row.get(1)) {
        (true, _) => Finding::ok(check, "installed"),
        (false, true) => Finding::ok(check, "available; it is installed at the first start"),
        (false, false) => Finding::fail(check, "the server has no hstore", "Install Postgres' contrib package."),
    })
}

async fn migrations(client: &Client) -> Looked {
    let check = "migrations";
    let row = client
        .query_one(
            "select to_regclass('public.__diesel_schema_migrations') is not null",
            &[],
        )
        .await
        .map_err(unasked(check))?;
    let mut applied: Vec<String> = Vec::new();
    if row.get(0) {
        let rows = client
            .query("select version::text from __diesel_schema_migrations", &[])
            .await
            .map_err(unasked(check))?;
        applied.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    let missing = db::migrations_not_in(&applied);
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

async fn clock(client: &Client) -> Looked {
    let check = "clock of the database";
    let row = client
        .query_one("select clock_timestamp()", &[])
        .await
        .map_err(unasked(check))?;
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

async fn worker(client: &Client) -> Looked {
    let check = "worker";
    let row = client
        .query_one("select to_regclass('apalis.workers') is not null", &[])
        .await
        .map_err(unasked(check))?;
    let mut living: i64 = 0;
    if row.get(0) {
        let statement = format!("select count(*) {}", telemetry::health::LIVING_WORKERS);
        living = client.query_one(&statement, &[]).await.map_err(unasked(check))?.get(0);
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
            Err(trouble) => Finding::fail("credential", trouble.message(), trouble.remedy()),
        });
    }
    findings
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
