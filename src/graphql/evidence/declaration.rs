//! What people have stated about a company: exceptions and the like.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};

use crate::evidence::keep::{DeclarationKind, DeclarationRow};
use crate::graphql::connection::Listed;
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::now;
use crate::graphql::siblings::Kin;

/// A declaration among those it was read with.
#[derive(Clone)]
pub struct EvidenceDeclaration(pub Kin<DeclarationRow>);

impl Listed for EvidenceDeclaration {
    type Row = DeclarationRow;
    async fn of(_: &Context<'_>, row: Kin<DeclarationRow>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// Something that somebody answers for. It never takes anybody out of a population.
#[Object]
impl EvidenceDeclaration {
    /// Opaque; for `withdrawEvidenceDeclaration`.
    async fn id(&self) -> ID {
        IdOf::EvidenceDeclaration.show(self.0.id)
    }

    /// What is stated.
    async fn kind(&self) -> DeclarationKind {
        self.0.kind
    }

    /// Of an exception: the check.
    async fn check_id(&self) -> Option<&str> {
        self.0.check_id.as_deref()
    }

    /// Microsoft's id of the object; null where it is about the company.
    async fn object_id(&self) -> Option<&str> {
        self.0.object_id.as_deref()
    }

    /// Who answers for it.
    async fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Of a change: the ticket.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// Of a change: when it was made.
    async fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.0.changed_at
    }

    /// Until when it holds.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// Whether its time is over.
    async fn expired(&self) -> bool {
        self.0.expires_at.is_some_and(|at| at <= now())
    }

    /// Who stated it, by name.
    async fn declared_by(&self) -> &str {
        &self.0.declared_by
    }

    /// When it was stated.
    async fn declared_at(&self) -> DateTime<Utc> {
        self.0.declared_at
    }
}
