//! Nodes by id, and the ways from one to the next.

use async_graphql::Value as Graph;
use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use uuid::Uuid;

use super::world::{World, company_id, refusal, service, staff};

#[tokio::test]
async fn what_has_an_id_is_found_again_by_it() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let person = world.contact(company, "Adele").await;
    let group = world.group(company, "Sales", &[person], &[]).await;
    let asset = world.asset(company, "PC-1", Some(person)).await;
    let ids = [
        IdOf::Asset.show(asset),
        IdOf::Company.show(company),
        IdOf::Contact.show(person),
        IdOf::ContactGroup.show(group),
    ];
    let ids: Vec<String> = ids.into_iter().map(|id| id.0).collect();
    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }";
    let data = world.ask(query, json!({"ids": ids})).await;
    let found: Vec<&str> = data["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| n["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(found, ids, "in the order of the ids");
    assert_eq!(data["nodes"][0]["__typename"], "Asset");
}

#[tokio::test]
async fn unknown_unreadable_and_foreign_ids_look_the_same() {
    let world = World::start().await;
    let company = world.company("Contoso").await;
    // An id of a company that says it is a contact's.
    for id in [
        IdOf::Contact.show(company).0,
        IdOf::Contact.show(Uuid::now_v7()).0,
        IdOf::ServiceToken.show(Uuid::now_v7()).0,
        company.to_string(),
        "nonsense".to_owned(),
        String::new(),
    ] {
        let data = world
            .ask(
                "query ($id: ID!) { node(id: $id) { id } company(id: $id) { id } }",
                json!({"id": id}),
            )
            .await;
        assert_eq!(data, json!({"node": null, "company": null}), "{id}");
    }
    let many = vec!["nonsense"; 101];
    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    assert_eq!(world.refusal(query, json!({"ids": many})).await.0, "LIMIT");
}

#[tokio::test]
async fn a_company_is_found_by_exactly_one_of_its_ids() {
    let world = World::start().await;
    let company = world.company("Contoso").await;
    world.sql("update company set external_id = 'psa-7'", &[]).await;
    let id = company_id(company);
    let by_external = world
        .ask("{ company(externalId: \"psa-7\") { id name externalId } }", json!({}))
        .await;
    assert_eq!(
        by_external["company"],
        json!({"id": id, "name": "Contoso", "externalId": "psa-7"})
    );
    assert_eq!(
        world.ask("{ company(externalId: \"psa-8\") { id } }", json!({})).await["company"],
        Value::Null
    );
    for arguments in [String::new(), format!("(id: {id}, externalId: \"psa-7\")")] {
        let (code, message) = world
            .refusal(&format!("{{ company{arguments} {{ id }} }}"), json!({}))
            .await;
        assert_eq!(code, "BAD_INPUT");
        assert!(message.contains("exactly one"), "{message}");
    }
}

#[tokio::test]
async fn one_can_walk_from_a_person_to_everything_around_them() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let other = world.connected_company("Fabrikam").await;
    let person = world.contact(company, "Adele").await;
    let inner = world.group(company, "Inner", &[person], &[]).await;
    // A member that nobody has told us of is left out.
    let outer = world.group(company, "Outer", &[person, Uuid::now_v7()], &[inner]).await;
    world.asset(company, "PC-1", Some(person)).await;
    world.asset(company, "PC-2", None).await;
    // The same Entra id in another tenant is another person.
    world.asset(other, "PC-3", Some(person)).await;

    let query = "query ($id: ID!) { node(id: $id) { ... on Contact {
        company { name }
        groups { edges { node { displayName memberOf { edges { node { displayName } } } } } }
        assets { totalCount edges { node { hostname contact { displayName } } } }
    } } }";
    let data = world.ask(query, json!({"id": IdOf::Contact.show(person).0})).await;
    assert_eq!(
        data["node"],
        json!({
            "company": {"name": "Contoso"},
            "groups": {"edges": [
                {"node": {"displayName": "Inner", "memberOf": {"edges": [{"node": {"displayName": "Outer"}}]}}},
                {"node": {"displayName": "Outer", "memberOf": {"edges": []}}},
            ]},
            "assets": {"totalCount": 1, "edges": [{"node": {"hostname": "PC-1", "contact": {"displayName": "Adele"}}}]},
        })
    );

    let query = "query ($id: ID!) { node(id: $id) { ... on ContactGroup { members { totalCount edges { node {
        ... on Contact { displayName } ... on ContactGroup { kind displayName }
    } } } } } }";
    let data = world.ask(query, json!({"id": IdOf::ContactGroup.show(outer).0})).await;
    let members = json!([{"node": {"displayName": "Adele"}}, {"node": {"kind": "SECURITY", "displayName": "Inner"}}]);
    assert_eq!(data["node"]["members"], json!({"totalCount": 2, "edges": members}));

    let data = world
        .ask(
            "{ assets(search: \"sn-pc-\") { edges { node { hostname contact { id } } } } }",
            json!({}),
        )
        .await;
    let owners: Vec<bool> = data["assets"]["edges"]
        .as_array()
        .expect("edges")
        .iter()
        .map(|e| e["node"]["contact"].is_null())
        .collect();
    assert_eq!(owners, [false, true, true]);
}

