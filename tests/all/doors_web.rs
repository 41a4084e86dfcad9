//! The company page as the doors serve it: where it stands, under which policy, and how long a browser may keep it.

use std::borrow::Cow;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use reqwest::{Response, StatusCode};
use tenantry::http::Build;

use crate::support::house::{House, Plan, location};

const PAGE: &str = r#"<!doctype html><script type="module" src="/assets/index-Abc12345.js"></script>"#;
const SCRIPT: &str = "document.title = 'Tenantry';";

fn made(path: &str) -> Option<Cow<'static, [u8]>> {
    let file = match path {
        "index.html" => PAGE,
        "assets/index-Abc12345.js" => SCRIPT,
        "assets/index-Abc12345.js.br" => "as if it were compressed",
        "theme.js" => "// A theme.",
        _ => return None,
    };
    Some(Cow::Borrowed(file.as_bytes()))
}

async fn with_the_page() -> House {
    House::built(Plan {
        build: Build::new(made),
        ..Plan::default()
    })
    .await
}

async fn get(house: &House, path: &str, accept: &str) -> Response {
    let request = house.http.get(house.at(path)).header(ACCEPT, accept);
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_page_stands_on_its_own_addresses_and_nowhere_else() {
    let house = with_the_page().await;
    for path in [
        "/",
        "/companies/x",
        "/companies/x/assets?q=a",
        "/settings",
        "/settings/tokens",
    ] {
        let response = get(&house, path, "text/html,*/*").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(
            policy.contains("default-src 'none'; script-src 'self'; style-src 'self';") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(response.text().await.unwrap(), PAGE, "{path}");
    }
    for path in ["/nowhere", "/assets/other.js", "/assets/../index.html.br", "/icon.svg"] {
        let response = get(&house, path, "text/html").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let program = get(&house, "/companies/x", "application/json").await;
    assert_eq!(
        program.status(),
        StatusCode::NOT_FOUND,
        "only who asks for a page gets one"
    );
}

#[tokio::test]
async fn a_file_with_its_hash_in_its_name_is_kept_for_ever_and_the_page_is_asked_about() {
    let house = with_the_page().await;
    let script = get(&house, "/assets/index-Abc12345.js", "*/*").await;
    assert_eq!(script.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(script.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(script.text().await.unwrap(), SCRIPT);

    for path in ["/", "/theme.js"] {
        let first = get(&house, path, "text/html").await;
        assert_eq!(first.headers()[CACHE_CONTROL], "no-cache", "{path}");
        let tag = first.headers()[ETAG].clone();
        let again = house.http.get(house.at(path)).header(IF_NONE_MATCH, tag);
        let again = again.header(ACCEPT, "text/html").send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn whoever_takes_a_compressed_file_gets_it_and_others_the_plain_one() {
    let house = with_the_page().await;
    let path = "/assets/index-Abc12345.js";
    let request = house.http.get(house.at(path)).header(ACCEPT_ENCODING, "gzip, br");
    let compressed = request.send().await.unwrap();
    assert_eq!(compressed.headers()[CONTENT_ENCODING], "br");
    assert_eq!(compressed.headers()[VARY], "accept-encoding");
    assert_eq!(compressed.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(compressed.text().await.unwrap(), "as if it were compressed");
    let plain = house.http.get(house.at(path)).header(ACCEPT_ENCODING, "gzip");
    let plain = plain.send().await.unwrap();
    assert!(!plain.headers().contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn a_clients_administrator_who_is_nobody_here_is_told_that_they_connected() {
    let house = with_the_page().await;
    let company = house.company("Contoso").await;
    let tenant = house.add_tenant(3).await;
    let mut browser = house.browser();
    let link = house.ticket(&company, "/", None).await;
    let consent = location(&browser.sign_in(link, house.somebody(tenant, true)).await);
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    let home = location(&browser.get(back).await);
    let told = browser.get(home.clone()).await.text().await.unwrap();
    assert!(told.contains("The tenant is connected"), "{told}");
    let others = house.browser().get(home).await.text().await.unwrap();
    assert_eq!(others, PAGE, "anybody can write that address");
}

#[tokio::test]
async fn without_a_build_the_server_runs_and_says_how_to_make_one() {
    let house = House::toys().await;
    let mut staff = house.staff().await;
    let page = staff.get(house.at("/")).await.text().await.unwrap();
    assert!(
        page.contains("npm run build") && page.contains("Signed in as"),
        "{page}"
    );
    for path in ["/companies/x", "/settings", "/assets/index-Abc12345.js", "/theme.js"] {
        let response = get(&house, path, "text/html").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
