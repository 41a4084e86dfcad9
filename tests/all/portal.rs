//! Portal users: who may come in, what they see, and how it ends.

use std::sync::Arc;

use diesel_async::RunQueryDsl;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::db::Pool;
use tenantry::graphql::id::IdOf;
use tenantry::model::{Company, Scope, session};
use uuid::Uuid;

use crate::support::house::{Browser, House};

/// A company that is connected to a tenant of the simulator; nobody of it is a contact yet.
struct Client {
    company: Company,
    tenant: Uuid,
    person: Uuid,
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
    async fn add_group(&self, house: &House, name: &str, members: &[(Uuid, &str)]) -> Uuid {
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

    async fn let_in(&self, house: &House, group: Uuid, role: &str) {
        let company = self.company.id;
        house
            .sql(&format!(
                "insert into portal_access_group (company_id, group_id, role) values ('{company}', '{group}', '{role}')"
            ))
            .await;
    }

    /// In a browser of the person's own; whether they came in, and what the page says otherwise.
    async fn sign_in(&self, house: &House, person: Uuid) -> Result<Browser, String> {
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

async fn two_clients(house: &House) -> (Client, Client) {
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

#[tokio::test]
async fn a_portal_user_sees_what_is_their_own() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let browser = ours
        .sign_in(&house, ours.person)
        .await
        .expect("an active contact comes in");

    let seen = ask(&house, &browser, EVERYTHING).await;
    assert_eq!(seen["errors"], Value::Null, "{seen}");
    let data = &seen["data"];
    assert_eq!(
        data["viewer"],
        json!({"kind": "PORTAL_USER", "role": "USER", "contact": {"displayName": "Adele"}})
    );
    let company = json!({"name": "Contoso", "tenant": null, "syncRules": null});
    assert_eq!(
        data["companies"],
        json!({"totalCount": 1, "edges": [{"node": company}]})
    );
    assert_eq!(names(&data["contacts"], "displayName"), ["Adele"]);
    assert_eq!(names(&data["assets"], "hostname"), ["Adele-PC"]);
    assert_eq!(names(&data["groups"], "displayName"), ["Everybody"]);
    let members = &data["groups"]["edges"][0]["node"]["members"];
    assert_eq!(names(members, "displayName"), ["Adele"], "not their colleagues");
    for list in ["contacts", "assets", "groups"] {
        assert_eq!(data[list]["totalCount"], 1, "{list}");
    }
    assert_eq!(data["syncRuns"]["totalCount"], 0);
}

#[tokio::test]
async fn a_manager_sees_the_whole_company_and_no_other() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let inner = ours.add_group(&house, "Inner", &[(ours.person, "USER")]).await;
    let outer = ours.add_group(&house, "Outer", &[(inner, "GROUP")]).await;
    ours.let_in(&house, outer, "MANAGER").await;
    let browser = ours
        .sign_in(&house, ours.person)
        .await
        .expect("a member of a group within comes in");

    let seen = ask(&house, &browser, EVERYTHING).await;
    assert_eq!(seen["errors"], Value::Null, "{seen}");
    let data = &seen["data"];
    assert_eq!(data["viewer"]["role"], "MANAGER");
    assert_eq!(names(&data["companies"], "name"), ["Contoso"]);
    assert_eq!(names(&data["contacts"], "displayName"), ["Adele", "Colleague"]);
    assert_eq!(names(&data["assets"], "hostname"), ["Adele-PC", "Colleague-PC"]);
    assert_eq!(data["groups"]["totalCount"], 4);
    assert_eq!(data["syncRuns"]["totalCount"], 1);
}

#[tokio::test]
async fn hidden_and_missing_look_the_same_to_a_portal_user() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let browser = ours
        .sign_in(&house, ours.person)
        .await
        .expect("an active contact comes in");
    let hidden = [
        (IdOf::Company, theirs.company.id),
        (IdOf::Contact, theirs.person),
        (IdOf::Contact, ours.colleague),
    ];
    for (of, id) in hidden {
        for (hidden, missing) in [(of.show(id), of.show(Uuid::now_v7()))] {
            let ask = async |id: &str| {
                let query = format!(
                    r#"{{ node(id: "{id}") {{ id }} company(id: "{id}") {{ name }} contacts(companyId: "{id}") {{ totalCount }} }}"#
                );
                ask(&house, &browser, &query).await
            };
            assert_eq!(ask(&hidden).await, ask(&missing).await);
        }
    }
}

#[tokio::test]
async fn a_portal_user_may_change_nothing() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    let everybody = ours.add_group(&house, "Managers", &[(ours.person, "USER")]).await;
    ours.let_in(&house, everybody, "MANAGER").await;
    let browser = ours.sign_in(&house, ours.person).await.expect("a manager comes in");
    let company = IdOf::Company.show(ours.company.id).0;
    for mutation in [
        r#"createCompany(input: {name: "x"}) { company { id } }"#.to_owned(),
        format!(r#"deleteCompany(input: {{companyId: "{company}"}}) {{ deletedCompanyId }}"#),
        format!(r#"connect(input: {{companyId: "{company}"}}) {{ consentUrl }}"#),
        format!(r#"disconnect(input: {{companyId: "{company}"}}) {{ company {{ id }} }}"#),
        format!(r#"syncCompany(input: {{companyId: "{company}"}}) {{ joined }}"#),
        format!(r#"updateSyncRules(input: {{companyId: "{company}", rules: {{}}}}) {{ syncRun {{ id }} }}"#),
        format!(r#"setPortalAccessGroups(input: {{companyId: "{company}", groups: []}}) {{ company {{ id }} }}"#),
        r#"createServiceToken(input: {name: "x", expiresInDays: 1}) { secret }"#.to_owned(),
        format!(r#"revokeServiceToken(input: {{serviceTokenId: "{company}"}}) {{ revokedServiceTokenId }}"#),
        format!(r#"releaseHeldChanges(input: {{syncRunId: "{company}"}}) {{ syncRun {{ id }} }}"#),
        format!(r#"discardHeldChanges(input: {{syncRunId: "{company}"}}) {{ syncRun {{ id }} }}"#),
    ] {
        let answer = ask(&house, &browser, &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
            "{mutation}: {answer}"
        );
    }
    for query in ["auditEvents { totalCount }", "serviceTokens { id }", "sessions { id }"] {
        let answer = ask(&house, &browser, &format!("{{ {query} }}")).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
            "{query}: {answer}"
        );
    }
}

#[tokio::test]
async fn whoever_may_not_come_in_is_told_why() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let refused = async |because: &str, words: &str| {
        let page = ours
            .sign_in(&house, ours.person)
            .await
            .err()
            .expect("a page that says why");
        assert!(page.contains(words), "{because}: {page}");
        let event = house
            .rows("select * from audit_event order by id desc limit 1")
            .await
            .remove(0);
        assert_eq!(
            (&event["outcome"], &event["reason"]),
            (&json!("REFUSED"), &json!(because))
        );
    };
    house.sql("update contact set account_enabled = false").await;
    refused("ACCOUNT_DISABLED", "Your account is disabled").await;
    house
        .sql("update contact set account_enabled = true, state = 'DEACTIVATED', deactivated_because = 'LEFT'")
        .await;
    refused("DEACTIVATED", "Your access has ended").await;
    house
        .sql("update contact set state = 'ACTIVE', deactivated_because = null, user_type = 'Guest'")
        .await;
    refused("NOT_A_CONTACT", "You are not known here yet").await;
    house.sql("update contact set user_type = 'Member'").await;
    let others = ours.add_group(&house, "Others", &[(ours.colleague, "USER")]).await;
    ours.let_in(&house, others, "USER").await;
    refused("NOT_IN_AN_ACCESS_GROUP", "not among those who may come in").await;
    house.sql("update tenant set status = 'RECONNECT_NEEDED'").await;
    refused("NOT_CONNECTED", "connection has ended").await;
}

#[tokio::test]
async fn an_attackers_tenant_cannot_be_the_victim_by_a_mail_address() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let attackers = house.add_tenant(3).await;
    let attacker = house.somebody(attackers, true);
    let (theirs, mail) = (ours.tenant, format!("victim@{}", house.domain(ours.tenant)));
    house
        .sql(&format!(
            "update contact set mail = '{mail}', user_principal_name = '{mail}'"
        ))
        .await;
    house
        .control(
            "PATCH",
            &format!("tenants/{attackers}/people/{attacker}"),
            json!({"mail": mail, "displayName": "Adele"}),
        )
        .await;
    let page = ours
        .sign_in(&house, attacker)
        .await
        .err()
        .expect("a page that says why");
    assert!(page.contains("Your organization is not connected here"), "{page}");
    assert!(house.rows("select id from session").await.is_empty(), "{theirs}");
}

#[tokio::test]
async fn a_session_ends_with_the_right_to_it_and_does_not_come_back() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let browser = ours
        .sign_in(&house, ours.person)
        .await
        .expect("an active contact comes in");
    let colleague = ours
        .sign_in(&house, ours.colleague)
        .await
        .expect("an active contact comes in");

    house
        .sql(&format!(
            "update contact set account_enabled = false where entra_id = '{}'",
            ours.person
        ))
        .await;
    let answer = ask(&house, &browser, "{ viewer { name } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "at once");

    let mut conn = house.pool.get().await.expect("a connection");
    let ended = session::end_those_without_entry(&mut conn, ours.company.id)
        .await
        .expect("they end");
    drop(conn);
    assert_eq!(ended, 1, "and no other");
    house.sql("update contact set account_enabled = true").await;
    let answer = ask(&house, &browser, "{ viewer { name } }").await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "also when they are enabled again"
    );
    assert_eq!(
        ask(&house, &colleague, "{ viewer { name } }").await["data"]["viewer"]["name"],
        "Colleague"
    );
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

const LOCKED: [&str; 11] = [
    "company",
    "tenant",
    "contact",
    "contact_group",
    "contact_group_member",
    "asset",
    "sync_rules",
    "sync_run",
    "sync_change",
    "held_change",
    "portal_access_group",
];

/// How many rows of each table somebody with this scope reads where nobody wrote a condition.
async fn unconditionally(pool: &Pool, scope: &Scope) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in LOCKED {
        let query = format!("select count(*) as rows from {table}");
        let read =
            async |conn: &mut _| -> anyhow::Result<Count> { Ok(diesel::sql_query(query).get_result(conn).await?) };
        counts.push(pool.read(scope, read).await.expect("a count").rows);
    }
    counts
}

#[tokio::test]
async fn without_any_condition_the_database_itself_shows_nothing_foreign() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let group = |client: &Client| {
        format!(
            "(select entra_id from contact_group where company_id = '{}' and display_name = 'Everybody')",
            client.company.id
        )
    };
    let everybody: Uuid = house.rows(&format!("select {} as id", group(&ours))).await[0]["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let person = |client: &Client| Scope::Person {
        company_id: client.company.id,
        entra_id: client.person,
        group_ids: Arc::from([everybody].as_slice()),
    };
    let company = |client: &Client| Scope::Companies(vec![client.company.id]);
    // One connection, used in turn: what one reader is shown must not stay for the next.
    let pool = Pool::new(house.pool.url(), 1).expect("a pool");
    for _ in 0..3 {
        assert_eq!(
            unconditionally(&pool, &company(&ours)).await,
            [1, 1, 2, 2, 3, 2, 0, 1, 0, 0, 0]
        );
        assert_eq!(
            unconditionally(&pool, &person(&ours)).await,
            [1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            unconditionally(&pool, &company(&theirs)).await,
            [1, 1, 2, 2, 3, 2, 0, 1, 0, 0, 0]
        );
        assert_eq!(unconditionally(&pool, &Scope::Companies(Vec::new())).await, [0; 11]);
        assert_eq!(
            unconditionally(&pool, &Scope::All).await,
            [2, 2, 4, 4, 6, 4, 0, 2, 0, 0, 0]
        );
    }
}

#[tokio::test]
async fn the_role_that_reads_for_viewers_sees_nothing_by_itself_and_writes_nothing() {
    let house = House::open().await;
    two_clients(&house).await;
    let client = house.pool.raw().await.expect("a connection");
    client
        .batch_execute("set role tenantry_viewer")
        .await
        .expect("the role can be taken");
    for table in LOCKED {
        let rows = client
            .query_one(&format!("select count(*) from {table}"), &[])
            .await
            .expect("a count");
        assert_eq!(rows.get::<_, i64>(0), 0, "{table}");
        assert!(
            client.batch_execute(&format!("delete from {table}")).await.is_err(),
            "{table}"
        );
    }
    for table in [
        "session",
        "service_token",
        "audit_event",
        "connect_ticket",
        "sign_in_flow",
        "sync_state",
        "outbox",
    ] {
        assert!(
            client.query(&format!("select from {table}"), &[]).await.is_err(),
            "{table}"
        );
    }
}

#[tokio::test]
async fn the_audit_trail_tells_who_did_what_and_cannot_be_changed() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let browser = house.staff().await;
    let company = IdOf::Company.show(ours.company.id).0;
    let mutation =
        format!(r#"mutation {{ disconnect(input: {{companyId: "{company}"}}) {{ userErrors {{ code }} }} }}"#);
    let answer = ask(&house, &browser, &mutation).await;
    assert_eq!(answer["data"]["disconnect"]["userErrors"], json!([]));

    let trail = "{ auditEvents(first: 2) { edges { node { action outcome actorKind actorId companyId requestId } } } }";
    let trail = ask(&house, &browser, trail).await;
    let events = &trail["data"]["auditEvents"]["edges"];
    let actor = format!("{}/{}", house.staff_tenant, house.somebody(house.staff_tenant, false));
    assert_eq!(events[0]["node"]["action"], "DISCONNECT", "{trail}");
    assert_eq!(events[0]["node"]["companyId"], json!(company));
    assert_eq!(events[0]["node"]["actorId"], json!(actor));
    assert!(events[0]["node"]["requestId"].is_string());
    assert_eq!(events[1]["node"]["action"], "SIGN_IN");
    let client = house.pool.raw().await.expect("a connection");
    for change in [
        "update audit_event set outcome = 'DONE'",
        "delete from audit_event",
        "truncate audit_event",
    ] {
        let refused = client.batch_execute(change).await.expect_err(change);
        assert!(format!("{refused:?}").contains("append-only"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_member_of_staff_does_what_their_role_allows() {
    let house = House::open().await;
    let ours = client(&house, "Contoso").await;
    let company = IdOf::Company.show(ours.company.id).0;
    let person = house.somebody(house.staff_tenant, false);
    let sync = format!(r#"mutation {{ syncCompany(input: {{companyId: "{company}"}}) {{ joined }} }}"#);
    let delete = format!(r#"mutation {{ deleteCompany(input: {{companyId: "{company}"}}) {{ deletedCompanyId }} }}"#);
    for (role, may_sync, may_delete) in [
        ("Tenantry.Auditor", false, false),
        ("Tenantry.Technician", true, false),
        ("Tenantry.Admin", true, true),
    ] {
        house.give_app_roles(house.staff_tenant, person, &[role]);
        let mut browser = house.browser();
        browser.sign_in(house.at("/auth/sign-in"), person).await;
        for (mutation, may) in [(&sync, may_sync), (&delete, may_delete)] {
            let answer = ask(&house, &browser, mutation).await;
            assert_eq!(answer["errors"].is_null(), may, "{role}: {answer}");
        }
    }
}

#[tokio::test]
async fn somebody_of_the_providers_own_without_a_role_is_told_which_roles_there_are() {
    let house = House::open().await;
    let person = house.somebody(house.staff_tenant, false);
    house.give_app_roles(house.staff_tenant, person, &["Something.Else"]);
    let response = house.browser().sign_in(house.at("/auth/sign-in"), person).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.text().await.expect("a page").contains("Tenantry.Technician"));
}

#[tokio::test]
async fn a_service_token_opens_its_companies_and_does_what_it_was_made_for() {
    let house = House::open().await;
    let (ours, theirs) = two_clients(&house).await;
    let [own, other] = [&ours, &theirs].map(|client| IdOf::Company.show(client.company.id).0);
    let browser = house.staff().await;
    let made = ask(
        &house,
        &browser,
        &format!(
            r#"mutation {{ createServiceToken(input: {{name: "PSA", expiresInDays: 1, companyIds: ["{own}"], actions: [SYNC_COMPANY]}}) {{
                secret serviceToken {{ actions companyIds }} userErrors {{ code }} }} }}"#
        ),
    )
    .await;
    let secret = made["data"]["createServiceToken"]["secret"]
        .as_str()
        .expect("a secret")
        .to_owned();
    let ask = async |query: String| -> Value {
        let request = house
            .http
            .post(house.at("/graphql"))
            .bearer_auth(&secret)
            .json(&json!({"query": query}));
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&text).expect("JSON")
    };
    let seen = ask("{ companies { edges { node { name } } } contacts { totalCount } }".into()).await;
    assert_eq!(names(&seen["data"]["companies"], "name"), ["Contoso"]);
    assert_eq!(seen["data"]["contacts"]["totalCount"], 2);
    let sync = |company: &str| {
        format!(r#"mutation {{ syncCompany(input: {{companyId: "{company}"}}) {{ joined userErrors {{ code }} }} }}"#)
    };
    assert_eq!(ask(sync(&own)).await["data"]["syncCompany"]["userErrors"], json!([]));
    assert_eq!(
        ask(sync(&other)).await["data"]["syncCompany"]["userErrors"][0]["code"],
        "NOT_FOUND"
    );
    let disconnect = format!(r#"mutation {{ disconnect(input: {{companyId: "{own}"}}) {{ userErrors {{ code }} }} }}"#);
    assert_eq!(ask(disconnect).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
}
