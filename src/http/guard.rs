//! Who sent this request, and did they mean to?
//!
//! The danger: a browser sends the session's cookie with every request to us, whichever site makes it send one. So a
//! request that has only a cookie to show must come from a page of ours or of an allowed origin (`Origin`, else
//! `Sec-Fetch-Site`), and a GET, which a link can cause, must carry a header that no link and no form can set. A bearer
//! token is never sent by itself and needs none of this.

use std::time::Instant;

use axum::extract::{Extension, Request, State as Extract};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use super::caller::Address;
use super::cookies;
use super::page::Sorry;
use super::rates::{self, Wait};
use super::refusal::{Refusal, TOO_MANY_FAILURES};
use super::state::State;
use crate::auth::Viewer;
use crate::auth::session::{self, Proof};

/// The header that a GET with a session needs.
pub(super) const REQUEST_HEADER: &str = "x-tenantry-request";

/// The viewer, and the proof to ask about again later.
pub(super) struct Admitted {
    pub(super) viewer: Viewer,
    pub(super) proof: Proof,
}

/// Lets a request to GraphQL in.
pub(super) async fn admit(
    state: &State,
    address: Address,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Admitted, Refusal> {
    let proof = Proof::of(headers, cookies::session(state)).ok_or(Refusal::NOBODY)?;
    if proof.is_cookie() {
        if !comes_from_a_page_of_ours(state, headers) {
            return Err(Refusal::STRANGE_ORIGIN);
        }
        if *method == Method::GET && headers.get(REQUEST_HEADER).is_none_or(|value| value != "1") {
            return Err(Refusal::BARE_GET);
        }
    }
    let viewer = recognize(state, address, &proof).await?.ok_or(Refusal::NOBODY)?;
    count(state, &viewer)?;
    Ok(Admitted { viewer, proof })
}

/// Counts one thing that the viewer asks, unless it is too many.
pub(super) fn count(state: &State, viewer: &Viewer) -> Result<(), Refusal> {
    state
        .counts
        .viewers
        .take(rates::identity(viewer), Instant::now())
        .map_err(Refusal::too_often)
}

/// Counts one page that the viewer looks at, as one thing that they ask.
pub(super) fn count_page(state: &State, viewer: &Viewer) -> Result<(), Sorry> {
    state
        .counts
        .viewers
        .take(rates::identity(viewer), Instant::now())
        .map_err(|wait| Sorry::too_often("You ask for pages too often.", wait))
}

/// Why a proof was not judged.
pub(super) enum Unjudged {
    /// The address has shown too many that did not hold.
    TooOften(Wait),
    Broken(anyhow::Error),
}

impl From<Unjudged> for Refusal {
    fn from(unjudged: Unjudged) -> Self {
        match unjudged {
            Unjudged::TooOften(wait) => Self::too_many_failures(wait),
            Unjudged::Broken(error) => error.into(),
        }
    }
}

impl From<Unjudged> for Sorry {
    fn from(unjudged: Unjudged) -> Self {
        match unjudged {
            Unjudged::TooOften(wait) => Self::too_often(TOO_MANY_FAILURES, wait),
            Unjudged::Broken(error) => error.into(),
        }
    }
}

/// The viewer that a proof shows, if it holds. An address that has shown too many that do not is answered without asking
/// the database, except where the proof is known to have held.
pub(super) async fn recognize(state: &State, address: Address, proof: &Proof) -> Result<Option<Viewer>, Unjudged> {
    let counts = &state.counts;
    if !counts.acquaintances.knows(proof, Instant::now()) {
        counts
            .failures
            .look(&address, Instant::now())
            .map_err(Unjudged::TooOften)?;
    }
    let viewer = session::viewer(&state.pool, state.gate(), proof)
        .await
        .map_err(Unjudged::Broken)?;
    if viewer.is_some() {
        counts.acquaintances.meet(proof, Instant::now());
    } else {
        counts.acquaintances.forget(proof);
        // One too many of those that were judged at the same time changes nothing.
        let _ = counts.failures.take(address, Instant::now());
    }
    Ok(viewer)
}

/// Lets an address go to Microsoft and come back only so often.
pub(super) async fn pace(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    request: Request,
    next: Next,
) -> Response {
    if *request.method() == Method::GET
        && let Err(wait) = state.counts.sign_ins.take(address, Instant::now())
    {
        return Sorry::too_often("Too many sign-ins have come from this address.", wait).into_page(&state);
    }
    next.run(request).await
}

/// Whether a page of ours, or of an allowed origin, made the browser send this. What says nothing of its origin is no
/// browser of today, or one whose request the same-origin rules have let through.
pub(super) fn comes_from_a_page_of_ours(state: &State, headers: &HeaderMap) -> bool {
    match (headers.get(header::ORIGIN), headers.get("sec-fetch-site")) {
        (Some(origin), _) => origin.to_str().is_ok_and(|origin| state.allowed.is_origin(origin)),
        (None, Some(site)) => site == "same-origin",
        (None, None) => true,
    }
}
