//! Contact groups, and their members.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Union};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::company::Company;
use super::connection::{Connection, Listed, Paging};
use super::contact::Contact;
use super::error::{Answer, Fault};
use super::id::IdOf;
use super::siblings::Kin;
use super::{given, scope};
use crate::db::Pool;
use crate::model::contact_group::{GroupKind, OrderField};
use crate::model::page::{Direction, Order};
use crate::model::{self, RecordState, contact, contact_group};

/// A group among those it was read with.
#[derive(Clone)]
pub struct ContactGroup(pub Kin<model::ContactGroup>);

impl Listed for ContactGroup {
    type Row = model::ContactGroup;
    async fn of(_: &Context<'_>, row: Kin<model::ContactGroup>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// How to order contact groups.
#[derive(InputObject)]
pub struct ContactGroupOrder {
    /// What to order by.
    #[graphql(default_with = "OrderField::Name")]
    pub field: OrderField,
    /// Which way.
    #[graphql(default_with = "Direction::Asc")]
    pub direction: Direction,
}

impl ContactGroupOrder {
    /// The order that was asked for, by name where none was.
    pub fn order(asked: Option<Self>) -> Order {
        asked.map_or_else(
            || OrderField::Name.order(Direction::Asc),
            |asked| asked.field.order(asked.direction),
        )
    }
}

/// A direct member of a contact group: a person or another group.
#[derive(Clone, Union)]
pub enum ContactGroupMember {
    Contact(Contact),
    ContactGroup(ContactGroup),
}

impl Listed for ContactGroupMember {
    type Row = contact_group::Member;
    async fn of(ctx: &Context<'_>, row: Kin<contact_group::Member>) -> Answer<Self> {
        #[derive(PartialEq, Eq, Hash)]
        struct Members;
        let scope = scope(ctx)?;
        let members: Arc<HashMap<Uuid, Self>> = row
            .siblings()
            .share(Members, || async {
                let ids: Vec<Uuid> = row.siblings().owners().iter().map(|owner| owner.key).collect();
                let (people, groups) = given::<Pool>(ctx)?
                    .read(&scope, async |conn| -> anyhow::Result<_> {
                        let people = contact::load(conn, &scope, &ids).await?;
                        Ok((people, contact_group::load(conn, &scope, &ids).await?))
                    })
                    .await?;
                let people = Kin::all(people).into_iter().map(|row| (row.id, Contact(row).into()));
                let groups = Kin::all(groups)
                    .into_iter()
                    .map(|row| (row.id, ContactGroup(row).into()));
                Ok(people.chain(groups).collect())
            })
            .await?;
        members.get(&row.id).cloned().ok_or_else(|| Fault::not_found("member"))
    }
}

/// A group found in a tenant (Microsoft Graph `group`).
#[Object]
impl ContactGroup {
    /// Opaque, and unique among all nodes.
    pub async fn id(&self) -> ID {
        IdOf::ContactGroup.show(self.0.id)
    }

    /// Microsoft's object id of the group.
    async fn entra_id(&self) -> Uuid {
        self.0.entra_id
    }

    /// Whether the group is in use.
    async fn state(&self) -> RecordState {
        self.0.state
    }

    /// What kind of group it is at Microsoft.
    async fn kind(&self) -> GroupKind {
        self.0.group_kind
    }

    /// The name.
    async fn display_name(&self) -> Option<&str> {
        self.0.display_name.as_deref()
    }

    /// What it is for, in its owners' words.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The mail address.
    async fn mail(&self) -> Option<&str> {
        self.0.mail.as_deref()
    }

    /// When Tenantry first saw the group.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When something of the group itself last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The company that the group belongs to.
    async fn company(&self, ctx: &Context<'_>) -> Answer<Company> {
        Company::of_sibling(ctx, self.0.siblings(), self.0.company_id).await
    }

    /// Its direct members that are contacts or groups here, by name from A to Z.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<ContactGroupMember>> {
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        let listing = contact_group::list_members(&scope(ctx)?);
        Connection::of_owner(ctx, self.0.siblings(), self.0.owner(), listing, paging).await
    }

    /// The groups that it is itself a direct member of.
    async fn member_of(
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
}
