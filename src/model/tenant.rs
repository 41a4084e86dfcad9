//! Tenants: the Microsoft Entra tenant that a company is connected to.
//!
//! The danger here is to link a tenant to the wrong company: a unique index allows one company per tenant, and the
//! refusal never says which.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::{asset, contact, contact_group, tenant};
use crate::error::{Failure, UserError};
use crate::model::audit::{self, Actor, AuditAction, Deed};
use crate::model::sync_run::RunFailure;
use crate::model::{Scope, connect_ticket, session, sign_in_flow, sync_run, sync_state};

super::text_enum::text_enum! {
    /// How a company stands with its tenant.
    pub enum TenantStatus {
        /// A link to consent was made, and nobody has consented yet. The reason tells of the last attempt, if it failed.
        ConsentPending = "CONSENT_PENDING",
        /// Connected: syncs run.
        Connected = "CONNECTED",
        /// Microsoft refuses us, most likely because the consent was withdrawn. Data is kept, syncs stand still.
        ReconnectNeeded = "RECONNECT_NEEDED",
        /// Disconnected by us. Data is kept, syncs stand still.
        Disconnected = "DISCONNECTED",
    }
}

/// A company's tenant.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = tenant, check_for_backend(diesel::pg::Pg))]
pub struct Tenant {
    pub company_id: Uuid,
    /// Microsoft's tenant id, once known.
    pub entra_tenant_id: Option<Uuid>,
    pub status: TenantStatus,
    /// As the tenant calls itself.
    pub display_name: Option<String>,
    /// Its default verified domain.
    pub domain: Option<String>,
    /// The administrator who consented, by name.
    pub consented_by: Option<String>,
    pub consented_oid: Option<Uuid>,
    /// Whether the administrator's role was shown by their sign-in; `Some(false)`: the first run has to look.
    pub role_proven: Option<bool>,
    pub connected_at: Option<DateTime<Utc>>,
    /// Why it is not connected, in words for people. Nothing where nobody has tried yet.
    pub status_reason: Option<String>,
    /// A domain that the tenant has to own, not yet seen to hold.
    pub expected_domain: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The application permissions in the last token that it gave us; none was read yet where there are none.
    pub granted_roles: Option<Vec<String>>,
    /// When these were last seen to be others.
    pub granted_at: Option<DateTime<Utc>>,
}

/// Who consented, and to what: all of it proven by a sign-in, nothing taken from a callback's parameters.
#[derive(Clone, Debug)]
pub struct Consent {
    pub entra_tenant_id: Uuid,
    pub administrator: String,
    pub administrator_oid: Uuid,
    /// Whether their sign-in showed a role that may consent; otherwise the first run has to look.
    pub role_proven: bool,
    pub expected_domain: Option<String>,
}

/// The tenant of a company, if it was ever to be connected.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Connection, company_id: Uuid) -> QueryResult<Option<Tenant>> {
    tenant::table
        .find(company_id)
        .select(Tenant::as_select())
        .first(conn)
        .await
        .optional()
}

/// The tenants of these companies, as far as the scope holds them whole.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, companies: &[Uuid]) -> QueryResult<Vec<Tenant>> {
    tenant::table
        .filter(tenant::company_id.eq_any(scope.whole_of(companies)))
        .select(Tenant::as_select())
        .load(conn)
        .await
}

/// How the company stands with its tenant; nobody changes that before this transaction has ended.
///
/// # Errors
/// When the database fails.
pub async fn share_status(conn: &mut Connection, company_id: Uuid) -> QueryResult<Option<TenantStatus>> {
    tenant::table
        .find(company_id)
        .select(tenant::status)
        .for_share()
        .first(conn)
        .await
        .optional()
}

