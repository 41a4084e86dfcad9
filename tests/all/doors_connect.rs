//! Connecting a tenant: what has to hold before a company is linked to it.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::model::Company;
use url::Url;
use uuid::Uuid;

use crate::support::house::{Browser, House, PSA, Plan, location};

/// From the link to Microsoft's consent page.
async fn to_consent(browser: &mut Browser, link: Url, administrator: Uuid) -> Url {
    let response = browser.sign_in(link, administrator).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "on to the consent");
    location(&response)
}

async fn tenant_of(house: &House, company: &Company) -> Value {
    let rows = house
        .rows(&format!("select * from tenant where company_id = '{}'", company.id))
        .await;
    rows.into_iter().next().unwrap_or(Value::Null)
}

async fn runs_of(house: &House, company: &Company) -> Vec<Value> {
    house
        .rows(&format!(
            "select trigger, status, requested_by from sync_run where company_id = '{}'",
            company.id
        ))
        .await
}

/// Not connected, and what whoever sent the link reads of the last attempt.
async fn assert_not_connected(house: &House, company: &Company, why: Option<&str>) {
    let tenant = tenant_of(house, company).await;
    assert_eq!(tenant["status"], "CONSENT_PENDING");
    match why {
        Some(why) => assert!(
            tenant["status_reason"].as_str().is_some_and(|told| told.contains(why)),
            "{tenant}"
        ),
        None => assert_eq!(tenant["status_reason"], Value::Null),
    }
    assert!(runs_of(house, company).await.is_empty());
}

#[tokio::test]
async fn an_administrator_connects_their_tenant_and_the_first_sync_is_queued() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let link = house.ticket(&company, "/companies?tab=m365", None).await;
    let administrator = house.somebody(contoso, true);
    let mut browser = house.browser();

    let consent = to_consent(&mut browser, link, administrator).await;
    assert_eq!(consent.path(), format!("/{contoso}/v2.0/adminconsent"));
    let back = browser
        .choose(
            consent,
            &[("account", &administrator.to_string()), ("decision", "grant")],
        )
        .await;
    let response = browser.get(back).await;

    assert_eq!(
        location(&response),
        house.at(&format!("/companies?tab=m365&connected={}", company.id))
    );
    let tenant = tenant_of(&house, &company).await;
    assert_eq!(tenant["status"], "CONNECTED");
    assert_eq!(tenant["entra_tenant_id"], json!(contoso));
    assert_eq!(tenant["consented_oid"], json!(administrator));
    assert_eq!(tenant["role_proven"], json!(true));
    assert_eq!(
        runs_of(&house, &company).await,
        [json!({"trigger": "INITIAL", "status": "QUEUED", "requested_by": "Megan Bowen"})]
    );
    assert!(
        !browser.cookies.contains_key("tenantry"),
        "a client's administrator is not signed in here"
    );
}

#[tokio::test]
async fn a_return_to_the_psa_lands_there() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let link = house.ticket(&company, &format!("{PSA}/companies/7#m365"), None).await;
    let mut browser = house.browser();
    let consent = to_consent(&mut browser, link, house.somebody(contoso, true)).await;
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    assert_eq!(
        location(&browser.get(back).await).as_str(),
        format!("{PSA}/companies/7?connected={}#m365", company.id)
    );
}

