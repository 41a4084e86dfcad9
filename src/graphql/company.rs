//! Companies.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::asset::{Asset, AssetOrder};
use super::attention;
use super::connection::{Connection, Listed, Paging, first_of_each};
use super::contact::{Contact, ContactOrder};
use super::contact_group::{ContactGroup, ContactGroupOrder};
use super::error::{Answer, Fault};
use super::evidence::CompanyEvidence;
use super::id::IdOf;
use super::portal_access_group::{self, PortalAccessGroup};
use super::query;
use super::siblings::{Kin, Siblings};
use super::sync_change::{self, SyncChange};
use super::sync_guard::{self, SyncGuard};
use super::sync_rules::{self, SyncRules};
use super::sync_run::SyncRun;
use super::sync_schedule::{self, SyncSchedule};
use super::tenant::{self, Tenant};
use super::{given, scope};
use crate::db::Pool;
use crate::model;
use crate::model::attention::Attention;
use crate::model::company::OrderField;
use crate::model::contact_group::GroupKind;
use crate::model::page::{Direction, Order, Owner};
use crate::model::sync_run::{SyncKind, SyncStatus};
use crate::model::{RecordState, asset, contact, contact_group, sync_run};

/// A company among those it was read with.
#[derive(Clone)]
pub struct Company(pub Kin<model::Company>);

impl Company {
    /// The company that this one of several rows belongs to, read for all of them at once.
    pub async fn of_sibling(ctx: &Context<'_>, siblings: &Arc<Siblings>, company_id: Uuid) -> Answer<Self> {
        #[derive(PartialEq, Eq, Hash)]
        struct Companies;
        let scope = scope(ctx)?;
        let companies: Arc<HashMap<Uuid, Kin<model::Company>>> = siblings
            .share(Companies, || async {
                let ids: Vec<Uuid> = siblings.owners().iter().map(|owner| owner.company_id).collect();
                let rows = given::<Pool>(ctx)?
                    .read(&scope, async |conn| -> anyhow::Result<_> {
                        Ok(model::company::load(conn, &scope, &ids).await?)
                    })
                    .await?;
                Ok(Kin::all(rows)
                    .into_iter()
                    .map(|company| (company.id, company))
                    .collect())
            })
            .await?;
        let company = companies.get(&company_id).cloned();
        Ok(Self(company.ok_or_else(|| Fault::not_found("company"))?))
    }

    fn owner(&self) -> Owner {
        Owner::company(self.0.id)
    }
}

impl Listed for Company {
    type Row = model::Company;
    async fn of(_: &Context<'_>, row: Kin<model::Company>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// How to order companies.
#[derive(InputObject)]
pub struct CompanyOrder {
    /// What to order by.
    #[graphql(default_with = "OrderField::Name")]
    pub field: OrderField,
    /// Which way.
    #[graphql(default_with = "Direction::Asc")]
    pub direction: Direction,
}

impl CompanyOrder {
    /// The order that was asked for, by name where none was.
    pub fn order(asked: Option<Self>) -> Order {
        asked.map_or_else(
            || OrderField::Name.order(Direction::Asc),
            |asked| asked.field.order(asked.direction),
        )
    }
}

/// A client of the MSP, as the PSA knows it.
#[Object]
impl Company {
    /// Opaque, and unique among all nodes.
    pub async fn id(&self) -> ID {
        IdOf::Company.show(self.0.id)
    }

    /// The name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The PSA's own id.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Its Microsoft 365 tenant; null while nobody has ever asked to connect one, or where the viewer may not see it.
    async fn tenant(&self, ctx: &Context<'_>) -> Answer<Option<Tenant>> {
        tenant::of_sibling(ctx, self.0.siblings(), self.0.id).await
    }

    /// The people found in its tenant.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the name, the mail address or the user principal name, in any case.")]
        search: Option<String>,
        #[graphql(desc = "Only direct members of this contact group.")] group_id: Option<ID>,
        #[graphql(desc = "Only contacts in this state; all of them where it is left out.")] state: Option<RecordState>,
        #[graphql(desc = "Only people whose account is enabled, or only those whose account is not.")]
        account_enabled: Option<bool>,
        #[graphql(desc = "Only `Member` or only `Guest`, in any case.")] user_type: Option<String>,
        #[graphql(desc = "By name from A to Z unless told.")] order_by: Option<ContactOrder>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Contact>> {
        let filter = query::contact_filter(search, group_id, state, account_enabled, user_type)?;
        let listing = contact::list_of_company(&scope(ctx)?, filter, ContactOrder::order(order_by));
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.owner(), listing, paging).await
    }

