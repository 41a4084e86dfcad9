//! Who may come in after a sign-in, and as what.
//!
//! The danger: to let somebody in for what they say of themselves. Staff are people of the MSP's own tenant who were given
//! a role there; portal users are contacts that a sync has found, by tenant and object id. Nothing else of the token
//! counts: an e-mail address or a sign-in name can be given to anybody by some tenant's administrator.

use axum::http::{HeaderMap, StatusCode, header};
use diesel_async::AsyncConnection;
use uuid::Uuid;

use super::cookies;
use super::page::Sorry;
use super::state::State;
use crate::auth::session;
use crate::auth::sign_in::Person;
use crate::graphql::error::RequestId;
use crate::model::audit::{self, Actor, ActorKind, AuditAction, Deed};
use crate::model::portal::{self, NoEntry};
use crate::model::session::{As, Newcomer, Session, StaffRole};
use crate::{db, model};

/// The most of a browser's own name that is kept, in characters.
const BROWSER_LENGTH: usize = 256;

/// The app roles of our registration, as the MSP's administrator assigns them in Entra.
const APP_ROLES: [(&str, StaffRole); 3] = [
    ("Tenantry.Admin", StaffRole::Admin),
    ("Tenantry.Technician", StaffRole::Technician),
    ("Tenantry.Auditor", StaffRole::Auditor),
];

/// Begins the person's session, in place of the one that this browser had; answers its secret.
///
/// # Errors
/// Says why they may not come in.
pub(super) async fn enter(state: &State, id: &RequestId, headers: &HeaderMap, person: Person) -> Result<String, Sorry> {
    let mut conn = state.pool.get().await?;
    let (enters_as, name) = match admit(state, &mut conn, &person).await? {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let deed = Deed {
                refused_because: Some(refusal.reason),
                ..deed_of(id, ActorKind::Nobody, &person, refusal.company_id)
            };
            audit::record(&mut conn, state.now(), &deed)
                .await
                .map_err(anyhow::Error::from)?;
            return Err(refusal.sorry);
        }
    };
    let (kind, company_id) = match enters_as {
        As::Staff(_) => (ActorKind::Staff, None),
        As::PortalUser(company_id) => (ActorKind::PortalUser, Some(company_id)),
    };
    let deed = deed_of(id, kind, &person, company_id);
    let newcomer = Newcomer {
        tid: person.tid,
        oid: person.oid,
        name: name
            .or(person.name)
            .or(person.username)
            .unwrap_or_else(|| "Somebody".to_owned()),
        enters_as,
        sid: person.sid,
        login_hint: person.login_hint,
        browser: browser(headers),
    };
    let old = session::cookie(headers, cookies::session(state)).map(str::to_owned);
    let now = state.now();
    let secret = conn
        .transaction(async |conn| -> anyhow::Result<String> {
            if let Some(old) = &old {
                model::session::end(conn, old).await?;
            }
            audit::record(conn, now, &deed).await?;
            model::session::begin(conn, now, &newcomer).await
        })
        .await?;
    Ok(secret)
}

/// Ends the session with this secret; the session that it was.
pub(super) async fn leave(state: &State, id: &RequestId, secret: &str) -> anyhow::Result<Option<Session>> {
    let now = state.now();
    let mut conn = state.pool.get().await?;
    conn.transaction(async |conn| -> anyhow::Result<Option<Session>> {
        let ended = model::session::end(conn, secret).await?;
        if let Some(session) = &ended {
            let kind = if session.staff_role.is_some() {
                ActorKind::Staff
            } else {
                ActorKind::PortalUser
            };
            let deed = Deed {
                actor: actor(kind, session.tid, session.oid, Some(session.name.clone())),
                action: AuditAction::SignOut,
                company_id: session.company_id,
                subject: None,
                refused_because: None,
                request_id: id.0.parse().ok(),
            };
            audit::record(conn, now, &deed).await?;
        }
        Ok(ended)
    })
    .await
}

/// Why somebody is not let in: for the page, and in a word for the audit trail.
struct Refusal {
    reason: &'static str,
    company_id: Option<Uuid>,
    sorry: Sorry,
}

type Admitted = (As, Option<String>);

