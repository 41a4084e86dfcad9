//! Links to connect end with the right to them, and an address says nothing that its reader has not done.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use tenantry::http::{Rate, Rates};
use url::Url;

use super::{client, done, trail};
use crate::doors_socket::{Socket, TRANSPORT, open};
use crate::support::house::{House, Plan, location};

fn disconnect(company: &str) -> String {
    format!(r#"mutation {{ disconnect(input: {{companyId: "{company}"}}) {{ userErrors {{ code }} }} }}"#)
}

#[tokio::test]
async fn a_disconnection_takes_links_and_ways_to_connect_along() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let staff = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let unused = house.ticket(&ours.company, "/", None).await;
    let administrator = ours.colleague;
    let mut browser = house.browser();
    let signed_in = browser
        .sign_in(house.ticket(&ours.company, "/", None).await, administrator)
        .await;
    let consent = location(&signed_in);

    done(&house, &staff, &disconnect(&company)).await;
    assert_eq!(house.browser().get(unused).await.status(), StatusCode::GONE);
    let back = browser
        .choose(
            consent,
            &[("account", &administrator.to_string()), ("decision", "grant")],
        )
        .await;
    assert_eq!(browser.get(back).await.status(), StatusCode::BAD_REQUEST);
    let tenant = house.rows("select status from tenant").await;
    assert_eq!(tenant, [json!({"status": "DISCONNECTED"})]);

    let late = house.ticket(&ours.company, "/", None).await;
    done(&house, &staff, &disconnect(&company)).await;
    assert_eq!(house.browser().get(late).await.status(), StatusCode::GONE, "again");
    assert_eq!(
        trail(&house, "DISCONNECT").await.len(),
        2,
        "for each that ended something"
    );
}

#[tokio::test]
async fn a_link_ends_with_the_token_that_made_it() {
    let house = House::open().await;
    let company = house.company("Contoso").await;
    let id = IdOf::Company.show(company.id).0;
    let link = async || -> Url {
        let query = format!(r#"mutation {{ connect(input: {{companyId: "{id}"}}) {{ consentUrl }} }}"#);
        let response = house.post(&query).send().await.expect("an answer");
        let answer: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
        let link = answer["data"]["connect"]["consentUrl"].as_str().expect("a link");
        link.parse().expect("an address")
    };
    let (good, late) = (link().await, link().await);
    assert_eq!(house.browser().get(good).await.status(), StatusCode::SEE_OTHER);
    house.sql("update service_token set revoked_at = now()").await;
    assert_eq!(house.browser().get(late).await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn only_the_browser_that_connected_is_told_so() {
    let house = House::open().await;
    let company = house.company("Contoso").await;
    let tenant = house.add_tenant(3).await;
    let mut browser = house.browser();
    let link = house.ticket(&company, "/", None).await;
    let consent = location(&browser.sign_in(link, house.somebody(tenant, true)).await);
    let back = browser.choose(consent, &[("decision", "grant")]).await;
    let home = location(&browser.get(back).await);
    let told = async |browser: &mut crate::support::house::Browser| {
        let page = browser.get(home.clone()).await.text().await.expect("a page");
        page.contains("The tenant is connected")
    };
    assert!(told(&mut browser).await);
    assert!(!told(&mut house.browser()).await, "anybody can write that address");
}

#[tokio::test]
async fn a_proof_that_is_given_to_a_socket_is_meant() {
    let house = House::open().await;
    let staff = house.staff().await;
    let (cookie, origin) = (staff.cookie(), staff.origin());
    for given in [json!("Basic eDp5"), json!(7), json!(null)] {
        let headers = [
            ("sec-websocket-protocol", TRANSPORT),
            ("cookie", &cookie),
            ("origin", &origin),
        ];
        let mut socket: Socket = open(&house, &headers).await.expect("a socket");
        socket
            .say(json!({"type": "connection_init", "payload": {"Authorization": given}}))
            .await;
        assert_eq!(socket.closed().await, 4403, "{given}");
    }
}

#[tokio::test]
async fn pages_are_counted_for_their_viewer_and_sign_outs_for_their_address() {
    let few = Rate {
        burst: 4,
        each: std::time::Duration::from_secs(3600),
    };
    let house = House::built(Plan {
        rates: Rates {
            viewer: few,
            sign_in: few,
            ..Rates::default()
        },
        ..Plan::default()
    })
    .await;
    let mut staff = house.staff().await;
    for path in ["/", "/graphiql", "/", "/graphiql"] {
        assert_eq!(staff.get(house.at(path)).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/", "/graphiql"] {
        assert_eq!(
            staff.get(house.at(path)).await.status(),
            StatusCode::TOO_MANY_REQUESTS,
            "{path}"
        );
    }
    // Two were spent on signing in.
    let tell = async || {
        let told = house.http.get(house.at("/auth/front-channel-logout?sid=x"));
        told.send().await.expect("an answer").status()
    };
    assert_eq!(
        [tell().await, tell().await, tell().await],
        [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]
    );
}
