//! The lease and its fence, as workers meet them.

use diesel_async::{AsyncConnection, RunQueryDsl};
use tenantry::model::sync_run::lease::{self, LeaseError, Wanted};
use tenantry::model::sync_run::{SyncStatus, SyncTrigger};

use super::house::{House, said};

#[tokio::test]
async fn of_two_workers_that_race_one_gets_the_run() {
    let house = House::open().await;
    let run = house.queue(house.company().await, SyncTrigger::Manual).await;

    let (one, other) = tokio::join!(house.claim(run.id), house.claim(run.id));

    assert!(one.is_some() ^ other.is_some(), "exactly one of them");
    assert!(house.claim(run.id).await.is_none(), "nor is it to be had later");
}

#[tokio::test]
async fn a_worker_that_was_taken_for_dead_can_change_nothing_any_more() {
    let house = House::open().await;
    let run = house.queue(house.company().await, SyncTrigger::Manual).await;
    let zombie = house.claim(run.id).await.expect("claimed");
    house.expire(run.id).await;
    let mut conn = house.pool.get().await.unwrap();
    assert_eq!(lease::take_back_expired(&mut conn).await.unwrap(), [run.id]);
    let heir = house.claim(run.id).await.expect("claimed again");

    let report = lease::report(&mut conn, run.id, zombie.fence, &said("still here")).await;
    let renewed = lease::renew(&mut conn, run.id, zombie.fence, std::time::Duration::from_secs(30)).await;
    let ended = lease::finish(
        &mut conn,
        run.id,
        zombie.fence,
        SyncStatus::Succeeded,
        &said("done"),
        None,
    )
    .await;

    assert!(matches!(report, Err(LeaseError::Lost)));
    assert!(matches!(renewed, Err(LeaseError::Lost)));
    assert!(matches!(ended, Err(LeaseError::Lost)));
    house.finish(&heir).await;
    assert_eq!(house.run(run.id).await.message, "Sync complete");
}

#[tokio::test]
async fn a_run_that_brings_five_workers_down_is_set_aside_with_the_reason() {
    let house = House::open().await;
    let run = house.queue(house.company().await, SyncTrigger::Manual).await;
    let mut conn = house.pool.get().await.unwrap();

    for _ in 0..5 {
        house.claim(run.id).await.expect("it is tried again");
        house.expire(run.id).await;
        lease::take_back_expired(&mut conn).await.unwrap();
    }

    let run = house.run(run.id).await;
    assert_eq!(run.status, SyncStatus::Failed);
    assert_eq!(run.failure.expect("a reason").code, "CRASHED");
    assert!(house.claim(run.id).await.is_none());
}

/// Two kinds of run for each of many companies, all due, while the statistics know of past runs alone: as they are taken
/// between the slots.
async fn everything_is_due(house: &House, companies: i64) {
    let client = house.pool.raw().await.unwrap();
    client
        .simple_query(&format!(
            "insert into company (id, name) select gen_random_uuid(), 'Company ' || n from generate_series(1, {companies}) n;
             insert into tenant (company_id, entra_tenant_id, status) select id, gen_random_uuid(), 'CONNECTED' from company;
             insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before, finished_at)
             select gen_random_uuid(), id, 'IDENTITY', 'SCHEDULED', 'AUTO', false, 'SUCCEEDED', '', '', now(), now(), now()
             from company, generate_series(1, 5);
             analyze;
             insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before)
             select gen_random_uuid(), id, kind, 'SCHEDULED', 'AUTO', false, 'QUEUED', '', '', now(), now()
             from company, unnest(array['IDENTITY', 'EVIDENCE']) kind"
        ))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_work_of_finding_what_is_due_grows_with_it_and_not_with_its_square() {
    const COMPANIES: i64 = 500;
    let house = House::open().await;
    everything_is_due(&house, COMPANIES).await;
    let mut conn = house.pool.get().await.unwrap();
    let (due, touched) = conn
        .transaction(async |conn| {
            let due = lease::list_due(conn, 16, Wanted::ALL).await?;
            let touched: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
                "(select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'sync_run')",
            ))
            .get_result(conn)
            .await?;
            diesel::QueryResult::Ok((due, touched))
        })
        .await
        .unwrap();
    assert_eq!(due.len(), 16);
    assert!(touched < 50 * COMPANIES, "{touched} rows were touched");
}

#[tokio::test]
async fn a_click_goes_first_but_not_for_ever() {
    let house = House::open().await;
    let scheduled = house.queue(house.company().await, SyncTrigger::Scheduled).await.id;
    let clicked = house.queue(house.company().await, SyncTrigger::Manual).await.id;
    let mut conn = house.pool.get().await.unwrap();
    for (behind, order) in [
        ("9 minutes", [clicked, scheduled]),
        ("11 minutes", [scheduled, clicked]),
    ] {
        let client = house.pool.raw().await.unwrap();
        let since = format!("update sync_run set not_before = now() - interval '{behind}' where trigger = 'SCHEDULED'");
        client.simple_query(&since).await.unwrap();
        let due = lease::list_due(&mut conn, 16, Wanted::ALL).await.unwrap();
        assert_eq!(due.iter().map(|due| due.run_id).collect::<Vec<_>>(), order, "{behind}");
    }
}
