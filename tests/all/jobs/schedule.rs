//! Schedules: which slots a company takes, and how a tenant that keeps failing is left alone, with the time in the test's
//! hands.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use tenantry::jobs::clock::strike;
use tenantry::model::sync_run::{SyncKind, SyncTrigger};
use tenantry::model::sync_schedule;
use uuid::Uuid;

use super::house::{House, at};

/// A company that was connected long before, with a schedule that is as old.
async fn company(house: &House, every_hours: Option<i32>, paused: bool) -> Uuid {
    let company = house.company_since(at("2026-01-05T08:00:00Z")).await;
    change(house, company, every_hours, Some(paused)).await;
    house
        .sql("update sync_schedule set since = '2026-01-05T08:00:00Z'")
        .await;
    company
}

async fn change(house: &House, company: Uuid, every_hours: Option<i32>, paused: Option<bool>) {
    let mut conn = house.pool.get().await.unwrap();
    conn.transaction(async |conn| sync_schedule::change(conn, company, SyncKind::Identity, every_hours, paused).await)
        .await
        .expect("it can be chosen");
}

/// Strikes every ten minutes of a stretch of time, ends each run like this, and answers when runs were queued.
async fn strikes(house: &House, from: &str, hours: i64, ending: &str) -> Vec<DateTime<Utc>> {
    let mut conn = house.pool.get().await.unwrap();
    let mut queued = Vec::new();
    for minutes in 0..hours * 6 {
        let now = at(from) + TimeDelta::minutes(minutes * 10);
        if strike(&mut conn, SyncKind::Identity, now).await.unwrap() > 0 {
            queued.push(now);
            end(house, ending).await;
        }
    }
    queued
}

async fn end(house: &House, ending: &str) {
    let (status, code) = ending.split_once(' ').unwrap_or((ending, ""));
    house
        .sql(&format!(
            "update sync_run set status = '{status}', finished_at = now(),
                    failure = nullif('{{\"code\": \"{code}\", \"message\": \"It failed.\", \"remedy\": \"\"}}', '{{\"code\": \"\", \"message\": \"It failed.\", \"remedy\": \"\"}}')::jsonb
             where finished_at is null"
        ))
        .await;
}

fn hours(times: &[DateTime<Utc>]) -> Vec<String> {
    times.iter().map(|time| time.format("%d %H").to_string()).collect()
}

#[tokio::test]
async fn a_company_takes_the_slots_that_its_schedule_has_and_no_others() {
    let house = House::open().await;
    let contoso = company(&house, Some(12), false).await;

    let queued = strikes(&house, "2026-03-03T00:00:00Z", 26, "SUCCEEDED").await;

    assert_eq!(hours(&queued), ["03 00", "03 12", "04 00"]);
    let next = house
        .outlook(contoso)
        .await
        .next(SyncKind::Identity, at("2026-03-04T00:05:00Z"));
    assert_eq!(next, Some(at("2026-03-04T12:00:00Z")));
}

