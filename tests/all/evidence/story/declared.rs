//! What people state: who may, what it must say, and what the next run makes of it.

use async_graphql::Response;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tenantry::auth::viewer::Service;
use tenantry::auth::{Action, Viewer};
use tenantry::model::Scope;
use tenantry::model::portal::PortalRole;
use tenantry::model::session::StaffRole;
use uuid::Uuid;

use super::{Story, nodes, staff};

const DECLARE: &str = r#"mutation($company: ID!, $person: String!, $owner: String!, $reason: String!, $expires: DateTime) {
    declareEvidence(input: {companyId: $company, kind: EXCEPTION, checkId: "entra.ca.mfa_all_users", objectId: $person,
                            owner: $owner, reason: $reason, expiresAt: $expires}) {
        declaration { id kind owner reason declaredBy expired } userErrors { code path }
    } }"#;

const WITHDRAW: &str =
    "mutation($declaration: ID!) { withdrawEvidenceDeclaration(input: {declarationId: $declaration}) {
    withdrawnDeclarationId userErrors { code path } } }";

const COVERAGE: &str = "query($company: ID!) { company(id: $company) {
    evidence { mfaCoverage { status counts { population passed failed excepted }
        findings { edges { node { objectId kind state because lineage } } } } }
    evidenceDeclarations { edges { node { owner reason expiresAt } } }
} }";

/// A declaration that says all that is needed.
async fn statement(story: &Story, person: &Value) -> Value {
    let expires = story.world.now().await + TimeDelta::days(30);
    json!({"person": person, "owner": "Megan Bowen", "reason": "A shared phone on the shop floor", "expires": expires})
}

fn of(response: Response, mutation: &str) -> Value {
    assert!(response.errors.is_empty(), "{:#?}", response.errors);
    response.data.into_json().expect("data is JSON")[mutation].take()
}

fn refusal(response: Response) -> Value {
    assert_eq!(response.errors.len(), 1, "{:#?}", response.errors);
    json!(response.errors)[0]["extensions"]["code"].take()
}

fn token(companies: Scope, actions: &[Action]) -> Viewer {
    Viewer::Service(Service {
        token_id: Uuid::nil(),
        name: "The PSA".to_owned(),
        scope: companies,
        actions: actions.to_vec(),
    })
}

#[tokio::test]
async fn an_exception_is_shown_with_its_owner_and_takes_nobody_out_of_the_population() {
    let story = Story::begin().await;
    let technician = || staff(StaffRole::Technician);
    let person = story.exclude_somebody().await;
    story.collect_now().await;
    let before = story.ask(technician(), COVERAGE, json!({})).await;
    let population = &before["evidence"]["mfaCoverage"]["counts"]["population"];
    assert_eq!(before["evidence"]["mfaCoverage"]["counts"]["failed"], 1);

    let said = statement(&story, &person).await;
    let declared = of(story.execute(technician(), DECLARE, said).await, "declareEvidence");
    assert_eq!(declared["userErrors"], json!([]));
    let declaration = &declared["declaration"];
    assert_eq!(
        (&declaration["declaredBy"], &declaration["expired"]),
        (&json!("Robin of the MSP"), &json!(false))
    );
    story.collect_now().await;

    let seen = story.ask(story.portal(PortalRole::Manager), COVERAGE, json!({})).await;
    let coverage = &seen["evidence"]["mfaCoverage"];
    let passed = population.as_u64().unwrap() - 1;
    assert_eq!(
        coverage["counts"],
        json!({"population": population, "passed": passed, "failed": 0, "excepted": 1})
    );
    assert_eq!(coverage["status"], "PASS");
    let findings = nodes(&coverage["findings"]);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (&findings[0]["objectId"], &findings[0]["kind"], &findings[0]["state"]),
        (&person, &json!("EXCEPTED"), &json!("OPEN"))
    );
    let excuse = findings[0]["lineage"]["excuse"].to_string();
    assert!(
        excuse.contains("Megan Bowen") && excuse.contains("shop floor"),
        "{excuse}"
    );
    assert_eq!(nodes(&seen["evidenceDeclarations"])[0]["owner"], "Megan Bowen");

    let id = json!({"declaration": declaration["id"]});
    let withdrawn = of(
        story.execute(technician(), WITHDRAW, id.clone()).await,
        "withdrawEvidenceDeclaration",
    );
    assert_eq!(
        withdrawn,
        json!({"withdrawnDeclarationId": declaration["id"], "userErrors": []})
    );
    let again = of(
        story.execute(technician(), WITHDRAW, id).await,
        "withdrawEvidenceDeclaration",
    );
    assert_eq!(
        again["userErrors"],
        json!([{"code": "NOT_FOUND", "path": ["input", "declarationId"]}])
    );
    story.collect_now().await;
    let seen = story.ask(technician(), COVERAGE, json!({})).await;
    assert_eq!(seen["evidence"]["mfaCoverage"]["counts"]["failed"], 1);
    assert_eq!(nodes(&seen["evidence"]["mfaCoverage"]["findings"])[0]["kind"], "FAILED");
    assert_eq!(nodes(&seen["evidenceDeclarations"]).len(), 0);

    let trail = "query($company: ID!) { auditEvents(companyId: $company) { edges { node { action actorName outcome subject } } } }";
    let trail = of(
        story.execute(staff(StaffRole::Admin), trail, json!({})).await,
        "auditEvents",
    );
    let deeds: Vec<(&str, &str)> = nodes(&trail)
        .into_iter()
        .map(|event| (event["action"].as_str().unwrap(), event["actorName"].as_str().unwrap()))
        .collect();
    let robin = "Robin of the MSP";
    assert_eq!(
        deeds,
        [("WITHDRAW_EVIDENCE_DECLARATION", robin), ("DECLARE_EVIDENCE", robin)]
    );
}

