//! Who is asking. Nobody is not a viewer: the doors turn them away.

use uuid::Uuid;

use crate::model::Scope;

/// Somebody who has proven who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// A person of the MSP, signed in with their own Entra account.
    Staff(Staff),
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
}

/// A holder of a service token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub token_id: Uuid,
    pub name: String,
}

impl Viewer {
    /// The name to show and to record.
    pub fn name(&self) -> &str {
        match self {
            Self::Staff(staff) => &staff.name,
            Self::Service(service) => &service.name,
        }
    }

    /// The companies that they may see.
    pub fn scope(&self) -> Scope {
        Scope::All
    }
}
