//! An evidence run: from the click or the clock to its truthful end.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry::db::events::Events;
use tenantry::evidence;
use tenantry::evidence::snapshot::Resource;
use tenantry::graphql::id::IdOf;
use tenantry::jobs::{self, Doorbell};
use tenantry::model::sync_run::{self, SyncRun, SyncStatus};
use tenantry::model::tenant::{self, Consent};

use super::collect::excluding;
use crate::doors_socket::Socket;
use crate::support::house::{House, microsoft, now};
use crate::support::world::{CLIENT_ID, Client, World};

fn failure(run: &SyncRun) -> &str {
    run.failure.as_ref().map_or("", |failure| &failure.code)
}

/// How many runs are kept.
async fn kept(world: &World) -> i64 {
    world.number("select count(*) from evidence_run").await
}

async fn tenant_status(world: &World, client: Client) -> String {
    let rows = world
        .rows(&format!(
            "select status from tenant where company_id = '{}'",
            client.company_id
        ))
        .await;
    rows[0]["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_that_read_everything_says_so() {
    let world = World::start().await;
    let client = world.connected_company(30, 5).await;

    let run = world.collect_evidence(client).await;

    assert_eq!(
        (run.status, run.message.as_str()),
        (SyncStatus::Succeeded, "Evidence complete."),
        "{run:#?}"
    );
    assert_eq!(run.progress, Some(100));
    assert!(run.requests > 20);
    let stages: Vec<&str> = run.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages, ["Reading evidence", "Judging evidence", "Keeping evidence"]);
    assert_eq!(kept(&world).await, 1);
    let pulls = world.number("select count(*) from evidence_pull").await;
    assert_eq!(usize::try_from(pulls), Ok(Resource::ALL.len()));
    let judged = |which: &str| format!("select count(*) from evidence_result where status {which}");
    assert!(
        world.number(&judged("<> 'INDETERMINATE'")).await > 20,
        "it could be judged"
    );
    let again = world.collect_evidence(client).await;
    assert_eq!((again.status, kept(&world).await), (SyncStatus::Succeeded, 2));
}

#[tokio::test]
async fn what_the_tenant_has_no_licence_for_is_named_once_and_is_no_failure() {
    let world = World::start().await;
    let tenant = json!({"seed": 7, "people": 10, "devices": 0, "intune": false, "premium": false});
    let client = world.connected(tenant).await;

    let run = world.collect_evidence(client).await;

    assert_eq!((run.status, failure(&run)), (SyncStatus::Succeeded, ""));
    assert_eq!(run.message.matches("Intune is not part").count(), 1, "{}", run.message);
    assert_eq!(run.message.matches("P1 or P2").count(), 1, "{}", run.message);
}

#[tokio::test]
async fn a_run_that_missed_something_is_partial_and_names_it() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    world
        .fault(
            client,
            json!({"on": "identity/conditionalAccess", "kind": "missing_permission"}),
        )
        .await;

    let run = world.collect_evidence(client).await;

    assert_eq!((run.status, failure(&run)), (SyncStatus::Partial, "PERMISSION_MISSING"));
    assert!(
        run.message.contains("ca_policies, named_locations") && run.message.contains("Policy.Read.All"),
        "{}",
        run.message
    );
    assert_eq!(tenant_status(&world, client).await, "CONNECTED");
    assert_eq!(kept(&world).await, 1, "what was read is kept, and why the rest was not");
}

#[tokio::test]
async fn a_run_that_got_nothing_has_failed() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    world
        .fault(client, json!({"on": "*", "kind": "status", "status": 500}))
        .await;

    let run = world.collect_evidence(client).await;

    assert_eq!((run.status, failure(&run)), (SyncStatus::Failed, "READING_INCOMPLETE"));
}

#[tokio::test]
async fn consent_that_is_revoked_on_the_way_ends_the_run_and_asks_for_a_new_connection() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    let run = world.queue_evidence(client).await;
    let running = world
        .perform_until(client, run.id, "policies/authorizationPolicy")
        .await;

    world
        .delete(&format!("tenants/{}/consents/{CLIENT_ID}", client.tenant_id))
        .await;
    world.mend(client).await;
    running.await.unwrap();

    let run = world.run(run.id).await;
    assert_eq!((run.status, failure(&run)), (SyncStatus::Failed, "CONSENT_MISSING"));
    assert_eq!(tenant_status(&world, client).await, "RECONNECT_NEEDED");
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test]
async fn a_consent_that_has_not_reached_all_of_microsoft_is_waited_for() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    world.sql("update tenant set connected_at = now()").await;
    let consent = format!("tenants/{}/consents/{CLIENT_ID}", client.tenant_id);
    let some = json!({"permissions": ["Organization.Read.All"]});
    world.request("PUT", &consent, Some(some)).await;

    let run = world.collect_evidence(client).await;
    assert_eq!(
        (run.status, run.message.as_str()),
        (SyncStatus::Waiting, "Waiting for Microsoft to apply consent")
    );
    assert_eq!(kept(&world).await, 0);

    world.request("PUT", &consent, Some(json!({}))).await;
    let run = world.perform(run.id).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{}", run.message);
}

#[tokio::test]
async fn a_tenant_that_may_be_the_wrong_one_is_not_read() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    world.sql("update tenant set role_proven = false").await;

    let run = world.collect_evidence(client).await;

    assert_eq!((run.status, failure(&run)), (SyncStatus::Failed, "TENANT_NOT_VERIFIED"));
    assert_eq!(run.requests, 0);
}

