//! A right ends with its reason: a role, a place among the people of the tenant, and whatever a session begins with.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use tenantry::http::Timing;
use tenantry::model::portal;
use uuid::Uuid;

use super::ending::Synced;
use super::{client, done, is_nobody, trail};
use crate::doors_socket::Socket;
use crate::support::house::{Browser, House, Plan};

async fn staff_as(house: &House, roles: &[&str]) -> (StatusCode, Browser) {
    let person = house.somebody(house.staff_tenant, false);
    house.give_app_roles(house.staff_tenant, person, roles);
    let mut browser = house.browser();
    let status = browser.sign_in(house.at("/auth/sign-in"), person).await.status();
    (status, browser)
}

#[tokio::test]
async fn a_sign_in_with_another_role_or_none_ends_the_sessions_of_the_role_before() {
    let house = House::open().await;
    let (_, as_admin) = staff_as(&house, &["Tenantry.Admin"]).await;
    let (_, elsewhere) = staff_as(&house, &["Tenantry.Admin"]).await;
    assert!(
        !is_nobody(&house, &as_admin).await,
        "the same role may have two sessions"
    );

    let (_, as_auditor) = staff_as(&house, &["Tenantry.Auditor"]).await;
    assert!(is_nobody(&house, &as_admin).await && is_nobody(&house, &elsewhere).await);
    assert!(!is_nobody(&house, &as_auditor).await);
    assert_eq!(trail(&house, "REVOKE_SESSION").await.len(), 2);

    let (refused, _) = staff_as(&house, &["Something.Else"]).await;
    assert_eq!(refused, StatusCode::FORBIDDEN);
    assert!(is_nobody(&house, &as_auditor).await, "also when the sign-in is refused");
    let ended = trail(&house, "REVOKE_SESSION").await.pop().expect("an event");
    assert_eq!(ended["details"]["because"], "ANOTHER_ROLE");
}

#[tokio::test]
async fn staff_are_people_of_the_tenant_that_is_the_msps_now_and_for_a_working_day() {
    let house = House::open().await;
    let browser = house.staff().await;
    let life = house
        .rows("select expires_at - created_at = interval '8 hours' as a_day from session")
        .await;
    assert_eq!(life, [json!({"a_day": true})]);
    assert!(!is_nobody(&house, &browser).await);
    house.sql("update session set tid = gen_random_uuid()").await;
    assert!(
        is_nobody(&house, &browser).await,
        "of another tenant than the configured"
    );
}

#[tokio::test]
async fn whoever_is_gone_at_microsoft_is_out_while_their_deactivation_is_held() {
    let synced = Synced::of(15).await;
    let (person, browser) = synced.manager().await;
    let house = &synced.house;
    let people = format!("tenants/{}/people", synced.tenant);
    let others = house
        .rows(&format!(
            "select entra_id from contact where entra_id <> '{person}' limit 11"
        ))
        .await;
    let others = others
        .iter()
        .map(|row| row["entra_id"].as_str().expect("an id").to_owned());
    for gone in others.chain([person.to_string()]) {
        house.control("DELETE", &format!("{people}/{gone}"), Value::Null).await;
    }
    assert_eq!(synced.sync().await, "SUCCEEDED");
    let held = house
        .rows(&format!(
            "select c.state, h.decision from contact c join held_change h on h.record_id = c.id where c.entra_id = '{person}'"
        ))
        .await;
    assert_eq!(held, [json!({"state": "ACTIVE", "decision": "HELD"})]);
    assert!(is_nobody(house, &browser).await);
    assert!(
        house
            .rows(&format!("select id from session where oid = '{person}'"))
            .await
            .is_empty(),
        "the session ends with the run that held them"
    );
    let entry = async || {
        let mut conn = house.pool.get().await.expect("a connection");
        portal::find_entry(&mut conn, synced.tenant, person)
            .await
            .expect("an answer")
    };
    assert_eq!(entry().await, None);
    let mut conn = house.pool.get().await.expect("a connection");
    let why = portal::explain_no_entry(&mut conn, synced.tenant, person).await;
    assert_eq!(why, Ok((portal::NoEntry::HeldBack, Some(synced.company.id))));
    drop(conn);

    let run: Uuid =
        serde_json::from_value(house.rows("select run_id from held_change limit 1").await[0]["run_id"].clone())
            .expect("an id");
    let run = IdOf::SyncRun.show(run).0;
    let discard =
        format!(r#"mutation {{ discardHeldChanges(input: {{syncRunId: "{run}"}}) {{ userErrors {{ code }} }} }}"#);
    done(house, &synced.staff, &discard).await;
    assert!(entry().await.is_some(), "a person has said that they are still there");
}

#[tokio::test]
async fn a_group_whose_end_is_held_lets_nobody_in() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let group = ours.add_group(&house, "Portal", &[(ours.person, "USER")]).await;
    ours.let_in(&house, group, "USER").await;
    ours.sign_in(&house, ours.person).await.expect("a member comes in");
    let company = ours.company.id;
    house
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before,
                                   finished_at)
             values ('{company}', '{company}', 'IDENTITY', 'MANUAL', 'AUTO', false, 'SUCCEEDED', 'x', 'x', now(), now(), now())"
        ))
        .await;
    house
        .sql(&format!(
            "insert into held_change (run_id, company_id, noun, record_id, because, decision)
             values ('{company}', '{company}', 'CONTACT_GROUP', '{group}', 'LEFT', 'HELD')"
        ))
        .await;
    let page = ours
        .sign_in(&house, ours.person)
        .await
        .err()
        .expect("a page that says why");
    assert!(page.contains("not among those who may come in"), "{page}");
}

