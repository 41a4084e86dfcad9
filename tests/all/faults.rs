//! Microsoft misbehaves: nothing is lost, nobody is deactivated, the run says why; and when it behaves again, the
//! next sync makes both sides equal.

use serde_json::{Value, json};
use tenantry::model::Noun;
use tenantry::model::sync_run::{SyncRun, SyncStatus};

use crate::races::connect_again;
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::{CLIENT_ID, Client, World};

/// A company that is in step, and changes at Microsoft that the next sync has to bring.
pub async fn about_to_change() -> (World, Client) {
    let world = World::start().await;
    let contoso = world.connected_company(150, 20).await;
    world.sync(contoso).await;
    change(&world, contoso).await;
    (world, contoso)
}

async fn change(world: &World, contoso: Client) {
    let shuffle = format!("tenants/{}/shuffle", contoso.tenant_id);
    world.post(&shuffle, json!({"count": 12, "seed": 5})).await;
}

/// As [`about_to_change`], and then the trouble.
async fn troubled(fault: Value) -> (World, Client, SyncRun) {
    let (world, contoso) = about_to_change().await;
    world.fault(contoso, fault).await;
    let run = world.sync(contoso).await;
    (world, contoso, run)
}

/// The trouble is over: the next sync makes both sides equal.
pub async fn heals(world: &World, contoso: Client) {
    world.mend(contoso).await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(world, &[contoso]).await;
}

/// The next run cannot read contacts and can read the other kinds: nothing of the contacts has changed, and it says why.
pub async fn contacts_fail_in(world: &World, contoso: Client, fault: Value, code: &str) {
    let before = contacts(world).await;
    let why = fault.to_string();
    world.fault(contoso, fault).await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Partial, "{why:.200}: {run:#?}");
    let failure = run.failure.as_ref().expect("the run says why");
    assert_eq!(failure.code, code, "{why:.200}");
    assert!(!failure.remedy.is_empty());
    assert!(run.message.contains("Contacts could not be read"), "{}", run.message);
    assert!(
        run.counts.iter().all(|counts| counts.kind != Noun::Contact),
        "nothing is half applied"
    );
    let touched = format!(
        "select count(*) from sync_change where run_id = '{}' and noun = 'CONTACT'",
        run.id
    );
    assert_eq!(world.number(&touched).await, 0);
    assert_eq!(contacts(world).await, before, "{why:.200}: every contact is as it was");
    world.mend(contoso).await;
}

/// Every contact, as it stands.
pub async fn contacts(world: &World) -> Vec<Value> {
    world.rows("select * from contact order by id").await
}

/// Contacts could not be read, the other kinds were: nothing of the contacts has changed, and then they are read.
async fn contacts_fail(fault: Value, code: &str) {
    let (world, contoso) = about_to_change().await;
    contacts_fail_in(&world, contoso, fault, code).await;
    heals(&world, contoso).await;
}

