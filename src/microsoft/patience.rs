//! How long we put up with Microsoft's bad moments, and how we wait.
//!
//! The danger: a client that retries too eagerly is itself the outage, and one that waits too long holds a worker's
//! slot that another tenant needs. So: few tries, full jitter, never before the time that Microsoft names, and a long
//! wait is not slept here but handed to the caller as [`Trouble::Throttled`].

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::{Pace, Trouble};
use crate::telemetry::metrics;

/// How many tries, how much waiting between them, and how long one try may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries for one question, the first included.
    pub tries: u32,
    /// All waiting between the tries of one question together.
    pub budget: Duration,
    /// Of it, what Microsoft itself may ask for: who is told to wait longer has better things to do than to sleep here.
    pub told: Duration,
    /// The upper end of the first random wait; it doubles from try to try.
    pub first_wait: Duration,
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub silence: Duration,
    /// One try, from its start to the last byte of its answer.
    pub whole: Duration,
    /// All waiting of a reading that Microsoft throttles, where the reader stays with it.
    pub storm: Duration,
    /// How fast the services with narrow limits are asked.
    pub pace: Pace,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 5,
            budget: Duration::from_secs(10),
            told: Duration::from_secs(4),
            first_wait: Duration::from_millis(500),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            whole: Duration::from_secs(120),
            storm: Duration::from_secs(120),
            pace: Pace::default(),
        }
    }
}

/// The longest wait that we take Microsoft's word for.
const LONGEST: Duration = Duration::from_secs(3600);

/// When we are throttled without being told for how long (Conditional Access does that).
const UNTOLD: Duration = Duration::from_secs(30);

/// A setback that may pass by itself.
#[derive(Debug)]
pub(crate) struct Passing {
    /// What to report when patience ends.
    pub(crate) trouble: Trouble,
    /// How long Microsoft asks us to wait, if it says.
    pub(crate) not_before: Option<Duration>,
}

impl Passing {
    pub(crate) fn unavailable() -> Self {
        Self {
            trouble: Trouble::Unavailable,
            not_before: None,
        }
    }

    /// A 429, or a 5xx that names a time.
    pub(crate) fn throttled(not_before: Option<Duration>) -> Self {
        let retry_after = not_before.unwrap_or(UNTOLD).min(LONGEST);
        Self {
            trouble: Trouble::Throttled { retry_after },
            not_before,
        }
    }
}

/// The tries and waits of one question.
pub(crate) struct Tries {
    patience: Patience,
    made: u32,
    waited: Duration,
}

