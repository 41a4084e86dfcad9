//! Sessions of people who signed in, kept on the server so that to remove a row is to end a session at once.
//!
//! The danger: a stolen cookie is the person. It dies of disuse after half an hour and of age after twelve. And a person
//! who may no longer enter must not stay: a portal user's right to be here is looked up at each use (`portal`), and
//! whoever takes it away ends their sessions in the same transaction. Staff have the role that their last sign-in showed, and
//! until they sign in again nothing tells us that it was taken from them: so their sessions live for a working day at most.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::{company, new_id, secret};
use crate::db::Connection;
use crate::db::schema::session;
use crate::model::Scope;
use crate::model::audit::{self, Actor, ActorKind, AuditAction, Deed};
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};

/// How long a session outlives its last use.
const IDLE: TimeDelta = TimeDelta::minutes(30);
/// How long a portal user's session lives, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(12);
/// How long a session of staff lives, used or not.
const STAFF_ABSOLUTE: TimeDelta = TimeDelta::hours(8);
/// The most living sessions of one person.
const MOST: i64 = 10;
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
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
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

// A session of staff belongs to no company.
page::paged!(Session, |session| Owner {
    company_id: session.company_id.unwrap_or_default(),
    key: session.id,
});

impl Session {
    /// Whose it is, as the audit trail names them.
    pub fn actor(&self) -> Actor {
        let kind = match self.staff_role {
            Some(_) => ActorKind::Staff,
            None => ActorKind::PortalUser,
        };
        Actor::person(kind, self.tid, self.oid, Some(self.name.clone()))
    }
}

super::text_enum::text_enum! {
    /// Why a session was ended by another than whoever had it.
    pub enum Because {
        /// Somebody revoked it.
        Revoked = "REVOKED",
        /// Microsoft told that its own session has ended.
        SignedOutAtMicrosoft = "SIGNED_OUT_AT_MICROSOFT",
        /// The portal user may no longer enter.
        NoEntry = "NO_ENTRY",
        /// The member of staff has another role now, or none.
        AnotherRole = "ANOTHER_ROLE",
        /// The person has signed in elsewhere, too often for it to stay.
        TooMany = "TOO_MANY",
    }
}

/// How sessions were ended.
#[derive(Clone, Debug)]
pub struct Ending {
    pub because: Because,
    pub actor: Actor,
    /// The request that did it.
    pub request_id: Option<Uuid>,
}

impl Ending {
    /// By Tenantry itself.
    fn by_itself(because: Because, request_id: Option<Uuid>) -> Self {
        Self {
            because,
            actor: Actor::system("the sessions"),
            request_id,
        }
    }
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

/// A session that has begun.
#[derive(Debug)]
pub struct Begun {
    pub id: Uuid,
    pub secret: String,
}

/// Begins a session. Clears away what has died meanwhile, and ends the person's oldest beyond the most that they may have. In a
/// transaction.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    conn: &mut Connection,
    now: DateTime<Utc>,
    newcomer: &Newcomer,
    request_id: Option<Uuid>,
) -> anyhow::Result<Begun> {
    let (id, secret) = (new_id(), secret::fresh()?);
    let dead = session::expires_at.le(now).or(session::last_seen_at.le(now - IDLE));
    diesel::delete(session::table.filter(dead)).execute(conn).await?;
    let (staff_role, company_id, life) = match newcomer.enters_as {
        As::Staff(role) => (Some(role), None, STAFF_ABSOLUTE),
        As::PortalUser(company_id) => (None, Some(company_id), ABSOLUTE),
    };
    diesel::insert_into(session::table)
        .values((
            session::id.eq(id),
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
            session::expires_at.eq(now + life),
        ))
        .execute(conn)
        .await?;
    end_beyond_the_most(conn, now, newcomer, request_id).await?;
    Ok(Begun { id, secret })
}

async fn end_beyond_the_most(
    conn: &mut Connection,
    now: DateTime<Utc>,
    of: &Newcomer,
    request_id: Option<Uuid>,
) -> QueryResult<()> {
    let ended: Vec<Session> = diesel::sql_query(
        "delete from session where id in (select id from session where tid = $1 and oid = $2
                                          order by created_at desc, id desc offset $3)
         returning *",
    )
    .bind::<SqlUuid, _>(of.tid)
    .bind::<SqlUuid, _>(of.oid)
    .bind::<BigInt, _>(MOST)
    .load(conn)
    .await?;
    record_ends(conn, now, &ended, &Ending::by_itself(Because::TooMany, request_id)).await
}

