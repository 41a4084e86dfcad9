//! The second lock: what the database shows where a condition was forgotten.

use std::sync::Arc;

use diesel_async::RunQueryDsl;
use tenantry::db::Pool;
use tenantry::model::Scope;
use uuid::Uuid;

use super::{Client, two_clients};
use crate::support::house::House;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

const LOCKED: [&str; 11] = [
    "company",
    "tenant",
    "contact",
    "contact_group",
    "contact_group_member",
    "asset",
    "sync_rules",
    "sync_run",
    "sync_change",
    "held_change",
    "portal_access_group",
];

/// How many rows of each table somebody with this scope reads where nobody wrote a condition.
async fn unconditionally(pool: &Pool, scope: &Scope) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in LOCKED {
        let query = format!("select count(*) as rows from {table}");
        let read =
            async |conn: &mut _| -> anyhow::Result<Count> { Ok(diesel::sql_query(query).get_result(conn).await?) };
        counts.push(pool.read(scope, read).await.expect("a count").rows);
    }
    counts
}

#[tokio::test]
async fn without_any_condition_the_database_itself_shows_nothing_foreign() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let group = |client: &Client| {
        format!(
            "(select entra_id from contact_group where company_id = '{}' and display_name = 'Everybody')",
            client.company.id
        )
    };
    let everybody: Uuid = house.rows(&format!("select {} as id", group(&ours))).await[0]["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let person = |client: &Client| Scope::Person {
        company_id: client.company.id,
        entra_id: client.person,
        group_ids: Arc::from([everybody].as_slice()),
    };
    let company = |client: &Client| Scope::Companies(vec![client.company.id]);
    // One connection, used in turn: what one reader is shown must not stay for the next.
    let pool = Pool::new(house.pool.url(), 1).expect("a pool");
    for _ in 0..3 {
        assert_eq!(
            unconditionally(&pool, &company(&ours)).await,
            [1, 1, 2, 2, 3, 2, 0, 1, 0, 0, 0]
        );
        assert_eq!(
            unconditionally(&pool, &person(&ours)).await,
            [1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            unconditionally(&pool, &company(&theirs)).await,
            [1, 1, 2, 2, 3, 2, 0, 1, 0, 0, 0]
        );
        assert_eq!(unconditionally(&pool, &Scope::Companies(Vec::new())).await, [0; 11]);
        assert_eq!(
            unconditionally(&pool, &Scope::All).await,
            [2, 2, 4, 4, 6, 4, 0, 2, 0, 0, 0]
        );
    }
}

#[tokio::test]
async fn the_role_that_reads_for_viewers_sees_nothing_by_itself_and_writes_nothing() {
    let house = House::open().await;
    two_clients(&house).await;
    let client = house.pool.raw().await.expect("a connection");
    client
        .simple_query("set role tenantry_viewer")
        .await
        .expect("the role can be taken");
    for table in LOCKED {
        let rows = client
            .query_one(&format!("select count(*) from {table}"), &[])
            .await
            .expect("a count");
        assert_eq!(rows.get::<_, i64>(0), 0, "{table}");
        assert!(
            client.simple_query(&format!("delete from {table}")).await.is_err(),
            "{table}"
        );
    }
    for table in [
        "session",
        "service_token",
        "audit_event",
        "connect_ticket",
        "sign_in_flow",
        "sync_state",
        "outbox",
    ] {
        assert!(
            client.query(&format!("select from {table}"), &[]).await.is_err(),
            "{table}"
        );
    }
}
