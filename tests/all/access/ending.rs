//! The right to be here ends where Microsoft says so: at the next sync, with all that is open.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use tenantry::http::Timing;
use tenantry::model::Company;
use tenantry::model::sync_run::lease;
use tenantry::sync::Engine;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ask;
use crate::doors_socket::Socket;
use crate::support::house::{Browser, House, Plan};
use crate::support::world::CLIENT_ID;

/// A company that is connected and synced for real, with a worker at hand.
pub struct Synced {
    pub house: House,
    engine: Engine,
    pub company: Company,
    pub tenant: Uuid,
    pub staff: Browser,
}

impl Synced {
    pub async fn begin() -> Self {
        Self::of(5).await
    }

    /// With so many people.
    pub async fn of(people: u32) -> Self {
        let timing = Timing {
            recheck: Duration::from_millis(20),
            ..Timing::default()
        };
        let house = House::built(Plan {
            timing,
            ..Plan::default()
        })
        .await;
        let tenant = house.add_tenant(people).await;
        let company = house.company("Contoso").await;
        house
            .control("PUT", &format!("tenants/{tenant}/consents/{CLIENT_ID}"), json!({}))
            .await;
        house
            .sql(&format!(
                "insert into tenant (company_id, entra_tenant_id, status, role_proven, connected_at)
                 values ('{}', '{tenant}', 'CONNECTED', true, '2026-01-05T08:00:00Z')",
                company.id
            ))
            .await;
        let (engine, staff) = (house.engine().await, house.staff().await);
        let synced = Self {
            house,
            engine,
            company,
            tenant,
            staff,
        };
        assert_eq!(synced.sync().await, "SUCCEEDED");
        synced
    }

    pub fn company_id(&self) -> String {
        IdOf::Company.show(self.company.id).0
    }

    /// A technician asks for a sync, and it is performed; how it ended.
    pub async fn sync(&self) -> String {
        let sync = format!(
            r#"mutation {{ syncCompany(input: {{companyId: "{}"}}) {{ userErrors {{ message }} }} }}"#,
            self.company_id()
        );
        let answer = ask(&self.house, &self.staff, &sync).await;
        assert_eq!(answer["data"]["syncCompany"]["userErrors"], json!([]), "{answer}");
        let newest = "select id, status from sync_run order by queued_at desc, id desc limit 1";
        let run: Uuid = serde_json::from_value(self.house.rows(newest).await[0]["id"].clone()).expect("an id");
        let mut conn = self.house.pool.get().await.expect("a connection");
        let claim = lease::claim(&mut conn, run, "a test", Duration::from_secs(600)).await;
        drop(conn);
        let claim = claim.expect("the database answers").expect("the run can be claimed");
        self.engine.perform(claim, CancellationToken::new()).await;
        self.house.rows(newest).await[0]["status"]
            .as_str()
            .expect("a status")
            .to_owned()
    }

    /// Somebody of the tenant who is let into the portal as a MANAGER, signed in.
    pub async fn manager(&self) -> (Uuid, Browser) {
        let person = self.house.somebody(self.tenant, false);
        let group = self
            .house
            .control(
                "POST",
                &format!("tenants/{}/groups", self.tenant),
                json!({"displayName": "Managers"}),
            )
            .await;
        let group = group["id"].as_str().expect("an id").to_owned();
        self.house
            .control(
                "PUT",
                &format!("tenants/{}/groups/{group}/members/{person}", self.tenant),
                Value::Null,
            )
            .await;
        assert_eq!(self.sync().await, "SUCCEEDED");
        self.house
            .sql(&format!(
                "insert into portal_access_group (company_id, group_id, role)
                 select company_id, id, 'MANAGER' from contact_group where entra_id = '{group}'"
            ))
            .await;
        let mut browser = self.house.browser();
        let answer = browser.sign_in(self.house.at("/auth/sign-in"), person).await;
        assert_eq!(answer.status(), 303);
        (person, browser)
    }
}

#[tokio::test]
async fn somebody_disabled_at_microsoft_is_out_after_the_next_sync_with_all_that_is_open() {
    let synced = Synced::begin().await;
    let (person, browser) = synced.manager().await;
    let (house, company) = (&synced.house, synced.company_id());
    let watch = format!(r#"subscription {{ syncStatus(companyId: "{company}") {{ status }} }}"#);
    let mut socket = Socket::of_browser(house, &browser).await;
    socket.subscribe("a", &watch).await;
    assert_eq!(socket.hear().await["type"], "next");
    let stream = house
        .http
        .post(house.at("/graphql/stream"))
        .header("Cookie", browser.cookie())
        .header("Origin", browser.origin())
        .header("Accept", "text/event-stream")
        .json(&json!({"query": watch}))
        .send()
        .await
        .expect("a stream");

    house
        .control(
            "PATCH",
            &format!("tenants/{}/people/{person}", synced.tenant),
            json!({"accountEnabled": false}),
        )
        .await;
    assert_eq!(
        ask(house, &browser, "{ viewer { role } }").await["data"]["viewer"]["role"],
        "MANAGER",
        "what no sync has seen is not known"
    );
    assert_eq!(synced.sync().await, "SUCCEEDED");

    assert_eq!(
        socket.farewell().await,
        (4403, "Forbidden: the session has ended, or the right to it".to_owned())
    );
    let told = stream.text().await.expect("the stream ends");
    assert!(told.contains("The session or token has ended"), "{told}");
    assert!(told.ends_with("event: complete\ndata: \n\n"), "{told}");
    let answer = ask(house, &browser, "{ viewer { role } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let sessions = format!("select id from session where oid = '{person}'");
    assert!(house.rows(&sessions).await.is_empty());

    // Entra itself lets nobody in whose account is disabled; a sign-in that was under way is refused by us.
    house
        .control(
            "PATCH",
            &format!("tenants/{}/people/{person}", synced.tenant),
            json!({"accountEnabled": true}),
        )
        .await;
    let again = house.browser().sign_in(house.at("/auth/sign-in"), person).await;
    assert_eq!(again.status(), 403);
    assert!(again.text().await.expect("a page").contains("Your account is disabled"));
}

#[tokio::test]
async fn consent_that_is_revoked_ends_the_portal_at_the_next_sync() {
    let synced = Synced::begin().await;
    let (person, browser) = synced.manager().await;
    let house = &synced.house;
    house
        .control(
            "DELETE",
            &format!("tenants/{}/consents/{CLIENT_ID}", synced.tenant),
            Value::Null,
        )
        .await;
    assert_eq!(synced.sync().await, "FAILED");
    let answer = ask(house, &browser, "{ viewer { role } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let again = house.browser().sign_in(house.at("/auth/sign-in"), person).await;
    assert!(again.text().await.expect("a page").contains("connection has ended"));
    let sessions = format!("select id from session where oid = '{person}'");
    assert!(
        house.rows(&sessions).await.is_empty(),
        "it does not come back with the consent"
    );
}
