//! Who may take evidence away, over HTTP and on the command line.

use std::process::{Command, Output};

use reqwest::{Response, StatusCode};
use tenantry::auth::Action;
use tenantry::graphql::id::IdOf;
use tenantry::model::service_token::{self, NewToken};
use uuid::Uuid;

use super::*;
use crate::access::{Client, two_clients};
use crate::support::house::{Browser, House, now};

const PERIOD: &str = "?from=2026-01-01&to=2026-02-01";

fn path(company: Uuid, format: &str) -> String {
    format!("/evidence/{}/{format}{PERIOD}", IdOf::Company.show(company).0)
}

/// Asked by a page of ours.
async fn ask(house: &House, browser: &Browser, path: &str) -> Response {
    let request = house
        .http
        .get(house.at(path))
        .header("Cookie", browser.cookie())
        .header("X-Tenantry-Request", "1");
    request.send().await.expect("an answer")
}

async fn ask_with(house: &House, token: &str, path: &str) -> Response {
    let request = house.http.get(house.at(path)).bearer_auth(token);
    request.send().await.expect("an answer")
}

/// Everything that tells one answer from another, apart from the request's name.
async fn seen(response: Response) -> (StatusCode, String) {
    (response.status(), response.text().await.expect("a body"))
}

async fn manager(house: &House, client: &Client) -> Browser {
    let managers = client.add_group(house, "Managers", &[(client.person, "USER")]).await;
    client.let_in(house, managers, "MANAGER").await;
    client.sign_in(house, client.person).await.expect("a manager comes in")
}

#[tokio::test]
async fn whoever_has_shown_nothing_gets_nothing() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    for format in ["bundle", "oscal"] {
        let path = path(ours.company.id, format);
        let bare = house.http.get(house.at(&path)).send().await.expect("an answer");
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
        let wrong = ask_with(&house, "tenantry_wrong", &path).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn staff_take_a_bundle_away_and_it_is_recorded() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let browser = house.staff().await;
    let path = path(ours.company.id, "bundle");
    let bare = house.http.get(house.at(&path)).header("Cookie", browser.cookie());
    let bare = bare.send().await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::FORBIDDEN, "a link could have sent it");

    let response = ask(&house, &browser, &path).await;

    assert_eq!(response.status(), StatusCode::OK);
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "application/zip");
    assert_eq!(header("cache-control"), "no-store");
    let name = format!("evidence-{}-2026-01-01-2026-02-01.zip", ours.company.id);
    assert_eq!(
        header("content-disposition"),
        format!("attachment; filename=\"{name}\"")
    );
    let bundle = response.bytes().await.expect("a body");
    assert_eq!(verify(&bundle).company, "Contoso");
    assert_eq!(faults(&bundle), Vec::<String>::new());
    let recorded = house
        .rows("select actor_kind, company_id, subject, outcome from audit_event where action = 'EXPORT_EVIDENCE'")
        .await;
    let period = "2026-01-01T00:00:00.000000Z/2026-02-01T00:00:00.000000Z";
    let deed = json!({"actor_kind": "STAFF", "company_id": ours.company.id, "subject": period, "outcome": "DONE"});
    assert_eq!(recorded, [deed], "once, and not for the one that was refused");
}

#[tokio::test]
async fn a_manager_takes_away_what_is_of_their_company_and_of_no_other() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let browser = manager(&house, &ours).await;
    for format in ["bundle", "oscal"] {
        let own = ask(&house, &browser, &path(ours.company.id, format)).await;
        assert_eq!(own.status(), StatusCode::OK, "{format}");
        let hidden = seen(ask(&house, &browser, &path(theirs.company.id, format)).await).await;
        let missing = seen(ask(&house, &browser, &path(Uuid::now_v7(), format)).await).await;
        assert_eq!(hidden.0, StatusCode::NOT_FOUND);
        assert_eq!(hidden, missing);
        let nonsense = ask(&house, &browser, &format!("/evidence/nonsense/{format}{PERIOD}")).await;
        assert_eq!(seen(nonsense).await, missing);
    }
}

