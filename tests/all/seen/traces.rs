//! One trace from the click to the last row, sent to a collector of the test's own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tenantry::db::events::{Events, News};
use tenantry::graphql::id::IdOf;
use tenantry::jobs::{self, Doorbell};
use tenantry::model::sync_run::SyncKind;
use tenantry::model::tenant::{self, Consent};
use tenantry::telemetry::traces::Exporter;
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt;
use uuid::Uuid;

use crate::support::house::{House, now};
use crate::support::world::CLIENT_ID;

type Collected = Arc<Mutex<Vec<Bytes>>>;

async fn collect(State(collected): State<Collected>, body: Bytes) {
    collected.lock().unwrap().push(body);
}

async fn collector() -> (Collected, url::Url) {
    let collected = Collected::default();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap()).parse().unwrap();
    let router = Router::new()
        .route("/v1/traces", post(collect))
        .with_state(collected.clone());
    tokio::spawn(async move { axum::serve(socket, router).await });
    (collected, url)
}

fn spans(collected: &Collected) -> Vec<Span> {
    let bodies = collected.lock().unwrap().clone();
    let requests = bodies
        .into_iter()
        .map(|body| ExportTraceServiceRequest::decode(body).expect("protocol buffers"));
    let resources = requests.flat_map(|request| request.resource_spans);
    resources
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

async fn connected(house: &House) -> Uuid {
    let tenant_id = house.add_tenant(5).await;
    house
        .control("PUT", &format!("tenants/{tenant_id}/consents/{CLIENT_ID}"), json!({}))
        .await;
    let company = house.company("Canary of Contoso").await.id;
    let consent = Consent {
        entra_tenant_id: tenant_id,
        administrator: "Canary Vance".into(),
        administrator_oid: Uuid::new_v4(),
        role_proven: true,
        expected_domain: None,
    };
    let mut conn = house.pool.get().await.unwrap();
    tenant::connect(&mut conn, now() - chrono::TimeDelta::days(1), company, &consent)
        .await
        .expect("connected");
    company
}

#[tokio::test]
async fn a_click_and_the_run_that_it_asked_for_are_one_trace() {
    let house = House::open().await;
    let company = connected(&house).await;
    let (collected, url) = collector().await;
    let exporter = Exporter::new(&url).expect("an exporter");
    // With one subscriber alone, the threads of other tests decide which spans are wanted.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _seen = tracing::subscriber::set_default(tracing_subscriber::registry().with(exporter.layer()));
    let events = Events::start(&house.pool, house.stop.clone()).await.unwrap();
    let mut watch = events.watch(company, SyncKind::Identity);

    let asked = json!({"query": format!(
        "mutation {{ syncCompany(input: {{companyId: \"{}\"}}) {{ syncRun {{ traceId }} }} }}", IdOf::Company.show(company).0
    )});
    let answer = house
        .http
        .post(house.at("/graphql"))
        .bearer_auth(&house.token)
        .json(&asked)
        .send()
        .await
        .unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (request_id, response) = (header("x-request-id"), header("traceresponse"));
    let told: Value = answer.json().await.unwrap();
    let trace_id = told["data"]["syncCompany"]["syncRun"]["traceId"]
        .as_str()
        .expect("a trace")
        .to_owned();
    assert_eq!(trace_id, request_id.replace('-', ""), "one name");
    assert_eq!(response.split('-').nth(1), Some(&*trace_id));

    let engine = house.engine().await;
    let perform = move |claim, place, stop| {
        let engine = engine.clone();
        async move {
            engine.perform(claim, stop).await;
            drop(place);
        }
    };
    let doorbell = Doorbell::open(&house.pool).await.unwrap();
    let worker = tokio::spawn(jobs::work(
        house.pool.clone(),
        doorbell,
        events.clone(),
        1,
        perform,
        house.stop.clone(),
    ));
    loop {
        match watch.next().await.expect("it goes on") {
            News::Run(run) if run.finished_at.is_some() => break,
            _ => {}
        }
    }
    house.stop.cancel();
    worker.await.unwrap();
    tokio::task::spawn_blocking(move || exporter.end()).await.unwrap();

    let spans = spans(&collected);
    let trace: Vec<&str> = spans
        .iter()
        .filter(|span| Uuid::from_slice(&span.trace_id).unwrap().simple().to_string() == trace_id)
        .map(|span| span.name.as_str())
        .collect();
    for name in ["request", "run", "graph", "apply"] {
        assert!(trace.contains(&name), "{name} is not among {trace:?}");
    }
    let sent = format!("{spans:?}");
    assert!(
        !sent.contains("Canary") && !sent.contains(&house.token),
        "names and secrets stay here"
    );
}

#[tokio::test]
async fn a_run_that_nobody_asked_for_begins_a_trace_of_its_own() {
    let house = House::open().await;
    let company = connected(&house).await;
    house
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before)
             values (gen_random_uuid(), '{company}', 'IDENTITY', 'SCHEDULED', 'AUTO', false, 'QUEUED', '', 'the clock', now(), now())"
        ))
        .await;
    let events = Events::start(&house.pool, house.stop.clone()).await.unwrap();
    let mut watch = events.watch(company, SyncKind::Identity);
    let engine = house.engine().await;
    let perform = move |claim, place, stop| {
        let engine = engine.clone();
        async move {
            engine.perform(claim, stop).await;
            drop(place);
        }
    };
    let doorbell = Doorbell::open(&house.pool).await.unwrap();
    let worker = tokio::spawn(jobs::work(
        house.pool.clone(),
        doorbell,
        events.clone(),
        1,
        perform,
        house.stop.clone(),
    ));
    let run = loop {
        match watch.next().await.expect("it goes on") {
            News::Run(run) if run.finished_at.is_some() => break run,
            _ => {}
        }
    };
    assert!(
        run.trace_parent
            .as_deref()
            .is_some_and(|trace| trace.starts_with("00-")),
        "{run:#?}"
    );
    house.stop.cancel();
    worker.await.unwrap();
}
