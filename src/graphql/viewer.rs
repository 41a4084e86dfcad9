//! Who is asking, as they see themselves: what they may do decides what a page offers.

use async_graphql::{Enum, Object};

use crate::auth::{self, Action, allow};

/// Who is asking.
pub struct Viewer(pub auth::Viewer);

/// What sort of viewer it is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ViewerKind {
    /// A person of the MSP, signed in.
    Staff,
    /// A program with a service token.
    Service,
}

/// Who is asking, and what they may do.
#[Object]
impl Viewer {
    /// The name of the person or of the service token.
    async fn name(&self) -> &str {
        self.0.name()
    }

    /// What sort of viewer it is.
    async fn kind(&self) -> ViewerKind {
        match self.0 {
            auth::Viewer::Staff(_) => ViewerKind::Staff,
            auth::Viewer::Service(_) => ViewerKind::Service,
        }
    }

    /// Whether `createCompany` is allowed.
    async fn may_create_company(&self) -> bool {
        allow(&self.0, Action::CreateCompany)
    }

    /// Whether `deleteCompany` is allowed.
    async fn may_delete_company(&self) -> bool {
        allow(&self.0, Action::DeleteCompany)
    }

    /// Whether `connect` is allowed.
    async fn may_connect(&self) -> bool {
        allow(&self.0, Action::Connect)
    }

    /// Whether `disconnect` is allowed.
    async fn may_disconnect(&self) -> bool {
        allow(&self.0, Action::Disconnect)
    }

    /// Whether `syncCompany` is allowed.
    async fn may_sync_company(&self) -> bool {
        allow(&self.0, Action::SyncCompany)
    }

    /// Whether `releaseHeldChanges` and `discardHeldChanges` are allowed.
    async fn may_settle_held_changes(&self) -> bool {
        allow(&self.0, Action::SettleHeldChanges)
    }

    /// Whether `updateSyncRules` is allowed.
    async fn may_update_sync_rules(&self) -> bool {
        allow(&self.0, Action::UpdateSyncRules)
    }

    /// Whether `createServiceToken` and `revokeServiceToken` are allowed.
    async fn may_manage_service_tokens(&self) -> bool {
        allow(&self.0, Action::ManageServiceTokens)
    }
}
