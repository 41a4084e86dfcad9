//! What stands after a run: the last row of every object and of every finding, unless it is gone or closed.
//!
//! The danger: a finding that is left out of what stood before a period. So every run holds the hash over what stands
//! after it.

use diesel::sql_types::{BigInt, Bytea, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::{FindingRow, ObjectRow};
use super::seal::over;
use crate::db::Connection;

/// `$1` company, `$2` the run. What has happened (entries of a journal) does not stand.
const OBJECTS: &str = "
    select * from (
        select distinct on (resource, object_id) * from evidence_object
        where company_id = $1 and seq <= $2 and resource <> 'directory_audits'
        order by resource, object_id, seq desc) last
    where change <> 'REMOVED'";
const FINDINGS: &str = "
    select * from (
        select distinct on (check_id, resource, object_id) * from evidence_finding
        where company_id = $1 and seq <= $2
        order by check_id, resource, object_id, seq desc) last
    where state <> 'CLOSED'";

#[derive(QueryableByName)]
struct Hash {
    #[diesel(sql_type = Bytea)]
    sha256: Vec<u8>,
}

/// The objects, by resource and id.
pub(in crate::evidence) async fn objects(
    conn: &mut Connection,
    company_id: Uuid,
    seq: i64,
) -> QueryResult<Vec<ObjectRow>> {
    diesel::sql_query(format!("{OBJECTS} order by resource, object_id"))
        .bind::<SqlUuid, _>(company_id)
        .bind::<BigInt, _>(seq)
        .load(conn)
        .await
}

/// The findings, by check and object.
pub(in crate::evidence) async fn findings(
    conn: &mut Connection,
    company_id: Uuid,
    seq: i64,
) -> QueryResult<Vec<FindingRow>> {
    diesel::sql_query(format!("{FINDINGS} order by check_id, resource, object_id"))
        .bind::<SqlUuid, _>(company_id)
        .bind::<BigInt, _>(seq)
        .load(conn)
        .await
}

/// The hash over the hashes of all of them.
pub(super) async fn root(conn: &mut Connection, company_id: Uuid, seq: i64) -> QueryResult<Vec<u8>> {
    let hashes: Vec<Hash> = diesel::sql_query(format!(
        "select sha256 from ({OBJECTS}) objects union all select sha256 from ({FINDINGS}) findings"
    ))
    .bind::<SqlUuid, _>(company_id)
    .bind::<BigInt, _>(seq)
    .load(conn)
    .await?;
    Ok(over(hashes.iter().map(|hash| &*hash.sha256)))
}
