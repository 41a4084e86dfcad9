//! Portal users.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use uuid::Uuid;

use super::{EVERYTHING, ask, client, done, names, two_clients};
use crate::support::house::House;

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
    let group_of = async |company: &str, group: &str| -> Uuid {
        let query = format!(
            "select g.id from contact_group g join company c on c.id = g.company_id
             where c.name = '{company}' and g.display_name = '{group}'"
        );
        serde_json::from_value(house.rows(&query).await[0]["id"].clone()).expect("an id")
    };
    let hidden = [
        (IdOf::Company, theirs.company.id),
        (IdOf::Contact, theirs.person),
        (IdOf::Contact, ours.colleague),
        (IdOf::ContactGroup, group_of("Fabrikam", "Everybody").await),
        (IdOf::ContactGroup, group_of("Contoso", "Others").await),
    ];
    let questions = [
        (IdOf::Company, "company(id: \"$\") { name }"),
        (IdOf::Company, "contacts(companyId: \"$\") { totalCount }"),
        (IdOf::Company, "syncRuns(companyId: \"$\") { totalCount }"),
        (IdOf::Contact, "assets(contactId: \"$\") { totalCount }"),
        (IdOf::ContactGroup, "contacts(groupId: \"$\") { totalCount }"),
    ];
    for (of, id) in hidden {
        let about = questions
            .iter()
            .filter(|(asked, _)| *asked == of)
            .map(|(_, question)| *question);
        for question in about.chain(["node(id: \"$\") { id }"]) {
            let ask = async |id: Uuid| {
                let query = format!("{{ {} }}", question.replace('$', &of.show(id).0));
                ask(&house, &browser, &query).await
            };
            let hidden = ask(id).await;
            assert_eq!(hidden, ask(Uuid::now_v7()).await, "{question}");
            assert_ne!(hidden["errors"][0]["extensions"]["code"], "BAD_INPUT", "{question}");
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
        format!(r#"updateSyncSchedule(input: {{companyId: "{company}", paused: true}}) {{ company {{ id }} }}"#),
        format!(r#"updateSyncGuard(input: {{companyId: "{company}", percent: 50}}) {{ company {{ id }} }}"#),
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
    for query in [
        "auditEvents { totalCount }",
        "serviceTokens { id }",
        "sessions { totalCount }",
    ] {
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

    // Whoever changes who may enter ends the sessions that are over, and no others.
    let company = IdOf::Company.show(ours.company.id).0;
    let set = format!(
        r#"mutation {{ setPortalAccessGroups(input: {{companyId: "{company}", groups: []}}) {{ userErrors {{ code }} }} }}"#
    );
    done(&house, &house.staff().await, &set).await;
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

#[tokio::test]
async fn the_first_page_tells_a_portal_user_nothing_of_the_tenant() {
    let house = House::open().await;
    let (ours, _) = two_clients(&house).await;
    house
        .sql("update tenant set domain = 'secret.example', consented_by = 'An administrator', status_reason = 'A reason'")
        .await;
    let mut browser = ours
        .sign_in(&house, ours.person)
        .await
        .expect("an active contact comes in");
    let page = browser.get(house.at("/")).await.text().await.expect("a page");
    assert!(page.contains("Contoso") && page.contains("Adele"), "{page}");
    for hidden in ["secret.example", "An administrator", "A reason", "Fabrikam", "graphiql"] {
        assert!(!page.contains(hidden), "{hidden}: {page}");
    }
}
