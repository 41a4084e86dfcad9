//! A queued run says what it waits for, where that is another run of its company.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::InstrumentationEvent;
use diesel_async::AsyncConnection;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::world::{World, company_id};

const EVIDENCE: &str = "query ($id: ID!) { company(id: $id) { latestSync(kind: EVIDENCE) { message } } }";

/// A run that stands so, due at a time that is so far away.
async fn run(world: &World, company: Uuid, kind: &str, status: &str, due: &str, failure: Option<Value>) {
    world
        .sql(
            &format!(
                "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before, failure)
                 values (gen_random_uuid(), $1, $2, 'MANUAL', 'AUTO', false, $3, initcap(lower($3)) || ' as it says', 'Robin', now(),
                         now() + interval '{due}', $4)"
            ),
            &[&company, &kind, &status, &failure.map(Json)],
        )
        .await;
}

async fn message(world: &World, company: Uuid) -> String {
    let told = world.ask(EVIDENCE, json!({"id": company_id(company)})).await;
    let message = &told["company"]["latestSync"]["message"];
    message.as_str().expect("it says something").to_owned()
}

#[tokio::test]
async fn a_run_that_is_kept_by_another_says_by_which_and_until_when() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    run(&world, company, "EVIDENCE", "QUEUED", "-1 second", None).await;
    assert_eq!(message(&world, company).await, "Queued as it says", "nothing keeps it");

    let other = async |status: &str, due: &str, failure: Option<Value>| {
        world.sql("delete from sync_run where kind = 'IDENTITY'", &[]).await;
        run(&world, company, "IDENTITY", status, due, failure).await;
        message(&world, company).await
    };
    let is = "Waits for the identity sync, which";
    assert_eq!(other("RUNNING", "0", None).await, format!("{is} is under way"));
    assert_eq!(
        other("WAITING", "-1 second", None).await,
        format!("{is} is about to go on")
    );
    let told = other("WAITING", "30 minutes", None).await;
    let until = "select to_char(not_before at time zone 'UTC', 'HH24:MI') from sync_run where status = 'WAITING'";
    let until = world.texts(until).await.remove(0);
    assert_eq!(told, format!("{is} waits for Microsoft until {until} UTC"));
    let refused =
        json!({"code": "CREDENTIAL_REFUSED", "message": "The application's client secret has expired.", "remedy": ""});
    assert_eq!(
        other("WAITING", "30 minutes", Some(refused)).await,
        format!("{is} goes on when this is mended: The application's client secret has expired.")
    );
    assert_eq!(
        other("QUEUED", "0", None).await,
        "Queued as it says",
        "whichever is first begins"
    );
}

#[tokio::test]
async fn a_run_that_is_not_due_yet_waits_for_its_time_alone() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    run(&world, company, "EVIDENCE", "QUEUED", "5 minutes", None).await;
    run(&world, company, "IDENTITY", "RUNNING", "0", None).await;
    assert_eq!(message(&world, company).await, "Queued as it says");
}

#[tokio::test]
async fn who_watches_is_told_so_too() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    run(&world, company, "IDENTITY", "RUNNING", "0", None).await;
    run(&world, company, "EVIDENCE", "QUEUED", "0", None).await;
    let watch = "subscription ($id: ID!) { syncStatus(companyId: $id, kind: EVIDENCE) { message } }";
    let mut told = world.subscribe(watch, json!({"id": company_id(company)}));
    let first = told.next().await.expect("an answer").data.into_json().expect("JSON");
    let says = "Waits for the identity sync, which is under way";
    assert_eq!(first["syncStatus"]["message"], says);
}

#[tokio::test]
async fn many_queued_runs_ask_once_and_what_is_not_queued_asks_nothing() {
    let world = World::start().await;
    for number in 0..12 {
        let company = world.connected_company(&format!("Company {number}")).await;
        run(&world, company, "IDENTITY", "RUNNING", "0", None).await;
        run(&world, company, "EVIDENCE", "QUEUED", "0", None).await;
    }
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = statements.clone();
    world
        .pool
        .get()
        .await
        .expect("a connection")
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event
                && !query.to_string().starts_with("SELECT $1 --")
            {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
    let ask = async |kind: &str, first: i32| {
        let before = statements.load(Ordering::Relaxed);
        let query = "query ($kind: SyncKind!, $first: Int) { syncRuns(kind: $kind, first: $first) { edges { node { message } } } }";
        let data = world.ask(query, json!({"kind": kind, "first": first})).await;
        let edges = data["syncRuns"]["edges"].as_array().map(Vec::len);
        assert_eq!(edges, usize::try_from(first).ok());
        statements.load(Ordering::Relaxed) - before
    };
    // The runs, and what is ahead of them.
    assert_eq!(
        [
            ask("EVIDENCE", 1).await,
            ask("EVIDENCE", 12).await,
            ask("IDENTITY", 12).await
        ],
        [2, 2, 1]
    );
}
