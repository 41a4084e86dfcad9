//! How many statements a request costs: the same number, whatever the page size.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::InstrumentationEvent;
use diesel_async::AsyncConnection;
use serde_json::json;
use uuid::Uuid;

use super::world::{World, company_id};

/// Counts what the world's only connection runs from now on, the pool's own check of it left out.
async fn counter(world: &World) -> Arc<AtomicUsize> {
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = statements.clone();
    let mut conn = world.pool.get().await.expect("a connection");
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && !query.to_string().starts_with("SELECT $1 --")
        {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    statements
}

async fn statements(world: &World, company: Uuid, query: &str, first: i32) -> usize {
    let counter = counter(world).await;
    let data = world
        .ask(query, json!({"company": company_id(company), "first": first}))
        .await;
    let shown = data["contacts"]["edges"].as_array().map(Vec::len);
    assert_eq!(shown, Some(usize::try_from(first).expect("positive")));
    counter.load(Ordering::Relaxed)
}

async fn crowd() -> (World, Uuid) {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let mut people = Vec::new();
    for number in 0..12 {
        let person = world.contact(company, &format!("Person {number}")).await;
        world.asset(company, &format!("PC-{number}"), Some(person)).await;
        people.push(person);
    }
    for number in 0..4 {
        world
            .group(company, &format!("Group {number}"), &people[number..], &[])
            .await;
    }
    (world, company)
}

const NESTED: &str =
    "query ($company: ID!, $first: Int) { contacts(companyId: $company, first: $first) { edges { node {
    displayName
    groups(first: 5) { edges { node { displayName } } }
    assets(first: 5) { edges { node { hostname } } }
} } } }";

#[tokio::test]
async fn a_nested_page_costs_one_statement_a_level_whatever_its_size() {
    let (world, company) = crowd().await;
    let small = statements(&world, company, NESTED, 1).await;
    let large = statements(&world, company, NESTED, 12).await;
    // The company, its contacts, their groups, their assets.
    assert_eq!((small, large), (4, 4));
}

#[tokio::test]
async fn deep_nesting_counts_flags_and_single_rows_cost_no_more_for_a_large_page() {
    let (world, company) = crowd().await;
    let query = "query ($company: ID!, $first: Int) { contacts(companyId: $company, first: $first) {
        totalCount
        edges { node {
            company { name tenant { status } latestSync { id } syncRules { licensedOnly } }
            groups(first: 3) { totalCount pageInfo { hasNextPage } edges { node {
                company { name }
                members(first: 4) { totalCount edges { node { ... on Contact { displayName assets { totalCount } } } } }
            } } }
            again: groups(first: 2) { edges { node { displayName } } }
            assets(first: 3) { edges { node { contact { displayName company { name } } } } }
        } }
    } }";
    let small = statements(&world, company, query, 1).await;
    let large = statements(&world, company, query, 12).await;
    assert_eq!(small, large);
}

#[tokio::test]
async fn a_count_costs_nothing_where_it_is_not_asked_for() {
    let (world, company) = crowd().await;
    let with = "query ($company: ID!, $first: Int) { contacts(companyId: $company, first: $first) { totalCount edges { cursor } } }";
    let without =
        "query ($company: ID!, $first: Int) { contacts(companyId: $company, first: $first) { edges { cursor } } }";
    assert_eq!(
        statements(&world, company, with, 5).await,
        statements(&world, company, without, 5).await + 1
    );
}

#[tokio::test]
async fn nodes_of_one_type_cost_one_statement() {
    let (world, company) = crowd().await;
    let data = world
        .ask(NESTED, json!({"company": company_id(company), "first": 12}))
        .await;
    assert!(
        data["contacts"]["edges"][0]["node"]["groups"]["edges"]
            .as_array()
            .is_some_and(|groups| !groups.is_empty())
    );
    let ids = world
        .ask("{ contacts(first: 10) { edges { node { id } } } }", json!({}))
        .await;
    let ids: Vec<_> = ids["contacts"]["edges"]
        .as_array()
        .expect("edges")
        .iter()
        .map(|edge| &edge["node"]["id"])
        .collect();
    let counter = counter(&world).await;
    world
        .ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({"ids": ids}))
        .await;
    assert_eq!(counter.load(Ordering::Relaxed), 1);
}
