//! Staff sign in and out.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_SECURITY_POLICY, COOKIE, ORIGIN, SET_COOKIE};
use serde_json::json;
use url::Url;

use crate::support::house::{Browser, House, location};
use crate::support::log::Log;

async fn may_ask(house: &House, browser: &Browser) -> bool {
    let request = house
        .http
        .post(house.at("/graphql"))
        .header(COOKIE, browser.cookie())
        .header(ORIGIN, browser.origin());
    request
        .json(&json!({"query": "{ hello }"}))
        .send()
        .await
        .unwrap()
        .status()
        == StatusCode::OK
}

#[tokio::test]
async fn a_member_of_staff_signs_in_and_is_back_where_they_were() {
    let house = House::toys().await;
    let mut browser = house.browser();
    let person = house.somebody(house.staff_tenant, false);
    let response = browser
        .sign_in(house.at("/auth/sign-in?returnTo=/graphiql"), person)
        .await;
    assert_eq!(location(&response), house.at("/graphiql"));
    let cookie = response
        .headers()
        .get_all(SET_COOKIE)
        .iter()
        .map(|value| value.to_str().unwrap())
        .find(|value| value.starts_with("tenantry="));
    let cookie = cookie.expect("a session");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    assert!(may_ask(&house, &browser).await);
    let stored = house
        .rows("select encode(secret_hash, 'hex') as hash, oid from session")
        .await;
    assert_eq!(stored[0]["oid"], json!(person));
    assert!(
        !stored[0]["hash"]
            .as_str()
            .unwrap()
            .contains(&browser.cookies["tenantry"])
    );
}

#[tokio::test]
async fn somebody_of_an_unknown_organization_does_not_come_in() {
    let house = House::toys().await;
    let contoso = house.add_tenant(3).await;
    let mut browser = house.browser();
    let response = browser
        .sign_in(house.at("/auth/sign-in"), house.somebody(contoso, true))
        .await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("Your organization is not connected here")
    );
    assert!(!browser.cookies.contains_key("tenantry"));
}

