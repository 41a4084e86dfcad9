//! People, their sign-in methods, roles, licences, and entries of the audit log.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::List;

/// Source: <https://learn.microsoft.com/graph/api/resources/user>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct User {
    pub id: String,
    pub display_name: Option<String>,
    pub user_principal_name: Option<String>,
    pub account_enabled: Option<bool>,
    pub user_type: Option<String>,
    pub created_date_time: Option<DateTime<Utc>>,
    pub on_premises_sync_enabled: Option<bool>,
    pub is_resource_account: Option<bool>,
    pub external_user_state: Option<String>,
    pub employee_hire_date: Option<DateTime<Utc>>,
    pub assigned_licenses: Option<List<AssignedLicence>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct AssignedLicence {
    pub sku_id: String,
    pub disabled_plans: List<String>,
}

impl User {
    pub fn is_enabled(&self) -> bool {
        self.account_enabled == Some(true)
    }

    pub fn is_guest(&self) -> bool {
        self.user_type.as_deref() == Some("Guest")
    }

    /// Whether the account comes from elsewhere, whatever its type says.
    pub fn is_external(&self) -> bool {
        self.user_principal_name
            .as_deref()
            .is_some_and(|name| name.contains("#EXT#"))
    }

    /// The word of conditional access for what kind of outsider this is.
    pub fn external_kind(&self) -> Option<&'static str> {
        match (self.is_guest(), self.is_external()) {
            (true, true) => Some("b2bCollaborationGuest"),
            (true, false) => Some("internalGuest"),
            (false, true) => Some("b2bCollaborationMember"),
            (false, false) => None,
        }
    }
}

/// Source: <https://learn.microsoft.com/graph/api/resources/userregistrationdetails>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Registration {
    pub id: String,
    pub user_display_name: Option<String>,
    pub is_admin: Option<bool>,
    pub is_mfa_capable: Option<bool>,
    pub is_mfa_registered: Option<bool>,
    pub methods_registered: List<AuthMethod>,
    pub last_updated_date_time: Option<DateTime<Utc>>,
}

/// A registered method, in the words of the report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(in crate::evidence::judge) enum AuthMethod {
    PhishingResistant(String),
    SingleFactorCertificate,
    Telephony(String),
    Other(String),
    Unknown(String),
}

impl From<String> for AuthMethod {
    fn from(word: String) -> Self {
        match word.as_str() {
            "fido2SecurityKey"
            | "windowsHelloForBusiness"
            | "passKeyDeviceBound"
            | "passKeyDeviceBoundAuthenticator"
            | "passKeyDeviceBoundWindowsHello"
            | "x509CertificateMultiFactor" => Self::PhishingResistant(word),
            "x509CertificateSingleFactor" => Self::SingleFactorCertificate,
            "mobilePhone" | "alternateMobilePhone" | "officePhone" | "email" | "securityQuestion" => {
                Self::Telephony(word)
            }
            "microsoftAuthenticatorPush"
            | "microsoftAuthenticatorPasswordless"
            | "softwareOneTimePasscode"
            | "hardwareOneTimePasscode"
            | "temporaryAccessPass"
            | "macOsSecureEnclaveKey"
            | "passKeySynced"
            | "externalAuthMethod"
            | "appPassword" => Self::Other(word),
            _ => Self::Unknown(word),
        }
    }
}

impl AuthMethod {
    pub fn as_str(&self) -> &str {
        match self {
            Self::PhishingResistant(word) | Self::Telephony(word) | Self::Other(word) | Self::Unknown(word) => word,
            Self::SingleFactorCertificate => "x509CertificateSingleFactor",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct SignIn {
    pub id: String,
    pub sign_in_activity: Option<SignInActivity>,
}

/// Source: <https://learn.microsoft.com/graph/api/resources/signinactivity>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct SignInActivity {
    pub last_successful_sign_in_date_time: Option<DateTime<Utc>>,
    pub last_non_interactive_sign_in_date_time: Option<DateTime<Utc>>,
    pub last_sign_in_date_time: Option<DateTime<Utc>>,
}

/// Source: <https://learn.microsoft.com/graph/api/resources/group>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Group {
    pub id: String,
    pub display_name: Option<String>,
    pub group_types: List<String>,
    pub is_assignable_to_role: Option<bool>,
    pub is_management_restricted: Option<bool>,
    pub on_premises_sync_enabled: Option<bool>,
}

/// Source: <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct RoleAssignment {
    pub principal_id: String,
    pub role_definition_id: String,
    pub directory_scope_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct RoleDefinition {
    pub id: String,
    pub template_id: Option<String>,
    pub display_name: Option<String>,
    pub is_built_in: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Sku {
    pub sku_id: String,
    pub sku_part_number: Option<String>,
    pub capability_status: Option<String>,
    pub service_plans: List<ServicePlan>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct ServicePlan {
    pub service_plan_name: String,
    pub provisioning_status: Option<String>,
}

/// Source: <https://learn.microsoft.com/graph/api/resources/directoryaudit>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct AuditEntry {
    pub activity_date_time: Option<DateTime<Utc>>,
    pub activity_display_name: Option<String>,
    pub correlation_id: Option<String>,
    pub initiated_by: Value,
    pub target_resources: List<AuditTarget>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct AuditTarget {
    pub id: Option<String>,
}
