//! Who is asking. Nobody is not a viewer: the doors turn them away.

use uuid::Uuid;

use super::Action;
use crate::model::Scope;
use crate::model::audit::{Actor, ActorKind};
use crate::model::portal::{self, PortalRole};
use crate::model::session::StaffRole;

/// Somebody who has proven who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// A person of the MSP, signed in with their own Entra account.
    Staff(Staff),
    /// A contact of a client, signed in with their own Entra account.
    PortalUser(PortalUser),
    /// The PSA's back end, with a service token.
    Service(Service),
}

/// A person of the MSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    pub session_id: Uuid,
    /// With `oid`, who they are: never an e-mail address.
    pub tid: Uuid,
    pub oid: Uuid,
    pub name: String,
    pub role: StaffRole,
}

/// A contact of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalUser {
    pub session_id: Uuid,
    /// With `oid`, who they are: never an e-mail address.
    pub tid: Uuid,
    pub oid: Uuid,
    pub name: String,
    /// By what right they are here, as it stands now.
    pub entry: portal::Entry,
}

/// A holder of a service token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub token_id: Uuid,
    pub name: String,
    /// What the token opens.
    pub scope: Scope,
    /// What it may do there.
    pub actions: Vec<Action>,
}

/// What a viewer is, in one word: the columns of the policy's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum Role {
    /// Staff: everything.
    Admin,
    /// Staff: the daily work.
    Technician,
    /// Staff: to look, at everything.
    Auditor,
    /// A portal user who sees the whole company.
    Manager,
    /// A portal user who sees what is their own.
    User,
    /// A program with a service token, which names what it may do.
    Service,
}

impl Viewer {
    /// The name to show and to record.
    pub fn name(&self) -> &str {
        match self {
            Self::Staff(staff) => &staff.name,
            Self::PortalUser(user) => &user.name,
            Self::Service(service) => &service.name,
        }
    }

    /// What they are.
    pub fn role(&self) -> Role {
        match self {
            Self::Staff(staff) => match staff.role {
                StaffRole::Admin => Role::Admin,
                StaffRole::Technician => Role::Technician,
                StaffRole::Auditor => Role::Auditor,
            },
            Self::PortalUser(user) => match user.entry.role {
                PortalRole::Manager => Role::Manager,
                PortalRole::User => Role::User,
            },
            Self::Service(_) => Role::Service,
        }
    }

    /// What they may see.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Staff(_) => Scope::All,
            Self::PortalUser(user) => user.entry.scope(user.oid),
            Self::Service(service) => service.scope.clone(),
        }
    }

    /// The person, by tenant and object id; a service token is nobody in particular.
    pub fn person(&self) -> Option<(Uuid, Uuid)> {
        match self {
            Self::Staff(staff) => Some((staff.tid, staff.oid)),
            Self::PortalUser(user) => Some((user.tid, user.oid)),
            Self::Service(_) => None,
        }
    }

    /// As the audit trail names them.
    pub fn actor(&self) -> Actor {
        let name = Some(self.name().to_owned());
        match self {
            Self::Staff(Staff { tid, oid, .. }) => Actor::person(ActorKind::Staff, *tid, *oid, name),
            Self::PortalUser(PortalUser { tid, oid, .. }) => Actor::person(ActorKind::PortalUser, *tid, *oid, name),
            Self::Service(service) => Actor {
                kind: ActorKind::Service,
                id: Some(service.token_id.to_string()),
                name,
            },
        }
    }

    /// The service token that they came with.
    pub fn token_id(&self) -> Option<Uuid> {
        match self {
            Self::Service(service) => Some(service.token_id),
            Self::Staff(_) | Self::PortalUser(_) => None,
        }
    }

    /// The session that they came with.
    pub fn session_id(&self) -> Option<Uuid> {
        match self {
            Self::Staff(staff) => Some(staff.session_id),
            Self::PortalUser(user) => Some(user.session_id),
            Self::Service(_) => None,
        }
    }
}
