//! What happens, and when: made of a seed alone, so that a seed tells it again.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::cluster::Fall;

pub const APIS: usize = 2;
pub const WORKERS: usize = 3;
pub const COMPANIES: usize = 40;

/// Something that happens; processes are numbered, the APIs before the workers.
#[derive(Clone, Debug)]
pub enum Blow {
    /// Somebody asks for a sync.
    Click {
        api: usize,
        company: usize,
        evidence: bool,
        full: bool,
    },
    /// The directory of a company changes in this many places.
    Changes { company: usize, count: u64, seed: u64 },
    /// Microsoft misbehaves towards a company.
    Trouble { company: usize, fault: Value },
    /// No token is good any more.
    TokensExpire,
    /// kill -9; started again after a while.
    Kill { node: usize, away: Duration },
    /// SIGTERM; started again at once.
    Terminate { node: usize },
    /// kill -STOP, and -CONT after a while.
    Freeze { node: usize, away: Duration },
    /// Postgres goes down, and up again after a while.
    Postgres { how: Fall, away: Duration },
}

/// A pause, and what comes after it, for as long as `length`.
pub fn write(seed: u64, length: Duration) -> Vec<(Duration, Blow)> {
    let mut random = StdRng::seed_from_u64(seed);
    // Once in every run whatever the seed: a worker that is away for longer than its lease.
    let mut script = vec![(
        Duration::from_secs(2),
        Blow::Freeze {
            node: APIS,
            away: Duration::from_secs(36),
        },
    )];
    let mut at = Duration::from_secs(2);
    while at < length {
        let pause = Duration::from_millis(random.random_range(20..250));
        at += pause;
        script.push((pause, blow(&mut random)));
    }
    script
}

fn blow(random: &mut StdRng) -> Blow {
    let company = random.random_range(0..COMPANIES);
    let any = random.random_range(0..APIS + WORKERS);
    let worker = random.random_range(APIS..APIS + WORKERS);
    let away = Duration::from_millis(random.random_range(0..2_500));
    match random.random_range(0..1000) {
        0..470 => Blow::Click {
            api: random.random_range(0..APIS),
            company,
            evidence: random.random_ratio(1, 8),
            full: random.random_ratio(1, 4),
        },
        470..730 => Blow::Changes {
            company,
            count: random.random_range(1..6),
            seed: random.random_range(0..u64::from(u32::MAX)),
        },
        730..900 => Blow::Trouble {
            company,
            fault: fault(random),
        },
        900..915 => Blow::TokensExpire,
        915..945 => Blow::Kill { node: worker, away },
        945..960 => Blow::Kill { node: any, away },
        960..975 => Blow::Terminate { node: any },
        975..993 => Blow::Freeze { node: any, away },
        _ => Blow::Postgres {
            how: if random.random() { Fall::Immediate } else { Fall::Fast },
            away,
        },
    }
}

fn fault(random: &mut StdRng) -> Value {
    let on = ["users", "users/delta", "groups/delta", "deviceManagement", "*"][random.random_range(0..5)];
    let (kind, status) = [
        ("throttle", 429),
        ("status", 503),
        ("status", 504),
        ("cut", 200),
        ("truncate", 200),
        ("gone", 410),
        ("expired_delta", 400),
        ("unauthorized", 401),
        ("html", 200),
    ][random.random_range(0..9)];
    let mut fault = json!({"on": on, "kind": kind, "times": random.random_range(1..4)});
    match kind {
        "throttle" => fault["retryAfter"] = json!(random.random_range(1..4)),
        "status" => fault["status"] = json!(status),
        _ => {}
    }
    fault
}