/// Notes that somebody is on the way to Microsoft for this company, and forgets how the last attempt went; a tenant that
/// was ever connected stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn expect_consent(conn: &mut Connection, company_id: Uuid) -> QueryResult<()> {
    diesel::insert_into(tenant::table)
        .values((
            tenant::company_id.eq(company_id),
            tenant::status.eq(TenantStatus::ConsentPending),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    note_refused_consent(conn, company_id, None).await
}

/// Notes why whoever came back from Microsoft could not connect the tenant, for the one who sent the link. Where it was
/// ever connected, why it no longer is stays what is told.
///
/// # Errors
/// When the database fails.
pub async fn note_refused_consent(conn: &mut Connection, company_id: Uuid, why: Option<&str>) -> QueryResult<()> {
    diesel::update(tenant::table.find(company_id))
        .filter(tenant::status.eq(TenantStatus::ConsentPending))
        .filter(tenant::status_reason.is_distinct_from(why))
        .set((tenant::status_reason.eq(why), tenant::updated_at.eq(diesel::dsl::now)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Connects a company to the tenant whose administrator has consented. In one transaction with the first run.
///
/// # Errors
/// `TENANT_TAKEN` when another company is connected to this tenant, `TENANT_CHANGED` when the company holds the
/// records of another tenant.
pub async fn connect(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    consent: &Consent,
) -> Result<(), Failure> {
    expect_consent(conn, company_id).await?;
    lock(conn, company_id).await?;
    // A run of the consent before would judge, and write, for this one.
    sync_run::cancel_active(conn, now, company_id, "Connected again").await?;
    refuse_another_tenants_records(conn, company_id, consent.entra_tenant_id).await?;
    let connected = (
        tenant::entra_tenant_id.eq(consent.entra_tenant_id),
        tenant::status.eq(TenantStatus::Connected),
        tenant::status_reason.eq(None::<String>),
        tenant::consented_by.eq(&consent.administrator),
        tenant::consented_oid.eq(consent.administrator_oid),
        tenant::role_proven.eq(consent.role_proven),
        tenant::connected_at.eq(now),
        tenant::expected_domain.eq(&consent.expected_domain),
        tenant::granted_roles.eq(None::<Vec<String>>),
        tenant::granted_at.eq(None::<DateTime<Utc>>),
        tenant::updated_at.eq(now),
    );
    diesel::insert_into(tenant::table)
        .values((tenant::company_id.eq(company_id), connected.clone()))
        .on_conflict(tenant::company_id)
        .do_update()
        .set(connected)
        .execute(conn)
        .await
        .map_err(tenant_taken)?;
    Ok(())
}

/// Locks the tenant's row. Whoever locks a run of the company too locks it after this.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut Connection, company_id: Uuid) -> QueryResult<()> {
    tenant::table
        .find(company_id)
        .select(tenant::company_id)
        .for_update()
        .execute(conn)
        .await?;
    Ok(())
}

async fn refuse_another_tenants_records(
    conn: &mut Connection,
    company_id: Uuid,
    entra_tenant_id: Uuid,
) -> Result<(), Failure> {
    let before = find(conn, company_id).await?.and_then(|tenant| tenant.entra_tenant_id);
    if before.is_none_or(|before| before == entra_tenant_id) {
        return Ok(());
    }
    let has_records: bool = diesel::select(
        diesel::dsl::exists(contact::table.filter(contact::company_id.eq(company_id)))
            .or(diesel::dsl::exists(
                contact_group::table.filter(contact_group::company_id.eq(company_id)),
            ))
            .or(diesel::dsl::exists(
                asset::table.filter(asset::company_id.eq(company_id)),
            )),
    )
    .get_result(conn)
    .await?;
    if has_records {
        return Err(UserError::new(
            "TENANT_CHANGED",
            "This company holds the records of another Microsoft 365 tenant. Connect that tenant again, or make a new company for this one.",
        )
        .into());
    }
    Ok(sync_state::remove_all(conn, company_id).await?)
}

fn tenant_taken(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            if info.constraint_name() == Some("one_company_per_tenant") =>
        {
            UserError::new(
                "TENANT_TAKEN",
                "This Microsoft 365 tenant is already connected. Disconnect it where it is connected, then try again.",
            )
            .into()
        }
        _ => error.into(),
    }
}

/// Keeps what the tenant says of itself, once `/organization` was read and agreed.
///
/// # Errors
/// When the database fails.
pub async fn describe(
    conn: &mut Connection,
    company_id: Uuid,
    display_name: Option<&str>,
    domain: Option<&str>,
) -> QueryResult<()> {
    diesel::update(tenant::table.find(company_id))
        .set((
            tenant::display_name.eq(display_name),
            tenant::domain.eq(domain),
            tenant::expected_domain.eq(None::<String>),
            tenant::role_proven.eq(true),
            tenant::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// More people than this, and a full reading holds a worker's place for a minute and longer: a page of Graph has 999 of
/// them at most, and one of `signInActivity` costs six seconds of its limit.
const LARGE: i64 = 10_000;

/// Notes whether the tenant's runs may take long. Nobody is counted beyond that, and the row is locked only where it
/// changes.
///
/// # Errors
/// When the database fails.
pub async fn note_size(conn: &mut Connection, company_id: Uuid) -> QueryResult<()> {
    diesel::sql_query(
        "update tenant set large = not large
         where company_id = $1
           and large <> exists (select from contact where company_id = $1 and state = 'ACTIVE' offset $2 limit 1)",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<BigInt, _>(LARGE)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what this tenant of Microsoft's has granted, in the order of the alphabet; written only where it is something else.
///
/// # Errors
/// When the database fails.
pub async fn note_granted(
    conn: &mut Connection,
    company_id: Uuid,
    entra_tenant_id: Uuid,
    granted: &[String],
) -> QueryResult<()> {
    let mut granted = granted.to_vec();
    granted.sort_unstable();
    granted.dedup();
    diesel::update(
        tenant::table
            .find(company_id)
            .filter(tenant::entra_tenant_id.eq(entra_tenant_id))
            .filter(tenant::granted_roles.is_distinct_from(&granted)),
    )
    .set((
        tenant::granted_roles.eq(&granted),
        tenant::granted_at.eq(diesel::dsl::now),
    ))
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that this tenant of Microsoft's no longer lets us in. Nothing is deactivated; portal users are out. In a
/// transaction.
///
/// # Errors
/// When the database fails.
pub async fn need_reconnect(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    entra_tenant_id: Uuid,
    reason: &str,
) -> QueryResult<()> {
    let connected = tenant::table
        .find(company_id)
        .filter(tenant::status.eq(TenantStatus::Connected))
        .filter(tenant::entra_tenant_id.eq(entra_tenant_id));
    diesel::update(connected)
        .set((
            tenant::status.eq(TenantStatus::ReconnectNeeded),
            tenant::status_reason.eq(reason),
            tenant::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await?;
    session::end_those_without_entry(conn, now, company_id).await?;
    Ok(())
}

/// As [`disconnect`], because a run found the connection to be another than it was taken for; recorded as ours. In a
/// transaction.
///
/// # Errors
/// When the database fails.
pub async fn disconnect_mistaken(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    run_id: Uuid,
    failure: &RunFailure,
) -> QueryResult<()> {
    if !disconnect(conn, now, company_id, &failure.message).await? {
        return Ok(());
    }
    let deed = Deed {
        actor: Actor::system("the check of the tenant"),
        action: AuditAction::Disconnect,
        company_id: Some(company_id),
        subject: Some(run_id.to_string()),
        refused_because: None,
        request_id: None,
        details: Some(json!({"because": failure.code})),
    };
    audit::record(conn, now, &deed).await
}

/// Disconnects: runs that are under way are cancelled, links to go on from and links to connect are forgotten, portal users
/// are out, records are kept. Whether there was something to disconnect. In a transaction.
///
/// # Errors
/// When the database fails.
pub async fn disconnect(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    reason: &str,
) -> QueryResult<bool> {
    let changed = diesel::update(
        tenant::table
            .find(company_id)
            .filter(tenant::status.ne(TenantStatus::Disconnected)),
    )
    .set((
        tenant::status.eq(TenantStatus::Disconnected),
        tenant::status_reason.eq(reason),
        tenant::updated_at.eq(now),
    ))
    .execute(conn)
    .await?;
    // In the order of a run that applies what it has read.
    sync_state::remove_all(conn, company_id).await?;
    sync_run::cancel_active(conn, now, company_id, reason).await?;
    let forgotten =
        connect_ticket::forget_all(conn, company_id).await? + sign_in_flow::forget_all(conn, company_id).await?;
    session::end_those_without_entry(conn, now, company_id).await?;
    Ok(changed + forgotten > 0)
}
