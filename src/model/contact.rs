//! Contacts: the people found in a company's tenant.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::contact;
use crate::model::{DeactivatedBecause, RecordState};

/// A person found in a tenant (Graph `user`).
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = contact, check_for_backend(diesel::pg::Pg))]
pub struct Contact {
    pub id: Uuid,
    pub company_id: Uuid,
    /// Microsoft's object id.
    pub entra_id: Uuid,
    pub state: RecordState,
    pub deactivated_because: Option<DeactivatedBecause>,
    /// Microsoft's own switch: may this person sign in.
    pub account_enabled: Option<bool>,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    /// For display only: it changes, and proves nothing.
    pub user_principal_name: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub business_phones: Vec<String>,
    pub mobile_phone: Option<String>,
    /// `Member` or `Guest`, as Microsoft says it.
    pub user_type: Option<String>,
    /// Whether any licence is assigned.
    pub licensed: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
