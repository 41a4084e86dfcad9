//! Companies: the clients of the MSP, as the PSA knows them.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::company;
use crate::error::{Failure, UserError};
use crate::model::attention::PLACE;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{Scope, TenantStatus};

/// A client of the MSP.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = company, check_for_backend(diesel::pg::Pg))]
pub struct Company {
    pub id: Uuid,
    /// The PSA's own id.
    pub external_id: Option<String>,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

page::paged!(Company, |company| Owner::company(company.id));

/// Which companies to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the name.
    pub search: Option<String>,
    pub tenant_status: Option<TenantStatus>,
}

/// What companies can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "CompanyOrderField")]
pub enum OrderField {
    /// What wants a person first, in the order of `Attention`; then by name.
    Attention,
    /// The name, whatever the case of its letters.
    Name,
}

impl OrderField {
    /// By this field, which way.
    pub fn order(self, direction: Direction) -> Order {
        let (name, key) = match self {
            Self::Attention => ("company.attention", BY_ATTENTION.as_str()),
            Self::Name => ("company.name", "lower(company.name)"),
        };
        Order {
            name,
            key,
            id: "company.id",
            compared: Compared::Text,
            direction,
        }
    }
}

static BY_ATTENTION: LazyLock<String> = LazyLock::new(|| format!("({PLACE} || ' ' || lower(company.name))"));

/// The companies of a scope.
pub fn list(scope: &Scope, filter: Filter, order: Order) -> Listing {
    Listing::new("from company where true", order)
        .only("company.id = any(?)", scope.as_bind())
        .only("company.name ilike ?", filter.search.as_deref().map(page::containing))
        .only(
            "exists (select from tenant where tenant.company_id = company.id and tenant.status = ?)",
            filter.tenant_status.map(|status| Bind::Text(status.to_string())),
        )
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
        id: crate::model::new_id(),
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
    company::table
        .find(id)
        .select(Company::as_select())
        .first(conn)
        .await
        .optional()
}

/// The companies with these ids that the scope holds.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, ids: &[Uuid]) -> QueryResult<Vec<Company>> {
    let ids: Vec<Uuid> = ids.iter().filter(|id| scope.holds(**id)).copied().collect();
    company::table
        .filter(company::id.eq_any(ids))
        .select(Company::as_select())
        .load(conn)
        .await
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

/// Holds the company's row until the transaction ends, so that two who change it take turns.
///
/// # Errors
/// When the database fails, or the company is gone.
pub async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<()> {
    company::table
        .find(id)
        .select(company::id)
        // Not `for update`: that would wait for everybody who inserts a row of the company.
        .for_no_key_update()
        .first::<Uuid>(conn)
        .await?;
    Ok(())
}

/// Removes a company with all that is kept of it; whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn remove(conn: &mut Connection, id: Uuid) -> QueryResult<bool> {
    let removed = diesel::delete(company::table.find(id)).execute(conn).await?;
    Ok(removed > 0)
}