#[tokio::test]
async fn a_tenant_that_answers_for_another_is_disconnected_and_nothing_of_it_is_kept() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    world
        .fault(client, json!({"on": "organization", "kind": "other_ids"}))
        .await;

    let run = world.collect_evidence(client).await;

    assert_eq!((run.status, failure(&run)), (SyncStatus::Failed, "TENANT_MISMATCH"));
    assert_eq!(tenant_status(&world, client).await, "DISCONNECTED");
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test]
async fn a_worker_that_was_taken_for_dead_writes_nothing_more() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    let run = world.queue_evidence(client).await;
    let running = world
        .perform_until(client, run.id, "policies/authorizationPolicy")
        .await;
    world
        .sql("update sync_run set fence = fence + 1, status = 'QUEUED', message = 'Sync queued'")
        .await;
    world.mend(client).await;
    running.await.unwrap();

    let run = world.run(run.id).await;
    assert_eq!((run.status, run.message.as_str()), (SyncStatus::Queued, "Sync queued"));
    assert_eq!(kept(&world).await, 0);
    let run = world.perform(run.id).await;
    assert_eq!(
        run.status,
        SyncStatus::Succeeded,
        "whoever takes it over reads everything again"
    );
}

#[tokio::test]
async fn a_run_that_is_cancelled_on_the_way_keeps_nothing() {
    let world = World::start().await;
    let client = world.connected_company(10, 2).await;
    let run = world.queue_evidence(client).await;
    let running = world.perform_until(client, run.id, "auditLogs").await;
    let now = world.now().await;
    {
        let mut conn = world.pool.get().await.unwrap();
        sync_run::cancel_active(&mut conn, now, client.company_id, "The company was disconnected")
            .await
            .unwrap();
    }
    world.mend(client).await;
    running.await.unwrap();

    let run = world.run(run.id).await;
    assert_eq!((run.status, kept(&world).await), (SyncStatus::Cancelled, 0));
}

#[tokio::test]
async fn a_second_wish_joins_the_run_under_way_and_identity_has_its_own() {
    let world = World::start().await;
    let client = world.connected_company(5, 0).await;

    let first = world.queue_evidence(client).await;
    let second = world.queue_evidence(client).await;

    assert_eq!(first.id, second.id);
    let identity = world.sync(client).await;
    assert_eq!(identity.status, SyncStatus::Succeeded);
    assert_eq!(world.run(first.id).await.status, SyncStatus::Queued);
}

#[tokio::test]
async fn whoever_asks_for_evidence_hears_of_it_from_the_queue_to_the_end() {
    let house = House::open().await;
    let tenant_id = house.add_tenant(20).await;
    house
        .control("PUT", &format!("tenants/{tenant_id}/consents/{CLIENT_ID}"), json!({}))
        .await;
    house
        .control("POST", &format!("tenants/{tenant_id}/policies"), excluding(&[]))
        .await;
    let company = connected(&house, tenant_id).await;
    hire(&house).await;
    let mut socket = Socket::introduced(&house).await;
    let watch = format!(
        "subscription {{ syncStatus(companyId: \"{company}\", kind: EVIDENCE) {{ kind status message stage progress }} }}"
    );
    socket.subscribe("1", &watch).await;
    assert_eq!(socket.hear().await["payload"]["data"]["syncStatus"], Value::Null);

    let ask = format!(
        "mutation {{ syncCompany(input: {{companyId: \"{company}\", kind: EVIDENCE}}) {{
             joined syncRun {{ kind status trigger }} userErrors {{ code }} }} }}"
    );
    let answer: Value = house.post(&ask).send().await.unwrap().json().await.unwrap();
    let asked = &answer["data"]["syncCompany"];
    let queued = json!({"kind": "EVIDENCE", "status": "QUEUED", "trigger": "MANUAL"});
    assert_eq!(
        (&asked["syncRun"], &asked["joined"]),
        (&queued, &json!(false)),
        "{answer}"
    );

    let mut heard = Vec::new();
    loop {
        let run = socket.hear().await["payload"]["data"]["syncStatus"].clone();
        let over = ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"].map(Value::from);
        heard.push(run.clone());
        if over.contains(&run["status"]) {
            break;
        }
    }
    assert_eq!(heard[0]["status"], "QUEUED");
    assert!(heard.iter().any(|run| run["stage"] == "Reading evidence"), "{heard:#?}");
    let last = heard.last().unwrap();
    assert_eq!(
        (&last["status"], &last["message"], &last["progress"]),
        (&json!("SUCCEEDED"), &json!("Evidence complete."), &json!(100))
    );
}

/// A company that the real clock leaves alone: its connection is younger than any slot.
async fn connected(house: &House, tenant_id: uuid::Uuid) -> String {
    let company = house.company("Contoso").await;
    let consent = Consent {
        entra_tenant_id: tenant_id,
        administrator: "Adele Vance".into(),
        administrator_oid: uuid::Uuid::new_v4(),
        role_proven: true,
        expected_domain: None,
    };
    let mut conn = house.pool.get().await.unwrap();
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    tenant::connect(&mut conn, later, company.id, &consent).await.unwrap();
    IdOf::Company.show(company.id).0
}

/// A worker that performs evidence runs.
async fn hire(house: &House) {
    let events = Events::start(&house.pool, house.stop.clone()).await.unwrap();
    let doorbell = Doorbell::open(&house.pool).await.unwrap();
    let engine = evidence::Engine::new(
        house.pool.clone(),
        microsoft(&house.simulator),
        events.clone(),
        Arc::new(now),
    );
    let perform = move |claim, place, stop| {
        let engine = engine.clone();
        async move { engine.perform(claim, place, stop).await }
    };
    tokio::spawn(jobs::work(
        house.pool.clone(),
        doorbell,
        events,
        1,
        perform,
        house.stop.clone(),
    ));
}
