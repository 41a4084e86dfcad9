//! Which of the two media types of GraphQL over HTTP an answer is to have.
//!
//! Source: <https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types>

use axum::http::{HeaderMap, header};

/// A media type that we can answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status code tells how it went.
    GraphQl,
    /// `application/json`, the older: a document that was understood is answered with 200, whatever came of it.
    Json,
}

impl Media {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// What the request would rather have; none when it takes neither. No `Accept` at all means JSON.
    pub(super) fn wanted(headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .peekable();
        if ranges.peek().is_none() {
            return Some(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in ranges.flat_map(|line| line.split(',')) {
            let Some((weight, media)) = read(range) else { continue };
            if weight > 0.0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
                best = Some((weight, media));
            }
        }
        best.map(|(_, media)| media)
    }
}

fn read(range: &str) -> Option<(f32, Media)> {
    let mut parts = range.split(';').map(str::trim);
    let media = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/graphql-response+json" => Media::GraphQl,
        "application/json" | "application/*" | "*/*" => Media::Json,
        _ => return None,
    };
    let weight = parts
        .find_map(|part| part.strip_prefix("q=")?.parse().ok())
        .unwrap_or(1.0);
    Some((weight, media))
}

/// Whether the request takes a stream of events.
pub(super) fn takes_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|range| {
            matches!(
                range.split(';').next().map(str::trim),
                Some("text/event-stream" | "text/*" | "*/*")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &str) -> Option<Media> {
        Media::wanted(&[(header::ACCEPT, accept.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn the_heavier_wins_and_of_equals_the_first() {
        assert_eq!(
            wanted("application/json;q=0.5, application/graphql-response+json"),
            Some(Media::GraphQl)
        );
        assert_eq!(
            wanted("application/json, application/graphql-response+json"),
            Some(Media::Json)
        );
        assert_eq!(
            wanted("application/graphql-response+json; charset=utf-8, application/json"),
            Some(Media::GraphQl)
        );
    }

    #[test]
    fn anything_means_json() {
        assert_eq!(wanted("*/*"), Some(Media::Json));
        assert_eq!(Media::wanted(&HeaderMap::new()), Some(Media::Json));
    }

    #[test]
    fn what_we_do_not_have_is_not_answered() {
        assert_eq!(wanted("text/html"), None);
        assert_eq!(wanted("application/json;q=0"), None);
    }
}
