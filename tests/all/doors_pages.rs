//! The pages, and the headers that every answer leaves with.

use reqwest::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tenantry::http::Switches;
use uuid::Uuid;

use crate::support::house::{House, Plan, location};
use crate::support::log::Log;

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

fn request_id(response: &Response) -> Uuid {
    let mut ids = response.headers().get_all("x-request-id").iter();
    let id = ids.next().expect("an id").to_str().unwrap().parse().expect("a UUID");
    assert!(ids.next().is_none(), "one alone");
    id
}

#[tokio::test]
async fn every_answer_names_its_request_and_never_as_the_client_would_have_it() {
    let house = House::toys().await;
    let claimed = "00000000-0000-7000-8000-000000000000";
    let mut ids = Vec::new();
    for path in [
        "/",
        "/graphql",
        "/graphql/stream",
        "/graphiql",
        "/health/live",
        "/nowhere",
        "/auth/sign-in",
        "/auth/callback",
        "/auth/front-channel-logout",
        "/connect/start",
        "/assets/page.css",
    ] {
        for method in ["GET", "POST", "HEAD", "OPTIONS"] {
            let request = house.http.request(method.parse().unwrap(), house.at(path));
            let response = request.header("x-request-id", claimed).send().await.unwrap();
            let id = request_id(&response);
            assert_eq!(id.get_version_num(), 7, "{method} {path}");
            ids.push(id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 44, "each has its own");
    assert!(!ids.contains(&claimed.parse().unwrap()));
}

#[tokio::test]
async fn an_internal_error_its_answer_and_the_log_name_one_request() {
    let house = House::open().await;
    house.sql("alter table company rename to company_gone").await;
    // The doors run on this test's own thread.
    let log = Log::begin("error");

    let document = "{ companies(first: 1) { edges { node { name } } } }";
    let answer = house.post(document).send().await.unwrap();
    let id = request_id(&answer).to_string();
    let said: Value = answer.json().await.unwrap();
    assert_eq!(said["errors"][0]["extensions"]["requestId"], id, "{said}");
    let stream = house
        .http
        .post(house.at("/graphql/stream"))
        .bearer_auth(&house.token)
        .header(ACCEPT, "text/event-stream")
        .json(&json!({"query": document}));
    let answer = stream.send().await.unwrap();
    let streamed = request_id(&answer).to_string();
    assert!(answer.text().await.unwrap().contains(&streamed));

    house
        .sql("alter table service_token rename to service_token_gone")
        .await;
    let broken = house.post("{ viewer { name } }").send().await.unwrap();
    assert_eq!(broken.status(), StatusCode::SERVICE_UNAVAILABLE);
    let broken = request_id(&broken).to_string();
    let written = log.text();
    for id in [id, streamed, broken] {
        assert!(written.contains(&id), "{id}: {written}");
    }
}

async fn switched(switches: Switches) -> House {
    House::built(Plan {
        switches,
        ..Plan::default()
    })
    .await
}

#[tokio::test]
async fn where_graphiql_is_off_its_addresses_lead_nowhere() {
    let house = switched(Switches {
        graphiql: false,
        ..Switches::default()
    })
    .await;
    let mut staff = house.staff().await;
    let nowhere = staff.get(house.at("/nowhere")).await.text().await.unwrap();
    for path in ["/graphiql", "/graphiql/graphiql.js"] {
        let response = staff.get(house.at(path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.text().await.unwrap(), nowhere, "{path}");
    }
    let home = staff.get(house.at("/")).await.text().await.unwrap();
    assert!(home.contains("Signed in as") && !home.contains("/graphiql"), "{home}");
}

#[tokio::test]
async fn where_introspection_is_off_nobody_is_told_the_schema() {
    let document = "{ __schema { queryType { name } } viewer { name } }";
    let ask = async |house: &House| -> Value {
        let answer = house.post(document).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let told = ask(&switched(Switches::default()).await).await;
    assert_eq!(told["data"]["__schema"]["queryType"]["name"], "Query", "{told}");
    let house = switched(Switches {
        introspection: false,
        ..Switches::default()
    })
    .await;
    let refused = ask(&house).await;
    assert!(!refused.to_string().contains("queryType"), "{refused}");
}
