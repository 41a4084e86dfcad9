//! What has to be true after whatever happened: the comparison that every fault ends with.

use serde_json::Value;
use tenantry::evidence::keep;
use tenantry::jobs::{Doorbell, sweep};
use uuid::Uuid;

use super::mirror::assert_equal;
use super::node::PATIENCE;
use super::world::{Client, World};

/// The comparison that every fault ends with.
pub async fn equal_and_ended_once(world: &World, clients: &[Client]) {
    every_run_ended_once(world).await;
    both_sides_are_equal(world, clients).await;
}

/// Every run that somebody was promised is there.
pub async fn no_promise_is_lost(world: &World, promised: &[Uuid]) {
    let list = promised
        .iter()
        .map(|id| format!("'{id}'"))
        .collect::<Vec<_>>()
        .join(", ");
    let lost = world
        .rows(&format!(
            "select id from unnest(array[{list}]::uuid[]) promised (id)
             where not exists (select from sync_run where sync_run.id = promised.id)"
        ))
        .await;
    nothing("runs that were promised and are not there", &lost);
}

/// Every run ended exactly once, tells why where it did not succeed, and wrote what it counts.
pub async fn every_run_ended_once(world: &World) {
    let open = world
        .rows("select id, status, message from sync_run where finished_at is null or lease_owner is not null")
        .await;
    nothing("runs that have not ended", &open);
    // What is decided later about its held changes tells of the same end once more.
    let ends = world
        .rows(
            "select run.id, run.status, count(distinct told.snapshot->>'finished_at') as ends
             from sync_run run left join outbox told on told.run_id = run.id
                 and told.snapshot->>'status' in ('SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')
             group by run.id having count(distinct told.snapshot->>'finished_at') <> 1",
        )
        .await;
    nothing("runs that did not end exactly once", &ends);
    let mute = world
        .rows(
            "select id, status, failure from sync_run
             where status in ('PARTIAL', 'FAILED') and coalesce(failure->>'remedy', '') = ''
               and not exists (select from held_change where run_id = sync_run.id)",
        )
        .await;
    nothing("runs that failed and do not say what to do", &mute);
    assert_counts(world).await;
}

/// What a run says that it did is what it wrote down record by record.
async fn assert_counts(world: &World) {
    let wrong = world
        .rows(
            "select run.id, counts->>'kind' as kind, counts, written.*
             from sync_run run cross join jsonb_array_elements(run.counts) counts
             cross join lateral (
                 select count(*) filter (where action = 'CREATED') as created,
                        count(*) filter (where action in ('UPDATED', 'REACTIVATED')) as updated,
                        count(*) filter (where action = 'DEACTIVATED') as deactivated
                 from sync_change where run_id = run.id and noun = counts->>'kind') written
             cross join lateral (
                 select count(*) as released
                 from held_change where run_id = run.id and noun = counts->>'kind' and decision = 'RELEASED') later
             where run.kind = 'IDENTITY' and not run.dry_run
               and ((counts->>'created')::bigint <> written.created or (counts->>'updated')::bigint <> written.updated
                    or (counts->>'deactivated')::bigint <> written.deactivated - later.released)",
        )
        .await;
    nothing("runs whose counts are not what they wrote", &wrong);
}

/// The database equals the directory of every company, its evidence is whole, and nothing is staged for runs that are
/// over.
async fn both_sides_are_equal(world: &World, clients: &[Client]) {
    for client in clients {
        assert_equal(world, *client).await;
        evidence_is_whole(world, *client).await;
    }
    nothing_is_staged_for_what_is_over(world).await;
}

/// Every record, source and link of the company's evidence is as it was kept.
pub async fn evidence_is_whole(world: &World, client: Client) {
    let mut conn = world.pool.get().await.expect("a connection");
    let faults = keep::verify(&mut conn, client.company_id).await;
    let faults: Vec<String> = faults
        .expect("the database answers")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        faults.is_empty(),
        "the evidence of {} is not whole: {faults:#?}",
        client.company_id
    );
}

/// A run that succeeded takes its staged rows along; what others leave goes with the next tidying, and nothing else does.
async fn nothing_is_staged_for_what_is_over(world: &World) {
    let staged = [
        "staging",
        "staged_person",
        "staged_group",
        "staged_member",
        "staged_device",
    ]
    .map(|table| format!("select '{table}' as place, run_id, fence from {table}"))
    .join(" union ");
    let left_by = |which: &str| {
        format!(
            "select staged.*, run.status from ({staged}) staged left join sync_run run on run.id = run_id where {which}"
        )
    };
    let forgotten = world
        .rows(&left_by("run.status = 'SUCCEEDED' and run.crashes = 0"))
        .await;
    nothing("rows that runs which succeeded have staged and forgotten", &forgotten);
    // The queue's tables are tidied too, and come with it.
    Doorbell::open(&world.pool).await.expect("the queue opens");
    let mut conn = world.pool.get().await.expect("a connection");
    sweep::tidy(&mut conn).await.expect("tidied");
    let over = world
        .rows(&left_by(
            "run.id is null or run.finished_at is not null or run.fence <> staged.fence",
        ))
        .await;
    nothing("rows that are staged for runs that are over", &over);
}

/// Every job is done: none waits, none is held by a worker that has died.
///
/// The queue takes a dead worker's jobs back after a minute without a heartbeat; that minute is moved.
pub async fn no_job_is_stuck(world: &World) {
    let since = std::time::Instant::now();
    loop {
        world
            .sql("update apalis.workers set last_seen = last_seen - interval '10 minutes' where last_seen < now() - interval '25 seconds'")
            .await;
        let stuck = world
            .rows("select id, status, lock_by from apalis.jobs where status not in ('Done', 'Failed', 'Killed')")
            .await;
        if stuck.is_empty() {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "jobs are stuck: {stuck:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}

fn nothing(what: &str, found: &[Value]) {
    assert!(found.is_empty(), "{what}: {found:#?}");
}
