//! Desks for work on everything that is kept of a company: there are few, for each takes a connection and a processor, and
//! a company has one at most, so that nobody can keep the others from theirs by asking again and again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// How many there are.
const DESKS: usize = 2;

/// The desks of a process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Desks(Arc<Mutex<HashSet<Uuid>>>);

/// A desk that was taken; it is free again when this is dropped.
pub struct Desk {
    desks: Desks,
    company_id: Uuid,
}

impl Desks {
    /// A desk for work on this company; none while it has one, or all are taken.
    pub fn take(&self, company_id: Uuid) -> Option<Desk> {
        let mut taken = self.taken();
        let free = taken.len() < DESKS && taken.insert(company_id);
        free.then(|| Desk {
            desks: self.clone(),
            company_id,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.desks.taken().remove(&self.company_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_has_one_desk_at_most_and_gives_it_back() {
        let desks = Desks::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let desk = desks.take(one);
        assert!(desk.is_some());
        assert!(desks.take(one).is_none(), "it has one");
        assert!(desks.take(other).is_some(), "there is another for others");
        drop(desk);
        assert!(desks.take(one).is_some());
    }

    #[test]
    fn there_are_few_desks() {
        let desks = Desks::default();
        let taken: Vec<_> = (1..=2).map(|company| desks.take(Uuid::from_u128(company))).collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(desks.take(Uuid::from_u128(3)).is_none());
    }
}
