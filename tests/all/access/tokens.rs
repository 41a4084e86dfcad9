//! Service tokens say what they may do, and open every company only where that was said.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;

use tenantry::model::{audit, service_token};

use super::{ask, done, trail, two_clients};
use crate::support::house::{House, now};

async fn ask_with(house: &House, secret: &str, query: &str) -> Value {
    let request = house
        .http
        .post(house.at("/graphql"))
        .bearer_auth(secret)
        .json(&json!({"query": query}));
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_token_opens_every_company_only_where_that_is_said() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let staff = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let make = async |which: String| {
        let variables = if which.contains('$') { "($forgotten: [ID!])" } else { "" };
        let query = format!(
            r#"mutation {variables} {{ createServiceToken(input: {{name: "PSA", expiresInDays: 1, {which}}}) {{
                secret userErrors {{ code path }} }} }}"#
        );
        ask(&house, &staff, &query).await["data"]["createServiceToken"].clone()
    };
    for refused in [
        String::new(),
        "companyIds: null".to_owned(),
        "companyIds: $forgotten".to_owned(),
        "companyIds: []".to_owned(),
        format!(r#"companyIds: ["{company}"], allCompanies: true"#),
    ] {
        let made = make(refused.clone()).await;
        assert_eq!(
            made,
            json!({"secret": null, "userErrors": [{"code": "BAD_INPUT", "path": ["input", "companyIds"]}]}),
            "{refused}"
        );
    }
    for (which, companies) in [
        ("allCompanies: true".to_owned(), 2),
        (format!(r#"companyIds: ["{company}"]"#), 1),
    ] {
        let made = make(which).await;
        let secret = made["secret"].as_str().expect("a secret");
        let seen = ask_with(&house, secret, "{ companies { totalCount } }").await;
        assert_eq!(seen["data"]["companies"]["totalCount"], companies);
    }
}

#[tokio::test]
async fn a_token_of_some_companies_is_not_made_for_what_concerns_all() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let staff = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    for action in ["VIEW_AUDIT_TRAIL", "CREATE_COMPANY"] {
        let query = format!(
            r#"mutation {{ createServiceToken(input: {{
                name: "PSA", expiresInDays: 1, companyIds: ["{company}"], actions: [{action}]}}) {{ secret userErrors {{ code path }} }} }}"#
        );
        let made = ask(&house, &staff, &query).await["data"]["createServiceToken"].clone();
        assert_eq!(
            made,
            json!({"secret": null, "userErrors": [{"code": "BAD_INPUT", "path": ["input", "actions"]}]}),
            "{action}"
        );
    }
}

#[tokio::test]
async fn what_a_viewer_is_said_to_be_able_to_do_they_can() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    // As tokens from before could be made: for what they cannot do.
    house
        .sql(&format!(
            "update service_token set company_ids = array['{}'::uuid], actions = array['VIEW_AUDIT_TRAIL', 'CREATE_COMPANY', 'SYNC_COMPANY']",
            ours.company.id
        ))
        .await;
    let company = IdOf::Company.show(ours.company.id).0;
    let query = format!(r#"{{ viewer {{ actions here: actions(companyId: "{company}") }} }}"#);
    let viewer = ask_with(&house, &house.token, &query).await["data"]["viewer"].clone();
    let may = json!([
        "VIEW_COMPANY",
        "VIEW_RECORDS",
        "VIEW_SYNC",
        "VIEW_EVIDENCE",
        "SYNC_COMPANY"
    ]);
    assert_eq!(viewer, json!({"actions": may, "here": may}));
}

