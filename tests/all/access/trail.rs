//! The trail tells what happened, all of it, and nothing else.

use std::process::Stdio;

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use tokio::process::Command;
use uuid::Uuid;

use super::ending::Synced;
use super::{ask, client, done, trail};
use crate::support::house::House;

fn command(house: &House, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command
        .args(arguments)
        .args(["--database-url", house.pool.direct().url()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_command_line_leaves_a_trail() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let made = command(&house, &["token", "--name", "psa"]).status().await;
    assert!(made.expect("it runs").success());
    let made = trail(&house, "CREATE_SERVICE_TOKEN").await;
    assert_eq!(made.len(), 1);
    assert_eq!(
        (&made[0]["actor_kind"], &made[0]["actor_name"]),
        (&json!("SYSTEM"), &json!("the command line"))
    );
    let psa = house.rows("select id from service_token where name = 'psa'").await;
    assert_eq!(made[0]["subject"], psa[0]["id"]);

    let company = IdOf::Company.show(ours.company.id).0;
    let _following = command(&house, &["sync", &company]).spawn().expect("it runs");
    let queued = async || house.rows("select id from sync_run").await;
    // Nobody performs the run: it is there as soon as the command has asked for it.
    while queued().await.is_empty() {}
    let asked = trail(&house, "SYNC_COMPANY").await;
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0]["actor_kind"], &asked[0]["company_id"], &asked[0]["subject"]),
        (&json!("SYSTEM"), &json!(ours.company.id), &queued().await[0]["id"])
    );
}

#[tokio::test]
async fn what_did_not_happen_is_not_on_the_trail() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let browser = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let payload = "{ userErrors { code } }";

    let disconnect = format!(r#"mutation {{ disconnect(input: {{companyId: "{company}"}}) {payload} }}"#);
    for _ in 0..2 {
        done(&house, &browser, &disconnect).await;
    }
    assert_eq!(trail(&house, "DISCONNECT").await.len(), 1);

    let token = house.rows("select id from service_token").await[0]["id"].clone();
    let token: Uuid = serde_json::from_value(token).expect("an id");
    let token = IdOf::ServiceToken.show(token).0;
    let revoke = format!(r#"mutation {{ revokeServiceToken(input: {{serviceTokenId: "{token}"}}) {payload} }}"#);
    for _ in 0..2 {
        done(&house, &browser, &revoke).await;
    }
    assert_eq!(trail(&house, "REVOKE_SERVICE_TOKEN").await.len(), 1);

    let delete = format!(r#"mutation {{ deleteCompany(input: {{companyId: "{company}"}}) {payload} }}"#);
    // All of them find the company, and wait for its row.
    let holder = hold_company(&house, ours.company.id).await;
    let deletions = futures::future::join_all((0..5).map(|_| ask(&house, &browser, &delete)));
    let release = async {
        let waiting =
            "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        while house.rows(waiting).await.len() < 5 {}
        holder.simple_query("rollback").await.expect("let go");
    };
    let (answers, ()) = tokio::join!(deletions, release);
    let refused = answers
        .iter()
        .filter(|answer| answer["data"]["deleteCompany"]["userErrors"] == json!([{"code": "NOT_FOUND"}]));
    assert_eq!(refused.count(), 4, "{answers:?}");
    assert_eq!(trail(&house, "DELETE_COMPANY").await.len(), 1);
}

/// Somebody else's transaction, which holds the company's row.
async fn hold_company(house: &House, company: Uuid) -> tokio_postgres::Client {
    let holder = house.pool.raw().await.expect("a connection");
    holder
        .simple_query(&format!("begin; select from company where id = '{company}' for update"))
        .await
        .expect("held");
    holder
}

#[tokio::test]
async fn the_trail_tells_what_was_chosen() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let group = ours.add_group(&house, "Managers", &[(ours.person, "USER")]).await;
    let browser = house.staff().await;
    let (company, shown) = (IdOf::Company.show(ours.company.id).0, IdOf::ContactGroup.show(group).0);
    let set = format!(
        r#"mutation {{ setPortalAccessGroups(input: {{companyId: "{company}", groups: [{{groupId: "{shown}", role: MANAGER}}]}}) {{
            userErrors {{ code }} }} }}"#
    );
    done(&house, &browser, &set).await;
    let rules = format!(
        r#"mutation {{ updateSyncRules(input: {{companyId: "{company}", rules: {{includeGuests: false, excludePatterns: ["svc-*"]}}}}) {{
            userErrors {{ code }} }} }}"#
    );
    let pause = format!(
        r#"mutation {{ updateSyncSchedule(input: {{companyId: "{company}", paused: true}}) {{ userErrors {{ code }} }} }}"#
    );
    let guard = format!(
        r#"mutation {{ updateSyncGuard(input: {{companyId: "{company}", percent: 3}}) {{ userErrors {{ code }} }} }}"#
    );
    for _ in 0..2 {
        done(&house, &browser, &rules).await;
        done(&house, &browser, &pause).await;
        done(&house, &browser, &guard).await;
    }

    let events = done(
        &house,
        &browser,
        "{ auditEvents(first: 5) { edges { node { action details } } } }",
    )
    .await;
    assert_eq!(
        events["edges"],
        json!([
            {"node": {"action": "UPDATE_SYNC_GUARD", "details": {"percent": 3, "atLeast": 10, "atMost": 500}}},
            {"node": {"action": "UPDATE_SYNC_SCHEDULE", "details": {"kind": "IDENTITY", "everyHours": 4, "paused": true}}},
            {"node": {"action": "UPDATE_SYNC_RULES", "details": {"rules": {
                "include_guests": false, "licensed_only": false, "only_groups": [], "exclude_patterns": ["svc-*"]}}}},
            {"node": {"action": "SET_PORTAL_ACCESS_GROUPS", "details": {"groups": [{"groupId": group, "role": "MANAGER"}]}}},
            {"node": {"action": "SIGN_IN", "details": null}},
        ]),
        "and what changed nothing is not there"
    );
}

