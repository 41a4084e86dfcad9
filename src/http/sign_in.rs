//! Staff and portal users sign in and out; and the one address that Entra sends people back to after a sign-in, whatever it was for.
//!
//! The danger: everything in a callback's address can be made up. What is believed is the flow that the state finds on
//! the server, in the browser that began it, once; and the id token that the code is exchanged for.

use std::time::Instant;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use url::Url;

use super::page::{self, Sorry};
use super::state::State;
use super::{connect, cookies, entrance, guard};
use crate::auth::return_to;
use crate::auth::session::{self, Proof};
use crate::auth::sign_in::{Authority, Pending, Person, Prompt, SignInError};
use crate::graphql::error::RequestId;
use crate::model::audit::AuditAction;
use crate::model::sign_in_flow::{self, Purpose, SignInFlow};
use crate::model::{self, secret};

/// Who may come back from a sign-in: anybody of an organization. Who they are is judged then.
pub(super) const AUTHORITY: Authority = Authority::Organizations;
const FLOW_SECONDS: u32 = 600;
const SESSION_SECONDS: u32 = 12 * 3600;

#[derive(Deserialize)]
pub(super) struct SignInParameters {
    #[serde(rename = "returnTo")]
    return_to: Option<String>,
}

/// What comes back in the address.
#[derive(Deserialize)]
pub(super) struct Callback {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// What a sign-in has to remember.
#[derive(Serialize, Deserialize)]
struct Errand {
    pending: Pending,
    return_to: String,
}

/// `/auth/sign-in`: off to Entra.
pub(super) async fn start(
    Extract(state): Extract<State>,
    parameters: Result<Query<SignInParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = parameters.ok().and_then(|Query(parameters)| parameters.return_to);
    let return_to = asked
        .and_then(|url| return_to::check(&url, &state.allowed).ok())
        .unwrap_or_else(|| "/".to_owned());
    let departure = async {
        let begun = state
            .sign_in
            .begin(AUTHORITY, &redirect_uri(&state), Prompt::SelectAccount)
            .await?;
        let secret = begun.pending.state.clone();
        let flow = SignInFlow {
            purpose: Purpose::SignIn,
            company_id: None,
            details: remember(&Errand {
                pending: begun.pending,
                return_to,
            })?,
        };
        depart(&state, &headers, &secret, &flow, &begun.authorize_url).await
    };
    departure.await.unwrap_or_else(|sorry: Sorry| sorry.into_page(&state))
}

/// `/auth/callback`: somebody is back from a sign-in.
pub(super) async fn callback(
    Extract(state): Extract<State>,
    Extension(id): Extension<RequestId>,
    callback: Result<Query<Callback>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let arrival = async {
        let Query(callback) = callback.map_err(|_| unknown_flow())?;
        let flow = arrive(&state, &headers, callback.state.as_deref()).await;
        let flow = known(&state, &id, AuditAction::SignIn, flow).await?;
        match flow.purpose {
            Purpose::SignIn => enter(&state, &id, &headers, flow, callback).await,
            Purpose::ConnectSignIn => connect::signed_in(&state, &id, &headers, flow, callback).await,
            Purpose::ConnectConsent => Err(unknown_flow()),
        }
    };
    arrival.await.unwrap_or_else(|sorry: Sorry| sorry.into_page(&state))
}

/// Begins a session of whoever may enter; whoever may not is told why.
async fn enter(
    state: &State,
    id: &RequestId,
    headers: &HeaderMap,
    flow: SignInFlow,
    callback: Callback,
) -> Result<Response, Sorry> {
    let errand: Errand = recall(flow.details)?;
    let person = match callback.person(state, errand.pending).await {
        Ok(person) => person,
        Err(error) => {
            let sorry = error.into();
            entrance::note_unproven(state, id, AuditAction::SignIn, &sorry).await?;
            return Err(sorry);
        }
    };
    let secret = entrance::enter(state, id, headers, person).await?;
    // Whoever has just signed in is let in also from an address that has spent its failures.
    state
        .counts
        .acquaintances
        .meet(&Proof::Cookie(secret.clone()), Instant::now());
    let cookies = [
        cookies::set(state, cookies::session(state), &secret, SESSION_SECONDS),
        cookies::set(state, cookies::flow(state), "", 0),
    ];
    Ok(redirect(&errand.return_to, cookies))
}

impl Callback {
    /// The person that Entra vouches for.
    pub(super) async fn person(self, state: &State, pending: Pending) -> Result<Person, SignInError> {
        if let Some(error) = self.error {
            return Err(SignInError::from_redirect(
                &error,
                self.error_description.as_deref().unwrap_or_default(),
            ));
        }
        let code = self.code.unwrap_or_default();
        state
            .sign_in
            .finish(pending, AUTHORITY, &redirect_uri(state), &code)
            .await
    }
}

/// Where Entra sends people back to after a sign-in.
pub(super) fn redirect_uri(state: &State) -> Url {
    own(state, "/auth/callback")
}

/// An address of ours.
pub(super) fn own(state: &State, path: &str) -> Url {
    state.allowed.own().join(path).expect("our paths are paths")
}

/// Remembers the flow, binds it to this browser, and sends it off.
pub(super) async fn depart(
    state: &State,
    headers: &HeaderMap,
    flow_state: &str,
    flow: &SignInFlow,
    to: &Url,
) -> Result<Response, Sorry> {
    // One browser may be on its way in several tabs.
    let browser = match session::cookie(headers, cookies::flow(state)) {
        Some(secret)
            if secret.len() == 43
                && secret
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
        {
            secret.to_owned()
        }
        _ => secret::fresh()?,
    };
    let mut conn = state.pool.get().await?;
    sign_in_flow::begin(&mut conn, state.now(), flow_state, &browser, flow).await?;
    drop(conn);
    Ok(redirect(
        to.as_str(),
        [cookies::set(state, cookies::flow(state), &browser, FLOW_SECONDS)],
    ))
}

/// Finds the flow that is back, and forgets it.
pub(super) async fn arrive(state: &State, headers: &HeaderMap, flow_state: Option<&str>) -> Result<SignInFlow, Sorry> {
    let flow_state = flow_state.ok_or_else(unknown_flow)?;
    // The flow is taken out also where there is no cookie: whoever sees a state must not be able to keep it for later.
    let browser = session::cookie(headers, cookies::flow(state)).unwrap_or_default();
    let mut conn = state.pool.get().await?;
    sign_in_flow::take(&mut conn, state.now(), flow_state, browser)
        .await?
        .ok_or_else(unknown_flow)
}

/// The flow that is back, or the refusal of one that is not known, recorded: a state that is used twice, or in another browser
/// than the one that began, is an attack or looks like one.
pub(super) async fn known(
    state: &State,
    id: &RequestId,
    action: AuditAction,
    flow: Result<SignInFlow, Sorry>,
) -> Result<SignInFlow, Sorry> {
    match flow {
        Ok(flow) => Ok(flow),
        Err(sorry) => {
            entrance::note_unproven(state, id, action, &sorry).await?;
            Err(sorry)
        }
    }
}

pub(super) fn unknown_flow() -> Sorry {
    Sorry::new(
        StatusCode::BAD_REQUEST,
        "This sign-in is not known here",
        &[
            "It was used already, took longer than ten minutes, or was begun in another browser.",
            "Begin again, in the browser that you want to go on with.",
        ],
    )
    .because("UNKNOWN_STATE")
}

pub(super) fn remember(details: &impl Serialize) -> Result<serde_json::Value, Sorry> {
    serde_json::to_value(details).map_err(|error| anyhow::Error::from(error).into())
}

pub(super) fn recall<D: for<'de> Deserialize<'de>>(details: serde_json::Value) -> Result<D, Sorry> {
    serde_json::from_value(details).map_err(|error| anyhow::Error::from(error).into())
}

/// On to another address, by GET, with cookies.
pub(super) fn redirect<const N: usize>(to: &str, cookies: [HeaderValue; N]) -> Response {
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Redirect::to(to)).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// `GET /auth/sign-out`: a link cannot sign anybody out, so ask.
pub(super) async fn confirm_sign_out(Extract(state): Extract<State>) -> Response {
    let body = r#"<p>This ends your session here and at Microsoft.</p>
<form method="post" action="/auth/sign-out"><button>Sign out</button></form>"#;
    page::page(&state, StatusCode::OK, "Sign out?", body)
}

/// `POST /auth/sign-out`: ends the session here, then at Entra.
pub(super) async fn sign_out(
    Extract(state): Extract<State>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
) -> Response {
    if !guard::comes_from_a_page_of_ours(&state, &headers) {
        return Sorry::new(
            StatusCode::FORBIDDEN,
            "Not from here",
            &["Another site asked to sign you out. You still are signed in."],
        )
        .into_page(&state);
    }
    end_session(&state, &id, &headers)
        .await
        .unwrap_or_else(|sorry| sorry.into_page(&state))
}

async fn end_session(state: &State, id: &RequestId, headers: &HeaderMap) -> Result<Response, Sorry> {
    let home = own(state, "/");
    let Some(secret) = session::cookie(headers, cookies::session(state)) else {
        return Ok(redirect(home.as_str(), []));
    };
    let ended = entrance::leave(state, id, secret).await?;
    let to = match ended {
        Some(session) => state
            .sign_in
            .sign_out_url(session.tid, session.login_hint.as_deref(), &home),
        None => home,
    };
    Ok(redirect(
        to.as_str(),
        [cookies::set(state, cookies::session(state), "", 0)],
    ))
}

#[derive(Deserialize)]
pub(super) struct FrontChannel {
    sid: Option<String>,
}

/// `/auth/front-channel-logout`: Entra tells, in a frame and most likely without our cookie, that a session of its own has
/// ended. It can only ever end sessions, so it asks for no proof, and always answers 200: a refusal tells a stranger
/// which sessions there are.
pub(super) async fn front_channel_sign_out(
    Extract(state): Extract<State>,
    Extension(id): Extension<RequestId>,
    parameters: Result<Query<FrontChannel>, QueryRejection>,
) -> Response {
    if let Some(sid) = parameters
        .ok()
        .and_then(|Query(parameters)| parameters.sid)
        // No session has a sid with a NUL: text in the database cannot hold one, nor be compared with one.
        .filter(|sid| !sid.is_empty() && !sid.contains('\0'))
        && let Err(error) = end_by_sid(&state, &id, &sid).await
    {
        tracing::error!(error = format!("{error:#}"), "a front-channel sign-out failed");
    }
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    (headers, "").into_response()
}

async fn end_by_sid(state: &State, id: &RequestId, sid: &str) -> anyhow::Result<()> {
    let now = state.now();
    let mut conn = state.pool.get().await?;
    conn.transaction(async |conn| Ok(model::session::end_by_sid(conn, now, sid, Some(id.0)).await?))
        .await
}
