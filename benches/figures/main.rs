//! What things cost, as ratios in one run: against what Postgres itself needs for the same rows, and against themselves
//! at another size. `make bench` measures everything, `make bench ARGS="sync"` or `ARGS="evidence"` one of them; sizes
//! and rounds may follow.

mod evidence;
mod stage;
mod sync;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["simulator", people, devices] => stage::simulate(people.parse()?, devices.parse()?).await,
        ["sync-worker", database, simulator, tenant] => sync::measure(database, simulator, tenant.parse()?).await,
        ["evidence-worker", database, simulator, tenant] => {
            evidence::measure(database, simulator, tenant.parse()?).await
        }
        [] => {
            sync::compare(100_000, 5).await?;
            evidence::compare(10_000, 12_000, 3).await
        }
        ["sync"] => sync::compare(100_000, 5).await,
        ["sync", people, rounds] => sync::compare(people.parse()?, rounds.parse()?).await,
        ["evidence"] => evidence::compare(10_000, 12_000, 3).await,
        ["evidence", people, devices, rounds] => {
            evidence::compare(people.parse()?, devices.parse()?, rounds.parse()?).await
        }
        _ => anyhow::bail!("usage: [sync [PEOPLE ROUNDS] | evidence [PEOPLE DEVICES ROUNDS]]"),
    }
}

#[expect(clippy::print_stdout, reason = "figures are what a bench is for")]
fn say(line: &str) {
    println!("{line}");
}
