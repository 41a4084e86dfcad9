//! A client's administrator connects their tenant: ticket, sign-in, consent, and back.
//!
//! The danger: a tenant that ends up with the wrong company. The consent's callback is unsigned and proves nothing, so the
//! tenant is the one whose administrator signed in **before** the consent; what the callback says is compared with that
//! and never used. The person here is most likely not our staff, and in another browser than the technician who made the
//! link.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use uuid::Uuid;

use super::cookies;
use super::page::Sorry;
use super::sign_in::{self, AUTHORITY, Callback, arrive, depart, own, recall, redirect, remember, unknown_flow};
use super::state::State;
use crate::auth::sign_in::{Pending, Person, Prompt, SignInError};
use crate::error::Failure;
use crate::graphql::error::RequestId;
use crate::microsoft::CONSENTING_ROLES;
use crate::model::audit::{self, Actor, ActorKind, AuditAction, Deed};
use crate::model::connect_ticket;
use crate::model::secret;
use crate::model::sign_in_flow::{Purpose, SignInFlow};
use crate::model::sync_run::{self, SyncKind, SyncMode, SyncTrigger, Wish};
use crate::model::tenant::{self, Consent};

/// How long the callback waits for what Microsoft may not know yet.
const GLIMPSE: Duration = Duration::from_secs(5);
/// How long the browser that connected a tenant is told so on the first page.
const CONNECTED_SECONDS: u32 = 600;
const NOT_CONNECTED: &str = "The tenant was not connected";

#[derive(Deserialize)]
pub(super) struct Ticket {
    ticket: String,
}

/// Why somebody is on the way.
#[derive(Clone, Serialize, Deserialize)]
struct Errand {
    return_to: String,
    requested_by: String,
    expected_domain: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SignInErrand {
    pending: Pending,
    errand: Errand,
}

#[derive(Serialize, Deserialize)]
struct ConsentErrand {
    tid: Uuid,
    oid: Uuid,
    administrator: String,
    role_proven: bool,
    errand: Errand,
}

impl ConsentErrand {
    fn actor(&self) -> Actor {
        administrator(self.tid, self.oid, Some(self.administrator.clone()))
    }
}

/// A client's administrator, who has shown who they are to Microsoft, and is nobody to us.
fn administrator(tid: Uuid, oid: Uuid, name: Option<String>) -> Actor {
    Actor::person(ActorKind::Nobody, tid, oid, name)
}

/// Somebody's attempt to connect a tenant, for the trail and for the page.
struct Attempt<'a> {
    state: &'a State,
    id: &'a RequestId,
    company_id: Option<Uuid>,
    back: String,
}

impl Attempt<'_> {
    /// Records the refusal; answers the page with the way back.
    async fn refused(self, actor: Actor, tenant: Option<Uuid>, sorry: Sorry) -> Sorry {
        let recorded = match sorry.reason() {
            Some(reason) => self.record(actor, tenant, reason).await,
            None => Ok(()),
        };
        let sorry = recorded.map_or_else(Sorry::from, |()| sorry);
        sorry.titled(NOT_CONNECTED).back_to(self.back)
    }

    async fn record(&self, actor: Actor, tenant: Option<Uuid>, reason: &'static str) -> anyhow::Result<()> {
        let deed = Deed {
            refused_because: Some(reason),
            company_id: self.company_id,
            ..connection(self.id, actor, tenant)
        };
        let mut conn = self.state.pool.get().await?;
        Ok(conn
            .transaction(async |conn| {
                if let Some(company_id) = self.company_id {
                    tenant::note_refused_consent(conn, company_id, Some(told_to_sender(reason))).await?;
                }
                audit::record(conn, self.state.now(), &deed).await
            })
            .await?)
    }
}

/// How an attempt went, for the one who sent the link: they were not there. It names no other client, and nobody.
fn told_to_sender(reason: &'static str) -> &'static str {
    match reason {
        "GUEST" => {
            "Whoever opened the link is a guest in the tenant that they signed in to. An administrator of its own is needed."
        }
        "NOT_AN_ADMINISTRATOR" => {
            "Whoever opened the link cannot consent for their whole tenant. A Global Administrator or a Privileged Role \
             Administrator is needed."
        }
        "PERSONAL_ACCOUNT" => "Whoever opened the link used a personal account. One of the client's tenant is needed.",
        "SIGN_IN_REFUSED" | "NO_CONSENT" => "Whoever opened the link declined at Microsoft, or was refused there.",
        "ANOTHER_TENANT" => "Whoever opened the link signed in to one tenant, and consented for another.",
        "ANOTHER_DOMAIN" => {
            "Whoever opened the link is of a tenant that does not own the domain which the link was made for."
        }
        "TENANT_TAKEN" => "Whoever opened the link is of a tenant that another client is connected to.",
        "TENANT_CHANGED" => "Whoever opened the link is of another tenant than the one whose records are kept here.",
        _ => "Whoever opened the link could not be signed in. The audit trail tells more.",
    }
}

/// That a tenant was connected, to begin with.
fn connection(id: &RequestId, actor: Actor, tenant: Option<Uuid>) -> Deed<'static> {
    Deed {
        actor,
        action: AuditAction::Connect,
        company_id: None,
        subject: tenant.map(|tenant| tenant.to_string()),
        refused_because: None,
        request_id: Some(id.0),
        details: None,
    }
}

