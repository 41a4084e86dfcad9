//! Faults at the doors: everybody clicks at once, and callers who leave in the middle.

use std::collections::HashSet;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use tenantry::auth::Action;
use tenantry::model::service_token::{self, NewToken};
use tenantry::model::sync_run::SyncMode;

use super::connected;
use crate::support::house::{House, now};
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::World;

#[tokio::test]
async fn f20_a_hundred_clicks_at_once_are_one_run() {
    let world = World::start().await;
    let contoso = connected(&world, 30, 3).await;

    let clicks = (0..100).map(|_| world.queue(contoso, SyncMode::Auto, false, None));
    let runs: HashSet<_> = join_all(clicks).await.into_iter().map(|run| run.id).collect();

    assert_eq!(runs.len(), 1, "everybody was told the same run");
    for run in runs {
        world.perform(run).await;
    }
    equal_and_ended_once(&world, &[contoso]).await;
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    all: String,
}

#[tokio::test]
async fn f29_callers_who_leave_in_the_middle_leave_no_connection_with_their_rights() {
    let house = House::open().await;
    let company = house.company("Contoso").await;
    let token = narrowed(&house, company.id).await;
    let ask = || {
        house.http.post(house.at("/graphql")).bearer_auth(&token).json(
            &json!({"query": "{ companies(first: 5) { edges { node { name contacts(first: 5) { totalCount } } } } }"}),
        )
    };

    for turn in 0..60_u64 {
        let callers = (0..10_u64).map(|n| {
            let patience = Duration::from_micros((turn * 10 + n) * 40);
            async move { tokio::time::timeout(patience, ask().send()).await.is_err() }
        });
        join_all(callers).await;
    }

    // All that the pool has, at the same time.
    let loans = join_all((0..8).map(|_| house.pool.get())).await;
    for loan in loans {
        let mut loan = loan.expect("the pool still lends");
        let setting: Setting = diesel::sql_query(
            "select concat(current_user = session_user, current_setting('transaction_read_only'),
                 coalesce(current_setting('tenantry.companies', true), '')) as all",
        )
        .get_result(&mut loan)
        .await
        .expect("the connection is whole");
        assert_eq!(setting.all, "toff", "nobody's rights are left in it");
    }
    let answer = ask().send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A token that opens one company, and so is read for by the role that the database narrows.
async fn narrowed(house: &House, company: uuid::Uuid) -> String {
    let mut conn = house.pool.get().await.expect("a connection");
    let new = NewToken {
        name: "The PSA of one client",
        by: "A test",
        days: 1,
        company_ids: Some(vec![company]),
        actions: Action::of_tokens(),
    };
    service_token::issue(&mut conn, now(), &new).await.expect("a token").1
}
