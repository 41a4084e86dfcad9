//! The audit trail: who did what, and who was refused.
//!
//! The danger: a trail that is written beside what it tells of, and so tells of what never happened. An event of
//! a deed is recorded in the transaction of the deed, and a refusal by itself; the database refuses to change one, and to
//! remove one for six years: how long is not ours to say, so that nobody who is us can shorten it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::audit_event;
use crate::model::Scope;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};

super::text_enum::text_enum! {
    /// What was done, or refused.
    pub enum AuditAction {
        /// Somebody signed in.
        SignIn = "SIGN_IN",
        /// Somebody signed out.
        SignOut = "SIGN_OUT",
        /// A session was ended by somebody else, at Microsoft, or because the right to it was gone.
        RevokeSession = "REVOKE_SESSION",
        /// A company was added.
        CreateCompany = "CREATE_COMPANY",
        /// A company was deleted with all that was kept of it.
        DeleteCompany = "DELETE_COMPANY",
        /// A link to connect a tenant was made.
        InviteToConnect = "INVITE_TO_CONNECT",
        /// A tenant was connected by its administrator.
        Connect = "CONNECT",
        /// A tenant was disconnected.
        Disconnect = "DISCONNECT",
        /// A sync was asked for.
        SyncCompany = "SYNC_COMPANY",
        /// Held changes were made.
        ReleaseHeldChanges = "RELEASE_HELD_CHANGES",
        /// Held changes were thrown away.
        DiscardHeldChanges = "DISCARD_HELD_CHANGES",
        /// Sync rules were changed.
        UpdateSyncRules = "UPDATE_SYNC_RULES",
        /// The slots that a company takes were changed, or paused or resumed.
        UpdateSyncSchedule = "UPDATE_SYNC_SCHEDULE",
        /// From how many deactivations on somebody is asked was changed.
        UpdateSyncGuard = "UPDATE_SYNC_GUARD",
        /// The groups that open a portal were changed.
        SetPortalAccessGroups = "SET_PORTAL_ACCESS_GROUPS",
        /// Something was stated about a company's evidence.
        DeclareEvidence = "DECLARE_EVIDENCE",
        /// What was stated no longer holds.
        WithdrawEvidenceDeclaration = "WITHDRAW_EVIDENCE_DECLARATION",
        /// A service token was made.
        CreateServiceToken = "CREATE_SERVICE_TOKEN",
        /// A service token was revoked.
        RevokeServiceToken = "REVOKE_SERVICE_TOKEN",
        /// Evidence of a company was taken away as a file.
        ExportEvidence = "EXPORT_EVIDENCE",
    }
}

super::text_enum::text_enum! {
    /// How it came out.
    pub enum AuditOutcome {
        /// It was done.
        Done = "DONE",
        /// It was refused.
        Refused = "REFUSED",
    }
}

super::text_enum::text_enum! {
    /// What sort of actor it was.
    pub enum ActorKind {
        /// A person of the MSP.
        Staff = "STAFF",
        /// A contact of a client.
        PortalUser = "PORTAL_USER",
        /// A program with a service token.
        Service = "SERVICE",
        /// Tenantry itself, or its command line.
        System = "SYSTEM",
        /// Somebody who has not shown who they are to us, such as a client's administrator at Microsoft.
        Nobody = "NOBODY",
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// `tenant/object id` of a person, the id of a service token.
    pub id: Option<String>,
    /// The name at the time.
    pub name: Option<String>,
}

impl Actor {
    /// Somebody who has shown nothing.
    pub const NOBODY: Self = Self {
        kind: ActorKind::Nobody,
        id: None,
        name: None,
    };

    /// A person of Microsoft's: who they are is their tenant and object id, never an address.
    pub fn person(kind: ActorKind, tid: Uuid, oid: Uuid, name: Option<String>) -> Self {
        Self {
            kind,
            id: Some(person(tid, oid)),
            name,
        }
    }

    /// Tenantry itself, by the name of the part of it that acts.
    pub fn system(name: &str) -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
            name: Some(name.to_owned()),
        }
    }
}

/// A person, in the words of the trail.
pub fn person(tid: Uuid, oid: Uuid) -> String {
    format!("{tid}/{oid}")
}

/// What to record.
#[derive(Clone, Debug)]
pub struct Deed<'d> {
    pub actor: Actor,
    pub action: AuditAction,
    pub company_id: Option<Uuid>,
    /// What it was done to, apart from the company.
    pub subject: Option<String>,
    /// Why it was refused, in a word; none when it was done.
    pub refused_because: Option<&'d str>,
    /// The request that did it.
    pub request_id: Option<Uuid>,
    /// What was chosen, or why it came to pass: ids and rules, never a secret.
    pub details: Option<Value>,
}

