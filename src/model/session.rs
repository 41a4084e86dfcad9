//! Sessions of people who signed in, kept on the server so that to remove a row is to end a session at once.
//!
//! The danger: a stolen cookie is the person. It dies of disuse after half an hour and of age after twelve. And a person
//! who may no longer enter must not stay: a portal user's right to be here is looked up at each use (`portal`), and
//! whoever takes it away ends their sessions in the same transaction.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::secret;
use crate::db::Connection;
use crate::db::schema::session;

/// How long a session outlives its last use.
const IDLE: TimeDelta = TimeDelta::minutes(30);
/// How long a session lives, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(12);
/// A use is noted at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

super::text_enum::text_enum! {
    /// What a member of staff may do.
    pub enum StaffRole {
        /// Everything.
        Admin = "ADMIN",
        /// The daily work: connect, sync, settle what was held, change rules.
        Technician = "TECHNICIAN",
        /// To look, at everything; to change nothing.
        Auditor = "AUDITOR",
    }
}

/// A session, without its secret.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = session, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    pub id: Uuid,
    pub tid: Uuid,
    pub oid: Uuid,
    pub name: String,
    /// Of a member of staff.
    pub staff_role: Option<StaffRole>,
    /// Of a portal user.
    pub company_id: Option<Uuid>,
    /// Entra's own session, which its front-channel sign-out names.
    pub sid: Option<String>,
    /// Tells Entra whom to sign out.
    pub login_hint: Option<String>,
    /// What the browser called itself at the sign-in. For display only.
    pub browser: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// As whom somebody enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// A member of staff.
    Staff(StaffRole),
    /// A portal user of this company.
    PortalUser(Uuid),
}

/// Whose session to begin: all of it from a validated sign-in, but the browser's name for itself.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub tid: Uuid,
    pub oid: Uuid,
    pub name: String,
    pub enters_as: As,
    pub sid: Option<String>,
    pub login_hint: Option<String>,
    pub browser: Option<String>,
}

/// Begins a session and answers its secret. Clears away what has died meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn begin(conn: &mut Connection, now: DateTime<Utc>, newcomer: &Newcomer) -> anyhow::Result<String> {
    let secret = secret::fresh()?;
    let dead = session::expires_at.le(now).or(session::last_seen_at.le(now - IDLE));
    diesel::delete(session::table.filter(dead)).execute(conn).await?;
    let (staff_role, company_id) = match newcomer.enters_as {
        As::Staff(role) => (Some(role), None),
        As::PortalUser(company_id) => (None, Some(company_id)),
    };
    diesel::insert_into(session::table)
        .values((
            session::id.eq(Uuid::now_v7()),
            session::secret_hash.eq(secret::hash(&secret)),
            session::tid.eq(newcomer.tid),
            session::oid.eq(newcomer.oid),
            session::name.eq(&newcomer.name),
            session::staff_role.eq(staff_role),
            session::company_id.eq(company_id),
            session::sid.eq(&newcomer.sid),
            session::login_hint.eq(&newcomer.login_hint),
            session::browser.eq(&newcomer.browser),
            session::created_at.eq(now),
            session::last_seen_at.eq(now),
            session::expires_at.eq(now + ABSOLUTE),
        ))
        .execute(conn)
        .await?;
    Ok(secret)
}

/// The living session with this secret.
///
/// # Errors
/// When the database fails.
pub async fn find_by_secret(conn: &mut Connection, now: DateTime<Utc>, secret: &str) -> QueryResult<Option<Session>> {
    session::table
        .filter(session::secret_hash.eq(secret::hash(secret)))
        .filter(session::expires_at.gt(now))
        .filter(session::last_seen_at.gt(now - IDLE))
        .select(Session::as_select())
        .first(conn)
        .await
        .optional()
}

/// The living sessions, of one person or of everybody, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Connection, now: DateTime<Utc>, of: Option<(Uuid, Uuid)>) -> QueryResult<Vec<Session>> {
    let mut alive = session::table
        .filter(session::expires_at.gt(now))
        .filter(session::last_seen_at.gt(now - IDLE))
        .into_boxed();
    if let Some((tid, oid)) = of {
        alive = alive.filter(session::tid.eq(tid)).filter(session::oid.eq(oid));
    }
    alive
        .order((session::created_at.desc(), session::id.desc()))
        .limit(MOST_LISTED)
        .select(Session::as_select())
        .load(conn)
        .await
}

/// The most sessions that are listed.
const MOST_LISTED: i64 = 200;

/// Notes that a session is in use, now and then: not every request has to write.
///
/// # Errors
/// When the database fails.
pub async fn note_use(conn: &mut Connection, now: DateTime<Utc>, session: &Session) -> QueryResult<()> {
    if session.last_seen_at + NOTED_EVERY <= now {
        diesel::update(session::table.find(session.id))
            .set(session::last_seen_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Ends the session with this secret; the session that it was.
///
/// # Errors
/// When the database fails.
pub async fn end(conn: &mut Connection, secret: &str) -> QueryResult<Option<Session>> {
    diesel::delete(session::table.filter(session::secret_hash.eq(secret::hash(secret))))
        .returning(Session::as_returning())
        .get_result(conn)
        .await
        .optional()
}

/// Ends the session with this id, of this person alone where one is named; whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn revoke(conn: &mut Connection, id: Uuid, of: Option<(Uuid, Uuid)>) -> QueryResult<bool> {
    let ended = match of {
        Some((tid, oid)) => {
            let own = session::table
                .find(id)
                .filter(session::tid.eq(tid))
                .filter(session::oid.eq(oid));
            diesel::delete(own).execute(conn).await?
        }
        None => diesel::delete(session::table.find(id)).execute(conn).await?,
    };
    Ok(ended > 0)
}

/// Ends every session that began from Entra's session `sid`; how many.
///
/// # Errors
/// When the database fails.
pub async fn end_by_sid(conn: &mut Connection, sid: &str) -> QueryResult<usize> {
    diesel::delete(session::table.filter(session::sid.eq(sid)))
        .execute(conn)
        .await
}

/// Ends the sessions of portal users who may no longer enter the company's portal. In the transaction that took their
/// right away.
///
/// # Errors
/// When the database fails.
pub async fn end_those_without_entry(conn: &mut Connection, company_id: Uuid) -> QueryResult<usize> {
    diesel::sql_query(
        "delete from session s
         where s.company_id = $1
           and not exists (select from tenant t where t.company_id = $1 and t.entra_tenant_id = s.tid
                           and exists (select from portal_entry($1, s.oid)))",
    )
    .bind::<SqlUuid, _>(company_id)
    .execute(conn)
    .await
}