#[tokio::test]
async fn each_end_of_a_session_is_tied_to_its_beginning_and_to_a_person() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let staff = house.staff().await;
    let person = format!("{}/{}", ours.tenant, ours.person);
    let session = async || -> Uuid {
        let newest = format!("select id from session where oid = '{}'", ours.person);
        serde_json::from_value(house.rows(&newest).await[0]["id"].clone()).expect("an id")
    };

    ours.sign_in(&house, ours.person).await.expect("they come in");
    let first = session().await;
    let begun = trail(&house, "SIGN_IN").await.pop().expect("an event");
    assert_eq!(
        (&begun["actor_id"], &begun["subject"]),
        (&json!(person), &json!(first)),
        "{begun}"
    );
    let shown = IdOf::Session.show(first).0;
    let revoke =
        format!(r#"mutation {{ revokeSession(input: {{sessionId: "{shown}"}}) {{ userErrors {{ code }} }} }}"#);
    done(&house, &staff, &revoke).await;

    ours.sign_in(&house, ours.person).await.expect("they come in");
    let second = session().await;
    house
        .sql(&format!("update session set sid = 'entra' where id = '{second}'"))
        .await;
    let told = house.http.get(house.at("/auth/front-channel-logout?sid=entra"));
    told.send().await.expect("an answer");

    ours.sign_in(&house, ours.person).await.expect("they come in");
    let third = session().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let disconnect =
        format!(r#"mutation {{ disconnect(input: {{companyId: "{company}"}}) {{ userErrors {{ code }} }} }}"#);
    done(&house, &staff, &disconnect).await;

    let ends: Vec<Value> = trail(&house, "REVOKE_SESSION").await;
    let told: Vec<_> = ends
        .iter()
        .map(|end| (&end["subject"], &end["actor_kind"], &end["details"]["because"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(first), &json!("STAFF"), &json!("REVOKED")),
            (&json!(second), &json!("SYSTEM"), &json!("SIGNED_OUT_AT_MICROSOFT")),
            (&json!(third), &json!("SYSTEM"), &json!("NO_ENTRY")),
        ]
    );
    for end in &ends {
        assert_eq!(
            (&end["details"]["person"], &end["company_id"]),
            (&json!(person), &json!(ours.company.id)),
            "{end}"
        );
    }
}

#[tokio::test]
async fn a_state_that_comes_back_twice_or_in_another_browser_is_on_the_trail() {
    let house = House::open().await;
    let person = house.somebody(house.staff_tenant, false);
    let refusals = async |action: &str| -> Vec<Value> {
        let events = trail(&house, action).await.into_iter();
        let refused = events.filter(|event| event["outcome"] == "REFUSED");
        refused.map(|event| event["reason"].clone()).collect()
    };
    let mut browser = house.browser();
    let back = browser.pick(house.at("/auth/sign-in"), person).await;
    browser.get(back.clone()).await;
    assert!(refusals("SIGN_IN").await.is_empty());
    browser.get(back).await;
    assert_eq!(refusals("SIGN_IN").await, ["UNKNOWN_STATE"], "twice");

    let back = browser.pick(house.at("/auth/sign-in"), person).await;
    house.browser().get(back).await;
    assert_eq!(refusals("SIGN_IN").await.len(), 2, "in another browser");

    let path = "/connect/callback?state=x&tenant=00000000-0000-0000-0000-000000000001&admin_consent=True";
    browser.get(house.at(path)).await;
    assert_eq!(refusals("CONNECT").await, ["UNKNOWN_STATE"]);
}

#[tokio::test]
async fn a_connection_that_the_first_look_refuses_is_on_the_trail() {
    let synced = Synced::begin().await;
    synced
        .house
        .sql("update tenant set expected_domain = 'another.example'")
        .await;
    assert_eq!(synced.sync().await, "FAILED");
    let events = trail(&synced.house, "DISCONNECT").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["actor_kind"], &events[0]["details"]),
        (&json!("SYSTEM"), &json!({"because": "DOMAIN_NOT_OWNED"}))
    );
}