/// One entry of the audit trail.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = audit_event, check_for_backend(diesel::pg::Pg))]
pub struct AuditEvent {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_kind: ActorKind,
    pub actor_id: Option<String>,
    pub actor_name: Option<String>,
    pub action: AuditAction,
    pub outcome: AuditOutcome,
    pub company_id: Option<Uuid>,
    pub subject: Option<String>,
    pub reason: Option<String>,
    pub request_id: Option<Uuid>,
    pub details: Option<Value>,
}

// An event of the MSP itself belongs to no company.
page::paged!(AuditEvent, |event| Owner {
    company_id: event.company_id.unwrap_or_default(),
    key: event.id,
});

/// Records what was done, in the transaction that does it, or what was refused.
///
/// # Errors
/// When the database fails.
pub async fn record(conn: &mut Connection, now: DateTime<Utc>, deed: &Deed<'_>) -> QueryResult<()> {
    let outcome = match deed.refused_because {
        None => AuditOutcome::Done,
        Some(_) => AuditOutcome::Refused,
    };
    diesel::insert_into(audit_event::table)
        .values((
            audit_event::id.eq(crate::model::new_id()),
            audit_event::at.eq(now),
            audit_event::actor_kind.eq(deed.actor.kind),
            audit_event::actor_id.eq(&deed.actor.id),
            audit_event::actor_name.eq(&deed.actor.name),
            audit_event::action.eq(deed.action),
            audit_event::outcome.eq(outcome),
            audit_event::company_id.eq(deed.company_id),
            audit_event::subject.eq(&deed.subject),
            audit_event::reason.eq(deed.refused_because),
            audit_event::request_id.eq(deed.request_id),
            audit_event::details.eq(&deed.details),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether this actor is recorded to have done this to this subject of the company, from `since` on.
///
/// # Errors
/// When the database fails.
pub async fn is_recorded(conn: &mut Connection, since: DateTime<Utc>, deed: &Deed<'_>) -> QueryResult<bool> {
    let recorded = audit_event::table
        .filter(audit_event::company_id.is_not_distinct_from(deed.company_id))
        .filter(audit_event::at.ge(since))
        .filter(audit_event::action.eq(deed.action))
        .filter(audit_event::outcome.eq(AuditOutcome::Done))
        .filter(audit_event::subject.is_not_distinct_from(&deed.subject))
        .filter(audit_event::actor_kind.eq(deed.actor.kind))
        .filter(audit_event::actor_id.is_not_distinct_from(&deed.actor.id))
        .filter(audit_event::actor_name.is_not_distinct_from(&deed.actor.name));
    diesel::select(diesel::dsl::exists(recorded)).get_result(conn).await
}

/// How many events one statement removes, so that nobody waits for it for long.
const BATCH: i64 = 5_000;
/// How many statements one call makes; what is left is left for the next.
const MOST_BATCHES: usize = 200;

#[derive(QueryableByName)]
struct Retired {
    #[diesel(sql_type = BigInt)]
    retired: i64,
}

/// Removes what is older than six years by the database's clock, through retention's door; how many events. Call it
/// outside of a transaction.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Connection) -> QueryResult<i64> {
    let mut removed = 0;
    for _ in 0..MOST_BATCHES {
        let Retired { retired } = diesel::sql_query("select retire_audit_trail($1) as retired")
            .bind::<BigInt, _>(BATCH)
            .get_result(conn)
            .await?;
        removed += retired;
        if retired < BATCH {
            break;
        }
    }
    Ok(removed)
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub company_id: Option<Uuid>,
    pub action: Option<AuditAction>,
    pub outcome: Option<AuditOutcome>,
}

/// The events of a scope, newest first. What is of no company is shown to those who see every company.
pub fn list(scope: &Scope, filter: &Filter) -> Listing {
    let newest_first = Order {
        name: "audit.at",
        key: "audit_event.at",
        id: "audit_event.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    Listing::new("from audit_event where true", newest_first)
        .only("audit_event.company_id = any(?)", scope.as_bind())
        .only("?", scope.whole_bind())
        .only("audit_event.company_id = ?", filter.company_id.map(Bind::Uuid))
        .only(
            "audit_event.action = ?",
            filter.action.map(|action| Bind::Text(action.to_string())),
        )
        .only(
            "audit_event.outcome = ?",
            filter.outcome.map(|outcome| Bind::Text(outcome.to_string())),
        )
}
