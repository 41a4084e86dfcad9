//! How often somebody may ask: viewers, and addresses of which nothing is known.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, ORIGIN, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tenantry::http::{Executor, Rate, Rates};
use tokio::time::timeout;

use crate::doors_socket::{Socket, TRANSPORT, open};
use crate::support::house::{Browser, House, Plan};
use crate::support::toys::toys;

/// So many, and no more while a test runs.
fn only(burst: u32) -> Rate {
    Rate {
        burst,
        each: Duration::from_secs(3600),
    }
}

async fn house(rates: Rates, proxy_hops: usize) -> House {
    House::built(Plan {
        executor: Some(Executor::new(toys())),
        rates,
        proxy_hops,
        ..Plan::default()
    })
    .await
}

async fn of_viewers(burst: u32) -> House {
    let rates = Rates {
        viewer: only(burst),
        ..Rates::default()
    };
    house(rates, 0).await
}

async fn of_sign_ins(burst: u32, proxy_hops: usize) -> House {
    let rates = Rates {
        sign_in: only(burst),
        ..Rates::default()
    };
    house(rates, proxy_hops).await
}

async fn of_failures(burst: u32, proxy_hops: usize) -> House {
    let rates = Rates {
        failure: only(burst),
        ..Rates::default()
    };
    house(rates, proxy_hops).await
}

/// That it is a 429 which says when to come again; its body.
async fn too_often(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((3_000..=3_600).contains(&seconds), "{seconds}");
    let said = response.text().await.unwrap();
    assert!(said.contains(&format!("Try again in {seconds} seconds.")), "{said}");
    said
}

