//! Service tokens. The secret is shown once, by the mutation that makes it, and is nowhere in this type.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

use super::id::IdOf;
use crate::auth::Action;
use crate::model::service_token;

/// A service token without its secret.
pub struct ServiceToken(pub service_token::ServiceToken);

/// What a program proves itself with.
#[Object]
impl ServiceToken {
    /// Opaque; for `revokeServiceToken`.
    async fn id(&self) -> ID {
        IdOf::ServiceToken.show(self.0.id)
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Who made it, by name.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it stops working.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// The companies that it opens; null: every company.
    async fn company_ids(&self) -> Option<Vec<ID>> {
        let ids = self.0.company_ids.as_ref()?;
        Some(ids.iter().map(|id| IdOf::Company.show(*id)).collect())
    }

    /// What it may do besides to look.
    async fn actions(&self) -> Vec<Action> {
        Action::of_words(&self.0.actions)
    }

    /// When it was revoked; null while it was not.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}
