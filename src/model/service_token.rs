//! Service tokens: how the PSA's back end shows who it is.
//!
//! The danger: a token opens everything that staff may see. It is shown once, stored as a hash, and ends by itself.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::secret;
use crate::db::Connection;
use crate::db::schema::service_token;
use crate::error::{Failure, UserError};

/// What every token starts with, so that scanners of leaked secrets can tell it.
const PREFIX: &str = "tnt_";
/// The longest life of a token, in days.
const LONGEST_DAYS: i32 = 366;

/// A service token, without its secret.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = service_token, check_for_backend(diesel::pg::Pg))]
pub struct ServiceToken {
    pub id: Uuid,
    /// What it is for, in words of whoever made it.
    pub name: String,
    /// Who made it, by name.
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Makes a token that lives for `days`; its secret is told now and never again.
///
/// # Errors
/// `BAD_INPUT` for a blank name or a life outside of 1 to 366 days.
pub async fn issue(
    conn: &mut Connection,
    now: DateTime<Utc>,
    name: &str,
    by: &str,
    days: i32,
) -> Result<(ServiceToken, String), Failure> {
    let name = name.trim();
    if name.is_empty() {
        return Err(UserError::at(
            "BAD_INPUT",
            &["name"],
            "A service token needs a name that says what it is for.",
        )
        .into());
    }
    if !(1..=LONGEST_DAYS).contains(&days) {
        let message = format!("A service token lives for 1 to {LONGEST_DAYS} days.");
        return Err(UserError::at("BAD_INPUT", &["expiresInDays"], message).into());
    }
    let secret = format!("{PREFIX}{}", secret::fresh()?);
    let token = diesel::insert_into(service_token::table)
        .values((
            service_token::id.eq(Uuid::now_v7()),
            service_token::secret_hash.eq(secret::hash(&secret)),
            service_token::name.eq(name),
            service_token::created_by.eq(by),
            service_token::created_at.eq(now),
            service_token::expires_at.eq(now + TimeDelta::days(i64::from(days))),
        ))
        .returning(ServiceToken::as_returning())
        .get_result(conn)
        .await?;
    Ok((token, secret))
}

/// Ends a token now; whether there is such a token. One that was revoked before stays as it was.
///
/// # Errors
/// When the database fails.
pub async fn revoke(conn: &mut Connection, now: DateTime<Utc>, id: Uuid) -> QueryResult<bool> {
    let revoked_at =
        diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>("coalesce(revoked_at, ")
            .bind::<diesel::sql_types::Timestamptz, _>(now)
            .sql(")");
    let found = diesel::update(service_token::table.find(id))
        .set(service_token::revoked_at.eq(revoked_at))
        .execute(conn)
        .await?;
    Ok(found > 0)
}

/// The token with this secret, if it is alive.
///
/// # Errors
/// When the database fails.
pub async fn find_by_secret(
    conn: &mut Connection,
    now: DateTime<Utc>,
    secret: &str,
) -> QueryResult<Option<ServiceToken>> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    service_token::table
        .filter(service_token::secret_hash.eq(secret::hash(secret)))
        .filter(service_token::revoked_at.is_null())
        .filter(service_token::expires_at.gt(now))
        .select(ServiceToken::as_select())
        .first(conn)
        .await
        .optional()
}
