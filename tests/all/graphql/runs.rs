//! What a run did, record by record.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::world::{World, company_id};

async fn run(world: &World, company: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let failure = json!({"code": "THROTTLED", "message": "Microsoft asked us to wait.", "remedy": "Try again later."});
    let stages = json!([{"name": "Reading contacts", "milliseconds": 1200}]);
    world
        .sql(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at,
                                   not_before, finished_at, failure, stages, requests)
             values ($1, $2, 'IDENTITY', 'MANUAL', 'AUTO', false, 'PARTIAL', 'Sync partly complete', 'Robin', now(), now(),
                     now(), $3, $4, 17)",
            &[&id, &company, &Json(failure), &Json(stages)],
        )
        .await;
    id
}

async fn change(world: &World, run: Uuid, kind: &str, action: &str, name: &str, fields: Option<Value>) -> Uuid {
    let record = Uuid::now_v7();
    world
        .sql(
            "insert into sync_change (run_id, noun, record_id, action, name, fields) values ($1, $2, $3, $4, $5, $6)",
            &[&run, &kind, &record, &action, &name, &fields.map(Json)],
        )
        .await;
    record
}

#[tokio::test]
async fn a_run_lists_what_it_changed_from_what_to_what() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let id = run(&world, company).await;
    let asset = change(&world, id, "ASSET", "CREATED", "PC-1", None).await;
    let fields = json!({"department": ["Sales", null], "licensed": [false, true]});
    change(&world, id, "CONTACT", "UPDATED", "Adele", Some(fields)).await;
    change(&world, id, "CONTACT", "DEACTIVATED", "Megan", Some(json!({}))).await;
    change(
        &world,
        run(&world, company).await,
        "CONTACT",
        "CREATED",
        "Another run's",
        None,
    )
    .await;

    let query = "query ($id: ID!, $kind: Noun, $action: ChangeAction) { node(id: $id) { ... on SyncRun {
        requests failure { code message remedy } stages { name milliseconds }
        changes(kind: $kind, action: $action) {
            totalCount edges { node { kind action recordId name fields { field from to } } }
        }
    } } }";
    let id = IdOf::SyncRun.show(id).0;
    let shown = &world.ask(query, json!({"id": id})).await["node"];
    assert_eq!(
        (&shown["requests"], &shown["failure"]["code"]),
        (&json!(17), &json!("THROTTLED"))
    );
    assert_eq!(
        shown["stages"],
        json!([{"name": "Reading contacts", "milliseconds": 1200}])
    );
    assert_eq!(shown["changes"]["totalCount"], 3);
    let created = json!({"kind": "ASSET", "action": "CREATED", "recordId": IdOf::Asset.show(asset).0, "name": "PC-1", "fields": []});
    assert_eq!(shown["changes"]["edges"][0]["node"], created);
    let fields = json!([
        {"field": "department", "from": "Sales", "to": null},
        {"field": "licensed", "from": "false", "to": "true"},
    ]);
    assert_eq!(shown["changes"]["edges"][1]["node"]["fields"], fields);

    for (filter, names) in [
        (json!({"kind": "CONTACT"}), vec!["Adele", "Megan"]),
        (json!({"action": "CREATED"}), vec!["PC-1"]),
        (json!({"kind": "CONTACT", "action": "CREATED"}), vec![]),
    ] {
        let mut variables = filter.clone();
        variables["id"] = json!(id);
        let changes = world.ask(query, variables).await["node"]["changes"].clone();
        let edges = changes["edges"].as_array().expect("edges");
        let found: Vec<&str> = edges.iter().filter_map(|edge| edge["node"]["name"].as_str()).collect();
        assert_eq!(found, names, "{filter}");
        assert_eq!(changes["totalCount"], names.len(), "{filter}");
    }
}

