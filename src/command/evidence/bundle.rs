//! `tenantry evidence export` and `tenantry evidence verify-bundle`

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use tenantry::app::Data;
use tenantry::config::Database;
use tenantry::db::Pool;
use tenantry::evidence::export::{self, Verified, Wanted, verify_bundle};
use tenantry::model::Scope;
use tenantry::model::audit::{self, AuditAction, Deed};

use super::WRONG_USAGE;

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    database: Database,
    /// The company's id, or the PSA's id of it
    company: String,
    /// Where the period begins: a day, or a moment as in 2026-01-31T12:00:00Z
    #[arg(long, value_parser = moment)]
    from: DateTime<Utc>,
    /// What the period ends before
    #[arg(long, value_parser = moment)]
    to: DateTime<Utc>,
    /// The file to write
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "bundle")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// An archive with everything, which `verify-bundle` verifies
    Bundle,
    /// OSCAL assessment results, as JSON
    Oscal,
}

impl From<Format> for export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Bundle => Self::Bundle,
            Format::Oscal => Self::Oscal,
        }
    }
}

fn moment(text: &str) -> Result<DateTime<Utc>, &'static str> {
    export::moment(text).ok_or("neither a day such as 2026-01-31 nor a moment such as 2026-01-31T12:00:00Z")
}

impl Export {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let data = Data::open(&self.database, "evidence").await?;
        let code = self.export(&data.pool).await;
        data.close().await?;
        code
    }

    #[expect(clippy::print_stdout, reason = "the hash to compare with is the command's answer")]
    async fn export(&self, pool: &Pool) -> anyhow::Result<ExitCode> {
        let company = super::super::find_company(&mut *pool.get().await?, &self.company).await?;
        let Some(company) = company else {
            eprintln!(
                "There is no company \"{}\". Give its id, or the id that the PSA has for it.",
                self.company
            );
            return Ok(ExitCode::from(WRONG_USAGE));
        };
        let company_id = company.id;
        let wanted = match Wanted::new(company, self.from, self.to) {
            Ok(wanted) => wanted,
            Err(refused) => {
                eprintln!("{refused}");
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        };
        let now = super::super::now();
        let subject = wanted.to_string();
        let made = export::export(pool, &Scope::All, wanted, now, self.format.into()).await?;
        let deed = Deed {
            company_id: Some(company_id),
            subject: Some(subject),
            ..super::super::deed(AuditAction::ExportEvidence)
        };
        audit::record(&mut *pool.get().await?, now, &deed).await?;
        let out = || format!("writing {}", self.out.display());
        let mut file = File::create(&self.out).with_context(out)?;
        std::io::copy(&mut made.reader(), &mut file).with_context(out)?;
        file.sync_all().with_context(out)?;
        if let Some(hash) = &made.hashes_sha256 {
            println!("{hash}  HASHES.txt");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// No fault was found, and not all was looked at.
const NOT_ALL_SEEN: u8 = 3;

#[derive(Args)]
pub struct VerifyBundle {
    /// The bundle
    file: PathBuf,
}

impl VerifyBundle {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let verified = verify_bundle(&self.file)?;
        tell(&verified);
        Ok(match (&verified.faults[..], &verified.unseen) {
            ([], None) => ExitCode::SUCCESS,
            ([], Some(_)) => ExitCode::from(NOT_ALL_SEEN),
            _ => ExitCode::FAILURE,
        })
    }
}

#[expect(clippy::print_stdout, reason = "what was found is the command's answer")]
fn tell(verified: &Verified) {
    let Verified { company, from, to, .. } = verified;
    println!("Evidence from {from} to before {to} of what the bundle calls {company:?}");
    println!("Tenants that were read: {}", verified.tenants.join(", "));
    println!("The chain ends with link {}: {}", verified.head.0, verified.head.1);
    println!("HASHES.txt: {}", verified.hashes_sha256);
    if let Some(unseen) = &verified.unseen {
        println!("NOT ALL WAS LOOKED AT: {unseen}");
    }
    for fault in &verified.faults {
        println!("FAULT: {fault}");
    }
    if verified.faults.is_empty() && verified.unseen.is_none() {
        println!("Whole: everything is as it was when the bundle was made.");
    }
}
