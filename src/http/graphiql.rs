//! GraphiQL, from the binary: nothing is loaded from anywhere else.
//!
//! `web/graphiql` says how the files in `assets/graphiql` are made.

use axum::extract::{Extension, Path, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::caller::Address;
use super::home;
use super::page;
use super::state::State;
use crate::auth::{Action, Resource, allow};

const SCRIPT: &[u8] = include_bytes!("assets/graphiql/graphiql.js");
const STYLE: &[u8] = include_bytes!("assets/graphiql/graphiql.css");
const LICENCES: &[u8] = include_bytes!("assets/graphiql/LICENCES.txt");

/// Its editor measures text and places its dialogs by style attributes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
                      img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL · Tenantry</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/graphiql/graphiql.css">
</head>
<body>
<div id="graphiql">Loading…</div>
<script src="/graphiql/graphiql.js"></script>
</body>
</html>
"#;

/// `/graphiql`, for whoever may explore; others sign in first.
pub(super) async fn page(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    headers: HeaderMap,
) -> Response {
    match home::signed_in(&state, address, &headers).await {
        Ok(Some(viewer)) if allow(&viewer, Action::Explore, Resource::Msp) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, PAGE).into_response()
        }
        Ok(Some(_)) => {
            page::Sorry::new(StatusCode::FORBIDDEN, "Not for you", &["GraphiQL is for staff."]).into_page(&state)
        }
        Ok(None) => Redirect::to("/auth/sign-in?returnTo=/graphiql").into_response(),
        Err(sorry) => sorry.into_page(&state),
    }
}

/// Its files, which hold nothing of ours and are open to everybody.
pub(super) async fn asset(Extract(state): Extract<State>, Path(name): Path<String>) -> Response {
    let (content_type, bytes) = match name.as_str() {
        "graphiql.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "graphiql.css" => ("text/css; charset=utf-8", STYLE),
        "LICENCES.txt" => ("text/plain; charset=utf-8", LICENCES),
        _ => return page::not_found(Extract(state)).await,
    };
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "max-age=3600"),
        ],
        bytes,
    )
        .into_response()
}