#[tokio::test]
async fn members_come_in_pages_too() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let mut people = Vec::new();
    for name in ["a", "c", "d"] {
        people.push(world.contact(company, name).await);
    }
    let inner = world.group(company, "b", &[], &[]).await;
    let group = world.group(company, "All", &people, &[inner]).await;
    let query =
        "query ($id: ID!, $after: String) { node(id: $id) { ... on ContactGroup { members(first: 3, after: $after) {
        pageInfo { hasNextPage endCursor }
        edges { node { ... on Contact { displayName } ... on ContactGroup { displayName } } }
    } } } }";
    let id = IdOf::ContactGroup.show(group).0;
    let page = &world.ask(query, json!({"id": id})).await["node"]["members"];
    let rest = &world
        .ask(query, json!({"id": id, "after": page["pageInfo"]["endCursor"]}))
        .await["node"]["members"];
    let name = |edge: &Value| edge["node"]["displayName"].as_str().map(str::to_owned);
    let edges = page["edges"]
        .as_array()
        .into_iter()
        .chain(rest["edges"].as_array())
        .flatten();
    assert_eq!(edges.filter_map(name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn a_company_tells_how_it_stands() {
    let world = World::start().await;
    let fresh = world.company("Fresh").await;
    let connected = world.connected_company("Contoso").await;
    for (dry_run, message) in [(false, "Sync complete"), (true, "Plan ready")] {
        world
            .sql(
                "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by,
                                       queued_at, finished_at, not_before, counts)
                 values (gen_random_uuid(), $1, 'IDENTITY', 'MANUAL', 'AUTO', $2, 'SUCCEEDED', $3, 'Robin', now(), now(), now(), $4)",
                &[&connected, &dry_run, &message, &tokio_postgres::types::Json(json!([{
                    "kind": "CONTACT", "read": 3, "created": 1, "updated": 0, "unchanged": 2, "deactivated": 0, "held": 0,
                    "skipped": 0, "skipped_because": null,
                }]))],
            )
            .await;
    }
    let query = "query ($id: ID!) { company(id: $id) {
        tenant { status }
        latestSync { message counts { kind created unchanged skippedBecause } company { name } changes { totalCount } }
        nextSyncAt
        syncRuns { totalCount }
        syncRules { includeGuests licensedOnly onlyGroups excludePatterns }
    } }";
    let data = world.ask(query, json!({"id": company_id(fresh)})).await;
    let rules = json!({"includeGuests": true, "licensedOnly": false, "onlyGroups": [], "excludePatterns": []});
    assert_eq!(
        data["company"],
        json!({"tenant": null, "latestSync": null, "nextSyncAt": null, "syncRuns": {"totalCount": 0}, "syncRules": rules})
    );
    let data = world.ask(query, json!({"id": company_id(connected)})).await;
    let counts = json!([{"kind": "CONTACT", "created": 1, "unchanged": 2, "skippedBecause": null}]);
    assert_eq!(
        data["company"]["latestSync"],
        json!({"message": "Sync complete", "counts": counts, "company": {"name": "Contoso"}, "changes": {"totalCount": 0}})
    );
    assert_eq!(data["company"]["syncRuns"]["totalCount"], 2);
    assert_eq!(data["company"]["tenant"]["status"], "CONNECTED");
    let next = data["company"]["nextSyncAt"].as_str().expect("a time");
    assert!(next.ends_with(":00:00+00:00"), "{next}");
    let evidence = "query ($id: ID!) { company(id: $id) { nextSyncAt(kind: EVIDENCE) } }";
    let data = world.ask(evidence, json!({"id": company_id(connected)})).await;
    let next = data["company"]["nextSyncAt"].as_str().expect("a time");
    assert!(next.ends_with(":15:00+00:00"), "{next}");
}

#[tokio::test]
async fn a_viewer_sees_what_they_may_do() {
    let world = World::start().await;
    let query = "{ viewer { name kind role actions } }";
    let data = world.ask(query, json!({})).await;
    assert_eq!(data["viewer"]["name"], "Robin of the MSP");
    assert_eq!(
        (&data["viewer"]["kind"], &data["viewer"]["role"]),
        (&json!("STAFF"), &json!("ADMIN"))
    );
    let manages = |data: &serde_json::Value| {
        let actions = data["viewer"]["actions"].as_array().expect("actions");
        actions.contains(&json!("MANAGE_SERVICE_TOKENS"))
    };
    assert!(manages(&data));
    let data = world
        .execute(service(), query, json!({}))
        .await
        .data
        .into_json()
        .expect("JSON");
    assert_eq!(data["viewer"]["kind"], "SERVICE");
    assert!(!manages(&data));
}

#[tokio::test]
async fn nobody_is_told_nothing() {
    let world = World::start().await;
    let query = "{ companies { totalCount } }";
    assert_eq!(refusal(world.execute_as_nobody(query).await).0, "UNAUTHENTICATED");
    assert_eq!(world.execute_as_nobody(query).await.data, Graph::Null);
}

#[tokio::test]
async fn an_unknown_error_tells_a_request_id_and_nothing_else() {
    let world = World::start().await;
    world.sql("alter table contact rename to hidden_detail", &[]).await;
    let response = world.execute(staff(), "{ contacts { totalCount } }", json!({})).await;
    let error = serde_json::to_value(&response.errors[0]).expect("JSON");
    assert_eq!(
        (&error["message"], &error["extensions"]["code"]),
        (&json!("Internal error"), &json!("INTERNAL"))
    );
    assert!(error["extensions"]["requestId"].is_string());
    let whole = serde_json::to_string(&response).expect("JSON");
    assert!(
        !whole.contains("relation") && !whole.contains("does not exist"),
        "{whole}"
    );
}

#[tokio::test]
async fn what_the_parser_or_validation_refuses_has_a_code_too() {
    let world = World::start().await;
    for query in [
        "{",
        "{ nonsense }",
        "{ node { id } }",
        "{ contacts(first: \"a\") { totalCount } }",
    ] {
        assert_eq!(world.refusal(query, json!({})).await.0, "BAD_INPUT", "{query}");
    }
}