#[tokio::test]
async fn a_link_is_good_once_and_for_half_an_hour() {
    let house = House::toys().await;
    let company = house.company("Contoso").await;
    let link = house.ticket(&company, "/", None).await;
    let looked = house.http.head(link.clone()).send().await.unwrap();
    assert_eq!(
        looked.status(),
        StatusCode::OK,
        "a mail program that looks does not use it up"
    );
    assert_eq!(house.browser().get(link.clone()).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(house.browser().get(link).await.status(), StatusCode::GONE);

    let late = house.ticket(&company, "/", None).await;
    house.sql("update connect_ticket set expires_at = now()").await;
    assert_eq!(house.browser().get(late).await.status(), StatusCode::GONE);
    for path in ["/connect/start", "/connect/start?ticket=", "/connect/start?ticket=x"] {
        assert_eq!(
            house.browser().get(house.at(path)).await.status(),
            StatusCode::GONE,
            "{path}"
        );
    }
}

#[tokio::test]
async fn somebody_who_is_no_administrator_cannot_connect() {
    let house = House::toys().await;
    let contoso = house.add_tenant(5).await;
    let company = house.company("Contoso").await;
    let link = house.ticket(&company, &format!("{PSA}/companies/7"), None).await;
    let response = house.browser().sign_in(link, house.somebody(contoso, false)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let page = response.text().await.unwrap();
    assert!(
        page.contains("not an administrator") && page.contains(&format!("href=\"{PSA}/companies/7\"")),
        "{page}"
    );
    assert_not_connected(&house, &company, Some("cannot consent for their whole tenant")).await;
    house.ticket(&company, "/", None).await;
    assert_not_connected(&house, &company, None).await;
}

#[tokio::test]
async fn where_the_token_tells_no_roles_the_first_run_has_to_look() {
    let house = House::built(Plan {
        emit_wids: false,
        ..Plan::default()
    })
    .await;
    let contoso = house.add_tenant(5).await;
    let company = house.company("Contoso").await;
    let link = house.ticket(&company, "/", None).await;
    let mut browser = house.browser();
    let consent = to_consent(&mut browser, link, house.somebody(contoso, false)).await;
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    assert_eq!(browser.get(back).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(tenant_of(&house, &company).await["role_proven"], json!(false));
}

#[tokio::test]
async fn a_refused_consent_is_told_in_plain_words_with_a_way_back() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let link = house.ticket(&company, "/companies", None).await;
    let mut browser = house.browser();
    let consent = to_consent(&mut browser, link, house.somebody(contoso, true)).await;
    let back = browser.choose(consent, &[("decision", "refuse")]).await;
    assert!(
        back.query_pairs()
            .any(|(name, value)| name == "admin_consent" && value == "True"),
        "{back}"
    );
    let response = browser.get(back.clone()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let page = response.text().await.unwrap();
    assert!(
        page.contains("The tenant was not connected") && page.contains("href=\"/companies\""),
        "{page}"
    );
    assert_not_connected(&house, &company, Some("declined at Microsoft")).await;
    assert_eq!(
        browser.get(back).await.status(),
        StatusCode::BAD_REQUEST,
        "the state is used up"
    );
}

#[tokio::test]
async fn the_callbacks_tenant_is_compared_and_never_believed() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let fabrikam = house.add_tenant(4).await;
    let company = house.company("Contoso").await;
    for forged in [
        fabrikam.to_string(),
        String::new(),
        "organizations".into(),
        contoso.to_string().replace('-', "x"),
    ] {
        let link = house.ticket(&company, "/", None).await;
        let mut browser = house.browser();
        let consent = to_consent(&mut browser, link, house.somebody(contoso, true)).await;
        let state = consent
            .query_pairs()
            .find(|(name, _)| name == "state")
            .expect("a state")
            .1
            .into_owned();
        let mut back = house.at("/connect/callback");
        back.query_pairs_mut()
            .append_pair("admin_consent", "True")
            .append_pair("tenant", &forged)
            .append_pair("state", &state);
        assert_eq!(browser.get(back).await.status(), StatusCode::BAD_REQUEST, "{forged}");
        assert_not_connected(&house, &company, Some("consented for another")).await;
    }
}

#[tokio::test]
async fn a_consent_comes_back_to_the_browser_that_went() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let mut browser = house.browser();
    let consent = to_consent(
        &mut browser,
        house.ticket(&company, "/", None).await,
        house.somebody(contoso, true),
    )
    .await;
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    assert_eq!(
        house.browser().get(back.clone()).await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        browser.get(back).await.status(),
        StatusCode::BAD_REQUEST,
        "the stranger has used it up"
    );
    assert_not_connected(&house, &company, None).await;
}

#[tokio::test]
async fn the_state_of_a_sign_in_is_no_state_of_a_consent() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let mut browser = house.browser();
    let authorize = location(&browser.get(house.ticket(&company, "/", None).await).await);
    let state = authorize
        .query_pairs()
        .find(|(name, _)| name == "state")
        .expect("a state")
        .1
        .into_owned();
    let mut back = house.at("/connect/callback");
    back.query_pairs_mut()
        .append_pair("admin_consent", "True")
        .append_pair("tenant", &contoso.to_string())
        .append_pair("state", &state);
    assert_eq!(browser.get(back).await.status(), StatusCode::BAD_REQUEST);
    assert_not_connected(&house, &company, None).await;
}

