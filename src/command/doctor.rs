//! `tenantry doctor`: holds the configuration against the real world, and says what to mend.
//!
//! It changes nothing: no migration runs and no role is made. What cannot be found out is said to be so, and never guessed.

mod checks;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tenantry::config::{Database, Registration, Web, Webhook};

#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    web: Web,
    #[command(flatten)]
    registration: Registration,
    #[command(flatten)]
    webhook: Webhook,
    /// Print one JSON array, for programs
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Nothing to do.
    Ok,
    /// It works, but somebody should look; or it cannot be found out from here.
    Warn,
    /// It does not work.
    Fail,
}

/// What was found of one thing.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    message: String,
    /// What to mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    fn warn(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: Status::Warn,
            remedy: Some(remedy.into()),
            ..Self::ok(check, message)
        }
    }

    fn fail(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warn(check, message, remedy)
        }
    }

    /// One that says what a setting came to.
    fn of(check: &'static str, outcome: anyhow::Result<String>) -> Self {
        match outcome {
            Ok(message) => Self::ok(check, message),
            Err(error) => Self::fail(check, format!("{error:#}"), "Mend the setting that is named."),
        }
    }
}

impl Doctor {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut findings = checks::settings(&self.web, &self.webhook);
        findings.extend(checks::database(&self.database).await);
        findings.extend(checks::microsoft(&self.web, &self.registration).await);
        print(&findings, self.json)?;
        Ok(match findings.iter().any(|finding| finding.status == Status::Fail) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }
}

#[expect(clippy::print_stdout, reason = "the findings are the command's answer")]
fn print(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(findings)?);
        return Ok(());
    }
    for finding in findings {
        let status = match finding.status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
        };
        println!("{status}  {}: {}", finding.check, finding.message);
        if let Some(remedy) = &finding.remedy {
            println!("      -> {remedy}");
        }
    }
    Ok(())
}
