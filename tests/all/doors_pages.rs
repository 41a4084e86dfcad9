//! The pages, and the headers that every answer leaves with.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::support::house::{House, location};

#[tokio::test]
async fn every_answer_leaves_with_the_headers_that_protect_it() {
    let house = House::toys().await;
    for path in [
        "/",
        "/graphql",
        "/graphiql",
        "/health/live",
        "/nowhere",
        "/auth/sign-out",
        "/assets/page.css",
        "/graphiql/graphiql.js",
    ] {
        let response = house.http.get(house.at(path)).send().await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "same-origin", "{path}");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe-eval"), "{path}");
    }
}

#[tokio::test]
async fn somebody_who_is_signed_out_is_offered_to_sign_in() {
    let house = House::toys().await;
    let page = house
        .http
        .get(house.at("/"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("Sign in with Microsoft") && !page.contains("<script"),
        "{page}"
    );
}

#[tokio::test]
async fn staff_see_the_companies_and_no_name_becomes_markup() {
    let house = House::toys().await;
    house.company("<script>alert('x')</script>").await;
    let mut staff = house.staff().await;
    let page = staff.get(house.at("/")).await.text().await.unwrap();
    assert!(
        page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") && !page.contains("<script"),
        "{page}"
    );
    assert!(
        page.contains("Not connected") && page.contains("href=\"/graphiql\""),
        "{page}"
    );
}

#[tokio::test]
async fn graphiql_is_for_whoever_is_signed_in_and_comes_from_here_alone() {
    let house = House::toys().await;
    let response = house.browser().get(house.at("/graphiql")).await;
    assert_eq!(location(&response), house.at("/auth/sign-in?returnTo=/graphiql"));

    let mut staff = house.staff().await;
    let response = staff.get(house.at("/graphiql")).await;
    assert!(
        response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .contains("script-src 'self';")
    );
    let page = response.text().await.unwrap();
    assert!(!page.contains("://"), "nothing is loaded from elsewhere: {page}");
    for (path, content_type) in [
        ("/graphiql/graphiql.js", "text/javascript"),
        ("/graphiql/graphiql.css", "text/css"),
        ("/graphiql/LICENCES.txt", "text/plain"),
    ] {
        let file = staff.get(house.at(path)).await;
        assert_eq!(file.status(), StatusCode::OK, "{path}");
        assert!(
            file.headers()[CONTENT_TYPE].to_str().unwrap().starts_with(content_type),
            "{path}"
        );
        assert!(!file.bytes().await.unwrap().is_empty(), "{path} was built");
    }
}
