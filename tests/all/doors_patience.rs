//! Nobody is waited for without an end.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde_json::json;
use tenantry::http::{Executor, Timing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::house::{House, Plan};
use crate::support::toys::{Seen, toys_that_tell};
use crate::support::world::client;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A house of toys with this timing.
async fn timed(timing: Timing) -> House {
    House::built(Plan {
        timing,
        executor: Some(Executor::new(toys_that_tell(&Seen::default()))),
        ..Plan::default()
    })
    .await
}

/// A connection on which half a header was sent.
async fn half_a_header(house: &House) -> TcpStream {
    let address = house.url.socket_addrs(|| None).expect("an address")[0];
    let mut stranger = TcpStream::connect(address).await.expect("a connection");
    stranger
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-half")
        .await
        .expect("sent");
    stranger
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_strangers() {
    let mut house = timed(Timing {
        drain: Duration::from_millis(20),
        ..Timing::default()
    })
    .await;
    let mut stranger = half_a_header(&house).await;
    // Connections are taken in the order in which they come: the stranger's was taken too.
    let live = house.http.get(house.at("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
    house.stop.cancel();
    let served = house.served.take().expect("a server");
    timeout(PATIENCE, served).await.expect("it stops").expect("no panic");
    // What the stranger is told does not matter, only that it is over.
    let over = timeout(PATIENCE, stranger.read_to_end(&mut Vec::new())).await;
    assert!(over.is_ok(), "the stranger is let go");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_says_so_at_an_open_door_first() {
    let house = timed(Timing {
        linger: PATIENCE * 10,
        ..Timing::default()
    })
    .await;
    house.stop.cancel();
    // A connection of its own: the balancer's next look.
    let balancer = client();
    let ready = balancer
        .get(house.at("/health/ready"))
        .send()
        .await
        .expect("the door is open");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let live = balancer
        .get(house.at("/health/live"))
        .send()
        .await
        .expect("the door is open");
    assert_eq!(live.status(), StatusCode::OK, "who has not noticed yet is served");
}

#[tokio::test]
async fn a_header_that_does_not_come_is_not_waited_for() {
    let house = timed(Timing {
        header: Duration::from_millis(20),
        ..Timing::default()
    })
    .await;
    let mut stranger = half_a_header(&house).await;
    let over = timeout(PATIENCE, stranger.read_to_end(&mut Vec::new())).await;
    assert!(over.is_ok(), "the connection is closed");
}

#[tokio::test]
async fn a_query_has_the_same_time_at_every_door() {
    let house = timed(Timing {
        answer: Duration::from_millis(20),
        ..Timing::default()
    })
    .await;
    let posted = timeout(PATIENCE, house.post("{ never }").send())
        .await
        .expect("an answer");
    assert_eq!(posted.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    let stream = house
        .http
        .post(house.at("/graphql/stream"))
        .bearer_auth(&house.token)
        .header(ACCEPT, "text/event-stream")
        .json(&json!({"query": "{ never }"}));
    let told = async { stream.send().await.unwrap().text().await.unwrap() };
    let told = timeout(PATIENCE, told).await.expect("the stream ends");
    assert!(
        told.contains("LIMIT") && told.ends_with("event: complete\ndata: \n\n"),
        "{told}"
    );
}

#[tokio::test]
async fn a_reader_who_takes_nothing_loses_their_seat() {
    let house = timed(Timing {
        send: Duration::from_millis(100),
        ..Timing::default()
    })
    .await;
    let staff = house.staff().await;
    // Each event fills a good part of what the connection takes by itself.
    let name = "a".repeat(30_000);
    let body = json!({"query": format!("subscription {{ {name}: count(to: 100000) }}")}).to_string();
    let header = format!(
        "POST /graphql/stream HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n\
         cookie: {}\r\norigin: {}\r\ncontent-length: {}\r\n\r\n",
        staff.cookie(),
        staff.origin(),
        body.len()
    );
    let address = house.url.socket_addrs(|| None).expect("an address")[0];
    let mut stalled = Vec::new();
    for _ in 0..10 {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        let mut reader = socket.connect(address).await.expect("a connection");
        reader
            .write_all(format!("{header}{body}").as_bytes())
            .await
            .expect("sent");
        let mut first = [0; 16];
        reader.read_exact(&mut first).await.expect("it begins");
        assert!(first.starts_with(b"HTTP/1.1 200"), "{first:?}");
        stalled.push(reader);
    }

    let room = async {
        loop {
            let another = house
                .http
                .post(house.at("/graphql/stream"))
                .header(ACCEPT, "text/event-stream")
                .header(reqwest::header::COOKIE, staff.cookie())
                .header(reqwest::header::ORIGIN, staff.origin())
                .json(&json!({"query": "subscription { count(to: 1) }"}));
            if another.send().await.expect("an answer").status() == StatusCode::OK {
                return;
            }
        }
    };
    timeout(PATIENCE, room).await.expect("there is room again");
}
