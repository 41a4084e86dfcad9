//! Who sent a request: the bearer of a service token, or the browser of somebody who signed in.
//!
//! The danger: a browser sends its cookies also when another site makes it send the request. Whoever was found by a
//! cookie ([`Proof::is_cookie`]) has still to show that the request came from a page of ours.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::viewer::{PortalUser, Service, Staff};
use super::{Action, Viewer};
use crate::db::{Connection, Pool};
use crate::model::session::Session;
use crate::model::{Scope, portal, service_token, session};

/// What a request, or a socket's first message, offers as proof.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A service token.
    Bearer(String),
    /// The secret of a session.
    Cookie(String),
}

impl Proof {
    /// The proof in these headers. A bearer token that is given is meant: the cookie beside it is not looked at.
    pub fn of(headers: &HeaderMap, cookie_name: &str) -> Option<Self> {
        match headers.get(header::AUTHORIZATION) {
            Some(value) => Self::bearer(value.to_str().ok()?),
            None => cookie(headers, cookie_name).map(|secret| Self::Cookie(secret.to_owned())),
        }
    }

    /// The proof in an `Authorization` value.
    pub fn bearer(authorization: &str) -> Option<Self> {
        let (scheme, token) = authorization.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| Self::Bearer(token.trim().to_owned()))
    }

    /// Whether a browser sends it by itself, whoever makes it.
    pub fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }
}

/// The value of a cookie. Of two with one name neither is believed: one was planted.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

/// The viewer that a proof shows, if it holds now. To ask is to use the session: it lives on.
///
/// # Errors
/// When the database fails.
pub async fn viewer(pool: &Pool, gate: Gate, proof: &Proof) -> anyhow::Result<Option<Viewer>> {
    let mut conn = pool.get().await?;
    let found = look_up(&mut conn, gate, proof).await?;
    if let Some((_, Some(session))) = &found {
        session::note_use(&mut conn, gate.now, session).await?;
    }
    Ok(found.map(|(viewer, _)| viewer))
}

/// When somebody asks, and whose people are staff now: a session of staff of another tenant is none.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub now: DateTime<Utc>,
    /// The MSP's own tenant.
    pub staff_tenant: Uuid,
}

/// Whether a proof that held still shows the same: the same person in the same role, seeing no less. To watch is not to use: a
/// page left open does not keep its session alive.
///
/// # Errors
/// When the database fails.
pub async fn still_holds(pool: &Pool, gate: Gate, proof: &Proof, viewer: &Viewer) -> anyhow::Result<bool> {
    let mut conn = pool.get().await?;
    let found = look_up(&mut conn, gate, proof).await?;
    Ok(found.is_some_and(|(now, _)| stands_in_for(&now, viewer)))
}

/// Whether what is open for `before` may stay open now that the same proof shows `now`. Somebody who sees more than before, such
/// as one group more, has lost nothing.
pub fn stands_in_for(now: &Viewer, before: &Viewer) -> bool {
    now.role() == before.role() && now.scope().covers(&before.scope())
}

async fn look_up(
    conn: &mut Connection,
    gate: Gate,
    proof: &Proof,
) -> anyhow::Result<Option<(Viewer, Option<Session>)>> {
    match proof {
        Proof::Bearer(secret) => {
            let token = service_token::find_by_secret(conn, gate.now, secret).await?;
            Ok(token.map(|token| (service(token), None)))
        }
        Proof::Cookie(secret) => {
            let Some(session) = session::find_by_secret(conn, gate.now, secret).await? else {
                return Ok(None);
            };
            let viewer = signed_in(conn, gate.staff_tenant, &session).await?;
            Ok(viewer.map(|viewer| (viewer, Some(session))))
        }
    }
}

fn service(token: service_token::ServiceToken) -> Viewer {
    Viewer::Service(Service {
        token_id: token.id,
        name: token.name,
        scope: token.company_ids.map_or(Scope::All, Scope::Companies),
        actions: Action::of_words(&token.actions),
    })
}

/// Who has this session. A portal user's right to be here is looked up anew: what was learned of them since counts.
async fn signed_in(conn: &mut Connection, staff_tenant: Uuid, session: &Session) -> anyhow::Result<Option<Viewer>> {
    let Session { id, tid, oid, .. } = *session;
    if let Some(role) = session.staff_role {
        let staff = Staff {
            session_id: id,
            tid,
            oid,
            name: session.name.clone(),
            role,
        };
        return Ok((tid == staff_tenant).then_some(Viewer::Staff(staff)));
    }
    let entry = portal::find_entry(conn, tid, oid).await?;
    let entry = entry.filter(|entry| Some(entry.company_id) == session.company_id);
    Ok(entry.map(|entry| {
        Viewer::PortalUser(PortalUser {
            session_id: id,
            tid,
            oid,
            name: session.name.clone(),
            entry,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers(&[(header::COOKIE, "a=1; tenantry=two; b=3")]);
        assert_eq!(cookie(&headers, "tenantry"), Some("two"));
    }

    #[test]
    fn of_two_cookies_with_one_name_neither_is_believed() {
        let headers = headers(&[(header::COOKIE, "tenantry=planted; tenantry=own")]);
        assert_eq!(cookie(&headers, "tenantry"), None);
    }

    #[test]
    fn a_bearer_token_that_is_given_is_meant() {
        let headers = headers(&[
            (header::AUTHORIZATION, "bearer tnt_x"),
            (header::COOKIE, "tenantry=own"),
        ]);
        assert!(Proof::of(&headers, "tenantry") == Some(Proof::Bearer("tnt_x".into())));
    }

    #[test]
    fn another_scheme_is_no_proof_and_does_not_fall_back_to_the_cookie() {
        let headers = headers(&[(header::AUTHORIZATION, "Basic eDp5"), (header::COOKIE, "tenantry=own")]);
        assert!(Proof::of(&headers, "tenantry").is_none());
    }
}
