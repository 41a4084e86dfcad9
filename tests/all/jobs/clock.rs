//! The clock, with the time in the test's hands.

use chrono::{DateTime, TimeDelta, Utc};
use tenantry::jobs::clock::strike;
use tenantry::model::clock::{latest_slot, next_slot};
use tenantry::model::sync_run::SyncKind;
use tenantry::model::sync_run::{SyncStatus, SyncTrigger};

use super::house::{House, at};

/// Long before the slots of these tests.
fn january() -> DateTime<Utc> {
    at("2026-01-05T08:00:00Z")
}

#[test]
fn slots_are_every_four_hours_from_midnight() {
    assert_eq!(
        latest_slot(SyncKind::Identity, at("2026-03-03T00:00:00Z")),
        at("2026-03-03T00:00:00Z")
    );
    assert_eq!(
        latest_slot(SyncKind::Identity, at("2026-03-03T03:59:59.999999Z")),
        at("2026-03-03T00:00:00Z")
    );
    assert_eq!(
        latest_slot(SyncKind::Identity, at("2026-03-03T23:00:00.5Z")),
        at("2026-03-03T20:00:00Z")
    );
    assert_eq!(
        next_slot(SyncKind::Identity, at("2026-03-03T20:00:00Z")),
        at("2026-03-04T00:00:00Z")
    );
}

#[tokio::test]
async fn a_slot_is_taken_once_per_company_though_two_nodes_strike_at_the_same_moment() {
    let house = House::open().await;
    for _ in 0..20 {
        house.company_since(january()).await;
    }
    let (mut here, mut there) = (house.pool.get().await.unwrap(), house.pool.get().await.unwrap());
    let now = at("2026-03-03T08:00:01Z");

    let (one, other) = tokio::join!(
        strike(&mut here, SyncKind::Identity, now),
        strike(&mut there, SyncKind::Identity, now)
    );

    assert_eq!(one.unwrap() + other.unwrap(), 20);
    assert_eq!(
        strike(&mut here, SyncKind::Identity, now + TimeDelta::hours(1))
            .await
            .unwrap(),
        0,
        "later in the slot nothing is left"
    );
    assert_eq!(house.number("select count(*) from sync_run").await, 20);
    assert_eq!(
        house
            .number("select count(*) from sync_slot where run_id is not null")
            .await,
        20
    );
    assert_eq!(
        house.number("select count(*) from outbox").await,
        20,
        "those who watch are told"
    );
}

#[tokio::test]
async fn a_run_of_the_clock_starts_within_ten_minutes_of_its_slot_always_at_the_same_offset() {
    let house = House::open().await;
    house.company_since(january()).await;
    house.company_since(january()).await;
    let mut conn = house.pool.get().await.unwrap();

    strike(&mut conn, SyncKind::Identity, at("2026-03-03T08:00:01Z"))
        .await
        .unwrap();
    house
        .sql("update sync_run set status = 'SUCCEEDED', finished_at = now()")
        .await;
    strike(&mut conn, SyncKind::Identity, at("2026-03-03T12:07:00Z"))
        .await
        .unwrap();

    let offset = "extract(epoch from not_before - slot)";
    let joined = "from sync_slot join sync_run on sync_run.id = run_id";
    assert_eq!(
        house
            .number(&format!("select count(*) {joined} where {offset} between 0 and 600"))
            .await,
        4
    );
    let offsets = format!("select company_id {joined} group by company_id having count(distinct {offset}) = 1");
    let offsets = offsets.replace("company_id", "sync_slot.company_id");
    assert_eq!(
        house.number(&format!("select count(*) from ({offsets}) stable")).await,
        2
    );
}

#[tokio::test]
async fn after_a_downtime_only_the_latest_slot_runs_and_runs_once() {
    let house = House::open().await;
    house.company_since(january()).await;
    let mut conn = house.pool.get().await.unwrap();
    strike(&mut conn, SyncKind::Identity, at("2026-03-03T00:00:01Z"))
        .await
        .unwrap();
    house
        .sql("update sync_run set status = 'SUCCEEDED', finished_at = now()")
        .await;

    let queued = strike(&mut conn, SyncKind::Identity, at("2026-03-05T17:30:00Z"))
        .await
        .unwrap();

    assert_eq!(queued, 1);
    assert_eq!(
        house
            .number("select count(*) from sync_run where status = 'QUEUED'")
            .await,
        1
    );
    assert_eq!(
        house
            .number("select count(*) from sync_slot where slot = '2026-03-05T16:00:00Z'")
            .await,
        1
    );
    assert_eq!(house.number("select count(*) from sync_slot").await, 2);
}

