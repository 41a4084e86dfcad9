//! The first step of every run: is this the tenant that was connected, and does it own what it was said to own?
//!
//! Read with the application's own token, for the callback of a consent proves nothing.

use diesel_async::AsyncConnection;

use super::run::Identity;
use crate::microsoft::CONSENTING_ROLES;
use crate::microsoft::wire::Organization;
use crate::model::sync_run::{RunFailure, lease};
use crate::model::tenant;
use crate::run::Stop;

impl Identity {
    /// Compares what `/organization` says with what was connected, and keeps the tenant's name and domain.
    ///
    /// # Errors
    /// [`Stop::Mistaken`] when it is another tenant, does not own the expected domain, or was connected by somebody
    /// who is no administrator.
    pub(super) async fn check_tenant(&mut self) -> Result<(), Stop> {
        let organization = self.run.graph.organization().await?;
        if organization.id != self.run.graph.tenant() {
            return Err(refused(
                "TENANT_MISMATCH",
                "Microsoft answered for another tenant than the one that was connected",
            ));
        }
        if let Some(expected) = &self.run.tenant.expected_domain
            && !owns(&organization, expected)
        {
            return Err(refused(
                "DOMAIN_NOT_OWNED",
                &format!("The tenant does not own {expected}"),
            ));
        }
        if self.run.tenant.role_proven == Some(false) {
            self.check_administrator().await?;
        }
        self.describe_tenant(&organization).await
    }

    /// Where the sign-in did not tell the administrator's roles, Graph does.
    async fn check_administrator(&mut self) -> Result<(), Stop> {
        let roles = match self.run.tenant.consented_oid {
            Some(administrator) => self.run.graph.directory_roles_of(administrator).await?,
            None => Vec::new(),
        };
        if roles.iter().any(|role| CONSENTING_ROLES.contains(role)) {
            return Ok(());
        }
        Err(refused(
            "NOT_AN_ADMINISTRATOR",
            "Whoever connected the tenant is not an administrator of it",
        ))
    }

    async fn describe_tenant(&mut self, organization: &Organization) -> Result<(), Stop> {
        let domain = organization
            .verified_domains
            .iter()
            .find(|domain| domain.is_default)
            .or(organization.verified_domains.first())
            .map(|domain| &*domain.name);
        let name = organization.display_name.as_deref();
        if self.run.tenant.display_name.as_deref() == name
            && self.run.tenant.domain.as_deref() == domain
            && self.is_described()
        {
            return Ok(());
        }
        let (run_id, fence, company_id) = (
            self.run.claim.run.id,
            self.run.claim.fence,
            self.run.claim.run.company_id,
        );
        let mut conn = self.run.pool.get().await?;
        conn.transaction(async |conn| -> Result<(), Stop> {
            tenant::lock(conn, company_id).await?;
            lease::check(conn, run_id, fence).await?;
            tenant::describe(conn, company_id, name, domain).await?;
            Ok(())
        })
        .await
    }

    fn is_described(&self) -> bool {
        self.run.tenant.expected_domain.is_none() && self.run.tenant.role_proven != Some(false)
    }
}

fn refused(code: &str, reason: &str) -> Stop {
    Stop::Mistaken(RunFailure {
        code: code.into(),
        message: format!("{reason}, so it was disconnected."),
        remedy: "Connect again and sign in as a Global Administrator of the right tenant.".into(),
    })
}

fn owns(organization: &Organization, domain: &str) -> bool {
    organization
        .verified_domains
        .iter()
        .any(|verified| verified.name.eq_ignore_ascii_case(domain))
}
