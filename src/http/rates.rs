//! How often somebody may ask.
//!
//! The danger: a count of everybody who ever asked, which fills the memory; so what is paid off is forgotten. And a count
//! that one can run up for another: see [`Acquaintances`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::caller::Address;
use super::state::Rates;
use crate::auth::Viewer;
use crate::auth::session::Proof;
use crate::model::secret;

/// A proof that held is known for this long.
const ACQUAINTANCE: Duration = Duration::from_secs(600);
/// What is over is looked for when there are this many, and then whenever there are twice as many as were left.
const FEW: usize = 1024;

/// So many at once, and then one each so often.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At least 1.
    pub burst: u32,
    pub each: Duration,
}

/// How long it is until the next one may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait(Duration);

impl Wait {
    /// In whole seconds: who waits for so long does not come too early.
    pub(super) fn seconds(self) -> u64 {
        self.0.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
    }
}

/// What the doors count.
pub(super) struct Counts {
    /// What a viewer asks of GraphQL, at all doors together.
    pub(super) viewers: Meter<(Uuid, Uuid)>,
    /// Sign-ins and connects that an address begins or comes back from.
    pub(super) sign_ins: Meter<Address>,
    /// Proofs of an address that did not hold.
    pub(super) failures: Meter<Address>,
    pub(super) acquaintances: Acquaintances,
}

impl Counts {
    pub(super) fn new(rates: &Rates) -> Self {
        Self {
            viewers: Meter::new(rates.viewer),
            sign_ins: Meter::new(rates.sign_in),
            failures: Meter::new(rates.failure),
            acquaintances: Acquaintances::default(),
        }
    }
}

/// Whom a viewer's requests are counted for: a person, with however many sessions, or a token.
pub(super) fn identity(viewer: &Viewer) -> (Uuid, Uuid) {
    match viewer {
        Viewer::Staff(staff) => (staff.tid, staff.oid),
        Viewer::PortalUser(user) => (user.tid, user.oid),
        Viewer::Service(service) => (Uuid::nil(), service.token_id),
    }
}

/// Counts by key. Each one that is let through is a debt, which is paid off with time: the generic cell rate algorithm,
/// which needs one instant for a key.
///
/// `governor` has the same, but cannot be asked whether a key is spent without counting the question.
pub(super) struct Meter<K> {
    rate: Rate,
    paid: Mutex<Until<K>>,
}

impl<K: Eq + Hash> Meter<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            paid: Mutex::default(),
        }
    }

    /// Counts one, unless it is too many.
    pub(super) fn take(&self, key: K, now: Instant) -> Result<(), Wait> {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = paid.left(&key, now);
        self.judge(debt)?;
        paid.set(key, now, debt + self.rate.each);
        Ok(())
    }

    /// Whether one more would be let through. Counts nothing.
    pub(super) fn look(&self, key: &K, now: Instant) -> Result<(), Wait> {
        let debt = self.paid.lock().unwrap_or_else(PoisonError::into_inner).left(key, now);
        self.judge(debt)
    }

    fn judge(&self, debt: Duration) -> Result<(), Wait> {
        let most = self.rate.each * self.rate.burst.saturating_sub(1);
        match debt.checked_sub(most) {
            Some(wait) if !wait.is_zero() => Err(Wait(wait)),
            _ => Ok(()),
        }
    }
}

/// Proofs that held not long ago. They are judged also where an address has spent its failures: else a stranger behind the
/// same proxy or in the same office could lock everybody there out.
#[derive(Default)]
pub(super) struct Acquaintances(Mutex<Until<Vec<u8>>>);

impl Acquaintances {
    pub(super) fn meet(&self, proof: &Proof, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.set(key(proof), now, ACQUAINTANCE);
    }

    pub(super) fn knows(&self, proof: &Proof, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !known.left(&key(proof), now).is_zero()
    }

    pub(super) fn forget(&self, proof: &Proof) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.ends.remove(&key(proof));
    }
}

fn key(proof: &Proof) -> Vec<u8> {
    let (Proof::Bearer(secret) | Proof::Cookie(secret)) = proof;
    secret::hash(secret)
}

/// What lasts until some time, and is forgotten after it.
struct Until<K> {
    ends: HashMap<K, Instant>,
    many: usize,
}

impl<K> Default for Until<K> {
    fn default() -> Self {
        Self {
            ends: HashMap::new(),
            many: FEW,
        }
    }
}

impl<K: Eq + Hash> Until<K> {
    /// How long the key's still lasts.
    fn left(&self, key: &K, now: Instant) -> Duration {
        self.ends
            .get(key)
            .map_or(Duration::ZERO, |end| end.saturating_duration_since(now))
    }

    fn set(&mut self, key: K, now: Instant, left: Duration) {
        if self.ends.len() >= self.many {
            self.ends.retain(|_, end| *end > now);
            self.many = FEW.max(self.ends.len() * 2);
        }
        self.ends.insert(key, now + left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn meter(burst: u32) -> Meter<u32> {
        Meter::new(Rate { burst, each: SECOND })
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_each_second() {
        let (meter, start) = (meter(3), Instant::now());
        for _ in 0..3 {
            assert_eq!(meter.take(7, start), Ok(()));
        }
        assert_eq!(meter.take(7, start), Err(Wait(SECOND)));
        assert_eq!(meter.take(8, start), Ok(()), "others have their own");
        assert_eq!(meter.take(7, start + SECOND), Ok(()));
        assert_eq!(
            meter.take(7, start + SECOND),
            Err(Wait(SECOND)),
            "the refused ones have not counted"
        );
        assert_eq!(meter.look(&7, start + 60 * SECOND), Ok(()));
    }

    #[test]
    fn a_look_counts_nothing() {
        let (meter, start) = (meter(1), Instant::now());
        for _ in 0..9 {
            assert_eq!(meter.look(&7, start), Ok(()));
        }
        assert_eq!(meter.take(7, start), Ok(()));
        assert_eq!(meter.look(&7, start), Err(Wait(SECOND)));
    }

    #[test]
    fn whoever_waits_as_long_as_they_are_told_is_let_through() {
        assert_eq!(Wait(Duration::from_millis(1)).seconds(), 1);
        assert_eq!(Wait(Duration::from_millis(1001)).seconds(), 2);
        assert_eq!(Wait(3 * SECOND).seconds(), 3);
    }

    #[test]
    fn what_is_paid_off_is_forgotten() {
        let (meter, start) = (meter(1), Instant::now());
        let mut now = start;
        for key in 0..20_000 {
            now += SECOND / 100;
            meter.take(key, now).unwrap();
        }
        assert!(meter.paid.lock().unwrap().ends.len() <= FEW);
    }

    #[test]
    fn a_proof_is_known_for_a_while_and_until_it_fails() {
        let (known, start) = (Acquaintances::default(), Instant::now());
        let [one, other] = ["one", "other"].map(|secret| Proof::Cookie(secret.to_owned()));
        known.meet(&one, start);
        assert!(known.knows(&one, start) && !known.knows(&other, start));
        assert!(!known.knows(&one, start + ACQUAINTANCE));
        known.forget(&one);
        assert!(!known.knows(&one, start));
    }
}
