//! A run that brings its worker down, and those beside it.

use rustix::process::Signal;
use serde_json::{Value, json};
use tenantry::model::sync_run::{SyncMode, SyncStatus};

use super::processes::{leases_run_out, shuffle, until_hit, worker};
use super::{connected, ended};
use crate::faults::contacts;
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World};

/// How often a run may kill its worker before it is set aside.
const DEATHS: usize = 5;

/// From so many deaths on it is performed alone.
const SUSPECT: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f22_a_run_whose_workers_die_is_set_aside_by_name_and_takes_nobody_elses_along() {
    let world = World::start().await;
    let poison = connected(&world, 40, 4).await;
    let mut clients = Vec::new();
    for n in 0..DEATHS as u32 {
        clients.push(connected(&world, 10 + n, 2).await);
    }
    for client in clients.iter().chain([&poison]) {
        world.sync(*client).await;
        shuffle(&world, *client, 3).await;
    }
    let before = of(poison, contacts(&world).await);
    let role = worker(&world, "worker", 2);
    let deadly = world.queue(poison, SyncMode::Full, false, None).await;
    let mut others = Vec::new();
    for client in &clients {
        let hold = world.fault(poison, json!({"on": "users", "kind": "hold"})).await;
        let mut doomed = role.start();
        until_hit(&world, poison, &hold).await;
        // Asked for while the deadly one is held: from its third time on nobody is let in beside it.
        others.push(world.queue(*client, SyncMode::Auto, false, None).await);
        doomed.signal(Signal::KILL);
        doomed.wait().await;
        world.mend(poison).await;
        leases_run_out(&world).await;
    }

    let heir = role.start();
    let failed = ended(&world, &deadly).await;
    assert_eq!(failed.status, SyncStatus::Failed, "{failed:#?}");
    let failure = failed.failure.expect("it says why");
    assert_eq!(failure.code, "CRASHED");
    assert!(failure.remedy.contains("log"), "{}", failure.remedy);
    for run in &others {
        let run = ended(&world, run).await;
        assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    }
    let taken_along = format!(
        "select count(*) from sync_run where crashes > {SUSPECT} and id <> '{}'",
        deadly.id
    );
    assert_eq!(
        world.number(&taken_along).await,
        0,
        "nobody else's run is suspected for good"
    );
    assert_eq!(
        of(poison, contacts(&world).await),
        before,
        "every contact of it is as it was"
    );

    let again = world.queue(poison, SyncMode::Auto, false, None).await;
    assert_eq!(ended(&world, &again).await.status, SyncStatus::Succeeded);
    assert!(heir.stop().await.success(), "{}", role.last_words());
    world.release_everything().await;
    clients.push(poison);
    equal_and_ended_once(&world, &clients).await;
}

fn of(client: Client, mut rows: Vec<Value>) -> Vec<Value> {
    rows.retain(|row| row["company_id"] == json!(client.company_id));
    rows
}