#[tokio::test]
async fn a_portal_user_who_is_no_manager_is_told_that_there_is_no_such_company() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let browser = ours.sign_in(&house, ours.person).await.expect("a contact comes in");
    for format in ["bundle", "oscal"] {
        let own = seen(ask(&house, &browser, &path(ours.company.id, format)).await).await;
        let missing = seen(ask(&house, &browser, &path(Uuid::now_v7(), format)).await).await;
        assert_eq!(own.0, StatusCode::NOT_FOUND);
        assert_eq!(own, missing);
    }
}

#[tokio::test]
async fn a_token_takes_away_what_it_opens() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let new = NewToken {
        name: "The auditor's program",
        by: "A test",
        days: 1,
        company_ids: Some(vec![ours.company.id]),
        actions: Vec::new(),
    };
    let mut conn = house.pool.get().await.expect("a connection");
    let limited = service_token::issue(&mut conn, now(), &new).await.expect("a token").1;
    assert!(
        !Action::of_tokens().is_empty(),
        "this one has none of them, and may look"
    );
    for format in ["bundle", "oscal"] {
        let own = ask_with(&house, &limited, &path(ours.company.id, format)).await;
        assert_eq!(own.status(), StatusCode::OK);
        let other = seen(ask_with(&house, &limited, &path(theirs.company.id, format)).await).await;
        let missing = seen(ask_with(&house, &limited, &path(Uuid::now_v7(), format)).await).await;
        assert_eq!(other.0, StatusCode::NOT_FOUND);
        assert_eq!(other, missing);
    }
}

#[tokio::test]
async fn a_period_that_is_none_is_bad_input() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let company = IdOf::Company.show(ours.company.id).0;
    for period in [
        "",
        "?from=2026-01-01",
        "?from=soon&to=later",
        "?from=2026-02-01&to=2026-01-01",
        "?from=2024-01-01&to=2026-01-01",
    ] {
        let response = ask_with(&house, &house.token, &format!("/evidence/{company}/bundle{period}")).await;
        let (status, body) = seen(response).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{period}");
        assert!(body.contains("BAD_INPUT"), "{body}");
    }
}

#[tokio::test]
async fn a_file_is_not_made_for_a_look_at_its_headers() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let browser = house.staff().await;
    let request = house
        .http
        .head(house.at(&path(ours.company.id, "bundle")))
        .header("Cookie", browser.cookie())
        .header("X-Tenantry-Request", "1");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// The binary, as somebody at a terminal.
fn tenantry(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.arg("evidence").args(arguments).output().expect("it runs")
}

#[tokio::test]
async fn the_command_line_writes_the_same_bytes_and_verifies_them_without_a_database() {
    let keeper = story().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bundle.zip");
    let name = file.to_str().expect("a path");
    let company = IdOf::Company.show(keeper.company).0;
    // A day that is over: what was due in it no longer depends on the present.
    let (from, to) = ("2026-01-05", "2026-01-07");
    let period = [from, to].map(|day| export::moment(day).expect("a day"));

    let made = tenantry(&[
        "export",
        &company,
        "--from",
        from,
        "--to",
        to,
        "--out",
        name,
        "--database-url",
        keeper.pool.direct().url(),
    ]);

    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bytes = std::fs::read(&file).expect("it was written");
    let here = keeper.export(Format::Bundle, period[0], period[1], now()).await;
    assert!(bytes == here, "two processes make the same");
    assert_eq!(
        String::from_utf8_lossy(&made.stdout),
        format!("{}  HASHES.txt\n", verify(&bytes).hashes_sha256)
    );
    let verified = tenantry(&["verify-bundle", name]);
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );

    let mut other = files(&bytes);
    let manifest = text(&other, "manifest.json").replace(env!("CARGO_PKG_VERSION"), "0.0.1");
    other.insert("manifest.json".into(), manifest.into_bytes());
    hash_again(&mut other);
    std::fs::write(&file, archive(&other)).expect("written");
    let half = tenantry(&["verify-bundle", name]);
    let told = String::from_utf8_lossy(&half.stdout);
    assert_eq!(half.status.code(), Some(3), "{told}");
    assert!(!told.contains("Whole"), "{told}");

    let mut files = files(&bytes);
    files.insert("findings.csv".into(), b"nothing was found".to_vec());
    std::fs::write(&file, archive(&files)).expect("written");
    let verified = tenantry(&["verify-bundle", name]);
    assert_eq!(verified.status.code(), Some(1));
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(
        said.contains("FAULT: findings.csv is not what HASHES.txt says"),
        "{said}"
    );
}
