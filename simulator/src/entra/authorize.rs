//! The way of a person through sign-in: the account picker, and the code that goes back.
//!
//! There is no password: whoever opens the page may be anybody in the tenant. What is checked is
//! what the application did: client, redirect URI, response type, PKCE. A wrong redirect URI is
//! answered with a page and never with a redirect, for the redirect would be the attack.

use std::sync::Arc;

use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use url::Url;
use uuid::Uuid;

use super::Authority;
use super::claims::person;
use super::error::Aadsts;
use super::html::{escape, hidden, page};
use super::session::Grant;
use crate::application::ApplicationSpec;
use crate::directory::Kind;
use crate::world::{Tenant, World, lock, read};

/// Accounts on one picker page; more are found by searching.
const SHOWN: usize = 50;
pub const COOKIE: &str = "ESTSAUTH";

/// Form fields, as they came.
pub type Fields = Vec<(String, String)>;

pub fn fields(raw: &[u8]) -> Fields {
    url::form_urlencoded::parse(raw).into_owned().collect()
}

pub fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// What an application asked for, after the checks that must not redirect.
struct Asked {
    authority: Authority,
    application: ApplicationSpec,
    redirect_uri: String,
}

fn check(world: &World, name: &str, fields: &Fields) -> Result<Asked, Aadsts> {
    let authority = Authority::find(world, name).ok_or_else(|| Aadsts::no_such_tenant(name))?;
    let client_id = field(fields, "client_id").ok_or_else(|| Aadsts::missing("client_id"))?;
    let application = world
        .application(client_id)
        .ok_or_else(|| Aadsts::no_such_application(client_id, name))?;
    let redirect_uri = field(fields, "redirect_uri")
        .ok_or_else(|| Aadsts::missing("redirect_uri"))?
        .to_owned();
    if !application.redirect_uris.contains(&redirect_uri) {
        return Err(Aadsts::wrong_redirect_uri(&redirect_uri, client_id));
    }
    Ok(Asked {
        authority,
        application,
        redirect_uri,
    })
}

pub async fn show(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let fields = fields(query.unwrap_or_default().as_bytes());
    let asked = match check(&world, &name, &fields) {
        Ok(asked) => asked,
        Err(error) => return error.into_page(),
    };
    if field(&fields, "response_type") != Some("code") {
        return answer(
            &asked.redirect_uri,
            &fields,
            &[
                ("error", "unsupported_response_type"),
                (
                    "error_description",
                    "AADSTS700054: response_type is not enabled for the application.",
                ),
            ],
        );
    }
    if field(&fields, "prompt") == Some("none") {
        return match silently(&world, &asked.authority, &headers) {
            Ok((tenant, oid)) => signed_in(&world, &asked, &fields, tenant, oid, &headers),
            Err(error) => answer(
                &asked.redirect_uri,
                &fields,
                &[("error", "login_required"), ("error_description", &error.description())],
            ),
        };
    }
    Html(picker(
        &world,
        &asked.authority,
        &asked.application,
        &fields,
        "Pick an account",
    ))
    .into_response()
}

/// The person of the browser's session, who may have been disabled since it began.
fn silently(world: &World, authority: &Authority, headers: &HeaderMap) -> Result<(Uuid, Uuid), Aadsts> {
    let session = cookie(headers)
        .and_then(|sid| lock(&world.sessions).find(sid).cloned())
        .filter(|session| belongs(authority, session.tenant))
        .ok_or_else(|| Aadsts::new(50058, "A silent sign-in request was sent but no user is signed in."))?;
    let tenant = world.tenant(session.tenant).ok_or_else(Aadsts::no_such_account)?;
    person(&read(&tenant.directory), session.oid)?;
    Ok((session.tenant, session.oid))
}

fn belongs(authority: &Authority, tenant: Uuid) -> bool {
    match authority {
        Authority::Any => true,
        Authority::One(one) => one.id == tenant,
    }
}

/// The picker. The form is posted to the address of the page.
pub fn picker(
    world: &World,
    authority: &Authority,
    application: &ApplicationSpec,
    fields: &Fields,
    title: &str,
) -> String {
    let search = field(fields, "q")
        .or_else(|| field(fields, "login_hint"))
        .unwrap_or_default()
        .to_lowercase();
    let mut tenants: Vec<Arc<Tenant>> = match authority {
        Authority::One(tenant) => vec![tenant.clone()],
        Authority::Any => read(&world.tenants).values().cloned().collect(),
    };
    // The application's own people come first: they are asked for most.
    tenants.sort_by_key(|tenant| tenant.id != application.home_tenant);
    let share = (SHOWN / tenants.len().max(1)).max(2);
    let accounts: String = tenants
        .iter()
        .flat_map(|tenant| accounts_of(tenant, &search, share))
        .take(SHOWN)
        .collect();
    let asked: Fields = fields
        .iter()
        .filter(|(name, _)| !["q", "account", "decision"].contains(&name.as_str()))
        .cloned()
        .collect();
    let app = application.display_name.as_deref().unwrap_or(&application.client_id);
    page(
        title,
        &format!(
            "<p>to continue to {}</p><form method=\"get\"><input type=\"search\" name=\"q\" value=\"{}\" placeholder=\"Name or address\" aria-label=\"Name or address\">{}</form>\
             <form method=\"post\">{}{}</form>",
            escape(app),
            escape(&search),
            hidden(&asked),
            hidden(&asked),
            if accounts.is_empty() {
                "<p>Nobody here has such a name.</p>".to_owned()
            } else {
                accounts
            }
        ),
    )
}

