//! Figures for Prometheus, and whether a process can do its work.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::auth::Action;
use tenantry::db::Pool;
use tenantry::http::serve_probes;
use tenantry::model::service_token::{self, NewToken};
use tenantry::telemetry::{Facts, metrics};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::house::{House, SCRAPE_TOKEN, now};

async fn token(house: &House, company_ids: Option<Vec<Uuid>>, actions: &[Action]) -> String {
    let mut conn = house.pool.get().await.unwrap();
    let new = NewToken {
        name: "Monitoring",
        by: "A test",
        days: 1,
        company_ids,
        actions: actions.iter().map(ToString::to_string).collect(),
    };
    service_token::issue(&mut conn, now(), &new).await.expect("a token").1
}

#[tokio::test]
async fn figures_are_shown_to_nobody_who_may_not_see_how_tenantry_runs() {
    let house = House::open().await;
    let company = house.company("Contoso").await;
    let get = |token: Option<String>| {
        let request = house.http.get(house.at("/metrics"));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    let status = async |token| get(token).send().await.unwrap().status();
    assert_eq!(status(None).await, StatusCode::UNAUTHORIZED);
    let blind = token(&house, None, &[Action::SyncCompany]).await;
    assert_eq!(status(Some(blind)).await, StatusCode::FORBIDDEN);
    let narrow = token(&house, Some(vec![company.id]), &[Action::ViewOperations]).await;
    assert_eq!(
        status(Some(narrow)).await,
        StatusCode::FORBIDDEN,
        "they are of all companies"
    );

    let narrowest = token(&house, None, &[Action::ViewOperations]).await;
    let shown = get(Some(narrowest)).send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::OK);
    assert!(
        shown.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(shown.text().await.unwrap().ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_scraper_is_shown_the_figures_also_while_the_database_is_away_and_nothing_else() {
    let house = House::open().await;
    let get = async |path: &str, token: &str| house.http.get(house.at(path)).bearer_auth(token).send().await.unwrap();
    let shown = get("/metrics", SCRAPE_TOKEN).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert!(shown.text().await.unwrap().contains("tenantry_database_up 1"));
    let refused = get("/metrics", "a token that somebody guesses: 7f3a92").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let nobody = get("/graphql?query=%7B__typename%7D", SCRAPE_TOKEN)
        .await
        .text()
        .await
        .unwrap();
    assert!(nobody.contains("UNAUTHENTICATED"), "it opens nothing else: {nobody}");

    let away = Facts::new("serve", Pool::new("postgres://127.0.0.1:1/none", 1).unwrap(), None);
    let text = away.text().await;
    assert!(text.contains("tenantry_database_up 0"), "{text}");
    assert!(text.contains("command=\"serve\"") && text.contains("process_resident_memory_bytes"));
}

#[tokio::test]
async fn what_there_is_none_of_is_told_as_zero() {
    let house = House::open().await;
    let text = Facts::new("work", house.pool.clone(), None).text().await;
    for none in [
        "tenantry_active_runs{status=\"QUEUED\"} 0",
        "tenantry_alarms_open{kind=\"CREDENTIAL_REFUSED\"} 0",
        "tenantry_companies{status=\"CONNECTED\"} 0",
    ] {
        assert!(text.contains(none), "{none} is missing in {text}");
    }
}

/// A connected company with a run that waits and an alarm; its id, and its tenant's.
async fn busy_company(house: &House) -> (Uuid, Uuid) {
    let company = house.company("Canary of Contoso").await;
    let tenant = Uuid::new_v4();
    house
        .sql(&format!(
            "insert into tenant (company_id, entra_tenant_id, status, display_name, domain, connected_at)
             values ('{}', '{tenant}', 'CONNECTED', 'Canary', 'canary.example', now())",
            company.id
        ))
        .await;
    house
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before)
             values (gen_random_uuid(), '{}', 'IDENTITY', 'MANUAL', 'AUTO', false, 'QUEUED', 'Canary', 'Canary', now(), now() - interval '1 hour')",
            company.id
        ))
        .await;
    house
        .sql(&format!(
            "insert into alarm (id, kind, company_id, message, remedy, opened_at)
             values (gen_random_uuid(), 'CHANGES_HELD', '{}', 'Canary', 'Canary', now())",
            company.id
        ))
        .await;
    (company.id, tenant)
}

#[tokio::test]
async fn figures_tell_how_things_stand_and_name_no_client() {
    let house = House::open().await;
    let (company, tenant) = busy_company(&house).await;
    let text = Facts::new("serve", house.pool.clone(), None).text().await;
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is missing in {text}"))
            .parse()
            .unwrap()
    };
    assert!(value("tenantry_queue_age_seconds") >= 3_600.0);
    assert_eq!(value("tenantry_oldest_run_seconds"), 0.0);
    assert_eq!(value("tenantry_active_runs{status=\"QUEUED\"}"), 1.0);
    assert_eq!(value("tenantry_companies{status=\"CONNECTED\"}"), 1.0);
    assert_eq!(value("tenantry_workers_alive"), 0.0);
    assert_eq!(value("tenantry_database_up"), 1.0);
    assert!(value("process_resident_memory_bytes") > 1_000_000.0);
    for canary in ["Canary", "canary", &company.to_string(), &tenant.to_string()] {
        assert!(!text.contains(canary), "{canary} is in {text}");
    }
}

