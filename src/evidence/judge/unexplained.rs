//! Changes that nobody has explained.
//!
//! The danger: a change is seen once. At the next run nothing has moved since, and a finding that closed for that would
//! mend itself. So such a finding stands until tickets explain it, each of the time of its change.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::given::Change;

/// Checks that look at what moved since the run before.
const OF_CHANGES: &[&str] = &["entra.ca.policy_changed", "entra.admin.role_membership_changed"];

/// Whether what a check finds stands until it is explained, whatever later runs find.
pub fn stands_until_explained(check: &str) -> bool {
    OF_CHANGES.contains(&check)
}

/// Whether tickets explain all changes that the lineage of a finding tells.
pub fn is_explained(object_id: &str, lineage: &Value, changes: &[Change]) -> bool {
    each(lineage).all(|change| has_ticket(object_id, &change, changes))
}

/// The lineage of a change, with the earlier ones of the same object that nobody has explained.
pub fn with_earlier(object_id: &str, mut lineage: Value, before: &Value, changes: &[Change]) -> Value {
    let earlier = each(before).filter(|change| !has_ticket(object_id, change, changes));
    let earlier: Vec<Value> = earlier.collect();
    if !earlier.is_empty() {
        lineage["earlier"] = earlier.into();
    }
    lineage
}

/// The changes of a lineage, the latest last.
fn each(lineage: &Value) -> impl Iterator<Item = Value> {
    let mut latest = lineage.clone();
    let earlier = latest.as_object_mut().and_then(|latest| latest.remove("earlier"));
    let earlier = earlier.and_then(|earlier| earlier.as_array().cloned());
    earlier.unwrap_or_default().into_iter().chain([latest])
}

fn has_ticket(object_id: &str, change: &Value, changes: &[Change]) -> bool {
    let moment = |at: usize| -> Option<DateTime<Utc>> { change["between"][at].as_str()?.parse().ok() };
    let (Some(from), Some(to)) = (moment(0), moment(1)) else {
        return false;
    };
    // A role is changed for somebody: the ticket names them.
    let target = change["assignment"]["principal"].as_str().unwrap_or(object_id);
    let explains = |ticket: &Change| ticket.object_id == target && ticket.at > from && ticket.at <= to;
    changes.iter().any(explains)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use serde_json::json;

    use super::*;

    fn noon(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(day) + Duration::hours(12)
    }

    /// A change between the noons of two days.
    fn change(day: i64) -> Value {
        json!({"changes": [day], "between": [noon(day - 1), noon(day)]})
    }

    fn ticket(object_id: &str, at: DateTime<Utc>) -> Change {
        Change {
            object_id: object_id.to_owned(),
            at,
            reference: "T-1".to_owned(),
        }
    }

    #[test]
    fn a_ticket_explains_a_change_of_its_object_and_its_time() {
        let explained = |ticket: Change| is_explained("p", &change(2), &[ticket]);
        assert!(explained(ticket("p", noon(2))));
        for wrong in [
            ticket("p", noon(1)),
            ticket("p", noon(2) + Duration::seconds(1)),
            ticket("q", noon(2)),
        ] {
            assert!(!explained(wrong.clone()), "{wrong:?}");
        }
        assert!(!is_explained("p", &change(2), &[]));
        assert!(
            !is_explained("p", &Value::Null, &[ticket("p", noon(2))]),
            "what can no longer be read"
        );
    }

    #[test]
    fn the_ticket_for_a_role_names_who_holds_it() {
        let mut given = change(2);
        given["assignment"] = json!({"principal": "ben"});
        assert!(is_explained("ben|role|/", &given, &[ticket("ben", noon(2))]));
        assert!(!is_explained("ben|role|/", &given, &[ticket("ada", noon(2))]));
    }

    #[test]
    fn each_of_several_changes_needs_a_ticket_of_its_own() {
        let both = with_earlier("p", change(5), &change(2), &[]);
        let (early, late) = (ticket("p", noon(2)), ticket("p", noon(5)));
        assert!(!is_explained("p", &both, std::slice::from_ref(&late)));
        assert!(!is_explained("p", &both, std::slice::from_ref(&early)));
        assert!(is_explained("p", &both, &[early.clone(), late]));
        let third = with_earlier("p", change(7), &both, &[early]);
        assert_eq!(
            third["earlier"],
            json!([change(5)]),
            "what is explained is no longer told"
        );
    }
}
