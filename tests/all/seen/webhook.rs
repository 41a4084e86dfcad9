//! The webhook is told at least once, signed, and of nobody in person.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tenantry::db::events::Events;
use tenantry::jobs::{Alarms, Show, Webhook};
use tokio::net::TcpListener;

use crate::support::house::{House, microsoft, now};

const KEY: &[u8] = b"thirty-two bytes of a test's own";

/// What came, and what is answered next.
#[derive(Clone)]
struct Listener {
    came: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answer: Arc<Mutex<StatusCode>>,
}

async fn take(State(listener): State<Listener>, headers: HeaderMap, body: Bytes) -> StatusCode {
    listener.came.lock().unwrap().push((headers, body));
    *listener.answer.lock().unwrap()
}

async fn listener() -> (Listener, String) {
    let listener = Listener {
        came: Arc::default(),
        answer: Arc::new(Mutex::new(StatusCode::INTERNAL_SERVER_ERROR)),
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state(listener.clone());
    tokio::spawn(async move { axum::serve(socket, router).await });
    (listener, url)
}

#[tokio::test]
async fn an_alarm_is_told_signed_until_it_is_taken() {
    let house = House::open().await;
    let company = house.company("Canary of Contoso").await;
    house
        .sql(&format!(
            "update company set external_id = 'psa-7' where id = '{}'",
            company.id
        ))
        .await;
    house
        .sql(&format!(
            "insert into tenant (company_id, entra_tenant_id, status, status_reason, consented_by)
             values ('{}', gen_random_uuid(), 'RECONNECT_NEEDED', 'Consent was taken back.', 'Canary Vance')",
            company.id
        ))
        .await;
    let (listener, url) = listener().await;
    let show = Show {
        company: |id| format!("company {id}"),
        alarm: |id| format!("alarm {id}"),
    };
    let secret = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
    let webhook = Webhook::new(url.parse().unwrap(), &secret, show).unwrap();
    let events = Events::start(&house.pool, house.stop.clone()).await.unwrap();
    let alarms = Alarms::new(house.pool.clone(), events, &microsoft(&house.simulator), Some(webhook));

    alarms.look().await.unwrap();
    assert_eq!(alarms.deliver(now()).await.unwrap(), 0, "it answers with an error");
    assert_eq!(alarms.deliver(now()).await.unwrap(), 0, "and is left alone for a while");
    assert_eq!(listener.came.lock().unwrap().len(), 1);
    *listener.answer.lock().unwrap() = StatusCode::NO_CONTENT;
    house.sql("update alarm_event set next_at = now()").await;
    assert_eq!(alarms.deliver(now()).await.unwrap(), 1);
    house.sql("update alarm_event set next_at = now()").await;
    assert_eq!(
        alarms.deliver(now()).await.unwrap(),
        0,
        "what has arrived is not sent again"
    );

    let came = listener.came.lock().unwrap().clone();
    assert_eq!(came.len(), 2);
    assert_eq!(
        came[0].0["webhook-id"], came[1].0["webhook-id"],
        "the id stays from try to try"
    );
    for (headers, body) in &came {
        let header = |name: &str| headers[name].to_str().unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
        mac.update(body);
        let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header("webhook-signature"), signature);
    }
    let told: Value = serde_json::from_slice(&came[1].1).unwrap();
    assert_eq!(told["type"], "alarm.opened");
    assert_eq!(told["data"]["kind"], "RECONNECT_NEEDED");
    assert_eq!(told["data"]["companyId"], json!(format!("company {}", company.id)));
    assert_eq!(told["data"]["companyExternalId"], "psa-7");
    assert!(!told.to_string().contains("Canary"), "{told}");
}
