//! The limits that Microsoft publishes for the parts of Graph that evidence is read from.
//!
//! Conditional access takes one request a second and tenant from everybody together, and says no
//! word on when to come back; the identity reports take 5 in 10 seconds, and `signInActivity` 10 a
//! minute, from one application. A refused request counts like any other.
//! <https://learn.microsoft.com/graph/throttling-limits>

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::answer::Failure;
use super::request::Request;
use crate::world::lock;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Service {
    ConditionalAccess,
    Reports,
    SignInActivity,
}

impl Service {
    fn of(request: &Request, segments: &[&str]) -> Option<Self> {
        match segments {
            ["identity", "conditionalAccess", ..] => Some(Self::ConditionalAccess),
            ["reports" | "auditLogs", ..] => Some(Self::Reports),
            ["users", ..] if request.asks_for_sign_ins() => Some(Self::SignInActivity),
            _ => None,
        }
    }

    /// So many requests in so long a time.
    fn limit(self) -> (usize, Duration) {
        match self {
            Self::ConditionalAccess => (1, Duration::from_secs(1)),
            Self::Reports => (5, Duration::from_secs(10)),
            Self::SignInActivity => (10, Duration::from_secs(60)),
        }
    }
}

/// When a service was asked lately, by application where that matters.
#[derive(Default)]
pub struct Limits {
    asked: Mutex<HashMap<(Service, String), VecDeque<Instant>>>,
}

impl Limits {
    /// Counts a request, and refuses it where it is one too many.
    pub fn admit(&self, request: &Request, segments: &[&str], client_id: &str) -> Result<(), Failure> {
        let Some(service) = Service::of(request, segments) else {
            return Ok(());
        };
        let shared = service == Service::ConditionalAccess;
        let whose = if shared { String::new() } else { client_id.to_owned() };
        let (most, window) = service.limit();
        let now = Instant::now();
        let mut asked = lock(&self.asked);
        let lately = asked.entry((service, whose)).or_default();
        while lately.front().is_some_and(|at| now.duration_since(*at) >= window) {
            lately.pop_front();
        }
        lately.push_back(now);
        if lately.len() <= most {
            return Ok(());
        }
        Err(Failure::throttled((!shared).then_some(window.as_secs())))
    }
}
