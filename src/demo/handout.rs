//! What the demo hands out: where to click and as whom, for people on the terminal and for scripts in two files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context;
use m365_simulator::{Account, Simulator, TenantSummary};
use tenantry::auth::Action;
use tenantry::config::{Registration, Web};
use tenantry::db::Pool;
use tenantry::graphql::id::IdOf;
use tenantry::model::Company;
use tenantry::model::service_token::{self, NewToken};

use super::clients::{self, Client};
use crate::command::now;

/// The settings of the running demo, `KEY=value`.
const SETTINGS: &str = "demo.env";
/// A service token for scripts.
const TOKEN: &str = "service-token";
/// How many people of a tenant one is told of.
const PEOPLE: usize = 2;
/// How many days the token is good for.
const TOKEN_DAYS: i32 = 7;

/// The running demo, as it is told.
pub struct Handout<'a> {
    pub web: &'a Web,
    pub registration: &'a Registration,
    pub simulator: &'a Simulator,
    pub msp: &'a TenantSummary,
    pub clients: &'a [Client],
    pub companies: &'a [Company],
}

/// Takes back what an earlier demo handed out: nobody is to read the settings of one that has ended.
///
/// # Errors
/// When a file cannot be removed.
pub fn withdraw(data_dir: &Path) -> anyhow::Result<()> {
    for name in [SETTINGS, TOKEN] {
        match std::fs::remove_file(data_dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {name}"));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Handout<'_> {
    /// Writes the files for scripts.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub async fn write(&self, pool: &Pool, data_dir: &Path) -> anyhow::Result<()> {
        let secret = {
            let mut conn = pool.get().await?;
            let new = NewToken {
                name: "the demo's scripts",
                by: "the demo",
                days: TOKEN_DAYS,
                company_ids: None,
                actions: Action::of_tokens(),
            };
            service_token::issue(&mut conn, now(), &new).await?.1
        };
        write_private(&data_dir.join(TOKEN), &secret)?;
        write_private(&data_dir.join(SETTINGS), &self.settings(data_dir)?)
    }

    fn settings(&self, data_dir: &Path) -> anyhow::Result<String> {
        let mut text = String::new();
        let authority = std::path::absolute(data_dir.join("simulator/ca.pem"))?;
        let tls_url = self.simulator.tls_url().map(url::Url::as_str).unwrap_or_default();
        writeln!(text, "TENANTRY_URL={}", bare(&self.web.origin()?))?;
        writeln!(text, "SIMULATOR_URL={}", bare(self.simulator.url()))?;
        writeln!(text, "SIMULATOR_TLS_URL={}", tls_url.trim_end_matches('/'))?;
        writeln!(text, "SIMULATOR_CA={}", authority.display())?;
        if let Some(client_id) = self.registration.microsoft_client_id {
            writeln!(text, "MICROSOFT_CLIENT_ID={client_id}")?;
        }
        if let Some(secret) = &self.registration.microsoft_client_secret {
            writeln!(text, "MICROSOFT_CLIENT_SECRET={secret}")?;
        }
        writeln!(text, "STAFF_TENANT_ID={}", self.msp.id)?;
        for (index, (company, client)) in self.companies.iter().zip(self.clients).enumerate() {
            let number = index + 1;
            writeln!(text, "COMPANY_{number}_ID={}", *IdOf::Company.show(company.id))?;
            writeln!(text, "COMPANY_{number}_NAME={}", company.name)?;
            writeln!(text, "TENANT_{number}_ID={}", client.tenant.id)?;
        }
        for (index, (tenant, account)) in self.people().enumerate() {
            let role = role(self.msp, tenant, account);
            writeln!(
                text,
                "PERSON_{}={}/{} {role} {}",
                index + 1,
                tenant.id,
                account.oid,
                account.name
            )?;
        }
        Ok(text)
    }

    fn people(&self) -> impl Iterator<Item = (&TenantSummary, &Account)> {
        std::iter::once(self.msp)
            .chain(self.clients.iter().map(|client| &client.tenant))
            .flat_map(|tenant| {
                let people = if tenant.id == self.msp.id {
                    clients::STAFF.len()
                } else {
                    PEOPLE
                };
                tenant
                    .accounts
                    .iter()
                    .take(people)
                    .map(move |account| (tenant, account))
            })
    }

    /// Somebody of a connected client, and no administrator of it.
    fn portal_user(&self) -> Option<(&Client, &Account)> {
        let client = self.clients.iter().find(|client| client.connected)?;
        let people = client.tenant.accounts.iter();
        Some((client, people.into_iter().find(|account| !account.administrator)?))
    }

    /// Says where to click and as whom.
    pub fn print(&self, data_dir: &Path) {
        let staff = self.msp.accounts.first().map_or_else(|| "anybody".to_owned(), named);
        let origin = self.web.origin().map(|origin| bare(&origin)).unwrap_or_default();
        eprintln!(
            "\nTenantry is ready.\n\n  1. Open {origin} and sign in: choose {staff} of {}.",
            self.msp.display_name
        );
        if let Some(client) = self.clients.iter().find(|client| !client.connected) {
            let administrator = client.tenant.accounts.iter().find(|account| account.administrator);
            let administrator = administrator.map_or_else(|| "its administrator".to_owned(), named);
            eprintln!(
                "  2. Open {} there and click Sync With M365: at Microsoft, sign in as {administrator} and accept.",
                client.tenant.display_name
            );
        }
        eprintln!("  3. Open GraphiQL; each tab is a step: look, connect, watch, sync, query.");
        if let Some((client, contact)) = self.portal_user() {
            eprintln!(
                "  4. Sign in as a portal user, in another window: choose {} of {}.",
                named(contact),
                client.tenant.display_name
            );
        }
        eprintln!(
            "\n  The simulated Microsoft 365: {} (change it under /_control)",
            bare(self.simulator.url())
        );
        eprintln!(
            "  For scripts: {0}/{SETTINGS} and {0}/{TOKEN}\n  Ctrl-C ends everything; the data stays.\n",
            data_dir.display()
        );
    }
}

/// What somebody is: their role in Tenantry, or at Microsoft.
fn role(msp: &TenantSummary, tenant: &TenantSummary, account: &Account) -> &'static str {
    let staff = clients::staff(msp).find(|(member, _)| tenant.id == msp.id && member.oid == account.oid);
    match staff {
        Some((_, app_role)) => app_role,
        None if account.administrator => "administrator",
        None => "member",
    }
}

/// A person by name and address: among ten thousand people a name alone is not one person.
fn named(account: &Account) -> String {
    format!("{} ({})", account.name, account.username)
}

fn bare(url: &url::Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Writes a file for its owner alone, whole or not at all.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("writing {}", draft.display()))?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&draft, path).with_context(|| format!("writing {}", path.display()))
}
