//! Sign-out: ends the browser's session and tells every application that took part in it.
//!
//! Front-channel, as Entra does it: the page loads each application's logout URL with `sid`, and
//! with nothing else, in a frame.

use std::sync::Arc;

use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};

use super::authorize::{COOKIE, Fields, cookie, field, posted, redirect};
use super::html::{escape, page};
use crate::world::{World, lock, read};

pub async fn logout(
    State(world): State<Arc<World>>,
    Path(_): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    sign_out(&world, &posted(query, b""), &headers)
}

pub async fn logout_form(
    State(world): State<Arc<World>>,
    Path(_): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    sign_out(&world, &posted(query, &form), &headers)
}

fn sign_out(world: &World, fields: &Fields, headers: &HeaderMap) -> Response {
    let sid = cookie(headers);
    let session = sid.and_then(|sid| lock(&world.sessions).close(sid));
    let applications = read(&world.applications);
    let clients = session.map(|session| session.clients).unwrap_or_default();
    let told: Vec<String> = clients
        .iter()
        .filter_map(|client| applications.get(client)?.logout_url.clone())
        .collect();
    let back = field(fields, "post_logout_redirect_uri").filter(|uri| {
        applications
            .values()
            .any(|application| application.redirect_uris.iter().any(|registered| registered == uri))
    });
    let mut response = match back {
        Some(back) if told.is_empty() => {
            let state: Fields = field(fields, "state")
                .map(|state| ("state".to_owned(), state.to_owned()))
                .into_iter()
                .collect();
            redirect(back, &state)
        }
        _ => Html(page(
            "You signed out of your account",
            &frames(&told, sid.map(|sid| sid.to_string()).as_deref(), back),
        ))
        .into_response(),
    };
    if let Ok(cookie) = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax").parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn frames(told: &[String], sid: Option<&str>, back: Option<&str>) -> String {
    let frames: String = told
        .iter()
        .map(|url| {
            let separator = if url.contains('?') { '&' } else { '?' };
            format!(
                "<iframe hidden src=\"{}\"></iframe>",
                escape(&format!("{url}{separator}sid={}", sid.unwrap_or_default()))
            )
        })
        .collect();
    let back = back
        .map(|back| {
            format!(
                "<p><a href=\"{0}\">Continue</a></p><meta http-equiv=\"refresh\" content=\"1;url={0}\">",
                escape(back)
            )
        })
        .unwrap_or_default();
    format!("<p>It's a good idea to close all browser windows.</p>{back}{frames}")
}
