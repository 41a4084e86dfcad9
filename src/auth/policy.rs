//! What a viewer may do: one pure function, and whatever it does not name is refused.
//!
//! It decides what is changed, and what is the MSP's own. What of a company is *read* is the scope's to decide, row by row and
//! in the database itself (`model/scope.rs`): no resolver asks for the rows of `VIEW_COMPANY`, `VIEW_RECORDS`, `VIEW_SYNC` and
//! `VIEW_EVIDENCE`, which say to a page what the scope will show it.
//!
//! The whole of it is printed in `policy.txt`, which a test compares: a right is not given by accident.

use uuid::Uuid;

use super::Viewer;
use super::viewer::Role;
use crate::model::Scope;

crate::model::text_enum::text_enum! {
    /// Something that can be done. What of it is shown depends on the viewer's scope besides.
    pub enum Action {
        /// See that a company is there, and its name.
        ViewCompany = "VIEW_COMPANY",
        /// See contacts, contact groups and assets.
        ViewRecords = "VIEW_RECORDS",
        /// See the tenant, the sync runs with what they changed and held, the sync rules and the portal access groups.
        ViewSync = "VIEW_SYNC",
        /// See the evidence.
        ViewEvidence = "VIEW_EVIDENCE",
        /// See who did what, over all companies: of no use to a token that opens only some.
        ViewAuditTrail = "VIEW_AUDIT_TRAIL",
        /// See how Tenantry itself runs: alarms, figures, traces.
        ViewOperations = "VIEW_OPERATIONS",
        /// `createCompany`.
        CreateCompany = "CREATE_COMPANY",
        /// `deleteCompany`.
        DeleteCompany = "DELETE_COMPANY",
        /// `connect`.
        Connect = "CONNECT",
        /// `disconnect`.
        Disconnect = "DISCONNECT",
        /// `syncCompany`.
        SyncCompany = "SYNC_COMPANY",
        /// `releaseHeldChanges` and `discardHeldChanges`.
        SettleHeldChanges = "SETTLE_HELD_CHANGES",
        /// `updateSyncRules`.
        UpdateSyncRules = "UPDATE_SYNC_RULES",
        /// `updateSyncSchedule`.
        UpdateSyncSchedule = "UPDATE_SYNC_SCHEDULE",
        /// `updateSyncGuard`.
        UpdateSyncGuard = "UPDATE_SYNC_GUARD",
        /// `setPortalAccessGroups`.
        SetPortalAccessGroups = "SET_PORTAL_ACCESS_GROUPS",
        /// `declareEvidence` and `withdrawEvidenceDeclaration`.
        DeclareEvidence = "DECLARE_EVIDENCE",
        /// `createServiceToken` and `revokeServiceToken`, and see the tokens there are.
        ManageServiceTokens = "MANAGE_SERVICE_TOKENS",
        /// See sessions and end them.
        ManageSessions = "MANAGE_SESSIONS",
        /// Explore the schema: GraphiQL and introspection.
        Explore = "EXPLORE",
    }
}

/// The word for everything that a token can be made for, whatever that is by then.
const EVERYTHING: &str = "EVERYTHING";

impl Action {
    /// Everything that a service token can be made for, in the words that are stored: also what is added later.
    pub fn of_tokens() -> Vec<String> {
        let all = Self::ALL.iter().filter(|action| action.is_for_tokens());
        // By name too, for processes of a version that does not know the word.
        all.map(|action| action.as_str())
            .chain([EVERYTHING])
            .map(str::to_owned)
            .collect()
    }

    /// What a service token was made for, by the words that are stored.
    pub fn of_words(words: &[String]) -> Vec<Self> {
        let is_meant = |action: &Self| {
            let mut words = words.iter();
            words.any(|word| word == action.as_str() || word == EVERYTHING && action.is_for_tokens())
        };
        Self::ALL.iter().copied().filter(is_meant).collect()
    }

    /// Whether a service token can be made for it. Every token may look at its companies; none may make more of its kind
    /// or end the sessions of people, for it may leak.
    pub fn is_for_tokens(self) -> bool {
        !self.is_a_look() && !matches!(self, Self::ManageServiceTokens | Self::ManageSessions)
    }