/// What comes back from the consent page. `tenant` is hearsay.
#[derive(Deserialize)]
pub(super) struct ConsentCallback {
    state: Option<String>,
    tenant: Option<String>,
    admin_consent: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `/connect/start?ticket=…`: uses the ticket up, and has the administrator show who they are.
pub(super) async fn start(
    Extract(state): Extract<State>,
    ticket: Result<Query<Ticket>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let departure = async {
        let Query(Ticket { ticket }) = ticket.map_err(|_| dead_link())?;
        let taken = connect_ticket::take(&mut *state.pool.get().await?, state.now(), &ticket).await?;
        let ticket = taken.ok_or_else(dead_link)?;
        let begun = state
            .sign_in
            .begin(AUTHORITY, &sign_in::redirect_uri(&state), Prompt::SelectAccount)
            .await?;
        let flow_state = begun.pending.state.clone();
        let errand = Errand {
            return_to: ticket.return_to,
            requested_by: ticket.requested_by,
            expected_domain: ticket.expected_domain,
        };
        let flow = SignInFlow {
            purpose: Purpose::ConnectSignIn,
            company_id: Some(ticket.company_id),
            details: remember(&SignInErrand {
                pending: begun.pending,
                errand,
            })?,
        };
        depart(&state, &headers, &flow_state, &flow, &begun.authorize_url).await
    };
    departure.await.unwrap_or_else(|sorry: Sorry| sorry.into_page(&state))
}

fn dead_link() -> Sorry {
    Sorry::new(
        StatusCode::GONE,
        "This link can no longer be used",
        &[
            "A link to connect a tenant is good once, and for half an hour.",
            "Ask whoever sent it to you for a new one.",
        ],
    )
}

/// The administrator has signed in: on to the consent of exactly their tenant.
pub(super) async fn signed_in(
    state: &State,
    id: &RequestId,
    headers: &HeaderMap,
    flow: SignInFlow,
    callback: Callback,
) -> Result<Response, Sorry> {
    let SignInErrand { pending, errand } = recall(flow.details)?;
    let attempt = Attempt {
        state,
        id,
        company_id: flow.company_id,
        back: errand.return_to.clone(),
    };
    let person = match callback.person(state, pending).await {
        Ok(person) => person,
        Err(error) => return Err(attempt.refused(Actor::NOBODY, None, error.into()).await),
    };
    let role_proven = match may_consent(&person) {
        Ok(role_proven) => role_proven,
        Err(sorry) => {
            let actor = administrator(person.tid, person.oid, person.name);
            return Err(attempt.refused(actor, Some(person.tid), sorry).await);
        }
    };
    let flow_state = secret::fresh()?;
    let consent = state
        .microsoft
        .admin_consent_url(person.tid, &own(state, "/connect/callback"), &flow_state);
    let details = ConsentErrand {
        tid: person.tid,
        oid: person.oid,
        administrator: person
            .name
            .or(person.username)
            .unwrap_or_else(|| "An administrator".to_owned()),
        role_proven,
        errand,
    };
    let flow = SignInFlow {
        purpose: Purpose::ConnectConsent,
        company_id: flow.company_id,
        details: remember(&details)?,
    };
    depart(state, headers, &flow_state, &flow, &consent).await
}

/// Whether the sign-in shows a role that may consent. A token that tells no roles at all leaves it open: the first run
/// reads them with the application's own token.
fn may_consent(person: &Person) -> Result<bool, Sorry> {
    if person.guest == Some(true) {
        let words = [
            "You are a guest in this tenant. Only an administrator of its own can connect it.",
            "Sign in with an account of the tenant itself.",
        ];
        return Err(Sorry::new(StatusCode::FORBIDDEN, NOT_CONNECTED, &words).because("GUEST"));
    }
    match &person.wids {
        None => Ok(false),
        Some(roles) if roles.iter().any(|role| CONSENTING_ROLES.contains(role)) => Ok(true),
        Some(_) => {
            let words = [
                "Your account is not an administrator who can consent for the whole tenant.",
                "Ask a Global Administrator or a Privileged Role Administrator of your organization to open a new link.",
            ];
            Err(Sorry::new(StatusCode::FORBIDDEN, NOT_CONNECTED, &words).because("NOT_AN_ADMINISTRATOR"))
        }
    }
}

/// `/connect/callback`: back from Microsoft's consent page.
pub(super) async fn callback(
    Extract(state): Extract<State>,
    Extension(id): Extension<RequestId>,
    callback: Result<Query<ConsentCallback>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let arrival = async {
        let Query(callback) = callback.map_err(|_| unknown_flow())?;
        let flow = arrive(&state, &headers, callback.state.as_deref()).await;
        let flow = sign_in::known(&state, &id, AuditAction::Connect, flow).await?;
        let (Purpose::ConnectConsent, Some(company_id)) = (flow.purpose, flow.company_id) else {
            return Err(unknown_flow());
        };
        let details: ConsentErrand = recall(flow.details)?;
        let attempt = Attempt {
            state: &state,
            id: &id,
            company_id: Some(company_id),
            back: details.errand.return_to.clone(),
        };
        let (tid, actor) = (details.tid, details.actor());
        match consented(&state, &id, company_id, details, &callback).await {
            Ok(response) => Ok(response),
            Err(sorry) => Err(attempt.refused(actor, Some(tid), sorry).await),
        }
    };
    arrival.await.unwrap_or_else(|sorry: Sorry| sorry.into_page(&state))
}

async fn consented(
    state: &State,
    id: &RequestId,
    company_id: Uuid,
    details: ConsentErrand,
    callback: &ConsentCallback,
) -> Result<Response, Sorry> {
    granted(callback, details.tid)?;
    // A token from before the consent has none of its permissions.
    state.microsoft.forget_token(details.tid);
    let deed = Deed {
        company_id: Some(company_id),
        ..connection(id, details.actor(), Some(details.tid))
    };
    let ConsentErrand {
        tid,
        oid,
        administrator,
        role_proven,
        errand,
    } = details;
    let consent = Consent {
        entra_tenant_id: tid,
        administrator,
        administrator_oid: oid,
        role_proven,
        expected_domain: still_expected(state, tid, errand.expected_domain).await?,
    };
    let run_id = connect(state, company_id, &consent, errand.requested_by, &deed).await?;
    state.doorbell.ring(run_id).await;
    let mut to = own(state, &errand.return_to);
    to.query_pairs_mut().append_pair("connected", &company_id.to_string());
    Ok(redirect(
        to.as_str(),
        [
            cookies::set(state, cookies::flow(state), "", 0),
            cookies::set(
                state,
                cookies::connected(state),
                &company_id.to_string(),
                CONNECTED_SECONDS,
            ),
        ],
    ))
}

/// Whether the callback tells of a consent, and of the tenant that was asked for. `admin_consent=True` comes with errors
/// too, so they are looked at first.
fn granted(callback: &ConsentCallback, tid: Uuid) -> Result<(), Sorry> {
    if let Some(error) = &callback.error {
        return Err(
            SignInError::from_redirect(error, callback.error_description.as_deref().unwrap_or_default()).into(),
        );
    }
    if !callback
        .admin_consent
        .as_deref()
        .is_some_and(|consent| consent.eq_ignore_ascii_case("true"))
    {
        let words = ["Microsoft does not say that consent was given. Try again."];
        return Err(Sorry::new(StatusCode::BAD_REQUEST, NOT_CONNECTED, &words).because("NO_CONSENT"));
    }
    if callback.tenant.as_deref().and_then(|tenant| tenant.parse().ok()) != Some(tid) {
        let words = [
            "Consent was given for another tenant than the one you signed in to.",
            "Begin again, and use the same account on both of Microsoft's pages.",
        ];
        return Err(Sorry::new(StatusCode::BAD_REQUEST, NOT_CONNECTED, &words).because("ANOTHER_TENANT"));
    }
    Ok(())
}

/// The domain that remains to be seen: none once the tenant is seen to own it. Fresh consent takes minutes to reach all of
/// Microsoft, so no answer is no refusal; the first run judges then.
async fn still_expected(state: &State, tid: Uuid, expected: Option<String>) -> Result<Option<String>, Sorry> {
    let Some(expected) = expected else { return Ok(None) };
    let graph = state.microsoft.graph(tid);
    let Ok(Ok(organization)) = timeout(GLIMPSE, graph.organization()).await else {
        return Ok(Some(expected));
    };
    let owned = organization.id == tid
        && organization
            .verified_domains
            .iter()
            .any(|domain| domain.name.eq_ignore_ascii_case(&expected));
    if owned {
        return Ok(None);
    }
    let words = [
        &format!("The tenant that you signed in to does not own {expected}, which this link is for."),
        "Sign in as an administrator of the right tenant, with a new link.",
    ];
    Err(Sorry::new(StatusCode::CONFLICT, NOT_CONNECTED, &words).because("ANOTHER_DOMAIN"))
}

/// Connects, queues the first run and records it, all or nothing.
async fn connect(
    state: &State,
    company_id: Uuid,
    consent: &Consent,
    requested_by: String,
    deed: &Deed<'_>,
) -> Result<Uuid, Failure> {
    let now = state.now();
    let wish = Wish {
        company_id,
        kind: SyncKind::Identity,
        trigger: SyncTrigger::Initial,
        mode: SyncMode::Auto,
        dry_run: false,
        rules: None,
        requested_by,
    };
    let mut conn = state.pool.get().await?;
    conn.transaction(async |conn| {
        tenant::connect(conn, now, company_id, consent).await?;
        audit::record(conn, now, deed).await?;
        Ok(sync_run::queue(conn, &wish).await?.run.id)
    })
    .await
}
