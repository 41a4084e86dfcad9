//! The company page: what `npm run build` makes of `web/`, from the binary.
//!
//! A release build carries the files, a debug build reads them from `web/dist` when they are asked for; without them the
//! server runs all the same, and [`super::home`] says how to make them.
//!
//! The danger: whatever runs in the page may do all that the viewer may. So its policy lets in scripts and styles from
//! here alone, none of them inline, and no other site may frame it.

use std::borrow::Cow;

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::page;
use super::state::State;

#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[allow_missing = true]
struct Files;

/// The files of a web build, by their path in it.
#[derive(Clone, Copy)]
pub struct Build(fn(&str) -> Option<Cow<'static, [u8]>>);

impl Build {
    /// The one that belongs to this binary; empty where none was made.
    pub fn own() -> Self {
        Self(|path| Files::get(path).map(|file| file.data))
    }

    /// A build whose files are found so.
    pub fn new(find: fn(&str) -> Option<Cow<'static, [u8]>>) -> Self {
        Self(find)
    }
}

const INDEX: &str = "index.html";
/// How a browser that knows the file already is told to ask whether it is still the same.
const ASK_FIRST: &str = "no-cache";
/// What lies in `assets/` has its hash in its name, and so never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The page at any of its addresses; which part of it that is, it knows itself.
pub(super) async fn page(Extract(state): Extract<State>, headers: HeaderMap) -> Response {
    if takes_html(&headers)
        && let Some(response) = index(&state, &headers)
    {
        return response;
    }
    page::not_found(Extract(state)).await
}

/// The page, if there is one.
pub(super) fn index(state: &State, headers: &HeaderMap) -> Option<Response> {
    let mut response = file(state.build, INDEX, ASK_FIRST, headers)?;
    let policy = HeaderValue::try_from(policy(state)).expect("an origin is visible ASCII");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Some(response)
}

fn policy(state: &State) -> String {
    // A form that signs out is redirected to Entra, and browsers hold that against `form-action`.
    let login = state.microsoft.login_url().origin().ascii_serialization();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self' {login}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// A file beside the page whose name tells nothing of what is in it.
pub(super) async fn beside(Extract(state): Extract<State>, uri: Uri, headers: HeaderMap) -> Response {
    match file(state.build, uri.path().trim_start_matches('/'), ASK_FIRST, &headers) {
        Some(response) => response,
        None => page::not_found(Extract(state)).await,
    }
}

/// A file of `assets/`. They hold nothing of ours and are open to everybody.
pub(super) async fn asset(Extract(state): Extract<State>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match file(state.build, &format!("assets/{name}"), FOR_EVER, &headers) {
        Some(response) => response,
        None => page::not_found(Extract(state)).await,
    }
}

fn file(build: Build, path: &str, keep: &'static str, asked: &HeaderMap) -> Option<Response> {
    let Build(find) = build;
    let squeezed = takes_brotli(asked).then(|| find(&format!("{path}.br"))).flatten();
    let is_squeezed = squeezed.is_some();
    let bytes = match squeezed {
        Some(bytes) => bytes,
        None => find(path)?,
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]));
    let is_known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| {
            known
                .split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        });
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, keep.to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if is_known {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let content_type = [(header::CONTENT_TYPE, content_type(path))];
    let mut response = (headers, content_type, bytes.into_owned()).into_response();
    if is_squeezed {
        let brotli = HeaderValue::from_static("br");
        response.headers_mut().insert(header::CONTENT_ENCODING, brotli);
    }
    Some(response)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Whether a browser asks for a page, rather than a program for something that is not there.
fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let encodings = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    encodings.is_some_and(|encodings| encodings.split(',').any(|encoding| encoding.trim() == "br"))
}
