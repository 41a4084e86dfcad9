//! The worker, and its death.

use tenantry::db::Pool;
use tenantry::db::events::Events;
use tenantry::jobs::{self, Doorbell};
use tenantry::model::sync_run::lease::{self, LeaseError};
use tenantry::model::sync_run::{SyncKind, SyncStatus, SyncTrigger};
use tenantry::model::tenant;
use tokio_util::sync::CancellationToken;

use super::house::{House, heard_status, said, soon, stage};

#[tokio::test]
async fn a_run_is_performed_once_however_often_the_bell_rings_and_whoever_hears_it() {
    let house = House::open().await;
    let (mut here, mut there) = (house.hire(2), house.hire(2));
    let run = house.queue(house.company().await, SyncTrigger::Manual).await;

    for _ in 0..5 {
        house.doorbell.ring(run.id).await;
    }
    let performance = tokio::select! { run = here.next() => run, run = there.next() => run };
    house.finish(&performance.claim).await;
    performance.end();
    house.doorbell.ring(run.id).await;
    let last = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(last.id).await;
    let performance = tokio::select! { run = here.next() => run, run = there.next() => run };

    assert_eq!(performance.claim.run.id, last.id);
    house.finish(&performance.claim).await;
    performance.end();
    assert!(
        here.leave().await.is_empty() && there.leave().await.is_empty(),
        "nothing was performed again"
    );
}

#[tokio::test]
async fn a_tenant_has_one_run_at_a_time_and_the_next_follows_at_once() {
    let house = House::open().await;
    let mut worker = house.hire(4);
    let contoso = house.company().await;
    let first = house.queue(contoso, SyncTrigger::Manual).await;
    house.doorbell.ring(first.id).await;
    let performance = worker.next().await;

    let second = house.queue_dry(contoso).await;
    house.doorbell.ring(second.id).await;
    let elsewhere = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(elsewhere.id).await;

    let other = worker.next().await;
    assert_eq!(other.claim.run.id, elsewhere.id, "another tenant is not held up");
    assert_eq!(house.run(second.id).await.status, SyncStatus::Queued);
    house.finish(&performance.claim).await;
    performance.end();
    assert_eq!(worker.next().await.claim.run.id, second.id);
}

#[tokio::test]
async fn a_bell_that_nobody_rang_is_found_by_the_sweep() {
    let house = House::open().await;
    let mut worker = house.hire(1);

    let run = house.queue(house.company().await, SyncTrigger::Manual).await;

    assert_eq!(worker.next().await.claim.run.id, run.id);
}

#[tokio::test]
async fn the_click_that_came_last_goes_before_the_runs_of_the_clock() {
    let house = House::open().await;
    let mut worker = house.hire(1);
    let busy = house.queue(house.company().await, SyncTrigger::Scheduled).await;
    house.doorbell.ring(busy.id).await;
    let performance = worker.next().await;
    for _ in 0..5 {
        let scheduled = house.queue(house.company().await, SyncTrigger::Scheduled).await;
        house.doorbell.ring(scheduled.id).await;
    }

    let click = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(click.id).await;
    house.finish(&performance.claim).await;
    performance.end();

    assert_eq!(worker.next().await.claim.run.id, click.id);
}

#[test]
fn a_run_whose_worker_died_is_performed_by_another_and_the_dead_one_writes_nothing_more() {
    let survivor = tokio::runtime::Runtime::new().unwrap();
    let doomed = tokio::runtime::Runtime::new().unwrap();
    let house = survivor.block_on(House::open());
    let (perform, mut stage) = stage();
    let url = house.pool.direct().url().to_owned();
    doomed.spawn(async move {
        let pool = Pool::new(&url, 4).unwrap();
        let stop = CancellationToken::new();
        let events = Events::start(&pool, stop.clone()).await.unwrap();
        let doorbell = Doorbell::open(&pool).await.unwrap();
        jobs::work(pool, doorbell, events, 1, perform, stop).await;
    });

    survivor.block_on(async {
        let run = house.queue(house.company().await, SyncTrigger::Manual).await;
        house.doorbell.ring(run.id).await;
        let zombie = stage.recv().await.expect("the doomed worker performs it").claim;
        doomed.shutdown_background();
        house.expire(run.id).await;

        let mut worker = house.hire(1);
        let heir = worker.next().await;

        assert_eq!(heir.claim.run.id, run.id);
        assert!(heir.claim.fence > zombie.fence);
        let mut conn = house.pool.get().await.unwrap();
        let late = lease::report(&mut conn, run.id, zombie.fence, &said("not dead yet")).await;
        assert!(matches!(late, Err(LeaseError::Lost)));
        house.finish(&heir.claim).await;
        assert_eq!(house.run(run.id).await.status, SyncStatus::Succeeded);
    });
}

