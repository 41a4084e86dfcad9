//! From how many deactivations on a company wants to be asked.
//!
//! The danger is a guard that somebody has opened: no choice lets more than half of a large kind go unasked, or the last
//! ones of any.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::sync_guard;
use crate::error::UserError;
use crate::model::Scope;

/// From how many deactivations of one kind of record on a person is asked: more than the larger of `at_least` and
/// `percent` of the active ones, or more than `at_most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sync_guard, check_for_backend(diesel::pg::Pg))]
pub struct SyncGuard {
    pub percent: i32,
    /// So few may always leave, unless they are the last.
    pub at_least: i32,
    /// More never leave unasked.
    pub at_most: i32,
}

impl Default for SyncGuard {
    fn default() -> Self {
        Self {
            percent: 10,
            at_least: 10,
            at_most: 500,
        }
    }
}

impl SyncGuard {
    /// Refuses a guard that would guard nothing.
    ///
    /// # Errors
    /// `BAD_INPUT` naming the field and the remedy.
    pub fn check(&self) -> Result<(), UserError> {
        let refuse = |field, message: &str| Err(UserError::at("BAD_INPUT", field, message));
        if !(0..=50).contains(&self.percent) {
            return refuse(&["percent"], "Choose 0 to 50 percent.");
        }
        if !(0..=100).contains(&self.at_least) {
            return refuse(&["atLeast"], "Choose 0 to 100.");
        }
        if !(1..=100_000).contains(&self.at_most) {
            return refuse(&["atMost"], "Choose 1 to 100000.");
        }
        if self.at_least > self.at_most {
            return refuse(&["atMost"], "Choose no less than atLeast.");
        }
        Ok(())
    }
}

/// The company's guard; the usual one where none was ever saved.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Connection, company_id: Uuid) -> QueryResult<SyncGuard> {
    let saved = sync_guard::table
        .find(company_id)
        .select(SyncGuard::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(saved.unwrap_or_default())
}

/// The saved guards of these companies, as far as the scope holds them whole; one without has the usual one.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, companies: &[Uuid]) -> QueryResult<Vec<(Uuid, SyncGuard)>> {
    sync_guard::table
        .filter(sync_guard::company_id.eq_any(scope.whole_of(companies)))
        .select((sync_guard::company_id, SyncGuard::as_select()))
        .load(conn)
        .await
}

/// Saves the company's guard; it judges from the next run on.
///
/// # Errors
/// When the database fails.
pub async fn save(conn: &mut Connection, company_id: Uuid, guard: SyncGuard) -> QueryResult<()> {
    diesel::insert_into(sync_guard::table)
        .values((sync_guard::company_id.eq(company_id), guard))
        .on_conflict(sync_guard::company_id)
        .do_update()
        .set((guard, sync_guard::updated_at.eq(diesel::dsl::now)))
        .execute(conn)
        .await?;
    Ok(())
}
