//! Contacts.

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::asset::{Asset, AssetOrder};
use super::company::Company;
use super::connection::{Connection, Listed, Paging};
use super::contact_group::{ContactGroup, ContactGroupOrder};
use super::error::Answer;
use super::id::IdOf;
use super::scope;
use super::siblings::Kin;
use crate::model::contact::OrderField;
use crate::model::page::{Direction, Order};
use crate::model::{self, DeactivatedBecause, RecordState, asset, contact_group};

/// A contact among those it was read with.
#[derive(Clone)]
pub struct Contact(pub Kin<model::Contact>);

impl Listed for Contact {
    type Row = model::Contact;
    async fn of(_: &Context<'_>, row: Kin<model::Contact>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// How to order contacts.
#[derive(InputObject)]
pub struct ContactOrder {
    /// What to order by.
    #[graphql(default_with = "OrderField::Name")]
    pub field: OrderField,
    /// Which way.
    #[graphql(default_with = "Direction::Asc")]
    pub direction: Direction,
}

impl ContactOrder {
    /// The order that was asked for, by name where none was.
    pub fn order(asked: Option<Self>) -> Order {
        asked.map_or_else(
            || OrderField::Name.order(Direction::Asc),
            |asked| asked.field.order(asked.direction),
        )
    }
}

/// A person found in a tenant (Microsoft Graph `user`).
#[Object]
impl Contact {
    /// Opaque, and unique among all nodes.
    pub async fn id(&self) -> ID {
        IdOf::Contact.show(self.0.id)
    }

    /// Microsoft's object id of the person.
    async fn entra_id(&self) -> Uuid {
        self.0.entra_id
    }

    /// Whether the contact is in use; apart from `accountEnabled`.
    async fn state(&self) -> RecordState {
        self.0.state
    }

    /// Why the contact was deactivated; null while it is active.
    async fn deactivated_because(&self) -> Option<DeactivatedBecause> {
        self.0.deactivated_because
    }

    /// Microsoft's own switch: whether the person may sign in.
    async fn account_enabled(&self) -> Option<bool> {
        self.0.account_enabled
    }

    /// The name.
    async fn display_name(&self) -> Option<&str> {
        self.0.display_name.as_deref()
    }

    /// The mail address.
    async fn mail(&self) -> Option<&str> {
        self.0.mail.as_deref()
    }

    /// The name that the person signs in with. It changes, and proves nothing.
    async fn user_principal_name(&self) -> Option<&str> {
        self.0.user_principal_name.as_deref()
    }

    /// The department.
    async fn department(&self) -> Option<&str> {
        self.0.department.as_deref()
    }

    /// The job title.
    async fn job_title(&self) -> Option<&str> {
        self.0.job_title.as_deref()
    }

    /// The telephone numbers at work.
    async fn business_phones(&self) -> &[String] {
        &self.0.business_phones
    }

    /// The mobile telephone number.
    async fn mobile_phone(&self) -> Option<&str> {
        self.0.mobile_phone.as_deref()
    }

    /// `Member` or `Guest`, as Microsoft says it.
    async fn user_type(&self) -> Option<&str> {
        self.0.user_type.as_deref()
    }

    /// Whether any licence is assigned.
    async fn licensed(&self) -> bool {
        self.0.licensed
    }

    /// When Tenantry first saw the person.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When something of this contact last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The company that the contact belongs to.
    async fn company(&self, ctx: &Context<'_>) -> Answer<Company> {
        Company::of_sibling(ctx, self.0.siblings(), self.0.company_id).await
    }

    /// The groups that the person is a direct member of.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By name from A to Z unless told.")] order_by: Option<ContactGroupOrder>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<ContactGroup>> {
        let listing = contact_group::list_of_member(&scope(ctx)?, ContactGroupOrder::order(order_by));
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.0.owner(), listing, paging).await
    }

    /// The devices that belong to the person.
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By hostname from A to Z unless told.")] order_by: Option<AssetOrder>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Asset>> {
        let listing = asset::list_of_contact(&scope(ctx)?, AssetOrder::order(order_by));
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.0.owner(), listing, paging).await
    }
}
