//! Who sent this request, and did they mean to?
//!
//! The danger: a browser sends the session's cookie with every request to us, whichever site makes it send one. So a
//! request that has only a cookie to show must come from a page of ours or of an allowed origin (`Origin`, else
//! `Sec-Fetch-Site`), and a GET, which a link can cause, must carry a header that no link and no form can set. A bearer
//! token is never sent by itself and needs none of this.

use axum::http::{HeaderMap, Method, header};

use super::cookies;
use super::refusal::Refusal;
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
pub(super) async fn admit(state: &State, method: &Method, headers: &HeaderMap) -> Result<Admitted, Refusal> {
    let proof = Proof::of(headers, cookies::session(state)).ok_or(Refusal::NOBODY)?;
    if proof.is_cookie() {
        if !comes_from_a_page_of_ours(state, headers) {
            return Err(Refusal::STRANGE_ORIGIN);
        }
        if *method == Method::GET && headers.get(REQUEST_HEADER).is_none_or(|value| value != "1") {
            return Err(Refusal::BARE_GET);
        }
    }
    let viewer = session::viewer(&state.pool, state.now(), &proof)
        .await?
        .ok_or(Refusal::NOBODY)?;
    Ok(Admitted { viewer, proof })
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
