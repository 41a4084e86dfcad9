//! `/`: the company page, where it was built.
//!
//! Where it was not: who you are, what there is to explore, how the companies stand, and how to build it. A portal user
//! learns where they are, and nothing of how the tenant stands. A client's administrator who has just connected, and is
//! nobody to us, is told so either way.

use std::fmt::Write as _;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::caller::Address;
use super::cookies;
use super::guard;
use super::page::{self, Sorry, escape};
use super::state::State;
use super::web;
use crate::auth::Viewer;
use crate::auth::session::{self, Proof};
use crate::auth::viewer::PortalUser;
use crate::model::company;
use crate::model::overview::{self, Glance};
use crate::model::portal::PortalRole;
use crate::model::tenant::TenantStatus;

/// What a way to Microsoft has left in the address.
#[derive(Deserialize)]
pub(super) struct Marks {
    connected: Option<Uuid>,
}

/// `/`.
pub(super) async fn page(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    marks: Result<Query<Marks>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let connected = marks.ok().and_then(|Query(marks)| marks.connected);
    let is_told = connected.is_some_and(|company| has_connected(&state, &headers, company));
    let is_known = session::cookie(&headers, cookies::session(&state)).is_some();
    if (is_known || !is_told)
        && let Some(page) = web::index(&state, &headers)
    {
        return page;
    }
    match signed_in(&state, address, &headers).await {
        Ok(Some(viewer)) => inside(&state, &viewer, connected)
            .await
            .unwrap_or_else(|sorry| sorry.into_page(&state)),
        Ok(None) => welcome(&state, is_told),
        Err(sorry) => sorry.into_page(&state),
    }
}

/// Whether this very browser has just connected the company: anybody can write an address that says so.
fn has_connected(state: &State, headers: &HeaderMap, company: Uuid) -> bool {
    session::cookie(headers, cookies::connected(state)).and_then(|mark| mark.parse().ok()) == Some(company)
}

/// Whoever is signed in with this browser, unless they ask too often.
pub(super) async fn signed_in(state: &State, address: Address, headers: &HeaderMap) -> Result<Option<Viewer>, Sorry> {
    let Some(secret) = session::cookie(headers, cookies::session(state)) else {
        return Ok(None);
    };
    let viewer = guard::recognize(state, address, &Proof::Cookie(secret.to_owned())).await?;
    if let Some(viewer) = &viewer {
        guard::count_page(state, viewer)?;
    }
    Ok(viewer)
}

/// For nobody in particular; also for a client's administrator who has just consented, and may go.
fn welcome(state: &State, connected: bool) -> Response {
    let notice = if connected {
        r#"<p class="notice">The tenant is connected, and the first sync has been queued. You can close this page.</p>"#
    } else {
        ""
    };
    let body = format!(
        r#"{notice}
<p>Tenantry keeps the Microsoft 365 tenants of your clients in your PSA: people, groups and devices.</p>
<p class="row"><a class="button" href="/auth/sign-in">Sign in with Microsoft</a></p>"#
    );
    page::page(state, StatusCode::OK, "Welcome", &body)
}

async fn inside(state: &State, viewer: &Viewer, connected: Option<Uuid>) -> Result<Response, Sorry> {
    match viewer {
        Viewer::PortalUser(user) => portal(state, viewer, user).await,
        Viewer::Staff(_) | Viewer::Service(_) => companies(state, viewer, connected).await,
    }
}

const SIGN_OUT: &str = r#"<form method="post" action="/auth/sign-out"><button class="plain">Sign out</button></form>"#;

/// For a contact of a client.
async fn portal(state: &State, viewer: &Viewer, user: &PortalUser) -> Result<Response, Sorry> {
    let scope = viewer.scope();
    let company = state
        .pool
        .read(&scope, async |conn| -> anyhow::Result<_> {
            Ok(company::find(conn, &scope, user.entry.company_id).await?)
        })
        .await?;
    let company = company.map_or_else(|| "your organization".to_owned(), |company| company.name);
    let sees = match user.entry.role {
        PortalRole::User => "You see your own record, your groups and your devices.",
        PortalRole::Manager => "You see everything that is kept of your organization.",
    };
    let body = format!(
        r#"<p>Signed in to the portal of {} as {}.</p>
<p>{sees}</p>
<div class="row">{SIGN_OUT}</div>"#,
        escape(&company),
        escape(viewer.name()),
    );
    Ok(page::page(state, StatusCode::OK, "Portal", &body))
}

const UNBUILT: &str = r#"<p class="quiet">This server was built without the company page. <code>npm ci</code> and <code>npm run build</code> in
<code>web/</code> make it; a release build has to be made anew after that.</p>
"#;

async fn companies(state: &State, viewer: &Viewer, connected: Option<Uuid>) -> Result<Response, Sorry> {
    let scope = viewer.scope();
    let companies = state
        .pool
        .read(&scope, async |conn| -> anyhow::Result<_> {
            Ok(overview::list(conn, &scope).await?)
        })
        .await?;
    let mut body = String::new();
    if let Some(company) = connected.and_then(|id| companies.iter().find(|company| company.id == id)) {
        let _ = writeln!(
            body,
            r#"<p class="notice">{} is connected. Its first sync: {}.</p>"#,
            escape(&company.name),
            escape(company.message.as_deref().unwrap_or("queued")),
        );
    }
    let graphiql = if state.switches.graphiql {
        r#"<a class="button" href="/graphiql">Explore in GraphiQL</a>"#
    } else {
        ""
    };
    let _ = writeln!(
        body,
        r#"<p class="quiet">Signed in as {}.</p>
<div class="row">{graphiql}
{SIGN_OUT}</div>"#,
        escape(viewer.name()),
    );
    body.push_str(UNBUILT);
    if companies.is_empty() {
        body.push_str("<p>There is no company yet. Make one with the mutation <code>createCompany</code>.</p>");
    } else {
        table(&mut body, &companies);
    }
    Ok(page::page(state, StatusCode::OK, "Companies", &body))
}

fn table(body: &mut String, companies: &[Glance]) {
    body.push_str(
        "<div class=\"scroll\"><table><thead><tr><th>Company</th><th>Microsoft 365</th><th>Domain</th><th>Consent by</th>\
         <th>Last sync</th></tr></thead><tbody>\n",
    );
    for company in companies {
        let (class, status) = status(company);
        let or_dash = |text: &Option<String>| escape(text.as_deref().unwrap_or("–"));
        let _ = writeln!(
            body,
            "<tr><td>{}</td><td class=\"{class}\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&company.name),
            escape(&status),
            or_dash(&company.domain),
            or_dash(&company.consented_by),
            or_dash(&company.message),
        );
    }
    body.push_str("</tbody></table></div>");
}

/// The style and the words for how a company stands.
fn status(company: &Glance) -> (&'static str, String) {
    let (class, word) = match company.status {
        None => ("quiet", "Not connected"),
        Some(TenantStatus::ConsentPending) => ("quiet", "Waiting for consent"),
        Some(TenantStatus::Connected) => ("connected", "Connected"),
        Some(TenantStatus::ReconnectNeeded) => ("reconnect", "Reconnect needed"),
        Some(TenantStatus::Disconnected) => ("quiet", "Disconnected"),
    };
    match &company.status_reason {
        Some(reason) => (class, format!("{word}: {reason}")),
        None => (class, word.to_owned()),
    }
}
