//! Admin consent: an administrator lets an application into the tenant, or does not.
//!
//! `admin_consent=True` is sent back on refusals and errors too, as Microsoft does: whoever looks
//! at that parameter alone is fooled here as well.

use std::sync::Arc;

use axum::extract::{Path, RawForm, RawQuery, State};
use axum::response::{Html, IntoResponse, Response};

use super::Authority;
use super::authorize::{Fields, account, field, fields, picker, posted, redirect};
use super::error::Aadsts;
use super::html::{escape, hidden, page};
use crate::application::ApplicationSpec;
use crate::roles::GLOBAL_ADMINISTRATOR;
use crate::world::{Tenant, World, lock};

/// The two endpoints differ in what they take and in how they say no.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

const GRAPH_DEFAULT: &str = "https://graph.microsoft.com/.default";

struct Asked {
    authority: Authority,
    application: ApplicationSpec,
    redirect_uri: String,
    version: Version,
}

pub async fn show(State(world): State<Arc<World>>, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    page_for(
        &world,
        &name,
        &fields(query.unwrap_or_default().as_bytes()),
        Version::V2,
    )
}

pub async fn show_v1(State(world): State<Arc<World>>, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    page_for(
        &world,
        &name,
        &fields(query.unwrap_or_default().as_bytes()),
        Version::V1,
    )
}

pub async fn decide(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    RawForm(form): RawForm,
) -> Response {
    decision(&world, &name, &posted(query, &form), Version::V2)
}

pub async fn decide_v1(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    RawForm(form): RawForm,
) -> Response {
    decision(&world, &name, &posted(query, &form), Version::V1)
}

fn check(world: &World, name: &str, fields: &Fields, version: Version) -> Result<Asked, Aadsts> {
    if name == "common" && version == Version::V2 {
        return Err(Aadsts::new(
            90002,
            "Tenant 'common' cannot be used for admin consent; name the tenant, or use 'organizations'.",
        ));
    }
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
    if version == Version::V2 && field(fields, "scope").is_none() {
        return Err(Aadsts::missing("scope"));
    }
    Ok(Asked {
        authority,
        application,
        redirect_uri,
        version,
    })
}

fn page_for(world: &World, name: &str, fields: &Fields, version: Version) -> Response {
    match check(world, name, fields, version) {
        Err(error) => error.into_page(),
        Ok(asked) => match &asked.authority {
            Authority::Any => Html(picker(
                world,
                &asked.authority,
                &asked.application,
                fields,
                "Pick an account",
            ))
            .into_response(),
            Authority::One(tenant) => Html(question(tenant, &asked.application, fields)).into_response(),
        },
    }
}

/// What the application wants, and the two answers.
fn question(tenant: &Tenant, application: &ApplicationSpec, fields: &Fields) -> String {
    let permissions: String = application
        .permissions
        .iter()
        .map(|permission| format!("<li>{}</li>", escape(permission)))
        .collect();
    let asked: Fields = fields.iter().filter(|(name, _)| name != "decision").cloned().collect();
    let app = application.display_name.as_deref().unwrap_or(&application.client_id);
    let body = format!(
        "<p><strong>{}</strong> wants these permissions for <strong>{}</strong> ({}):</p><ul>{permissions}</ul>\
         <form method=\"post\">{}<button class=\"primary\" name=\"decision\" value=\"grant\">Accept</button><button name=\"decision\" value=\"refuse\">Cancel</button></form>",
        escape(app),
        escape(&tenant.display_name),
        escape(&tenant.domain),
        hidden(&asked)
    );
    page("Permissions requested. Review for your organization", &body)
}

fn decision(world: &World, name: &str, fields: &Fields, version: Version) -> Response {
    let asked = match check(world, name, fields, version) {
        Ok(asked) => asked,
        Err(error) => return error.into_page(),
    };
    let tenant = match &asked.authority {
        Authority::One(tenant) => tenant.clone(),
        Authority::Any => match account(world, &asked.authority, fields) {
            Ok((tenant, _)) => tenant,
            Err(error) => return error.into_page(),
        },
    };
    match field(fields, "decision") {
        None => match chosen_may_consent(&tenant, fields) {
            true => Html(question(&tenant, &asked.application, fields)).into_response(),
            false => refused(
                &asked,
                fields,
                &Aadsts::new(90094, "The grant requires admin permission."),
            ),
        },
        Some("grant") if !chosen_may_consent(&tenant, fields) => refused(
            &asked,
            fields,
            &Aadsts::new(90094, "The grant requires admin permission."),
        ),
        Some("grant") => {
            world.grant_consent(&tenant, &asked.application);
            granted(&asked, fields, &tenant)
        }
        Some(_) => refused(
            &asked,
            fields,
            &Aadsts::new(65004, "User declined to consent to access the app."),
        ),
    }
}

/// Where an account was picked, it has to be an administrator's.
fn chosen_may_consent(tenant: &Tenant, fields: &Fields) -> bool {
    field(fields, "account").is_none_or(|oid| {
        lock(&tenant.role_assignments)
            .iter()
            .any(|held| held.role == GLOBAL_ADMINISTRATOR && held.principal.to_string() == oid)
    })
}

fn granted(asked: &Asked, fields: &Fields, tenant: &Tenant) -> Response {
    let mut parameters = vec![
        ("admin_consent".to_owned(), "True".to_owned()),
        ("tenant".to_owned(), tenant.id.to_string()),
    ];
    if asked.version == Version::V2 {
        parameters.push((
            "scope".to_owned(),
            field(fields, "scope").unwrap_or(GRAPH_DEFAULT).to_owned(),
        ));
    }
    parameters.extend(state(fields));
    redirect(&asked.redirect_uri, &parameters)
}

fn refused(asked: &Asked, fields: &Fields, error: &Aadsts) -> Response {
    let (code, description) = match asked.version {
        Version::V1 => ("permission_denied", "The admin canceled the request".to_owned()),
        Version::V2 => (error.error, error.description()),
    };
    let mut parameters = vec![
        ("admin_consent".to_owned(), "True".to_owned()),
        ("error".to_owned(), code.to_owned()),
        ("error_description".to_owned(), description),
    ];
    parameters.extend(state(fields));
    redirect(&asked.redirect_uri, &parameters)
}

fn state(fields: &Fields) -> Option<(String, String)> {
    field(fields, "state").map(|state| ("state".to_owned(), state.to_owned()))
}