impl Tries {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience,
            made: 0,
            waited: Duration::ZERO,
        }
    }

    /// Waits until another try is due.
    ///
    /// # Errors
    /// When there is none: the tries are used up, or the wait is too long to be slept here.
    pub(crate) async fn wait_after(&mut self, setback: Passing) -> Result<(), Trouble> {
        let throttled = matches!(setback.trouble, Trouble::Throttled { .. });
        let wait = self.next_wait(setback)?;
        if throttled {
            metrics::throttle_slept(wait);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn next_wait(&mut self, setback: Passing) -> Result<Duration, Trouble> {
        self.made += 1;
        let wait = match setback.not_before {
            Some(told) => told.saturating_add(jitter(self.patience.first_wait)),
            None => jitter(
                self.patience
                    .first_wait
                    .saturating_mul(1 << self.made.saturating_sub(1).min(16)),
            ),
        };
        let budget = match setback.not_before {
            Some(_) => self.patience.told.min(self.patience.budget),
            None => self.patience.budget,
        };
        if self.waited.saturating_add(wait) > budget {
            return Err(match setback.not_before {
                Some(told) => Trouble::Throttled {
                    retry_after: told.min(LONGEST),
                },
                None => setback.trouble,
            });
        }
        if self.made >= self.patience.tries {
            return Err(setback.trouble);
        }
        self.waited += wait;
        Ok(wait)
    }
}

/// Full jitter: anything up to `most`, so that many workers do not come back in step.
fn jitter(most: Duration) -> Duration {
    most.mul_f64(rand::random::<f64>())
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). A date is read against the answer's own `Date`, since
/// the two clocks need not agree.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !told.is_empty() && told.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still a wait, and a long one.
        return Some(Duration::from_secs(told.parse().unwrap_or(u64::MAX)));
    }
    let until = DateTime::parse_from_rfc2822(told).ok()?;
    let their_now = headers
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
        .map_or(now, |date| date.to_utc());
    Some((until.to_utc() - their_now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(budget: u64) -> Tries {
        Tries::new(Patience {
            tries: 4,
            budget: Duration::from_secs(budget),
            ..Patience::default()
        })
    }

    fn headers(retry_after: &str, date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        headers
    }

    #[test]
    fn no_try_comes_before_the_time_that_microsoft_names() {
        for _ in 0..200 {
            let wait = tries(10)
                .next_wait(Passing::throttled(Some(Duration::from_secs(3))))
                .unwrap();
            assert!(wait >= Duration::from_secs(3));
        }
    }

    #[test]
    fn waits_without_a_named_time_grow_and_are_random() {
        let mut longest = [Duration::ZERO; 3];
        for _ in 0..200 {
            let mut tries = tries(60);
            for longest in &mut longest {
                *longest = tries.next_wait(Passing::unavailable()).unwrap().max(*longest);
            }
        }
        assert!(longest[0] <= Duration::from_millis(500));
        assert!(longest[1] > Duration::from_millis(500) && longest[1] <= Duration::from_secs(1));
        assert!(longest[2] > Duration::from_secs(1) && longest[2] <= Duration::from_secs(2));
    }

    #[test]
    fn the_last_try_is_the_last() {
        let mut tries = tries(60);
        for _ in 0..3 {
            tries.next_wait(Passing::unavailable()).unwrap();
        }
        assert_eq!(tries.next_wait(Passing::unavailable()), Err(Trouble::Unavailable));
    }

    #[test]
    fn all_waits_that_microsoft_asks_for_stay_within_what_may_be_told() {
        let mut tries = tries(10);
        let retry_after = Duration::from_secs(3);
        tries.next_wait(Passing::throttled(Some(retry_after))).unwrap();
        assert_eq!(
            tries.next_wait(Passing::throttled(Some(retry_after))),
            Err(Trouble::Throttled { retry_after })
        );
    }

    #[test]
    fn all_waits_together_stay_within_the_budget() {
        for _ in 0..200 {
            let mut tries = tries(1);
            let waits = std::iter::from_fn(|| tries.next_wait(Passing::unavailable()).ok());
            assert!(waits.sum::<Duration>() <= Duration::from_secs(1));
        }
    }

    #[test]
    fn an_absurd_wait_is_handed_over_as_an_hour() {
        for told in ["86400", "99999999999999999999999999"] {
            let told = retry_after(&headers(told, None), DateTime::UNIX_EPOCH);
            let retry_after = Duration::from_secs(3600);
            assert_eq!(
                tries(10).next_wait(Passing::throttled(told)),
                Err(Trouble::Throttled { retry_after })
            );
        }
    }

    #[test]
    fn a_date_is_read_against_microsofts_own_clock() {
        let sent = headers("Wed, 21 Oct 2015 07:28:30 GMT", Some("Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(retry_after(&sent, DateTime::UNIX_EPOCH), Some(Duration::from_secs(30)));
        let past = headers("Wed, 31 Dec 1969 23:59:00 GMT", None);
        assert_eq!(retry_after(&past, DateTime::UNIX_EPOCH), Some(Duration::ZERO));
    }

    #[test]
    fn an_unreadable_wait_is_no_wait_told() {
        for told in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(&headers(told, None), DateTime::UNIX_EPOCH), None, "{told}");
        }
    }
}
