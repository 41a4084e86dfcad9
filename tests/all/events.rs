//! Events: every change, in order, to everybody who watches, whatever is lost on the way.

use tenantry::db::events::{Events, News};
use tenantry::model::sync_run::{SyncKind, SyncStatus, SyncTrigger, lease};

use crate::jobs::house::{House, heard, heard_status, said, soon};

#[tokio::test]
async fn every_change_of_a_run_is_heard_once_and_in_order() {
    let house = House::open().await;
    let contoso = house.company().await;
    let mut watch = house.events.watch(contoso, SyncKind::Identity);

    let run = house.queue(contoso, SyncTrigger::Manual).await;
    house.events.wake();
    let claim = house.claim(run.id).await.expect("claimed");
    let mut conn = house.pool.get().await.unwrap();
    for page in 0..10 {
        lease::report(
            &mut conn,
            run.id,
            claim.fence,
            &said(&format!("Reading contacts: {page}")),
        )
        .await
        .unwrap();
        house.events.wake();
    }
    house.finish(&claim).await;

    let mut told = Vec::new();
    for _ in 0..13 {
        let run = heard(&mut watch).await;
        told.push((run.revision, run.status));
    }
    let (revisions, statuses): (Vec<i64>, Vec<SyncStatus>) = told.into_iter().unzip();
    assert_eq!(revisions, (1..=13).collect::<Vec<_>>());
    assert_eq!(statuses[0], SyncStatus::Queued);
    assert!(statuses[1..12].iter().all(|status| *status == SyncStatus::Running));
    assert_eq!(statuses[12], SyncStatus::Succeeded);
}

#[tokio::test]
async fn an_event_says_how_the_run_was_right_after_the_change() {
    let house = House::open().await;
    let contoso = house.company().await;
    let mut watch = house.events.watch(contoso, SyncKind::Identity);

    let run = house.queue(contoso, SyncTrigger::Manual).await;
    house.events.wake();

    let told = heard(&mut watch).await;
    assert_eq!(serde_json::to_value(told).unwrap(), serde_json::to_value(run).unwrap());
}

#[tokio::test]
async fn a_change_that_woke_nobody_is_heard_all_the_same() {
    let house = House::open().await;
    let contoso = house.company().await;
    let mut watch = house.events.watch(contoso, SyncKind::Identity);

    let run = house.queue(contoso, SyncTrigger::Manual).await;

    assert_eq!(heard(&mut watch).await.id, run.id);
}

#[tokio::test]
async fn another_node_hears_of_it_too() {
    let house = House::open().await;
    let elsewhere = Events::start(&house.pool, house.stop.clone()).await.unwrap();
    let contoso = house.company().await;
    let mut watch = elsewhere.watch(contoso, SyncKind::Identity);

    let run = house.queue(contoso, SyncTrigger::Manual).await;
    house.events.wake();

    assert_eq!(heard(&mut watch).await.id, run.id);
}

#[tokio::test]
async fn who_watches_one_company_hears_of_no_other() {
    let house = House::open().await;
    let (contoso, fabrikam) = (house.company().await, house.company().await);
    let mut watch = house.events.watch(contoso, SyncKind::Identity);
    let mut evidence = house.events.watch(contoso, SyncKind::Evidence);

    house.queue(fabrikam, SyncTrigger::Manual).await;
    let ours = house.queue(contoso, SyncTrigger::Manual).await;
    house.events.wake();

    assert_eq!(heard(&mut watch).await.id, ours.id);
    house.stop.cancel();
    assert!(soon(evidence.next()).await.is_none(), "nor of another kind");
}

#[tokio::test]
async fn a_change_that_commits_after_a_later_one_is_not_skipped() {
    let house = House::open().await;
    let (slow, quick) = (house.company().await, house.company().await);
    let mut slow_watch = house.events.watch(slow, SyncKind::Identity);
    let mut quick_watch = house.events.watch(quick, SyncKind::Identity);
    let slow_run = house.queue(slow, SyncTrigger::Manual).await;
    heard(&mut slow_watch).await;

    let mut client = house.pool.raw().await.unwrap();
    let open = client.transaction().await.unwrap();
    open.execute(
        "with changed as (update sync_run set revision = revision + 1 where id = $1 returning *)
         insert into outbox (company_id, run_id, kind, snapshot)
         select company_id, id, kind, to_jsonb(changed) from changed",
        &[&slow_run.id],
    )
    .await
    .unwrap();
    house.queue(quick, SyncTrigger::Manual).await;
    house.events.wake();
    heard(&mut quick_watch).await;
    open.commit().await.unwrap();
    house.events.wake();

    assert_eq!(heard(&mut slow_watch).await.revision, 2);
}

#[tokio::test]
async fn a_watcher_that_is_too_slow_is_told_and_then_hears_on() {
    let house = House::open().await;
    let contoso = house.company().await;
    let run = house.queue(contoso, SyncTrigger::Manual).await;
    let claim = house.claim(run.id).await.expect("claimed");
    let mut slow = house.events.watch(contoso, SyncKind::Identity);
    let mut quick = house.events.watch(contoso, SyncKind::Identity);
    let mut conn = house.pool.get().await.unwrap();

    for page in 0..100 {
        lease::report(
            &mut conn,
            run.id,
            claim.fence,
            &said(&format!("Reading contacts: {page}")),
        )
        .await
        .unwrap();
        house.events.wake();
        while heard(&mut quick).await.message != format!("Reading contacts: {page}") {}
    }

    assert!(matches!(soon(slow.next()).await, Some(News::Missed)));
    house.finish(&claim).await;
    assert_eq!(
        heard(&mut slow).await.status,
        SyncStatus::Succeeded,
        "what it missed is not told again"
    );
}

#[tokio::test]
async fn nothing_is_lost_when_the_listening_connection_is() {
    let house = House::open().await;
    let contoso = house.company().await;
    let mut watch = house.events.watch(contoso, SyncKind::Identity);

    let cut = house
        .number(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity
             where datname = current_database() and query ilike 'listen %outbox%' or query ilike '%from outbox%'
               and pid <> pg_backend_pid()",
        )
        .await;
    let run = house.queue(contoso, SyncTrigger::Manual).await;
    let claim = house.claim(run.id).await.expect("claimed");
    house.finish(&claim).await;

    assert!(cut > 0, "there was a connection to cut");
    let last = heard_status(&mut watch, run.id, SyncStatus::Succeeded).await;
    assert_eq!(last.revision, 3);
}

#[tokio::test]
async fn every_watch_ends_when_the_server_stops() {
    let house = House::open().await;
    let contoso = house.company().await;
    let mut watch = house.events.watch(contoso, SyncKind::Identity);

    house.stop.cancel();

    assert!(soon(watch.next()).await.is_none());
    let mut late = house.events.watch(contoso, SyncKind::Identity);
    assert!(soon(late.next()).await.is_none());
}