#[tokio::test]
async fn a_clock_that_was_a_month_ahead_for_a_moment_stops_nobody_until_then() {
    let house = House::open().await;
    house.company_since(january()).await;
    let mut conn = house.pool.get().await.unwrap();
    let mut strikes = Vec::new();
    for now in [
        "2026-04-03T08:00:00Z",
        "2026-03-03T08:00:00Z",
        "2026-03-02T20:00:00Z",
        "2026-03-03T12:00:00Z",
    ] {
        strikes.push(strike(&mut conn, SyncKind::Identity, at(now)).await.unwrap());
    }
    assert_eq!(strikes, [1, 1, 0, 1], "set back by hours, it takes nothing twice");
}

#[tokio::test]
async fn a_slot_before_the_tenant_was_connected_is_not_missed() {
    let house = House::open().await;
    house.company_since(january()).await;
    house
        .sql("update tenant set connected_at = '2026-03-03T08:00:01Z'")
        .await;
    let mut conn = house.pool.get().await.unwrap();

    assert_eq!(
        strike(&mut conn, SyncKind::Identity, at("2026-03-03T11:59:59Z"))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        strike(&mut conn, SyncKind::Identity, at("2026-03-03T12:00:00Z"))
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_company_that_is_not_connected_has_no_slots() {
    let house = House::open().await;
    for status in ["CONSENT_PENDING", "RECONNECT_NEEDED", "DISCONNECTED"] {
        let company = house.company_since(january()).await;
        house
            .sql(&format!(
                "update tenant set status = '{status}' where company_id = '{company}'"
            ))
            .await;
    }
    let mut conn = house.pool.get().await.unwrap();

    assert_eq!(
        strike(&mut conn, SyncKind::Identity, at("2026-03-03T12:00:00Z"))
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn a_slot_joins_the_run_that_is_under_way() {
    let house = House::open().await;
    let contoso = house.company_since(january()).await;
    let run = house.queue(contoso, SyncTrigger::Manual).await;
    house.claim(run.id).await.expect("claimed");
    let mut conn = house.pool.get().await.unwrap();

    strike(&mut conn, SyncKind::Identity, at("2026-03-03T12:00:00Z"))
        .await
        .unwrap();

    assert_eq!(house.number("select count(*) from sync_run").await, 1);
    let noted = format!("select count(*) from sync_slot where run_id = '{}'", run.id);
    assert_eq!(house.number(&noted).await, 1);
    let run = house.run(run.id).await;
    assert_eq!(
        (run.status, run.trigger),
        (SyncStatus::Running, SyncTrigger::Manual),
        "and leaves it as it was"
    );
}

#[tokio::test]
async fn evidence_is_queued_at_a_quarter_past_every_sixth_hour_beside_identity() {
    let house = House::open().await;
    house.company_since(january()).await;
    let mut conn = house.pool.get().await.unwrap();

    for (now, taken) in [
        ("2026-03-03T00:14:59Z", 1),
        ("2026-03-03T00:15:00Z", 1),
        ("2026-03-03T06:14:59Z", 0),
        ("2026-03-03T06:15:00Z", 1),
        ("2026-03-03T12:15:01Z", 1),
        ("2026-03-03T18:16:00Z", 1),
        ("2026-03-03T23:59:59Z", 0),
    ] {
        assert_eq!(
            strike(&mut conn, SyncKind::Evidence, at(now)).await.unwrap(),
            taken,
            "{now}"
        );
        house
            .sql("update sync_run set status = 'SUCCEEDED', finished_at = now() where kind = 'EVIDENCE'")
            .await;
    }
    strike(&mut conn, SyncKind::Identity, at("2026-03-03T20:00:00Z"))
        .await
        .unwrap();

    let slots =
        "select count(*) from sync_slot where kind = 'EVIDENCE' and to_char(slot at time zone 'utc', 'MI') = '15'";
    assert_eq!(house.number(slots).await, 5);
    let kinds = "select count(distinct kind) from sync_run";
    assert_eq!(house.number(kinds).await, 2, "one kind does not take the other's slot");
}
