//! How worker processes share what Microsoft allows the application.

use tenantry::db::Connection;
use tenantry::model::graph_share;
use uuid::Uuid;

use super::house::House;

/// A process, as the others see it: the connection that it holds.
struct Process {
    id: Uuid,
    conn: Connection,
}

impl Process {
    async fn start(house: &House) -> Self {
        let conn = house.pool.direct().establish().await.expect("a connection");
        Self {
            id: Uuid::now_v7(),
            conn,
        }
    }

    /// What it may use, in hundredths.
    async fn look(&mut self) -> f64 {
        let share = graph_share::take(&mut self.conn, self.id, |_| {})
            .await
            .expect("the database answers");
        (share * 100.0).round()
    }
}

/// Everybody's together, in parts of a million.
async fn all(house: &House) -> i64 {
    house.number("select coalesce(sum(parts), 0) from graph_share").await
}

#[tokio::test]
async fn processes_that_come_and_go_never_use_more_than_the_whole_and_soon_all_of_it() {
    let house = House::open().await;
    let mut first = Process::start(&house).await;
    assert_eq!(first.look().await, 100.0, "who is alone has everything");
    let (mut second, mut third) = (Process::start(&house).await, Process::start(&house).await);
    assert_eq!(second.look().await, 0.0, "who joins waits until there is room");
    assert_eq!(third.look().await, 0.0);
    assert_eq!(first.look().await, 33.0);
    assert_eq!(second.look().await, 33.0);
    assert_eq!(third.look().await, 33.0);
    assert!((999_000..=1_000_000).contains(&all(&house).await));

    graph_share::give_back(&mut second.conn, second.id)
        .await
        .expect("given back");
    assert_eq!([first.look().await, third.look().await], [50.0, 50.0]);
}

#[tokio::test]
async fn the_part_of_a_process_that_died_or_is_not_seen_is_free() {
    let house = House::open().await;
    let (mut living, mut killed, mut frozen) = (
        Process::start(&house).await,
        Process::start(&house).await,
        Process::start(&house).await,
    );
    for _ in 0..2 {
        for process in [&mut living, &mut killed, &mut frozen] {
            process.look().await;
        }
    }
    assert_eq!(living.look().await, 33.0);
    let backend = format!(
        "select backend::bigint from graph_share where process = '{}'",
        killed.id
    );
    let backend = house.number(&backend).await;
    drop(killed);
    let lives = format!("select count(*) from pg_stat_activity where pid = {backend}");
    while house.number(&lives).await > 0 {}
    assert_eq!(living.look().await, 50.0, "its connection is gone, and so is its part");

    house
        .sql(&format!(
            "update graph_share set seen_at = seen_at - interval '31 seconds' where process = '{}'",
            frozen.id
        ))
        .await;
    assert_eq!(living.look().await, 100.0, "longer than a lease holds");
    assert_eq!(frozen.look().await, 0.0, "who wakes up joins anew");
    assert_eq!([living.look().await, frozen.look().await], [50.0, 50.0]);
}

#[tokio::test]
async fn processes_that_look_at_the_same_moment_never_take_more_than_the_whole() {
    let house = House::open().await;
    let mut processes = Vec::new();
    for _ in 0..7 {
        processes.push(Process::start(&house).await);
    }
    for _ in 0..4 {
        futures::future::join_all(processes.iter_mut().map(Process::look)).await;
        assert!(all(&house).await <= 1_000_000);
    }
    for process in &mut processes {
        assert_eq!(process.look().await, 14.0, "all have the same in the end");
    }
}
