//! The audit trail.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::connection::Listed;
use super::error::Answer;
use super::id::IdOf;
use super::siblings::Kin;
use crate::model::audit::{self, ActorKind, AuditAction, AuditOutcome};

/// An event among those it was read with.
#[derive(Clone)]
pub struct AuditEvent(Kin<audit::AuditEvent>);

impl Listed for AuditEvent {
    type Row = audit::AuditEvent;
    async fn of(_: &Context<'_>, row: Kin<audit::AuditEvent>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// Something that was done, or refused. Nothing of it ever changes.
#[Object]
impl AuditEvent {
    /// Opaque, and unique among all nodes.
    async fn id(&self) -> ID {
        IdOf::AuditEvent.show(self.0.id)
    }

    /// When it was.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// What sort of actor it was.
    async fn actor_kind(&self) -> ActorKind {
        self.0.actor_kind
    }

    /// Who it was: `tenant/object id` of a person at Microsoft, the id of a service token.
    async fn actor_id(&self) -> Option<&str> {
        self.0.actor_id.as_deref()
    }

    /// Who it was, by the name at the time.
    async fn actor_name(&self) -> Option<&str> {
        self.0.actor_name.as_deref()
    }

    /// What was done, or refused.
    async fn action(&self) -> AuditAction {
        self.0.action
    }

    /// How it came out.
    async fn outcome(&self) -> AuditOutcome {
        self.0.outcome
    }

    /// Why it was refused, in a word; null when it was done.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The company that it was about, which may be gone by now.
    async fn company_id(&self) -> Option<ID> {
        self.0.company_id.map(|id| IdOf::Company.show(id))
    }

    /// What else it was done to, such as a sync run or a service token.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// What was chosen, or why it came to pass: ids in the words of Microsoft or of the database, and rules.
    async fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// The request that did it, as its answer's `X-Request-Id` names it.
    async fn request_id(&self) -> Option<Uuid> {
        self.0.request_id
    }
}
