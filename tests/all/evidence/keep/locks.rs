//! What the database shows of evidence where a condition was forgotten.

use std::sync::Arc;

use diesel_async::RunQueryDsl;
use serde_json::json;
use tenantry::evidence::keep::{self, FindingFilter, FindingRow};
use tenantry::evidence::snapshot::Resource;
use tenantry::model::Scope;
use tenantry::model::page::{self, Owner, Slice};
use uuid::Uuid;

use super::{Keeper, read, verdict};

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

const TABLES: [&str; 8] = [
    "evidence_blob",
    "evidence_run",
    "evidence_pull",
    "evidence_object",
    "evidence_population",
    "evidence_result",
    "evidence_finding",
    "evidence_ledger",
];

/// How many tables show anything to somebody with this scope where nobody wrote a condition.
async fn shown(keeper: &Keeper, scope: &Scope) -> usize {
    let mut shown = 0;
    for table in TABLES {
        let query = format!("select count(*) as rows from {table}");
        let read =
            async |conn: &mut _| -> anyhow::Result<Count> { Ok(diesel::sql_query(query).get_result(conn).await?) };
        shown += usize::from(keeper.pool.read(scope, read).await.expect("a count").rows > 0);
    }
    shown
}

#[tokio::test]
async fn evidence_is_shown_to_those_who_see_the_company_as_a_whole_and_to_nobody_else() {
    let mut keeper = Keeper::start().await;
    keeper
        .keep(
            read([(Resource::Users, vec![json!({"id": "u"})])]),
            &[verdict("a.check", &["u"], &["u"])],
        )
        .await;
    let ours = keeper.company;
    let theirs = keeper.company("Fabrikam").await;
    let user = Scope::Person {
        company_id: ours,
        entra_id: Uuid::new_v4(),
        group_ids: Arc::from([].as_slice()),
    };
    assert_eq!(shown(&keeper, &Scope::All).await, 8);
    assert_eq!(
        shown(&keeper, &Scope::Companies(vec![ours])).await,
        8,
        "a manager, a token"
    );
    assert_eq!(shown(&keeper, &Scope::Companies(vec![theirs])).await, 0, "a stranger");
    assert_eq!(shown(&keeper, &Scope::Companies(vec![])).await, 0);
    assert_eq!(shown(&keeper, &user).await, 0, "a portal user");
}

#[tokio::test]
async fn no_answer_shows_a_portal_user_or_a_stranger_anything() {
    let mut keeper = Keeper::start().await;
    keeper
        .keep(
            read([(Resource::Users, vec![json!({"id": "u"})])]),
            &[verdict("a.check", &["u"], &["u"])],
        )
        .await;
    let ours = keeper.company;
    let user = Scope::Person {
        company_id: ours,
        entra_id: Uuid::new_v4(),
        group_ids: Arc::from([].as_slice()),
    };
    let mut conn = keeper.conn().await;
    let owner = Owner::company(ours);
    for scope in [user, Scope::Companies(vec![Uuid::new_v4()])] {
        assert_eq!(
            keep::run_as_of(&mut conn, &scope, ours, keeper.next)
                .await
                .expect("an answer"),
            None
        );
        assert_eq!(keep::results(&mut conn, &scope, ours, 1).await.expect("an answer"), []);
        assert_eq!(keep::pulls(&mut conn, &scope, ours, 1).await.expect("an answer"), []);
        assert_eq!(keeper.object(&scope, 1, Resource::Users, "u").await, None);
        let listing = keep::list_findings(&scope, 1, &FindingFilter::default());
        let pages = page::list::<FindingRow>(&mut conn, &scope, &[owner], &listing, &Slice::ONE)
            .await
            .expect("an answer");
        assert!(pages.is_empty(), "{scope:?}");
    }
}