#[tokio::test]
async fn a_record_tells_which_runs_changed_it_newest_first() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let (older, newer, dry) = (
        run(&world, company).await,
        run(&world, company).await,
        run(&world, company).await,
    );
    world
        .sql("update sync_run set dry_run = true where id = $1", &[&dry])
        .await;
    let record = change(&world, older, "CONTACT", "CREATED", "Adele", None).await;
    change(&world, older, "CONTACT", "CREATED", "Somebody else", None).await;
    let fields = json!({"department": ["Sales", "Legal"]});
    for run in [newer, dry] {
        world
            .sql(
                "insert into sync_change (run_id, noun, record_id, action, name, fields)
                 values ($1, 'CONTACT', $2, 'UPDATED', 'Adele', $3)",
                &[&run, &record, &Json(&fields)],
            )
            .await;
    }
    let query = "query ($company: ID!, $record: ID!) { company(id: $company) { recordChanges(recordId: $record) {
        totalCount edges { node { action name syncRun { id } fields { field from to } } }
    } } }";
    let ask = async |record| {
        let variables = json!({"company": company_id(company), "record": record});
        world.ask(query, variables).await["company"]["recordChanges"].clone()
    };
    let shown = |run| IdOf::SyncRun.show(run).0;
    let expected = json!({"totalCount": 2, "edges": [
        {"node": {"action": "UPDATED", "name": "Adele", "syncRun": {"id": shown(newer)},
                  "fields": [{"field": "department", "from": "Sales", "to": "Legal"}]}},
        {"node": {"action": "CREATED", "name": "Adele", "syncRun": {"id": shown(older)}, "fields": []}},
    ]});
    assert_eq!(ask(IdOf::Contact.show(record)).await, expected);
    assert_eq!(ask(IdOf::Asset.show(record)).await["totalCount"], 0);
    let elsewhere = world.connected_company("Fabrikam").await;
    let variables = json!({"company": company_id(elsewhere), "record": IdOf::Contact.show(record)});
    let other = world.ask(query, variables).await["company"]["recordChanges"].clone();
    assert_eq!(other["totalCount"], 0);
}

#[tokio::test]
async fn what_was_held_is_listed_by_name_and_settled_as_a_whole() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let leaver = world.contact(company, "Leaver").await;
    let id = run(&world, company).await;
    world
        .sql(
            "insert into held_change (run_id, company_id, noun, record_id, name, because, decision)
             values ($1, $2, 'CONTACT', $3, 'Leaver', 'LEFT', 'HELD')",
            &[&id, &company, &leaver],
        )
        .await;
    let variables = json!({"id": IdOf::SyncRun.show(id).0});
    let query = "query ($id: ID!) { node(id: $id) { ... on SyncRun { heldChanges(decision: HELD) {
        totalCount edges { node { kind name because decision recordId } }
    } } } }";
    let held = world.ask(query, variables.clone()).await["node"]["heldChanges"].clone();
    let expected = json!({
        "kind": "CONTACT", "name": "Leaver", "because": "LEFT", "decision": "HELD", "recordId": IdOf::Contact.show(leaver).0,
    });
    assert_eq!(held, json!({"totalCount": 1, "edges": [{"node": expected}]}));

    let release = "mutation ($id: ID!) { releaseHeldChanges(input: {syncRunId: $id}) {
        syncRun { heldChanges { edges { node { decision decidedBy } } } } userErrors { code } } }";
    let released = &world.ask(release, variables.clone()).await["releaseHeldChanges"];
    let decided = json!([{"node": {"decision": "RELEASED", "decidedBy": "Robin of the MSP"}}]);
    assert_eq!(released["syncRun"]["heldChanges"]["edges"], decided);
    let left = "select count(*) from contact where state = 'DEACTIVATED' and deactivated_because = 'LEFT'";
    assert_eq!(world.number(left, &[]).await, 1);
    assert_eq!(
        world.ask(release, variables).await["releaseHeldChanges"]["userErrors"][0]["code"],
        "NOTHING_HELD"
    );
}

#[tokio::test]
async fn runs_come_newest_first_and_by_kind_and_status() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let first = run(&world, company).await;
    let second = run(&world, company).await;
    world
        .sql("update sync_run set dry_run = true where id = $1", &[&second])
        .await;
    for (run_id, decision) in [(first, "HELD"), (second, "RELEASED")] {
        let hold = "insert into held_change (run_id, company_id, noun, record_id, because, decision)
                    values ($1, $2, 'CONTACT', $1, 'LEFT', $3)";
        world.sql(hold, &[&run_id, &company, &decision]).await;
    }
    let shown = |id: Uuid| IdOf::SyncRun.show(id).0;
    for (filter, found) in [
        ("", vec![shown(second), shown(first)]),
        (", holdsChanges: true", vec![shown(first)]),
        (", holdsChanges: false", vec![shown(second)]),
        (", dryRun: false", vec![shown(first)]),
        (", status: PARTIAL, kind: IDENTITY", vec![shown(second), shown(first)]),
        (", status: QUEUED", vec![]),
        (", kind: EVIDENCE", vec![]),
    ] {
        let query = format!("query ($id: ID!) {{ syncRuns(companyId: $id{filter}) {{ edges {{ node {{ id }} }} }} }}");
        let runs = world.ask(&query, json!({"id": company_id(company)})).await["syncRuns"]["edges"].clone();
        let runs = runs.as_array().expect("edges").iter();
        let ids: Vec<String> = runs
            .filter_map(|edge| edge["node"]["id"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(ids, found, "{filter}");
    }
}
