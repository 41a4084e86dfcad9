//! The command line: which parts a process runs.

mod command;
#[cfg(feature = "demo")]
mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps the Microsoft 365 tenants of a managed service provider's clients in its PSA
#[derive(Parser)]
#[command(version, about)]
struct Cli {
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
    /// Make a service token for the PSA's back end
    Token(command::token::Token),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    command::log_to_stderr();
    let outcome = match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Work(work) => work.run().await,
        Command::Migrate(migrate) => migrate.run().await,
        Command::Schema => command::print_schema(),
        Command::Sync(sync) => sync.run().await,
        Command::Evidence(evidence) => evidence.run().await,
        Command::Token(token) => token.run().await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("tenantry: {error:#}");
        ExitCode::FAILURE
    })
}
