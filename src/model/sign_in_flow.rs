//! One way to Microsoft and back. What has to be remembered stays here, on the server.
//!
//! The danger: a `state` that is used twice, or in another browser than the one that began, links a person to somebody
//! else's errand. A flow is found by its state **and** its browser's cookie, and is gone the moment it is found.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::secret;
use crate::db::Connection;
use crate::db::schema::sign_in_flow;

/// How long somebody may take at Microsoft.
const LIFE: TimeDelta = TimeDelta::minutes(10);
/// Flows that are remembered at once, far more than there are people on their way: anybody may begin one.
const MOST: i64 = 10_000;

super::text_enum::text_enum! {
    /// What somebody is on the way for.
    pub enum Purpose {
        /// Somebody signs in.
        SignIn = "SIGN_IN",
        /// An administrator shows who they are before they connect their tenant.
        ConnectSignIn = "CONNECT_SIGN_IN",
        /// An administrator is on Microsoft's consent page.
        ConnectConsent = "CONNECT_CONSENT",
    }
}

/// A flow that came back.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sign_in_flow, check_for_backend(diesel::pg::Pg))]
pub struct SignInFlow {
    pub purpose: Purpose,
    pub company_id: Option<Uuid>,
    /// What the purpose needs to go on.
    pub details: serde_json::Value,
}

/// Remembers a flow of the browser that holds the cookie `browser`. Clears away those that never came back, and the oldest
/// beyond the most that are remembered: to refuse the newest instead would shut everybody out until the others have died.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    conn: &mut Connection,
    now: DateTime<Utc>,
    state: &str,
    browser: &str,
    flow: &SignInFlow,
) -> QueryResult<()> {
    let flow_of = diesel::alias!(sign_in_flow as flow_of);
    let beyond = flow_of
        .order(flow_of.field(sign_in_flow::expires_at).desc())
        .offset(MOST - 1)
        .select(flow_of.field(sign_in_flow::state_hash));
    let dead = sign_in_flow::expires_at
        .le(now)
        .or(sign_in_flow::state_hash.eq_any(beyond));
    diesel::delete(sign_in_flow::table.filter(dead)).execute(conn).await?;
    diesel::insert_into(sign_in_flow::table)
        .values((
            sign_in_flow::state_hash.eq(secret::hash(state)),
            sign_in_flow::browser_hash.eq(secret::hash(browser)),
            sign_in_flow::purpose.eq(flow.purpose),
            sign_in_flow::company_id.eq(flow.company_id),
            sign_in_flow::details.eq(&flow.details),
            sign_in_flow::expires_at.eq(now + LIFE),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets who is on the way to connect this company; how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_all(conn: &mut Connection, company_id: Uuid) -> QueryResult<usize> {
    diesel::delete(sign_in_flow::table.filter(sign_in_flow::company_id.eq(company_id)))
        .execute(conn)
        .await
}

/// Takes the flow out, in one statement: of two that come back at once, one finds it. It is gone also when it is of
/// another browser or too old, and then answers nothing.
///
/// # Errors
/// When the database fails.
pub async fn take(
    conn: &mut Connection,
    now: DateTime<Utc>,
    state: &str,
    browser: &str,
) -> QueryResult<Option<SignInFlow>> {
    let taken: Option<(Vec<u8>, DateTime<Utc>, SignInFlow)> =
        diesel::delete(sign_in_flow::table.find(secret::hash(state)))
            .returning((
                sign_in_flow::browser_hash,
                sign_in_flow::expires_at,
                SignInFlow::as_returning(),
            ))
            .get_result(conn)
            .await
            .optional()?;
    let browser = secret::hash(browser);
    Ok(taken
        .filter(|(of, until, _)| *of == browser && *until > now)
        .map(|(.., flow)| flow))
}
