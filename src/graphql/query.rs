//! The root of queries.

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::alarm::Alarm;
use super::asset::{Asset, AssetOrder};
use super::audit_event::AuditEvent;
use super::company::{Company, CompanyOrder};
use super::connection::{Connection, Paging};
use super::contact::{Contact, ContactOrder};
use super::contact_group::{ContactGroup, ContactGroupOrder};
use super::error::{Answer, Fault};
use super::evidence::FleetEvidence;
use super::id::IdOf;
use super::node::{self, Node};
use super::service_token::ServiceToken;
use super::session::Session;
use super::siblings::{Kin, Siblings};
use super::sync_run::SyncRun;
use super::viewer::Viewer;
use super::{given, loan, now, permit, permit_to_all, scope, viewer};
use crate::auth::Action;
use crate::db::Pool;
use crate::model::alarm::{self, AlarmKind};
use crate::model::audit::{self, AuditAction, AuditOutcome};
use crate::model::contact_group::GroupKind;
use crate::model::page::{Listing, Owner};
use crate::model::sync_run::{SyncKind, SyncStatus};
use crate::model::{
    self, RecordState, Scope, TenantStatus, asset, company, contact, contact_group, service_token, session, sync_run,
};

const MOST_NODES: usize = 100;

/// The root of queries.
pub struct Query;

/// What can be asked.
#[Object]
impl Query {
    /// Who is asking.
    async fn viewer(&self, ctx: &Context<'_>) -> Answer<Viewer> {
        Ok(Viewer(viewer(ctx)?.clone()))
    }

