//! What is asked of kept evidence.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::evidence_run;

/// The last run of a company that was taken before this moment.
pub(super) async fn seq_before(conn: &mut Connection, company_id: Uuid, at: DateTime<Utc>) -> QueryResult<Option<i64>> {
    evidence_run::table
        .filter(evidence_run::company_id.eq(company_id))
        .filter(evidence_run::taken_at.lt(at))
        .select(diesel::dsl::max(evidence_run::seq))
        .first(conn)
        .await
}
