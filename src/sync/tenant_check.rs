//! The first step of every run: is this the tenant that was connected, and does it own what it was said to own?
//!
//! Read with the application's own token, for the callback of a consent proves nothing.

use diesel_async::AsyncConnection;

use super::ending::Stop;
use super::run::Run;
use crate::microsoft::{Trouble, wire::Organization};
use crate::model::sync_run::RunFailure;
use crate::model::tenant;

impl Run {
    /// Compares what `/organization` says with what was connected, and keeps the tenant's name and domain.
    ///
    /// # Errors
    /// [`Stop::Refused`] when the tenant does not own the expected domain; trouble when it is another tenant.
    pub(super) async fn check_tenant(&mut self) -> Result<(), Stop> {
        let organization = self.graph.organization().await?;
        if organization.id != self.graph.tenant() {
            return Err(Trouble::UnexpectedResponse { what: "the tenant's id is not the one that was connected".into() }.into());
        }
        if let Some(expected) = &self.tenant.expected_domain
            && !owns(&organization, expected)
        {
            return Err(Stop::Refused(RunFailure {
                code: "DOMAIN_NOT_OWNED".into(),
                message: format!("The tenant does not own {expected}, so it was disconnected."),
                remedy: "Connect again and sign in as an administrator of the right tenant.".into(),
            }));
        }
        let domain = organization
            .verified_domains
            .iter()
            .find(|domain| domain.is_default)
            .or(organization.verified_domains.first())
            .map(|domain| &*domain.name);
        let name = organization.display_name.as_deref();
        if self.tenant.display_name.as_deref() == name && self.tenant.domain.as_deref() == domain && self.tenant.expected_domain.is_none() {
            return Ok(());
        }
        let (run_id, fence, company_id) = (self.claim.run.id, self.claim.fence, self.claim.run.company_id);
        let mut conn = self.pool.get().await?;
        conn.transaction(async |conn| -> Result<(), Stop> {
            crate::model::sync_run::lease::stand_guard(conn, run_id, fence).await?;
            tenant::describe(conn, company_id, name, domain).await?;
            Ok(())
        })
        .await
    }
}

fn owns(organization: &Organization, domain: &str) -> bool {
    organization.verified_domains.iter().any(|verified| verified.name.eq_ignore_ascii_case(domain))
}
