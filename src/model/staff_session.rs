//! Sessions of staff who signed in, kept on the server so that to remove a row is to end a session at once.
//!
//! The danger: a stolen cookie is the person. It dies of disuse after half an hour and of age after twelve.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::secret;
use crate::db::Connection;
use crate::db::schema::staff_session;

/// How long a session outlives its last use.
const IDLE: TimeDelta = TimeDelta::minutes(30);
/// How long a session lives, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(12);
/// A use is noted at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A session of a member of staff, without its secret.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = staff_session, check_for_backend(diesel::pg::Pg))]
pub struct StaffSession {
    pub id: Uuid,
    pub tid: Uuid,
    pub oid: Uuid,
    pub name: String,
    /// Entra's own session, which its front-channel sign-out names.
    pub sid: Option<String>,
    /// Tells Entra whom to sign out.
    pub login_hint: Option<String>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Whose session to begin: all of it from a validated sign-in.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub tid: Uuid,
    pub oid: Uuid,
    pub name: String,
    pub sid: Option<String>,
    pub login_hint: Option<String>,
}

/// Begins a session and answers its secret. Clears away what has died meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn begin(conn: &mut Connection, now: DateTime<Utc>, newcomer: &Newcomer) -> anyhow::Result<String> {
    let secret = secret::fresh()?;
    let dead = staff_session::expires_at
        .le(now)
        .or(staff_session::last_seen_at.le(now - IDLE));
    diesel::delete(staff_session::table.filter(dead)).execute(conn).await?;
    diesel::insert_into(staff_session::table)
        .values((
            staff_session::id.eq(Uuid::now_v7()),
            staff_session::secret_hash.eq(secret::hash(&secret)),
            staff_session::tid.eq(newcomer.tid),
            staff_session::oid.eq(newcomer.oid),
            staff_session::name.eq(&newcomer.name),
            staff_session::sid.eq(&newcomer.sid),
            staff_session::login_hint.eq(&newcomer.login_hint),
            staff_session::created_at.eq(now),
            staff_session::last_seen_at.eq(now),
            staff_session::expires_at.eq(now + ABSOLUTE),
        ))
        .execute(conn)
        .await?;
    Ok(secret)
}

/// The living session with this secret.
///
/// # Errors
/// When the database fails.
pub async fn find_by_secret(
    conn: &mut Connection,
    now: DateTime<Utc>,
    secret: &str,
) -> QueryResult<Option<StaffSession>> {
    staff_session::table
        .filter(staff_session::secret_hash.eq(secret::hash(secret)))
        .filter(staff_session::expires_at.gt(now))
        .filter(staff_session::last_seen_at.gt(now - IDLE))
        .select(StaffSession::as_select())
        .first(conn)
        .await
        .optional()
}

/// Notes that a session is in use, now and then: not every request has to write.
///
/// # Errors
/// When the database fails.
pub async fn note_use(conn: &mut Connection, now: DateTime<Utc>, session: &StaffSession) -> QueryResult<()> {
    if session.last_seen_at + NOTED_EVERY <= now {
        diesel::update(staff_session::table.find(session.id))
            .set(staff_session::last_seen_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Ends the session with this secret; the session that it was.
///
/// # Errors
/// When the database fails.
pub async fn end(conn: &mut Connection, secret: &str) -> QueryResult<Option<StaffSession>> {
    diesel::delete(staff_session::table.filter(staff_session::secret_hash.eq(secret::hash(secret))))
        .returning(StaffSession::as_returning())
        .get_result(conn)
        .await
        .optional()
}

/// Ends every session that began from Entra's session `sid`; how many.
///
/// # Errors
/// When the database fails.
pub async fn end_by_sid(conn: &mut Connection, sid: &str) -> QueryResult<usize> {
    diesel::delete(staff_session::table.filter(staff_session::sid.eq(sid)))
        .execute(conn)
        .await
}