#[tokio::test]
async fn a_callback_is_good_once_and_in_its_own_browser() {
    let house = House::toys().await;
    let person = house.somebody(house.staff_tenant, false);
    let mut browser = house.browser();
    let back = browser.pick(house.at("/auth/sign-in"), person).await;

    let mut stranger = house.browser();
    assert_eq!(
        stranger.get(back.clone()).await.status(),
        StatusCode::BAD_REQUEST,
        "another browser"
    );
    assert_eq!(
        browser.get(back).await.status(),
        StatusCode::BAD_REQUEST,
        "the stranger has used it up"
    );

    let back = browser.pick(house.at("/auth/sign-in"), person).await;
    assert_eq!(browser.get(back.clone()).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(browser.get(back).await.status(), StatusCode::BAD_REQUEST, "used twice");
}

#[tokio::test]
async fn a_callback_that_comes_too_late_is_refused() {
    let house = House::toys().await;
    let mut browser = house.browser();
    let back = browser
        .pick(house.at("/auth/sign-in"), house.somebody(house.staff_tenant, false))
        .await;
    house.sql("update sign_in_flow set expires_at = now()").await;
    assert_eq!(browser.get(back).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_made_up_callback_is_refused() {
    let house = House::toys().await;
    let mut browser = house.browser();
    for path in [
        "/auth/callback",
        "/auth/callback?state=x&code=y",
        "/auth/callback?state=x&state=y",
        "/connect/callback",
        "/connect/callback?state=x&tenant=00000000-0000-0000-0000-000000000001&admin_consent=True",
    ] {
        assert_eq!(
            browser.get(house.at(path)).await.status(),
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_refusal_at_entra_is_told_in_plain_words_and_ends_the_flow() {
    let house = House::toys().await;
    let mut browser = house.browser();
    let authorize = location(&browser.get(house.at("/auth/sign-in")).await);
    let state = authorize
        .query_pairs()
        .find(|(name, _)| name == "state")
        .expect("a state")
        .1
        .into_owned();
    let mut back = house.at("/auth/callback");
    back.query_pairs_mut()
        .append_pair("state", &state)
        .append_pair("error", "access_denied")
        .append_pair("error_description", "AADSTS65004: <script>Adele</script> declined");
    let page = browser.get(back.clone()).await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    let text = page.text().await.unwrap();
    assert!(!text.contains("Adele") && !text.contains("<script>"), "{text}");
    assert!(browser.get(back).await.text().await.unwrap().contains("not known here"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_after_signing_in() {
    let house = House::toys().await;
    for bad in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let mut link = house.at("/auth/sign-in");
        link.query_pairs_mut().append_pair("returnTo", bad);
        let response = house
            .browser()
            .sign_in(link, house.somebody(house.staff_tenant, false))
            .await;
        assert_eq!(location(&response), house.at("/"), "{bad}");
    }
}

#[tokio::test]
async fn a_session_dies_of_disuse_and_of_age() {
    let house = House::toys().await;
    let browser = house.staff().await;
    house
        .sql("update session set last_seen_at = now() - interval '29 minutes'")
        .await;
    assert!(may_ask(&house, &browser).await);
    let seen = house
        .rows("select last_seen_at > now() - interval '1 minute' as now from session")
        .await;
    assert_eq!(seen, [json!({"now": true})], "to ask is to use it");
    house
        .sql("update session set last_seen_at = now() - interval '31 minutes'")
        .await;
    assert!(!may_ask(&house, &browser).await);
    house
        .sql("update session set last_seen_at = now(), expires_at = now()")
        .await;
    assert!(!may_ask(&house, &browser).await);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let house = House::toys().await;
    let mut browser = house.staff().await;
    let stolen = browser.cookies.clone();
    browser
        .sign_in(house.at("/auth/sign-in"), house.somebody(house.staff_tenant, false))
        .await;
    assert!(may_ask(&house, &browser).await);
    let mut thief = house.browser();
    thief.cookies = stolen;
    assert!(!may_ask(&house, &thief).await);
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_at_entra() {
    let house = House::toys().await;
    let mut browser = house.staff().await;
    let copy = browser.cookies.clone();
    let question = browser.get(house.at("/auth/sign-out")).await;
    assert!(
        question.text().await.unwrap().contains("<form method=\"post\""),
        "a link signs nobody out"
    );
    assert!(may_ask(&house, &browser).await);

    let response = browser.post(house.at("/auth/sign-out"), &[]).await;
    let to = location(&response);
    assert_eq!(to.path(), format!("/{}/oauth2/v2.0/logout", house.staff_tenant));
    assert!(!browser.cookies.contains_key("tenantry"));
    browser.cookies = copy;
    assert!(!may_ask(&house, &browser).await, "not with a copy of the cookie either");
}

#[tokio::test]
async fn another_site_signs_nobody_out() {
    let house = House::toys().await;
    let browser = house.staff().await;
    let request = house
        .http
        .post(house.at("/auth/sign-out"))
        .header(COOKIE, browser.cookie())
        .header(ORIGIN, "https://evil.example");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(may_ask(&house, &browser).await);
}

#[tokio::test]
async fn entras_front_channel_ends_every_session_of_its_own() {
    let house = House::toys().await;
    let browser = house.staff().await;
    let other = house.staff().await;
    house.sql("update session set sid = 'entra-' || id").await;
    let sid = house.rows("select sid from session order by id").await[0]["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    let tell = async |url: Url| house.http.get(url).send().await.unwrap();

    for path in [
        "/auth/front-channel-logout",
        "/auth/front-channel-logout?sid=",
        "/auth/front-channel-logout?sid=unknown",
    ] {
        assert_eq!(tell(house.at(path)).await.status(), StatusCode::OK, "{path}");
    }
    assert!(may_ask(&house, &browser).await);
    let told = tell(house.at(&format!("/auth/front-channel-logout?sid={sid}"))).await;
    assert_eq!(told.status(), StatusCode::OK);
    assert_eq!(told.headers()["cache-control"], "no-store");
    assert!(
        !told.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .contains("frame-ancestors"),
        "Entra frames it"
    );
    assert!(!may_ask(&house, &browser).await);
    assert!(may_ask(&house, &other).await);
}

#[tokio::test]
async fn a_front_channel_sign_out_of_no_possible_session_is_quiet() {
    let house = House::toys().await;
    // The doors run on this test's own thread.
    let log = Log::begin("warn");
    let told = house
        .http
        .get(house.at("/auth/front-channel-logout?sid=a%00b"))
        .send()
        .await
        .unwrap();
    assert_eq!(told.status(), StatusCode::OK);
    assert_eq!(log.text(), "");
}

#[tokio::test]
async fn a_look_at_the_sign_in_begins_nothing() {
    let house = House::toys().await;
    let looked = house.http.head(house.at("/auth/sign-in")).send().await.unwrap();
    assert_eq!(looked.status(), StatusCode::OK);
    assert!(house.rows("select 1 as flow from sign_in_flow").await.is_empty());
}

#[tokio::test]
async fn a_look_at_a_callback_uses_nothing_up() {
    let house = House::toys().await;
    let mut browser = house.browser();
    let back = browser
        .pick(house.at("/auth/sign-in"), house.somebody(house.staff_tenant, false))
        .await;
    for path in ["/auth/callback", "/connect/callback"] {
        let mut look = back.clone();
        look.set_path(path);
        let looked = house.http.head(look).header(COOKIE, browser.cookie());
        assert_eq!(looked.send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    assert_eq!(browser.get(back).await.status(), StatusCode::SEE_OTHER, "signed in");
}

#[tokio::test]
async fn of_too_many_sign_ins_the_oldest_are_forgotten() {
    let house = House::toys().await;
    house
        .sql(
            "insert into sign_in_flow (state_hash, browser_hash, purpose, details, expires_at)
             select decode(to_char(n, 'FM000000'), 'hex'), '', 'SIGN_IN', '{}',
                    now() + interval '1 minute' + n * interval '1 millisecond'
             from generate_series(1, 10005) n",
        )
        .await;
    let mut browser = house.browser();
    let response = browser
        .sign_in(house.at("/auth/sign-in"), house.somebody(house.staff_tenant, false))
        .await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "the newest goes through");
    let left = house
        .rows("select count(*) as flows, min(encode(state_hash, 'hex')) as oldest from sign_in_flow")
        .await;
    assert_eq!(left, [json!({"flows": 9_999, "oldest": "000007"})]);
}