    /// Whether it is about every company, or about none yet: whoever sees only some may not do it.
    pub fn concerns_every_company(self) -> bool {
        matches!(self, Self::ViewAuditTrail | Self::CreateCompany)
    }

    fn is_a_look(self) -> bool {
        matches!(
            self,
            Self::ViewCompany | Self::ViewRecords | Self::ViewSync | Self::ViewEvidence
        )
    }
}

/// What something is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The MSP's own: no company's in particular.
    Msp,
    /// What belongs to a company as a whole.
    Company(Uuid),
    /// What is one person's, of a company: by Microsoft's object id.
    Person(Uuid, Uuid),
    /// What the viewer has themselves, such as their sessions.
    Own,
}

/// Whether the viewer may do this to that.
pub fn allow(viewer: &Viewer, action: Action, resource: Resource) -> bool {
    granted(viewer, action, resource) && reaches(viewer, action, resource)
}

/// Whether the viewer may do it to anything at all: what is refused here is refused whatever it is about.
pub fn may(viewer: &Viewer, action: Action) -> bool {
    let mut within = vec![Resource::Msp, Resource::Own];
    match viewer.scope() {
        Scope::All => within.push(Resource::Company(Uuid::nil())),
        Scope::Companies(companies) => within.extend(companies.into_iter().map(Resource::Company)),
        Scope::Person {
            company_id, entra_id, ..
        } => within.extend([Resource::Company(company_id), Resource::Person(company_id, entra_id)]),
    }
    within.into_iter().any(|resource| allow(viewer, action, resource))
}

fn granted(viewer: &Viewer, action: Action, resource: Resource) -> bool {
    use Action as A;
    if resource == Resource::Own {
        return viewer.person().is_some() && action == A::ManageSessions;
    }
    match viewer {
        Viewer::Service(service) => action.is_a_look() || (action.is_for_tokens() && service.actions.contains(&action)),
        Viewer::Staff(_) | Viewer::PortalUser(_) => match viewer.role() {
            Role::Admin => true,
            Role::Technician => !matches!(action, A::DeleteCompany | A::ManageServiceTokens | A::ManageSessions),
            Role::Auditor => action.is_a_look() || matches!(action, A::ViewAuditTrail | A::Explore),
            Role::Manager => action.is_a_look(),
            Role::User => matches!(action, A::ViewCompany | A::ViewRecords),
            Role::Service => false,
        },
    }
}

