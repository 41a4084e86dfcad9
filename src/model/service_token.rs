//! Stands in for service tokens until they are merged.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Connection;
use crate::error::Failure;

#[derive(Clone, Debug)]
pub struct ServiceToken {
    pub id: Uuid,
    pub name: String,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

pub async fn issue(
    _conn: &mut Connection,
    _now: DateTime<Utc>,
    _name: &str,
    _by: &str,
    _days: i32,
) -> Result<(ServiceToken, String), Failure> {
    Err(anyhow::anyhow!("service tokens are not merged yet").into())
}

pub async fn revoke(_conn: &mut Connection, _now: DateTime<Utc>, _id: Uuid) -> diesel::QueryResult<Option<ServiceToken>> {
    Err(diesel::result::Error::NotFound)
}
