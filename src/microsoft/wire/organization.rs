//! The tenant itself: its names, what it has bought, who holds which role.
//!
//! The danger: the tenant's `id` here, read with the application's own token, is what proves a connection. It is compared,
//! never assumed.

use serde::Deserialize;
use uuid::Uuid;

use super::Text;

/// The tenant.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/organization>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// The tenant id.
    pub id: Uuid,
    /// The name that the tenant gave itself.
    pub display_name: Option<Text>,
    /// The domains that the tenant has proven to own.
    #[serde(default)]
    pub verified_domains: Vec<VerifiedDomain>,
}

/// A domain that the tenant has proven to own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedDomain {
    /// For example `contoso.com`.
    pub name: Text,
    /// Whether new people get it.
    #[serde(default)]
    pub is_default: bool,
    /// Whether it is the `onmicrosoft.com` one that the tenant began with.
    #[serde(default)]
    pub is_initial: bool,
}

/// That somebody holds a directory role.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignment {
    /// Who holds it.
    pub principal_id: Uuid,
    /// Which role; for the built-in ones the same id in every tenant.
    pub role_definition_id: Uuid,
    /// `/` for the whole tenant.
    pub directory_scope_id: Text,
}

/// A product that the tenant has subscribed to.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/subscribedsku>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribedSku {
    /// The product's id.
    pub sku_id: Uuid,
    /// Its part number, for example `ENTERPRISEPACK`.
    pub sku_part_number: Text,
    /// `Enabled`, `Warning`, `Suspended`, `Deleted`, `LockedOut`.
    pub capability_status: Option<Text>,
    /// How many are assigned.
    #[serde(default)]
    pub consumed_units: i64,
}
