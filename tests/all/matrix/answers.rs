//! Faults of what Microsoft answers, each met by a whole run, and of tenants that go away while one reads them.

use std::time::Duration;

use rustix::process::Pid;
use serde_json::{Value, json};
use tenantry::model::sync_run::{SyncMode, SyncRun, SyncStatus};
use tenantry::model::tenant;
use url::Url;
use uuid::Uuid;

use super::processes::{held_at, until_hit, worker};
use super::{connected, ended};
use crate::faults::{about_to_change, contacts, contacts_fail_in, heals};
use crate::races::connect_again;
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{CLIENT_ID, Client, World};

#[tokio::test]
async fn f8_answers_that_never_begin_or_trickle_end_with_the_try_and_not_with_the_run() {
    let (mut world, contoso) = about_to_change().await;
    world.ask_differently(|settings| {
        settings.patience.tries = 1;
        settings.patience.whole = Duration::from_secs(4);
    });
    for kind in ["hold", "trickle"] {
        let fault = json!({"on": "users", "kind": kind});
        contacts_fail_in(&world, contoso, fault, "MICROSOFT_UNAVAILABLE").await;
    }
    heals(&world, contoso).await;
}

#[tokio::test]
async fn f8_a_microsoft_that_takes_no_connection_fails_the_run_and_changes_nothing() {
    let (mut world, contoso) = about_to_change().await;
    let before = contacts(&world).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}/", listener.local_addr().expect("an address"));
    let nobody: Url = nobody.parse().expect("a URL");
    drop(listener);
    world.ask_differently(|settings| {
        settings.login_url = nobody.clone();
        settings.graph_url = nobody;
    });

    let run = world.sync(contoso).await;

    says(&run, SyncStatus::Failed, "MICROSOFT_UNAVAILABLE");
    assert_eq!(contacts(&world).await, before);
    world.ask_differently(|_| {});
    heals(&world, contoso).await;
}

#[tokio::test]
async fn f10_answers_of_another_shape_change_nothing_and_deactivate_nobody() {
    let (world, contoso) = about_to_change().await;
    let somebody = Uuid::new_v4();
    for (body, code) in [
        (json!(""), "MICROSOFT_UNAVAILABLE"),
        (json!("<html>Sign in to the proxy</html>"), "MICROSOFT_UNAVAILABLE"),
        (json!({}), "UNEXPECTED_RESPONSE"),
        (json!({"value": null}), "UNEXPECTED_RESPONSE"),
        (json!({"value": [{"id": null}]}), "UNEXPECTED_RESPONSE"),
        (json!({"value": [{"displayName": "Adele"}]}), "UNEXPECTED_RESPONSE"),
        (json!({"value": [{"id": somebody}, null]}), "UNEXPECTED_RESPONSE"),
        // Nobody, and no word that this is the end of it.
        (json!({"value": []}), "UNEXPECTED_RESPONSE"),
    ] {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let fault = json!({"on": "users", "kind": "body", "body": body});
        contacts_fail_in(&world, contoso, fault, code).await;
    }
    heals(&world, contoso).await;
}

#[tokio::test]
async fn f15_pages_of_any_size_and_depth_fail_their_kind_and_change_nothing() {
    let (world, contoso) = about_to_change().await;
    let many = format!("{{\"id\":\"{}\"}},", Uuid::new_v4()).repeat(20_000);
    let deep = format!("{}1{}", "[".repeat(500_000), "]".repeat(500_000));
    for (fault, code) in [
        (json!({"kind": "endless"}), "TOO_LARGE"),
        (
            json!({"kind": "body", "body": format!("{{\"value\":[{}]}}", many.trim_end_matches(','))}),
            "TOO_LARGE",
        ),
        (
            json!({"kind": "body", "body": format!("{{\"value\":[{{\"x\":{deep}}}]}}")}),
            "UNEXPECTED_RESPONSE",
        ),
    ] {
        let mut fault = fault;
        fault["on"] = json!("users");
        contacts_fail_in(&world, contoso, fault, code).await;
    }
    heals(&world, contoso).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_a_page_without_an_end_costs_a_worker_no_more_than_64_mib() {
    let world = World::start().await;
    let contoso = connected(&world, 1_500, 0).await;
    let role = worker(&world, "worker", 1);
    let working = role.start();
    let first = world.queue(contoso, SyncMode::Full, false, None).await;
    ended(&world, &first).await;
    let before = most_memory(working.pid().expect("it lives"));
    world.fault(contoso, json!({"on": "users", "kind": "endless"})).await;

    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    let run = ended(&world, &run).await;

    says(&run, SyncStatus::Partial, "TOO_LARGE");
    let more = most_memory(working.pid().expect("it lives")) - before;
    assert!(more <= 64 * 1024, "{more} KiB more than a sync of 1,500 people");
    heals(&world, contoso).await;
    assert!(working.stop().await.success(), "{}", role.last_words());
}

/// The most memory that a process has had, in KiB.
fn most_memory(pid: Pid) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
    number.expect("a size")
}

