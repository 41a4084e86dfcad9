//! Conditional access policies.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{List, nullable};

/// A policy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Policy {
    pub id: String,
    pub display_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub state: PolicyState,
    pub created_date_time: Option<DateTime<Utc>>,
    pub modified_date_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "nullable")]
    pub conditions: Conditions,
    pub grant_controls: Option<Grant>,
    pub session_controls: Option<Session>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::evidence::judge) enum PolicyState {
    Enabled,
    Disabled,
    EnabledForReportingButNotEnforced,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Conditions {
    pub users: Option<Users>,
    pub applications: Option<Applications>,
    pub client_app_types: List<ClientApp>,
    pub user_risk_levels: List<String>,
    pub sign_in_risk_levels: List<String>,
    pub insider_risk_levels: Value,
    pub service_principal_risk_levels: List<String>,
    pub platforms: Option<Platforms>,
    pub locations: Option<Locations>,
    pub devices: Option<Devices>,
    pub client_applications: Option<Value>,
    pub authentication_flows: Option<AuthenticationFlows>,
    /// Conditions that we do not know. They narrow the policy, and nobody here can tell how.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Whether a part of a policy says something that we do not know. Annotations say nothing of the policy.
pub(in crate::evidence::judge) fn says_more(others: &Map<String, Value>) -> bool {
    others
        .iter()
        .any(|(name, value)| !name.contains('@') && !is_empty(value))
}

/// Whether a value says nothing.
pub(in crate::evidence::judge) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Users {
    pub include_users: List<String>,
    pub exclude_users: List<String>,
    pub include_groups: List<String>,
    pub exclude_groups: List<String>,
    pub include_roles: List<String>,
    pub exclude_roles: List<String>,
    pub include_guests_or_external_users: Option<ExternalUsers>,
    pub exclude_guests_or_external_users: Option<ExternalUsers>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Which people from outside: words separated by commas, and of which tenants.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct ExternalUsers {
    pub guest_or_external_user_types: Option<String>,
    pub external_tenants: Option<ExternalTenants>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct ExternalTenants {
    pub membership_kind: String,
}

/// Source: <https://learn.microsoft.com/graph/api/resources/conditionalaccessguestsorexternalusers>
const EXTERNAL_KINDS: &[&str] = &[
    "none",
    "internalGuest",
    "b2bCollaborationGuest",
    "b2bCollaborationMember",
    "b2bDirectConnectUser",
    "otherExternalUser",
    "serviceProvider",
];

impl ExternalUsers {
    /// The kinds of people, in Microsoft's words.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let kinds = self.guest_or_external_user_types.as_deref().unwrap_or_default();
        kinds.split(',').map(str::trim).filter(|kind| !kind.is_empty())
    }

    /// Whether this kind of person is among them.
    pub fn has(&self, kind: &str) -> bool {
        self.kinds().any(|named| named == kind)
    }

    /// Whether they are told in a word that we do not know.
    pub fn has_unknown(&self) -> bool {
        self.kinds().any(|named| !EXTERNAL_KINDS.contains(&named))
    }

    /// Whether it is about all of these kinds, of every other tenant: not about those of some tenants that are listed,
    /// and not narrowed by what we do not know.
    pub fn is_about_all(&self) -> bool {
        let tenants = self.external_tenants.as_ref();
        tenants.is_none_or(|tenants| tenants.membership_kind == "all") && !says_more(&self.others)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Applications {
    pub include_applications: List<String>,
    pub exclude_applications: List<String>,
    pub include_user_actions: List<String>,
    pub application_filter: Option<Value>,
    /// Takes more in, and narrows nothing.
    pub include_authentication_context_class_references: List<String>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::evidence::judge) enum ClientApp {
    All,
    Browser,
    MobileAppsAndDesktopClients,
    ExchangeActiveSync,
    EasSupported,
    Other,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Platforms {
    pub include_platforms: List<String>,
    pub exclude_platforms: List<String>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Locations {
    pub include_locations: List<String>,
    pub exclude_locations: List<String>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Devices {
    pub device_filter: Option<Value>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct AuthenticationFlows {
    pub transfer_methods: Option<String>,
    /// As among the conditions.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What a policy asks for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Grant {
    #[serde(deserialize_with = "nullable")]
    pub operator: Operator,
    pub built_in_controls: List<BuiltIn>,
    pub custom_authentication_factors: List<String>,
    pub terms_of_use: List<String>,
    pub authentication_strength: Option<Strength>,
    /// Things to ask for that we do not know.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(in crate::evidence::judge) enum Operator {
    #[serde(rename = "AND")]
    And,
    #[serde(rename = "OR")]
    Or,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::evidence::judge) enum BuiltIn {
    Block,
    Mfa,
    CompliantDevice,
    DomainJoinedDevice,
    ApprovedApplication,
    CompliantApplication,
    PasswordChange,
    RiskRemediation,
    #[serde(other)]
    Unknown,
}

/// An authentication strength, alone or inside a policy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Strength {
    pub id: String,
    pub display_name: Option<String>,
    pub requirements_satisfied: Option<String>,
    pub allowed_combinations: List<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Session {
    pub sign_in_frequency: Option<SignInFrequency>,
    pub persistent_browser: Option<PersistentBrowser>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct SignInFrequency {
    pub is_enabled: Option<bool>,
    pub frequency_interval: Option<String>,
    /// The unit of the value.
    #[serde(rename = "type")]
    pub unit: Option<String>,
    pub value: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct PersistentBrowser {
    pub is_enabled: Option<bool>,
    pub mode: Option<String>,
}
