//! What of past syncs goes, and what stays.

use chrono::{DateTime, TimeDelta, Utc};
use tenantry::model::sync_run::past;
use uuid::Uuid;

use super::house::{House, at};

fn today() -> DateTime<Utc> {
    at("2030-06-01T12:00:00Z")
}

/// A finished run that was queued so many days ago, with its slot and what it changed.
async fn run(house: &House, company: Uuid, kind: &str, days: i64) -> Uuid {
    let (id, queued) = (Uuid::now_v7(), today() - TimeDelta::days(days));
    house
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at,
                                   not_before, finished_at)
             values ('{id}', '{company}', '{kind}', 'SCHEDULED', 'AUTO', false, 'SUCCEEDED', 'x', 'x', '{queued}', '{queued}', '{queued}')"
        ))
        .await;
    house
        .sql(&format!(
            "insert into sync_slot (company_id, kind, slot, run_id) values ('{company}', '{kind}', '{queued}', '{id}')"
        ))
        .await;
    if kind == "IDENTITY" {
        let change = "insert into sync_change (run_id, noun, record_id, action)";
        house
            .sql(&format!("{change} values ('{id}', 'CONTACT', '{id}', 'UPDATED')"))
            .await;
    }
    id
}

async fn hold(house: &House, company: Uuid, run: Uuid, decision: &str, days: i64) {
    let decided = today() - TimeDelta::days(days);
    house
        .sql(&format!(
            "insert into held_change (run_id, company_id, noun, record_id, because, decision, decided_at)
             values ('{run}', '{company}', 'CONTACT', gen_random_uuid(), 'LEFT', '{decision}',
                     case when '{decision}' <> 'HELD' then timestamptz '{decided}' end)"
        ))
        .await;
}

async fn prune(house: &House) -> past::Pruned {
    let mut conn = house.pool.get().await.expect("a connection");
    past::prune(&mut conn, today()).await.expect("the database answers")
}

async fn left(house: &House, table: &str) -> i64 {
    house.number(&format!("select count(*) from {table}")).await
}

#[tokio::test]
async fn old_syncs_go_and_the_newest_of_each_kind_stays() {
    let house = House::open().await;
    let (busy, idle) = (house.company().await, house.company().await);
    for days in [1, 89, 91, 200, 500] {
        run(&house, busy, "IDENTITY", days).await;
    }
    let last = run(&house, idle, "IDENTITY", 300).await;
    run(&house, idle, "IDENTITY", 301).await;

    let pruned = prune(&house).await;

    assert_eq!((pruned.runs, pruned.slots, pruned.changes), (4, 5, 5));
    assert_eq!(left(&house, &format!("sync_run where company_id = '{busy}'")).await, 2);
    assert_eq!(left(&house, &format!("sync_run where id = '{last}'")).await, 1);
    assert_eq!(prune(&house).await, past::Pruned::default(), "once is enough");
}

#[tokio::test]
async fn evidence_runs_and_their_slots_stay_as_long_as_the_evidence() {
    let house = House::open().await;
    let (without, with) = (house.company().await, house.company().await);
    for company in [without, with] {
        for days in [1, 399, 401, 900, 1_700] {
            run(&house, company, "EVIDENCE", days).await;
        }
    }
    // Of the fifth of January 2026: longer ago than all but the oldest of these.
    crate::evidence::kept::fill(&house.pool, with, "Contoso", Uuid::now_v7()).await;

    prune(&house).await;

    assert_eq!(
        left(&house, &format!("sync_run where company_id = '{without}'")).await,
        2
    );
    assert_eq!(
        left(&house, &format!("sync_slot where company_id = '{without}'")).await,
        2
    );
    assert_eq!(left(&house, &format!("sync_run where company_id = '{with}'")).await, 5);
    assert_eq!(left(&house, &format!("sync_slot where company_id = '{with}'")).await, 5);
}

#[tokio::test]
async fn what_waits_for_a_person_stays_however_old_it_is() {
    let house = House::open().await;
    let contoso = house.company().await;
    let waits = run(&house, contoso, "IDENTITY", 400).await;
    hold(&house, contoso, waits, "HELD", 0).await;
    hold(&house, contoso, waits, "RELEASED", 400).await;
    let replaced = run(&house, contoso, "IDENTITY", 30).await;
    hold(&house, contoso, replaced, "SUPERSEDED", 8).await;
    hold(&house, contoso, replaced, "SUPERSEDED", 6).await;
    hold(&house, contoso, replaced, "DISCARDED", 30).await;
    run(&house, contoso, "IDENTITY", 1).await;

    let pruned = prune(&house).await;

    assert_eq!(pruned.holds, 2);
    assert_eq!(left(&house, &format!("sync_run where id = '{waits}'")).await, 1);
    assert_eq!(left(&house, "held_change").await, 3);
}

#[tokio::test]
async fn runs_that_are_not_over_stay_and_a_heap_of_old_ones_goes_in_batches() {
    let house = House::open().await;
    let contoso = house.company().await;
    let old = today() - TimeDelta::days(100);
    house
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before,
                                   finished_at)
             select gen_random_uuid(), '{contoso}', 'IDENTITY', 'MANUAL', 'AUTO', false, 'SUCCEEDED', 'x', 'x',
                    timestamptz '{old}' - n * interval '1 minute', now(), now()
             from generate_series(1, 900) n"
        ))
        .await;
    house
        .sql(&format!(
            "insert into sync_change (run_id, noun, record_id, action)
             select id, 'CONTACT', gen_random_uuid(), 'UPDATED' from sync_run, generate_series(1, 10)
             where company_id = '{contoso}'"
        ))
        .await;
    let waiting = run(&house, contoso, "IDENTITY", 95).await;
    house
        .sql(&format!(
            "update sync_run set status = 'WAITING', finished_at = null where id = '{waiting}'"
        ))
        .await;

    let pruned = prune(&house).await;

    assert_eq!((pruned.runs, pruned.changes), (900, 9_000));
    assert_eq!(left(&house, &format!("sync_run where id = '{waiting}'")).await, 1);
}