#[tokio::test]
async fn a_run_that_leaves_its_place_for_a_while_lets_another_have_it() {
    let house = House::open().await;
    let mut worker = house.hire(1);
    let first = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(first.id).await;
    let mut waiting = worker.next().await;

    assert!(waiting.place.leave());
    let second = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(second.id).await;
    let between = worker.next().await;
    assert_eq!(between.claim.run.id, second.id);
    house.finish(&between.claim).await;
    between.end();

    soon(waiting.place.take_again()).await;
    house.finish(&waiting.claim).await;
    assert_eq!(house.run(first.id).await.status, SyncStatus::Succeeded);
    waiting.end();
    assert!(worker.leave().await.is_empty());
}

#[tokio::test]
async fn a_run_that_panics_takes_no_place_away() {
    let house = House::open().await;
    let poison = house.queue(house.company().await, SyncTrigger::Manual).await;
    let (perform, mut stage) = stage();
    let poison_id = poison.id;
    let perform = move |claim: lease::Claim, place, stop: CancellationToken| {
        assert_ne!(claim.run.id, poison_id, "this run is poison");
        perform(claim, place, stop)
    };
    let stop = house.stop.child_token();
    tokio::spawn(jobs::work(
        house.pool.clone(),
        house.doorbell.clone(),
        house.events.clone(),
        1,
        perform,
        stop,
    ));

    house.doorbell.ring(poison.id).await;
    let healthy = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(healthy.id).await;

    let performance = soon(stage.recv()).await.expect("the worker lives");
    assert_eq!(performance.claim.run.id, healthy.id);
}

#[tokio::test]
async fn a_run_that_is_cancelled_is_let_go_at_once() {
    let house = House::open().await;
    let mut worker = house.hire(1);
    let contoso = house.company().await;
    let run = house.queue(contoso, SyncTrigger::Manual).await;
    house.doorbell.ring(run.id).await;
    let performance = worker.next().await;

    let mut conn = house.pool.get().await.unwrap();
    tenant::disconnect(&mut conn, house.now().await, contoso, "Disconnected")
        .await
        .unwrap();
    house.events.wake();

    performance.until_let_go().await;
    assert_eq!(house.run(run.id).await.status, SyncStatus::Cancelled);
}

#[tokio::test]
async fn a_worker_that_is_asked_to_stop_hands_its_run_back_and_takes_no_other() {
    let house = House::open().await;
    let mut worker = house.hire(1);
    let run = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(run.id).await;
    let performance = worker.next().await;
    let other = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(other.id).await;

    worker.stop.cancel();
    performance.stop.cancelled().await;
    let mut conn = house.pool.get().await.unwrap();
    lease::hand_back(&mut conn, run.id, performance.claim.fence)
        .await
        .unwrap();
    performance.end();

    assert!(worker.leave().await.is_empty(), "no other run was begun");
    assert_eq!(house.run(run.id).await.status, SyncStatus::Queued);
    assert_eq!(house.run(other.id).await.status, SyncStatus::Queued);
    let mut successor = house.hire(1);
    assert_eq!(
        successor.next().await.claim.run.id,
        run.id,
        "the next worker goes on with it"
    );
}

#[tokio::test]
async fn a_worker_whose_connections_were_cut_works_on() {
    let house = House::open().await;
    let mut worker = house.hire(1);
    let contoso = house.company().await;
    let before = house.queue(contoso, SyncTrigger::Manual).await;
    house.doorbell.ring(before.id).await;
    let performance = worker.next().await;

    let alone = house.pool.raw().await.unwrap();
    alone
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
            &[],
        )
        .await
        .unwrap();
    let mut watch = house.events.watch(contoso, SyncKind::Identity);
    alone
        .execute("update sync_run set requests = requests", &[])
        .await
        .unwrap();
    let fence = performance.claim.fence;
    // The pool may still lend a connection that was cut: its end is noticed a moment later.
    let mut conn = loop {
        if let Ok(mut conn) = house.pool.get().await
            && diesel_async::RunQueryDsl::execute(diesel::sql_query("select"), &mut conn)
                .await
                .is_ok()
        {
            break conn;
        }
    };
    lease::finish(
        &mut conn,
        before.id,
        fence,
        SyncStatus::Succeeded,
        &said("Sync complete"),
        None,
    )
    .await
    .unwrap();
    heard_status(&mut watch, before.id, SyncStatus::Succeeded).await;
    performance.end();

    let after = house.queue(contoso, SyncTrigger::Manual).await;
    assert_eq!(worker.next().await.claim.run.id, after.id);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_does_not_stop_the_queue() {
    let house = House::open().await;
    let mut worker = house.hire(1);
    for (id, job) in [("01KAZ0000000000000000000AA", r"\x00"), ("not an id", r"\x7b7d")] {
        house
            .sql(&format!(
                "insert into apalis.jobs (id, job_type, job, status, run_at, priority, max_attempts)
                 values ('{id}', 'sync', '{job}', 'Pending', now() - interval '1 hour', 9, 1)"
            ))
            .await;
    }

    let run = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(run.id).await;
    let mut conn = house.pool.get().await.unwrap();
    jobs::sweep::tidy(&mut conn).await.unwrap();

    let performance = worker.next().await;
    assert_eq!(performance.claim.run.id, run.id);
}
