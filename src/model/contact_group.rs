//! Contact groups: the groups found in a company's tenant, with their members.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::contact_group;
use crate::model::RecordState;

super::text_enum::text_enum! {
    /// What kind of group it is at Microsoft.
    pub enum GroupKind {
        /// A security group.
        Security = "SECURITY",
        /// A security group that also receives mail.
        MailEnabledSecurity = "MAIL_ENABLED_SECURITY",
        /// A Microsoft 365 group, such as stands behind a team.
        Microsoft365 = "MICROSOFT_365",
        /// A distribution list.
        Distribution = "DISTRIBUTION",
    }
}

super::text_enum::text_enum! {
    /// What a member of a group is.
    pub enum MemberKind {
        /// A person.
        User = "USER",
        /// Another group.
        Group = "GROUP",
        /// A device, a service principal, or something newer.
        Other = "OTHER",
    }
}

/// A group found in a tenant (Graph `group`).
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = contact_group, check_for_backend(diesel::pg::Pg))]
pub struct ContactGroup {
    pub id: Uuid,
    pub company_id: Uuid,
    /// Microsoft's object id.
    pub entra_id: Uuid,
    pub state: RecordState,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub mail: Option<String>,
    pub group_kind: GroupKind,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