    /// The groups found in its tenant.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the name or of the mail address, in any case.")] search: Option<String>,
        #[graphql(desc = "Only groups of this kind.")] kind: Option<GroupKind>,
        #[graphql(desc = "Only groups in this state; all of them where it is left out.")] state: Option<RecordState>,
        #[graphql(desc = "By name from A to Z unless told.")] order_by: Option<ContactGroupOrder>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<ContactGroup>> {
        let filter = contact_group::Filter {
            search: query::searched(search)?,
            kind,
            state,
        };
        let listing = contact_group::list_of_company(&scope(ctx)?, filter, ContactGroupOrder::order(order_by));
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.owner(), listing, paging).await
    }

    /// The devices found in its tenant.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the hostname or of the serial number, in any case.")] search: Option<String>,
        #[graphql(desc = "Only this compliance state, as Microsoft says it, in any case.")] compliance_state: Option<
            String,
        >,
        #[graphql(desc = "Only this operating system, as Microsoft says it, in any case.")] operating_system: Option<
            String,
        >,
        #[graphql(desc = "Only assets in this state; all of them where it is left out.")] state: Option<RecordState>,
        #[graphql(desc = "Only assets of this contact.")] contact_id: Option<ID>,
        #[graphql(desc = "By hostname from A to Z unless told.")] order_by: Option<AssetOrder>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Asset>> {
        let filter = query::asset_filter(search, compliance_state, operating_system, state, contact_id)?;
        let listing = asset::list_of_company(&scope(ctx)?, filter, AssetOrder::order(order_by));
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.owner(), listing, paging).await
    }

    /// Its sync runs, newest first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn sync_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only runs of this kind.")] kind: Option<SyncKind>,
        #[graphql(desc = "Only runs that stand like this.")] status: Option<SyncStatus>,
        #[graphql(desc = "Only dry runs, or only real ones; both where it is left out.")] dry_run: Option<bool>,
        #[graphql(
            desc = "Only runs that hold changes which wait for a person, or only the others; both where it is left out."
        )]
        holds_changes: Option<bool>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<SyncRun>> {
        let filter = sync_run::Filter {
            kind,
            status,
            dry_run,
            holds_changes,
        };
        let listing = sync_run::list_of_company(&scope(ctx)?, &filter);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.owner(), listing, paging).await
    }

    /// What sync runs changed in one of its contacts, contact groups or assets, newest first.
    async fn record_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the contact, contact group or asset.")] record_id: ID,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<SyncChange>> {
        let (noun, id) = sync_change::read_record_id("recordId", &record_id)?;
        let listing = model::sync_change::list_of_record(&scope(ctx)?, noun, id);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_owner(ctx, self.0.siblings(), self.owner(), listing, paging).await
    }

    /// Its newest sync run of a kind, dry runs apart; null while there is none.
    async fn latest_sync(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The kind of run.", default_with = "SyncKind::Identity")] kind: SyncKind,
    ) -> Answer<Option<SyncRun>> {
        let listing = sync_run::latest_of_company(&scope(ctx)?, kind);
        let run = first_of_each(ctx, self.0.siblings(), self.owner(), &listing).await?;
        Ok(run.map(SyncRun))
    }

    /// What of it wants a person; null where the viewer may not see that.
    async fn attention(&self, ctx: &Context<'_>) -> Answer<Option<Attention>> {
        attention::of_sibling(ctx, self.0.siblings(), self.0.id).await
    }

    /// The slot of the clock at which the next scheduled run is queued; null while the company is not connected or its
    /// schedule is paused. After failures it is the next try.
    async fn next_sync_at(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The kind of run.", default_with = "SyncKind::Identity")] kind: SyncKind,
    ) -> Answer<Option<DateTime<Utc>>> {
        sync_schedule::next(ctx, self.0.siblings(), self.0.id, kind).await
    }

    /// Which slots of the clock it takes, by kind of run; none where the viewer may not see that.
    async fn sync_schedules(&self, ctx: &Context<'_>) -> Answer<Vec<SyncSchedule>> {
        sync_schedule::of_sibling(ctx, self.0.siblings(), self.0.id).await
    }

    /// From how many deactivations on a person is asked; null where the viewer may not see that.
    async fn sync_guard(&self, ctx: &Context<'_>) -> Answer<Option<SyncGuard>> {
        sync_guard::of_sibling(ctx, self.0.siblings(), self.0.id).await
    }

    /// The contact groups that open its portal. None: every active contact may enter as USER (or the viewer may not see
    /// this).
    async fn portal_access_groups(&self, ctx: &Context<'_>) -> Answer<Vec<PortalAccessGroup>> {
        portal_access_group::of_sibling(ctx, self.0.siblings(), self.0.id).await
    }

    /// What is kept of its posture.
    #[graphql(flatten)]
    async fn kept_evidence(&self) -> CompanyEvidence {
        CompanyEvidence(self.0.id)
    }

    /// Whom it wants as contacts; null where the viewer may not see that.
    async fn sync_rules(&self, ctx: &Context<'_>) -> Answer<Option<SyncRules>> {
        sync_rules::of_sibling(ctx, self.0.siblings(), self.0.id).await
    }
}
