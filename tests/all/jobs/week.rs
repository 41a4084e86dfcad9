//! A day of fifty companies on a moved clock: what `make week` shows at full size.

use crate::support::aloud;
use crate::support::postgres;
use crate::support::week::{Plan, simulate};

#[tokio::test]
async fn on_a_moved_clock_every_slot_is_taken_once_and_nobody_starves() {
    let database = postgres::database().await;
    let plan = Plan {
        companies: 52,
        days: 1,
        places: 4,
        seed: 7,
    };

    let figures = simulate(&database.url, plan).await.expect("every promise is kept");

    aloud::say(&figures);
    assert_eq!(
        (figures.slots, figures.let_go),
        (52 * (6 - 2 + 4 - 1), 52 * 3),
        "{figures}"
    );
    assert!(figures.passed_over > 0 && figures.deaths == 3, "{figures}");
    // Virtual seconds, which no machine makes longer.
    assert!(figures.late("small", 100.0) < 600.0, "{figures}");
    // Who clicks waits for what is under way for the same tenant.
    assert!(figures.late("clicks", 100.0) < 2_400.0, "{figures}");
    assert!(figures.late("large", 100.0) < 4.0 * 3_600.0, "{figures}");
}
