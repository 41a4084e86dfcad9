//! Who gets a worker's place.

use tenantry::jobs::places::Places;
use tenantry::model::sync_run::lease::{self, Claim};
use tenantry::model::sync_run::{SyncStatus, SyncTrigger};
use tenantry::run::Place;
use uuid::Uuid;

use super::house::House;

async fn small(house: &House) -> Uuid {
    let company = house.company().await;
    house
        .sql(&format!(
            "update tenant set large = false where company_id = '{company}'"
        ))
        .await;
    company
}

/// What the next free place is given to.
async fn next(house: &House, places: &Places) -> Option<(Claim, Place)> {
    let mut place = places.try_take()?;
    let mut conn = house.pool.get().await.expect("a connection");
    let claim = places
        .claim(&mut conn, &mut place, None)
        .await
        .expect("the database answers")?;
    Some((claim, place))
}

#[tokio::test]
async fn large_tenants_have_half_of_the_places_at_most() {
    let house = House::open().await;
    let places = Places::new("a test".into(), 4);
    for _ in 0..20 {
        house.queue(house.company().await, SyncTrigger::Manual).await;
    }
    let mut smalls = Vec::new();
    for _ in 0..3 {
        smalls.push(house.queue(small(&house).await, SyncTrigger::Scheduled).await.id);
    }

    let mut taken = Vec::new();
    while let Some(claimed) = next(&house, &places).await {
        taken.push(claimed);
    }

    let of_small = |taken: &[(Claim, Place)]| taken.iter().filter(|(claim, _)| smalls.contains(&claim.run.id)).count();
    assert_eq!(
        (taken.len(), of_small(&taken)),
        (4, 2),
        "though the large came first and were asked for"
    );
    taken.remove(0);
    let (claim, _place) = next(&house, &places).await.expect("a place is free");
    assert!(!smalls.contains(&claim.run.id), "half of them are for the large again");
}

#[tokio::test]
async fn while_no_small_one_waits_the_rest_of_the_places_stays_free_for_it() {
    let house = House::open().await;
    let places = Places::new("a test".into(), 2);
    for _ in 0..3 {
        house.queue(house.company().await, SyncTrigger::Manual).await;
    }
    let _large = next(&house, &places).await.expect("one of the large");
    assert!(next(&house, &places).await.is_none(), "not another");

    let late = house.queue(small(&house).await, SyncTrigger::Scheduled).await;

    let (claim, _place) = next(&house, &places).await.expect("a place for the small one");
    assert_eq!(claim.run.id, late.id);
}

#[tokio::test]
async fn a_worker_with_one_place_gives_it_to_the_large_too() {
    let house = House::open().await;
    let places = Places::new("a test".into(), 1);
    let run = house.queue(house.company().await, SyncTrigger::Manual).await;

    assert_eq!(next(&house, &places).await.expect("its place").0.run.id, run.id);
}

#[tokio::test]
async fn identity_and_evidence_of_a_tenant_take_turns() {
    let house = House::open().await;
    let contoso = house.company().await;
    let identity = house.queue(contoso, SyncTrigger::Scheduled).await;
    let evidence = house.queue_evidence(contoso).await;
    let first = house.claim(identity.id).await.expect("nobody is on it");

    assert!(
        house.claim(evidence.id).await.is_none(),
        "one run at a time, whatever the kind"
    );
    house.finish(&first).await;
    assert!(house.claim(evidence.id).await.is_some());
}

/// Gives away all the places that can be given, to runs that stay.
async fn fill(house: &House, places: &Places) -> Vec<(Claim, Place)> {
    let mut taken = Vec::new();
    while let Some(claimed) = next(house, places).await {
        taken.push(claimed);
    }
    taken
}

/// The worker's process is gone, and with it whatever it was doing.
async fn die(house: &House, taken: Vec<(Claim, Place)>) {
    for (claim, _place) in taken {
        house.expire(claim.run.id).await;
    }
    let mut conn = house.pool.get().await.expect("a connection");
    lease::take_back_expired(&mut conn).await.expect("the database answers");
}

#[tokio::test]
async fn whoever_was_beside_a_run_that_kills_its_worker_is_not_set_aside_with_it() {
    let house = House::open().await;
    let places = Places::new("a test".into(), 4);
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(house.queue(small(&house).await, SyncTrigger::Scheduled).await.id);
    }
    let deadly = runs[1];

    loop {
        let taken = fill(&house, &places).await;
        if taken.is_empty() {
            break;
        }
        if taken.iter().any(|(claim, _)| claim.run.id == deadly) {
            die(&house, taken).await;
        } else {
            for (claim, _place) in taken {
                house.finish(&claim).await;
            }
        }
    }

    for run in runs {
        let expected = if run == deadly {
            SyncStatus::Failed
        } else {
            SyncStatus::Succeeded
        };
        assert_eq!(house.run(run).await.status, expected);
    }
}

#[tokio::test]
async fn a_run_that_may_have_killed_its_worker_waits_until_one_has_nothing_else_to_do() {
    let house = House::open().await;
    let places = Places::new("a test".into(), 4);
    let suspect = house.queue(small(&house).await, SyncTrigger::Manual).await.id;
    house.sql("update sync_run set crashes = 2").await;
    let somebody = places.try_take();

    assert!(next(&house, &places).await.is_none(), "not beside another");
    drop(somebody);
    house.queue(small(&house).await, SyncTrigger::Scheduled).await;

    let (claim, _place) = next(&house, &places).await.expect("the worker is free");
    assert_eq!(claim.run.id, suspect);
    assert!(places.try_take().is_none(), "nobody else is begun meanwhile");
}
