//! Contacts: the people found in a company's tenant.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::contact;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{DeactivatedBecause, RecordState, Scope};

/// A person found in a tenant (Graph `user`).
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = contact, check_for_backend(diesel::pg::Pg))]
pub struct Contact {
    pub id: Uuid,
    pub company_id: Uuid,
    /// Microsoft's object id.
    pub entra_id: Uuid,
    pub state: RecordState,
    pub deactivated_because: Option<DeactivatedBecause>,
    /// Microsoft's own switch: may this person sign in.
    pub account_enabled: Option<bool>,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    /// For display only: it changes, and proves nothing.
    pub user_principal_name: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub business_phones: Vec<String>,
    pub mobile_phone: Option<String>,
    /// `Member` or `Guest`, as Microsoft says it.
    pub user_type: Option<String>,
    /// Whether any licence is assigned.
    pub licensed: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

// Groups and assets are stored by Microsoft's id of the person.
page::paged!(Contact, |contact| Owner {
    company_id: contact.company_id,
    key: contact.entra_id,
});

/// Which contacts to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the name, the mail address or the user principal name.
    pub search: Option<String>,
    /// Only direct members of this group.
    pub group_id: Option<Uuid>,
    pub state: Option<RecordState>,
    pub account_enabled: Option<bool>,
    /// As Microsoft says it, in any case.
    pub user_type: Option<String>,
}

/// What contacts are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "ContactOrderField")]
pub enum OrderField {
    /// The display name, whatever the case of its letters.
    Name,
    /// When Tenantry first saw the person.
    Created,
}

impl OrderField {
    /// The order by this field.
    pub fn order(self, direction: Direction) -> Order {
        let (name, key, compared) = match self {
            Self::Name => (
                "contact.name",
                "left(lower(coalesce(contact.display_name, '')), 256)",
                Compared::Text,
            ),
            Self::Created => ("contact.created", "contact.created_at", Compared::Time),
        };
        Order {
            name,
            key,
            id: "contact.id",
            compared,
            direction,
        }
    }
}

/// The contacts of the company that owns the list.
pub fn list_of_company(scope: &Scope, filter: Filter, order: Order) -> Listing {
    let listing = Listing::new("from contact where contact.company_id = p.company_id", order);
    narrow(listing, scope, filter)
}

/// The contacts of every company of a scope.
pub fn list_everywhere(scope: &Scope, filter: Filter, order: Order) -> Listing {
    let listing = Listing::new("from contact where true", order);
    narrow(
        listing.only("contact.company_id = any(?)", scope.as_bind()),
        scope,
        filter,
    )
}

fn narrow(listing: Listing, scope: &Scope, filter: Filter) -> Listing {
    listing
        .only("contact.entra_id = ?", scope.person_bind())
        .only(
            "contact.display_name ilike ? or contact.mail ilike ? or contact.user_principal_name ilike ?",
            filter.search.as_deref().map(page::containing),
        )
        .only(
            "exists (select from contact_group g join contact_group_member m
                 on m.company_id = g.company_id and m.group_entra_id = g.entra_id
             where g.id = ? and m.company_id = contact.company_id and m.member_entra_id = contact.entra_id)",
            filter.group_id.map(Bind::Uuid),
        )
        .only(
            "contact.state = ?",
            filter.state.map(|state| Bind::Text(state.to_string())),
        )
        .only("contact.account_enabled = ?", filter.account_enabled.map(Bind::Bool))
        .only("lower(contact.user_type) = lower(?)", filter.user_type.map(Bind::Text))
}

/// The contacts with these ids, of companies that the scope holds.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, ids: &[Uuid]) -> QueryResult<Vec<Contact>> {
    let found: Vec<Contact> = contact::table
        .filter(contact::id.eq_any(ids))
        .select(Contact::as_select())
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .filter(|contact| scope.holds_person(contact.company_id, Some(contact.entra_id)))
        .collect())
}

/// The people with these object ids in the tenants of these companies, as far as the scope holds them.
///
/// # Errors
/// When the database fails.
pub async fn load_by_entra_id(
    conn: &mut Connection,
    scope: &Scope,
    companies: &[Uuid],
    entra_ids: &[Uuid],
) -> QueryResult<Vec<Contact>> {
    let companies: Vec<Uuid> = companies.iter().filter(|id| scope.holds(**id)).copied().collect();
    let found: Vec<Contact> = contact::table
        .filter(contact::company_id.eq_any(companies))
        .filter(contact::entra_id.eq_any(entra_ids))
        .select(Contact::as_select())
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .filter(|contact| scope.holds_person(contact.company_id, Some(contact.entra_id)))
        .collect())
}