#[tokio::test]
async fn a_slot_of_a_sparse_schedule_that_was_missed_runs_once_and_late() {
    let house = House::open().await;
    company(&house, Some(24), false).await;

    let queued = strikes(&house, "2026-03-03T09:30:00Z", 10, "SUCCEEDED").await;

    assert_eq!(queued, [at("2026-03-03T09:30:00Z")]);
    assert_eq!(
        house
            .number("select count(*) from sync_slot where slot = '2026-03-03T00:00:00Z'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_paused_schedule_queues_nothing_and_resumes_with_the_next_slot() {
    let house = House::open().await;
    let contoso = company(&house, None, true).await;
    assert!(
        strikes(&house, "2026-03-03T00:00:00Z", 24, "SUCCEEDED")
            .await
            .is_empty()
    );
    assert_eq!(
        house
            .outlook(contoso)
            .await
            .next(SyncKind::Identity, at("2026-03-03T00:00:00Z")),
        None
    );
    house.queue(contoso, SyncTrigger::Manual).await;
    end(&house, "SUCCEEDED").await;

    change(&house, contoso, None, Some(false)).await;
    house
        .sql("update sync_schedule set since = '2026-03-04T01:00:00Z' where not paused")
        .await;

    let queued = strikes(&house, "2026-03-04T01:00:00Z", 4, "SUCCEEDED").await;
    assert_eq!(hours(&queued), ["04 04"], "the slot of midnight was not missed");
}

#[tokio::test]
async fn a_schedule_is_paused_since_it_was_whatever_hours_are_chosen_meanwhile() {
    let house = House::open().await;
    let contoso = company(&house, None, true).await;
    change(&house, contoso, Some(12), None).await;
    assert_eq!(house.outlook(contoso).await.schedule.every_hours, 12);
    assert_eq!(
        house.outlook(contoso).await.paused_since,
        Some(at("2026-01-05T08:00:00Z"))
    );
    change(&house, contoso, None, Some(false)).await;
    assert_eq!(house.outlook(contoso).await.paused_since, None);
    change(&house, contoso, None, Some(true)).await;
    let again = house.outlook(contoso).await;
    assert_eq!(
        again.paused_since,
        Some(again.schedule.since),
        "what was before is over"
    );
}

#[tokio::test]
async fn a_tenant_that_fails_is_left_alone_for_longer_each_time_and_what_is_shown_is_kept() {
    let house = House::open().await;
    let contoso = company(&house, None, false).await;
    let mut shown = Vec::new();
    let mut queued = strikes(&house, "2026-03-03T00:00:00Z", 1, "FAILED UNEXPECTED_RESPONSE").await;
    while queued.len() < 6 {
        let now = queued[queued.len() - 1] + TimeDelta::minutes(30);
        let next = house
            .outlook(contoso)
            .await
            .next(SyncKind::Identity, now)
            .expect("it says when");
        shown.push(next);
        let later = strikes(&house, &now.to_rfc3339(), 25, "FAILED UNEXPECTED_RESPONSE").await;
        queued.push(later[0]);
        // Only the first was of interest.
        house
            .sql(&format!("delete from sync_slot where slot > '{}'", later[0]))
            .await;
        house
            .sql(&format!("delete from sync_run where queued_at > '{}'", later[0]))
            .await;
    }

    assert_eq!(hours(&queued), ["03 00", "03 04", "03 12", "04 04", "05 04", "06 04"]);
    assert_eq!(shown, queued[1..], "it said so before");
    let reason =
        "select count(*) from sync_slot where run_id is null and passed_over like 'Passed over: the last % failed%'";
    assert!(
        house.number(reason).await > 0,
        "and says of a slot why it was passed over"
    );
}

#[tokio::test]
async fn a_run_that_succeeds_ends_the_leaving_alone() {
    let house = House::open().await;
    let contoso = company(&house, None, false).await;
    strikes(&house, "2026-03-03T00:00:00Z", 25, "FAILED MICROSOFT_UNAVAILABLE").await;
    assert!(house.outlook(contoso).await.failures > 1);
    house.queue(contoso, SyncTrigger::Manual).await;
    house
        .sql("update sync_run set queued_at = '2026-03-04T01:00:00Z' where finished_at is null")
        .await;

    end(&house, "PARTIAL").await;

    assert_eq!(house.outlook(contoso).await.failures, 0);
    let queued = strikes(&house, "2026-03-04T01:00:00Z", 8, "SUCCEEDED").await;
    assert_eq!(hours(&queued), ["04 04", "04 08"]);
}

#[tokio::test]
async fn what_fails_because_of_us_leaves_no_tenant_alone() {
    let house = House::open().await;
    for code in ["CREDENTIAL_REFUSED", "STORAGE_FULL", "INTERNAL"] {
        let contoso = company(&house, None, false).await;
        let queued = strikes(&house, "2026-03-03T00:00:00Z", 24, &format!("FAILED {code}")).await;
        assert_eq!(queued.len(), 6, "{code}");
        house.sql(&format!("delete from company where id = '{contoso}'")).await;
    }
}

#[tokio::test]
async fn hours_that_do_not_go_into_the_clock_are_refused() {
    let house = House::open().await;
    let contoso = company(&house, None, false).await;
    let mut conn = house.pool.get().await.unwrap();
    for (kind, every_hours) in [
        (SyncKind::Identity, 6),
        (SyncKind::Identity, 0),
        (SyncKind::Identity, 48),
        (SyncKind::Evidence, 4),
    ] {
        let refused = sync_schedule::change(&mut conn, contoso, kind, Some(every_hours), None).await;
        assert!(refused.is_err(), "{kind} {every_hours}");
    }
}

#[tokio::test]
async fn a_slot_that_is_struck_while_somebody_pauses_is_not_taken() {
    let house = House::open().await;
    let contoso = company(&house, None, false).await;
    let mut pausing = house.pool.get().await.unwrap();
    let mut striking = house.pool.get().await.unwrap();
    let struck = pausing
        .transaction(async |conn| -> Result<_, tenantry::error::Failure> {
            tenantry::model::tenant::lock(conn, contoso).await?;
            sync_schedule::change(conn, contoso, SyncKind::Identity, None, Some(true)).await?;
            let strike = async move { strike(&mut striking, SyncKind::Identity, at("2026-03-03T00:00:30Z")).await };
            let strike = tokio::spawn(strike);
            let waits = "select count(*) from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'";
            while house.number(waits).await == 0 {
                tokio::task::yield_now().await;
            }
            Ok(strike)
        })
        .await
        .expect("it can be paused");
    assert_eq!(struck.await.unwrap().unwrap(), 0);
    assert_eq!(house.number("select count(*) from sync_slot").await, 0);
}