#[tokio::test]
async fn what_is_missing_is_named_by_its_field() {
    let story = Story::begin().await;
    let person = story.employee().await["id"].clone();
    let sound = statement(&story, &person).await;
    let over_400_days = story.world.now().await + TimeDelta::days(401);
    for (field, wrong) in [
        ("owner", json!(" ")),
        ("reason", json!("")),
        ("owner", json!("o".repeat(201))),
        ("reason", json!("r".repeat(2_001))),
        ("person", json!("p".repeat(201))),
        ("expires", Value::Null),
        ("expires", json!("2026-01-01T00:00:00Z")),
        ("expires", json!(over_400_days)),
    ] {
        let mut said = sound.clone();
        said[field] = wrong;
        let refused = of(
            story.execute(staff(StaffRole::Technician), DECLARE, said).await,
            "declareEvidence",
        );
        let named = match field {
            "expires" => "expiresAt",
            "person" => "objectId",
            other => other,
        };
        assert_eq!(
            refused["userErrors"],
            json!([{"code": "BAD_INPUT", "path": ["input", named]}])
        );
        assert_eq!(refused["declaration"], Value::Null);
    }
    assert_eq!(story.world.number("select count(*) from evidence_declaration").await, 0);
    assert_eq!(story.world.number("select count(*) from evidence_ledger").await, 0);
}

#[tokio::test]
async fn whoever_may_only_look_states_nothing_and_a_token_only_of_its_companies() {
    let story = Story::begin().await;
    let person = story.employee().await["id"].clone();
    let said = statement(&story, &person).await;
    let ours = Scope::Companies(vec![story.client.company_id]);
    let theirs = Scope::Companies(vec![Uuid::now_v7()]);
    let may = [Action::ViewEvidence, Action::DeclareEvidence];
    for viewer in [
        staff(StaffRole::Auditor),
        story.portal(PortalRole::Manager),
        story.portal(PortalRole::User),
        token(ours.clone(), &may[..1]),
    ] {
        let code = refusal(story.execute(viewer.clone(), DECLARE, said.clone()).await);
        assert_eq!(code, "FORBIDDEN", "{viewer:?}");
        let any = json!({"declaration": "x"});
        let code = refusal(story.execute(viewer, WITHDRAW, any).await);
        assert_eq!(code, "FORBIDDEN");
    }
    let hidden = of(
        story.execute(token(theirs.clone(), &may), DECLARE, said.clone()).await,
        "declareEvidence",
    );
    assert_eq!(
        hidden["userErrors"],
        json!([{"code": "NOT_FOUND", "path": ["input", "companyId"]}])
    );

    let declared = of(
        story.execute(token(ours.clone(), &may), DECLARE, said).await,
        "declareEvidence",
    );
    assert_eq!(declared["userErrors"], json!([]));
    let id = json!({"declaration": declared["declaration"]["id"]});
    let hidden = of(
        story.execute(token(theirs, &may), WITHDRAW, id.clone()).await,
        "withdrawEvidenceDeclaration",
    );
    assert_eq!(
        hidden["userErrors"],
        json!([{"code": "NOT_FOUND", "path": ["input", "declarationId"]}])
    );
    let withdrawn = of(
        story.execute(token(ours, &may), WITHDRAW, id).await,
        "withdrawEvidenceDeclaration",
    );
    assert_eq!(withdrawn["userErrors"], json!([]));
}