#[tokio::test]
async fn a_program_that_asks_for_a_run_at_each_page_is_on_the_trail_once() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let staff = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let sync = |mode: &str| {
        format!(
            r#"mutation {{ syncCompany(input: {{companyId: "{company}", mode: {mode}}}) {{
                joined userErrors {{ code }} }} }}"#
        )
    };
    let asked = async || -> Vec<Value> {
        let events = trail(&house, "SYNC_COMPANY").await.into_iter();
        events.map(|event| event["actor_kind"].clone()).collect()
    };
    done(&house, &staff, &sync("AUTO")).await;

    let auto = sync("AUTO");
    let at_once = futures::future::join_all((0..6).map(|_| ask_with(&house, &house.token, &auto))).await;
    for answer in &at_once {
        assert_eq!(
            answer["data"]["syncCompany"],
            json!({"joined": true, "userErrors": []}),
            "{answer}"
        );
    }
    done(&house, &staff, &sync("AUTO")).await;
    assert_eq!(asked().await, ["STAFF", "SERVICE"], "each who asked, once");

    for _ in 0..2 {
        ask_with(&house, &house.token, &sync("FULL")).await;
    }
    assert_eq!(
        asked().await,
        ["STAFF", "SERVICE", "SERVICE"],
        "and who made it another"
    );
    house
        .sql("update sync_run set status = 'CANCELLED', finished_at = now()")
        .await;
    ask_with(&house, &house.token, &sync("AUTO")).await;
    assert_eq!(asked().await.len(), 4, "the next run is another");
}

#[tokio::test]
async fn a_token_that_ended_long_ago_goes_and_the_trail_has_its_name() {
    let house = House::open().await;
    let staff = house.staff().await;
    let make = |name: &str| {
        format!(
            r#"mutation {{ createServiceToken(input: {{name: "{name}", expiresInDays: 9, allCompanies: true}}) {{
                serviceToken {{ id }} userErrors {{ code }} }} }}"#
        )
    };
    for name in ["expired", "revoked", "younger"] {
        let made = done(&house, &staff, &make(name)).await;
        let token = made["serviceToken"]["id"].as_str().expect("an id").to_owned();
        let revoke = format!(
            r#"mutation {{ revokeServiceToken(input: {{serviceTokenId: "{token}"}}) {{ userErrors {{ code }} }} }}"#
        );
        if name == "revoked" {
            done(&house, &staff, &revoke).await;
        }
    }
    for aged in [
        "update service_token set expires_at = now() - interval '401 days' where name = 'expired'",
        "update service_token set revoked_at = now() - interval '401 days' where name = 'revoked'",
        "update service_token set expires_at = now() - interval '399 days' where name = 'younger'",
    ] {
        assert_eq!(house.sql(aged).await, 1);
    }
    let mut conn = house.pool.get().await.expect("a connection");

    let removed = service_token::prune(&mut conn, now())
        .await
        .expect("the database answers");

    assert_eq!(removed, 2);
    let left = house.rows("select name from service_token order by name").await;
    assert_eq!(left, [json!({"name": "The tests"}), json!({"name": "younger"})]);
    let names = |events: Vec<Value>| -> Vec<Value> {
        let names = events.iter().map(|event| event["details"]["name"].clone());
        names.collect()
    };
    assert_eq!(
        names(trail(&house, "CREATE_SERVICE_TOKEN").await),
        ["expired", "revoked", "younger"]
    );
    assert_eq!(names(trail(&house, "REVOKE_SERVICE_TOKEN").await), ["revoked"]);
}

#[tokio::test]
async fn the_trail_goes_after_six_years_and_nobody_can_make_it_go_before() {
    let house = House::open().await;
    for days in [2_195, 2_197, 4_000] {
        house
            .sql(&format!(
                "insert into audit_event (id, at, actor_kind, action, outcome)
                 values (gen_random_uuid(), now() - interval '{days} days', 'SYSTEM', 'DISCONNECT', 'DONE')"
            ))
            .await;
    }
    let mut conn = house.pool.get().await.expect("a connection");
    assert_eq!(audit::prune(&mut conn).await.expect("the database answers"), 2);
    assert_eq!(trail(&house, "DISCONNECT").await.len(), 1);
    let client = house.pool.raw().await.expect("a connection");
    for change in [
        "update audit_event set outcome = 'DONE'",
        "delete from audit_event",
        "set role tenantry_retention; update audit_event set outcome = 'DONE'",
    ] {
        let refused = client.simple_query(change).await.expect_err(change);
        assert_eq!(refused.code().map(|code| code.code()), Some("42501"), "{refused:?}");
    }
}
