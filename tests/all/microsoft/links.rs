//! Links that lead elsewhere: not a byte leaves, not a token is seen.

use serde_json::json;
use tenantry::microsoft::{DeltaFrom, DeltaLink, Trouble};

use super::fake::{Fake, ok, say};
use super::{TENANT, microsoft};

/// `GRAPH` is the configured origin, `HOST` its host and port, `TRAP` another listener's origin, `TRAPHOST` its host and port.
const HOSTILE: &[&str] = &[
    // Another place.
    "TRAP/v1.0/users/delta?$deltatoken=x",
    "https://graph.microsoft.com.evil.example/v1.0/users/delta?$deltatoken=x",
    "https://evil.example/v1.0/users/delta?$deltatoken=x",
    "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x",
    "http://localhost/v1.0/users/delta?$deltatoken=x",
    "http://127.0.0.1/v1.0/users/delta?$deltatoken=x",
    "http://[::1]/v1.0/users/delta?$deltatoken=x",
    "http://[::ffff:127.0.0.1]/v1.0/users/delta",
    "http://0x7f000002/v1.0/users/delta",
    "http://2130706434/v1.0/users/delta",
    "http://169.254.169.254/v1.0/users/delta",
    "GRAPH.evil.example/v1.0/users/delta",
    "//TRAPHOST/v1.0/users/delta",
    "///TRAPHOST/v1.0/users/delta",
    "http:TRAPHOST/v1.0/users/delta",
    "http:/TRAPHOST/v1.0/users/delta",
    "http:\\\\TRAPHOST\\v1.0\\users\\delta",
    "http://HOST\\@TRAPHOST/v1.0/users/delta",
    // Another scheme.
    "https://HOST/v1.0/users/delta",
    "ftp://HOST/v1.0/users/delta",
    "ws://HOST/v1.0/users/delta",
    "file:///v1.0/users/delta",
    "javascript:alert(1)",
    "data:application/json,{}",
    "blob:GRAPH/v1.0/users/delta",
    // Somebody before the host.
    "http://HOST@TRAPHOST/v1.0/users/delta",
    "http://graph@HOST/v1.0/users/delta",
    "http://graph:secret@HOST/v1.0/users/delta",
    "http://:@TRAPHOST/v1.0/users/delta",
    "http://HOST:80@TRAPHOST/v1.0/users/delta",
    "http://HOST%40TRAPHOST/v1.0/users/delta",
    "http://HOST%2f@TRAPHOST/v1.0/users/delta",
    // Another version.
    "GRAPH/beta/users/delta?$deltatoken=x",
    "GRAPH/v1.0.evil/users/delta",
    "GRAPH/V1.0/users/delta",
    "GRAPH/v2.0/users/delta",
    "GRAPH//v1.0/users/delta",
    "GRAPH/v1.0//users/delta",
    "GRAPH/users/delta",
    // Another collection.
    "GRAPH/v1.0/groups/delta?$deltatoken=x",
    "GRAPH/v1.0/users?$deltatoken=x",
    "GRAPH/v1.0/users/delta/",
    "GRAPH/v1.0/users/delta/x",
    "GRAPH/v1.0/users/delta/../../me",
    "GRAPH/v1.0/users/delta/%2e%2e/%2e%2e/me",
    "GRAPH/v1.0/users/delta%2f..%2f..%2fme",
    "GRAPH/v1.0/users/delta;/me",
    "GRAPH/v1.0/users/delta(x)",
    "GRAPH/v1.0/users/microsoft.graph.delta/$value",
    "GRAPH/v1.0/11111111-1111-1111-1111-111111111111/users/delta",
    "GRAPH/v1.0/users/$batch",
    "GRAPH/v1.0/%75sers/delta",
    "GRAPH/",
    "GRAPH",
    // Written so that a parser repairs it.
    " GRAPH/v1.0/users/delta",
    "GRAPH/v1.0/users/delta ",
    "\tGRAPH/v1.0/users/delta",
    "GRAPH/v1.0/us\ners/delta",
    "GRAPH/v1.0/users/delta\r\nHost: evil.example",
    "GRAPH/v1.0\\users\\delta",
    "GRAPH/v1.0/users/delta#GRAPH",
    "GRAPH/v1.0/users/delta?x=\u{202e}",
    "GRAPH/v1.0/\u{ff55}sers/delta",
    "v1.0/users/delta?$deltatoken=x",
    "/v1.0/users/delta?$deltatoken=x",
    "?$deltatoken=x",
    "",
    " ",
    "null",
];

fn written(link: &str, graph: &Fake, trap: &Fake) -> String {
    let (origin, trap_origin) = (graph.url().as_str(), trap.url().as_str());
    let host = |origin: &str| origin.trim_start_matches("http://").trim_end_matches('/').to_owned();
    link.replace("TRAPHOST", &host(trap_origin))
        .replace("TRAP", trap_origin.trim_end_matches('/'))
        .replace("GRAPH", origin.trim_end_matches('/'))
        .replace("HOST", &host(origin))
}

