//! How far a node has read the outbox.
//!
//! The numbers of the outbox are given out before their transactions commit, so a low number may become visible after
//! a high one. A number that was passed over is remembered until it appears, or until no transaction can be that old
//! any more: it was rolled back.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Error};

/// The longest that a transaction which has changed a run may stay open.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(600);

/// How many numbers may be on their way at once. After a crash the sequence itself leaps, but by less.
const MOST_UNSEEN: i64 = 1_000;

/// How many of the numbers before the first look are waited for. Few are on their way at any one moment.
const UNDER_WAY_AT_START: i64 = 64;

/// Where to read on, and what was passed over.
pub(super) struct Cursor {
    last: i64,
    /// Numbers that were passed over, and until when they may appear.
    unseen: BTreeMap<i64, Instant>,
}

impl Cursor {
    /// Everything that is visible now counts as read; what is under way is not.
    pub(super) async fn at_the_end(client: &Client) -> Result<Self, Error> {
        let last = last_number(client).await?;
        let visible = client
            .query("select seq from outbox where seq > $1", &[&(last - UNDER_WAY_AT_START)])
            .await?;
        let mut cursor = Self {
            last: last - UNDER_WAY_AT_START,
            unseen: BTreeMap::new(),
        };
        let now = Instant::now();
        cursor.advance(last + 1, now);
        cursor.last = last;
        for row in visible {
            cursor.saw(row.try_get(0)?, now);
        }
        Ok(cursor)
    }

    /// After a database was restored its numbers may start again from an earlier one.
    pub(super) async fn follow_a_restored_database(&mut self, client: &Client) -> Result<(), Error> {
        let last = last_number(client).await?;
        if last < self.last {
            self.last = last;
            self.unseen.clear();
        }
        Ok(())
    }

    /// The highest number that was read.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// The lower numbers that may still appear.
    pub(super) fn unseen(&mut self, now: Instant) -> Vec<i64> {
        self.unseen.retain(|_, until| *until > now);
        self.unseen.keys().copied().collect()
    }

    /// Notes that this number was read.
    pub(super) fn saw(&mut self, seq: i64, now: Instant) {
        if self.unseen.remove(&seq).is_none() && seq > self.last {
            self.advance(seq, now);
        }
    }

    fn advance(&mut self, seq: i64, now: Instant) {
        for passed in (self.last + 1).max(seq - MOST_UNSEEN).max(1)..seq {
            self.unseen.insert(passed, now + LONGEST_TRANSACTION);
        }
        self.last = seq;
    }
}

/// The last number that was given out, whether or not its row is there.
async fn last_number(client: &Client) -> Result<i64, Error> {
    let row = client
        .query_one(
            "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass), 0)",
            &[],
        )
        .await?;
    row.try_get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: i64) -> Cursor {
        Cursor {
            last,
            unseen: BTreeMap::new(),
        }
    }

    #[test]
    fn a_number_that_was_passed_over_is_asked_for_until_it_appears() {
        let now = Instant::now();
        let mut cursor = at(4);
        cursor.saw(5, now);
        cursor.saw(8, now);
        assert_eq!((cursor.last(), cursor.unseen(now)), (8, vec![6, 7]));
        cursor.saw(7, now);
        assert_eq!((cursor.last(), cursor.unseen(now)), (8, vec![6]));
    }

    #[test]
    fn a_number_that_was_rolled_back_is_forgotten() {
        let now = Instant::now();
        let mut cursor = at(4);
        cursor.saw(6, now);
        assert_eq!(cursor.unseen(now), vec![5]);
        assert_eq!(cursor.unseen(now + LONGEST_TRANSACTION), Vec::<i64>::new());
    }

    #[test]
    fn a_leap_of_the_sequence_does_not_fill_the_memory() {
        let now = Instant::now();
        let mut cursor = at(0);
        cursor.saw(1_000_000_000, now);
        assert_eq!(cursor.unseen(now).len(), usize::try_from(MOST_UNSEEN).unwrap());
    }
}