fn reaches(viewer: &Viewer, action: Action, resource: Resource) -> bool {
    let scope = viewer.scope();
    match resource {
        Resource::Own => true,
        // The schema is the same for everybody; the rest of what is the MSP's concerns every company.
        Resource::Msp => scope.companies().is_none() || action == Action::Explore,
        // The trail is read as a whole: it names the MSP's own people.
        _ if action.concerns_every_company() => scope.companies().is_none(),
        Resource::Company(company) if action == Action::ViewCompany => scope.holds(company),
        Resource::Company(company) => scope.holds_whole(company),
        Resource::Person(company, person) => scope.holds_person(company, Some(person)),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::auth::viewer::{PortalUser, Service, Staff};
    use crate::model::portal::{Entry, PortalRole};
    use crate::model::session::StaffRole;

    const OURS: Uuid = Uuid::from_u128(1);
    const THEIRS: Uuid = Uuid::from_u128(2);
    const SELF: Uuid = Uuid::from_u128(3);
    const ANOTHER: Uuid = Uuid::from_u128(4);

    fn staff(role: StaffRole) -> Viewer {
        Viewer::Staff(Staff {
            session_id: Uuid::nil(),
            tid: Uuid::nil(),
            oid: SELF,
            name: String::new(),
            role,
        })
    }

    fn portal_user(role: PortalRole) -> Viewer {
        Viewer::PortalUser(PortalUser {
            session_id: Uuid::nil(),
            tid: Uuid::nil(),
            oid: SELF,
            name: String::new(),
            entry: Entry {
                company_id: OURS,
                contact_id: Uuid::nil(),
                contact_name: None,
                group_ids: Vec::new(),
                role,
            },
        })
    }

    fn service(scope: Scope, actions: &[Action]) -> Viewer {
        Viewer::Service(Service {
            token_id: Uuid::nil(),
            name: String::new(),
            scope,
            actions: actions.to_vec(),
        })
    }

    fn table() -> String {
        let viewers = [
            ("ADMIN", staff(StaffRole::Admin)),
            ("TECHNICIAN", staff(StaffRole::Technician)),
            ("AUDITOR", staff(StaffRole::Auditor)),
            ("MANAGER", portal_user(PortalRole::Manager)),
            ("USER", portal_user(PortalRole::User)),
            ("TOKEN:all", service(Scope::All, Action::ALL)),
            ("TOKEN:company", service(Scope::Companies(vec![OURS]), Action::ALL)),
            ("TOKEN:none", service(Scope::All, &[])),
        ];
        let resources = [
            ("the MSP", Resource::Msp),
            ("own company", Resource::Company(OURS)),
            ("another company", Resource::Company(THEIRS)),
            ("own record", Resource::Person(OURS, SELF)),
            ("a colleague's record", Resource::Person(OURS, ANOTHER)),
            ("a stranger's record", Resource::Person(THEIRS, ANOTHER)),
            ("own sessions", Resource::Own),
        ];
        let mut text = String::new();
        write!(text, "{:<26}{:<22}", "action", "resource").unwrap();
        for (name, _) in &viewers {
            write!(text, "{name:<14}").unwrap();
        }
        for action in Action::ALL {
            text.push('\n');
            for (name, resource) in resources {
                write!(text, "\n{:<26}{name:<22}", action.to_string()).unwrap();
                for (_, viewer) in &viewers {
                    let word = if allow(viewer, *action, resource) { "yes" } else { "-" };
                    write!(text, "{word:<14}").unwrap();
                }
            }
        }
        let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.push("");
        lines.join("\n")
    }

    #[test]
    fn the_policy_is_the_table_that_is_checked_in() {
        let table = table();
        if table != include_str!("policy.txt") {
            let refreshed = concat!(env!("CARGO_MANIFEST_DIR"), "/target/policy.txt");
            std::fs::write(refreshed, &table).unwrap();
            panic!(
                "src/auth/policy.txt is not what the policy says. Where the change is meant: cp target/policy.txt src/auth/"
            );
        }
    }

    #[test]
    fn what_may_be_done_to_nothing_is_refused_whatever_it_is_about() {
        let viewer = portal_user(PortalRole::User);
        assert!(!may(&viewer, Action::SyncCompany));
        assert!(may(&viewer, Action::ViewRecords));
        assert!(may(&viewer, Action::ManageSessions), "their own");
    }

    #[test]
    fn a_token_of_some_companies_may_do_nothing_that_concerns_all() {
        let viewer = service(Scope::Companies(vec![OURS]), Action::ALL);
        assert!(!may(&viewer, Action::ViewAuditTrail));
        assert!(!may(&viewer, Action::CreateCompany));
        assert!(may(&viewer, Action::SyncCompany));
    }

    #[test]
    fn a_token_that_was_made_for_everything_may_do_what_is_added_later_and_one_with_a_list_may_not() {
        let for_tokens: Vec<Action> = Action::ALL
            .iter()
            .copied()
            .filter(|action| action.is_for_tokens())
            .collect();
        // As they were stored before anything but syncing was there.
        let (everything, list) = (["SYNC_COMPANY", "EVERYTHING"], ["SYNC_COMPANY"]);
        let meant = |words: &[&str]| Action::of_words(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(meant(&everything), for_tokens, "and no more than a token may");
        assert_eq!(meant(&list), [Action::SyncCompany]);
        assert_eq!(Action::of_words(&Action::of_tokens()), for_tokens);
    }

    #[test]
    fn a_portal_user_sees_groups_that_they_are_in_and_no_others() {
        let scope = Scope::Person {
            company_id: OURS,
            entra_id: SELF,
            group_ids: Arc::from([ANOTHER].as_slice()),
        };
        assert!(scope.holds_group(OURS, ANOTHER));
        assert!(!scope.holds_group(OURS, SELF));
        assert!(!scope.holds_group(THEIRS, ANOTHER));
    }
}
