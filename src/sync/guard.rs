//! The guard: many deactivations at once are more often a mistake upstream than the truth, so they wait for a person.

/// So few may always leave.
const FEW: i64 = 10;
/// So many never leave unasked.
const MANY: i64 = 500;

/// What becomes of the records that are to be deactivated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    LetGo,
    Hold,
}

/// Holds deactivations of one kind that exceed the larger of 10 and 10 % of its active records, that exceed 500, or
/// that leave nothing of the kind.
pub fn judge(leaving: i64, active: i64, created: i64) -> Verdict {
    let too_many = leaving > FEW.max(active / 10) || leaving > MANY;
    let nothing_left = leaving > 0 && leaving >= active && created == 0;
    if too_many || nothing_left {
        Verdict::Hold
    } else {
        Verdict::LetGo
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judge};

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
}
