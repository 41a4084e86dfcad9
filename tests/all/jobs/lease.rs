//! The lease and its fence, as workers meet them.

use tenantry::model::sync_run::lease::{self, LeaseError};
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
