//! Content against the hash that it goes by, and sets of ids against theirs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::super::blob::inflate;
use super::super::canonical::{canonical, sha256};
use super::super::population::population;
use super::super::seal::hex;
use super::{Chain, Faults};
use crate::db::Connection;
use crate::db::schema::{evidence_blob, evidence_population};
use crate::model::Scope;

/// How many blobs are in memory together.
const BLOBS: i64 = 500;

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = Text)]
    label: String,
    #[diesel(sql_type = Bytea)]
    sha256: Vec<u8>,
}

pub(super) async fn check(
    conn: &mut Connection,
    company_id: Uuid,
    chain: &Chain,
    faults: &mut Faults,
) -> QueryResult<()> {
    let missing: Vec<Missing> = diesel::sql_query(MISSING)
        .bind::<SqlUuid, _>(company_id)
        .bind::<BigInt, _>(chain.raw_through())
        .load(conn)
        .await?;
    for Missing { label, sha256 } in missing {
        faults.blob(format!("{} of {label}", hex(&sha256)), "is missing");
    }
    let missing: Vec<Missing> = diesel::sql_query(MISSING_SETS)
        .bind::<SqlUuid, _>(company_id)
        .load(conn)
        .await?;
    for Missing { label, sha256 } in missing {
        faults.row(format!("population {} of {label}", hex(&sha256)), "is missing");
    }
    check_contents(conn, company_id, faults).await?;
    check_populations(conn, company_id, faults).await
}

/// `$1` company, `$2` the last run of which what changes at every reading is gone.
const MISSING: &str = "
    select distinct on (sha256) label, sha256
    from (select format('%s %s in run %s', resource, object_id, seq) as label, content_sha256 as sha256
          from evidence_object where company_id = $1 and content_sha256 is not null
          union all
          select format('finding of %s on %s in run %s', check_id, object_id, seq), detail_sha256
          from evidence_finding where company_id = $1
          union all
          select format('result of %s in run %s', check_id, seq), detail_sha256
          from evidence_result where company_id = $1
          union all
          select format('what changes at every reading of %s in run %s', resource, seq), volatile_sha256
          from evidence_pull where company_id = $1 and volatile_sha256 is not null and seq > $2
          union all
          select 'population ' || encode(p.sha256, 'hex'), chunk
          from evidence_population p, unnest(p.chunks) chunk where p.company_id = $1) used
    where not exists (select from evidence_blob b where b.company_id = $1 and b.sha256 = used.sha256)
    order by sha256, label";

const MISSING_SETS: &str = "
    select distinct on (sha256) label, sha256
    from (select format('result of %s in run %s', r.check_id, r.seq) as label, unnest(r.populations) as sha256
          from evidence_result r where r.company_id = $1) used
    where not exists (select from evidence_population p where p.company_id = $1 and p.sha256 = used.sha256)
    order by sha256, label";

async fn check_contents(conn: &mut Connection, company_id: Uuid, faults: &mut Faults) -> QueryResult<()> {
    let mut after: Vec<u8> = Vec::new();
    loop {
        let blobs: Vec<(Vec<u8>, i32, Vec<u8>)> = evidence_blob::table
            .filter(evidence_blob::company_id.eq(company_id))
            .filter(evidence_blob::sha256.gt(&after))
            .order(evidence_blob::sha256)
            .limit(BLOBS)
            .select((evidence_blob::sha256, evidence_blob::size, evidence_blob::content))
            .load(conn)
            .await?;
        let Some((last, _, _)) = blobs.last() else {
            return Ok(());
        };
        after.clone_from(last);
        for (hash, size, content) in &blobs {
            if !inflate(content, *size).is_ok_and(|plain| sha256(&plain) == *hash) {
                faults.blob(hex(hash), "is not what its hash says");
            }
        }
    }
}

async fn check_populations(conn: &mut Connection, company_id: Uuid, faults: &mut Faults) -> QueryResult<()> {
    let hashes: Vec<Vec<u8>> = evidence_population::table
        .filter(evidence_population::company_id.eq(company_id))
        .select(evidence_population::sha256)
        .load(conn)
        .await?;
    for hash in hashes {
        // Content that is no JSON any more was named before.
        let ids = population(conn, &Scope::All, company_id, &hash).await.ok().flatten();
        if ids.is_none_or(|ids| sha256(&canonical(&json!(ids))) != hash) {
            faults.row(format!("population {}", hex(&hash)), "is not what its hash says");
        }
    }
    Ok(())
}
