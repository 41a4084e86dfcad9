//! GraphQL over HTTP and over server-sent events: who is let in, and in which shape.

use reqwest::header::{ACCEPT, ALLOW, CONTENT_TYPE, COOKIE, ORIGIN};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tenantry::http::Executor;

use crate::support::house::{House, PSA, Plan};
use crate::support::toys::{Seen, toys_that_tell};

/// The status, and the code of the first error.
async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body.get("data"), None, "what is refused has no data");
    (
        status,
        body["errors"][0]["extensions"]["code"]
            .as_str()
            .expect("a code")
            .to_owned(),
    )
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_service_token_may_ask() {
    let house = House::open().await;
    let response = house.post("{ viewer { name } }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({"data": {"viewer": {"name": "The tests"}}})
    );
}

#[tokio::test]
async fn nobody_is_told_to_sign_in() {
    let house = House::open().await;
    let nobody = refused(401, "UNAUTHENTICATED");
    let document = json!({"query": "{ viewer { name } }"});
    let at = house.at("/graphql");
    assert_eq!(
        refusal(house.http.post(at.clone()).json(&document).send().await.unwrap()).await,
        nobody
    );
    assert_eq!(
        refusal(
            house
                .http
                .get(house.at("/graphql?query={__typename}"))
                .send()
                .await
                .unwrap()
        )
        .await,
        nobody
    );
    let stream = house.http.post(house.at("/graphql/stream")).json(&document);
    assert_eq!(refusal(stream.send().await.unwrap()).await, nobody);
    for token in [
        "",
        "tnt_",
        "tnt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &house.token[..46],
        "x",
    ] {
        let request = house.http.post(at.clone()).bearer_auth(token).json(&document);
        assert_eq!(refusal(request.send().await.unwrap()).await, nobody, "{token}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_opens_nothing() {
    let house = House::open().await;
    house.sql("update service_token set expires_at = now()").await;
    assert_eq!(
        refusal(house.post("{ __typename }").send().await.unwrap()).await,
        refused(401, "UNAUTHENTICATED")
    );
    house
        .sql("update service_token set expires_at = now() + interval '1 day', revoked_at = now()")
        .await;
    assert_eq!(
        refusal(house.post("{ __typename }").send().await.unwrap()).await,
        refused(401, "UNAUTHENTICATED")
    );
}

#[tokio::test]
async fn no_simple_request_runs_a_mutation() {
    let seen = Seen::default();
    let house = House::built(Plan {
        executor: Some(Executor::new(toys_that_tell(&seen))),
        ..Plan::default()
    })
    .await;
    let body = r#"{"query":"mutation { bump }"}"#;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ] {
        let request = house
            .http
            .post(house.at("/graphql"))
            .bearer_auth(&house.token)
            .header(CONTENT_TYPE, content_type);
        assert_eq!(
            refusal(request.body(body).send().await.unwrap()).await,
            refused(415, "BAD_INPUT"),
            "{content_type}"
        );
    }
    let bare = house
        .http
        .post(house.at("/graphql"))
        .bearer_auth(&house.token)
        .body(body);
    assert_eq!(refusal(bare.send().await.unwrap()).await, refused(415, "BAD_INPUT"));
    let by_get = house
        .http
        .get(house.at("/graphql?query=mutation{bump}"))
        .bearer_auth(&house.token)
        .send()
        .await
        .unwrap();
    assert_eq!(by_get.headers()[ALLOW], "POST");
    assert_eq!(refusal(by_get).await, refused(405, "BAD_INPUT"));
    assert!(seen.all().is_empty(), "none of them ran");

    assert_eq!(
        house.post("mutation { bump }").send().await.unwrap().status(),
        StatusCode::OK
    );
    assert_eq!(seen.all(), ["bump"]);
}

#[tokio::test]
async fn a_get_with_another_content_type_is_refused() {
    let house = House::toys().await;
    let get = |content_type: &'static str| {
        house
            .http
            .get(house.at("/graphql?query={hello}"))
            .bearer_auth(&house.token)
            .header(CONTENT_TYPE, content_type)
    };
    assert_eq!(
        refusal(get("text/plain").send().await.unwrap()).await,
        refused(415, "BAD_INPUT")
    );
    assert_eq!(get("application/json").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_get_with_a_session_needs_the_header_that_no_link_can_set() {
    let house = House::toys().await;
    let staff = house.staff().await;
    let get = || {
        house
            .http
            .get(house.at("/graphql?query={hello}"))
            .header(COOKIE, staff.cookie())
    };
    assert_eq!(refusal(get().send().await.unwrap()).await, refused(403, "FORBIDDEN"));
    assert_eq!(
        get().header("x-tenantry-request", "1").send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn another_sites_page_cannot_use_a_session() {
    let house = House::toys().await;
    let staff = house.staff().await;
    let post = || {
        house
            .http
            .post(house.at("/graphql"))
            .header(COOKIE, staff.cookie())
            .json(&json!({"query": "{ hello }"}))
    };
    for origin in [
        "https://evil.example",
        "null",
        "https://psa.example.evil.example",
        "http://psa.example",
        "",
    ] {
        let request = post().header(ORIGIN, origin);
        assert_eq!(
            refusal(request.send().await.unwrap()).await,
            refused(403, "FORBIDDEN"),
            "{origin}"
        );
    }
    for site in ["cross-site", "same-site", "none"] {
        let request = post().header("sec-fetch-site", site);
        assert_eq!(
            refusal(request.send().await.unwrap()).await,
            refused(403, "FORBIDDEN"),
            "{site}"
        );
    }
    for origin in [PSA, &staff.origin()] {
        assert_eq!(
            post().header(ORIGIN, origin).send().await.unwrap().status(),
            StatusCode::OK,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn only_allowed_origins_may_read_answers() {
    let house = House::toys().await;
    let preflight = |origin: &'static str| {
        house
            .http
            .request(reqwest::Method::OPTIONS, house.at("/graphql"))
            .header(ORIGIN, origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-tenantry-request")
    };
    let allowed = preflight(PSA).send().await.unwrap();
    assert_eq!(allowed.headers()["access-control-allow-origin"], PSA);
    assert_eq!(allowed.headers()["access-control-allow-credentials"], "true");
    let stranger = preflight("https://evil.example").send().await.unwrap();
    assert_eq!(stranger.headers().get("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let house = House::toys().await;
    let body = json!({"query": "{ hello }", "variables": {"x": "a".repeat(256 * 1024)}});
    let request = house
        .http
        .post(house.at("/graphql"))
        .bearer_auth(&house.token)
        .json(&body);
    assert_eq!(refusal(request.send().await.unwrap()).await, refused(413, "LIMIT"));
    let fits = json!({"query": "{ hello }", "variables": {"x": "a".repeat(250 * 1024)}});
    let request = house
        .http
        .post(house.at("/graphql"))
        .bearer_auth(&house.token)
        .json(&fits);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn batches_and_malformed_requests_are_refused() {
    let house = House::toys().await;
    for body in [
        json!([{"query": "{ hello }"}]),
        json!([]),
        json!("{ hello }"),
        json!({}),
        json!({"query": 1}),
        json!({"query": null}),
        json!({"query": "{ hello }", "variables": "x"}),
        json!({"query": "{ hello }", "variables": []}),
        json!({"query": "{ hello }", "operationName": 1}),
        json!({"query": "{ hello }", "extensions": "x"}),
    ] {
        let request = house
            .http
            .post(house.at("/graphql"))
            .bearer_auth(&house.token)
            .json(&body);
        assert_eq!(
            refusal(request.send().await.unwrap()).await,
            refused(400, "BAD_INPUT"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn subscriptions_do_not_run_over_plain_http() {
    let house = House::toys().await;
    for accept in [
        "application/json",
        "multipart/mixed, application/json",
        "application/graphql-response+json",
    ] {
        let request = house.post("subscription { count(to: 3) }").header(ACCEPT, accept);
        assert_eq!(
            refusal(request.send().await.unwrap()).await,
            refused(400, "BAD_INPUT"),
            "{accept}"
        );
    }
    let by_get = house
        .http
        .get(house.at("/graphql?query=subscription{count(to:3)}"))
        .bearer_auth(&house.token);
    assert_eq!(refusal(by_get.send().await.unwrap()).await, refused(400, "BAD_INPUT"));
    let other = house.post("{ hello }").header(ACCEPT, "text/html");
    assert_eq!(refusal(other.send().await.unwrap()).await, refused(406, "BAD_INPUT"));
}

#[tokio::test]
async fn a_document_beyond_the_limits_is_refused_at_every_door() {
    let house = House::open().await;
    let aliases: String = (0..31).map(|n| format!("a{n}: name ")).collect();
    let document = format!("{{ viewer {{ {aliases} }} }}");
    let plain = house
        .post(&document)
        .header(ACCEPT, "application/graphql-response+json");
    assert_eq!(refusal(plain.send().await.unwrap()).await, refused(400, "LIMIT"));
    let stream = house
        .http
        .post(house.at("/graphql/stream"))
        .bearer_auth(&house.token)
        .header(ACCEPT, "text/event-stream")
        .json(&json!({"query": document}));
    assert!(stream.send().await.unwrap().text().await.unwrap().contains("LIMIT"));
}

#[tokio::test]
async fn what_graphiql_asks_of_the_schema_is_within_the_limits() {
    let house = House::open().await;
    let of_type = |depth: usize| {
        let mut selection = String::from("kind name");
        for _ in 0..depth {
            selection = format!("kind name ofType {{ {selection} }}");
        }
        selection
    };
    let input = format!(
        "name description type {{ {} }} defaultValue isDeprecated deprecationReason",
        of_type(9)
    );
    let document = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
           types {{ ...FullType }} directives {{ name description locations args {{ {input} }} }} }} }}
         fragment FullType on __Type {{ kind name description
           fields(includeDeprecated: true) {{ name description args {{ {input} }} type {{ {of} }} isDeprecated deprecationReason }}
           inputFields {{ {input} }} interfaces {{ {of} }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ {of} }} }}",
        of = of_type(9),
    );
    let answer: Value = house.post(&document).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer.get("errors"), None);
    assert!(
        answer["data"]["__schema"]["types"]
            .as_array()
            .is_some_and(|types| types.len() > 30)
    );
}

#[tokio::test]
async fn a_stream_tells_every_answer_and_then_that_it_is_complete() {
    let house = House::toys().await;
    let request = house
        .http
        .post(house.at("/graphql/stream"))
        .bearer_auth(&house.token)
        .header(ACCEPT, "text/event-stream")
        .json(&json!({"query": "subscription { count(to: 2) }"}));
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream; charset=utf-8");
    assert_eq!(
        response.text().await.unwrap(),
        ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata: \n\n"
    );
}

#[tokio::test]
async fn a_stream_runs_no_mutation_and_takes_who_wants_events_alone() {
    let house = House::toys().await;
    let stream = |document: &str, accept: &str| {
        house
            .http
            .post(house.at("/graphql/stream"))
            .bearer_auth(&house.token)
            .header(ACCEPT, accept)
            .json(&json!({"query": document}))
    };
    let mutation = stream("mutation { bump }", "text/event-stream");
    assert_eq!(refusal(mutation.send().await.unwrap()).await, refused(400, "BAD_INPUT"));
    let json = stream("{ hello }", "application/json");
    assert_eq!(refusal(json.send().await.unwrap()).await, refused(406, "BAD_INPUT"));
}

#[tokio::test]
async fn a_stream_ends_with_its_viewers_session() {
    let timing = tenantry::http::Timing {
        recheck: std::time::Duration::from_millis(20),
        ..Default::default()
    };
    let house = House::built(Plan {
        timing,
        executor: Some(Executor::new(toys_that_tell(&Seen::default()))),
        ..Plan::default()
    })
    .await;
    let request = house
        .http
        .post(house.at("/graphql/stream"))
        .bearer_auth(&house.token)
        .header(ACCEPT, "text/event-stream")
        .json(&json!({"query": "subscription { waits }"}));
    let response = request.send().await.unwrap();
    house.sql("update service_token set revoked_at = now()").await;
    assert!(response.text().await.unwrap().ends_with("event: complete\ndata: \n\n"));
}

#[tokio::test]
async fn health_says_whether_the_house_can_serve() {
    let house = House::toys().await;
    let status = async |path: &str| house.http.get(house.at(path)).send().await.unwrap().status();
    assert_eq!(status("/health/live").await, StatusCode::OK);
    assert_eq!(status("/health/ready").await, StatusCode::OK);
    house.ready.send(false).unwrap();
    assert_eq!(status("/health/live").await, StatusCode::OK);
    assert_eq!(status("/health/ready").await, StatusCode::SERVICE_UNAVAILABLE);
}
