//! Staff and their roles, service tokens, and the trail that both leave.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;

use super::{ask, client, names, two_clients};
use crate::support::house::House;

#[tokio::test]
async fn the_audit_trail_tells_who_did_what_and_cannot_be_changed() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let browser = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let mutation =
        format!(r#"mutation {{ disconnect(input: {{companyId: "{company}"}}) {{ userErrors {{ code }} }} }}"#);
    let answer = ask(&house, &browser, &mutation).await;
    assert_eq!(answer["data"]["disconnect"]["userErrors"], json!([]));

    let trail = "{ auditEvents(first: 2) { edges { node { action outcome actorKind actorId companyId requestId } } } }";
    let trail = ask(&house, &browser, trail).await;
    let events = &trail["data"]["auditEvents"]["edges"];
    let actor = format!("{}/{}", house.staff_tenant, house.somebody(house.staff_tenant, false));
    assert_eq!(events[0]["node"]["action"], "DISCONNECT", "{trail}");
    assert_eq!(events[0]["node"]["companyId"], json!(company));
    assert_eq!(events[0]["node"]["actorId"], json!(actor));
    assert!(events[0]["node"]["requestId"].is_string());
    assert_eq!(events[1]["node"]["action"], "SIGN_IN");
    let client = house.pool.raw().await.expect("a connection");
    for change in [
        "update audit_event set outcome = 'DONE'",
        "delete from audit_event",
        "truncate audit_event",
    ] {
        let refused = client.simple_query(change).await.expect_err(change);
        assert!(format!("{refused:?}").contains("append-only"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_member_of_staff_does_what_their_role_allows() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let company = IdOf::Company.show(ours.company.id).0;
    let person = house.somebody(house.staff_tenant, false);
    let sync = format!(r#"mutation {{ syncCompany(input: {{companyId: "{company}"}}) {{ joined }} }}"#);
    let delete = format!(r#"mutation {{ deleteCompany(input: {{companyId: "{company}"}}) {{ deletedCompanyId }} }}"#);
    for (role, may_sync, may_delete) in [
        ("Tenantry.Auditor", false, false),
        ("Tenantry.Technician", true, false),
        ("Tenantry.Admin", true, true),
    ] {
        house.give_app_roles(house.staff_tenant, person, &[role]);
        let mut browser = house.browser();
        browser.sign_in(house.at("/auth/sign-in"), person).await;
        for (mutation, may) in [(&sync, may_sync), (&delete, may_delete)] {
            let answer = ask(&house, &browser, mutation).await;
            assert_eq!(answer["errors"].is_null(), may, "{role}: {answer}");
        }
    }
}

#[tokio::test]
async fn somebody_of_the_providers_own_without_a_role_is_told_which_roles_there_are() {
    let house = House::open().await;
    let person = house.somebody(house.staff_tenant, false);
    house.give_app_roles(house.staff_tenant, person, &["Something.Else"]);
    let response = house.browser().sign_in(house.at("/auth/sign-in"), person).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.text().await.expect("a page").contains("Tenantry.Technician"));
}

#[tokio::test]
async fn a_service_token_opens_its_companies_and_does_what_it_was_made_for() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let [own, other] = [&ours, &theirs].map(|client| IdOf::Company.show(client.company.id).0);
    let browser = house.staff().await;
    let made = ask(
        &house,
        &browser,
        &format!(
            r#"mutation {{ createServiceToken(input: {{name: "PSA", expiresInDays: 1, companyIds: ["{own}"], actions: [SYNC_COMPANY]}}) {{
                secret serviceToken {{ actions companyIds }} userErrors {{ code }} }} }}"#
        ),
    )
    .await;
    let secret = made["data"]["createServiceToken"]["secret"]
        .as_str()
        .expect("a secret")
        .to_owned();
    let ask = async |query: String| -> Value {
        let request = house
            .http
            .post(house.at("/graphql"))
            .bearer_auth(&secret)
            .json(&json!({"query": query}));
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&text).expect("JSON")
    };
    let seen = ask("{ companies { edges { node { name } } } contacts { totalCount } }".into()).await;
    assert_eq!(names(&seen["data"]["companies"], "name"), ["Contoso"]);
    assert_eq!(seen["data"]["contacts"]["totalCount"], 2);
    let sync = |company: &str| {
        format!(r#"mutation {{ syncCompany(input: {{companyId: "{company}"}}) {{ joined userErrors {{ code }} }} }}"#)
    };
    assert_eq!(ask(sync(&own)).await["data"]["syncCompany"]["userErrors"], json!([]));
    assert_eq!(
        ask(sync(&other)).await["data"]["syncCompany"]["userErrors"][0]["code"],
        "NOT_FOUND"
    );
    let disconnect = format!(r#"mutation {{ disconnect(input: {{companyId: "{own}"}}) {{ userErrors {{ code }} }} }}"#);
    assert_eq!(ask(disconnect).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
}
