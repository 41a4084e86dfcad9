//! Answers that are whole, and answers that only look like it.

use serde_json::json;
use tenantry::microsoft::{DeltaFrom, Patience, Trouble};

use super::fake::{Fake, Say, cut, ok, say};
use super::{ADELE, TENANT, little_patience, microsoft, microsoft_with};

async fn people_when(answer: impl Fn() -> Say + Send + Sync + 'static) -> (Trouble, u64) {
    let fake = Fake::graph("users", move |_| answer()).await;
    let graph = microsoft(&fake).graph(TENANT);
    let trouble = graph.users().next().await.err().expect("it was no answer");
    (trouble, graph.requests())
}

/// The beginning of a gzip stream, without its end.
const HALF_A_GZIP: [u8; 14] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0x56, 0x2a, 0x4b];

/// What is wrong with an answer, and the answer.
type Broken = (&'static str, fn() -> Say);

/// Answers that are not whole, each a different way.
fn broken() -> Vec<Broken> {
    vec![
        ("cut", || cut(ok(json!({"value": [{"id": ADELE}]})))),
        ("truncated, with a clean end", || {
            say(200, &[], "{\"value\": [{\"id\": \"693acd06-2877")
        }),
        ("malformed", || say(200, &[], "{\"value\": [{\"id\": ]}")),
        ("half a gzip", || say(200, &[("Content-Encoding", "gzip")], HALF_A_GZIP)),
        ("not gzip", || {
            say(200, &[("Content-Encoding", "gzip")], "{\"value\": []}")
        }),
        ("a page for people", || {
            say(
                200,
                &[("Content-Type", "text/html")],
                "<html>Sign in to the proxy</html>",
            )
        }),
        ("empty", || say(200, &[], "")),
        ("no HTTP", || Say::Bytes(b"hello".to_vec())),
        ("closed", || Say::Bytes(Vec::new())),
        ("two documents", || say(200, &[], "{\"value\": []}{\"value\": []}")),
        ("no UTF-8", || say(200, &[], b"{\"value\": [{\"id\": \"\xff\xfe\"}]}")),
    ]
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_asked_for_again() {
    for (what, answer) in broken() {
        let fake = Fake::graph("users", move |asked| match asked.nth {
            0 => answer(),
            _ => ok(json!({"value": [{"id": ADELE}]})),
        })
        .await;
        let graph = microsoft(&fake).graph(TENANT);
        let page = graph
            .users()
            .next()
            .await
            .unwrap_or_else(|trouble| panic!("{what}: {trouble}"))
            .unwrap();
        assert_eq!((page.items.len(), graph.requests()), (1, 2), "{what}");
    }
}

#[tokio::test]
async fn answers_that_are_never_whole_are_unavailability() {
    for (what, answer) in broken() {
        assert_eq!(people_when(answer).await, (Trouble::Unavailable, 4), "{what}");
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_unexpected_at_once_and_quotes_nobody() {
    let canary = "CANARY adele@contoso.example";
    let shapes = [
        json!({}),
        json!([]),
        json!({"value": null}),
        json!({"value": {"id": ADELE}}),
        json!({"value": [{"displayName": canary}]}),
        json!({"value": [{"id": null, "displayName": canary}]}),
        json!({"value": [{"id": canary}]}),
        json!({"value": [{"id": ADELE, "accountEnabled": canary}]}),
        json!({"value": [{"id": ADELE}, null]}),
        json!({"value": [], "@odata.nextLink": 7}),
    ];
    for shape in shapes {
        let told = shape.clone();
        let (trouble, requests) = people_when(move || ok(told.clone())).await;
        assert!(
            matches!(trouble, Trouble::UnexpectedResponse { .. }),
            "{shape}: {trouble:?}"
        );
        assert_eq!(requests, 1, "{shape}");
        assert!(!format!("{trouble} {trouble:?}").contains("CANARY"), "{trouble}");
    }
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_unavailability() {
    let fake = Fake::graph("users", |_| ok(json!({"value": []}))).await;
    let microsoft = microsoft(&fake);
    let graph = microsoft.graph(TENANT);
    graph.granted_permissions().await.unwrap_err();
    // The token is cached; now the listener goes.
    drop(fake);
    assert_eq!(graph.users().next().await.err(), Some(Trouble::Unavailable));
}

#[tokio::test]
async fn silence_and_an_answer_that_never_ends_have_an_end() {
    let moment = std::time::Duration::from_millis(50);
    for impatient in [
        Patience {
            tries: 2,
            silence: moment,
            ..little_patience()
        },
        Patience {
            tries: 2,
            whole: moment,
            ..little_patience()
        },
    ] {
        let fake = Fake::graph("users", |_| Say::Nothing).await;
        let graph = microsoft_with(&fake, impatient).graph(TENANT);
        assert_eq!(graph.users().next().await.err(), Some(Trouble::Unavailable));
        assert_eq!(graph.requests(), 2);
    }
}

#[tokio::test]
async fn a_page_of_more_bytes_than_we_hold_is_refused() {
    let (trouble, requests) = people_when(|| {
        let long = "x".repeat(17 * 1024 * 1024);
        ok(json!({"value": [{"id": ADELE, "displayName": long}]}))
    })
    .await;
    assert_eq!((trouble, requests), (Trouble::TooLarge { what: "a page" }, 1));
}

#[tokio::test]
async fn a_page_of_more_items_than_we_hold_is_refused() {
    let (trouble, _) = people_when(|| {
        let item = format!("{{\"id\":\"{ADELE}\"}},");
        say(
            200,
            &[],
            format!("{{\"value\":[{}{{\"id\":\"{ADELE}\"}}]}}", item.repeat(20_000)),
        )
    })
    .await;
    assert_eq!(
        trouble,
        Trouble::TooLarge {
            what: "the number of items on a page"
        }
    );
}

#[tokio::test]
async fn depth_does_not_overflow_the_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(500_000), close.repeat(500_000));
        let page = format!("{{\"value\":[{{\"id\":\"{ADELE}\",\"x\":{deep}}}]}}");
        let fake = Fake::graph("users", move |_| say(200, &[], &page)).await;
        // Whether it is read or refused does not matter: that we are still here does.
        let _ = microsoft(&fake).graph(TENANT).users().next().await;
    }
}

#[tokio::test]
async fn the_tenant_describes_itself() {
    let fake = Fake::graph("organization", |_| {
        ok(json!({"value": [{
            "id": TENANT, "displayName": "Contoso",
            "verifiedDomains": [{"name": "contoso.example", "isDefault": true, "isInitial": false, "type": "Managed"}]
        }]}))
    })
    .await;
    let organization = microsoft(&fake).graph(TENANT).organization().await.unwrap();
    assert_eq!(
        (organization.id, organization.display_name.as_deref()),
        (TENANT, Some("Contoso"))
    );
    assert_eq!(&*organization.verified_domains[0].name, "contoso.example");
}

#[tokio::test]
async fn a_tenant_without_an_organization_is_unexpected() {
    let fake = Fake::graph("organization", |_| ok(json!({"value": []}))).await;
    let trouble = microsoft(&fake).graph(TENANT).organization().await.err().unwrap();
    assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }));
}

