//! Whoever changes what is kept is refused, and is found if they have the power to do it all the same.

use std::process::Command;

use serde_json::json;
use tenantry::evidence::keep::{self, DeclarationKind, Statement};
use tenantry::evidence::snapshot::Resource;
use tenantry::model::Scope;

use super::{Keeper, device, policy, read, verdict};

const TABLES: [&str; 11] = [
    "evidence_blob",
    "evidence_run",
    "evidence_pull",
    "evidence_object",
    "evidence_population",
    "evidence_result",
    "evidence_finding",
    "evidence_declaration",
    "evidence_withdrawal",
    "evidence_tombstone",
    "evidence_ledger",
];

/// Two runs with something of everything, and a declaration.
async fn kept() -> Keeper {
    let mut keeper = Keeper::start().await;
    for state in ["enabled", "disabled"] {
        let readings = [
            (Resource::CaPolicies, vec![policy("p", state)]),
            (Resource::Users, vec![json!({"id": "u"}), json!({"id": "v"})]),
            (Resource::ManagedDevices, vec![device("d", "compliant", state)]),
        ];
        keeper
            .keep(
                read(readings),
                &[verdict("entra.ca.mfa_all_users", &["u", "v"], &["u"])],
            )
            .await;
    }
    let mut conn = keeper.conn().await;
    let statement = Statement {
        kind: DeclarationKind::NoDevices,
        check_id: None,
        object_id: None,
        owner: "Megan Bowen".into(),
        reason: "They have none".into(),
        reference: None,
        changed_at: None,
        expires_at: None,
    };
    let declared = keep::declare(
        &mut conn,
        keeper.next,
        &Scope::All,
        keeper.company,
        &statement,
        "a test",
    )
    .await
    .expect("declared");
    keep::withdraw(&mut conn, keeper.next, &Scope::All, declared.id, "a test")
        .await
        .expect("withdrawn");
    drop(conn);
    keeper
}

