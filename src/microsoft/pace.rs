//! Asking slowly, before Microsoft says so: some services take few requests, and one of them does not even say when to
//! come back.
//!
//! The danger: a refused request counts like any other, so who asks again at once is refused for ever. A service of a
//! tenant is asked by one question at a time, and a question counts from when it was answered: then no delay on the way
//! can bring two of them too close together.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// A service with a narrow limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// One request a second for each tenant, whoever asks.
    ConditionalAccess,
    /// Reports on registrations, and the audit log.
    Reports,
    /// `signInActivity` of people.
    SignInActivity,
}

/// So many questions in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub most: usize,
    /// In how long.
    pub within: Duration,
}

/// How fast the slow services are asked.
///
/// Source: <https://learn.microsoft.com/graph/throttling-limits>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Conditional access, by tenant.
    pub conditional_access: Limit,
    /// The identity reports, by tenant.
    pub reports: Limit,
    /// `signInActivity`, by tenant.
    pub sign_in_activity: Limit,
}

impl Default for Pace {
    fn default() -> Self {
        let limit = |most, seconds| Limit {
            most,
            within: Duration::from_secs(seconds),
        };
        Self {
            conditional_access: limit(1, 1),
            reports: limit(5, 10),
            sign_in_activity: limit(10, 60),
        }
    }
}

impl Pace {
    fn of(&self, service: Service) -> Limit {
        match service {
            Service::ConditionalAccess => self.conditional_access,
            Service::Reports => self.reports,
            Service::SignInActivity => self.sign_in_activity,
        }
    }
}

type Lately = Arc<tokio::sync::Mutex<VecDeque<Instant>>>;

/// When each service of each tenant was asked lately.
#[derive(Default)]
pub(crate) struct Paces {
    lately: Mutex<HashMap<(Uuid, Service), Lately>>,
}

impl Paces {
    /// Waits until the service of this tenant may be asked. Nobody else asks it while the turn lasts.
    pub(crate) async fn turn(&self, tenant: Uuid, service: Service, pace: &Pace) -> Turn {
        let lately = self
            .lately
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((tenant, service))
            .or_default()
            .clone();
        let mut lately = lately.lock_owned().await;
        let limit = pace.of(service);
        while lately.len() >= limit.most.max(1) {
            // It is forgotten only when the wait is over: whoever waits may be dropped meanwhile.
            let earliest = lately[0];
            sleep_until(earliest + limit.within).await;
            lately.pop_front();
        }
        Turn { lately }
    }
}

/// The right to ask once.
pub(crate) struct Turn {
    lately: OwnedMutexGuard<VecDeque<Instant>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.lately.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits that a test can wait for, in the proportions of the published ones.
    fn quick() -> Pace {
        let limit = |most, milliseconds| Limit {
            most,
            within: Duration::from_millis(milliseconds),
        };
        Pace {
            conditional_access: limit(1, 5),
            reports: limit(5, 50),
            sign_in_activity: limit(10, 300),
        }
    }

    #[tokio::test]
    async fn no_window_holds_more_questions_than_the_limit() {
        let (paces, pace, tenant) = (Paces::default(), quick(), Uuid::new_v4());
        for service in [Service::ConditionalAccess, Service::Reports] {
            let limit = pace.of(service);
            let mut asked = Vec::new();
            for _ in 0..limit.most + 2 {
                let turn = paces.turn(tenant, service, &pace).await;
                asked.push(Instant::now());
                drop(turn);
            }
            for window in asked.windows(limit.most + 1) {
                assert!(window[limit.most] - window[0] >= limit.within, "{service:?}");
            }
        }
    }

    #[tokio::test]
    async fn tenants_and_services_do_not_wait_for_each_other() {
        let (paces, pace) = (Paces::default(), Pace::default());
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        let _held = paces.turn(one, Service::ConditionalAccess, &pace).await;
        let _reports = paces.turn(one, Service::Reports, &pace).await;
        let _other = paces.turn(other, Service::ConditionalAccess, &pace).await;
    }
}