/// The trouble is small enough to be overcome by the run itself.
async fn is_overcome(fault: Value) {
    let (world, contoso, run) = troubled(fault).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn a_server_error_that_lasts_fails_its_kind() {
    contacts_fail(
        json!({"on": "users", "kind": "status", "status": 503}),
        "MICROSOFT_UNAVAILABLE",
    )
    .await;
}

#[tokio::test]
async fn a_server_error_that_passes_is_overcome() {
    is_overcome(json!({"on": "users/delta", "kind": "status", "status": 500, "times": 1})).await;
}

#[tokio::test]
async fn a_cut_connection_fails_its_kind() {
    contacts_fail(json!({"on": "users", "kind": "cut"}), "MICROSOFT_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_connection_cut_once_is_overcome() {
    is_overcome(json!({"on": "users/delta", "kind": "cut", "times": 1})).await;
}

#[tokio::test]
async fn truncated_json_fails_its_kind() {
    contacts_fail(json!({"on": "users", "kind": "truncate"}), "MICROSOFT_UNAVAILABLE").await;
}

#[tokio::test]
async fn malformed_json_fails_its_kind() {
    contacts_fail(json!({"on": "users", "kind": "malformed"}), "MICROSOFT_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_page_of_html_fails_its_kind() {
    contacts_fail(json!({"on": "users", "kind": "html"}), "MICROSOFT_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_missing_permission_stops_its_kind_alone() {
    contacts_fail(
        json!({"on": "users", "kind": "missing_permission"}),
        "PERMISSION_MISSING",
    )
    .await;
}

#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let (world, contoso) = full_read_ahead().await;
    world
        .fault(
            contoso,
            json!({"on": "users", "kind": "foreign_link", "link": "http://127.0.0.1:9/v1.0/users"}),
        )
        .await;
    let run = world.full_sync(contoso).await;
    assert_eq!(
        run.failure.as_ref().map(|failure| failure.code.as_str()),
        Some("UNTRUSTED_LINK"),
        "{run:#?}"
    );
    heals(&world, contoso).await;
}

#[tokio::test]
async fn a_next_link_that_loops_ends_the_read() {
    let (world, contoso) = full_read_ahead().await;
    world.fault(contoso, json!({"on": "users", "kind": "loop"})).await;
    let run = world.full_sync(contoso).await;
    assert_eq!(
        run.failure.as_ref().map(|failure| failure.code.as_str()),
        Some("PAGING_LOOP"),
        "{run:#?}"
    );
    heals(&world, contoso).await;
}

/// A company in step, of which more than a page changed.
async fn full_read_ahead() -> (World, Client) {
    let world = World::start().await;
    let contoso = world.connected_company(1_200, 0).await;
    world.sync(contoso).await;
    change(&world, contoso).await;
    (world, contoso)
}

#[tokio::test]
async fn a_410_is_a_quiet_full_read() {
    is_overcome(json!({"on": "users/delta", "kind": "gone", "times": 1})).await;
}

#[tokio::test]
async fn an_expired_delta_link_is_a_quiet_full_read() {
    is_overcome(json!({"on": "users/delta", "kind": "expired_delta", "times": 1})).await;
    is_overcome(json!({"on": "groups/delta", "kind": "expired_delta", "times": 1})).await;
}

#[tokio::test]
async fn replayed_items_change_nothing() {
    is_overcome(json!({"on": "users/delta", "kind": "replay"})).await;
    is_overcome(json!({"on": "groups/delta", "kind": "replay"})).await;
}

#[tokio::test]
async fn doubled_items_change_nothing() {
    is_overcome(json!({"on": "*", "kind": "duplicate"})).await;
}

#[tokio::test]
async fn an_empty_first_page_is_not_the_end() {
    let world = World::start().await;
    let contoso = world.connected_company(50, 0).await;
    world
        .fault(contoso, json!({"on": "users", "kind": "empty_first_page", "times": 1}))
        .await;
    world
        .fault(
            contoso,
            json!({"on": "groups/delta", "kind": "empty_first_page", "times": 1}),
        )
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn a_long_throttle_waits_without_holding_a_worker_and_goes_on() {
    let (world, contoso, run) =
        troubled(json!({"on": "users/delta", "kind": "throttle", "retryAfter": 120, "times": 1})).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    assert!(run.not_before > world.now().await, "not before Microsoft says so");
    assert!(run.message.contains("Waiting for Microsoft"), "{}", run.message);

    let run = world.perform(run.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn a_throttle_that_names_no_time_waits_too() {
    let (world, contoso, run) = troubled(json!({"on": "users/delta", "kind": "throttle", "retryAfter": null})).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    world.mend(contoso).await;
    let run = world.perform(run.id).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn a_revoked_consent_asks_to_reconnect_and_deactivates_nobody() {
    let world = World::start().await;
    let contoso = world.connected_company(40, 0).await;
    world.sync(contoso).await;
    world
        .delete(&format!("tenants/{}/consents/{CLIENT_ID}", contoso.tenant_id))
        .await;
    world.post("tokens/expire", json!({})).await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Failed, "{run:#?}");
    assert_eq!(
        run.failure.as_ref().map(|failure| failure.code.as_str()),
        Some("CONSENT_MISSING")
    );
    assert_eq!(
        world.rows("select status from tenant").await[0]["status"],
        "RECONNECT_NEEDED"
    );
    assert_eq!(
        world
            .number("select count(*) from contact where state = 'ACTIVE'")
            .await,
        40
    );
    let consent = format!("tenants/{}/consents/{CLIENT_ID}", contoso.tenant_id);
    world.request("PUT", &consent, Some(json!({}))).await;
    connect_again(&world, contoso).await;
    heals(&world, contoso).await;
}

#[tokio::test]
async fn a_consent_that_takes_a_while_is_waited_out_quietly() {
    let world = World::start().await;
    let contoso = world.connected_company(30, 0).await;
    world.sql("update tenant set connected_at = now()").await;
    world
        .request(
            "PUT",
            &format!("tenants/{}/consents/{CLIENT_ID}", contoso.tenant_id),
            Some(json!({"effectiveAfterRequests": 2})),
        )
        .await;

    let mut run = world.sync(contoso).await;
    assert_eq!(
        (run.status, run.message.as_str()),
        (SyncStatus::Waiting, "Waiting for Microsoft to apply consent"),
        "{run:#?}"
    );
    for _ in 0..5 {
        if run.status == SyncStatus::Waiting {
            run = world.perform(run.id).await;
        }
    }

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn an_expired_secret_is_the_operators_and_says_so() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world.register(true).await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Waiting, "it is not the run's fault: {run:#?}");
    let failure = run.failure.expect("the run says why");
    assert_eq!(failure.code, "CREDENTIAL_REFUSED");
    assert!(failure.remedy.contains("MICROSOFT_CLIENT_SECRET"), "{}", failure.remedy);
    assert_eq!(
        world.rows("select status from tenant").await[0]["status"],
        "CONNECTED",
        "it is not the tenant's fault"
    );
}

#[tokio::test]
async fn a_tenant_without_the_expected_domain_is_disconnected() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    world
        .sql("update tenant set expected_domain = 'fabrikam.example'")
        .await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Failed, "{run:#?}");
    assert_eq!(
        run.failure.as_ref().map(|failure| failure.code.as_str()),
        Some("DOMAIN_NOT_OWNED")
    );
    assert!(run.message.contains("fabrikam.example"), "{}", run.message);
    assert_eq!(
        world.rows("select status from tenant").await[0]["status"],
        "DISCONNECTED"
    );
    assert_eq!(world.number("select count(*) from contact").await, 0);
}

#[tokio::test]
async fn an_access_token_that_has_expired_since_the_last_run_is_renewed() {
    let (world, contoso) = about_to_change().await;
    world.post("tokens/expire", json!({})).await;
    heals(&world, contoso).await;
}

#[tokio::test]
async fn who_connected_without_showing_a_role_is_looked_up_first() {
    let world = World::start().await;
    let contoso = world.connected_company(20, 0).await;
    let people = world.get(&format!("tenants/{}/people", contoso.tenant_id)).await;
    let ids: Vec<&str> = people["value"]
        .as_array()
        .expect("people")
        .iter()
        .filter_map(|person| person["id"].as_str())
        .collect();
    let tenants = world.get("tenants").await;
    let tenant = tenants["value"]
        .as_array()
        .expect("tenants")
        .iter()
        .find(|tenant| tenant["id"] == contoso.tenant_id.to_string());
    let administrator = tenant
        .and_then(|tenant| tenant["administrators"][0].as_str())
        .expect("an administrator")
        .to_owned();
    let member = ids.iter().find(|id| **id != administrator).expect("somebody else");

    world
        .sql(&format!(
            "update tenant set role_proven = false, consented_oid = '{administrator}'"
        ))
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    assert_eq!(
        world.rows("select role_proven from tenant").await[0]["role_proven"],
        true
    );

    world
        .sql(&format!(
            "update tenant set role_proven = false, consented_oid = '{member}'"
        ))
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(
        run.failure.as_ref().map(|failure| failure.code.as_str()),
        Some("NOT_AN_ADMINISTRATOR"),
        "{run:#?}"
    );
    assert_eq!(
        world.rows("select status from tenant").await[0]["status"],
        "DISCONNECTED"
    );
}

#[tokio::test]
async fn a_run_that_waited_goes_on_from_the_page_where_it_stopped() {
    let world = World::start().await;
    let contoso = world.connected_company(3_500, 0).await;
    world
        .fault(
            contoso,
            json!({"on": "users", "kind": "throttle", "retryAfter": 300, "skip": 3, "times": 1}),
        )
        .await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Waiting, "{run:#?}");
    let staged = world.number("select count(*) from staged_person").await;
    assert!(staged > 0, "what was read is kept");
    world.delete(&format!("requests?tenant={}", contoso.tenant_id)).await;

    let run = world.perform(run.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
    let requests = world.get(&format!("requests?tenant={}", contoso.tenant_id)).await;
    let lists = requests["value"].as_array().expect("requests").iter();
    let first_pages = lists.filter(|request| {
        request["path"].as_str().is_some_and(|path| path.ends_with("/users"))
            && !request["query"].as_str().unwrap_or_default().contains("skiptoken")
    });
    assert_eq!(first_pages.count(), 0, "the list is not begun again: {requests:#}");
}
