//! Who may enter a company's portal, and as what.
//!
//! The danger: a right that outlives its reason. So it is stored nowhere: the database function `portal_entry` works it
//! out of the synced contact, its groups (nested ones too) and the company's choice of groups, each time it is needed.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::{contact, contact_group, held_change, portal_access_group, tenant};
use crate::error::{Failure, UserError};
use crate::model::held_change::Decision;
use crate::model::{Noun, RecordState, Scope, TenantStatus, company, session};

super::text_enum::text_enum! {
    /// What a portal user sees.
    pub enum PortalRole {
        /// Their own record, groups and assets.
        User = "USER",
        /// The whole company, evidence included.
        Manager = "MANAGER",
    }
}

/// A right to enter a portal.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Entry {
    #[diesel(sql_type = SqlUuid)]
    pub company_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub contact_name: Option<String>,
    /// Microsoft's ids of the groups that the person is in, directly or through others.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub group_ids: Vec<Uuid>,
    #[diesel(sql_type = Text)]
    pub role: PortalRole,
}

impl Entry {
    /// What this person sees.
    pub fn scope(&self, person: Uuid) -> Scope {
        match self.role {
            PortalRole::Manager => Scope::Companies(vec![self.company_id]),
            PortalRole::User => Scope::Person {
                company_id: self.company_id,
                entra_id: person,
                group_ids: Arc::from(self.group_ids.as_slice()),
            },
        }
    }
}

/// Why somebody of a client's tenant may not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEntry {
    /// No company is connected to this tenant, nor was.
    UnknownTenant,
    /// The company's connection has ended, or Microsoft refuses us.
    NotConnected,
    /// The person is no contact: not synced yet, ruled out before ever being one, or a guest.
    NotAContact,
    /// The contact was deactivated.
    Deactivated,
    /// The last look at Microsoft did not find the person; somebody has yet to confirm that.
    HeldBack,
    /// Microsoft's own switch is off, or unknown.
    AccountDisabled,
    /// The company lets only some of its groups in.
    NotInAGroup,
}

/// The right of this person to enter the portal of the company that is connected to this tenant.
///
/// # Errors
/// When the database fails.
pub async fn find_entry(conn: &mut Connection, tid: Uuid, oid: Uuid) -> QueryResult<Option<Entry>> {
    diesel::sql_query(
        "select t.company_id, e.contact_id, e.contact_name, e.group_ids, e.role
         from tenant t cross join lateral portal_entry(t.company_id, $2) e
         where t.entra_tenant_id = $1 and t.status = 'CONNECTED'",
    )
    .bind::<SqlUuid, _>(tid)
    .bind::<SqlUuid, _>(oid)
    .get_result(conn)
    .await
    .optional()
}

/// As [`find_entry`], and nobody takes the right away before this transaction ends: whoever does holds the company's row when
/// they look for the sessions to end.
///
/// # Errors
/// When the database fails.
pub async fn hold_entry(conn: &mut Connection, tid: Uuid, oid: Uuid) -> QueryResult<Option<Entry>> {
    let Some(seen) = find_entry(conn, tid, oid).await? else {
        return Ok(None);
    };
    company::lock(conn, seen.company_id).await.optional()?;
    let entry = find_entry(conn, tid, oid).await?;
    Ok(entry.filter(|entry| entry.company_id == seen.company_id))
}

