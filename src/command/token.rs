//! `tenantry token`

use std::process::ExitCode;

use clap::Args;
use diesel_async::AsyncConnection;
use serde_json::json;
use tenantry::app::Data;
use tenantry::auth::Action;
use tenantry::config::Database;
use tenantry::error::Failure;
use tenantry::graphql::input;
use tenantry::model::audit::{self, AuditAction, Deed};
use tenantry::model::service_token::{self, NewToken};

#[derive(Args)]
pub struct Token {
    #[command(flatten)]
    database: Database,
    /// What the token is for
    #[arg(long)]
    name: String,
    /// How many days it is good for
    #[arg(long, default_value_t = 90)]
    days: i32,
}

impl Token {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let name = input::line(&self.name, "name").map_err(|error| anyhow::anyhow!("--name: {error}"))?;
        let data = Data::open(&self.database, "token").await?;
        let secret = {
            let mut conn = data.pool.get().await?;
            let now = super::now();
            let new = NewToken {
                name,
                by: super::ITSELF,
                days: self.days,
                company_ids: None,
                actions: Action::of_tokens(),
            };
            let issued: Result<_, Failure> = conn
                .transaction(async |conn| {
                    let (token, secret) = service_token::issue(conn, now, &new).await?;
                    let deed = Deed {
                        subject: Some(token.id.to_string()),
                        details: Some(json!({"name": name})),
                        ..super::deed(AuditAction::CreateServiceToken)
                    };
                    audit::record(conn, now, &deed).await?;
                    Ok(secret)
                })
                .await;
            issued?
        };
        data.close().await?;
        #[expect(clippy::print_stdout, reason = "the token is the command's answer")]
        {
            println!("{secret}");
        }
        Ok(ExitCode::SUCCESS)
    }
}
