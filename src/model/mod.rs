//! The nouns: rows, the queries that touch them, and nothing about HTTP, GraphQL or Microsoft.
//!
//! Functions take a connection and, where they answer owned rows to somebody, a [`Scope`]: no scope, no rows.
//! `find` may answer nothing, `list` answers a page, `load` answers a batch by key.

pub mod alarm;
pub mod asset;
pub mod attention;
pub mod audit;
pub mod clock;
pub mod company;
pub mod connect_ticket;
pub mod consent;
pub mod contact;
pub mod contact_group;
pub mod deactivated;
pub mod graph_share;
pub mod held_change;
pub mod overview;
pub mod page;
pub mod portal;
pub mod scope;
pub mod secret;
pub mod service_token;
pub mod session;
pub mod sign_in_flow;
pub mod sync_change;
pub mod sync_guard;
pub mod sync_rules;
pub mod sync_run;
pub mod sync_schedule;
pub mod sync_slot;
pub mod sync_state;
pub mod tenant;
pub(crate) mod text_enum;

use uuid::{NoContext, Timestamp, Uuid};

pub use alarm::Alarm;
pub use asset::Asset;
pub use company::Company;
pub use contact::Contact;
pub use contact_group::ContactGroup;
pub use scope::Scope;
pub use sync_guard::SyncGuard;
pub use sync_rules::SyncRules;
pub use sync_run::SyncRun;
pub use sync_schedule::{Outlook, SyncSchedule};
pub use tenant::{Tenant, TenantStatus};

/// The id of something new: of its millisecond, and random beyond that. With a counter, as [`Uuid::now_v7`] has one, two ids
/// would tell whoever sees them how many lie between that they do not see.
pub fn new_id() -> Uuid {
    Uuid::new_v7(Timestamp::now(NoContext))
}

text_enum::text_enum! {
    /// Whether a record is in use.
    pub enum RecordState {
        /// Found in the tenant and admitted by the sync rules.
        Active = "ACTIVE",
        /// Left the tenant, or ruled out by a sync rule. Removed 400 days after that.
        Deactivated = "DEACTIVATED",
    }
}

text_enum::text_enum! {
    /// The kinds of record that a sync keeps.
    pub enum Noun {
        /// People.
        Contact = "CONTACT",
        /// Groups with their members.
        ContactGroup = "CONTACT_GROUP",
        /// Devices.
        Asset = "ASSET",
    }
}

text_enum::text_enum! {
    /// Why a record was deactivated.
    pub enum DeactivatedBecause {
        /// The tenant no longer has it.
        Left = "LEFT",
        /// A sync rule leaves it out.
        RuledOut = "RULED_OUT",
    }
}