#[tokio::test]
async fn only_roles_over_the_whole_tenant_count() {
    let (whole, part, somebody_elses) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let fake = Fake::graph("roleManagement/directory/roleAssignments", move |_| {
        ok(json!({"value": [
            {"id": "a", "principalId": ADELE, "roleDefinitionId": whole, "directoryScopeId": "/"},
            {"id": "b", "principalId": ADELE, "roleDefinitionId": part, "directoryScopeId": "/administrativeUnits/1"},
            {"id": "c", "principalId": TENANT, "roleDefinitionId": somebody_elses, "directoryScopeId": "/"},
        ]}))
    })
    .await;
    assert_eq!(
        microsoft(&fake).graph(TENANT).directory_roles_of(ADELE).await.unwrap(),
        [whole]
    );
    let asked = fake.asked_graph().remove(0).target;
    assert!(
        asked.ends_with(&format!("?$filter=principalId%20eq%20%27{ADELE}%27")),
        "{asked}"
    );
}

#[tokio::test]
async fn requests_say_who_asks_and_what_is_wanted() {
    let fake = Fake::start(|_| None).await;
    let graph = microsoft(&fake).graph(TENANT);
    graph.users().next().await.unwrap();
    graph.managed_devices().next().await.unwrap();
    let _ = graph.users_delta(DeltaFrom::Now).next().await;
    let asked = fake.asked_graph();
    assert!(
        asked[0].target.starts_with("/v1.0/users?$select=id,displayName,") && asked[0].target.ends_with("&$top=999")
    );
    assert!(asked[2].target.ends_with("&$deltatoken=latest"));
    for request in &asked {
        assert_eq!(request.headers["authorization"], "Bearer CANARY-token");
        assert!(request.headers["user-agent"].starts_with("Tenantry/"));
        assert!(request.headers["accept-encoding"].contains("gzip"));
        assert!(
            !request.headers.contains_key("prefer"),
            "return=minimal would hide what a change belongs to"
        );
        request.headers["client-request-id"].parse::<uuid::Uuid>().unwrap();
    }
    assert_ne!(
        asked[0].headers["client-request-id"],
        asked[1].headers["client-request-id"]
    );
}
