//! Contact groups: the groups found in a company's tenant, with their members.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::contact_group;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{RecordState, Scope};

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
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
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

// Members, and the groups that it is a member of, are stored by Microsoft's id of the group.
page::paged!(ContactGroup, |group| Owner {
    company_id: group.company_id,
    key: group.entra_id,
});

/// Which groups to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the name or of the mail address.
    pub search: Option<String>,
    pub kind: Option<GroupKind>,
    pub state: Option<RecordState>,
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "ContactGroupOrderField")]
pub enum OrderField {
    /// The display name, whatever the case of its letters.
    Name,
    /// When Tenantry first saw the group.
    Created,
}

impl OrderField {
    /// The order by this field.
    pub fn order(self, direction: Direction) -> Order {
        let (name, key, compared) = match self {
            Self::Name => (
                "group.name",
                "left(lower(coalesce(contact_group.display_name, '')), 256)",
                Compared::Text,
            ),
            Self::Created => ("group.created", "contact_group.created_at", Compared::Time),
        };
        Order {
            name,
            key,
            id: "contact_group.id",
            compared,
            direction,
        }
    }
}

/// The groups of the company that owns the list.
pub fn list_of_company(scope: &Scope, filter: Filter, order: Order) -> Listing {
    let listing = Listing::new(
        "from contact_group where contact_group.company_id = p.company_id",
        order,
    );
    narrow(listing, scope, filter)
}

/// The groups of every company of a scope.
pub fn list_everywhere(scope: &Scope, filter: Filter, order: Order) -> Listing {
    let listing = Listing::new("from contact_group where true", order);
    narrow(
        listing.only("contact_group.company_id = any(?)", scope.as_bind()),
        scope,
        filter,
    )
}

/// The groups that the person or group who owns the list is a direct member of.
pub fn list_of_member(scope: &Scope, order: Order) -> Listing {
    Listing::new(
        "from contact_group_member m join contact_group
             on contact_group.company_id = m.company_id and contact_group.entra_id = m.group_entra_id
         where m.company_id = p.company_id and m.member_entra_id = p.key",
        order,
    )
    .only("contact_group.entra_id = any(?)", scope.groups_bind())
}

fn narrow(listing: Listing, scope: &Scope, filter: Filter) -> Listing {
    listing
        .only("contact_group.entra_id = any(?)", scope.groups_bind())
        .only(
            "contact_group.display_name ilike ? or contact_group.mail ilike ?",
            filter.search.as_deref().map(page::containing),
        )
        .only(
            "contact_group.group_kind = ?",
            filter.kind.map(|kind| Bind::Text(kind.to_string())),
        )
        .only(
            "contact_group.state = ?",
            filter.state.map(|state| Bind::Text(state.to_string())),
        )
}

/// A direct member of a group that is a contact or a group of ours.
#[derive(Clone, Debug, QueryableByName)]
pub struct Member {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub company_id: Uuid,
    /// Our id of the contact or group.
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub member_kind: MemberKind,
}

/// The columns of a [`Member`].
#[derive(Debug)]
pub struct MemberColumns;

impl QueryFragment<Pg> for MemberColumns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("m.company_id, coalesce(contact.id, contact_group.id) as id, m.member_kind");
        Ok(())
    }
}

impl page::Row for Member {
    type Columns = MemberColumns;
    fn columns() -> MemberColumns {
        MemberColumns
    }
    fn owner(&self) -> Owner {
        Owner {
            company_id: self.company_id,
            key: self.id,
        }
    }
}

/// The direct members of the group that owns the list, people and groups together, by name. Members that are neither
/// contacts nor groups of ours are left out.
pub fn list_members(scope: &Scope) -> Listing {
    let by_name = Order {
        name: "member.name",
        key: "left(lower(coalesce(contact.display_name, contact_group.display_name, '')), 256)",
        id: "coalesce(contact.id, contact_group.id)",
        compared: Compared::Text,
        direction: Direction::Asc,
    };
    Listing::new(
        "from contact_group_member m
         left join contact on m.member_kind = 'USER'
             and contact.company_id = m.company_id and contact.entra_id = m.member_entra_id
         left join contact_group on m.member_kind = 'GROUP'
             and contact_group.company_id = m.company_id and contact_group.entra_id = m.member_entra_id
         where m.company_id = p.company_id and m.group_entra_id = p.key
             and coalesce(contact.id, contact_group.id) is not null",
        by_name,
    )
    .only("m.member_kind = 'GROUP' or m.member_entra_id = ?", scope.person_bind())
    .only(
        "m.member_kind = 'USER' or m.member_entra_id = any(?)",
        scope.groups_bind(),
    )
}

/// The groups with these ids, of companies that the scope holds.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, ids: &[Uuid]) -> QueryResult<Vec<ContactGroup>> {
    let found: Vec<ContactGroup> = contact_group::table
        .filter(contact_group::id.eq_any(ids))
        .select(ContactGroup::as_select())
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .filter(|group| scope.holds_group(group.company_id, group.entra_id))
        .collect())
}