#[tokio::test]
async fn what_nobody_touched_is_whole() {
    assert_eq!(kept().await.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_database_refuses_to_change_or_to_remove_evidence() {
    let keeper = kept().await;
    for table in TABLES {
        for statement in [
            format!("update {table} set company_id = company_id"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            let empty = table == "evidence_tombstone" && !statement.starts_with("truncate");
            let refused = keeper.try_sql(&statement).await;
            let expected = if empty { Ok(0) } else { Err("42501".to_owned()) };
            assert_eq!(refused, expected, "{statement}");
        }
    }
    let rights = "select count(*) from pg_class c, aclexplode(c.relacl) acl
                  where c.relkind = 'r' and c.relname like 'evidence\\_%'
                    and acl.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')
                    and not (acl.grantee = 'tenantry_retention'::regrole and acl.privilege_type = 'DELETE')";
    assert_eq!(
        keeper.number(rights).await,
        0,
        "nobody has the right, the owner included"
    );
}

#[tokio::test]
async fn a_pass_over_nobody_is_refused_by_the_database() {
    let keeper = kept().await;
    let result = |status: &str, counts: &str| {
        format!(
            "insert into evidence_result values ('{}', 'a.check', 9, now(), 1, '', '{status}', {counts}, '{{}}', '', '')",
            keeper.company
        )
    };
    for (status, counts) in [
        ("PASS", "0, 0, 0, 0, 0, 0"),
        ("PASS", "2, 1, 1, 0, 0, 0"),
        ("PASS", "2, 1, 0, 0, 0, 1"),
        ("FAIL", "1, 1, 0, 0, 0, 0"),
        ("PASS", "3, 1, 0, 0, 0, 0"),
        ("PASS", "1, 2, -1, 0, 0, 0"),
    ] {
        assert_eq!(
            keeper.try_sql(&result(status, counts)).await,
            Err("23514".into()),
            "{status} {counts}"
        );
    }
    keeper.sql(&result("NOT_APPLICABLE", "0, 0, 0, 0, 0, 0")).await;
}

#[tokio::test]
async fn a_row_that_was_tampered_with_is_named() {
    for (table, change, named) in [
        (
            "evidence_object",
            "set state = 'enabled' where seq = 2 and resource = 'ca_policies'",
            "run 2, ca_policies p",
        ),
        (
            "evidence_finding",
            "set kind = 'EXCEPTED'",
            "run 1, finding of entra.ca.mfa_all_users on users u",
        ),
        (
            "evidence_result",
            "set passed = 2, failed = 0, status = 'PASS' where seq = 2",
            "run 2, result of entra.ca.mfa_all_users",
        ),
        (
            "evidence_pull",
            "set pages = 7 where seq = 1 and resource = 'users'",
            "run 1, reading of users",
        ),
        (
            "evidence_run",
            "set taken_at = taken_at - interval '1 day' where seq = 1",
            "run 1",
        ),
        ("evidence_declaration", "set reason = 'Because'", "declaration"),
        ("evidence_withdrawal", "set withdrawn_by = 'Nobody'", "withdrawal"),
    ] {
        let keeper = kept().await;
        keeper.tamper(table, &format!("update {table} {change}")).await;
        let faults = keeper.faults().await;
        let intact =
            |fault: &&String| fault.starts_with(&format!("ROW: {named}")) && fault.ends_with("is not as it was kept");
        assert!(faults.iter().any(|fault| intact(&fault)), "{table}: {faults:#?}");
    }
}

#[tokio::test]
async fn a_row_that_was_taken_away_or_slipped_in_shows_in_its_run() {
    for (table, name) in [("evidence_object", "objects"), ("evidence_pull", "readings")] {
        let keeper = kept().await;
        keeper
            .tamper(
                table,
                &format!("delete from {table} where seq = 1 and resource = 'ca_policies'"),
            )
            .await;
        let faults = keeper.faults().await;
        assert!(
            faults.contains(&format!("ROW: run 1: {name} are not those that were kept")),
            "{faults:#?}"
        );
    }
    let keeper = kept().await;
    let forged = "insert into evidence_object
                  select company_id, resource, 'forged', seq, at, change, content_sha256, state, sha256
                  from evidence_object where resource = 'ca_policies' and seq = 1";
    keeper.sql(forged).await;
    let faults = keeper.faults().await;
    assert!(
        faults.contains(&"ROW: run 1: objects are not those that were kept".to_owned()),
        "{faults:#?}"
    );
    assert!(
        faults.contains(&"ROW: run 1, ca_policies forged is not as it was kept".to_owned()),
        "{faults:#?}"
    );
    assert!(
        faults.contains(&"ROW: the history of ca_policies does not lead to what the last whole reading saw".to_owned()),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn a_blob_that_was_tampered_with_or_taken_away_is_named() {
    let of_policy =
        "select encode(content_sha256, 'hex') from evidence_object where resource = 'ca_policies' and seq = 2";
    for change in [
        "update evidence_blob set content = '\\x00'",
        "update evidence_blob set size = size - 1",
        "delete from evidence_blob",
    ] {
        let keeper = kept().await;
        let client = keeper.pool.raw().await.expect("a connection");
        let hash: String = client.query_one(of_policy, &[]).await.expect("a hash").get(0);
        keeper
            .tamper("evidence_blob", &format!("{change} where sha256 = '\\x{hash}'"))
            .await;
        let faults = keeper.faults().await;
        assert!(
            matches!(&faults[..], [one] if one.starts_with(&format!("BLOB: {hash}"))),
            "{change}: {faults:#?}"
        );
    }
}

#[tokio::test]
async fn a_link_that_was_tampered_with_or_taken_away_is_named() {
    let keeper = kept().await;
    keeper
        .tamper(
            "evidence_ledger",
            "update evidence_ledger set content_sha256 = previous where seq = 2",
        )
        .await;
    let faults = keeper.faults().await;
    assert!(
        faults.contains(&"LINK: link 2 of the ledger is not as it was kept".to_owned()),
        "{faults:#?}"
    );

    let keeper = kept().await;
    keeper
        .tamper("evidence_ledger", "delete from evidence_ledger where seq = 2")
        .await;
    let faults = keeper.faults().await;
    assert!(
        faults.iter().any(|fault| fault.starts_with("LINK: link 3")),
        "{faults:#?}"
    );
    assert!(
        faults.contains(&"ROW: run 2 has no link in the ledger".to_owned()),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn a_loose_link_is_refused_by_the_database() {
    let keeper = kept().await;
    let loose = "insert into evidence_ledger
                 select company_id, seq + 5, kind, gen_random_uuid(), content_sha256, at, previous, sha256
                 from evidence_ledger where seq = 1";
    assert_eq!(keeper.try_sql(loose).await, Err("23000".into()));
}

#[tokio::test]
async fn the_command_line_says_who_is_whole_and_names_what_is_not() {
    let keeper = kept().await;
    let verify = || {
        Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["evidence", "verify", "--database-url", keeper.pool.direct().url()])
            .output()
            .expect("the command runs")
    };
    let answer = verify();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "Contoso: whole\n");
    assert_eq!(answer.status.code(), Some(0));

    keeper
        .tamper(
            "evidence_result",
            "update evidence_result set review = 0, version = 9 where seq = 2",
        )
        .await;
    let answer = verify();
    let told = String::from_utf8_lossy(&answer.stdout);
    assert!(
        told.contains("Contoso: ROW: run 2, result of entra.ca.mfa_all_users is not as it was kept"),
        "{told}"
    );
    assert_eq!(answer.status.code(), Some(1));
}
