//! The applications that are registered with the simulated Entra.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An application registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplicationSpec {
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The secret exists and its time is over: AADSTS7000222.
    #[serde(default)]
    pub secret_expired: bool,
    /// The registered certificate (PEM), for `private_key_jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
    pub redirect_uris: Vec<String>,
    /// The front-channel logout URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout_url: Option<String>,
    /// The application permissions (role values of Microsoft Graph) that consent grants.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The tenant where the application is registered.
    pub home_tenant: Uuid,
    /// The app roles that the application declares.
    #[serde(default)]
    pub app_roles: Vec<String>,
    /// Whether id tokens carry `wids`, as with `groupMembershipClaims`.
    #[serde(default = "yes")]
    pub emit_wids: bool,
    /// Whether id tokens carry `groups`, as with `groupMembershipClaims`.
    #[serde(default)]
    pub emit_groups: bool,
}

/// What a switch is unless told.
pub fn yes() -> bool {
    true
}

impl ApplicationSpec {
    /// An application that can do nothing yet.
    pub fn new(client_id: &str, home_tenant: Uuid) -> Self {
        Self {
            client_id: client_id.to_owned(),
            display_name: None,
            client_secret: None,
            secret_expired: false,
            certificate_pem: None,
            redirect_uris: Vec::new(),
            logout_url: None,
            permissions: Vec::new(),
            home_tenant,
            app_roles: Vec::new(),
            emit_wids: true,
            emit_groups: false,
        }
    }
}
