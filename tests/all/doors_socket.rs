//! `graphql-transport-ws`: the protocol to the letter, and who is let in.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::http::{Executor, Timing};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::house::{Browser, House, PSA, Plan};
use crate::support::toys::{Seen, toys_that_tell};

pub const TRANSPORT: &str = "graphql-transport-ws";

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Opens a socket with these headers; or the status of the refusal.
pub async fn open(house: &House, headers: &[(&'static str, &str)]) -> Result<Socket, StatusCode> {
    let mut url = house.at("/graphql");
    url.set_scheme("ws").expect("a scheme");
    let mut request = url.as_str().into_client_request().expect("a request");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a value"));
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

impl Socket {
    pub async fn plain(house: &House) -> Self {
        open(house, &[("sec-websocket-protocol", TRANSPORT)])
            .await
            .expect("a socket")
    }

    /// Opened and introduced.
    pub async fn introduced(house: &House) -> Self {
        let mut socket = Self::plain(house).await;
        socket
            .say(json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {}", house.token)}}))
            .await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
        socket
    }

    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    pub async fn subscribe(&mut self, id: &str, document: &str) {
        self.say(json!({"type": "subscribe", "id": id, "payload": {"query": document}}))
            .await;
    }

    pub async fn hear(&mut self) -> Value {
        loop {
            match self.0.next().await.expect("the socket is open").expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Opened by a page of ours in this browser, and introduced by its cookie.
    pub async fn of_browser(house: &House, browser: &Browser) -> Self {
        let (cookie, origin) = (browser.cookie(), browser.origin());
        let headers = [
            ("sec-websocket-protocol", TRANSPORT),
            ("cookie", &cookie),
            ("origin", &origin),
        ];
        let mut socket = open(house, &headers).await.expect("a socket");
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
        socket
    }

    /// Waits until the guest was checked so many times, and stayed.
    pub async fn checked(&mut self, times: usize) {
        let mut seen = 0;
        while seen < times {
            match self.0.next().await.expect("the socket is open").expect("a message") {
                Message::Ping(_) => seen += 1,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code that the socket is closed with.
    pub async fn closed(&mut self) -> u16 {
        self.farewell().await.0
    }

    /// The code and the reason that the socket is closed with.
    pub async fn farewell(&mut self) -> (u16, String) {
        loop {
            match self.0.next().await.expect("a close frame comes").expect("a message") {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Ping(_) | Message::Pong(_) | Message::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_subscription_tells_each_answer_and_completes() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("a", "subscription { count(to: 2) }").await;
    for n in 1..=2 {
        assert_eq!(
            socket.hear().await,
            json!({"type": "next", "id": "a", "payload": {"data": {"count": n}}})
        );
    }
    assert_eq!(socket.hear().await, json!({"type": "complete", "id": "a"}));
    socket.subscribe("a", "{ hello }").await;
    assert_eq!(
        socket.hear().await,
        json!({"type": "next", "id": "a", "payload": {"data": {"hello": "world"}}})
    );
    assert_eq!(
        socket.hear().await,
        json!({"type": "complete", "id": "a"}),
        "an id may be used again"
    );
}

#[tokio::test]
async fn whoever_speaks_before_the_introduction_is_unauthorized() {
    let house = House::toys().await;
    let mut socket = Socket::plain(&house).await;
    socket.subscribe("a", "{ hello }").await;
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test]
async fn an_introduction_without_a_good_proof_is_forbidden() {
    let house = House::toys().await;
    for payload in [
        json!({}),
        json!({"Authorization": "Bearer tnt_wrong"}),
        json!({"Authorization": 7}),
        json!({"token": house.token}),
    ] {
        let mut socket = Socket::plain(&house).await;
        socket.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.closed().await, 4403, "{payload}");
    }
}

#[tokio::test]
async fn a_bad_message_ends_the_socket() {
    let house = House::toys().await;
    for message in [
        Message::text("x"),
        Message::text("{}"),
        Message::text(r#"{"type":"start","id":"1","payload":{"query":"{hello}"}}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{}}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{"query":7}}"#),
        Message::text(r#"{"type":"subscribe","payload":{"query":"{hello}"}}"#),
        Message::binary(vec![1, 2]),
    ] {
        let mut socket = Socket::introduced(&house).await;
        socket.0.send(message.clone()).await.unwrap();
        assert_eq!(socket.closed().await, 4400, "{message}");
    }
}

#[tokio::test]
async fn two_operations_of_one_id_end_the_socket() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("a", "subscription { waits }").await;
    socket.subscribe("a", "subscription { waits }").await;
    assert_eq!(socket.closed().await, 4409);
}

#[tokio::test]
async fn a_second_introduction_ends_the_socket() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    socket.say(json!({"type": "connection_init"})).await;
    assert_eq!(socket.closed().await, 4429);
}

#[tokio::test]
async fn whoever_does_not_introduce_themselves_is_shown_out() {
    let timing = Timing {
        introduction: Duration::from_millis(20),
        ..Timing::default()
    };
    let house = House::built(Plan {
        timing,
        ..Plan::default()
    })
    .await;
    let mut socket = Socket::plain(&house).await;
    assert_eq!(socket.closed().await, 4408);
}

#[tokio::test]
async fn no_other_subprotocol_is_spoken() {
    let house = House::toys().await;
    let mut socket = open(&house, &[]).await.expect("a socket");
    assert_eq!(socket.closed().await, 4406);
}

#[tokio::test]
async fn another_sites_page_gets_no_socket() {
    let house = House::toys().await;
    let staff = house.staff().await;
    let cookie = staff.cookie();
    let protocol = ("sec-websocket-protocol", TRANSPORT);
    for origin in ["https://evil.example", "null"] {
        let refused = open(&house, &[protocol, ("cookie", &cookie), ("origin", origin)]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    let silent = open(&house, &[protocol, ("cookie", &cookie)]).await;
    assert_eq!(silent.err(), Some(StatusCode::FORBIDDEN), "a cookie without an origin");
    for origin in [PSA, &staff.origin()] {
        let mut socket = open(&house, &[protocol, ("cookie", &cookie), ("origin", origin)])
            .await
            .expect("a socket");
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}), "{origin}");
    }
}

#[tokio::test]
async fn a_mutation_does_not_run_over_a_socket() {
    let seen = Seen::default();
    let house = House::built(Plan {
        executor: Some(Executor::new(toys_that_tell(&seen))),
        ..Plan::default()
    })
    .await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("a", "mutation { bump }").await;
    let said = socket.hear().await;
    assert_eq!((&said["type"], &said["id"]), (&json!("error"), &json!("a")));
    assert!(seen.all().is_empty());
}

#[tokio::test]
async fn a_refused_document_is_an_error_and_not_complete() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    let aliases: String = (0..31).map(|n| format!("a{n}: hello ")).collect();
    for (document, code) in [
        ("{ nothing }".to_owned(), "BAD_INPUT"),
        ("{".to_owned(), "BAD_INPUT"),
        (format!("{{ toys {{ {aliases} }} }}"), "LIMIT"),
    ] {
        socket.subscribe("a", &document).await;
        let said = socket.hear().await;
        assert_eq!(said["type"], "error", "{said}");
        assert_eq!(said["payload"][0]["extensions"]["code"], code);
    }
    socket.subscribe("b", "{ hello }").await;
    assert_eq!(
        socket.hear().await["id"],
        "b",
        "nothing more was said of the refused ones"
    );
}

#[tokio::test]
async fn a_client_that_completes_hears_no_more() {
    let seen = Seen::default();
    let house = House::built(Plan {
        executor: Some(Executor::new(toys_that_tell(&seen))),
        ..Plan::default()
    })
    .await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("a", "subscription { waits }").await;
    assert_eq!(socket.hear().await["type"], "next");
    socket.say(json!({"type": "complete", "id": "a"})).await;
    socket.subscribe("b", "{ hello }").await;
    assert_eq!(socket.hear().await["id"], "b");
    assert_eq!(seen.all(), ["ended"], "what nobody listens to is dropped");
}

#[tokio::test]
async fn a_ping_is_answered_before_and_after_the_introduction() {
    let house = House::toys().await;
    let mut early = Socket::plain(&house).await;
    early.say(json!({"type": "ping"})).await;
    assert_eq!(early.hear().await, json!({"type": "pong"}));
    let mut socket = Socket::introduced(&house).await;
    socket.say(json!({"type": "ping", "payload": {"x": 1}})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong", "payload": {"x": 1}}));
}

#[tokio::test]
async fn the_twenty_first_operation_is_refused_and_the_others_go_on() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    for n in 0..20 {
        socket.subscribe(&n.to_string(), "subscription { waits }").await;
        assert_eq!(socket.hear().await["type"], "next");
    }
    socket.subscribe("one more", "{ hello }").await;
    let said = socket.hear().await;
    assert_eq!(
        (&said["type"], &said["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("LIMIT"))
    );
    socket.say(json!({"type": "complete", "id": "7"})).await;
    socket.subscribe("now", "{ hello }").await;
    assert_eq!(socket.hear().await["type"], "next");
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_socket() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    socket
        .subscribe("a", &format!("{{ hello }} #{}", "a".repeat(70 * 1024)))
        .await;
    let ended = loop {
        match socket.0.next().await {
            Some(Ok(Message::Ping(_))) => {}
            other => break other,
        }
    };
    assert!(!matches!(ended, Some(Ok(Message::Text(_)))), "it was not read");
}

#[tokio::test]
async fn a_socket_ends_with_its_viewers_session() {
    let timing = Timing {
        recheck: Duration::from_millis(20),
        ..Timing::default()
    };
    let house = House::built(Plan {
        timing,
        executor: Some(Executor::new(toys_that_tell(&Seen::default()))),
        ..Plan::default()
    })
    .await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("a", "subscription { waits }").await;
    assert_eq!(socket.hear().await["type"], "next");
    house.sql("update service_token set revoked_at = now()").await;
    assert_eq!(socket.closed().await, 4403);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    house.stop.cancel();
    assert_eq!(socket.closed().await, 1001);
}

#[tokio::test]
async fn a_query_on_a_socket_has_a_limited_time_and_a_subscription_has_not() {
    let house = House::built(Plan {
        timing: Timing {
            answer: Duration::from_millis(20),
            ..Timing::default()
        },
        executor: Some(Executor::new(toys_that_tell(&Seen::default()))),
        ..Plan::default()
    })
    .await;
    let mut socket = Socket::introduced(&house).await;
    socket.subscribe("watch", "subscription { waits }").await;
    assert_eq!(socket.hear().await["type"], "next");
    socket.subscribe("ask", "{ never }").await;
    let said = socket.hear().await;
    assert_eq!((&said["type"], &said["id"]), (&json!("error"), &json!("ask")));
    assert_eq!(said["payload"][0]["extensions"]["code"], "LIMIT");
    socket.subscribe("watch", "subscription { waits }").await;
    assert_eq!(socket.closed().await, 4409, "the subscription still runs");
}

#[tokio::test]
async fn a_subscription_whose_field_is_in_a_fragment_is_refused() {
    let house = House::toys().await;
    let mut socket = Socket::introduced(&house).await;
    socket
        .subscribe(
            "a",
            "subscription { ...F } fragment F on ToySubscription { count(to: 1) }",
        )
        .await;
    let said = socket.hear().await;
    assert_eq!(said["type"], "error", "{said}");
    assert_eq!(said["payload"][0]["extensions"]["code"], "BAD_INPUT");
}

#[tokio::test]
async fn a_session_has_ten_sockets_and_a_closed_one_makes_room() {
    let house = House::toys().await;
    let staff = house.staff().await;
    let (cookie, origin) = (staff.cookie(), staff.origin());
    let headers = [
        ("sec-websocket-protocol", TRANSPORT),
        ("cookie", cookie.as_str()),
        ("origin", origin.as_str()),
    ];
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut socket = open(&house, &headers).await.expect("a socket");
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        sockets.push(socket);
    }
    assert_eq!(
        open(&house, &headers).await.err(),
        Some(StatusCode::TOO_MANY_REQUESTS),
        "refused before it is a socket"
    );
    let mut last = sockets.pop().expect("a socket");
    last.say(json!({"type": "connection_init"})).await;
    assert_eq!(last.closed().await, 4429);
    // The end of the stream comes after the server has let the socket go.
    while let Some(Ok(_)) = last.0.next().await {}
    assert!(open(&house, &headers).await.is_ok());
}

#[tokio::test]
async fn a_token_has_fifty_sockets_wherever_it_is_shown() {
    let house = House::toys().await;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(Socket::introduced(&house).await);
    }
    let mut one_more = Socket::plain(&house).await;
    one_more
        .say(json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {}", house.token)}}))
        .await;
    assert_eq!(one_more.closed().await, 4429);
    let bearer = format!("Bearer {}", house.token);
    let refused = open(
        &house,
        &[("sec-websocket-protocol", TRANSPORT), ("authorization", &bearer)],
    )
    .await;
    assert_eq!(refused.err(), Some(StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn a_proof_that_cannot_be_judged_ends_the_socket_as_our_own_fault() {
    let house = House::toys().await;
    house
        .sql("alter table service_token rename to service_token_gone")
        .await;
    let mut socket = Socket::plain(&house).await;
    socket
        .say(json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {}", house.token)}}))
        .await;
    assert_eq!(socket.closed().await, 4500);
}
