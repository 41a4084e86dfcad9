//! The process itself, as the system sees it, under the names that Prometheus' own clients use.
//!
//! Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics> and `proc_pid_stat(5)`.

use std::fs;

/// What the system says of this process.
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: f64,
    /// None where the system hides when it started itself, as `ProcSubset=pid` of systemd does.
    pub(super) start_seconds: Option<f64>,
    pub(super) threads: f64,
    pub(super) open_files: f64,
    pub(super) most_files: f64,
}

impl Process {
    /// None where the system does not say.
    pub(super) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name may hold anything, but ends with the last parenthesis; field 3 comes after it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let ticks = as_f64(rustix::param::clock_ticks_per_second());
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            start_seconds: boot_time().zip(field(22)).map(|(boot, after)| boot + after / ticks),
            resident_bytes: field(24)? * as_f64(u64::try_from(rustix::param::page_size()).ok()?),
            open_files: as_f64(u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?),
            most_files: rustix::process::getrlimit(rustix::process::Resource::Nofile)
                .current
                .map_or(f64::INFINITY, as_f64),
        })
    }
}

/// When the machine started, in seconds of Unix time.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other number, and none of these comes near 2^53"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}
