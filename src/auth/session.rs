//! Who sent a request: the bearer of a service token, or the browser of somebody who signed in.
//!
//! The danger: a browser sends its cookies also when another site makes it send the request. Whoever was found by a
//! cookie ([`Proof::is_cookie`]) has still to show that the request came from a page of ours.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};

use super::Viewer;
use super::viewer::{Service, Staff};
use crate::db::{Connection, Pool};
use crate::model::staff_session::StaffSession;
use crate::model::{service_token, staff_session};

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
pub async fn viewer(pool: &Pool, now: DateTime<Utc>, proof: &Proof) -> anyhow::Result<Option<Viewer>> {
    let mut conn = pool.get().await?;
    match proof {
        Proof::Bearer(secret) => service(&mut conn, now, secret).await,
        Proof::Cookie(secret) => {
            let Some(session) = staff_session::find_by_secret(&mut conn, now, secret).await? else {
                return Ok(None);
            };
            staff_session::note_use(&mut conn, now, &session).await?;
            Ok(Some(staff(session)))
        }
    }
}

/// Whether a proof that held still does. To watch is not to use: a page left open does not keep its session alive.
///
/// # Errors
/// When the database fails.
pub async fn still_holds(pool: &Pool, now: DateTime<Utc>, proof: &Proof) -> anyhow::Result<bool> {
    let mut conn = pool.get().await?;
    Ok(match proof {
        Proof::Bearer(secret) => service_token::find_by_secret(&mut conn, now, secret).await?.is_some(),
        Proof::Cookie(secret) => staff_session::find_by_secret(&mut conn, now, secret).await?.is_some(),
    })
}

async fn service(conn: &mut Connection, now: DateTime<Utc>, secret: &str) -> anyhow::Result<Option<Viewer>> {
    let token = service_token::find_by_secret(conn, now, secret).await?;
    Ok(token.map(|token| {
        Viewer::Service(Service {
            token_id: token.id,
            name: token.name,
        })
    }))
}

fn staff(session: StaffSession) -> Viewer {
    Viewer::Staff(Staff {
        session_id: session.id,
        tid: session.tid,
        oid: session.oid,
        name: session.name,
    })
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
