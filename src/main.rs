//! The command line: which parts a process runs.

mod command;
#[cfg(feature = "demo")]
mod demo;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tenantry::config::{self, Logging};

/// Keeps the Microsoft 365 tenants of a managed service provider's clients in its PSA
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    logging: Logging,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try it: Postgres, a simulated Microsoft 365, the API and a worker in one process
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Serve the API
    Serve(command::serve::Serve),
    /// Run the worker that performs syncs, and the clock
    Work(command::work::Work),
    /// Bring the database's schema up to date
    Migrate(command::migrate::Migrate),
    /// Print the GraphQL schema
    Schema,
    /// Sync a company now and follow it
    Sync(command::sync::Sync),
    /// Look after kept evidence
    Evidence(command::evidence::Evidence),
    /// Hold the configuration against the real world, and say what to mend
    Doctor(command::doctor::Doctor),
    /// Make a service token for the PSA's back end
    Token(command::token::Token),
}

#[tokio::main]
async fn main() -> ExitCode {
    let matches = config::for_operators(Cli::command()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let exporter = match command::observe(&cli.logging) {
        Ok(exporter) => exporter,
        Err(error) => {
            eprintln!("tenantry: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Work(work) => work.run().await,
        Command::Migrate(migrate) => migrate.run().await,
        Command::Schema => command::print_schema(),
        Command::Sync(sync) => sync.run().await,
        Command::Evidence(evidence) => evidence.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Token(token) => token.run().await,
    };
    if let Some(exporter) = exporter {
        exporter.end();
    }
    outcome.unwrap_or_else(|error| {
        eprintln!("tenantry: {error:#}");
        ExitCode::FAILURE
    })
}
