//! Service tokens: how the PSA's back end shows who it is.
//!
//! The danger: a token that leaks is the PSA. So it opens only the companies and does only the deeds that it was made for;
//! it is shown once, stored as a hash, ends by itself, and what is open with it is closed when it is revoked.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
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
/// How long a token is kept after its end.
const KEPT: TimeDelta = TimeDelta::days(400);

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
    /// The companies that it opens; none: every company.
    pub company_ids: Option<Vec<Uuid>>,
    /// What it may do, in the policy's words.
    pub actions: Vec<String>,
}

/// A token to make.
#[derive(Clone, Debug)]
pub struct NewToken<'o> {
    /// What it is for.
    pub name: &'o str,
    /// Who makes it, by name.
    pub by: &'o str,
    /// How long it lives: 1 to 366.
    pub days: i32,
    /// The companies that it opens; none: every company.
    pub company_ids: Option<Vec<Uuid>>,
    /// What it may do, in the policy's words.
    pub actions: Vec<String>,
}

/// Makes a token; its secret is told now and never again.
///
/// # Errors
/// `BAD_INPUT` for a blank name or a life outside of 1 to 366 days.
pub async fn issue(
    conn: &mut Connection,
    now: DateTime<Utc>,
    new: &NewToken<'_>,
) -> Result<(ServiceToken, String), Failure> {
    let (name, days) = (new.name.trim(), new.days);
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
            service_token::id.eq(crate::model::new_id()),
            service_token::secret_hash.eq(secret::hash(&secret)),
            service_token::name.eq(name),
            service_token::created_by.eq(new.by),
            service_token::created_at.eq(now),
            service_token::expires_at.eq(now + TimeDelta::days(i64::from(days))),
            service_token::company_ids.eq(&new.company_ids),
            service_token::actions.eq(&new.actions),
        ))
        .returning(ServiceToken::as_returning())
        .get_result(conn)
        .await?;
    Ok((token, secret))
}

/// The tokens there are, newest first, those that no longer work included.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Connection) -> QueryResult<Vec<ServiceToken>> {
    service_token::table
        .order((service_token::created_at.desc(), service_token::id.desc()))
        .limit(MOST_LISTED)
        .select(ServiceToken::as_select())
        .load(conn)
        .await
}

/// The most tokens that are listed.
const MOST_LISTED: i64 = 200;

/// What became of the wish to revoke a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It ended now; its name.
    Now(String),
    /// It had been revoked, and stays as it was.
    Before,
    /// There is no such token.
    Unknown,
}

/// Ends a token now.
///
/// # Errors
/// When the database fails.
pub async fn revoke(conn: &mut Connection, now: DateTime<Utc>, id: Uuid) -> QueryResult<Revoked> {
    let of = service_token::table.find(id);
    let ended: Option<String> = diesel::update(of.filter(service_token::revoked_at.is_null()))
        .set(service_token::revoked_at.eq(now))
        .returning(service_token::name)
        .get_result(conn)
        .await
        .optional()?;
    if let Some(name) = ended {
        return Ok(Revoked::Now(name));
    }
    let known: bool = diesel::select(diesel::dsl::exists(of)).get_result(conn).await?;
    Ok(if known { Revoked::Before } else { Revoked::Unknown })
}

/// Removes the tokens that ended long ago, by themselves or revoked; how many. The audit trail has their names.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Connection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::sql_query(
        "delete from service_token t
         where least(t.expires_at, t.revoked_at) < $1
           and not exists (select from connect_ticket where service_token_id = t.id)",
    )
    .bind::<Timestamptz, _>(now - KEPT)
    .execute(conn)
    .await
}

/// Whether this token works.
///
/// # Errors
/// When the database fails.
pub async fn holds(conn: &mut Connection, now: DateTime<Utc>, id: Uuid) -> QueryResult<bool> {
    let alive = service_token::table
        .find(id)
        .filter(service_token::revoked_at.is_null())
        .filter(service_token::expires_at.gt(now));
    diesel::select(diesel::dsl::exists(alive)).get_result(conn).await
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
