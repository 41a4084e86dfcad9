//! What people do, and what they are told when it cannot be done.

use serde_json::{Value, json};
use tenantry::graphql::id::IdOf;
use uuid::Uuid;

use super::world::{World, company_id, refusal, service};

const CREATE: &str = "mutation ($input: CreateCompanyInput!) {
    createCompany(input: $input) { company { id name externalId } userErrors { code path } } }";
const DELETE: &str = "mutation ($input: DeleteCompanyInput!) {
    deleteCompany(input: $input) { deletedCompanyId userErrors { code path } } }";
const SYNC: &str = "mutation ($input: SyncCompanyInput!) {
    syncCompany(input: $input) { joined syncRun { id status message mode dryRun requestedBy } userErrors { code path } } }";
const RULES: &str = "mutation ($input: UpdateSyncRulesInput!) {
    updateSyncRules(input: $input) { syncRun { mode dryRun } userErrors { code path } } }";
const DISCONNECT: &str = "mutation ($input: DisconnectInput!) {
    disconnect(input: $input) { company { tenant { status statusReason } } userErrors { code } } }";

#[tokio::test]
async fn a_company_is_made_and_found() {
    let world = World::start().await;
    let input = json!({"input": {"name": " Contoso ", "externalId": "psa-1"}});
    let made = &world.ask(CREATE, input.clone()).await["createCompany"];
    assert_eq!(made["company"]["name"], "Contoso");
    assert_eq!(made["userErrors"], json!([]));

    let again = &world.ask(CREATE, input).await["createCompany"];
    let taken = json!({"code": "EXTERNAL_ID_TAKEN", "path": ["input", "externalId"]});
    assert_eq!(again, &json!({"company": null, "userErrors": [taken]}));

    for name in ["", "  ", "a\0b"] {
        let refused = &world.ask(CREATE, json!({"input": {"name": name}})).await["createCompany"];
        assert_eq!(
            refused["userErrors"],
            json!([{"code": "BAD_INPUT", "path": ["input", "name"]}])
        );
    }
}

#[tokio::test]
async fn a_deleted_company_takes_its_records_along() {
    let world = World::start().await;
    let company = world.company_of(&["Adele"]).await;
    let id = company_id(company);
    let gone = &world.ask(DELETE, json!({"input": {"companyId": id}})).await["deleteCompany"];
    assert_eq!(gone, &json!({"deletedCompanyId": id, "userErrors": []}));
    assert_eq!(world.number("select count(*) from contact", &[]).await, 0);

    let gone = &world.ask(DELETE, json!({"input": {"companyId": id}})).await["deleteCompany"];
    assert_eq!(
        gone["userErrors"],
        json!([{"code": "NOT_FOUND", "path": ["input", "companyId"]}])
    );
}

#[tokio::test]
async fn a_second_click_joins_the_run_of_the_first() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let input = json!({"input": {"companyId": company_id(company)}});
    let first = world.ask(SYNC, input.clone()).await["syncCompany"].clone();
    assert_eq!(first["joined"], false);
    assert_eq!(first["syncRun"]["status"], "QUEUED");
    assert_eq!(first["syncRun"]["message"], "Sync queued");
    assert_eq!(first["syncRun"]["requestedBy"], "Robin of the MSP");
    let second = &world.ask(SYNC, input).await["syncCompany"];
    assert_eq!(second["joined"], true);
    assert_eq!(second["syncRun"]["id"], first["syncRun"]["id"]);
    let rung = world.number("select count(*) from apalis.jobs", &[]).await;
    assert!(rung >= 1, "the doorbell was rung");
}

#[tokio::test]
async fn a_sync_that_cannot_be_says_why() {
    let world = World::start().await;
    let fresh = world.company("Fresh").await;
    let lost = world.connected_company("Lost").await;
    world.sql("update tenant set status = 'RECONNECT_NEEDED'", &[]).await;
    let id = |id: Uuid| company_id(id);
    for (input, code) in [
        (json!({"companyId": id(fresh)}), "NOT_CONNECTED"),
        (json!({"companyId": id(lost)}), "RECONNECT_NEEDED"),
        (
            json!({"companyId": id(lost), "kind": "EVIDENCE", "dryRun": true}),
            "BAD_INPUT",
        ),
        (json!({"companyId": id(Uuid::now_v7())}), "NOT_FOUND"),
        (json!({"companyId": "nonsense"}), "BAD_INPUT"),
        (json!({"companyId": IdOf::Contact.show(fresh).0}), "BAD_INPUT"),
    ] {
        let refused = &world.ask(SYNC, json!({"input": input})).await["syncCompany"];
        assert_eq!(refused["userErrors"][0]["code"], code, "{input}");
        assert_eq!(
            (&refused["syncRun"], &refused["joined"]),
            (&Value::Null, &json!(false)),
            "{input}"
        );
    }
    assert_eq!(world.number("select count(*) from sync_run", &[]).await, 0);
}

