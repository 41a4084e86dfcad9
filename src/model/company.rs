//! Companies: the clients of the MSP, as the PSA knows them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::company;
use crate::error::{Failure, UserError};
use crate::model::Scope;

/// A client of the MSP.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = company, check_for_backend(diesel::pg::Pg))]
pub struct Company {
    pub id: Uuid,
    /// The PSA's own id.
    pub external_id: Option<String>,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

/// Adds a company.
///
/// # Errors
/// `BAD_INPUT` for a blank name, `EXTERNAL_ID_TAKEN` when another company has that external id.
pub async fn insert(
    conn: &mut Connection,
    now: DateTime<Utc>,
    name: &str,
    external_id: Option<&str>,
) -> Result<Company, Failure> {
    let name = name.trim();
    if name.is_empty() {
        return Err(UserError::at("BAD_INPUT", &["name"], "A company needs a name.").into());
    }
    let row = Company {
        id: Uuid::now_v7(),
        external_id: external_id.map(str::to_owned),
        name: name.to_owned(),
        created_at: now,
    };
    diesel::insert_into(company::table)
        .values(&row)
        .execute(conn)
        .await
        .map_err(external_id_taken)?;
    Ok(row)
}

fn external_id_taken(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            if info.constraint_name() == Some("company_external_id_is_unique") =>
        {
            UserError::at(
                "EXTERNAL_ID_TAKEN",
                &["externalId"],
                "Another company has this external id. Use that company, or another id.",
            )
            .into()
        }
        _ => error.into(),
    }
}

/// The company with this id, if the scope holds it.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Connection, scope: &Scope, id: Uuid) -> QueryResult<Option<Company>> {
    if !scope.holds(id) {
        return Ok(None);
    }
    company::table.find(id).select(Company::as_select()).first(conn).await.optional()
}

/// The company that the PSA knows by `external_id`, if the scope holds it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_external_id(
    conn: &mut Connection,
    scope: &Scope,
    external_id: &str,
) -> QueryResult<Option<Company>> {
    let found: Option<Company> = company::table
        .filter(company::external_id.eq(external_id))
        .select(Company::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(found.filter(|company| scope.holds(company.id)))
}

/// Removes a company with all that is kept of it; whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn remove(conn: &mut Connection, id: Uuid) -> QueryResult<bool> {
    let removed = diesel::delete(company::table.find(id)).execute(conn).await?;
    Ok(removed > 0)
}
