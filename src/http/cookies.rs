//! The cookies: who is signed in, which browser is on its way to Microsoft, and which one has just connected a tenant.
//!
//! The danger: a cookie that a sibling site can plant. Over https the `__Host-` prefix forbids that; browsers take it only
//! with `Secure`, `Path=/` and no `Domain`. Over http, which is for one's own machine alone, there is no prefix.

use axum::http::HeaderValue;

use super::state::State;

/// The name of the session's cookie.
pub(super) fn session(state: &State) -> &'static str {
    if state.is_secure() {
        "__Host-tenantry"
    } else {
        "tenantry"
    }
}

/// The name of the cookie that a way to Microsoft and back is bound to.
pub(super) fn flow(state: &State) -> &'static str {
    if state.is_secure() {
        "__Host-tenantry-flow"
    } else {
        "tenantry-flow"
    }
}

/// The name of the cookie that remembers which company's tenant this browser has just connected.
pub(super) fn connected(state: &State) -> &'static str {
    if state.is_secure() {
        "__Host-tenantry-connected"
    } else {
        "tenantry-connected"
    }
}

/// Sets a cookie for `seconds`; 0 removes it.
pub(super) fn set(state: &State, name: &str, secret: &str, seconds: u32) -> HeaderValue {
    let secure = if state.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::try_from(cookie).expect("our names and base64url secrets are visible ASCII")
}