    /// The node with this id; null when it is unknown, or hidden from the viewer.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The id of a node.")] id: ID) -> Answer<Option<Node>> {
        let mut nodes = node::load(ctx, &[id]).await?;
        Ok(nodes.pop().flatten())
    }

    /// The nodes with these ids, in their order; null for each that is unknown, or hidden from the viewer.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of nodes: at most 100.")] ids: Vec<ID>,
    ) -> Answer<Vec<Option<Node>>> {
        if ids.len() > MOST_NODES {
            return Err(Fault::limit("ids", "At most 100 ids at once. Ask in several requests."));
        }
        node::load(ctx, &ids).await
    }

    /// A company by its id or by the PSA's own id, exactly one of them; null when it is unknown, or hidden from the
    /// viewer.
    async fn company(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the company.")] id: Option<ID>,
        #[graphql(desc = "The PSA's own id of the company.")] external_id: Option<String>,
    ) -> Answer<Option<Company>> {
        let scope = scope(ctx)?;
        let found = match (id, external_id) {
            (Some(id), None) => match IdOf::Company.read(&id) {
                Some(id) => find_company(ctx, &scope, id).await?,
                None => None,
            },
            (None, Some(id)) if id.contains('\0') => None,
            (None, Some(id)) => {
                let read = async |conn: &mut _| {
                    company::find_by_external_id(conn, &scope, &id)
                        .await
                        .map_err(Fault::from)
                };
                given::<Pool>(ctx)?.read(&scope, read).await?
            }
            _ => return Err(Fault::bad_input("id, externalId", "Send exactly one of them.")),
        };
        Ok(found.map(|row| Company(Kin::alone(row))))
    }

    /// The companies that the viewer may see.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn companies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the name, in any case.")] search: Option<String>,
        #[graphql(desc = "Only companies whose tenant stands like this.")] tenant_status: Option<TenantStatus>,
        #[graphql(desc = "By name from A to Z unless told.")] order_by: Option<CompanyOrder>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Company>> {
        let filter = company::Filter {
            search: searched(search)?,
            tenant_status,
        };
        let listing = company::list(&scope(ctx)?, filter, CompanyOrder::order(order_by));
        Connection::of_nobody(
            ctx,
            listing,
            Paging {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// People, of one company or of all that the viewer may see.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only contacts of this company; an unknown or hidden one is an error.")] company_id: Option<
            ID,
        >,
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
        let filter = contact_filter(search, group_id, state, account_enabled, user_type)?;
        let order = ContactOrder::order(order_by);
        let list = OfCompany {
            one: |scope: &Scope, filter| contact::list_of_company(scope, filter, order),
            all: |scope: &Scope, filter| contact::list_everywhere(scope, filter, order),
        };
        list.page(
            ctx,
            company_id,
            filter,
            Paging {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// Devices, of one company or of all that the viewer may see.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only assets of this company; an unknown or hidden one is an error.")] company_id: Option<ID>,
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
        let filter = asset_filter(search, compliance_state, operating_system, state, contact_id)?;
        let order = AssetOrder::order(order_by);
        let list = OfCompany {
            one: |scope: &Scope, filter| asset::list_of_company(scope, filter, order),
            all: |scope: &Scope, filter| asset::list_everywhere(scope, filter, order),
        };
        list.page(
            ctx,
            company_id,
            filter,
            Paging {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// Groups of people, of one company or of all that the viewer may see.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only groups of this company; an unknown or hidden one is an error.")] company_id: Option<ID>,
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
            search: searched(search)?,
            kind,
            state,
        };
        let order = ContactGroupOrder::order(order_by);
        let list = OfCompany {
            one: |scope: &Scope, filter| contact_group::list_of_company(scope, filter, order),
            all: |scope: &Scope, filter| contact_group::list_everywhere(scope, filter, order),
        };
        list.page(
            ctx,
            company_id,
            filter,
            Paging {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// Sync runs, of one company or of all that the viewer may see, newest first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn sync_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only runs of this company; an unknown or hidden one is an error.")] company_id: Option<ID>,
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
        let list = OfCompany {
            one: |scope: &Scope, filter: sync_run::Filter| sync_run::list_of_company(scope, &filter),
            all: |scope: &Scope, filter: sync_run::Filter| sync_run::list_everywhere(scope, &filter),
        };
        list.page(
            ctx,
            company_id,
            filter,
            Paging {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// What is, or was, wrong and wants a person, newest first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn alarms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only alarms of this company.")] company_id: Option<ID>,
        #[graphql(desc = "Only alarms of this kind.")] kind: Option<AlarmKind>,
        #[graphql(desc = "Only those that are open, or only those that are over; both where it is left out.")]
        open: Option<bool>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Alarm>> {
        permit(ctx, Action::ViewOperations)?;
        let filter = alarm::Filter {
            company_id: filter_id(IdOf::Company, "companyId", company_id)?,
            kind,
            open,
        };
        let listing = alarm::list(&scope(ctx)?, &filter);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_nobody(ctx, listing, paging).await
    }

    /// Who did what, and who was refused, newest first.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was about this company.")] company_id: Option<ID>,
        #[graphql(desc = "Only this action.")] action: Option<AuditAction>,
        #[graphql(desc = "Only what was done, or only what was refused.")] outcome: Option<AuditOutcome>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<AuditEvent>> {
        permit_to_all(ctx, Action::ViewAuditTrail)?;
        let filter = audit::Filter {
            company_id: filter_id(IdOf::Company, "companyId", company_id)?,
            action,
            outcome,
        };
        let listing = audit::list(&scope(ctx)?, &filter);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_nobody(ctx, listing, paging).await
    }

    /// Evidence over all companies.
    #[graphql(flatten)]
    async fn fleet_evidence(&self) -> FleetEvidence {
        FleetEvidence
    }

    /// The newest service tokens, at most 200, those that no longer work included.
    async fn service_tokens(&self, ctx: &Context<'_>) -> Answer<Vec<ServiceToken>> {
        permit_to_all(ctx, Action::ManageServiceTokens)?;
        let tokens = service_token::list(&mut *loan(ctx).await?).await?;
        Ok(tokens.into_iter().map(ServiceToken).collect())
    }

    /// The living sessions of everybody, newest first; one's own are at `viewer`.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only sessions in the portal of this company.")] company_id: Option<ID>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Session>> {
        permit_to_all(ctx, Action::ManageSessions)?;
        let company_id = filter_id(IdOf::Company, "companyId", company_id)?;
        let listing = session::list(&scope(ctx)?, now(), company_id);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_nobody(ctx, listing, paging).await
    }
}

/// A list that is a company's, or everybody's.
struct OfCompany<One, All> {
    one: One,
    all: All,
}

impl<One, All> OfCompany<One, All> {
    async fn page<N, F>(
        self,
        ctx: &Context<'_>,
        company_id: Option<ID>,
        filter: F,
        paging: Paging,
    ) -> Answer<Connection<N>>
    where
        N: super::connection::Listed,
        One: FnOnce(&Scope, F) -> Listing,
        All: FnOnce(&Scope, F) -> Listing,
    {
        let scope = scope(ctx)?;
        let Some(id) = company_id else {
            return Connection::of_nobody(ctx, (self.all)(&scope, filter), paging).await;
        };
        let company = match IdOf::Company.read(&id) {
            Some(id) => find_company(ctx, &scope, id).await?,
            None => None,
        };
        let owner = Owner::company(company.ok_or_else(|| Fault::not_found("company"))?.id);
        Connection::of_owner(
            ctx,
            &Siblings::new(vec![owner]),
            owner,
            (self.one)(&scope, filter),
            paging,
        )
        .await
    }
}

/// The company with this id, if the scope holds it.
pub async fn find_company(ctx: &Context<'_>, scope: &Scope, id: Uuid) -> Answer<Option<model::Company>> {
    given::<Pool>(ctx)?
        .read(scope, async |conn| Ok(company::find(conn, scope, id).await?))
        .await
}

/// A part of a name, as it was sent; nothing for blanks.
pub fn searched(search: Option<String>) -> Answer<Option<String>> {
    search.map(|text| stored_text("search", text)).transpose().map(|text| {
        let text = text?;
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    })
}

/// Text that can be compared with what Postgres stores.
fn stored_text(argument: &str, text: String) -> Answer<String> {
    if text.contains('\0') {
        return Err(Fault::bad_input(argument, "Send text without null characters."));
    }
    Ok(text)
}

/// Which contacts were asked for.
pub fn contact_filter(
    search: Option<String>,
    group_id: Option<ID>,
    state: Option<RecordState>,
    account_enabled: Option<bool>,
    user_type: Option<String>,
) -> Answer<contact::Filter> {
    Ok(contact::Filter {
        search: searched(search)?,
        group_id: filter_id(IdOf::ContactGroup, "groupId", group_id)?,
        state,
        account_enabled,
        user_type: user_type.map(|text| stored_text("userType", text)).transpose()?,
    })
}

/// Which assets were asked for.
pub fn asset_filter(
    search: Option<String>,
    compliance_state: Option<String>,
    operating_system: Option<String>,
    state: Option<RecordState>,
    contact_id: Option<ID>,
) -> Answer<asset::Filter> {
    Ok(asset::Filter {
        search: searched(search)?,
        compliance_state: compliance_state
            .map(|text| stored_text("complianceState", text))
            .transpose()?,
        operating_system: operating_system
            .map(|text| stored_text("operatingSystem", text))
            .transpose()?,
        state,
        contact_id: filter_id(IdOf::Contact, "contactId", contact_id)?,
    })
}

/// The id in a filter. Nothing has an id that nobody gave out, so it is told rather than answered with an empty list.
pub fn filter_id(of: IdOf, argument: &str, id: Option<ID>) -> Answer<Option<Uuid>> {
    id.map(|id| {
        of.read(&id)
            .ok_or_else(|| Fault::bad_input(argument, &format!("This is not the id of a {}.", of.words())))
    })
    .transpose()
}
