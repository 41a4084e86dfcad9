//! `tenantry doctor` against a real database and the simulator.

use serde_json::Value;
use tokio::process::Command;

use crate::support::house::House;
use crate::support::world::{CLIENT_ID, CLIENT_SECRET};

/// What it says, and its exit code; `but` are settings that differ from those of a healthy house.
async fn asked(house: &House, but: &[(&str, &str)]) -> (Vec<Value>, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command
        .env_clear()
        .args(["doctor", "--json"])
        .env("DATABASE_URL", house.pool.direct().url())
        .env("TENANTRY_PUBLIC_URL", house.at("/").as_str())
        .env("TENANTRY_STAFF_TENANT_ID", house.staff_tenant.to_string())
        .env("MICROSOFT_CLIENT_ID", CLIENT_ID)
        .env("MICROSOFT_CLIENT_SECRET", CLIENT_SECRET)
        .env("MICROSOFT_CLIENT_SECRET_EXPIRES", "2999-12-31")
        .env("MICROSOFT_LOGIN_URL", house.simulator.url().as_str())
        .env("MICROSOFT_GRAPH_URL", house.simulator.url().as_str())
        .envs(but.iter().copied());
    let output = command.output().await.expect("it runs");
    let said = String::from_utf8(output.stdout).unwrap();
    let findings = serde_json::from_str(&said).unwrap_or_else(|error| {
        panic!("{error}: {said}{}", String::from_utf8_lossy(&output.stderr));
    });
    (findings, output.status.code().expect("an exit code"))
}

fn all_of<'f>(findings: &'f [Value], check: &str) -> Vec<&'f Value> {
    findings.iter().filter(|finding| finding["check"] == check).collect()
}

fn of<'f>(findings: &'f [Value], check: &str) -> &'f Value {
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("{check} is not among {findings:#?}"))
}

#[tokio::test]
async fn a_good_configuration_fails_nothing_and_what_cannot_be_known_is_said_to_be_so() {
    let house = House::open().await;
    let (findings, code) = asked(&house, &[]).await;
    assert_eq!(code, 0, "{findings:#?}");
    for check in [
        "staff",
        "webhook",
        "Postgres",
        "roles",
        "hstore",
        "migrations",
        "row-level security",
        "connections",
        "scrape token",
        "clock of the database",
        "Entra",
        "Graph",
        "end of the credential",
        "credential",
    ] {
        assert_eq!(of(&findings, check)["status"], "ok", "{findings:#?}");
    }
    assert_eq!(of(&findings, "public URL")["status"], "warn", "plain http");
    assert_eq!(of(&findings, "worker")["status"], "warn", "none works here");
    assert_eq!(of(&findings, "cloud")["status"], "warn", "a simulator");
    let redirects = all_of(&findings, "redirect URI");
    assert_eq!(redirects.len(), 3);
    assert!(redirects.iter().all(|uri| uri["status"] == "ok"), "{redirects:#?}");
}

