//! The guard: many deactivations at once are more often a mistake upstream than the truth, so they wait for a person.
//!
//! It judges whatever was read: of a delta as of the full reading of the week, which would otherwise be the one run that
//! can empty a company.

use crate::model::SyncGuard;

/// What becomes of the records that are to be deactivated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    LetGo,
    Hold,
}

/// Holds deactivations of one kind that exceed what the company lets go unasked, or that leave nothing of the kind.
pub fn judge(guard: SyncGuard, leaving: i64, active: i64, created: i64) -> Verdict {
    let share = active * i64::from(guard.percent) / 100;
    let too_many = leaving > share.max(guard.at_least.into()) || leaving > guard.at_most.into();
    let nothing_left = leaving > 0 && leaving >= active && created == 0;
    if too_many || nothing_left {
        Verdict::Hold
    } else {
        Verdict::LetGo
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;
    use crate::model::SyncGuard;

    fn judge(leaving: i64, active: i64, created: i64) -> Verdict {
        super::judge(SyncGuard::default(), leaving, active, created)
    }

    #[test]
    fn a_few_may_leave() {
        assert_eq!(judge(10, 50, 0), Verdict::LetGo);
        assert_eq!(judge(100, 1_000, 0), Verdict::LetGo);
        assert_eq!(judge(500, 10_000, 0), Verdict::LetGo);
    }

    #[test]
    fn many_wait_for_a_person() {
        assert_eq!(judge(11, 50, 0), Verdict::Hold);
        assert_eq!(judge(101, 1_000, 0), Verdict::Hold);
        assert_eq!(judge(501, 10_000, 0), Verdict::Hold);
    }

    #[test]
    fn the_last_ones_wait_for_a_person() {
        assert_eq!(judge(3, 3, 0), Verdict::Hold);
        assert_eq!(judge(3, 3, 1), Verdict::LetGo, "others have come");
        assert_eq!(judge(0, 0, 0), Verdict::LetGo);
    }

    #[test]
    fn a_company_may_be_more_careful_or_less_and_never_empty() {
        let careful = SyncGuard {
            percent: 0,
            at_least: 0,
            at_most: 1,
        };
        assert_eq!(super::judge(careful, 1, 1_000, 0), Verdict::Hold);
        let easy = SyncGuard {
            percent: 50,
            at_least: 100,
            at_most: 100_000,
        };
        assert_eq!(super::judge(easy, 100, 101, 0), Verdict::LetGo);
        assert_eq!(super::judge(easy, 5_000, 10_000, 0), Verdict::LetGo);
        assert_eq!(super::judge(easy, 5_001, 10_000, 0), Verdict::Hold);
        assert_eq!(super::judge(easy, 3, 3, 0), Verdict::Hold, "the last ones");
    }
}
