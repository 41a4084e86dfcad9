//! What a run changed, record by record and field by field.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::sync_change;
use crate::model::Noun;

super::text_enum::text_enum! {
    /// What happened to a record.
    pub enum ChangeAction {
        /// It is new.
        Created = "CREATED",
        /// Some of its fields changed.
        Updated = "UPDATED",
        /// It was deactivated and came back.
        Reactivated = "REACTIVATED",
        /// It left, or was ruled out.
        Deactivated = "DEACTIVATED",
    }
}

/// What a run changed in one record.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sync_change, check_for_backend(diesel::pg::Pg))]
pub struct SyncChange {
    pub run_id: Uuid,
    pub noun: Noun,
    pub record_id: Uuid,
    pub action: ChangeAction,
    /// The record's name after the change.
    pub name: Option<String>,
    /// `{"field": ["from", "to"]}`; none for a record that is new.
    pub fields: Option<serde_json::Value>,
}
