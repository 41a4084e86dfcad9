//! The commands, one a file, and what they share.

pub mod doctor;
pub mod evidence;
pub mod migrate;
pub mod serve;
pub mod sync;
pub mod token;
pub mod work;

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use tenantry::config::{LogFormat, Logging};
use tenantry::db::Connection;
use tenantry::graphql::id::IdOf;
use tenantry::jobs::Show;
use tenantry::model::audit::{Actor, AuditAction, Deed};
use tenantry::model::{Company, Scope, company};
use tenantry::telemetry::traces::Exporter;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Logs go to standard error, so that standard output is the command's answer; `RUST_LOG` says how much. Traces go to the
/// collector, if there is one; what is left of them leaves when the answer is [ended](Exporter::end).
///
/// # Errors
/// When the collector's address is wrong.
pub fn observe(settings: &Logging) -> anyhow::Result<Option<Exporter>> {
    let wanted = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    let exporter = settings.otlp_endpoint.as_ref().map(Exporter::new).transpose()?;
    log(wanted, settings.log_format, std::io::stderr)
        .with(exporter.as_ref().map(Exporter::layer))
        .init();
    Ok(exporter)
}

/// How messages outside the API name what it knows by opaque ids.
pub const SHOW: Show = Show {
    company: |id| IdOf::Company.show(id).0,
    alarm: |id| IdOf::Alarm.show(id).0,
};

/// Crates that write what they carry into their logs, below the level of information: the parameters of statements,
/// and the messages of sockets. There are secrets and people in those.
const INDISCREET: &[&str] = &["tokio_postgres", "tungstenite"];

/// Says at each start, of each table that is there, that it is there.
const CHATTY: &str = "sqlx::postgres::notice";

/// A filter of its own, for `RUST_LOG` could overrule a directive by one that is more precise.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let of = target.split_once("::").map_or(target, |(of, _)| of);
    match *metadata.level() {
        level if level > Level::INFO => !INDISCREET.contains(&of),
        level => level <= Level::WARN || target != CHATTY,
    }
}

fn log<W>(wanted: EnvFilter, format: LogFormat, writer: W) -> impl Subscriber + for<'s> LookupSpan<'s> + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Filters of this layer alone: what is sent to a collector has its own.
    tracing_subscriber::registry().with(lines.with_filter(wanted).with_filter(filter_fn(is_discreet)))
}

/// The company with this id of ours, or this id of the PSA's.
///
/// # Errors
/// When the database fails.
pub async fn find_company(conn: &mut Connection, named: &str) -> anyhow::Result<Option<Company>> {
    if let Some(id) = IdOf::Company.read(&named.into()) {
        return Ok(company::find(conn, &Scope::All, id).await?);
    }
    Ok(company::find_by_external_id(conn, &Scope::All, named).await?)
}

/// Prints the GraphQL schema.
///
/// # Errors
/// When standard output is closed.
pub fn print_schema() -> anyhow::Result<ExitCode> {
    use std::io::Write;
    std::io::stdout().write_all(tenantry::graphql::sdl().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A token that is cancelled when the process is asked to stop: Ctrl-C or SIGTERM.
///
/// # Errors
/// When signals cannot be watched.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let asked = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        asked.cancel();
    });
    Ok(stop)
}

/// The present. The command line is where the time comes from.
pub fn now() -> DateTime<Utc> {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever gets the time from here can be given another by a test"
    )]
    Utc::now()
}

/// What the command line is called where it is told who did something.
pub const ITSELF: &str = "the command line";

/// A deed of the command line's, for the audit trail.
pub fn deed(action: AuditAction) -> Deed<'static> {
    Deed {
        actor: Actor::system(ITSELF),
        action,
        company_id: None,
        subject: None,
        refused_because: None,
        request_id: None,
        details: None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written when this much is wanted.
    fn written(wanted: &str) -> String {
        let paper = Paper::default();
        let copy = paper.clone();
        tracing::subscriber::with_default(
            log(EnvFilter::new(wanted), LogFormat::Text, move || copy.clone()),
            || {
                tracing::debug!(target: "tokio_postgres::query", "a parameter");
                tracing::trace!(target: "tungstenite::protocol", "a message");
                tracing::info!(target: "tokio_postgres::connection", "a notice");
                tracing::trace!(target: "tenantry::sync", "a step");
            },
        );
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lines_for_programs_are_objects_that_name_their_trace() {
        let paper = Paper::default();
        let copy = paper.clone();
        let wanted = EnvFilter::new("info");
        tracing::subscriber::with_default(log(wanted, LogFormat::Json, move || copy.clone()), || {
            let span = tracing::error_span!("request", trace_id = "4bf92f3577b34da6a3ce929d0e0e4736");
            span.in_scope(|| tracing::warn!(target: "tenantry::http", "a line"));
        });
        let bytes = paper.0.lock().unwrap().clone();
        let line: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(line["message"], "a line");
        assert_eq!(line["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn no_wish_for_more_writes_parameters_and_messages_into_the_log() {
        let precise = "trace,tokio_postgres::query=trace,tungstenite=trace,tungstenite::protocol=trace";
        for wanted in ["trace", precise] {
            let written = written(wanted);
            assert!(written.contains("a notice") && written.contains("a step"), "{written}");
            assert!(
                !written.contains("a parameter") && !written.contains("a message"),
                "{written}"
            );
        }
    }
}