#[tokio::test]
async fn there_are_at_least_fifty_hostile_links() {
    assert!(HOSTILE.len() >= 50);
}

#[tokio::test]
async fn a_hostile_stored_link_is_refused_and_nothing_leaves() {
    let (fake, trap) = (Fake::start(|_| None).await, Fake::start(|_| None).await);
    let graph = microsoft(&fake).graph(TENANT);
    for hostile in HOSTILE {
        let link = written(hostile, &fake, &trap);
        for stored in [link.clone(), format!("{TENANT} {link}")] {
            let from = DeltaFrom::Link(DeltaLink::stored(stored));
            let trouble = graph.users_delta(from).next().await.err();
            assert_eq!(trouble, Some(Trouble::UntrustedLink), "{hostile:?}");
        }
    }
    assert_eq!((graph.requests(), fake.asked().len(), trap.asked().len()), (0, 0, 0));
}

#[tokio::test]
async fn a_hostile_link_in_an_answer_is_refused_and_its_page_not_taken() {
    let trap = Fake::start(|_| None).await;
    for property in ["@odata.nextLink", "@odata.deltaLink"] {
        for hostile in HOSTILE {
            let told = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
            let tells = told.clone();
            let fake = Fake::graph("users/delta", move |_| {
                ok(json!({"value": [], property: tells.get().unwrap()}))
            })
            .await;
            told.set(written(hostile, &fake, &trap)).unwrap();

            let graph = microsoft(&fake).graph(TENANT);
            let trouble = graph.users_delta(DeltaFrom::Beginning).next().await.err();
            assert_eq!(trouble, Some(Trouble::UntrustedLink), "{property} {hostile:?}");
            assert_eq!(
                (graph.requests(), fake.asked_graph().len()),
                (1, 1),
                "{property} {hostile:?}"
            );
        }
    }
    assert_eq!(trap.asked().len(), 0);
}

#[tokio::test]
async fn a_link_longer_than_any_of_microsofts_is_refused() {
    let fake = Fake::start(|_| None).await;
    let link = format!(
        "{TENANT} {}v1.0/users/delta?$deltatoken={}",
        fake.url(),
        "x".repeat(40_000)
    );
    let trouble = microsoft(&fake)
        .graph(TENANT)
        .users_delta(DeltaFrom::Link(DeltaLink::stored(link)))
        .next()
        .await
        .err();
    assert_eq!(trouble, Some(Trouble::UntrustedLink));
}

#[tokio::test]
async fn a_redirect_is_not_followed_from_graph_nor_from_entra() {
    let trap = Fake::start(|_| None).await;
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = trap.url().join("v1.0/users").unwrap().to_string();
        let fake = Fake::graph("users", move |_| say(status, &[("Location", &elsewhere)], "")).await;
        let trouble = microsoft(&fake).graph(TENANT).users().next().await.err();
        assert_eq!(trouble, Some(Trouble::UntrustedLink), "{status} from Graph");

        let elsewhere = trap.url().to_string();
        let fake = Fake::start(move |asked| {
            asked
                .is_for_token()
                .then(|| say(status, &[("Location", &elsewhere)], ""))
        })
        .await;
        let trouble = microsoft(&fake).graph(TENANT).users().next().await.err();
        assert_eq!(trouble, Some(Trouble::UntrustedLink), "{status} from Entra");
    }
    assert_eq!(trap.asked().len(), 0);
}

#[tokio::test]
async fn one_tenants_link_is_refused_for_another() {
    let fake = Fake::start(|asked| {
        let link = format!("http://{}/v1.0/users/delta?$deltatoken=x", asked.headers["host"]);
        asked
            .path()
            .starts_with("/v1.0/")
            .then(|| ok(json!({"value": [], "@odata.deltaLink": link})))
    })
    .await;
    let microsoft = microsoft(&fake);
    let mut round = microsoft.graph(TENANT).users_delta(DeltaFrom::Now);
    let stored = round
        .next()
        .await
        .unwrap()
        .unwrap()
        .delta_link
        .unwrap()
        .as_str()
        .to_owned();

    let graph = microsoft.graph(TENANT);
    let again = graph
        .users_delta(DeltaFrom::Link(DeltaLink::stored(stored.clone())))
        .next()
        .await;
    assert!(again.is_ok_and(|page| page.is_some()));

    let other = microsoft.graph(uuid::Uuid::new_v4());
    let trouble = other
        .users_delta(DeltaFrom::Link(DeltaLink::stored(stored)))
        .next()
        .await
        .err();
    assert_eq!((trouble, other.requests()), (Some(Trouble::UntrustedLink), 0));
}
