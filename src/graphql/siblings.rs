//! Rows that were read together ask together: when the first of them needs its groups, the groups of all are read.
//!
//! That makes one statement a level of nesting, whatever the page size, without a loader's delay and without guessing
//! at the selection: the field itself asks, with the arguments that it was given, and its siblings find the answer.
//! The danger here is a row that forgets its siblings: it would ask alone, once per row.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::error::Answer;
use crate::model::page::{Owner, Row};

/// A row among those that it was read with.
pub struct Kin<T> {
    row: Arc<T>,
    siblings: Arc<Siblings>,
}

impl<T: Row> Kin<T> {
    /// The rows of one reading as siblings, in their order.
    pub fn all(rows: Vec<T>) -> Vec<Self> {
        let siblings = Siblings::new(rows.iter().map(Row::owner).collect());
        rows.into_iter().map(|row| Self::among(row, &siblings)).collect()
    }

    /// A row that was read alone.
    pub fn alone(row: T) -> Self {
        let siblings = Siblings::new(vec![row.owner()]);
        Self::among(row, &siblings)
    }

    /// A row among siblings that were counted before.
    pub fn among(row: T, siblings: &Arc<Siblings>) -> Self {
        Self {
            row: Arc::new(row),
            siblings: siblings.clone(),
        }
    }

    /// This row as the owner of lists.
    pub fn owner(&self) -> Owner {
        self.row.owner()
    }
}

impl<T> Kin<T> {
    /// The rows that it was read with.
    pub fn siblings(&self) -> &Arc<Siblings> {
        &self.siblings
    }
}

impl<T> Deref for Kin<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.row
    }
}

impl<T> Clone for Kin<T> {
    fn clone(&self) -> Self {
        Self {
            row: self.row.clone(),
            siblings: self.siblings.clone(),
        }
    }
}

type Cell<T> = Arc<OnceCell<Answer<Arc<T>>>>;

/// Rows that were read together, and the answers that they share.
pub struct Siblings {
    owners: Vec<Owner>,
    answers: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl Siblings {
    /// Siblings by what they own. The same row may have come twice; its lists are read once.
    pub fn new(mut owners: Vec<Owner>) -> Arc<Self> {
        owners.sort_unstable();
        owners.dedup();
        Arc::new(Self {
            owners,
            answers: Mutex::default(),
        })
    }

    /// What they own.
    pub fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// The answer to a question that is asked once for all of them: the first to ask loads it, the others wait.
    ///
    /// # Errors
    /// What `load` answered; each that asks gets the same error.
    pub async fn share<Q, T, F>(&self, question: Q, load: impl FnOnce() -> F) -> Answer<Arc<T>>
    where
        Q: Eq + Hash + Send + 'static,
        T: Send + Sync + 'static,
        F: Future<Output = anyhow::Result<T>> + Send,
    {
        self.cell::<Q, T>(question)
            .get_or_init(|| async { Ok(Arc::new(load().await?)) })
            .await
            .clone()
    }

    fn cell<Q, T>(&self, question: Q) -> Cell<T>
    where
        Q: Eq + Hash + Send + 'static,
        T: Send + Sync + 'static,
    {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .entry(TypeId::of::<HashMap<Q, Cell<T>>>())
            .or_insert_with(|| Box::new(HashMap::<Q, Cell<T>>::new()))
            .downcast_mut::<HashMap<Q, Cell<T>>>()
            .expect("it is kept under its own type")
            .entry(question)
            .or_default()
            .clone()
    }
}
