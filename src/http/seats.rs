//! How many sockets, or streams, are open with one proof.
//!
//! The danger: a count that is not taken back locks its owner out until the next start. So a seat is given back when it is
//! dropped, however its socket or stream ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::session::Proof;
use crate::model::secret;

/// The most with one service token: each process of a back end needs one, for many people.
const MOST_OF_A_TOKEN: usize = 50;
/// The most with one session: a browser has one for each of its tabs.
const MOST_OF_A_SESSION: usize = 10;

/// The seats that are taken, by the hash of their proof.
#[derive(Clone, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<Vec<u8>, usize>>>);

impl Seats {
    /// Takes a seat, if one is free. The proof need not hold: one that does not has its seat until it is judged.
    pub(super) fn take(&self, proof: &Proof) -> Option<Seat> {
        let (secret, most) = match proof {
            Proof::Bearer(secret) => (secret, MOST_OF_A_TOKEN),
            Proof::Cookie(secret) => (secret, MOST_OF_A_SESSION),
        };
        let proof = secret::hash(secret);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(proof.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat {
            seats: self.clone(),
            proof,
        })
    }
}

/// A seat that is taken.
pub(super) struct Seat {
    seats: Seats,
    proof: Vec<u8>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.proof) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.proof);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_given_back_even_by_a_panic() {
        let seats = Seats::default();
        let proof = Proof::Cookie("a".into());
        let mut taken: Vec<Seat> = (0..MOST_OF_A_SESSION).map(|_| seats.take(&proof).unwrap()).collect();
        assert!(seats.take(&proof).is_none());
        assert!(
            seats.take(&Proof::Cookie("b".into())).is_some(),
            "others have their own"
        );
        let last = taken.pop().unwrap();
        let broken = std::thread::Builder::new().spawn(move || {
            let _seat = last;
            panic!("with the seat in hand");
        });
        assert!(broken.unwrap().join().is_err());
        taken.push(seats.take(&proof).unwrap());
        drop(taken);
        assert!(seats.0.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn a_token_has_more_seats_than_a_session() {
        let seats = Seats::default();
        let taken: Vec<Seat> = std::iter::from_fn(|| seats.take(&Proof::Bearer("a".into()))).collect();
        assert_eq!(taken.len(), MOST_OF_A_TOKEN);
    }
}
