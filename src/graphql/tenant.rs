//! Tenants.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::consent::TenantConsent;
use super::error::Answer;
use super::siblings::Siblings;
use super::{given, scope};
use crate::db::Pool;
use crate::model::{self, TenantStatus};

/// A company's tenant.
#[derive(Clone)]
pub struct Tenant(pub model::Tenant);

/// The tenant of one of several companies, read for all of them at once.
pub async fn of_sibling(ctx: &Context<'_>, companies: &Arc<Siblings>, company_id: Uuid) -> Answer<Option<Tenant>> {
    #[derive(PartialEq, Eq, Hash)]
    struct Tenants;
    let scope = scope(ctx)?;
    let tenants: Arc<HashMap<Uuid, Tenant>> = companies
        .share(Tenants, || async {
            let ids: Vec<Uuid> = companies.owners().iter().map(|owner| owner.company_id).collect();
            let rows = given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    Ok(model::tenant::load(conn, &scope, &ids).await?)
                })
                .await?;
            Ok(rows.into_iter().map(|row| (row.company_id, Tenant(row))).collect())
        })
        .await?;
    Ok(tenants.get(&company_id).cloned())
}

/// The Microsoft Entra tenant of a company.
#[Object]
impl Tenant {
    /// How the company stands with it.
    async fn status(&self) -> TenantStatus {
        self.0.status
    }

    /// Why it is not connected, in words for people. While consent is waited for: how the last attempt to give it failed,
    /// if there was one.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// Microsoft's id of the tenant, once known.
    async fn entra_tenant_id(&self) -> Option<Uuid> {
        self.0.entra_tenant_id
    }

    /// The name that the tenant gives itself.
    async fn display_name(&self) -> Option<&str> {
        self.0.display_name.as_deref()
    }

    /// Its default verified domain.
    async fn domain(&self) -> Option<&str> {
        self.0.domain.as_deref()
    }

    /// A domain that the tenant has to own, and was not yet seen to.
    async fn expected_domain(&self) -> Option<&str> {
        self.0.expected_domain.as_deref()
    }

    /// The administrator who consented, by name.
    async fn consented_by(&self) -> Option<&str> {
        self.0.consented_by.as_deref()
    }

    /// What it has granted us, held against what is needed: which features work, and what to do about those that do not.
    async fn consent(&self) -> TenantConsent {
        TenantConsent(self.0.clone())
    }

    /// When it was connected, last.
    async fn connected_at(&self) -> Option<DateTime<Utc>> {
        self.0.connected_at
    }
}