#[tokio::test]
async fn a_run_that_waited_for_hours_hangs_no_longer_than_it_works_again() {
    let house = House::open().await;
    busy_company(&house).await;
    house
        .sql(
            "update sync_run set status = 'RUNNING', started_at = now() - interval '5 hours', not_before = now() - interval '5 minutes',
                                 lease_owner = 'a', lease_until = now() + interval '1 minute'",
        )
        .await;

    let text = Facts::new("serve", house.pool.clone(), None).text().await;

    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("tenantry_oldest_run_seconds "));
    let seconds: f64 = line.expect("a figure").parse().expect("a number");
    assert!((300.0..3_600.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn the_database_is_asked_for_figures_only_so_often() {
    let house = House::open().await;
    let facts = Facts::new("work", house.pool.clone(), None);
    assert!(facts.text().await.contains("tenantry_held_changes 0"));
    let company = house.company("Contoso").await.id;
    house
        .sql(&format!(
            "insert into tenant (company_id, status) values ('{company}', 'CONSENT_PENDING')"
        ))
        .await;
    assert!(
        !facts.text().await.contains("CONSENT_PENDING"),
        "what was read is good for some seconds"
    );
    let fresh = Facts::new("work", house.pool.clone(), None);
    assert!(
        fresh
            .text()
            .await
            .contains("tenantry_companies{status=\"CONSENT_PENDING\"} 1")
    );
}

/// The words in a file that are names of figures.
fn named(file: &str) -> BTreeSet<String> {
    let words = file.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("tenantry_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_figure_that_the_dashboard_and_the_rules_name_exists() {
    let house = House::open().await;
    busy_company(&house).await;
    metrics::run_took("IDENTITY", std::time::Duration::from_secs(1));
    let text = Facts::new("serve", house.pool.clone(), Some(now())).text().await;
    let mut exist = BTreeSet::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            exist.insert(family.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with('#') {
            exist.insert(line.split(['{', ' ']).next().unwrap().to_owned());
        }
    }
    for (file, content) in [
        ("ops/grafana.json", include_str!("../../../ops/grafana.json")),
        ("ops/alerts.yml", include_str!("../../../ops/alerts.yml")),
    ] {
        let named = named(content);
        assert!(named.len() > 5, "{file} names figures");
        let missing: Vec<_> = named.difference(&exist).collect();
        assert!(missing.is_empty(), "{file} names {missing:?}, of {exist:?}");
    }
    serde_json::from_str::<Value>(include_str!("../../../ops/grafana.json")).expect("the dashboard is JSON");
}

#[tokio::test]
async fn readiness_says_in_words_what_is_wrong() {
    let house = House::open().await;
    let ready = async || -> (StatusCode, Value) {
        let answer = house.http.get(house.at("/health/ready")).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    };
    assert_eq!(
        ready().await,
        (StatusCode::OK, json!({"ready": true, "problems": [], "warnings": []}))
    );
    let company = house.company("Contoso").await.id;
    house
        .sql(&format!(
            "insert into tenant (company_id, entra_tenant_id, status) values ('{company}', gen_random_uuid(), 'CONNECTED')"
        ))
        .await;
    let (status, told) = ready().await;
    assert_eq!(status, StatusCode::OK, "an API without workers still answers");
    assert!(told["warnings"][0].as_str().unwrap().contains("No worker"), "{told}");

    house
        .sql("delete from __diesel_schema_migrations where version = '20261123000006'")
        .await;
    let (status, told) = ready().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        told["problems"][0].as_str().unwrap().contains("tenantry migrate"),
        "{told}"
    );
    house.ready.send_replace(false);
    assert_eq!(ready().await.1["problems"], json!(["It is still starting."]));
}

#[tokio::test]
async fn a_worker_has_a_small_door_of_its_own() {
    let house = House::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let facts = Facts::new("work", house.pool.clone(), None);
    tokio::spawn(serve_probes(listener, house.pool.clone(), facts, house.stop.clone()));
    let get = async |path: &str| house.http.get(format!("{at}{path}")).send().await.unwrap();
    assert_eq!(get("/health/live").await.status(), StatusCode::OK);
    let ready: Value = get("/health/ready").await.json().await.unwrap();
    assert_eq!(ready["ready"], true);
    assert!(
        get("/metrics")
            .await
            .text()
            .await
            .unwrap()
            .contains("tenantry_runs_total{")
    );
    assert_eq!(get("/graphql").await.status(), StatusCode::NOT_FOUND);
    house.sql("drop table __diesel_schema_migrations").await;
    assert_eq!(get("/health/ready").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}
