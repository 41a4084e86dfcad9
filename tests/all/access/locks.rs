//! The second lock: what the database shows where a condition was forgotten.

use std::sync::Arc;

use diesel_async::RunQueryDsl;
use serde_json::json;
use tenantry::db::Pool;
use tenantry::model::Scope;
use uuid::Uuid;

use super::{Client, two_clients};
use crate::evidence::kept;
use crate::support::house::House;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

const LOCKED: [&str; 27] = [
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
    "sync_slot",
    "sync_schedule",
    "sync_guard",
    "evidence_run",
    "evidence_pull",
    "evidence_object",
    "evidence_blob",
    "evidence_population",
    "evidence_result",
    "evidence_finding",
    "evidence_declaration",
    "evidence_withdrawal",
    "evidence_tombstone",
    "evidence_ledger",
    "alarm",
    "alarm_event",
];

/// How many of them hold what a client's person has, and how a company is run.
const RECORDS: usize = 11;

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

/// A row in each table that has none yet.
async fn fill(house: &House, client: &Client) {
    let (company, person) = (client.company.id, client.person);
    let run = format!("(select id from sync_run where company_id = '{company}')");
    let group = format!("(select id from contact_group where company_id = '{company}' and display_name = 'Others')");
    for row in [
        format!(
            "sync_rules (company_id, include_guests, licensed_only, only_groups, exclude_patterns, version)
             values ('{company}', true, false, '{{}}', '{{}}', 1)"
        ),
        format!("sync_change (run_id, noun, record_id, action) values ({run}, 'CONTACT', '{person}', 'CREATED')"),
        format!(
            "held_change (run_id, company_id, noun, record_id, because, decision)
             values ({run}, '{company}', 'ASSET', '{person}', 'LEFT', 'HELD')"
        ),
        format!("portal_access_group (company_id, group_id, role) values ('{company}', {group}, 'USER')"),
        format!(
            "sync_schedule (company_id, kind, since, every_hours, paused) values ('{company}', 'IDENTITY', now(), 8, true)"
        ),
        format!("sync_guard (company_id, percent, at_least, at_most) values ('{company}', 5, 5, 5)"),
        format!(
            "alarm (id, kind, company_id, message, remedy, opened_at)
             values ('{company}', 'CHANGES_HELD', '{company}', 'Held', 'Look', now())"
        ),
        format!(
            "alarm_event (alarm_id, what, at, delivery, next_at) values ('{company}', 'OPENED', now(), 'NONE', now())"
        ),
    ] {
        house.sql(&format!("insert into {row}")).await;
    }
    kept::fill(&house.pool, company, &client.company.name, Uuid::now_v7()).await;
}

/// That somebody sees a company as a whole: its records, and rows in every other table.
fn is_whole(counts: &[i64]) -> bool {
    counts[..RECORDS] == [1, 1, 2, 2, 3, 2, 1, 2, 1, 1, 1] && counts.iter().all(|rows| *rows > 0)
}

#[tokio::test]
async fn whatever_the_role_of_viewers_may_read_is_locked_and_in_this_test() {
    let house = House::open().await;
    let readable = house
        .rows(
            "select relname, relrowsecurity as locked,
                    exists (select from pg_policy where polrelid = pg_class.oid and polcmd = 'r') as has_policy
             from pg_class
             where relkind in ('r', 'p', 'v', 'm') and relnamespace = 'public'::regnamespace
               and has_any_column_privilege('tenantry_viewer', oid, 'select')
             order by relname",
        )
        .await;
    let mut known = LOCKED;
    known.sort_unstable();
    let expected: Vec<_> = known
        .iter()
        .map(|table| json!({"relname": table, "locked": true, "has_policy": true}))
        .collect();
    assert_eq!(readable, expected);
}

#[tokio::test]
async fn without_any_condition_the_database_itself_shows_nothing_foreign() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    for client in [&ours, &theirs] {
        fill(&house, client).await;
    }
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
    let pool = Pool::new(house.pool.direct().url(), 1).expect("a pool");
    for _ in 0..3 {
        let (own, foreign) = (
            unconditionally(&pool, &company(&ours)).await,
            unconditionally(&pool, &company(&theirs)).await,
        );
        assert!(is_whole(&own) && is_whole(&foreign), "{own:?} {foreign:?}");
        let mut personal = unconditionally(&pool, &person(&ours)).await;
        assert_eq!(personal.split_off(RECORDS), [0; LOCKED.len() - RECORDS]);
        assert_eq!(personal, [1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(
            unconditionally(&pool, &Scope::Companies(Vec::new())).await,
            [0; LOCKED.len()]
        );
        let both: Vec<i64> = own.iter().zip(&foreign).map(|(own, foreign)| own + foreign).collect();
        assert_eq!(unconditionally(&pool, &Scope::All).await, both);
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