#[tokio::test]
async fn rules_are_saved_field_by_field_and_tried_without_being_saved() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let id = company_id(company);
    let update = |rules: Value, preview: bool| json!({"input": {"companyId": id, "rules": rules, "preview": preview}});
    let saved = &world.ask(RULES, update(json!({"licensedOnly": true}), false)).await["updateSyncRules"];
    assert_eq!(saved, &json!({"syncRun": null, "userErrors": []}));
    world
        .ask(RULES, update(json!({"excludePatterns": ["svc-*"]}), false))
        .await;
    let tried = &world.ask(RULES, update(json!({"includeGuests": false}), true)).await["updateSyncRules"];
    assert_eq!(tried["syncRun"], json!({"mode": "FULL", "dryRun": true}));

    let query = "query ($id: ID!) { company(id: $id) { syncRules { includeGuests licensedOnly excludePatterns } } }";
    let rules = &world.ask(query, json!({"id": id})).await["company"]["syncRules"];
    assert_eq!(
        rules,
        &json!({"includeGuests": true, "licensedOnly": true, "excludePatterns": ["svc-*"]})
    );

    // Saving what is saved already must not make the next run a full one.
    world.ask(RULES, update(json!({"licensedOnly": true}), false)).await;
    assert_eq!(world.number("select version from sync_rules", &[]).await, 2);

    let refused = &world.ask(RULES, update(json!({"excludePatterns": [" "]}), false)).await["updateSyncRules"];
    let path = ["input", "rules", "excludePatterns"];
    assert_eq!(refused["userErrors"], json!([{"code": "BAD_INPUT", "path": path}]));
}

#[tokio::test]
async fn disconnecting_keeps_the_data_and_ends_the_run() {
    let world = World::start().await;
    let company = world.company_of(&["Adele"]).await;
    let input = json!({"input": {"companyId": company_id(company)}});
    world.ask(SYNC, input.clone()).await;
    let tenant = &world.ask(DISCONNECT, input.clone()).await["disconnect"]["company"]["tenant"];
    assert_eq!(
        tenant,
        &json!({"status": "DISCONNECTED", "statusReason": "Disconnected by Robin of the MSP"})
    );
    assert_eq!(
        world
            .number("select count(*) from sync_run where status = 'CANCELLED'", &[])
            .await,
        1
    );
    assert_eq!(
        world
            .number("select count(*) from contact where state = 'ACTIVE'", &[])
            .await,
        1
    );
    let fresh = world.company("Fresh").await;
    let refused = &world
        .ask(DISCONNECT, json!({"input": {"companyId": company_id(fresh)}}))
        .await["disconnect"];
    assert_eq!(refused["userErrors"][0]["code"], "NOT_CONNECTED");
}

#[tokio::test]
async fn settling_what_was_never_held_is_refused() {
    let world = World::start().await;
    for (name, input) in [("releaseHeldChanges", "Release"), ("discardHeldChanges", "Discard")] {
        let query = format!(
            "mutation ($id: ID!) {{ {name}(input: {{syncRunId: $id}}) {{ syncRun {{ id }} userErrors {{ code }} }} }}"
        );
        let unknown = &world
            .ask(&query, json!({"id": IdOf::SyncRun.show(Uuid::now_v7()).0}))
            .await[name];
        assert_eq!(unknown["userErrors"][0]["code"], "NOTHING_HELD", "{input}");
        let malformed = &world.ask(&query, json!({"id": "nonsense"})).await[name];
        assert_eq!(malformed["userErrors"][0]["code"], "BAD_INPUT", "{input}");
    }
}