#[tokio::test]
async fn disconnecting_ends_the_sessions_of_the_portal_for_good() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let browser = ours.sign_in(&house, ours.person).await.expect("they come in");
    done(&house, &house.staff().await, &disconnect(ours.company.id)).await;
    house.sql("update tenant set status = 'CONNECTED'").await;
    assert!(is_nobody(&house, &browser).await, "also when it is connected again");
}

fn disconnect(company: Uuid) -> String {
    let company = IdOf::Company.show(company).0;
    format!(r#"mutation {{ disconnect(input: {{companyId: "{company}"}}) {{ userErrors {{ code }} }} }}"#)
}

/// Until somebody waits for a lock in this house's database.
async fn somebody_waits(house: &House) {
    let waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    while house.rows(waiting).await.is_empty() {}
}

#[tokio::test]
async fn a_right_that_is_taken_while_somebody_comes_in_is_gone() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let taker = house.pool.raw().await.expect("a connection");
    taker
        .simple_query(&format!(
            "begin; select from company where id = '{}' for no key update; update contact set account_enabled = false",
            ours.company.id
        ))
        .await
        .expect("not committed yet");
    let takes = async {
        somebody_waits(&house).await;
        taker.simple_query("commit").await.expect("the right is gone");
    };
    let comes = ours.sign_in(&house, ours.person);
    let refused = tokio::select! {
        entered = async { tokio::join!(comes, takes).0 } => entered.err(),
        () = async { while house.rows("select id from session").await.is_empty() {} } => None,
    };
    let page = refused.expect("they are refused");
    assert!(page.contains("Your account is disabled"), "{page}");
    assert!(house.rows("select id from session").await.is_empty());
}

#[tokio::test]
async fn a_session_that_begins_while_the_right_is_taken_ends_with_it() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let staff = house.staff().await;
    let comer = house.pool.raw().await.expect("a connection");
    let company = ours.company.id;
    comer
        .simple_query(&format!(
            "begin; select from company where id = '{company}' for no key update;
             insert into session (id, secret_hash, tid, oid, name, company_id, expires_at)
             values (gen_random_uuid(), 'x', '{}', '{}', 'Adele', '{company}', now() + interval '1 hour')",
            ours.tenant, ours.person
        ))
        .await
        .expect("not committed yet");
    let begins = async {
        somebody_waits(&house).await;
        comer.simple_query("commit").await.expect("the session has begun");
    };
    let query = disconnect(company);
    let disconnects = done(&house, &staff, &query);
    tokio::select! {
        _ = async { tokio::join!(disconnects, begins) } => {}
        () = async { while trail(&house, "DISCONNECT").await.is_empty() {} } => {}
    }
    comer
        .simple_query("commit")
        .await
        .expect("it has begun at the latest now");
    let left = "select id from session where company_id is not null";
    assert!(house.rows(left).await.is_empty());
}

#[tokio::test]
async fn a_new_operation_on_an_open_socket_is_asked_with_the_rights_of_now() {
    let timing = Timing {
        recheck: Duration::from_secs(3600),
        ..Timing::default()
    };
    let house = House::built(Plan {
        timing,
        ..Plan::default()
    })
    .await;
    let ours = client(&house, "Contoso").await;
    let group = ours.add_group(&house, "Managers", &[(ours.person, "USER")]).await;
    ours.let_in(&house, group, "MANAGER").await;
    let browser = ours.sign_in(&house, ours.person).await.expect("a manager comes in");
    let mut socket = Socket::of_browser(&house, &browser).await;
    socket.subscribe("a", "{ contacts { totalCount } }").await;
    assert_eq!(socket.hear().await["payload"]["data"]["contacts"]["totalCount"], 2);
    assert_eq!(socket.hear().await["type"], "complete");

    house.sql("update portal_access_group set role = 'USER'").await;
    socket.subscribe("b", "{ contacts { totalCount } }").await;
    assert_eq!(socket.closed().await, 4403);
}

#[tokio::test]
async fn a_group_more_closes_no_socket_and_counts_at_once() {
    let timing = Timing {
        recheck: Duration::from_millis(20),
        ..Timing::default()
    };
    let house = House::built(Plan {
        timing,
        ..Plan::default()
    })
    .await;
    let ours = client(&house, "Contoso").await;
    let browser = ours.sign_in(&house, ours.person).await.expect("they come in");
    let mut socket = Socket::of_browser(&house, &browser).await;
    ours.add_group(&house, "New", &[(ours.person, "USER")]).await;
    socket.checked(3).await;
    socket.subscribe("a", "{ groups { totalCount } }").await;
    assert_eq!(socket.hear().await["payload"]["data"]["groups"]["totalCount"], 1);

    house.sql("delete from contact_group_member").await;
    assert_eq!(socket.closed().await, 4403, "a group less does");
}

#[tokio::test]
async fn the_ids_of_what_is_synced_do_not_count_what_lies_between() {
    let synced = Synced::of(60).await;
    // The counter of RFC 9562's version 7 is what stands between the time and the last 32 bits.
    let ids = synced.house.rows("select id from contact order by id").await;
    let ids: Vec<u128> = ids
        .iter()
        .map(|row| {
            row["id"]
                .as_str()
                .and_then(|id| id.parse::<Uuid>().ok())
                .expect("an id")
                .as_u128()
        })
        .collect();
    let counter = |id: u128| ((id >> 64 & 0xfff) << 30) | (id >> 32 & 0x3fff_ffff);
    let counted = ids
        .windows(2)
        .filter(|pair| pair[0] >> 80 == pair[1] >> 80 && counter(pair[1]) == counter(pair[0]) + 1);
    assert_eq!(ids.len(), 60);
    assert_eq!(counted.count(), 0);
}
