//! Where to send a browser when it comes back from Microsoft.
//!
//! The danger is an open redirect: a link on our own name that leads to somebody else's page. Browsers forgive a lot
//! (backslashes, tabs, a missing slash), so nothing is repaired here: what is not plainly ours is refused.

use url::Url;

use crate::error::UserError;

/// The origins that a browser may be sent to.
#[derive(Clone, Debug)]
pub struct Allowed {
    own: Url,
    others: Vec<Url>,
}

impl Allowed {
    /// `own` is our public URL, `others` are the origins of `TENANTRY_ALLOWED_ORIGINS`.
    pub fn new(own: Url, others: Vec<Url>) -> Self {
        Self { own, others }
    }

    /// Our own public URL.
    pub fn own(&self) -> &Url {
        &self.own
    }

    /// Whether an `Origin` header names one of them.
    pub fn is_origin(&self, origin: &str) -> bool {
        self.origins().any(|allowed| allowed == origin)
    }

    /// The origins besides our own, as an `Origin` header writes them.
    pub fn others(&self) -> impl Iterator<Item = String> {
        self.others.iter().map(|url| url.origin().ascii_serialization())
    }

    fn origins(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.own.origin().ascii_serialization()).chain(self.others())
    }
}

/// A path of ours, or a URL of an allowed origin; as it was given.
///
/// # Errors
/// `BAD_INPUT` for everything else.
pub fn check(given: &str, allowed: &Allowed) -> Result<String, UserError> {
    let good = given.len() <= 2000
        && given.bytes().all(is_plain)
        && if given.starts_with('/') {
            is_own_path(given, allowed)
        } else {
            is_allowed_url(given, allowed)
        };
    if good {
        Ok(given.to_owned())
    } else {
        Err(UserError::at(
            "BAD_INPUT",
            &["returnTo"],
            "returnTo must be a path such as /companies, or a URL of an origin in TENANTRY_ALLOWED_ORIGINS.",
        ))
    }
}

/// The characters of RFC 3986, less those that quote: no control, no space, no backslash, nothing beyond ASCII.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@%/?#".contains(&byte)
}

/// What a browser makes of the path has to be on our origin still.
fn is_own_path(path: &str, allowed: &Allowed) -> bool {
    !path.starts_with("//")
        && allowed
            .own
            .join(path)
            .is_ok_and(|url| url.origin() == allowed.own.origin() && !url.path().starts_with("//"))
}

fn is_allowed_url(given: &str, allowed: &Allowed) -> bool {
    let Ok(url) = Url::parse(given) else { return false };
    let origin = url.origin().ascii_serialization();
    // Written out in full, or a browser may read another host than we do.
    let written = given == origin
        || given
            .strip_prefix(&origin)
            .is_some_and(|rest| rest.starts_with(['/', '?', '#']));
    written && allowed.is_origin(&origin) && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed {
        Allowed::new(
            "https://tenantry.example".parse().unwrap(),
            vec![
                "https://psa.example".parse().unwrap(),
                "http://localhost:3000".parse().unwrap(),
            ],
        )
    }

    #[test]
    fn our_own_paths_and_allowed_origins_are_good() {
        for good in [
            "/",
            "/companies/7?tab=m365#sync",
            "/a/../b",
            "https://tenantry.example/x",
            "https://psa.example",
            "https://psa.example/companies?id=7",
            "http://localhost:3000/x",
        ] {
            assert_eq!(check(good, &allowed()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn no_way_around_is_taken() {
        let long = format!("/{}", "a".repeat(2000));
        for bad in [
            "",
            "evil.example",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            " https://psa.example",
            "https://psa.example ",
            "/ /evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "https:\\\\evil.example",
            "HTTPS://PSA.EXAMPLE",
            "https://psa.example.evil.example",
            "https://psa.example@evil.example",
            "https://psa.example:443@evil.example",
            "https://user@psa.example/",
            "https://user:word@psa.example/",
            "https://evil.example#https://psa.example",
            "https://evil.example?https://psa.example",
            "https://evil.example/https://psa.example",
            "https://psa.example:8443/",
            "http://psa.example/",
            "https://psa.example:443/",
            "https://psa.example./",
            "https://psaxexample/",
            "https://p%73a.example/",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "javascript://psa.example/%0aalert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://psa.example/1",
            "ftp://psa.example/",
            "/\u{0}",
            "/\u{7f}",
            "/ü",
            "https://psa.example/ü",
            "\u{ff0f}/evil.example",
            "https://psa\u{3002}example/",
            "/..//evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "/%2e%2e//evil.example",
            "?next=x",
            "#x",
            "http://[::1]:3000/",
            "http://127.1:3000/",
            "https:psa.example/",
            "/<script>",
            "/\"",
            "/'",
            "/`",
            &long,
        ] {
            assert_eq!(
                check(bad, &allowed()).map_err(|error| error.code),
                Err("BAD_INPUT"),
                "{bad:?}"
            );
        }
    }
}
