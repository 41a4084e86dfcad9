//! Watching a company's syncs.

use async_graphql::Response;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::{Value, json};
use tenantry::model::sync_run;
use uuid::Uuid;

use super::world::{World, company_id, refusal};

const WATCH: &str =
    "subscription ($company: ID!) { syncStatus(companyId: $company) { id status message company { name } } }";
const SYNC: &str = "mutation ($company: ID!) { syncCompany(input: {companyId: $company}) { syncRun { id } } }";
const DISCONNECT: &str =
    "mutation ($company: ID!) { disconnect(input: {companyId: $company}) { userErrors { code } } }";

async fn next(stream: &mut BoxStream<'static, Response>) -> Value {
    let response = stream.next().await.expect("it does not complete");
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    response.data.into_json().expect("JSON")["syncStatus"].clone()
}

#[tokio::test]
async fn a_watcher_sees_how_things_stand_and_then_each_change() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let variables = json!({"company": company_id(company)});
    let mut watcher = world.subscribe(WATCH, variables.clone());
    assert_eq!(next(&mut watcher).await, Value::Null, "there is no run yet");

    world.ask(SYNC, variables.clone()).await;
    let queued = next(&mut watcher).await;
    assert_eq!(
        (&queued["status"], &queued["message"]),
        (&json!("QUEUED"), &json!("Sync queued"))
    );
    assert_eq!(queued["company"]["name"], "Contoso");

    world.ask(DISCONNECT, variables.clone()).await;
    let cancelled = next(&mut watcher).await;
    assert_eq!(
        (&cancelled["status"], &cancelled["id"]),
        (&json!("CANCELLED"), &queued["id"])
    );

    let mut late = world.subscribe(WATCH, variables);
    assert_eq!(next(&mut late).await, cancelled, "a late watcher sees how it ended");
}

#[tokio::test]
async fn a_watcher_is_told_when_somebody_decides_about_what_a_run_held() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    world.ask(SYNC, json!({"company": company_id(company)})).await;
    world
        .sql(
            "insert into held_change (run_id, company_id, noun, record_id, name, because, decision)
             select id, $1, 'CONTACT', gen_random_uuid(), 'Leaver', 'LEFT', 'HELD' from sync_run",
            &[&company],
        )
        .await;
    world
        .sql("update sync_run set status = 'SUCCEEDED', finished_at = now()", &[])
        .await;
    let watch = "subscription ($company: ID!) { syncStatus(companyId: $company) {
        id status heldChanges(decision: HELD) { totalCount } } }";
    let mut watcher = world.subscribe(watch, json!({"company": company_id(company)}));
    let ended = next(&mut watcher).await;
    assert_eq!(
        (&ended["status"], &ended["heldChanges"]["totalCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );

    let release = "mutation ($id: ID!) { releaseHeldChanges(input: {syncRunId: $id}) { userErrors { code } } }";
    world.ask(release, json!({"id": ended["id"]})).await;

    let decided = next(&mut watcher).await;
    assert_eq!(
        (&decided["id"], &decided["heldChanges"]["totalCount"]),
        (&ended["id"], &json!(0))
    );
}

#[tokio::test]
async fn a_watcher_is_not_told_of_another_company() {
    let world = World::start().await;
    let contoso = world.connected_company("Contoso").await;
    let fabrikam = world.connected_company("Fabrikam").await;
    let mut watcher = world.subscribe(WATCH, json!({"company": company_id(contoso)}));
    next(&mut watcher).await;
    world.ask(SYNC, json!({"company": company_id(fabrikam)})).await;
    world.ask(SYNC, json!({"company": company_id(contoso)})).await;
    assert_eq!(next(&mut watcher).await["company"]["name"], "Contoso");
}

#[tokio::test]
async fn a_company_that_is_not_there_cannot_be_watched() {
    let world = World::start().await;
    for id in [company_id(Uuid::now_v7()), json!("nonsense")] {
        let mut watcher = world.subscribe(WATCH, json!({"company": id}));
        let response = watcher.next().await.expect("an answer");
        assert_eq!(refusal(response).0, "NOT_FOUND");
        assert!(watcher.next().await.is_none(), "and nothing follows");
    }
}

/// Something of the run changes beside its status.
async fn touch(world: &World, run: Uuid) {
    let mut conn = world.pool.get().await.expect("a connection");
    sync_run::touch(&mut conn, run).await.expect("touched");
}

const WATCH_ALL: &str = "subscription { syncRunChanged(kind: IDENTITY) { status company { name } } }";

async fn next_of_all(stream: &mut BoxStream<'static, Response>) -> Value {
    let response = stream.next().await.expect("it does not complete");
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    response.data.into_json().expect("JSON")["syncRunChanged"].clone()
}

#[tokio::test]
async fn who_watches_every_company_is_told_how_runs_stand_and_not_how_far_they_are() {
    let world = World::start().await;
    let contoso = world.connected_company("Contoso").await;
    let fabrikam = world.connected_company("Fabrikam").await;
    let mut watcher = world.subscribe(WATCH_ALL, json!({}));
    assert_eq!(next_of_all(&mut watcher).await, Value::Null, "look how things stand");

    world.ask(SYNC, json!({"company": company_id(contoso)})).await;
    let queued = next_of_all(&mut watcher).await;
    assert_eq!(queued, json!({"status": "QUEUED", "company": {"name": "Contoso"}}));

    let run: Uuid = world.texts("select id::text from sync_run").await[0]
        .parse()
        .expect("an id");
    touch(&world, run).await;
    world.ask(SYNC, json!({"company": company_id(fabrikam)})).await;
    assert_eq!(
        next_of_all(&mut watcher).await["company"]["name"],
        "Fabrikam",
        "no news is not told"
    );

    world.ask(DISCONNECT, json!({"company": company_id(contoso)})).await;
    assert_eq!(next_of_all(&mut watcher).await["status"], "CANCELLED");
    touch(&world, run).await;
    assert_eq!(
        next_of_all(&mut watcher).await["company"]["name"],
        "Contoso",
        "what is decided afterwards is told"
    );
}
