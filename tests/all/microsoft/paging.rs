//! Chains of pages: where they end, where they must not, and what is on its way meanwhile.

use futures::FutureExt as _;
use serde_json::{Value, json};
use tenantry::microsoft::{DeltaFrom, Trouble};
use tokio::sync::watch;
use uuid::Uuid;

use super::fake::{Asked, Fake, Say, graph_error, ok};
use super::{TENANT, microsoft};

fn person() -> Value {
    json!({"id": Uuid::new_v4()})
}

fn link(asked: &Asked, path: &str) -> String {
    format!("http://{}/v1.0/{path}", asked.headers["host"])
}

/// A page of `users` with one person and a next link to page `next`.
fn leads_to(asked: &Asked, next: usize) -> Say {
    ok(json!({"value": [person()], "@odata.nextLink": link(asked, &format!("users?$skiptoken={next}"))}))
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let fake = Fake::graph("users", |asked| match asked.nth {
        2 => ok(json!({"value": [person()]})),
        nth => leads_to(asked, nth + 1),
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let mut pages = graph.users();
    let mut people = 0;
    while let Some(page) = pages.next().await.unwrap() {
        people += page.items.len();
        assert!(page.delta_link.is_none());
    }
    assert!(pages.next().await.unwrap().is_none(), "the end stays the end");
    assert_eq!((people, graph.requests()), (3, 3));
}

#[tokio::test]
async fn empty_pages_are_not_the_end() {
    let fake = Fake::graph("users/delta", |asked| match asked.nth {
        0 | 1 => {
            ok(json!({"value": [], "@odata.nextLink": link(asked, &format!("users/delta?$skiptoken={}", asked.nth))}))
        }
        _ => ok(json!({"value": [person()], "@odata.deltaLink": link(asked, "users/delta?$deltatoken=z")})),
    })
    .await;
    let mut pages = microsoft(&fake).graph(TENANT).users_delta(DeltaFrom::Beginning);
    assert!(pages.next().await.unwrap().unwrap().items.is_empty());
    assert!(pages.next().await.unwrap().unwrap().items.is_empty());
    let last = pages.next().await.unwrap().unwrap();
    assert_eq!((last.items.len(), last.delta_link.is_some()), (1, true));
    assert!(pages.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_round_of_changes_ends_with_a_delta_link_or_not_at_all() {
    let fake = Fake::graph("users/delta", |_| ok(json!({"value": [person()]}))).await;
    let trouble = microsoft(&fake)
        .graph(TENANT)
        .users_delta(DeltaFrom::Beginning)
        .next()
        .await
        .err()
        .unwrap();
    assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }));
}

#[tokio::test]
async fn a_page_with_both_links_is_not_taken() {
    let fake = Fake::graph("groups/delta", |asked| {
        let (next, delta) = (
            link(asked, "groups/delta?$skiptoken=1"),
            link(asked, "groups/delta?$deltatoken=1"),
        );
        ok(json!({"value": [], "@odata.nextLink": next, "@odata.deltaLink": delta}))
    })
    .await;
    let trouble = microsoft(&fake)
        .graph(TENANT)
        .groups_delta(DeltaFrom::Beginning)
        .next()
        .await
        .err()
        .unwrap();
    assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }));
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_a_loop() {
    let fake = Fake::graph("users", |asked| leads_to(asked, 1)).await;
    let graph = microsoft(&fake).graph(TENANT);
    let mut pages = graph.users();
    pages.next().await.unwrap();
    assert_eq!(pages.next().await.err(), Some(Trouble::PagingLoop));
    assert_eq!(pages.next().await.err(), Some(Trouble::PagingLoop), "and stays one");
    assert_eq!(graph.requests(), 2);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_a_loop() {
    let fake = Fake::graph("users", |asked| leads_to(asked, asked.nth % 2)).await;
    let graph = microsoft(&fake).graph(TENANT);
    let mut pages = graph.users();
    let trouble = loop {
        if let Err(trouble) = pages.next().await {
            break trouble;
        }
    };
    assert_eq!((trouble, graph.requests()), (Trouble::PagingLoop, 3));
}

#[tokio::test]
async fn one_page_is_on_its_way_while_the_caller_works_and_never_two() {
    let fake = Fake::graph("users", |asked| leads_to(asked, asked.nth)).await;
    let mut pages = microsoft(&fake).graph(TENANT).users();
    pages.next().await.unwrap();
    fake.until_asked(3).await;
    assert_eq!(
        fake.asked_graph().len(),
        2,
        "the token, the first page, and the one ahead"
    );
    pages.next().await.unwrap();
    fake.until_asked(4).await;
    assert_eq!(fake.asked_graph().len(), 3);
}

#[tokio::test]
async fn a_dropped_wait_loses_no_page() {
    let (open, gate) = watch::channel(false);
    let fake = Fake::graph("users", move |asked| match asked.nth {
        0 => Say::Later(gate.clone(), Box::new(leads_to(asked, 1))),
        _ => ok(json!({"value": [person()]})),
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let mut pages = graph.users();
    assert!(pages.next().now_or_never().is_none());
    fake.until_asked(2).await;
    assert!(pages.next().now_or_never().is_none());
    open.send(true).unwrap();
    let mut people = 0;
    while let Some(page) = pages.next().await.unwrap() {
        people += page.items.len();
    }
    assert_eq!((people, graph.requests()), (2, 2));
}

#[tokio::test]
async fn after_throttling_the_same_page_can_be_asked_for_again() {
    let fake = Fake::graph("users", |asked| match asked.nth {
        0 => leads_to(asked, 1),
        1 => super::fake::say(429, &[("Retry-After", "60")], ""),
        _ => ok(json!({"value": [person()]})),
    })
    .await;
    let mut pages = microsoft(&fake).graph(TENANT).users();
    pages.next().await.unwrap();
    assert!(matches!(pages.next().await, Err(Trouble::Throttled { .. })));
    assert_eq!(pages.next().await.unwrap().unwrap().items.len(), 1);
    assert!(pages.next().await.unwrap().is_none());
    assert!(fake.asked_graph()[2].target.ends_with("$skiptoken=1"));
}

#[tokio::test]
async fn dropped_pages_stop_asking() {
    let (_closed, gate) = watch::channel(false);
    let fake = Fake::graph("users", move |asked| match asked.nth {
        0 => leads_to(asked, 1),
        _ => Say::Later(gate.clone(), Box::new(graph_error(500, "", ""))),
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let mut pages = graph.users();
    pages.next().await.unwrap();
    fake.until_asked(3).await;
    drop(pages);
    assert_eq!(graph.requests(), 2);
}

#[tokio::test]
async fn now_brings_a_link_and_the_link_brings_changes() {
    let fake = Fake::graph("users/delta", |asked| {
        let delta = link(asked, &format!("users/delta?$deltatoken=after-{}", asked.nth));
        let value = if asked.target.contains("latest") {
            vec![]
        } else {
            vec![person()]
        };
        ok(json!({"value": value, "@odata.deltaLink": delta}))
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let now = graph.users_delta(DeltaFrom::Now).next().await.unwrap().unwrap();
    assert!(now.items.is_empty());
    let later = graph
        .users_delta(DeltaFrom::Link(now.delta_link.unwrap()))
        .next()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(later.items.len(), 1);
    assert_eq!(
        fake.asked_graph()[1].target,
        "/v1.0/users/delta?$deltatoken=after-0",
        "opaque and whole"
    );
}
