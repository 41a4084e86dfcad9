//! Devices and what is asked of them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{List, moment, nullable};

/// Source: <https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Device {
    pub id: String,
    pub device_name: Option<String>,
    pub user_id: Option<String>,
    pub operating_system: Option<String>,
    pub os_version: Option<String>,
    pub model: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub compliance_state: ComplianceState,
    pub is_encrypted: Option<bool>,
    pub jail_broken: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub partner_reported_threat_state: ThreatState,
    pub android_security_patch_level: Option<String>,
    pub managed_device_owner_type: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub management_certificate_expiration_date: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "moment")]
    pub enrolled_date_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "moment")]
    pub last_sync_date_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "moment")]
    pub compliance_grace_period_expiration_date_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::evidence::judge) enum ComplianceState {
    Compliant,
    Noncompliant,
    Conflict,
    Error,
    InGracePeriod,
    ConfigManager,
    /// Microsoft's own word.
    Unknown,
    /// A word that we do not know.
    #[default]
    #[serde(other)]
    New,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::evidence::judge) enum ThreatState {
    Activated,
    Deactivated,
    Secured,
    LowSeverity,
    MediumSeverity,
    HighSeverity,
    Unresponsive,
    Compromised,
    Misconfigured,
    /// Microsoft's own word: there is no threat defence that reports.
    #[default]
    Unknown,
    /// A word that we do not know.
    #[serde(other)]
    New,
}

/// Source: <https://learn.microsoft.com/graph/api/resources/intune-deviceconfig-devicecompliancepolicy>
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct CompliancePolicy {
    pub id: String,
    pub display_name: Option<String>,
    #[serde(rename = "@odata.type")]
    pub kind: String,
    pub assignments: List<Assignment>,
    /// The settings, which differ from kind to kind.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Assignment {
    pub target: Target,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::evidence::judge) struct Target {
    #[serde(rename = "@odata.type")]
    pub kind: String,
    pub group_id: Option<String>,
    pub device_and_app_management_assignment_filter_id: Option<String>,
    pub device_and_app_management_assignment_filter_type: Option<String>,
}
