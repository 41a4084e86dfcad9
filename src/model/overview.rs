//! What a first page shows of every company: how it stands with its tenant, and what its last sync said.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::model::Scope;
use crate::model::tenant::TenantStatus;

/// A company at a glance.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Glance {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Absent while nobody has tried to connect it.
    #[diesel(sql_type = Nullable<Text>)]
    pub status: Option<TenantStatus>,
    /// Why it is not connected, in words for people.
    #[diesel(sql_type = Nullable<Text>)]
    pub status_reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub domain: Option<String>,
    /// The administrator who consented, by name.
    #[diesel(sql_type = Nullable<Text>)]
    pub consented_by: Option<String>,
    /// What the last run says, dry runs apart.
    #[diesel(sql_type = Nullable<Text>)]
    pub message: Option<String>,
}

/// The first 200 companies by name: more than that is for the API to page through.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Connection, scope: &Scope) -> diesel::QueryResult<Vec<Glance>> {
    let companies = scope.companies();
    diesel::sql_query(
        "select company.id, company.name, tenant.status, tenant.status_reason, tenant.domain, tenant.consented_by,
                (select message from sync_run
                 where company_id = company.id and not dry_run order by queued_at desc, id desc limit 1) as message
         from company left join tenant on tenant.company_id = company.id
         where $1 or company.id = any($2)
         order by lower(company.name), company.id
         limit 200",
    )
    .bind::<Bool, _>(companies.is_none())
    .bind::<Array<SqlUuid>, _>(companies.unwrap_or_default())
    .load(conn)
    .await
}
