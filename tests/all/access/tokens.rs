//! Service tokens say what they may do, and open every company only where that was said.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;

use super::{ask, two_clients};
use crate::support::house::House;

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
