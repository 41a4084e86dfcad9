//! Assets: the devices found in a company's tenant.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::asset;
use crate::model::RecordState;

/// A device found in a tenant (Intune `managedDevice`).
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = asset, check_for_backend(diesel::pg::Pg))]
pub struct Asset {
    pub id: Uuid,
    pub company_id: Uuid,
    /// The Intune device id.
    pub entra_id: Uuid,
    /// The Entra device id (`device.deviceId`), which outlives an Intune enrolment.
    pub azure_ad_device_id: Option<Uuid>,
    pub state: RecordState,
    pub hostname: Option<String>,
    pub operating_system: Option<String>,
    pub os_version: Option<String>,
    pub serial_number: Option<String>,
    /// As Microsoft says it: `compliant`, `noncompliant`, `inGracePeriod`, `unknown` and others to come.
    pub compliance_state: Option<String>,
    pub is_encrypted: Option<bool>,
    /// As Microsoft says it: `company`, `personal`, `unknown`.
    pub owner_type: Option<String>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub last_check_in_at: Option<DateTime<Utc>>,
    pub enrolled_at: Option<DateTime<Utc>>,
    /// The person it belongs to, by Entra object id.
    pub user_entra_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
