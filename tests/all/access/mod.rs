//! Who may come in, what they see, and how it ends.

mod ending;
mod links;
mod locks;
mod portal;
mod rights;
mod sessions;
mod staff;
mod tokens;
mod trail;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::model::Company;
use uuid::Uuid;

use crate::support::house::{Browser, House};

/// A company that is connected to a tenant of the simulator; nobody of it is a contact yet.
pub(crate) struct Client {
    pub(crate) company: Company,
    tenant: Uuid,
    pub(crate) person: Uuid,
    colleague: Uuid,
}

async fn client(house: &House, name: &str) -> Client {
    let tenant = house.add_tenant(3).await;
    let company = house.company(name).await;
    house
        .sql(&format!(
            "insert into tenant (company_id, entra_tenant_id, status) values ('{}', '{tenant}', 'CONNECTED')",
            company.id
        ))
        .await;
    let (person, colleague) = (house.somebody(tenant, false), house.somebody(tenant, true));
    let client = Client {
        company,
        tenant,
        person,
        colleague,
    };
    client.add_contact(house, person, "Adele").await;
    client.add_contact(house, colleague, "Colleague").await;
    client
}

impl Client {
    /// A contact with a device; our ids are Microsoft's.
    async fn add_contact(&self, house: &House, person: Uuid, name: &str) {
        let company = self.company.id;
        house
            .sql(&format!(
                "insert into contact (id, company_id, entra_id, state, display_name, user_type, account_enabled, business_phones,
                                      licensed, created_at, updated_at)
                 values ('{person}', '{company}', '{person}', 'ACTIVE', '{name}', 'Member', true, '{{}}', true, now(), now())"
            ))
            .await;
        house
            .sql(&format!(
                "insert into asset (id, company_id, entra_id, state, hostname, user_entra_id, created_at, updated_at)
                 values (gen_random_uuid(), '{company}', gen_random_uuid(), 'ACTIVE', '{name}-PC', '{person}', now(), now())"
            ))
            .await;
    }

    /// A group with these members, people or groups; our id is Microsoft's.
    pub(crate) async fn add_group(&self, house: &House, name: &str, members: &[(Uuid, &str)]) -> Uuid {
        let (id, company) = (Uuid::now_v7(), self.company.id);
        house
            .sql(&format!(
                "insert into contact_group (id, company_id, entra_id, state, display_name, mail_enabled, security_enabled,
                                            microsoft_365, created_at, updated_at)
                 values ('{id}', '{company}', '{id}', 'ACTIVE', '{name}', false, true, false, now(), now())"
            ))
            .await;
        for (member, kind) in members {
            house
                .sql(&format!(
                    "insert into contact_group_member (company_id, group_entra_id, member_entra_id, member_kind)
                     values ('{company}', '{id}', '{member}', '{kind}')"
                ))
                .await;
        }
        id
    }

    pub(crate) async fn let_in(&self, house: &House, group: Uuid, role: &str) {
        let company = self.company.id;
        house
            .sql(&format!(
                "insert into portal_access_group (company_id, group_id, role) values ('{company}', '{group}', '{role}')"
            ))
            .await;
    }

    /// In a browser of the person's own; whether they came in, and what the page says otherwise.
    pub(crate) async fn sign_in(&self, house: &House, person: Uuid) -> Result<Browser, String> {
        let mut browser = house.browser();
        let response = browser.sign_in(house.at("/auth/sign-in"), person).await;
        match response.status() {
            StatusCode::SEE_OTHER => Ok(browser),
            StatusCode::FORBIDDEN => Err(response.text().await.expect("a page")),
            status => panic!("{status}"),
        }
    }
}

/// What GraphQL answers to whoever is signed in with this browser.
async fn ask(house: &House, browser: &Browser, query: &str) -> Value {
    let request = house
        .http
        .post(house.at("/graphql"))
        .header("Cookie", browser.cookie())
        .header("Origin", browser.origin())
        .json(&json!({"query": query}));
    let response = request.send().await.expect("an answer");
    serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
}

/// Asks, and answers what the only root field answers; panics when there are errors.
async fn done(house: &House, browser: &Browser, query: &str) -> Value {
    let answer = ask(house, browser, query).await;
    assert_eq!(answer["errors"], Value::Null, "{query}: {answer}");
    let data = answer["data"].as_object().expect("data");
    let payload = data.values().next().expect("a root field").clone();
    if !payload["userErrors"].is_null() {
        assert_eq!(payload["userErrors"], json!([]), "{query}: {answer}");
    }
    payload
}

/// The events of this action, oldest first.
async fn trail(house: &House, action: &str) -> Vec<Value> {
    house
        .rows(&format!(
            "select * from audit_event where action = '{action}' order by at, id"
        ))
        .await
}

async fn is_nobody(house: &House, browser: &Browser) -> bool {
    let answer = ask(house, browser, "{ viewer { role } }").await;
    answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
}

fn names(connection: &Value, field: &str) -> Vec<String> {
    let edges = connection["edges"].as_array().expect("edges");
    edges
        .iter()
        .map(|edge| edge["node"][field].as_str().expect("a name").to_owned())
        .collect()
}

const EVERYTHING: &str = "{
    viewer { kind role contact { displayName } }
    companies { totalCount edges { node { name tenant { status } syncRules { includeGuests } } } }
    contacts { totalCount edges { node { displayName } } }
    assets { totalCount edges { node { hostname } } }
    groups { totalCount edges { node { displayName members { edges { node { ... on Contact { displayName } } } } } } }
    syncRuns { totalCount }
}";

pub(crate) async fn two_clients(house: &House) -> (Client, Client) {
    let ours = client(house, "Contoso").await;
    let theirs = client(house, "Fabrikam").await;
    for client in [&ours, &theirs] {
        client
            .add_group(
                house,
                "Everybody",
                &[(client.person, "USER"), (client.colleague, "USER")],
            )
            .await;
        client.add_group(house, "Others", &[(client.colleague, "USER")]).await;
        let company = client.company.id;
        house
            .sql(&format!(
                "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before)
                 values (gen_random_uuid(), '{company}', 'IDENTITY', 'MANUAL', 'AUTO', false, 'QUEUED', 'x', 'x', now(), now())"
            ))
            .await;
    }
    (ours, theirs)
}
