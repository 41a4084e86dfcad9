//! A reading while it is under way, and what its end makes of it.
//!
//! The danger: an end that is not the last page. Whatever ends a reading early stays written on it.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::noise::quiet;
use crate::evidence::snapshot::{Object, Outcome, Pull, Refusal, Resource, Witness};
use crate::microsoft::{Graph, Heard, Trouble};

/// The shortest wait that a storm is believed to need.
const SHORTEST: Duration = Duration::from_secs(1);

/// A reading that is not over.
pub(super) struct Draft {
    pull: Pull,
    permissions: Vec<&'static str>,
    /// Where each object is: one that comes again replaces what was said of it before.
    places: HashMap<String, usize>,
}

impl Draft {
    /// Nothing was read yet.
    pub fn begin(request: String, permissions: &[&'static str], now: DateTime<Utc>) -> Self {
        Self {
            pull: blank(request, permissions, now),
            permissions: permissions.to_vec(),
            places: HashMap::new(),
        }
    }

    /// A page came; how many objects were on it.
    ///
    /// # Errors
    /// When an object has no id: then nothing of the page counts.
    pub fn page(&mut self, items: Vec<Value>) -> Result<u64, Trouble> {
        let objects: Vec<Object> = items.into_iter().map(identified).collect::<Result<_, _>>()?;
        let count = objects.len();
        for object in objects {
            self.put(object);
        }
        self.pull.pages += 1;
        Ok(count as u64)
    }

    /// The only object came.
    ///
    /// # Errors
    /// When it is no object.
    pub fn only(&mut self, resource: Resource, content: Value) -> Result<(), Trouble> {
        if !content.is_object() {
            return Err(unexpected("what came is no object"));
        }
        let id = content["id"].as_str().unwrap_or(resource.as_str()).to_owned();
        self.put(Object {
            id,
            content: quiet(content),
        });
        self.pull.pages += 1;
        Ok(())
    }

    fn put(&mut self, object: Object) {
        match self.places.get(&object.id) {
            Some(place) => self.pull.objects[*place] = object,
            None => {
                self.places.insert(object.id.clone(), self.pull.objects.len());
                self.pull.objects.push(object);
            }
        }
    }

    /// The reading is over.
    ///
    /// # Errors
    /// The trouble, if it concerns the whole tenant.
    pub fn end(
        mut self,
        ended: Result<(), Trouble>,
        witness: Option<Witness>,
        heard: &Heard,
        granted_roles: &[String],
        now: DateTime<Utc>,
    ) -> Result<Pull, Trouble> {
        self.pull.finished_at = now;
        self.pull.request_ids = heard.request_ids();
        match ended {
            Ok(()) => {
                self.pull.last_page_reached = true;
                self.pull.outcome = Outcome::Complete;
                if let Some(witness) = witness {
                    self.pull.hold_against(witness);
                }
            }
            Err(trouble) => {
                let Some(outcome) = outcome_of(&trouble, self.pull.pages) else {
                    return Err(trouble);
                };
                self.pull.outcome = outcome;
                self.pull.refusal = Some(Refusal {
                    code: heard.refused().and_then(|refused| refused.code),
                    message: self.message(&trouble, granted_roles),
                });
            }
        }
        Ok(self.pull)
    }

    /// Where several permissions are needed, Microsoft does not say which one is missing; the token does.
    fn message(&self, trouble: &Trouble, granted_roles: &[String]) -> String {
        let missing = |permission: &&&'static str| !granted_roles.iter().any(|granted| granted == **permission);
        match (trouble, self.permissions.iter().find(missing)) {
            (Trouble::PermissionMissing { .. }, Some(permission)) => {
                Trouble::PermissionMissing { permission }.message()
            }
            _ => trouble.message(),
        }
    }
}

/// A reading of which nothing has come.
pub(super) fn blank(request: String, permissions: &[&'static str], now: DateTime<Utc>) -> Pull {
    Pull {
        request,
        permission: permissions.join(", "),
        started_at: now,
        finished_at: now,
        pages: 0,
        last_page_reached: false,
        witness: None,
        request_ids: Vec::new(),
        outcome: Outcome::Error,
        refusal: None,
        objects: Vec::new(),
    }
}

fn identified(content: Value) -> Result<Object, Trouble> {
    let id = content["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let id = id.ok_or_else(|| unexpected("an object came without its id"))?;
    Ok(Object {
        id,
        content: quiet(content),
    })
}

pub(super) fn unexpected(what: &str) -> Trouble {
    Trouble::UnexpectedResponse { what: what.to_owned() }
}

/// Whether nothing else of the tenant can be read either.
pub(super) fn concerns_the_tenant(trouble: &Trouble) -> bool {
    outcome_of(trouble, 0).is_none()
}

/// What trouble makes of a reading of which so many pages had come; none if it concerns the whole tenant.
pub(super) fn outcome_of(trouble: &Trouble, pages: u32) -> Option<Outcome> {
    Some(match trouble {
        Trouble::ConsentMissing
        | Trouble::TenantUnknown
        | Trouble::CredentialRefused { .. }
        | Trouble::BlockedByPolicy
        | Trouble::TokenRefused => return None,
        Trouble::PermissionMissing { .. } => Outcome::PermissionMissing,
        Trouble::NotAvailable { .. } => Outcome::LicenceMissing,
        Trouble::Throttled { .. } => Outcome::Throttled,
        _ if pages > 0 => Outcome::Partial,
        _ => Outcome::Error,
    })
}

/// How much longer a reading that is throttled is stayed with.
pub(super) struct Storm {
    left: Duration,
}

impl Storm {
    /// The whole patience.
    pub fn of(graph: &Graph) -> Self {
        Self {
            left: graph.patience().storm,
        }
    }

    /// How long to wait, as Microsoft asks.
    ///
    /// # Errors
    /// The trouble, if it is another one or the wait is longer than what is left.
    pub fn wait(&mut self, trouble: Trouble) -> Result<Duration, Trouble> {
        let Trouble::Throttled { retry_after } = trouble else {
            return Err(trouble);
        };
        let wait = retry_after.max(SHORTEST);
        self.left = self.left.checked_sub(wait).ok_or(trouble)?;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft() -> Draft {
        Draft::begin("/v1.0/users".into(), &["User.Read.All"], DateTime::UNIX_EPOCH)
    }

    fn ended(draft: Draft, ended: Result<(), Trouble>) -> Pull {
        draft
            .end(ended, None, &Heard::default(), &[], DateTime::UNIX_EPOCH)
            .unwrap()
    }

    #[test]
    fn a_page_with_an_object_without_id_does_not_count() {
        for id in [json!(null), json!(""), json!(7)] {
            let mut draft = draft();
            draft.page(vec![json!({"id": "1"})]).unwrap();
            let trouble = draft.page(vec![json!({"id": "2"}), json!({"id": id})]).unwrap_err();
            let pull = ended(draft, Err(trouble));
            assert_eq!((pull.outcome, pull.pages, pull.objects.len()), (Outcome::Partial, 1, 1));
        }
    }

    #[test]
    fn what_should_be_an_object_and_is_none_is_an_error() {
        let mut draft = draft();
        let trouble = draft.only(Resource::AuthzPolicy, json!([])).unwrap_err();
        assert_eq!(ended(draft, Err(trouble)).outcome, Outcome::Error);
    }

    #[test]
    fn what_concerns_the_whole_tenant_is_no_outcome_of_one_reading() {
        for trouble in [
            Trouble::ConsentMissing,
            Trouble::TenantUnknown,
            Trouble::BlockedByPolicy,
        ] {
            let end = draft().end(Err(trouble.clone()), None, &Heard::default(), &[], DateTime::UNIX_EPOCH);
            assert_eq!(end.err(), Some(trouble));
        }
    }

    #[test]
    fn of_several_permissions_the_one_that_the_token_lacks_is_named() {
        let draft = Draft::begin(
            "/v1.0/users".into(),
            &["User.Read.All", "AuditLog.Read.All"],
            DateTime::UNIX_EPOCH,
        );
        let refused = Trouble::PermissionMissing {
            permission: "AuditLog.Read.All",
        };
        let granted = ["AuditLog.Read.All".to_owned()];
        let pull = draft
            .end(Err(refused), None, &Heard::default(), &granted, DateTime::UNIX_EPOCH)
            .unwrap();
        assert!(pull.refusal.unwrap().message.contains("User.Read.All"));
    }

    #[test]
    fn a_list_that_ends_and_is_shorter_than_what_is_counted_is_not_whole() {
        let counted = |count| {
            let mut draft = draft();
            draft.page(vec![json!({"id": "1"})]).unwrap();
            let source = "/v1.0/users/$count".to_owned();
            let witness = Some(Witness { count, source });
            let pull = draft.end(Ok(()), witness, &Heard::default(), &[], DateTime::UNIX_EPOCH);
            pull.unwrap()
        };
        let short = counted(4);
        assert_eq!((short.outcome, short.last_page_reached), (Outcome::Partial, true));
        assert_eq!(
            short.refusal.unwrap().message,
            "1 came, and /v1.0/users/$count gives 4."
        );
        for near in [0, 1, 3] {
            assert!(counted(near).is_complete(), "{near}");
        }
    }

    #[test]
    fn a_storm_is_left_when_it_lasts_longer_than_the_patience() {
        let throttled = |seconds| Trouble::Throttled {
            retry_after: Duration::from_secs(seconds),
        };
        let mut storm = Storm {
            left: Duration::from_secs(30),
        };
        assert_eq!(storm.wait(throttled(31)), Err(throttled(31)));
        assert_eq!(storm.wait(Trouble::Unavailable), Err(Trouble::Unavailable));
    }
}
