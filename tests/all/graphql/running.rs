//! How a company is run is chosen and told.

use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, company_id};

const SCHEDULE: &str = "mutation ($input: UpdateSyncScheduleInput!) {
    updateSyncSchedule(input: $input) { company { id } userErrors { code path } } }";
const GUARD: &str = "mutation ($input: UpdateSyncGuardInput!) {
    updateSyncGuard(input: $input) { company { syncGuard { percent atLeast atMost } } userErrors { code path } } }";
const STANDS: &str = "query ($id: ID!) { company(id: $id) {
    nextSyncAt evidenceAt: nextSyncAt(kind: EVIDENCE)
    syncSchedules { kind everyHours paused pausedSince failures nextSyncAt } } }";

async fn schedules(world: &World, id: &Value) -> Value {
    world.ask(STANDS, json!({"id": id})).await["company"].clone()
}

#[tokio::test]
async fn a_schedule_is_paused_and_resumed_and_says_so() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let id = company_id(company);
    let usual = schedules(&world, &id).await;
    assert_eq!(usual["syncSchedules"][0]["everyHours"], 4);
    assert_eq!(usual["syncSchedules"][1]["everyHours"], 6);
    assert_eq!(usual["syncSchedules"][0]["nextSyncAt"], usual["nextSyncAt"]);

    let pause = json!({"input": {"companyId": id, "kind": "EVIDENCE", "paused": true, "everyHours": 12}});
    let paused = &world.ask(SCHEDULE, pause.clone()).await["updateSyncSchedule"];
    assert_eq!(paused, &json!({"company": {"id": id}, "userErrors": []}));

    let told = schedules(&world, &id).await;
    let evidence = &told["syncSchedules"][1];
    assert_eq!(
        (&evidence["paused"], &evidence["everyHours"]),
        (&json!(true), &json!(12))
    );
    assert!(evidence["pausedSince"].is_string());
    assert_eq!(
        (&told["evidenceAt"], &evidence["nextSyncAt"]),
        (&Value::Null, &Value::Null)
    );
    assert!(told["nextSyncAt"].is_string(), "the other kind goes on");

    world.ask(SCHEDULE, pause).await;
    let resume = json!({"input": {"companyId": id, "kind": "EVIDENCE", "paused": false}});
    world.ask(SCHEDULE, resume).await;
    let evidence = schedules(&world, &id).await["syncSchedules"][1].clone();
    assert_eq!(
        (&evidence["paused"], &evidence["everyHours"]),
        (&json!(false), &json!(12))
    );
    let next = evidence["nextSyncAt"].as_str().expect("a time");
    assert!(next.contains("T00:15:00") || next.contains("T12:15:00"), "{next}");
    let rows = world.number("select count(*) from sync_schedule", &[]).await;
    assert_eq!(rows, 2, "what changes nothing is not written down");
}

#[tokio::test]
async fn a_company_that_is_not_connected_has_a_schedule_and_no_next_sync() {
    let world = World::start().await;
    let company = world.company("Fresh").await;
    let told = schedules(&world, &company_id(company)).await;
    assert_eq!(told["nextSyncAt"], Value::Null);
    assert_eq!(told["syncSchedules"][0]["nextSyncAt"], Value::Null);
    assert_eq!(told["syncSchedules"][0]["paused"], false);
}

#[tokio::test]
async fn a_tenant_that_keeps_failing_says_when_it_is_tried_again() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    for hours in 1..=3 {
        world
            .sql(
                "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, failure, queued_at,
                                       not_before, finished_at)
                 values (gen_random_uuid(), $1, 'IDENTITY', 'SCHEDULED', 'AUTO', false, 'FAILED', 'x', 'Schedule',
                         '{\"code\": \"TOKEN_REFUSED\", \"message\": \"x\", \"remedy\": \"x\"}',
                         now() - $2 * interval '1 minute', now(), now())",
                &[&company, &f64::from(hours)],
            )
            .await;
    }

    let told = schedules(&world, &company_id(company)).await;

    assert_eq!(told["syncSchedules"][0]["failures"], 3);
    let next: chrono::DateTime<chrono::Utc> = told["nextSyncAt"]
        .as_str()
        .and_then(|at| at.parse().ok())
        .expect("a time");
    let wait = next - crate::support::house::now();
    assert!(wait > chrono::TimeDelta::hours(11), "{wait}");
}

const RUNS: &str = "query ($id: ID!) { company(id: $id) {
    latestSync { status message trigger finishedAt } evidence: latestSync(kind: EVIDENCE) { status } } }";