fn ask(house: &House, token: &str) -> RequestBuilder {
    house
        .http
        .post(house.at("/graphql"))
        .bearer_auth(token)
        .json(&json!({"query": "{ hello }"}))
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

fn stream(house: &House, document: &str) -> RequestBuilder {
    house
        .http
        .post(house.at("/graphql/stream"))
        .header(ACCEPT, "text/event-stream")
        .json(&json!({"query": document}))
}

#[tokio::test]
async fn a_viewer_who_asks_too_often_is_told_when_to_come_again() {
    let house = of_viewers(3).await;
    assert_eq!(status(ask(&house, &house.token)).await, StatusCode::OK);
    let by_get = house
        .http
        .get(house.at("/graphql?query={hello}"))
        .bearer_auth(&house.token);
    assert_eq!(status(by_get).await, StatusCode::OK);
    let streamed = stream(&house, "{ hello }").bearer_auth(&house.token);
    assert_eq!(status(streamed).await, StatusCode::OK);

    for request in [
        ask(&house, &house.token),
        stream(&house, "{ hello }").bearer_auth(&house.token),
    ] {
        let said: Value = serde_json::from_str(&too_often(request.send().await.unwrap()).await).unwrap();
        assert_eq!(said["errors"][0]["extensions"]["code"], "LIMIT");
    }
    let other = house.service_token(30).await;
    assert_eq!(
        status(ask(&house, &other)).await,
        StatusCode::OK,
        "others have their own"
    );
}

#[tokio::test]
async fn a_person_is_one_viewer_in_all_their_browsers() {
    let house = of_viewers(1).await;
    let ask = |browser: &Browser| {
        house
            .http
            .post(house.at("/graphql"))
            .header(COOKIE, browser.cookie())
            .header(ORIGIN, browser.origin())
            .json(&json!({"query": "{ hello }"}))
    };
    let (desk, phone) = (house.staff().await, house.staff().await);
    assert_eq!(status(ask(&desk)).await, StatusCode::OK);
    too_often(ask(&phone).send().await.unwrap()).await;
}

#[tokio::test]
async fn an_operation_too_many_on_a_socket_is_an_error_of_that_operation() {
    let house = of_viewers(1).await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("a", "subscription { waits }").await;
    assert_eq!(socket.hear().await["type"], "next");
    socket.subscribe("b", "{ hello }").await;
    let said = socket.hear().await;
    assert_eq!((&said["type"], &said["id"]), (&json!("error"), &json!("b")));
    let error = &said["payload"][0];
    assert_eq!(error["extensions"]["code"], "LIMIT");
    assert!(error["message"].as_str().unwrap().contains("Try again in "), "{error}");
    socket.subscribe("a", "{ hello }").await;
    assert_eq!(socket.closed().await, 4409, "the other goes on");
}

#[tokio::test]
async fn an_address_begins_only_so_many_sign_ins() {
    let house = of_sign_ins(2, 0).await;
    let get = async |path: &str| house.http.get(house.at(path)).send().await.unwrap();
    assert_eq!(get("/auth/sign-in").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(get("/connect/start?ticket=x").await.status(), StatusCode::GONE);
    for path in [
        "/auth/sign-in",
        "/auth/callback?state=x&code=y",
        "/connect/start?ticket=x",
        "/connect/callback?state=x",
    ] {
        let response = get(path).await;
        assert!(
            response.headers()[CONTENT_TYPE]
                .to_str()
                .unwrap()
                .starts_with("text/html"),
            "{path}"
        );
        too_often(response).await;
        let look = house.http.head(house.at(path));
        assert_eq!(status(look).await, StatusCode::OK, "{path}");
    }
    let flows = house.rows("select 1 as flow from sign_in_flow").await;
    assert_eq!(flows.len(), 1);
    assert_eq!(status(ask(&house, &house.token)).await, StatusCode::OK);
}

#[tokio::test]
async fn behind_a_proxy_it_is_its_callers_that_are_counted() {
    let house = of_sign_ins(1, 1).await;
    let from = async |forwarded: &str| {
        let request = house.http.get(house.at("/auth/sign-in"));
        status(request.header("x-forwarded-for", forwarded)).await
    };
    assert_eq!(from("192.0.2.1").await, StatusCode::SEE_OTHER);
    assert_eq!(from("192.0.2.2").await, StatusCode::SEE_OTHER);
    assert_eq!(from("192.0.2.1").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        from("192.0.2.3, 192.0.2.1").await,
        StatusCode::TOO_MANY_REQUESTS,
        "what a client says before the proxy does is not read"
    );
    assert_eq!(from("2001:db8::1").await, StatusCode::SEE_OTHER);
    assert_eq!(from("2001:db8::2").await, StatusCode::TOO_MANY_REQUESTS, "one network");
    assert_eq!(from("2001:db8:0:1::1").await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_address_that_has_spent_its_failures_costs_no_statement() {
    let house = of_failures(2, 0).await;
    let wrong = || ask(&house, "tnt_wrong");
    let cookie = || house.http.get(house.at("/")).header(COOKIE, "tenantry=dead");
    assert_eq!(status(wrong()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(cookie()).await,
        StatusCode::OK,
        "the page that offers to sign in"
    );
    house
        .sql("alter table service_token rename to service_token_gone")
        .await;
    house.sql("alter table session rename to session_gone").await;

    too_often(wrong().send().await.unwrap()).await;
    too_often(cookie().send().await.unwrap()).await;
    too_often(wrong().header("x-forwarded-for", "192.0.2.9").send().await.unwrap()).await;
    let dead = house.http.get(house.at("/graphiql")).header(COOKIE, "tenantry=dead");
    too_often(dead.send().await.unwrap()).await;
    let mut socket = Socket::plain(&house).await;
    socket
        .say(json!({"type": "connection_init", "payload": {"Authorization": "Bearer tnt_wrong"}}))
        .await;
    assert_eq!(socket.closed().await, 4429);
    let nobody = house
        .http
        .post(house.at("/graphql"))
        .json(&json!({"query": "{ hello }"}));
    assert_eq!(
        status(nobody).await,
        StatusCode::UNAUTHORIZED,
        "who shows nothing fails nothing"
    );
}

#[tokio::test]
async fn a_failed_introduction_on_a_socket_counts() {
    let house = of_failures(1, 0).await;
    for code in [4403, 4429] {
        let mut socket = open(&house, &[("sec-websocket-protocol", TRANSPORT)])
            .await
            .expect("a socket");
        socket
            .say(json!({"type": "connection_init", "payload": {"Authorization": "Bearer tnt_wrong"}}))
            .await;
        assert_eq!(socket.closed().await, code);
    }
}

#[tokio::test]
async fn strangers_lock_nobody_out_who_is_known() {
    let house = of_failures(1, 0).await;
    let other = house.service_token(30).await;
    assert_eq!(status(ask(&house, &house.token)).await, StatusCode::OK);
    assert_eq!(status(ask(&house, "tnt_wrong")).await, StatusCode::UNAUTHORIZED);
    too_often(ask(&house, "tnt_wrong").send().await.unwrap()).await;
    assert_eq!(status(ask(&house, &house.token)).await, StatusCode::OK);
    assert_eq!(
        status(ask(&house, &other)).await,
        StatusCode::TOO_MANY_REQUESTS,
        "it has never been judged"
    );

    let mut staff = house.staff().await;
    let page = staff.get(house.at("/")).await.text().await.unwrap();
    assert!(page.contains("Signed in as"), "{page}");

    house.sql("update service_token set revoked_at = now()").await;
    assert_eq!(
        status(ask(&house, &house.token)).await,
        StatusCode::UNAUTHORIZED,
        "who is known is judged all the same"
    );
    too_often(ask(&house, &house.token).send().await.unwrap()).await;
}

#[tokio::test]
async fn a_session_has_ten_streams_and_a_closed_one_makes_room() {
    let house = House::toys().await;
    let staff = house.staff().await;
    let open = async || {
        let request = stream(&house, "subscription { waits }")
            .header(COOKIE, staff.cookie())
            .header(ORIGIN, staff.origin());
        request.send().await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..10 {
        let response = open().await;
        assert_eq!(response.status(), StatusCode::OK);
        streams.push(response);
    }
    let refused = open().await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let said: Value = refused.json().await.unwrap();
    assert_eq!(said["errors"][0]["extensions"]["code"], "LIMIT");
    let token = stream(&house, "{ hello }").bearer_auth(&house.token);
    assert_eq!(status(token).await, StatusCode::OK, "others have their own");

    drop(streams.pop());
    let room = async { while open().await.status() != StatusCode::OK {} };
    timeout(Duration::from_secs(60), room).await.expect("there is room");
}
