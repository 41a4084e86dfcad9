//! What came of a simulation.

use std::fmt;
use std::time::Duration;

use super::WORKERS;

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    pub companies: usize,
    pub days: i64,
    pub took: Duration,
    pub slots: i64,
    pub passed_over: i64,
    pub let_go: i64,
    pub runs: i64,
    pub taken_back: usize,
    pub deaths: usize,
    /// Seconds from when a run was due until it began.
    pub lateness: Vec<(&'static str, Vec<f64>)>,
}

impl Figures {
    /// Seconds that so many of a hundred began late at most, of those with this name.
    pub fn late(&self, name: &str, percent: f64) -> f64 {
        let mut late: Vec<f64> = self
            .lateness
            .iter()
            .filter(|(who, _)| *who == name)
            .flat_map(|(_, late)| late.iter().copied())
            .collect();
        late.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list"
        )]
        let place = (late.len() as f64 * percent / 100.0).ceil() as usize;
        late.get(place.max(1) - 1).copied().unwrap_or(0.0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} companies, {} days, {WORKERS} workers: {} runs of {} slots in {:.0} s",
            self.companies,
            self.days,
            self.runs,
            self.slots,
            self.took.as_secs_f64()
        )?;
        writeln!(
            f,
            "each slot once; {} passed over (tenants that fail), {} let go in a downtime; workers died {} times, {} runs taken back",
            self.passed_over, self.let_go, self.deaths, self.taken_back
        )?;
        writeln!(f, "began late by, seconds      median      99th     worst      runs")?;
        for (name, late) in &self.lateness {
            writeln!(
                f,
                "{name:<24}{:>10.1}{:>10.1}{:>10.1}{:>10}",
                self.late(name, 50.0),
                self.late(name, 99.0),
                self.late(name, 100.0),
                late.len()
            )?;
        }
        Ok(())
    }
}