async fn scheduled(world: &World, company: Uuid, kind: &str, began: bool) {
    world
        .sql(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before, started_at)
             values (gen_random_uuid(), $1, $2, 'SCHEDULED', 'AUTO', false, 'QUEUED', 'Sync queued', 'Schedule', now(), now(),
                     case when $3 then now() end)",
            &[&company, &kind, &began],
        )
        .await;
}

#[tokio::test]
async fn a_scheduled_run_that_was_not_begun_is_cancelled_with_the_pause_and_says_so() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let id = company_id(company);
    scheduled(&world, company, "IDENTITY", false).await;
    scheduled(&world, company, "EVIDENCE", false).await;

    world
        .ask(SCHEDULE, json!({"input": {"companyId": id, "paused": true}}))
        .await;

    let runs = &world.ask(RUNS, json!({"id": id})).await["company"];
    let cancelled = &runs["latestSync"];
    assert_eq!(cancelled["status"], "CANCELLED");
    assert_eq!(cancelled["message"], "The schedule was paused before it began");
    assert!(cancelled["finishedAt"].is_string());
    assert_eq!(runs["evidence"]["status"], "QUEUED", "the other kind goes on");
    let told = "select count(*) from outbox where snapshot ->> 'status' = 'CANCELLED'";
    assert_eq!(world.number(told, &[]).await, 1, "whoever watches is told");

    world
        .ask(SCHEDULE, json!({"input": {"companyId": id, "paused": false}}))
        .await;
    let next: chrono::DateTime<chrono::Utc> = schedules(&world, &id).await["nextSyncAt"]
        .as_str()
        .and_then(|at| at.parse().ok())
        .expect("a time");
    assert!(next > crate::support::house::now(), "the slot is not made up for");
}

#[tokio::test]
async fn a_run_that_was_begun_or_asked_for_outlives_the_pause() {
    let world = World::start().await;
    let asked = world.connected_company("Contoso").await;
    let begun = world.connected_company("Fabrikam").await;
    scheduled(&world, asked, "IDENTITY", false).await;
    scheduled(&world, begun, "IDENTITY", true).await;
    let click = "mutation ($id: ID!) { syncCompany(input: {companyId: $id}) { joined syncRun { trigger } } }";
    let joined = &world.ask(click, json!({"id": company_id(asked)})).await["syncCompany"];
    assert_eq!(
        joined,
        &json!({"joined": true, "syncRun": {"trigger": "MANUAL"}}),
        "it is due already, and theirs all the same"
    );

    for id in [asked, begun].map(company_id) {
        world
            .ask(SCHEDULE, json!({"input": {"companyId": id, "paused": true}}))
            .await;
        let runs = &world.ask(RUNS, json!({"id": id})).await["company"];
        assert_eq!(runs["latestSync"]["status"], "QUEUED");
    }
}

#[tokio::test]
async fn hours_that_cannot_be_are_refused() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    for (kind, hours) in [("IDENTITY", 5), ("EVIDENCE", 8), ("IDENTITY", -4)] {
        let input = json!({"input": {"companyId": company_id(company), "kind": kind, "everyHours": hours}});
        let refused = &world.ask(SCHEDULE, input).await["updateSyncSchedule"];
        let path = ["input", "everyHours"];
        assert_eq!(
            refused["userErrors"],
            json!([{"code": "BAD_INPUT", "path": path}]),
            "{kind} {hours}"
        );
    }
}

#[tokio::test]
async fn the_guard_is_changed_field_by_field_and_cannot_be_taken_away() {
    let world = World::start().await;
    let id = company_id(world.connected_company("Contoso").await);
    let update = |with: Value| {
        let mut input = json!({"companyId": id});
        input.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        json!({"input": input})
    };
    world.ask(GUARD, update(json!({"percent": 5}))).await;
    let saved = &world.ask(GUARD, update(json!({"atMost": 50}))).await["updateSyncGuard"];
    assert_eq!(
        saved["company"]["syncGuard"],
        json!({"percent": 5, "atLeast": 10, "atMost": 50})
    );
    for (input, field) in [
        (json!({"percent": 51}), "percent"),
        (json!({"percent": -1}), "percent"),
        (json!({"atLeast": 101}), "atLeast"),
        (json!({"atMost": 0}), "atMost"),
        (json!({"atMost": 9}), "atMost"),
    ] {
        let refused = &world.ask(GUARD, update(input)).await["updateSyncGuard"];
        assert_eq!(
            refused["userErrors"],
            json!([{"code": "BAD_INPUT", "path": ["input", field]}])
        );
    }
}
