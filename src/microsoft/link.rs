//! Where a link that Microsoft sent may lead.
//!
//! The danger: the next request carries the tenant's token. A next link or delta link to another host, port, scheme,
//! version or collection is refused before anything is sent, however it is written: the link is parsed first, and what was
//! parsed and compared is what is requested. A stored link belongs to the tenant that it was stored for.

use url::Url;
use uuid::Uuid;

use super::Trouble;
use super::collection::Collection;

/// The version of Graph that we speak.
pub(crate) const VERSION: &str = "v1.0";

/// Longer links than this are not Microsoft's; a delta token of a large tenant is a few kilobytes.
const LONGEST: usize = 32 * 1024;

/// A link that leads to our Graph and to the collection that was asked for. Only these are requested.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TrustedLink(Url);

impl TrustedLink {
    /// A collection's own address with a query of ours.
    pub(crate) fn first(graph: &Url, collection: Collection, query: &str) -> Self {
        let mut url = graph
            .join(&format!("{VERSION}/{}", collection.path()))
            .expect("fixed words make a path");
        url.set_query((!query.is_empty()).then_some(query));
        Self(url)
    }

    /// A link from an answer, if it stays where the question was.
    pub(crate) fn from_answer(graph: &Url, collection: Collection, link: &str) -> Result<Self, Trouble> {
        // The parser would quietly repair these; Microsoft never sends them.
        let plain = link.len() <= LONGEST && link.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let url = Url::parse(link).map_err(|_| Trouble::UntrustedLink)?;
        let same_place = url.origin() == graph.origin() && url.username().is_empty() && url.password().is_none();
        if plain && same_place && url.fragment().is_none() && leads_to(&url, collection) {
            Ok(Self(url))
        } else {
            Err(Trouble::UntrustedLink)
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

/// Whether the path is this collection's, in one of the spellings that Graph uses for a delta function.
fn leads_to(url: &Url, collection: Collection) -> bool {
    let Some(path) = url
        .path()
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(VERSION)?.strip_prefix('/'))
    else {
        return false;
    };
    let ours = collection.path();
    let Some(base) = ours.strip_suffix("/delta") else {
        return path.eq_ignore_ascii_case(&ours);
    };
    ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"]
        .iter()
        .any(|function| path.eq_ignore_ascii_case(&format!("{base}/{function}")))
}

/// Where to ask what has changed since a round ended. Opaque; to be stored with the data that it belongs to and checked
/// again whenever it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct DeltaLink(String);

impl DeltaLink {
    pub(crate) fn new(tenant: Uuid, link: &TrustedLink) -> Self {
        Self(format!("{tenant} {}", link.0))
    }

    /// As it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// For storing. It can read a tenant's changes together with a token: not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link, if it was stored for this tenant and still leads where it should.
    pub(crate) fn check(&self, tenant: Uuid, graph: &Url, collection: Collection) -> Result<TrustedLink, Trouble> {
        let (stored_for, link) = self.0.split_once(' ').ok_or(Trouble::UntrustedLink)?;
        if stored_for.parse() != Ok(tenant) {
            return Err(Trouble::UntrustedLink);
        }
        TrustedLink::from_answer(graph, collection, link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Url {
        Url::parse("https://graph.microsoft.com").unwrap()
    }

    fn trusted(collection: Collection, link: &str) -> bool {
        TrustedLink::from_answer(&graph(), collection, link).is_ok()
    }

    #[test]
    fn links_as_microsoft_writes_them_are_followed() {
        for function in [
            "delta",
            "delta()",
            "microsoft.graph.delta",
            "microsoft.graph.delta()",
            "Delta",
        ] {
            let link = format!("https://graph.microsoft.com/v1.0/users/{function}?$skiptoken=pqwSUjGYvb3_-8");
            assert!(trusted(Collection::UsersDelta, &link), "{link}");
        }
        for link in [
            "https://graph.microsoft.com/v1.0/deviceManagement/managedDevices?$skiptoken=%5b%7b%22a%22%7d%5d",
            "https://graph.microsoft.com:443/v1.0/devicemanagement/manageddevices?%24skip=1000",
            "HTTPS://GRAPH.MICROSOFT.COM/v1.0/deviceManagement/managedDevices",
        ] {
            assert!(trusted(Collection::ManagedDevices, link), "{link}");
        }
    }

    #[test]
    fn what_is_requested_is_what_was_compared() {
        let link = "https://graph.microsoft.com/v1.0/me/../users?$skiptoken=a%2Fb";
        let trusted = TrustedLink::from_answer(&graph(), Collection::Users, link)
            .ok()
            .unwrap();
        assert_eq!(
            trusted.url().as_str(),
            "https://graph.microsoft.com/v1.0/users?$skiptoken=a%2Fb"
        );
    }

    #[test]
    fn a_stored_link_serves_only_its_tenant_and_its_collection() {
        let (tenant, other) = (Uuid::new_v4(), Uuid::new_v4());
        let link = TrustedLink::first(&graph(), Collection::UsersDelta, "$deltatoken=x");
        let stored = DeltaLink::stored(DeltaLink::new(tenant, &link).as_str().to_owned());
        assert!(
            stored
                .check(tenant, &graph(), Collection::UsersDelta)
                .is_ok_and(|found| found == link)
        );
        assert!(stored.check(other, &graph(), Collection::UsersDelta).is_err());
        assert!(stored.check(tenant, &graph(), Collection::GroupsDelta).is_err());
        let us_gov = Url::parse("https://graph.microsoft.us").unwrap();
        assert!(stored.check(tenant, &us_gov, Collection::UsersDelta).is_err());
    }

    /// What hostile links are made of.
    const PIECES: [&str; 26] = [
        "https:",
        "http:",
        "//",
        "/",
        "\\",
        "graph.microsoft.com",
        "evil.example",
        "@",
        ":443",
        ":",
        ".",
        "..",
        "v1.0",
        "users",
        "delta",
        "()",
        "%2e",
        "%2f",
        "%00",
        "?",
        "#",
        "$deltatoken=x",
        "\t",
        " ",
        "[::1]",
        "x",
    ];

    proptest::proptest! {
        #[test]
        fn no_text_leads_elsewhere(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..12),
            tail in ".{0,8}",
        ) {
            let text = pieces.concat() + &tail;
            for link in [text.clone(), format!("https://graph.microsoft.com/v1.0/users/{text}")] {
                let Ok(trusted) = TrustedLink::from_answer(&graph(), Collection::UsersDelta, &link) else { continue };
                let url = trusted.url();
                let path = url.path().to_ascii_lowercase();
                assert_eq!(url.origin(), graph().origin(), "{link}");
                assert!(url.username().is_empty() && url.password().is_none(), "{link}");
                assert!(["/v1.0/users/delta", "/v1.0/users/delta()"].contains(&path.as_str()), "{link}");
            }
        }
    }
}