#[tokio::test]
async fn connecting_answers_a_link_of_ours_that_works_once() {
    let world = World::start().await;
    let company = world.company("Contoso").await;
    let query = "mutation ($input: ConnectInput!) { connect(input: $input) { consentUrl userErrors { code path } } }";
    let connect = |input: Value| world.ask(query, json!({"input": input}));
    let id = company_id(company);
    let answer = connect(json!({"companyId": id, "returnTo": "/done", "expectedDomain": "Contoso.com"})).await;
    let url = answer["connect"]["consentUrl"].as_str().expect("a link").to_owned();
    assert!(
        url.starts_with("https://tenantry.example/connect/start?ticket="),
        "{url}"
    );
    let tickets = "select count(*) from connect_ticket where expected_domain = 'contoso.com' and return_to = '/done'";
    assert_eq!(world.number(tickets, &[]).await, 1);
    let ticket = url.split_once("ticket=").expect("a ticket").1.to_owned();
    let kept = "select count(*) from connect_ticket t where strpos(t::text, $1) > 0";
    assert_eq!(world.number(kept, &[&ticket]).await, 0, "the ticket itself is not kept");
    let pending = "select count(*) from tenant where status = 'CONSENT_PENDING'";
    assert_eq!(world.number(pending, &[]).await, 1);

    for (input, field) in [
        (
            json!({"companyId": id, "returnTo": "https://evil.example/"}),
            "returnTo",
        ),
        (
            json!({"companyId": id, "expectedDomain": "https://contoso.com"}),
            "expectedDomain",
        ),
        (json!({"companyId": "nonsense"}), "companyId"),
    ] {
        let refused = connect(input).await;
        assert_eq!(
            refused["connect"]["userErrors"],
            json!([{"code": "BAD_INPUT", "path": ["input", field]}])
        );
        assert_eq!(refused["connect"]["consentUrl"], Value::Null);
    }
}

#[tokio::test]
async fn the_secret_of_a_service_token_is_shown_once_and_ends_when_it_is_revoked() {
    let world = World::start().await;
    let query = "mutation ($input: CreateServiceTokenInput!) { createServiceToken(input: $input) {
        secret serviceToken { id name createdBy revokedAt } userErrors { code path } } }";
    let made = world
        .ask(
            query,
            json!({"input": {"name": "PSA", "expiresInDays": 30, "allCompanies": true}}),
        )
        .await["createServiceToken"]
        .clone();
    assert_eq!(
        (&made["serviceToken"]["name"], &made["serviceToken"]["createdBy"]),
        (&json!("PSA"), &json!("Robin of the MSP"))
    );
    let secret = made["secret"].as_str().expect("a secret");
    let kept = "select count(*) from service_token t where strpos(t::text, $1) > 0";
    assert_eq!(world.number(kept, &[&secret]).await, 0, "the secret itself is not kept");
    for days in [0, -1, 100_000] {
        let refused = world
            .ask(
                query,
                json!({"input": {"name": "PSA", "expiresInDays": days, "allCompanies": true}}),
            )
            .await;
        let path = ["input", "expiresInDays"];
        assert_eq!(
            refused["createServiceToken"]["userErrors"],
            json!([{"code": "BAD_INPUT", "path": path}])
        );
    }

    let revoke = "mutation ($id: ID!) { revokeServiceToken(input: {serviceTokenId: $id}) {
        revokedServiceTokenId userErrors { code } } }";
    let id = &made["serviceToken"]["id"];
    let revoked = world.ask(revoke, json!({"id": id})).await["revokeServiceToken"].clone();
    assert_eq!(revoked, json!({"revokedServiceTokenId": id, "userErrors": []}));
    assert_eq!(
        world
            .number("select count(*) from service_token where revoked_at is not null", &[])
            .await,
        1
    );
    let unknown = IdOf::ServiceToken.show(Uuid::now_v7()).0;
    let unknown = world.ask(revoke, json!({"id": unknown})).await["revokeServiceToken"].clone();
    assert_eq!(unknown["userErrors"][0]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn a_service_token_cannot_make_another() {
    let world = World::start().await;
    let query =
        r#"mutation { createServiceToken(input: {name: "more", expiresInDays: 1, allCompanies: true}) { secret } }"#;
    assert_eq!(refusal(world.execute(service(), query, json!({})).await).0, "FORBIDDEN");
}
