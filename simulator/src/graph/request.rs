//! A request to Graph, taken apart: once for the wire, once for each part of a batch.

use axum::http::HeaderMap;
use bytes::Bytes;

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Scheme and host that the request came in on, as links in answers repeat them.
    pub origin: String,
    /// The path as it was sent, from `/v1.0` on.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether the request goes on behind an empty first page that was made up.
    pub resumed: bool,
}

impl Request {
    /// A query option, decoded. The `$` may be left out, as Graph allows.
    pub fn option(&self, name: &str) -> Option<String> {
        let bare = name.trim_start_matches('$');
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key.trim_start_matches('$').eq_ignore_ascii_case(bare))
            .map(|(_, value)| value.into_owned())
    }

    /// The names of all query options.
    pub fn options(&self) -> Vec<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .map(|(key, _)| key.into_owned())
            .collect()
    }

    /// Whether `signInActivity` is selected or filtered, which has a permission, a licence and a limit of its own.
    pub fn asks_for_sign_ins(&self) -> bool {
        ["$select", "$filter"].iter().any(|option| {
            self.option(option)
                .is_some_and(|text| text.to_lowercase().contains("signinactivity"))
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether a `Prefer`-like header names a value.
    pub fn prefers(&self, value: &str) -> bool {
        self.headers.get_all("prefer").iter().any(|header| {
            header
                .to_str()
                .is_ok_and(|header| header.split([',', ';']).any(|part| part.trim() == value))
        })
    }

    /// Whether the client accepts eventual consistency, which advanced queries need.
    pub fn eventual(&self) -> bool {
        self.header("consistencylevel")
            .is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    }

    /// The segments after the version, decoded, function calls in their shortest spelling.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix("/v1.0").unwrap_or(&self.path);
        path.split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                let decoded = percent_decode(segment);
                let bare = decoded.strip_suffix("()").unwrap_or(&decoded);
                let bare = if bare == "microsoft.graph.delta" { "delta" } else { bare };
                bare.to_owned()
            })
            .collect()
    }

    /// The path after the version, in one spelling: what faults are matched against.
    pub fn collection(&self) -> String {
        self.segments().join("/")
    }

    pub fn url(&self) -> String {
        if self.query.is_empty() {
            format!("{}{}", self.origin, self.path)
        } else {
            format!("{}{}?{}", self.origin, self.path, self.query)
        }
    }
}

/// Decodes `%20` and the like in a path segment.
pub fn percent_decode(text: &str) -> String {
    // A plus sign is a plus sign in a path: only in forms is it a space.
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(text.replace('=', "%3D").replace('&', "%26").as_bytes())
        .next()
        .map_or_else(String::new, |(key, _)| key.into_owned())
}
