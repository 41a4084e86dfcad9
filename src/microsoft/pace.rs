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

/// What limits are of, that are wide enough for questions side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// Everything, of all tenants.
    Application,
    /// The directory of all tenants, in resource units.
    Directories,
    /// The reports of all tenants.
    AllReports,
    /// The directory of one tenant, in resource units.
    Directory(Uuid),
    /// The devices of one tenant.
    IntuneDevices(Uuid),
    /// What one tenant asks of its devices.
    IntuneConfiguration(Uuid),
}

/// So many questions in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub most: usize,
    /// In how long.
    pub within: Duration,
}

/// How fast the services are asked.
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
    /// Everything that the application asks.
    pub application: Limit,
    /// The directory, by the application, in resource units.
    pub directories: Limit,
    /// The identity reports, by the application.
    pub all_reports: Limit,
    /// The directory, by tenant, in resource units: what the smallest tenants are allowed, for a tenant's size is not known
    /// before it was read.
    pub directory: Limit,
    /// Intune's devices, by tenant.
    pub intune_devices: Limit,
    /// Intune's policies, by tenant.
    pub intune_configuration: Limit,
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
            application: limit(130_000, 10),
            directories: limit(150_000, 20),
            all_reports: limit(122, 10),
            directory: limit(3_500, 10),
            intune_devices: limit(2_000, 20),
            intune_configuration: limit(1_000, 20),
        }
    }
}

impl Pace {
    fn within(&self, bound: Bound) -> Limit {
        match bound {
            Bound::Application => self.application,
            Bound::Directories => self.directories,
            Bound::AllReports => self.all_reports,
            Bound::Directory(_) => self.directory,
            Bound::IntuneDevices(_) => self.intune_devices,
            Bound::IntuneConfiguration(_) => self.intune_configuration,
        }
    }

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
    /// When what was asked until now is paid for.
    paid: Mutex<HashMap<Bound, Instant>>,
}

impl Paces {
    /// Waits until a question may be asked that costs so much of each of these. It is paid for, asked or not.
    pub(crate) async fn pay(&self, costs: &[(Bound, u32)], pace: &Pace) {
        let now = Instant::now();
        let go_at = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let waits = costs.iter().map(|(bound, cost)| {
                let paid = paid.entry(*bound).or_insert(now);
                go_at(paid, now, *cost, pace.within(*bound))
            });
            waits.max().unwrap_or(now)
        };
        if go_at > now {
            sleep_until(go_at).await;
        }
    }

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

/// When a question of this cost may go, with what was asked before paid until `paid`.
///
/// No window of the limit's length holds more than the limit: a tenth of it may go ahead of its time, and nine tenths is
/// what comes due within.
fn go_at(paid: &mut Instant, now: Instant, cost: u32, limit: Limit) -> Instant {
    let each = limit.within.as_secs_f64() / (0.9 * f64::from(u32::try_from(limit.most.max(1)).unwrap_or(u32::MAX)));
    let ahead = limit.within / 10;
    let until = (*paid).max(now);
    *paid = until + Duration::from_secs_f64(each * f64::from(cost));
    until.checked_sub(ahead).map_or(now, |at| at.max(now))
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
            ..Pace::default()
        }
    }

    #[test]
    fn no_window_holds_more_than_a_wide_limit_however_fast_somebody_asks() {
        let begin = Instant::now();
        let pace = Pace::default();
        let tenant = Uuid::nil();
        for (bound, cost) in [
            (Bound::Directory(tenant), 1),
            (Bound::Directory(tenant), 20),
            (Bound::AllReports, 1),
            (Bound::IntuneDevices(tenant), 1),
            (Bound::IntuneConfiguration(tenant), 1),
        ] {
            let limit = pace.within(bound);
            let at_once = limit.most / usize::try_from(cost).unwrap();
            let mut paid = begin;
            let gone: Vec<Instant> = (0..at_once * 4).map(|_| go_at(&mut paid, begin, cost, limit)).collect();
            assert!(gone.windows(2).all(|two| two[0] <= two[1]));
            for window in gone.windows(at_once + 1) {
                assert!(window[at_once] - window[0] >= limit.within, "{bound:?}");
            }
            let whole = limit.within.mul_f64(4.5);
            assert!(
                gone[gone.len() - 1] - begin < whole,
                "{bound:?}: no slower than it has to be"
            );
        }
    }

    #[tokio::test]
    async fn a_tenant_that_is_asked_a_lot_does_not_slow_another() {
        let (paces, pace) = (Paces::default(), Pace::default());
        let busy = [(Bound::Directory(Uuid::new_v4()), 1_000_000), (Bound::Application, 1)];
        paces.pay(&busy, &pace).await;
        paces
            .pay(&[(Bound::Directory(Uuid::new_v4()), 1), (Bound::Application, 1)], &pace)
            .await;
        let waits = tokio::time::timeout(Duration::from_millis(1), paces.pay(&busy, &pace)).await;
        assert!(waits.is_err(), "the busy one waits");
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
