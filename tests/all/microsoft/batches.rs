//! People by id, twenty in a request, each with a fate of its own.

use serde_json::{Value, json};
use tenantry::microsoft::Trouble;
use uuid::Uuid;

use super::fake::{Asked, Fake, ok};
use super::{TENANT, microsoft};

/// The requests in a batch: its own id and the person's.
fn wanted(asked: &Asked) -> Vec<(String, Uuid)> {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let requests = body["requests"].as_array().unwrap();
    let one = |request: &Value| {
        let url = request["url"].as_str().unwrap();
        assert!(url.starts_with("/users/") && request["method"] == "GET");
        (request["id"].as_str().unwrap().to_owned(), url[7..43].parse().unwrap())
    };
    requests.iter().map(one).collect()
}

fn found(id: &str, person: Uuid) -> Value {
    json!({"id": id, "status": 200, "headers": {"Content-Type": "application/json"}, "body": {"id": person}})
}

fn failed(id: &str, status: u16, code: &str, headers: Value) -> Value {
    json!({"id": id, "status": status, "headers": headers, "body": {"error": {"code": code, "message": ""}}})
}

fn people(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::new_v4()).collect()
}

#[tokio::test]
async fn twenty_people_fit_into_a_request_and_answers_come_in_any_order() {
    let fake = Fake::graph("$batch", |asked| {
        let responses: Vec<_> = wanted(asked)
            .iter()
            .rev()
            .map(|(id, person)| found(id, *person))
            .collect();
        ok(json!({"responses": responses}))
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let ids = people(45);
    let users = graph.users_by_id(&ids).await.unwrap();
    assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), ids);
    assert_eq!(graph.requests(), 3);
    assert_eq!(graph.users_by_id(&[]).await.unwrap().len(), 0);
    assert_eq!(graph.requests(), 3, "nobody is asked for nobody");
}

#[tokio::test]
async fn who_is_not_there_is_not_in_the_answer() {
    let ids = people(3);
    let gone = ids[1];
    let fake = Fake::graph("$batch", move |asked| {
        let one = |(id, person): &(String, Uuid)| match *person == gone {
            true => failed(id, 404, "Request_ResourceNotFound", json!({})),
            false => found(id, *person),
        };
        ok(json!({"responses": wanted(asked).iter().map(one).collect::<Vec<_>>()}))
    })
    .await;
    let users = microsoft(&fake).graph(TENANT).users_by_id(&ids).await.unwrap();
    assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
}

#[tokio::test]
async fn only_what_was_throttled_inside_a_200_is_asked_again() {
    let fake = Fake::graph("$batch", |asked| {
        let one = |(position, (id, person)): (usize, &(String, Uuid))| match (asked.nth, position % 2) {
            (0, 0) => failed(id, 429, "TooManyRequests", json!({"Retry-After": "0"})),
            _ => found(id, *person),
        };
        ok(json!({"responses": wanted(asked).iter().enumerate().map(one).collect::<Vec<_>>()}))
    })
    .await;
    let ids = people(6);
    let mut users: Vec<_> = microsoft(&fake).graph(TENANT).users_by_id(&ids).await.unwrap();
    users.sort_by_key(|user| ids.iter().position(|id| *id == user.id));
    assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), ids);
    let asked: Vec<_> = fake.asked_graph().iter().map(|asked| wanted(asked).len()).collect();
    assert_eq!(asked, [6, 3]);
}

#[tokio::test]
async fn a_long_wait_inside_a_200_is_handed_to_the_caller() {
    let fake = Fake::graph("$batch", |asked| {
        let wait = |(id, _): &(String, Uuid)| failed(id, 429, "TooManyRequests", json!({"retry-after": "90"}));
        ok(json!({"responses": wanted(asked).iter().map(wait).collect::<Vec<_>>()}))
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let trouble = graph.users_by_id(&people(2)).await.err();
    assert_eq!(
        trouble,
        Some(Trouble::Throttled {
            retry_after: std::time::Duration::from_secs(90)
        })
    );
    assert_eq!(graph.requests(), 1);
}

#[tokio::test]
async fn somebody_whom_the_answer_leaves_out_is_asked_for_again_and_never_taken_for_gone() {
    let fake = Fake::graph("$batch", |asked| {
        let all = wanted(asked);
        let answered = if asked.nth == 0 { &all[..1] } else { &all[..] };
        ok(json!({"responses": answered.iter().map(|(id, person)| found(id, *person)).collect::<Vec<_>>()}))
    })
    .await;
    let ids = people(4);
    assert_eq!(microsoft(&fake).graph(TENANT).users_by_id(&ids).await.unwrap().len(), 4);

    let silent = Fake::graph("$batch", |_| ok(json!({"responses": []}))).await;
    let trouble = microsoft(&silent).graph(TENANT).users_by_id(&ids).await.err();
    assert_eq!(trouble, Some(Trouble::Unavailable));
}

#[tokio::test]
async fn one_refused_person_refuses_the_batch() {
    for (status, code, trouble) in [
        (
            403,
            "Authorization_RequestDenied",
            Trouble::PermissionMissing {
                permission: "User.Read.All",
            },
        ),
        (403, "Authorization_IdentityNotFound", Trouble::ConsentMissing),
        (401, "InvalidAuthenticationToken", Trouble::TokenRefused),
    ] {
        let fake = Fake::graph("$batch", move |asked| {
            let all = wanted(asked);
            let mut responses: Vec<_> = all.iter().map(|(id, person)| found(id, *person)).collect();
            responses[1] = failed(&all[1].0, status, code, json!({}));
            ok(json!({"responses": responses}))
        })
        .await;
        assert_eq!(
            microsoft(&fake).graph(TENANT).users_by_id(&people(3)).await.err(),
            Some(trouble)
        );
    }
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_unexpected() {
    let fake = Fake::graph("$batch", |asked| {
        let other = |(id, _): &(String, Uuid)| found(id, Uuid::new_v4());
        ok(json!({"responses": wanted(asked).iter().map(other).collect::<Vec<_>>()}))
    })
    .await;
    let trouble = microsoft(&fake)
        .graph(TENANT)
        .users_by_id(&people(1))
        .await
        .err()
        .unwrap();
    assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }));
}