#[tokio::test]
async fn an_address_that_is_not_registered_is_named() {
    let house = House::open().await;
    let (findings, code) = asked(&house, &[("TENANTRY_PUBLIC_URL", "https://another.example")]).await;
    assert_eq!(code, 1);
    let redirects = all_of(&findings, "redirect URI");
    for (uri, path) in redirects.iter().zip(["/auth/callback", "/connect/callback", "/"]) {
        assert_eq!(uri["status"], "fail");
        let remedy = uri["remedy"].as_str().unwrap();
        assert!(remedy.contains(&format!("https://another.example{path} ")), "{remedy}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_to_mend() {
    let house = House::open().await;
    house
        .sql("delete from __diesel_schema_migrations where version = '20261123000006'")
        .await;
    let (findings, code) = asked(
        &house,
        &[
            ("MICROSOFT_CLIENT_SECRET", "another"),
            ("MICROSOFT_CLIENT_SECRET_EXPIRES", "2020-01-01"),
            ("TENANTRY_PUBLIC_URL", "http://tenantry.example"),
            ("TENANTRY_WEBHOOK_URL", "https://psa.example/hook"),
        ],
    )
    .await;
    assert_eq!(code, 1);
    let credential = of(&findings, "credential");
    assert_eq!(credential["status"], "fail");
    assert!(
        credential["remedy"]
            .as_str()
            .unwrap()
            .contains("MICROSOFT_CLIENT_SECRET")
    );
    assert_eq!(of(&findings, "end of the credential")["status"], "fail");
    assert_eq!(of(&findings, "public URL")["status"], "fail");
    assert!(
        of(&findings, "webhook")["message"]
            .as_str()
            .unwrap()
            .contains("TENANTRY_WEBHOOK_SECRET")
    );
    assert_eq!(of(&findings, "migrations")["status"], "warn");
    let said = Value::Array(findings).to_string();
    assert!(!said.contains("another"), "no secret is said again: {said}");
}

#[tokio::test]
async fn a_database_and_a_microsoft_that_do_not_answer_fail() {
    let house = House::open().await;
    let nobody = "http://127.0.0.1:1/";
    let (findings, code) = asked(
        &house,
        &[
            ("DATABASE_URL", "postgres://127.0.0.1:1/none"),
            ("MICROSOFT_LOGIN_URL", nobody),
            ("MICROSOFT_GRAPH_URL", nobody),
        ],
    )
    .await;
    assert_eq!(code, 1);
    for check in ["database", "Entra", "Graph", "credential"] {
        assert_eq!(of(&findings, check)["status"], "fail", "{findings:#?}");
    }
}

#[tokio::test]
async fn a_direct_address_that_leads_nowhere_fails_and_is_named() {
    let house = House::open().await;
    let nowhere = "postgres://tenantry:bad@127.0.0.1:1/other";
    let (findings, code) = asked(&house, &[("TENANTRY_DIRECT_DATABASE_URL", nowhere)]).await;
    assert_eq!(code, 1);
    let database = of(&findings, "database");
    assert_eq!(database["status"], "fail", "{findings:#?}");
    assert!(
        database["message"]
            .as_str()
            .unwrap()
            .contains("TENANTRY_DIRECT_DATABASE_URL")
    );
    assert!(!database.to_string().contains("bad"), "no password is said: {database}");
}

#[tokio::test]
async fn a_database_that_lost_a_policy_fails() {
    let house = House::open().await;
    house.sql("drop policy company_in_view on company").await;
    let (findings, code) = asked(&house, &[]).await;
    assert_eq!(code, 1);
    let locks = of(&findings, "row-level security");
    assert!(locks["message"].as_str().unwrap().contains("company"), "{locks}");
}

#[tokio::test]
async fn a_client_id_of_nobody_is_told_as_the_setting_that_it_is() {
    let house = House::open().await;
    let (findings, code) = asked(
        &house,
        &[("MICROSOFT_CLIENT_ID", "00000000-0000-4000-8000-000000000001")],
    )
    .await;
    assert_eq!(code, 1);
    let credential = of(&findings, "credential");
    assert!(
        credential["remedy"].as_str().unwrap().contains("MICROSOFT_CLIENT_ID"),
        "{credential}"
    );
}

#[tokio::test]
async fn it_makes_no_private_database_and_a_setting_of_nothing_is_not_set() {
    let house = House::open().await;
    let folder = format!(
        "{}/untouched-{}",
        env!("CARGO_TARGET_TMPDIR"),
        uuid::Uuid::new_v4().simple()
    );
    let (findings, _) = asked(&house, &[("DATABASE_URL", ""), ("TENANTRY_DATA_DIR", &folder)]).await;
    assert_eq!(of(&findings, "database")["status"], "warn", "{findings:#?}");
    assert!(!std::path::Path::new(&folder).exists(), "it changes nothing");
}
