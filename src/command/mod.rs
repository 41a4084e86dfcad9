//! The commands, one a file, and what they share.

pub mod migrate;
pub mod serve;
pub mod sync;
pub mod token;
pub mod work;

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

/// Logs go to standard error, so that standard output is the command's answer. `RUST_LOG` says how much.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
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
