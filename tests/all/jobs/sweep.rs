//! What the sweep puts right, and what it leaves alone.

use std::time::Duration;

use serde_json::json;
use tenantry::jobs::sweep;
use tenantry::model::sync_run::SyncTrigger;
use tenantry::model::sync_run::lease;
use uuid::Uuid;

use super::house::{House, said};

const WAITING_BELLS: &str = "select count(*) from apalis.jobs where status = 'Pending'";

#[tokio::test]
async fn a_due_run_has_one_bell_however_often_the_sweep_comes() {
    let house = House::open().await;
    house.queue(house.company().await, SyncTrigger::Manual).await;
    let rung = house.queue(house.company().await, SyncTrigger::Manual).await;
    house.doorbell.ring(rung.id).await;

    for _ in 0..3 {
        sweep::reconcile(&house.pool, &house.doorbell, &house.events)
            .await
            .unwrap();
    }

    assert_eq!(house.number(WAITING_BELLS).await, 2);
}

#[tokio::test]
async fn nobody_rings_for_a_run_that_is_not_due() {
    let house = House::open().await;
    let later = house.queue(house.company().await, SyncTrigger::Scheduled).await;
    house
        .sql(&format!(
            "update sync_run set not_before = now() + interval '1 hour' where id = '{}'",
            later.id
        ))
        .await;
    let contoso = house.company().await;
    let under_way = house.queue(contoso, SyncTrigger::Manual).await;
    house.claim(under_way.id).await.expect("claimed");
    house.queue_dry(contoso).await;

    sweep::reconcile(&house.pool, &house.doorbell, &house.events)
        .await
        .unwrap();

    assert_eq!(house.number(WAITING_BELLS).await, 0);
}

async fn stage_a_person(house: &House, run_id: Uuid, fence: i64) {
    house
        .sql(&format!(
            "insert into staged_person (run_id, fence, seq, id, entra_id, removed, told)
             values ('{run_id}', {fence}, 1, gen_random_uuid(), gen_random_uuid(), false, 0)"
        ))
        .await;
}

#[tokio::test]
async fn staged_rows_go_when_no_claim_can_read_them_and_not_before() {
    let house = House::open().await;
    let running = house.queue(house.company().await, SyncTrigger::Manual).await;
    let running = house.claim(running.id).await.expect("claimed");
    stage_a_person(&house, running.run.id, running.fence).await;
    stage_a_person(&house, running.run.id, running.fence - 1).await;
    let waiting = house.queue(house.company().await, SyncTrigger::Manual).await;
    let waiting = house.claim(waiting.id).await.expect("claimed");
    stage_a_person(&house, waiting.run.id, waiting.fence).await;
    let mut conn = house.pool.get().await.unwrap();
    let (id, hour) = (waiting.run.id, Duration::from_secs(3600));
    lease::wait(&mut conn, id, waiting.fence, hour, &said("Waiting"), &json!({}))
        .await
        .unwrap();
    let ended = house.queue(house.company().await, SyncTrigger::Manual).await;
    let ended = house.claim(ended.id).await.expect("claimed");
    stage_a_person(&house, ended.run.id, ended.fence).await;
    house.finish(&ended).await;
    stage_a_person(&house, Uuid::new_v4(), 1).await;

    sweep::tidy(&mut conn).await.unwrap();

    let left = "select count(*) from staged_person";
    assert_eq!(house.number(left).await, 2);
    let of_running = format!(
        "{left} where run_id = '{}' and fence = {}",
        running.run.id, running.fence
    );
    assert_eq!(house.number(&of_running).await, 1);
    let of_waiting = format!(
        "{left} where run_id = '{}' and fence = {}",
        waiting.run.id, waiting.fence
    );
    assert_eq!(house.number(&of_waiting).await, 1);
}

#[tokio::test]
async fn what_is_over_is_removed() {
    let house = House::open().await;
    let contoso = house.company().await;
    let run = house.queue(contoso, SyncTrigger::Manual).await;
    house
        .sql("update outbox set created_at = now() - interval '61 minutes'")
        .await;
    house.queue(house.company().await, SyncTrigger::Manual).await;
    for (secret, life) in [("old", "-1 minute"), ("new", "1 minute")] {
        house
            .sql(&format!(
                "insert into connect_ticket (secret_hash, company_id, requested_by, return_to, expires_at)
                 values ('{secret}', '{contoso}', 'a test', '/', now() + interval '{life}')"
            ))
            .await;
    }
    house.doorbell.ring(run.id).await;
    house.doorbell.ring(run.id).await;
    house
        .sql(
            "update apalis.jobs set status = 'Done', done_at = now() - interval '2 hours'
             where id = (select min(id) from apalis.jobs)",
        )
        .await;

    let mut conn = house.pool.get().await.unwrap();
    sweep::tidy(&mut conn).await.unwrap();

    assert_eq!(house.number("select count(*) from outbox").await, 1);
    assert_eq!(
        house
            .number("select count(*) from connect_ticket where secret_hash = 'new'")
            .await,
        1
    );
    assert_eq!(house.number("select count(*) from connect_ticket").await, 1);
    assert_eq!(house.number("select count(*) from apalis.jobs").await, 1);
}