#[tokio::test]
async fn f17_tokens_that_end_on_the_way_are_renewed_and_the_run_goes_on() {
    let world = World::start().await;
    let contoso = world.connected_company(3_500, 5).await;
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    let hold = world
        .fault(contoso, json!({"on": "users", "kind": "hold", "skip": 1}))
        .await;
    let running = world.perform_beside(run.id).await;
    until_hit(&world, contoso, &hold).await;
    world.post("tokens/expire", json!({})).await;
    world.mend(contoso).await;
    running.await.expect("no panic");

    let run = world.run(run.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    // Whose token it was is not known to whoever refused it.
    let refused = world.get("requests").await;
    let refused: Vec<&Value> = refused["value"]
        .as_array()
        .expect("requests")
        .iter()
        .filter(|request| request["status"] == 401)
        .collect();
    assert_eq!(refused.len(), 1, "one request met it, and was made again: {refused:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn f17_tokens_that_are_refused_for_ever_end_the_run_with_what_to_do() {
    let (world, contoso) = about_to_change().await;
    let before = contacts(&world).await;
    world.fault(contoso, json!({"on": "*", "kind": "unauthorized"})).await;

    let run = world.sync(contoso).await;

    says(&run, SyncStatus::Failed, "TOKEN_REFUSED");
    let refused = asked(&world, contoso, 401).await;
    assert!(
        (1..=10).contains(&refused),
        "{refused} requests with tokens that are refused"
    );
    assert_eq!(contacts(&world).await, before);
    heals(&world, contoso).await;
}

#[tokio::test]
async fn f18_consent_that_is_withdrawn_on_the_way_keeps_everything_and_is_over_when_it_is_given_again() {
    let (world, contoso) = about_to_change().await;
    let before = contacts(&world).await;
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    let running = world.perform_until(contoso, run.id, "users").await;
    let consent = format!("tenants/{}/consents/{CLIENT_ID}", contoso.tenant_id);
    world.delete(&consent).await;
    world.mend(contoso).await;
    running.await.expect("no panic");

    let run = world.run(run.id).await;

    let failure = run.failure.as_ref().expect("it says why");
    assert_eq!(failure.code, "CONSENT_MISSING", "{run:#?}");
    assert!(
        failure.remedy.contains("Connect the tenant again"),
        "{}",
        failure.remedy
    );
    assert_eq!(status_of(&world, contoso).await, "RECONNECT_NEEDED");
    let refused = asked(&world, contoso, 403).await;
    assert!((1..=3).contains(&refused), "{refused} requests without a consent");
    assert_eq!(contacts(&world).await, before);

    world.request("PUT", &consent, Some(json!({}))).await;
    connect_again(&world, contoso).await;
    heals(&world, contoso).await;
    assert_eq!(status_of(&world, contoso).await, "CONNECTED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_disconnecting_on_the_way_lets_the_worker_go_and_keeps_what_there_was() {
    let world = World::start().await;
    let contoso = connected(&world, 120, 8).await;
    let fabrikam = connected(&world, 30, 2).await;
    for client in [contoso, fabrikam] {
        world.sync(client).await;
    }
    let before = contacts(&world).await;
    let role = worker(&world, "worker", 1);
    let (run, working) = held_at(&world, contoso, &role, "users", 0).await;

    let mut conn = world.pool.get().await.expect("a connection");
    let now = world.now().await;
    tenant::disconnect(&mut conn, now, contoso.company_id, "Disconnected by Robin")
        .await
        .expect("disconnected");
    drop(conn);

    // Microsoft still holds the answer that the run waited for.
    let other = world.queue(fabrikam, SyncMode::Auto, false, None).await;
    assert_eq!(
        ended(&world, &other).await.status,
        SyncStatus::Succeeded,
        "its place is free"
    );
    let run = world.run(run.id).await;
    assert_eq!(
        (run.status, run.message.as_str()),
        (SyncStatus::Cancelled, "Disconnected by Robin")
    );
    assert_eq!(contacts(&world).await, before);
    world.mend(contoso).await;
    connect_again(&world, contoso).await;
    heals(&world, contoso).await;
    assert!(working.stop().await.success(), "{}", role.last_words());
    equal_and_ended_once(&world, &[contoso, fabrikam]).await;
}

/// The run ended like this, and says what to do.
fn says(run: &SyncRun, status: SyncStatus, code: &str) {
    assert_eq!(run.status, status, "{run:#?}");
    let failure = run.failure.as_ref().expect("it says why");
    assert_eq!(failure.code, code);
    assert!(!failure.remedy.is_empty() && !run.message.is_empty(), "{run:#?}");
}

/// How many requests Graph has answered with this status.
async fn asked(world: &World, contoso: Client, status: u16) -> usize {
    let requests = world.get(&format!("requests?tenant={}", contoso.tenant_id)).await;
    let requests: &Vec<Value> = requests["value"].as_array().expect("requests");
    requests.iter().filter(|request| request["status"] == status).count()
}

async fn status_of(world: &World, client: Client) -> String {
    let status = format!("select status from tenant where company_id = '{}'", client.company_id);
    let row = world.rows(&status).await.remove(0);
    row["status"].as_str().expect("a status").to_owned()
}