#[tokio::test]
async fn a_tenant_that_is_connected_elsewhere_is_refused_without_naming_where() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let mut pages = Vec::new();
    for name in ["First of all", "Second of all"] {
        let company = house.company(name).await;
        let mut browser = house.browser();
        let consent = to_consent(
            &mut browser,
            house.ticket(&company, "/", None).await,
            house.somebody(contoso, true),
        )
        .await;
        let back = browser.choose(consent, &[("decision", "grant")]).await;
        let response = browser.get(back).await;
        pages.push((response.status(), response.text().await.unwrap()));
    }
    assert_eq!(pages[0].0, StatusCode::SEE_OTHER);
    assert_eq!(pages[1].0, StatusCode::CONFLICT);
    let trail = house
        .rows("select actor_kind, actor_id, subject, outcome, reason from audit_event where action = 'CONNECT' order by id")
        .await;
    let by = format!("{contoso}/{}", house.somebody(contoso, true));
    let attempt = |outcome: &str, reason: Value| json!({"actor_kind": "NOBODY", "actor_id": by, "subject": contoso, "outcome": outcome, "reason": reason});
    assert_eq!(
        trail,
        [attempt("DONE", Value::Null), attempt("REFUSED", json!("TENANT_TAKEN"))]
    );
    assert!(
        pages[1].1.contains("already connected") && !pages[1].1.contains("First of all"),
        "{}",
        pages[1].1
    );
}

#[tokio::test]
async fn a_tenant_that_does_not_own_the_expected_domain_is_refused() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let mut browser = house.browser();
    let link = house.ticket(&company, "/", Some("fabrikam.example")).await;
    let consent = to_consent(&mut browser, link, house.somebody(contoso, true)).await;
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    let response = browser.get(back).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(response.text().await.unwrap().contains("does not own fabrikam.example"));
    assert_not_connected(&house, &company, Some("does not own the domain")).await;
}

#[tokio::test]
async fn a_domain_that_is_seen_to_hold_is_no_longer_expected() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let company = house.company("Contoso").await;
    let mut browser = house.browser();
    let link = house.ticket(&company, "/", Some(&house.domain(contoso))).await;
    let consent = to_consent(&mut browser, link, house.somebody(contoso, true)).await;
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    assert_eq!(browser.get(back).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(tenant_of(&house, &company).await["expected_domain"], Value::Null);
}

#[tokio::test]
async fn a_domain_that_microsoft_cannot_tell_yet_is_left_to_the_first_run() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    house
        .control(
            "PATCH",
            &format!("tenants/{contoso}"),
            json!({"consentDelayRequests": 1000}),
        )
        .await;
    let company = house.company("Contoso").await;
    let mut browser = house.browser();
    let link = house.ticket(&company, "/", Some("Fabrikam.example")).await;
    let consent = to_consent(&mut browser, link, house.somebody(contoso, true)).await;
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    assert_eq!(browser.get(back).await.status(), StatusCode::SEE_OTHER);
    let tenant = tenant_of(&house, &company).await;
    assert_eq!(
        (&tenant["status"], &tenant["expected_domain"]),
        (&json!("CONNECTED"), &json!("fabrikam.example"))
    );
}
