//! What a viewer may do: one pure function, and whatever it does not name is refused.

use super::Viewer;

/// Something that can be done, apart from looking: what may be seen is the viewer's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    CreateCompany,
    DeleteCompany,
    Connect,
    Disconnect,
    SyncCompany,
    SettleHeldChanges,
    UpdateSyncRules,
    ManageServiceTokens,
    /// Explore the schema: GraphiQL and introspection.
    Explore,
}

/// Whether the viewer may do it.
pub fn allow(viewer: &Viewer, action: Action) -> bool {
    match viewer {
        Viewer::Staff(_) => true,
        // A leaked token must not be able to make more of its kind.
        Viewer::Service(_) => action != Action::ManageServiceTokens,
    }
}
