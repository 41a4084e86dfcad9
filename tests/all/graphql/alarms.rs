//! Alarms, as the API shows them.

use futures::StreamExt;
use serde_json::{Value, json};
use tenantry::model::alarm::{self, Known};

use super::world::{World, company_id};

const WATCH: &str =
    "subscription ($company: ID) { alarmChanged(companyId: $company) { kind message closedAt company { name } } }";

#[tokio::test]
async fn a_watcher_of_alarms_sees_the_newest_and_then_each_that_opens_changes_or_closes() {
    let world = World::start().await;
    let contoso = world.connected_company("Contoso").await;
    let fabrikam = world.connected_company("Fabrikam").await;
    let mut watcher = world.subscribe(WATCH, json!({"company": company_id(contoso)}));
    let mut next = async || -> Value {
        let answer = watcher.next().await.expect("it does not complete");
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        answer.data.into_json().expect("JSON")["alarmChanged"].clone()
    };
    assert_eq!(next().await, Value::Null, "there is none yet");
    for company in [fabrikam, contoso] {
        world
            .sql(
                "update tenant set status = 'RECONNECT_NEEDED' where company_id = $1",
                &[&company],
            )
            .await;
        settle(&world).await;
    }
    let opened = next().await;
    let message = "Microsoft no longer lets us read this tenant.";
    assert_eq!(
        opened,
        json!({"kind": "RECONNECT_NEEDED", "message": message, "closedAt": null, "company": {"name": "Contoso"}}),
        "and nothing of another company"
    );
    world
        .sql(
            "update tenant set status_reason = 'The application was deleted.' where company_id = $1",
            &[&contoso],
        )
        .await;
    settle(&world).await;
    assert_eq!(next().await["message"], "The application was deleted.");
    world
        .sql(
            "update tenant set status = 'DISCONNECTED' where company_id = $1",
            &[&contoso],
        )
        .await;
    settle(&world).await;
    assert!(next().await["closedAt"].is_string());

    let all = world
        .ask(
            "{ alarms(kind: RECONNECT_NEEDED) { totalCount edges { node { kind message remedy since company { name } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(all["alarms"]["totalCount"], 2);
    let open = world
        .ask(
            "{ alarms(kind: RECONNECT_NEEDED, open: true) { edges { node { company { name } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        open["alarms"]["edges"],
        json!([{"node": {"company": {"name": "Fabrikam"}}}])
    );
}

async fn settle(world: &World) {
    let mut conn = world.pool.get().await.expect("a connection");
    alarm::settle(&mut conn, &Known::default()).await.expect("settled");
}
