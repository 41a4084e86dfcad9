//! What a run changed, record by record and field by field.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::sync_change;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{Noun, Scope};

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
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
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

// A change owns no lists; changes that were read together ask for their runs together.
page::paged!(SyncChange, |change| Owner {
    company_id: Uuid::nil(),
    key: change.run_id,
});

/// Which changes to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<Noun>,
    pub action: Option<ChangeAction>,
}

/// The changes of the run that owns the list, kind by kind, records that Tenantry has known longest first.
pub fn list(filter: Filter) -> Listing {
    let by_record = Order {
        name: "change.record",
        key: "sync_change.noun",
        id: "sync_change.record_id",
        compared: Compared::Text,
        direction: Direction::Asc,
    };
    Listing::new("from sync_change where sync_change.run_id = p.key", by_record)
        .only(
            "sync_change.noun = ?",
            filter.kind.map(|kind| Bind::Text(kind.to_string())),
        )
        .only(
            "sync_change.action = ?",
            filter.action.map(|action| Bind::Text(action.to_string())),
        )
}

/// What the runs of the company that owns the list changed in one record, newest first; dry runs apart.
pub fn list_of_record(scope: &Scope, noun: Noun, record_id: Uuid) -> Listing {
    let newest_first = Order {
        name: "change.run",
        key: "sync_run.queued_at",
        id: "sync_run.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    Listing::new(
        "from sync_change join sync_run on sync_run.id = sync_change.run_id
         where sync_run.company_id = p.company_id and not sync_run.dry_run",
        newest_first,
    )
    .only("?", scope.whole_bind())
    .only("sync_change.record_id = ?", Some(Bind::Uuid(record_id)))
    .only("sync_change.noun = ?", Some(Bind::Text(noun.to_string())))
}
