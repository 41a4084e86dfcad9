//! Pages for people: rendered here, without script.
//!
//! The danger: names come from tenants that we do not control. Text reaches a page through [`escape`] alone.

use std::fmt::Write as _;

use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::rates::Wait;
use super::refusal::try_again;
use super::state::State;
use crate::auth::sign_in::SignInError;
use crate::error::{Failure, UserError};

const STYLE: &str = include_str!("assets/page.css");

/// Text as it stands in HTML, in an element or in a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A page; `body` is HTML already, and `title` is not.
pub(super) fn page(state: &State, status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Tenantry</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/page.css">
</head>
<body>
<header><a class="brand" href="/">Tenantry</a></header>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"#
    );
    // A form that signs out is redirected to Entra, and browsers hold that against `form-action`.
    let login = state.microsoft.login_url().origin().ascii_serialization();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {login}; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (status, headers, html).into_response()
}

/// Something that could not be, told to the person in front of the page, with a way on.
#[derive(Debug)]
pub(super) struct Sorry {
    status: StatusCode,
    title: &'static str,
    /// What happened and what to do, a paragraph each.
    said: Vec<String>,
    back: Option<String>,
    /// Why somebody was refused, in a word for the audit trail.
    reason: Option<&'static str>,
    /// In so many seconds it may be tried again.
    retry_after: Option<u64>,
}

impl Sorry {
    pub(super) fn new(status: StatusCode, title: &'static str, said: &[&str]) -> Self {
        Self {
            status,
            title,
            said: said.iter().map(|&said| said.to_owned()).collect(),
            back: None,
            reason: None,
            retry_after: None,
        }
    }

    /// For an address that has come too often.
    pub(super) fn too_often(what: &str, wait: Wait) -> Self {
        Self {
            retry_after: Some(wait.seconds()),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                &[what, &try_again(wait)],
            )
        }
    }

    /// With a link to where the person came from.
    pub(super) fn back_to(mut self, url: impl Into<String>) -> Self {
        self.back = Some(url.into());
        self
    }

    /// Says in a word that it is a refusal, and why.
    pub(super) fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Why somebody was refused; none when nobody was, but something went wrong.
    pub(super) fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    pub(super) fn titled(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    pub(super) fn into_page(self, state: &State) -> Response {
        let mut body = String::new();
        for said in &self.said {
            // Writing to a string cannot fail.
            let _ = writeln!(body, "<p>{}</p>", escape(said));
        }
        let back = self.back.as_deref().unwrap_or("/");
        let _ = writeln!(body, r#"<p><a class="button" href="{}">Back</a></p>"#, escape(back));
        let mut response = page(state, self.status, self.title, &body);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<anyhow::Error> for Sorry {
    /// The cause is for the log, never for the page.
    fn from(error: anyhow::Error) -> Self {
        tracing::error!(error = format!("{error:#}"), "a page could not be made");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong",
            &["This is our fault and has been noted. Try again in a moment."],
        )
    }
}

impl From<diesel::result::Error> for Sorry {
    fn from(error: diesel::result::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<SignInError> for Sorry {
    fn from(error: SignInError) -> Self {
        tracing::info!(code = error.code(), "a sign-in did not succeed");
        let (status, refusal) = match error {
            SignInError::Metadata | SignInError::Unavailable => (StatusCode::BAD_GATEWAY, None),
            _ => (StatusCode::FORBIDDEN, Some(error.code())),
        };
        Self {
            reason: refusal,
            ..Self::new(status, "Sign-in did not succeed", &[&error.message(), error.remedy()])
        }
    }
}

impl From<UserError> for Sorry {
    fn from(error: UserError) -> Self {
        Self::new(StatusCode::CONFLICT, "This cannot be", &[&error.message]).because(error.code)
    }
}

impl From<Failure> for Sorry {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error.into(),
            Failure::Broken(error) => error.into(),
        }
    }
}

/// The stylesheet of the pages that are rendered here.
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, STYLE).into_response()
}

/// For an address that leads nowhere.
pub(super) async fn not_found(Extract(state): Extract<State>) -> Response {
    Sorry::new(
        StatusCode::NOT_FOUND,
        "There is nothing here",
        &["The address leads nowhere."],
    )
    .into_page(&state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element_or_attribute() {
        assert_eq!(
            escape(r#"<a b="c" d='e'>&"#),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;"
        );
    }
}
