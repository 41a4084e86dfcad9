//! A run's place at its worker, which it leaves while Microsoft makes it wait.
//!
//! A worker has room for so many runs that work, and for as many that wait in memory with what they have read; of either
//! half at most is for large tenants. A run that finds no room to wait in keeps its place meanwhile: it is not begun
//! again, for what it would ask once more is what Microsoft has too much of.
//!
//! The danger is a worker whose memory fills with runs that wait: none leaves its place without another to wait in.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The room that a worker has.
#[derive(Clone)]
pub struct Room {
    working: Seats,
    waiting: Seats,
}

impl Room {
    /// Room for so many runs that work, and as many that wait.
    pub fn new(places: usize) -> Self {
        Self {
            working: Seats::new(places),
            waiting: Seats::new(places),
        }
    }

    /// Waits for a place.
    pub async fn take(&self) -> Place {
        Place::new(self.clone(), self.working.take(false).await)
    }

    /// A place, if one is free.
    pub fn try_take(&self) -> Option<Place> {
        Some(Place::new(self.clone(), self.working.try_take(false)?))
    }

    /// Every seat but the one that whoever asks has.
    fn all_but_one(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        let working = self.working.all.clone().try_acquire_many_owned(self.working.count - 1);
        let waiting = self.waiting.all.clone().try_acquire_many_owned(self.waiting.count);
        Some([working.ok()?, waiting.ok()?])
    }
}

/// A place at a worker; it is free again when this is dropped.
pub struct Place {
    room: Room,
    seat: Seat,
    /// All the other seats, where nobody else may be there.
    alone: Option<[OwnedSemaphorePermit; 2]>,
    /// Tells who waits until it is left for the first time.
    taken: Option<DropGuard>,
}

impl Place {
    fn new(room: Room, seat: Seat) -> Self {
        Self {
            room,
            seat,
            alone: None,
            taken: None,
        }
    }

    /// Ends when the place is left for the first time, for a while or for good.
    pub fn until_left(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let left = CancellationToken::new();
        self.taken = Some(left.clone().drop_guard());
        left.cancelled_owned()
    }

    /// Makes it one that a large tenant's run may have; false where the others have all that may be given to them.
    pub fn widen(&mut self) -> bool {
        if self.seat.large.is_none() {
            self.seat.large = self.room.working.large.clone().try_acquire_owned().ok();
        }
        self.seat.large.is_some()
    }

    /// Makes it one for a run that is not large.
    pub fn narrow(&mut self) {
        self.seat.large = None;
    }

    /// Makes it the only one, so that nobody else is harmed by what its run does to the process; false where there are
    /// others. It cannot be left then.
    pub fn isolate(&mut self) -> bool {
        if self.alone.is_none() {
            self.alone = self.room.all_but_one();
        }
        self.alone.is_some()
    }

    /// Makes it one of several again.
    pub fn admit_others(&mut self) {
        self.alone = None;
    }

    /// Leaves it to others until [`Self::take_again`]. False where there is no room to wait in: then it is kept.
    pub fn leave(&mut self) -> bool {
        let Some(seat) = self.room.waiting.try_take(self.seat.large.is_some()) else {
            return false;
        };
        self.seat = seat;
        self.taken = None;
        true
    }

    /// Waits for a place like the one that was left.
    pub async fn take_again(&mut self) {
        self.seat = self.room.working.take(self.seat.large.is_some()).await;
    }
}

/// Seats for runs.
#[derive(Clone)]
struct Seats {
    count: u32,
    all: Arc<Semaphore>,
    /// Those of them that may be given to the large.
    large: Arc<Semaphore>,
}

struct Seat {
    _any: OwnedSemaphorePermit,
    large: Option<OwnedSemaphorePermit>,
}

impl Seats {
    fn new(seats: usize) -> Self {
        Self {
            count: u32::try_from(seats).expect("a setting of 16 bits"),
            all: Arc::new(Semaphore::new(seats)),
            // Who has a single one shares it.
            large: Arc::new(Semaphore::new((seats / 2).max(1))),
        }
    }

    async fn take(&self, large: bool) -> Seat {
        // The rarer first: who waits for it keeps nobody from a seat.
        let large = if large { Some(permit(&self.large).await) } else { None };
        let _any = permit(&self.all).await;
        Seat { _any, large }
    }

    fn try_take(&self, large: bool) -> Option<Seat> {
        let large = if large {
            Some(self.large.clone().try_acquire_owned().ok()?)
        } else {
            None
        };
        let _any = self.all.clone().try_acquire_owned().ok()?;
        Some(Seat { _any, large })
    }
}

async fn permit(seats: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    let permit = seats.clone().acquire_owned().await;
    permit.expect("nobody closes the semaphore")
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_place_that_is_left_is_anothers_until_that_one_leaves_too() {
        let room = Room::new(1);
        let mut first = room.try_take().unwrap();
        assert!(room.try_take().is_none());

        assert!(first.leave());
        let second = room.try_take().unwrap();
        assert!(first.take_again().now_or_never().is_none(), "it is taken");
        drop(second);
        assert!(first.take_again().now_or_never().is_some());
        assert!(room.try_take().is_none());
    }

    #[test]
    fn as_many_wait_as_work_and_half_of_them_may_be_large() {
        let room = Room::new(4);
        let mut waiting = Vec::new();
        for large in [true, true, true, false, false, false] {
            let mut place = room.try_take().expect("those who wait are in nobody's way");
            assert!(!large || place.widen());
            if place.leave() {
                waiting.push((large, place));
            }
        }
        let large = waiting.iter().filter(|(large, _)| *large).count();
        assert_eq!((waiting.len(), large), (4, 2));
    }

    #[test]
    fn a_place_is_alone_while_nobody_works_or_waits_beside_it() {
        let room = Room::new(2);
        let mut place = room.try_take().unwrap();
        let mut other = room.try_take().unwrap();
        assert!(!place.isolate(), "somebody works");
        assert!(other.leave());
        assert!(!place.isolate(), "somebody waits");
        drop(other);

        assert!(place.isolate());
        assert!(room.try_take().is_none(), "nobody comes");
        assert!(!place.leave(), "for whoever came then would not be alone");
        place.admit_others();
        assert!(room.try_take().is_some());
    }

    #[test]
    fn a_place_is_left_once_however_often_its_run_waits() {
        let mut place = Room::new(1).try_take().unwrap();
        let mut left = Box::pin(place.until_left());
        assert!(left.as_mut().now_or_never().is_none());
        assert!(place.leave());
        assert!(left.now_or_never().is_some());
    }
}
