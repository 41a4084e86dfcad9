//! Asking slowly, before Microsoft says so: some services take few requests, and one of them does not even say when to
//! come back.
//!
//! The danger: a refused request counts like any other, so who asks again at once is refused for ever. A service of a
//! tenant is asked by one question at a time, and a question counts from when it was answered: then no delay on the way
//! can bring two of them too close together.
//!
//! The limits belong to the application, and so to all of its processes:
//! - Of the limits over all tenants a worker process uses its [share](Paces::set_share), which the processes agree on in the
//!   database, and without one it waits. An API that asks a few questions where somebody connects a tenant has no share;
//!   they fit into the tenth that all leave free.
//! - A tenant has one run at a time, wherever it is performed, so its wide limits need no agreement. Nobody may save up for a
//!   burst, so that also those ten seconds in which another process takes a tenant over hold no more than the limit.
//! - Of the narrow services of a tenant a process remembers only its own questions. Where a run is taken over by another
//!   process within a service's time, that time may see up to twice its limit, once; if Microsoft then refuses, it is
//!   waited for as for any refusal.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, watch};
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

impl Bound {
    /// Whether it is one limit for all tenants, and so shared with other processes.
    fn is_of_all_tenants(self) -> bool {
        matches!(self, Self::Application | Self::Directories | Self::AllReports)
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
pub(crate) struct Paces {
    lately: Mutex<HashMap<(Uuid, Service), Lately>>,
    /// When what was asked until now is paid for.
    paid: Mutex<HashMap<Bound, Instant>>,
    /// Which part of the limits over all tenants is this process's.
    share: watch::Sender<f64>,
}

impl Default for Paces {
    /// Of a process that asks alone.
    fn default() -> Self {
        Self {
            lately: Mutex::default(),
            paid: Mutex::default(),
            share: watch::Sender::new(1.0),
        }
    }
}

impl Paces {
    /// Says which part, 0 to 1, of the limits over all tenants is this process's from now on. With none, whoever asks waits.
    pub(crate) fn set_share(&self, share: f64) {
        self.share.send_if_modified(|old| {
            let differs = old.to_bits() != share.to_bits();
            *old = share;
            differs
        });
    }

    /// Waits until a question may be asked that costs so much of each of these. It is paid for, asked or not.
    pub(crate) async fn pay(&self, costs: &[(Bound, u32)], pace: &Pace) {
        let share = self.some_share().await;
        let now = Instant::now();
        let go_at = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let waits = costs.iter().map(|(bound, cost)| {
                let part = if bound.is_of_all_tenants() { share } else { 1.0 };
                let paid = paid.entry(*bound).or_insert(now);
                go_at(paid, now, f64::from(*cost) / part, pace.within(*bound))
            });
            waits.max().unwrap_or(now)
        };
        if go_at > now {
            sleep_until(go_at).await;
        }
    }

    /// The share of this process, as soon as it has one.
    async fn some_share(&self) -> f64 {
        let mut shares = self.share.subscribe();
        let share = shares.wait_for(|share| *share > 0.0).await;
        *share.expect("its sender is ours")
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
/// Nine tenths of the limit come due within its length, evenly, and nothing is saved up: no window holds more than the limit,
/// also where somebody else asked just before us.
fn go_at(paid: &mut Instant, now: Instant, cost: f64, limit: Limit) -> Instant {
    let each = limit.within.as_secs_f64() / (0.9 * f64::from(u32::try_from(limit.most.max(1)).unwrap_or(u32::MAX)));
    let go_at = (*paid).max(now);
    *paid = go_at + Duration::from_secs_f64(each * cost);
    go_at
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
            let gone: Vec<Instant> = (0..at_once * 4)
                .map(|_| go_at(&mut paid, begin, f64::from(cost), limit))
                .collect();
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

    /// When questions go that are asked of a limit as fast as may be, for so long, from a moment on.
    fn gone_from(begin: Instant, lasting: Duration, cost: f64, limit: Limit) -> Vec<Instant> {
        let mut paid = begin;
        let going = std::iter::repeat_with(|| go_at(&mut paid, begin, cost, limit));
        going.take_while(|at| *at < begin + lasting).collect()
    }

    #[test]
    fn no_window_holds_more_than_the_limit_while_processes_come_and_go() {
        let pace = Pace::default();
        for bound in [Bound::Application, Bound::Directories, Bound::AllReports] {
            let limit = pace.within(bound);
            let begin = Instant::now();
            // One alone, then three at once, then one of them alone again: each as fast as it may.
            let mut gone = gone_from(begin, limit.within, 1.0, limit);
            for _ in 0..3 {
                gone.extend(gone_from(begin + limit.within, limit.within, 3.0, limit));
            }
            gone.extend(gone_from(begin + limit.within * 2, limit.within, 1.0, limit));
            gone.sort();
            for window in gone.windows(limit.most + 1) {
                assert!(window[limit.most] - window[0] >= limit.within, "{bound:?}");
            }
        }
    }

    #[test]
    fn a_tenant_that_another_process_takes_over_is_asked_no_faster() {
        let (limit, begin) = (Pace::default().directory, Instant::now());
        let half = limit.within / 2;
        let mut gone = gone_from(begin, half, 1.0, limit);
        gone.extend(gone_from(begin + half, limit.within, 1.0, limit));
        for window in gone.windows(limit.most + 1) {
            assert!(window[limit.most] - window[0] >= limit.within);
        }
    }

    #[tokio::test]
    async fn who_has_no_share_waits_for_one_and_nobody_exceeds_theirs() {
        let (paces, tenant) = (Paces::default(), Uuid::new_v4());
        let pace = Pace {
            all_reports: Limit {
                most: 100,
                within: Duration::from_secs(90),
            },
            ..Pace::default()
        };
        let costs = [(Bound::AllReports, 1), (Bound::Directory(tenant), 1)];
        paces.set_share(0.0);
        let mut waiting = Box::pin(paces.pay(&costs, &pace));
        assert!(futures::poll!(waiting.as_mut()).is_pending(), "there is none");
        paces.set_share(0.25);
        waiting.await;
        let paid = |bound| paces.paid.lock().unwrap()[&bound];
        let ahead = paid(Bound::AllReports) - paid(Bound::Directory(tenant));
        assert!(
            ahead > Duration::from_millis(3_990),
            "four seconds for one question, not one: {ahead:?}"
        );
        let mut second = Box::pin(paces.pay(&costs, &pace));
        assert!(futures::poll!(second.as_mut()).is_pending(), "so the next is not due");
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