fn accounts_of(tenant: &Tenant, search: &str, most: usize) -> Vec<String> {
    let directory = read(&tenant.directory);
    let mut buttons = Vec::new();
    for index in directory.live_from(Kind::Person, 0) {
        let person = directory.object(Kind::Person, index);
        let text = |name: &str| person.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let (name, username) = (text("displayName"), text("userPrincipalName"));
        let found = name.to_lowercase().contains(search) || username.to_lowercase().contains(search);
        if !found || person.get("accountEnabled") == Some(&serde_json::Value::Bool(false)) {
            continue;
        }
        buttons.push(format!(
            "<button name=\"account\" value=\"{}\">{}<small>{}</small></button>",
            text("id"),
            escape(if name.is_empty() { "(no name)" } else { name }),
            escape(username)
        ));
        if buttons.len() == most {
            break;
        }
    }
    buttons
}

pub async fn choose(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let fields = posted(query, &form);
    let asked = match check(&world, &name, &fields) {
        Ok(asked) => asked,
        Err(error) => return error.into_page(),
    };
    match account(&world, &asked.authority, &fields) {
        Ok((tenant, oid)) => signed_in(&world, &asked, &fields, tenant.id, oid, &headers),
        Err(error) => error.into_page(),
    }
}

/// What was posted, and what the address of the page says beside it.
pub fn posted(query: Option<String>, form: &[u8]) -> Fields {
    let mut all = fields(form);
    all.extend(fields(query.unwrap_or_default().as_bytes()));
    all
}

/// The person that was picked.
pub fn account(world: &World, authority: &Authority, fields: &Fields) -> Result<(Arc<Tenant>, Uuid), Aadsts> {
    let oid: Uuid = field(fields, "account")
        .and_then(|oid| oid.parse().ok())
        .ok_or_else(Aadsts::no_such_account)?;
    let tenants: Vec<Arc<Tenant>> = match authority {
        Authority::One(tenant) => vec![tenant.clone()],
        Authority::Any => read(&world.tenants).values().cloned().collect(),
    };
    let tenant = tenants
        .into_iter()
        .find(|tenant| read(&tenant.directory).find_live(Kind::Person, oid).is_some())
        .ok_or_else(Aadsts::no_such_account)?;
    person(&read(&tenant.directory), oid)?;
    Ok((tenant, oid))
}

fn signed_in(world: &World, asked: &Asked, fields: &Fields, tenant: Uuid, oid: Uuid, headers: &HeaderMap) -> Response {
    let challenge = field(fields, "code_challenge").map(|challenge| {
        (
            challenge.to_owned(),
            field(fields, "code_challenge_method").unwrap_or("plain").to_owned(),
        )
    });
    let mut sessions = lock(&world.sessions);
    let sid = sessions.open(cookie(headers), tenant, oid, &asked.application.client_id);
    let grant = Grant::new(
        asked.application.client_id.clone(),
        asked.redirect_uri.clone(),
        tenant,
        oid,
        sid,
        field(fields, "nonce").map(str::to_owned),
        field(fields, "scope").unwrap_or_default().to_owned(),
        challenge,
    );
    let code = sessions.issue_code(grant);
    drop(sessions);
    let session_state = Uuid::new_v4().to_string();
    let mut response = answer(
        &asked.redirect_uri,
        fields,
        &[("code", &code), ("session_state", &session_state)],
    );
    if let Ok(cookie) = format!("{COOKIE}={sid}; Path=/; HttpOnly; SameSite=Lax").parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The browser's session with Entra.
pub fn cookie(headers: &HeaderMap) -> Option<Uuid> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('=')?.parse().ok())
}

/// Sends parameters back to the application, in the response mode that it asked for.
fn answer(redirect_uri: &str, fields: &Fields, parameters: &[(&str, &str)]) -> Response {
    let mut all: Fields = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    all.extend(field(fields, "state").map(|state| ("state".to_owned(), state.to_owned())));
    if field(fields, "response_mode") == Some("form_post") {
        let body = format!(
            "<form method=\"post\" action=\"{}\">{}<button class=\"primary\">Continue</button></form>",
            escape(redirect_uri),
            hidden(&all)
        );
        return Html(page("Working...", &body)).into_response();
    }
    redirect(redirect_uri, &all)
}

/// A redirect with parameters added to the query.
pub fn redirect(to: &str, parameters: &[(String, String)]) -> Response {
    let Ok(mut url) = Url::parse(to) else {
        return (StatusCode::BAD_REQUEST, "the redirect URI is no URL").into_response();
    };
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    (
        StatusCode::FOUND,
        [
            (header::LOCATION, url.to_string()),
            (header::CACHE_CONTROL, "no-store, no-cache".to_owned()),
        ],
    )
        .into_response()
}
