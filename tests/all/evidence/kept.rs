//! Evidence of a company in which everything bears one name, for tests of who sees it.

use tenantry::db::Pool;
use tenantry::evidence::keep;
use tenantry::evidence::snapshot::{Resource, Snapshot};
use uuid::Uuid;

use super::keep::{device, policy, read, verdict};

/// A check that says something of somebody.
pub const CHECK: &str = "entra.ca.mfa_all_users";

/// Keeps a run with a policy, a device and a verdict, and what people stated. Where evidence is there already, one run
/// more.
pub async fn fill(pool: &Pool, company: Uuid, whose: &str, declaration: Uuid) {
    let (run, taken_at) = (Uuid::now_v7(), "2026-01-05T00:15:00Z".parse().expect("a time"));
    let client = pool.raw().await.expect("a connection");
    let sql = async |statement: String| client.simple_query(&statement).await.expect("the statement runs");
    sql(format!(
        "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at,
                               not_before, fence, lease_until)
         values ('{run}', '{company}', 'EVIDENCE', 'MANUAL', 'AUTO', false, 'RUNNING', '{whose}', '{whose}', now(), now(), 1,
                 now() + interval '1 hour')"
    ))
    .await;
    let snapshot = Snapshot {
        taken_at,
        granted_roles: vec![whose.to_owned()],
        pulls: read([
            (Resource::CaPolicies, vec![policy(whose, "enabled")]),
            (Resource::ManagedDevices, vec![device(whose, "noncompliant", "")]),
            (Resource::Users, Vec::new()),
        ]),
    };
    let verdict = verdict(CHECK, &[whose], &[whose]);
    let mut conn = pool.get().await.expect("a connection");
    keep::store(&mut conn, company, run, &snapshot, &[verdict], taken_at, 1)
        .await
        .expect("the run is kept");
    drop(conn);
    for statement in [
        format!("update sync_run set status = 'SUCCEEDED', finished_at = now() where id = '{run}'"),
        format!(
            "insert into evidence_declaration (id, company_id, kind, owner, reason, declared_by, declared_at, sha256)
             values ('{declaration}', '{company}', 'NO_DEVICES', '{whose}', '{whose}', '{whose}', now(), '')"
        ),
        format!("insert into evidence_withdrawal values (gen_random_uuid(), '{company}', '{whose}', now(), '')"),
        format!(
            "insert into evidence_tombstone
             values ('{declaration}', '{company}', 'RAW', 0, now(), now(), 0, 0, '', '', '', 0, '')"
        ),
        format!("insert into sync_slot values ('{company}', 'EVIDENCE', now(), '{run}')"),
    ] {
        sql(statement).await;
    }
}