async fn admit(state: &State, conn: &mut db::Connection, person: &Person) -> anyhow::Result<Result<Admitted, Refusal>> {
    let is_ours = person.tid == state.staff_tenant && person.guest != Some(true);
    if is_ours && let Some(role) = staff_role(state, person) {
        return Ok(Ok((As::Staff(role), None)));
    }
    if person.guest != Some(true)
        && let Some(entry) = portal::find_entry(conn, person.tid, person.oid).await?
    {
        return Ok(Ok((As::PortalUser(entry.company_id), entry.contact_name)));
    }
    let (why, company_id) = portal::explain_no_entry(conn, person.tid, person.oid).await?;
    Ok(Err(match why {
        NoEntry::UnknownTenant if is_ours => Refusal {
            reason: "NO_STAFF_ROLE",
            company_id: None,
            sorry: sorry(
                "You have no role here yet",
                &[
                    "You are of the provider's own organization, but nobody has given you a role in Tenantry.",
                    "Ask your administrator for one of the app roles Tenantry.Admin, Tenantry.Technician and \
                     Tenantry.Auditor: Entra, Enterprise applications, Tenantry, Users and groups. Then sign in again.",
                ],
            ),
        },
        why => refusal(why, company_id, person.guest == Some(true)),
    }))
}

/// The highest role that the person was given, by an app role or by a group.
fn staff_role(state: &State, person: &Person) -> Option<StaffRole> {
    let by_app_role = APP_ROLES
        .iter()
        .filter(|(value, _)| person.roles.iter().any(|role| role == value))
        .map(|(_, role)| *role);
    let by_group = state
        .staff_groups
        .iter()
        .filter(|(_, group)| person.groups.contains(group))
        .map(|(role, _)| *role);
    by_app_role.chain(by_group).min()
}

fn refusal(why: NoEntry, company_id: Option<Uuid>, guest: bool) -> Refusal {
    let (reason, title, words): (_, _, &[&str]) = match why {
        NoEntry::UnknownTenant => (
            "UNKNOWN_TENANT",
            "Your organization is not connected here",
            &[
                "You signed in with an account of an organization that is not a client here.",
                "If you have another work account, sign in with that one.",
            ],
        ),
        NoEntry::NotConnected => (
            "NOT_CONNECTED",
            "Your organization's connection has ended",
            &[
                "The connection to your organization's Microsoft 365 was ended or has to be renewed, so nobody can be let in.",
                "Ask your provider to connect it again.",
            ],
        ),
        NoEntry::NotAContact if guest => (
            "GUEST",
            "Guests cannot come in",
            &[
                "You are a guest in this organization. The portal is for its own people.",
                "Sign in with the account of your own organization.",
            ],
        ),
        NoEntry::NotAContact => (
            "NOT_A_CONTACT",
            "You are not known here yet",
            &[
                "Your account was not found among the people of your organization that are kept here.",
                "A new account is found within four hours. If it takes longer, ask your provider.",
            ],
        ),
        NoEntry::Deactivated => (
            "DEACTIVATED",
            "Your access has ended",
            &[
                "Your account left your organization, or your organization no longer wants it here.",
                "If that is wrong, ask your administrator or your provider.",
            ],
        ),
        NoEntry::AccountDisabled => (
            "ACCOUNT_DISABLED",
            "Your account is disabled",
            &[
                "Your organization has disabled your account.",
                "Ask your administrator to enable it; it is noticed here within four hours.",
            ],
        ),
        NoEntry::NotInAGroup => (
            "NOT_IN_AN_ACCESS_GROUP",
            "You are not among those who may come in",
            &[
                "Your organization lets only members of some of its groups into the portal, and you are in none of them.",
                "Ask your administrator to add you to one; it is noticed here within four hours.",
            ],
        ),
    };
    Refusal {
        reason,
        company_id,
        sorry: sorry(title, words),
    }
}

fn sorry(title: &'static str, words: &[&'static str]) -> Sorry {
    Sorry::new(StatusCode::FORBIDDEN, title, words)
}

fn deed_of(id: &RequestId, kind: ActorKind, person: &Person, company_id: Option<Uuid>) -> Deed<'static> {
    Deed {
        actor: actor(kind, person.tid, person.oid, person.name.clone()),
        action: AuditAction::SignIn,
        company_id,
        subject: None,
        refused_because: None,
        request_id: id.0.parse().ok(),
    }
}

fn actor(kind: ActorKind, tid: Uuid, oid: Uuid, name: Option<String>) -> Actor {
    Actor {
        kind,
        id: Some(format!("{tid}/{oid}")),
        name,
    }
}

fn browser(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(name.chars().take(BROWSER_LENGTH).collect())
}
