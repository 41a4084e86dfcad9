//! A simulated week of many companies and two workers: every slot once, and how late runs begin. `make week` prints the
//! figures of 2,000 companies; `make week ARGS="200 2"` sets the companies and the days, and a third and a fourth number the
//! places of each worker (`TENANTRY_CONCURRENCY`) and the seed. What is real in it and what is made up is said in
//! `tests/support/week/mod.rs`.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

#[path = "../tests/support/week/mod.rs"]
mod week;

use anyhow::Context;
use tenantry::db;
use tenantry::db::embedded::EmbeddedPostgres;
use week::{Plan, simulate};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .map(|argument| argument.parse().context("usage: [COMPANIES [DAYS [PLACES [SEED]]]]"))
        .collect::<anyhow::Result<_>>()?;
    let number = |place: usize, usual: u64| numbers.get(place).copied().unwrap_or(usual);
    let plan = Plan {
        companies: usize::try_from(number(0, 2_000))?,
        days: i64::try_from(number(1, 7))?,
        places: usize::try_from(number(2, 16))?,
        seed: number(3, 1),
    };
    let folder = std::env::temp_dir().join(format!("tenantry-week-{}", std::process::id()));
    let postgres = EmbeddedPostgres::start_throwaway(&folder).await?;
    db::migrate(postgres.url()).await?;
    println!("{plan:?}");
    let figures = simulate(postgres.url(), plan).await;
    postgres.stop().await?;
    std::fs::remove_dir_all(&folder).ok();
    println!("{}", figures?);
    Ok(())
}