/// Records that sessions were ended, each with whose it was.
///
/// # Errors
/// When the database fails.
pub async fn record_ends(
    conn: &mut Connection,
    now: DateTime<Utc>,
    ended: &[Session],
    ending: &Ending,
) -> QueryResult<()> {
    for session in ended {
        let deed = Deed {
            actor: ending.actor.clone(),
            action: AuditAction::RevokeSession,
            company_id: session.company_id,
            subject: Some(session.id.to_string()),
            refused_because: None,
            request_id: ending.request_id,
            details: Some(json!({
                "person": audit::person(session.tid, session.oid),
                "because": ending.because.as_str(),
            })),
        };
        audit::record(conn, now, &deed).await?;
    }
    Ok(())
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

/// The living sessions of one person, newest first: never more than a few.
///
/// # Errors
/// When the database fails.
pub async fn of_person(conn: &mut Connection, now: DateTime<Utc>, tid: Uuid, oid: Uuid) -> QueryResult<Vec<Session>> {
    session::table
        .filter(session::tid.eq(tid))
        .filter(session::oid.eq(oid))
        .filter(session::expires_at.gt(now))
        .filter(session::last_seen_at.gt(now - IDLE))
        .order((session::created_at.desc(), session::id.desc()))
        .select(Session::as_select())
        .load(conn)
        .await
}

/// The living sessions of a scope, of one company or of everybody, newest first.
pub fn list(scope: &Scope, now: DateTime<Utc>, company_id: Option<Uuid>) -> Listing {
    let newest_first = Order {
        name: "session.created",
        key: "session.created_at",
        id: "session.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    Listing::new("from session where true", newest_first)
        .only("session.company_id = any(?)", scope.as_bind())
        .only("?", scope.whole_bind())
        .only("session.company_id = ?", company_id.map(Bind::Uuid))
        .only("session.expires_at > ?", Some(Bind::Time(now)))
        .only("session.last_seen_at > ?", Some(Bind::Time(now - IDLE)))
}

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

/// Ends the session with this id, of this person alone where one is named; the session that it was.
///
/// # Errors
/// When the database fails.
pub async fn revoke(conn: &mut Connection, id: Uuid, of: Option<(Uuid, Uuid)>) -> QueryResult<Option<Session>> {
    let one = session::table.find(id);
    let ended = match of {
        Some((tid, oid)) => {
            let own = one.filter(session::tid.eq(tid)).filter(session::oid.eq(oid));
            diesel::delete(own)
                .returning(Session::as_returning())
                .get_result(conn)
                .await
        }
        None => {
            diesel::delete(one)
                .returning(Session::as_returning())
                .get_result(conn)
                .await
        }
    };
    ended.optional()
}

/// Ends every session that began from Entra's session `sid`, as Entra tells us to. In a transaction.
///
/// # Errors
/// When the database fails.
pub async fn end_by_sid(
    conn: &mut Connection,
    now: DateTime<Utc>,
    sid: &str,
    request_id: Option<Uuid>,
) -> QueryResult<()> {
    let ended: Vec<Session> = diesel::delete(session::table.filter(session::sid.eq(sid)))
        .returning(Session::as_returning())
        .get_results(conn)
        .await?;
    let ending = Ending::by_itself(Because::SignedOutAtMicrosoft, request_id);
    record_ends(conn, now, &ended, &ending).await
}

/// Ends the staff sessions of a person who has another role now, or none. In the transaction of the sign-in that showed it.
///
/// # Errors
/// When the database fails.
pub async fn end_those_of_another_role(
    conn: &mut Connection,
    now: DateTime<Utc>,
    (tid, oid): (Uuid, Uuid),
    role: Option<StaffRole>,
    request_id: Option<Uuid>,
) -> QueryResult<()> {
    let others = session::table
        .filter(session::tid.eq(tid))
        .filter(session::oid.eq(oid))
        .filter(session::staff_role.is_not_null())
        .filter(session::staff_role.is_distinct_from(role));
    let ended: Vec<Session> = diesel::delete(others)
        .returning(Session::as_returning())
        .get_results(conn)
        .await?;
    record_ends(conn, now, &ended, &Ending::by_itself(Because::AnotherRole, request_id)).await
}

/// Ends the sessions of portal users who may no longer enter the company's portal. In the transaction that took their
/// right away. Holds the company's row, so that a session that is about to begin has begun, or is refused, before it looks.
///
/// # Errors
/// When the database fails.
pub async fn end_those_without_entry(conn: &mut Connection, now: DateTime<Utc>, company_id: Uuid) -> QueryResult<()> {
    company::lock(conn, company_id).await.optional()?;
    let ended: Vec<Session> = diesel::sql_query(
        "delete from session s
         where s.company_id = $1
           and not exists (select from tenant t where t.company_id = $1 and t.entra_tenant_id = s.tid
                           and exists (select from portal_entry($1, s.oid)))
         returning s.*",
    )
    .bind::<SqlUuid, _>(company_id)
    .load(conn)
    .await?;
    record_ends(conn, now, &ended, &Ending::by_itself(Because::NoEntry, None)).await
}
