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
    let old = session::cookie(headers, cookies::session(state)).map(str::to_owned);
    let browser = browser(headers);
    let mut conn = state.pool.get().await?;
    conn.transaction(async |conn| -> anyhow::Result<Result<String, Sorry>> {
        // Within the transaction: nobody takes the right away between the look at it and the session.
        let admitted = admit(state, conn, &person).await?;
        note_role(state, id, conn, &person, admitted.as_ref().ok()).await?;
        match admitted {
            Ok(admitted) => {
                if let Some(old) = &old {
                    model::session::end(conn, old).await?;
                }
                Ok(Ok(begin(state, id, conn, person, admitted, browser).await?))
            }
            Err(refusal) => {
                let deed = Deed {
                    refused_because: refusal.sorry.reason(),
                    ..deed_of(id, ActorKind::Nobody, &person, refusal.company_id)
                };
                audit::record(conn, state.now(), &deed).await?;
                Ok(Err(refusal.sorry))
            }
        }
    })
    .await?
}

/// A sign-in shows which role somebody of the MSP has now: sessions that show another end with it, also when it shows none.
async fn note_role(
    state: &State,
    id: &RequestId,
    conn: &mut db::Connection,
    person: &Person,
    admitted: Option<&Admitted>,
) -> anyhow::Result<()> {
    let role = match admitted {
        Some((As::Staff(role), _)) => Some(*role),
        _ => None,
    };
    let who = (person.tid, person.oid);
    Ok(model::session::end_those_of_another_role(conn, state.now(), who, role, Some(id.0)).await?)
}

/// Begins the session, and records it under its id.
async fn begin(
    state: &State,
    id: &RequestId,
    conn: &mut db::Connection,
    person: Person,
    (enters_as, name): Admitted,
    browser: Option<String>,
) -> anyhow::Result<String> {
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
        browser,
    };
    let begun = model::session::begin(conn, state.now(), &newcomer, Some(id.0)).await?;
    let deed = Deed {
        subject: Some(begun.id.to_string()),
        ..deed
    };
    audit::record(conn, state.now(), &deed).await?;
    Ok(begun.secret)
}

/// Ends the session with this secret; the session that it was.
pub(super) async fn leave(state: &State, id: &RequestId, secret: &str) -> anyhow::Result<Option<Session>> {
    let now = state.now();
    let mut conn = state.pool.get().await?;
    conn.transaction(async |conn| -> anyhow::Result<Option<Session>> {
        let ended = model::session::end(conn, secret).await?;
        if let Some(session) = &ended {
            let deed = Deed {
                actor: session.actor(),
                action: AuditAction::SignOut,
                company_id: session.company_id,
                subject: Some(session.id.to_string()),
                refused_because: None,
                request_id: Some(id.0),
                details: None,
            };
            audit::record(conn, now, &deed).await?;
        }
        Ok(ended)
    })
    .await
}

/// Why somebody is not let in.
struct Refusal {
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
        && let Some(entry) = portal::hold_entry(conn, person.tid, person.oid).await?
    {
        return Ok(Ok((As::PortalUser(entry.company_id), entry.contact_name)));
    }
    let (why, company_id) = portal::explain_no_entry(conn, person.tid, person.oid).await?;
    Ok(Err(match why {
        NoEntry::UnknownTenant if is_ours => Refusal {
            company_id: None,
            sorry: sorry(
                "NO_STAFF_ROLE",
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
        NoEntry::HeldBack => (
            "HELD_BACK",
            "Your account was not found",
            &[
                "The last look at your organization's people did not find your account. Your provider has yet to confirm that you left.",
                "If you did not, ask your provider.",
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
        company_id,
        sorry: sorry(reason, title, words),
    }
}

fn sorry(reason: &'static str, title: &'static str, words: &[&'static str]) -> Sorry {
    Sorry::new(StatusCode::FORBIDDEN, title, words).because(reason)
}

fn deed_of(id: &RequestId, kind: ActorKind, person: &Person, company_id: Option<Uuid>) -> Deed<'static> {
    Deed {
        actor: Actor::person(kind, person.tid, person.oid, person.name.clone()),
        action: AuditAction::SignIn,
        company_id,
        subject: None,
        refused_because: None,
        request_id: Some(id.0),
        details: None,
    }
}

/// Records that somebody came back from Microsoft with something that does not show who it is, or what they were on the way for.
pub(super) async fn note_unproven(
    state: &State,
    id: &RequestId,
    action: AuditAction,
    sorry: &Sorry,
) -> anyhow::Result<()> {
    let Some(reason) = sorry.reason() else { return Ok(()) };
    let deed = Deed {
        actor: Actor::NOBODY,
        action,
        company_id: None,
        subject: None,
        refused_because: Some(reason),
        request_id: Some(id.0),
        details: None,
    };
    let mut conn = state.pool.get().await?;
    Ok(audit::record(&mut conn, state.now(), &deed).await?)
}

fn browser(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(name.chars().take(BROWSER_LENGTH).collect())
}
