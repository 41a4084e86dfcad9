//! How many may leave unasked, and that no reading can empty a company.

use tenantry::model::sync_guard::{self, SyncGuard};
use tenantry::model::sync_run::SyncStatus;

use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{Client, World};
use crate::sync::leave;

const ACTIVE: &str = "select count(*) from contact where state = 'ACTIVE'";

async fn choose(world: &World, client: Client, percent: i32, at_least: i32, at_most: i32) {
    let guard = SyncGuard {
        percent,
        at_least,
        at_most,
    };
    guard.check().expect("it can be chosen");
    let mut conn = world.pool.get().await.expect("a connection");
    sync_guard::save(&mut conn, client.company_id, guard)
        .await
        .expect("saved");
}

#[tokio::test]
async fn the_full_reading_of_the_week_cannot_wipe_a_company() {
    let world = World::start().await;
    let contoso = world.connected_company(40, 15).await;
    world.sync(contoso).await;
    choose(&world, contoso, 50, 100, 100_000).await;
    leave(&world, contoso, 40).await;
    world
        .sql("update sync_state set full_at = full_at - interval '7 days'")
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_eq!(world.number(ACTIVE).await, 40, "however easy the guard");
    let since = "select count(*) from sync_state where full_at > now() - interval '1 hour'";
    assert_eq!(
        world.number(since).await,
        2,
        "it was a full reading, and the next is in a week"
    );
    let held = "select count(*) from held_change where decision = 'HELD' and noun = 'CONTACT' and name is not null";
    assert_eq!(world.number(held).await, 40, "each of them by name");
    world.release_everything().await;
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn a_careful_company_is_asked_about_a_single_leaver() {
    let world = World::start().await;
    let contoso = world.connected_company(60, 0).await;
    world.sync(contoso).await;
    choose(&world, contoso, 0, 0, 1).await;
    leave(&world, contoso, 1).await;

    world.sync(contoso).await;

    assert_eq!(world.number(ACTIVE).await, 60);
}

#[tokio::test]
async fn a_company_that_expects_many_to_leave_lets_them_go() {
    let world = World::start().await;
    let contoso = world.connected_company(60, 0).await;
    world.sync(contoso).await;
    choose(&world, contoso, 50, 10, 500).await;
    leave(&world, contoso, 30).await;

    let preview = world
        .sync_with(contoso, tenantry::model::sync_run::SyncMode::Full, true, None)
        .await;
    world.sync(contoso).await;

    let counted = |run: &tenantry::model::SyncRun| run.counts.iter().map(|counts| counts.deactivated).max();
    assert_eq!(counted(&preview), Some(30), "a dry run says so beforehand");
    assert_eq!(world.number(ACTIVE).await, 30);
}

#[tokio::test]
async fn a_tenant_is_known_for_small_once_its_people_were_read() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    let large = "select count(*) from tenant where large";
    assert_eq!(world.number(large).await, 1, "nobody knows yet");

    world.sync(contoso).await;

    assert_eq!(world.number(large).await, 0);
}
