//! `tenantry evidence`

mod bundle;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use tenantry::app::Data;
use tenantry::config::Database;
use tenantry::db::Connection;
use tenantry::evidence::keep::{self, Fault};
use tenantry::model::{Scope, company};
use uuid::Uuid;

/// The exit code of a question that cannot be answered as it was asked.
const WRONG_USAGE: u8 = 2;

#[derive(Args)]
pub struct Evidence {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Hold every kept row, blob and link against its hash
    Verify(Verify),
    /// Write what is kept of a company in a period into one file
    Export(bundle::Export),
    /// Hold a bundle against itself, without a database
    VerifyBundle(bundle::VerifyBundle),
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    database: Database,
    /// The company's id, or the PSA's id of it; every company without
    #[arg(long)]
    company: Option<String>,
}

impl Evidence {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Verify(verify) => verify.run().await,
            What::Export(export) => export.run().await,
            What::VerifyBundle(verify) => verify.run(),
        }
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let data = Data::open(&self.database, "evidence").await?;
        let code = {
            let mut conn = data.pool.get().await?;
            self.verify(&mut conn).await?
        };
        data.close().await?;
        Ok(code)
    }

    async fn verify(&self, conn: &mut Connection) -> anyhow::Result<ExitCode> {
        let companies = match &self.company {
            None => keep::companies(conn).await?,
            Some(named) => match super::find_company(conn, named).await? {
                Some(company) => vec![company.id],
                None => {
                    eprintln!("There is no company \"{named}\". Give its id, or the id that the PSA has for it.");
                    return Ok(ExitCode::from(WRONG_USAGE));
                }
            },
        };
        let mut whole = true;
        for company in companies {
            let faults = keep::verify(conn, company).await?;
            whole &= faults.is_empty();
            tell(&name(conn, company).await?, &faults);
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Companies that were deleted have no name any more.
async fn name(conn: &mut Connection, id: Uuid) -> anyhow::Result<String> {
    let company = company::find(conn, &Scope::All, id).await?;
    Ok(company.map_or_else(|| id.to_string(), |company| company.name))
}

#[expect(clippy::print_stdout, reason = "what was found is the command's answer")]
fn tell(company: &str, faults: &[Fault]) {
    if faults.is_empty() {
        println!("{company}: whole");
    }
    for fault in faults {
        println!("{company}: {fault}");
    }
}
