//! Which records of who has long been gone go, and which stay.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tenantry::db::Pool;
use tenantry::model::deactivated::{self, Pruned};
use uuid::Uuid;

use super::house::{House, at};
use crate::support::house::now;
use crate::support::mirror::assert_equal;
use crate::support::world::World;

fn today() -> DateTime<Utc> {
    at("2030-06-01T12:00:00Z")
}

/// Looks in each hour of a day: each company has one of its own.
async fn prune(pool: &Pool, from: DateTime<Utc>) -> Pruned {
    let mut conn = pool.get().await.expect("a connection");
    let mut all = Pruned::default();
    for hour in 0..24 {
        let pruned = deactivated::prune(&mut conn, from + TimeDelta::hours(hour))
            .await
            .expect("the database answers");
        all.contacts += pruned.contacts;
        all.groups += pruned.groups;
        all.assets += pruned.assets;
    }
    all
}

/// One record of each kind, last changed so many days ago.
async fn records(house: &House, company: Uuid, state: &str, days: i64) -> [Uuid; 3] {
    let changed = today() - TimeDelta::days(days);
    let [contact, group, asset] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    let because = if state == "DEACTIVATED" { "'LEFT'" } else { "null" };
    for statement in [
        format!(
            "insert into contact (id, company_id, entra_id, state, deactivated_because, business_phones, licensed, created_at, updated_at)
             values ('{contact}', '{company}', '{contact}', '{state}', {because}, '{{}}', true, '{changed}', '{changed}')"
        ),
        format!(
            "insert into contact_group (id, company_id, entra_id, state, mail_enabled, security_enabled, microsoft_365, created_at, updated_at)
             values ('{group}', '{company}', '{group}', '{state}', false, true, false, '{changed}', '{changed}')"
        ),
        format!(
            "insert into asset (id, company_id, entra_id, state, created_at, updated_at)
             values ('{asset}', '{company}', '{asset}', '{state}', '{changed}', '{changed}')"
        ),
    ] {
        house.sql(&statement).await;
    }
    [contact, group, asset]
}

async fn left(house: &House) -> [i64; 3] {
    [
        house.number("select count(*) from contact").await,
        house.number("select count(*) from contact_group").await,
        house.number("select count(*) from asset").await,
    ]
}

const ONE_OF_EACH: Pruned = Pruned {
    contacts: 1,
    groups: 1,
    assets: 1,
};

#[tokio::test]
async fn who_was_deactivated_400_days_ago_goes_and_nobody_younger() {
    let house = House::open().await;
    let company = house.company().await;
    records(&house, company, "DEACTIVATED", 401).await;
    records(&house, company, "DEACTIVATED", 398).await;
    records(&house, company, "ACTIVE", 2_000).await;

    assert_eq!(prune(&house.pool, today()).await, ONE_OF_EACH);
    assert_eq!(left(&house).await, [2, 2, 2]);
    assert_eq!(prune(&house.pool, today()).await, Pruned::default());
}

#[tokio::test]
async fn what_somebody_chose_or_has_yet_to_decide_stays() {
    let house = House::open().await;
    let company = house.company().await;
    let [_, portal, _] = records(&house, company, "DEACTIVATED", 500).await;
    let [_, rule, _] = records(&house, company, "DEACTIVATED", 500).await;
    let [held, changed, _] = records(&house, company, "DEACTIVATED", 500).await;
    let run = house
        .queue(company, tenantry::model::sync_run::SyncTrigger::Manual)
        .await;
    let claim = house.claim(run.id).await.expect("it is free");
    house.finish(&claim).await;
    for statement in [
        format!(
            "insert into portal_access_group (company_id, group_id, role) values ('{company}', '{portal}', 'USER')"
        ),
        format!(
            "insert into sync_rules (company_id, include_guests, licensed_only, only_groups, exclude_patterns, version)
             values ('{company}', false, false, array['{rule}'::uuid], '{{}}', 1)"
        ),
        format!(
            "insert into held_change (run_id, company_id, noun, record_id, because, decision)
             values ('{}', '{company}', 'CONTACT', '{held}', 'LEFT', 'HELD')",
            run.id
        ),
        format!(
            "insert into sync_change (run_id, noun, record_id, action) values ('{}', 'CONTACT_GROUP', '{changed}', 'DEACTIVATED')",
            run.id
        ),
    ] {
        house.sql(&statement).await;
    }

    prune(&house.pool, today()).await;

    let stay = house
        .number(&format!(
            "select count(*) from (select id from contact_group union all select id from contact) r
             where id in ('{portal}', '{rule}', '{changed}', '{held}')"
        ))
        .await;
    assert_eq!((stay, left(&house).await), (4, [1, 3, 0]));
    let opens = house.number("select count(*) from portal_access_group").await;
    assert_eq!(opens, 1, "without a chosen group everybody may enter");
}

#[tokio::test]
async fn nothing_goes_while_a_run_could_bring_it_back() {
    let house = House::open().await;
    let company = house.company().await;
    records(&house, company, "DEACTIVATED", 500).await;
    let run = house
        .queue(company, tenantry::model::sync_run::SyncTrigger::Manual)
        .await;
    assert_eq!(prune(&house.pool, today()).await, Pruned::default(), "it waits");
    let claim = house.claim(run.id).await.expect("it is free");
    assert_eq!(prune(&house.pool, today()).await, Pruned::default(), "it is under way");
    house.finish(&claim).await;

    let queueing = house.pool.raw().await.expect("a connection");
    let hold = format!("begin; select from company where id = '{company}' for key share");
    queueing
        .simple_query(&hold)
        .await
        .expect("as a run does that is being queued");
    assert_eq!(prune(&house.pool, today()).await, Pruned::default());
    queueing.simple_query("rollback").await.expect("let go");

    assert_eq!(prune(&house.pool, today()).await, ONE_OF_EACH);
}

#[tokio::test]
async fn whoever_comes_back_after_that_is_somebody_new() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world.sync(contoso).await;
    let contact = world
        .rows("select id, entra_id from contact order by entra_id limit 1")
        .await
        .remove(0);
    let oid = contact["entra_id"].as_str().expect("an id").to_owned();
    let person = format!("tenants/{}/people/{oid}", contoso.tenant_id);
    world.delete(&person).await;
    world.sync(contoso).await;
    world.sql("delete from sync_change").await;
    let aged = format!("update contact set updated_at = updated_at - interval '401 days' where entra_id = '{oid}'");
    assert_eq!(world.sql(&aged).await, 1);
    assert_eq!(prune(&world.pool, now()).await.contacts, 1);

    world.post(&format!("{person}/restore"), json!({})).await;
    world.sync(contoso).await;

    let back = world
        .rows(&format!("select id, state from contact where entra_id = '{oid}'"))
        .await
        .remove(0);
    assert_eq!(back["state"], "ACTIVE");
    assert_ne!(back["id"], contact["id"]);
    assert_equal(&world, contoso).await;
}
