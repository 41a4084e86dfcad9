//! A copy of the database on another server: what of the second lock comes with it, and that nobody goes on without.

use tenantry::db::Pool;
use tokio_postgres::Client;

use crate::support::backup::{dump, restore};
use crate::support::cluster::Cluster;
use crate::support::postgres;

async fn client(url: &str) -> Client {
    let pool = Pool::new(url, 1).expect("a pool");
    pool.raw().await.expect("a connection")
}

/// How many policies there are, and how many tables viewers may read.
async fn locks(url: &str) -> (i64, i64) {
    let counts = "select (select count(*) from pg_policies),
                         (select count(*) from pg_tables where schemaname = 'public'
                          and has_any_column_privilege('tenantry_viewer', format('public.%I', tablename), 'select'))";
    let row = client(url).await.query_one(counts, &[]).await.expect("the counts");
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_copy_that_was_restored_without_its_roles_is_refused_with_what_to_do_and_one_with_them_is_whole() {
    let database = postgres::database().await;
    let backup = dump(&database.url);
    let server = Cluster::bare("restored").await;

    let restored = restore(&backup, server.url(), &[]);
    assert!(!restored.status.success(), "pg_restore says that it left things out");
    let refused = tenantry::db::migrate(server.url()).await.expect_err("it is not whole");
    let told = format!("{refused:#}");
    assert!(
        told.contains("tenantry_viewer") && told.contains("--exit-on-error"),
        "{told}"
    );

    let admin = client(server.url()).await;
    for statement in [
        "create role tenantry_viewer nologin",
        "create role tenantry_retention nologin",
        "create database again template template0",
    ] {
        admin.simple_query(statement).await.expect("the statement runs");
    }
    let again = server.url().replacen(":///tenantry?", ":///again?", 1);
    let restored = restore(&backup, &again, &["--exit-on-error"]);
    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
    tenantry::db::migrate(&again).await.expect("it is whole");
    assert_eq!(
        locks(&again).await,
        locks(&database.url).await,
        "as the migrations made it"
    );
    std::fs::remove_file(backup).expect("it was there");
    server.end().await;
}

#[tokio::test]
async fn each_part_of_the_second_lock_is_missed_by_name() {
    for (taken, missed) in [
        ("drop policy company_in_view on company", "policy that shows company"),
        (
            "revoke select on contact from tenantry_viewer",
            "right of tenantry_viewer to read contact",
        ),
        (
            "alter table asset disable row level security",
            "row-level security on asset",
        ),
        (
            "drop policy evidence_run_in_retention on evidence_run",
            "removes from evidence_run",
        ),
        (
            "revoke delete on evidence_blob from tenantry_retention",
            "right of tenantry_retention to remove from evidence_blob",
        ),
        (
            "alter function retire_evidence owner to current_user",
            "owner of the function retire_evidence",
        ),
        (
            "alter function retire_audit_trail owner to current_user",
            "owner of the function retire_audit_trail",
        ),
        (
            "revoke delete on audit_event from tenantry_retention",
            "right of tenantry_retention to remove from audit_event",
        ),
    ] {
        let database = postgres::database().await;
        let admin = client(&database.url).await;
        assert_eq!(
            tenantry::db::locks::missing(&admin).await.expect("an answer"),
            Vec::<String>::new()
        );
        admin.simple_query(taken).await.expect("it is taken away");
        let missing = tenantry::db::locks::missing(&admin).await.expect("an answer");
        assert!(
            missing.len() == 1 && missing[0].contains(missed),
            "{taken}: {missing:?}"
        );
    }
}