/// Why [`find_entry`] found nothing, to tell the person; and the company, where there is one.
///
/// # Errors
/// When the database fails.
pub async fn explain_no_entry(conn: &mut Connection, tid: Uuid, oid: Uuid) -> QueryResult<(NoEntry, Option<Uuid>)> {
    let known: Option<(Uuid, TenantStatus)> = tenant::table
        .filter(tenant::entra_tenant_id.eq(tid))
        // A tenant may have been connected to one company before, and to another now.
        .order(tenant::status.eq(TenantStatus::Connected).desc())
        .select((tenant::company_id, tenant::status))
        .first(conn)
        .await
        .optional()?;
    let Some((company_id, status)) = known else {
        return Ok((NoEntry::UnknownTenant, None));
    };
    if status != TenantStatus::Connected {
        return Ok((NoEntry::NotConnected, Some(company_id)));
    }
    let person: Option<(Uuid, RecordState, Option<bool>, Option<String>)> = contact::table
        .filter(contact::company_id.eq(company_id))
        .filter(contact::entra_id.eq(oid))
        .select((
            contact::id,
            contact::state,
            contact::account_enabled,
            contact::user_type,
        ))
        .first(conn)
        .await
        .optional()?;
    let why = match person {
        None => NoEntry::NotAContact,
        Some((_, _, _, Some(user_type))) if !user_type.eq_ignore_ascii_case("member") => NoEntry::NotAContact,
        Some((_, RecordState::Deactivated, ..)) => NoEntry::Deactivated,
        Some((_, _, enabled, _)) if enabled != Some(true) => NoEntry::AccountDisabled,
        Some((id, ..)) if is_held(conn, company_id, id).await? => NoEntry::HeldBack,
        Some(_) => NoEntry::NotInAGroup,
    };
    Ok((why, Some(company_id)))
}

/// Whether the contact's deactivation waits for a person.
async fn is_held(conn: &mut Connection, company_id: Uuid, contact_id: Uuid) -> QueryResult<bool> {
    let held = held_change::table
        .filter(held_change::company_id.eq(company_id))
        .filter(held_change::noun.eq(Noun::Contact))
        .filter(held_change::record_id.eq(contact_id))
        .filter(held_change::decision.eq(Decision::Held));
    diesel::select(diesel::dsl::exists(held)).get_result(conn).await
}

/// A group that opens the portal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Queryable, Selectable)]
#[diesel(table_name = portal_access_group, check_for_backend(diesel::pg::Pg))]
pub struct AccessGroup {
    pub company_id: Uuid,
    /// Our id of the contact group.
    pub group_id: Uuid,
    pub role: PortalRole,
}

/// The groups that open the portals of these companies, as far as the scope holds them whole.
///
/// # Errors
/// When the database fails.
pub async fn load_access_groups(
    conn: &mut Connection,
    scope: &Scope,
    companies: &[Uuid],
) -> QueryResult<Vec<AccessGroup>> {
    let companies = scope.whole_of(companies);
    portal_access_group::table
        .filter(portal_access_group::company_id.eq_any(companies))
        .order((portal_access_group::role, portal_access_group::group_id))
        .select(AccessGroup::as_select())
        .load(conn)
        .await
}

/// Replaces the groups that open the company's portal; whoever may no longer enter is out. In a transaction.
///
/// # Errors
/// `BAD_INPUT` when a group is named twice or is not an active group of the company.
pub async fn set_access_groups(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    groups: &[(Uuid, PortalRole)],
) -> Result<(), Failure> {
    let mut ids: Vec<Uuid> = groups.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != groups.len() {
        return Err(UserError::at("BAD_INPUT", &["groups"], "A group is named twice. Name each once.").into());
    }
    let known: i64 = contact_group::table
        .filter(contact_group::company_id.eq(company_id))
        .filter(contact_group::id.eq_any(&ids))
        .filter(contact_group::state.eq(RecordState::Active))
        .count()
        .get_result(conn)
        .await?;
    if usize::try_from(known) != Ok(ids.len()) {
        let message = "Not every one of these is an active contact group of this company. Check the ids.";
        return Err(UserError::at("BAD_INPUT", &["groups"], message).into());
    }
    diesel::delete(portal_access_group::table.filter(portal_access_group::company_id.eq(company_id)))
        .execute(conn)
        .await?;
    let rows: Vec<_> = groups
        .iter()
        .map(|(group_id, role)| {
            (
                portal_access_group::company_id.eq(company_id),
                portal_access_group::group_id.eq(*group_id),
                portal_access_group::role.eq(*role),
            )
        })
        .collect();
    diesel::insert_into(portal_access_group::table)
        .values(rows)
        .execute(conn)
        .await?;
    session::end_those_without_entry(conn, now, company_id).await?;
    Ok(())
}
