//! Where the next incremental read of a collection starts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::sync_state;

super::text_enum::text_enum! {
    /// A collection that Microsoft can read incrementally.
    pub enum Collection {
        /// `users/delta`.
        People = "PEOPLE",
        /// `groups/delta`.
        Groups = "GROUPS",
    }
}

/// Where the next incremental read of a collection starts, and under which circumstances the link was made.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sync_state, check_for_backend(diesel::pg::Pg))]
pub struct SyncState {
    pub company_id: Uuid,
    pub collection: Collection,
    /// The tenant that the link belongs to; it is never used with another.
    pub entra_tenant_id: Uuid,
    pub delta_link: String,
    /// The properties that the link was made with.
    pub selection: String,
    /// The version of the sync rules that the stored records obey.
    pub rules_version: i64,
    /// When the collection was last read in full.
    pub full_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The state of a collection, if it was ever read.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Connection, company_id: Uuid, collection: Collection) -> QueryResult<Option<SyncState>> {
    sync_state::table
        .find((company_id, collection))
        .select(SyncState::as_select())
        .first(conn)
        .await
        .optional()
}

/// Keeps the state of a collection that was read for the first time, or since it was forgotten; in the transaction that
/// applies what was read.
///
/// # Errors
/// When the database fails.
pub async fn begin(conn: &mut Connection, state: &SyncState) -> QueryResult<()> {
    diesel::insert_into(sync_state::table)
        .values(state)
        .on_conflict((sync_state::company_id, sync_state::collection))
        .do_update()
        .set(state)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps the state in the place of the one before, unless that was forgotten meanwhile: whoever did so wants everything read
/// anew. In the transaction that applies what was read.
///
/// # Errors
/// When the database fails.
pub async fn go_on(conn: &mut Connection, state: &SyncState) -> QueryResult<()> {
    diesel::update(sync_state::table.find((state.company_id, state.collection)))
        .set(state)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets every link of a company, so that the next run reads in full.
///
/// # Errors
/// When the database fails.
pub async fn remove_all(conn: &mut Connection, company_id: Uuid) -> QueryResult<()> {
    diesel::delete(sync_state::table.filter(sync_state::company_id.eq(company_id)))
        .execute(conn)
        .await?;
    Ok(())
}
