//! Sessions are listed, revoked, and few.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use uuid::Uuid;

use super::{ask, client, done, is_nobody, trail};
use crate::support::house::House;

#[tokio::test]
async fn a_person_has_ten_sessions_at_most_and_the_oldest_goes() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let mut browsers = Vec::new();
    for _ in 0..11 {
        browsers.push(ours.sign_in(&house, ours.person).await.expect("they come in"));
    }
    let colleague = ours.sign_in(&house, ours.colleague).await.expect("they come in");
    let mut nobodies = Vec::new();
    for browser in &browsers {
        nobodies.push(is_nobody(&house, browser).await);
    }
    assert_eq!(nobodies, [[true].as_slice(), &[false; 10]].concat());
    assert!(!is_nobody(&house, &colleague).await, "each for themselves");
    let ended = trail(&house, "REVOKE_SESSION").await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["details"]["because"], "TOO_MANY");
}

#[tokio::test]
async fn no_session_hides_behind_the_others() {
    let house = House::open().await;
    let (ours, theirs) = (client(&house, "Contoso").await, client(&house, "Fabrikam").await);
    let hidden = ours.sign_in(&house, ours.person).await.expect("they come in");
    house
        .sql(&format!(
            "insert into session (id, secret_hash, tid, oid, name, company_id, created_at, last_seen_at, expires_at)
             select gen_random_uuid(), decode(to_char(n, 'FM0000'), 'hex'), '{}', gen_random_uuid(), 'Somebody', '{}',
                    now() + n * interval '1 second', now(), now() + interval '1 hour'
             from generate_series(1, 250) n",
            theirs.tenant, theirs.company.id
        ))
        .await;
    let staff = house.staff().await;
    let all = done(
        &house,
        &staff,
        "{ sessions(last: 2) { totalCount edges { node { name current } } } }",
    )
    .await;
    assert_eq!(all["totalCount"], 252);
    assert_eq!(
        all["edges"],
        json!([{"node": {"name": me(&house).await, "current": true}}, {"node": {"name": "Adele", "current": false}}])
    );

    let company = IdOf::Company.show(ours.company.id).0;
    let of_one =
        format!(r#"{{ sessions(companyId: "{company}") {{ totalCount edges {{ node {{ id name companyId }} }} }} }}"#);
    let of_one = done(&house, &staff, &of_one).await;
    assert_eq!(of_one["totalCount"], 1);
    let node = &of_one["edges"][0]["node"];
    assert_eq!((&node["name"], &node["companyId"]), (&json!("Adele"), &json!(company)));

    let session = node["id"].as_str().expect("an id");
    let revoke = format!(
        r#"mutation {{ revokeSession(input: {{sessionId: "{session}"}}) {{ revokedSessionId userErrors {{ code }} }} }}"#
    );
    let revoked = done(&house, &staff, &revoke).await;
    assert_eq!(revoked["revokedSessionId"], json!(session));
    assert!(is_nobody(&house, &hidden).await);
}

/// The name of the member of staff.
async fn me(house: &House) -> Value {
    house
        .rows("select name from session where staff_role is not null")
        .await[0]["name"]
        .clone()
}

#[tokio::test]
async fn a_portal_user_ends_their_own_sessions_and_nobody_elses() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let here = ours.sign_in(&house, ours.person).await.expect("they come in");
    let elsewhere = ours.sign_in(&house, ours.person).await.expect("they come in");
    let colleague = ours.sign_in(&house, ours.colleague).await.expect("they come in");
    let own = done(&house, &here, "{ viewer { sessions { id current } } }").await;
    let own = own["sessions"].as_array().expect("sessions");
    assert_eq!(own.len(), 2, "newest first, and no colleague's");
    assert_eq!((&own[0]["current"], &own[1]["current"]), (&json!(false), &json!(true)));

    let revoke = |id: &str| {
        format!(
            r#"mutation {{ revokeSession(input: {{sessionId: "{id}"}}) {{ revokedSessionId userErrors {{ code }} }} }}"#
        )
    };
    let theirs = house
        .rows(&format!("select id from session where oid = '{}'", ours.colleague))
        .await;
    let theirs: Uuid = serde_json::from_value(theirs[0]["id"].clone()).expect("an id");
    let refused = ask(&house, &here, &revoke(&IdOf::Session.show(theirs).0)).await;
    assert_eq!(
        refused["data"]["revokeSession"]["userErrors"],
        json!([{"code": "NOT_FOUND"}])
    );
    assert!(!is_nobody(&house, &colleague).await);

    done(&house, &here, &revoke(own[0]["id"].as_str().expect("an id"))).await;
    assert!(is_nobody(&house, &elsewhere).await && !is_nobody(&house, &here).await);
}
