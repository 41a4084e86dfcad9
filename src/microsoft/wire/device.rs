//! Devices: Intune's `managedDevice`.
//!
//! The danger: Intune writes "never" as the year 1 and "nobody" as an empty text, and a device that enrols again comes back
//! under a new id.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::Text;

/// A device that Intune manages.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedDevice {
    /// Intune's id of this enrolment.
    pub id: Uuid,
    /// The host name.
    pub device_name: Option<Text>,
    /// `Windows`, `iOS`, `Android` …
    pub operating_system: Option<Text>,
    /// The version of the operating system.
    pub os_version: Option<Text>,
    /// The serial number as the maker gave it; many give junk.
    pub serial_number: Option<Text>,
    /// `compliant`, `noncompliant`, `unknown`, `inGracePeriod` …
    pub compliance_state: Option<Text>,
    /// Whether the disk is encrypted.
    pub is_encrypted: Option<bool>,
    /// `company` or `personal`, mostly.
    pub managed_device_owner_type: Option<Text>,
    /// The maker.
    pub manufacturer: Option<Text>,
    /// The model.
    pub model: Option<Text>,
    /// When the device last spoke to Intune; `None` for never.
    #[serde(default, deserialize_with = "moment")]
    pub last_sync_date_time: Option<DateTime<Utc>>,
    /// The person it belongs to; `None` for nobody.
    #[serde(default, deserialize_with = "reference")]
    pub user_id: Option<Uuid>,
    /// The `deviceId` of the device in Entra (not its object id); it survives a new enrolment.
    #[serde(default, rename = "azureADDeviceId", deserialize_with = "reference")]
    pub azure_ad_device_id: Option<Uuid>,
    /// When it was enrolled.
    #[serde(default, deserialize_with = "moment")]
    pub enrolled_date_time: Option<DateTime<Utc>>,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let moment = Option::<DateTime<Utc>>::deserialize(deserializer)?;
    Ok(moment.filter(|moment| moment.year() > 1))
}

/// A reference that is no GUID, or the empty one, refers to nothing.
fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()).filter(|id: &Uuid| !id.is_nil()))
}
