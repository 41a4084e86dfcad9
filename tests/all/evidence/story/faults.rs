//! What could not be looked at, what does not count, and what was tampered with.

use serde_json::{Value, json};
use tenantry::microsoft::PERMISSIONS;
use tenantry::model::portal::PortalRole;
use tenantry::model::session::StaffRole;
use tenantry::model::sync_run::SyncStatus;

use super::{Story, moment, nodes, shown, staff, texts};
use crate::support::world::{CLIENT_ID, World};

const COVERAGE: &str = "query($company: ID!, $asOf: DateTime!) { company(id: $company) { evidence(asOf: $asOf) {
    run { number }
    mfaCoverage { status reason indeterminate { resource gap detail }
        counts { population passed failed }
        lastGood { status at ageSeconds counts { failed } }
        inputs { resource outcome statement }
        findings(first: 100) { edges { node { objectId state kind openedAt at closedAt } } } }
    policies { edges { node { name state since } } }
    stale { resource outcome lastReadAt }
} } }";

impl Story {
    async fn coverage(&self, day: u8, time: &str) -> Value {
        let asked = json!({"asOf": moment(day, time)});
        self.ask(staff(StaffRole::Technician), COVERAGE, asked).await["evidence"].take()
    }

    /// Takes somebody out of the policy that asks everybody for a second factor; who it was.
    pub(super) async fn exclude_somebody(&self) -> Value {
        let person = self.employee().await["id"].clone();
        let member = self.path(&format!(
            "groups/{}/members/{}",
            self.inner,
            person.as_str().expect("an id")
        ));
        self.world.request("PUT", &member, None).await;
        person
    }

    async fn grant_all_but(&self, withdrawn: &[&str]) {
        let rest: Vec<&str> = PERMISSIONS
            .into_iter()
            .filter(|permission| !withdrawn.contains(permission))
            .collect();
        let consent = self.path(&format!("consents/{CLIENT_ID}"));
        self.world
            .request("PUT", &consent, Some(json!({"permissions": rest})))
            .await;
        self.world.microsoft.forget_token(self.client.tenant_id);
    }
}

#[tokio::test]
async fn a_permission_that_is_withdrawn_leaves_the_last_good_value_with_its_age_and_closes_nothing() {
    let story = Story::begin().await;
    let person = story.exclude_somebody().await;
    let first = story.strike(moment(2, "06:15")).await;
    assert_eq!(first.status, SyncStatus::Succeeded, "{}", first.message);
    let before = story.coverage(2, "07:00").await;

    story.grant_all_but(&["Policy.Read.All"]).await;
    let blind = story.strike(moment(2, "12:15")).await;
    assert_eq!(blind.status, SyncStatus::Partial, "{}", blind.message);
    let seen = story.coverage(2, "13:00").await;
    let coverage = &seen["mfaCoverage"];
    assert_eq!(coverage["status"], "INDETERMINATE", "{coverage}");
    assert_eq!(coverage["indeterminate"]["resource"], "ca_policies");
    assert_eq!(coverage["indeterminate"]["gap"], "PERMISSION_MISSING");
    let detail = coverage["indeterminate"]["detail"].as_str().unwrap();
    assert!(detail.contains("Policy.Read.All"), "{detail}");
    assert_eq!(
        coverage["lastGood"],
        json!({"status": "FAIL", "at": shown(moment(2, "06:15")), "ageSeconds": 6 * 3600, "counts": {"failed": 1}})
    );
    let waiting = json!([{"objectId": person, "state": "NOT_EVALUATED", "kind": "FAILED",
                          "openedAt": shown(moment(2, "06:15")), "at": shown(moment(2, "12:15")), "closedAt": null}]);
    assert_eq!(json!(nodes(&coverage["findings"])), waiting);
    assert_eq!(
        seen["policies"], before["policies"],
        "as they were last seen, and since when"
    );
    let stale = seen["stale"].as_array().unwrap();
    let policies = stale
        .iter()
        .find(|reading| reading["resource"] == "ca_policies")
        .unwrap();
    assert_eq!(policies["outcome"], "PERMISSION_MISSING");
    assert_eq!(
        policies["lastReadAt"],
        shown(moment(2, "06:15")),
        "they are shown as of then"
    );
    assert_eq!(before["stale"], json!([]));
    let input = coverage["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|input| input["resource"] == "ca_policies")
        .unwrap();
    assert_eq!(input["outcome"], "PERMISSION_MISSING");
    assert!(
        input["statement"]
            .as_str()
            .unwrap()
            .contains("the last page was not reached"),
        "{input}"
    );

    let period = "query($company: ID!) { company(id: $company) { evidencePeriod(from: \"2026-03-02T06:00:00Z\", to: \"2026-03-02T18:00:00Z\") {
        expected complete incomplete missing gaps { at state runNumber } } } }";
    assert_eq!(
        story.ask(story.portal(PortalRole::Manager), period, json!({})).await["evidencePeriod"],
        json!({"expected": 2, "complete": 1, "incomplete": 1, "missing": 0,
               "gaps": [{"at": shown(moment(2, "12:15")), "state": "INCOMPLETE", "runNumber": 2}]})
    );

    story.grant_all_but(&[]).await;
    story.strike(moment(2, "18:15")).await;
    let again = story.coverage(2, "19:00").await;
    let finding = nodes(&again["mfaCoverage"]["findings"])[0].clone();
    assert_eq!(
        (&finding["state"], &finding["openedAt"]),
        (&json!("OPEN"), &shown(moment(2, "06:15")))
    );
    assert_eq!(again["mfaCoverage"]["lastGood"], Value::Null, "it is good itself");
}

#[tokio::test]
async fn a_policy_that_only_reports_covers_nobody() {
    let story = Story::begin().await;
    story.strike(moment(2, "06:15")).await;
    story.ask_everybody("enabledForReportingButNotEnforced").await;
    story.strike(moment(2, "12:15")).await;

    let before = story.coverage(2, "07:00").await["mfaCoverage"].take();
    let seen = story.coverage(2, "13:00").await["mfaCoverage"].take();

    assert_eq!((&before["status"], &seen["status"]), (&json!("PASS"), &json!("FAIL")));
    let roles = story.list("roles").await;
    let administrators: Vec<&str> = roles.iter().filter_map(|role| role["principalId"].as_str()).collect();
    let people = story.list("people").await;
    let mut uncovered: Vec<&str> = people
        .iter()
        .filter(|person| person["userType"] == "Member" && person["accountEnabled"] == true)
        .filter_map(|person| person["id"].as_str())
        .filter(|id| !administrators.contains(id))
        .collect();
    uncovered.sort_unstable();
    assert_eq!(
        texts(&seen["findings"], "objectId"),
        uncovered,
        "everybody whom no other policy asks: administrators have one of their own"
    );
    assert_eq!(before["counts"]["population"], seen["counts"]["population"]);
}

#[tokio::test]
async fn a_tenant_with_nobody_in_it_passes_nothing_that_is_about_people() {
    let world = World::start().await;
    let client = world.connected_company(0, 0).await;
    let story = Story::of(world, client).await;
    story.strike(moment(2, "06:15")).await;

    let results = "query($company: ID!) { company(id: $company) { evidence(asOf: \"2026-03-02T07:00:00Z\") {
        mfaCoverage { status reason populations { name size completeness } }
        results { checkId status reason counts { population } } } } }";
    let seen = story.ask(story.portal(PortalRole::Manager), results, json!({})).await["evidence"].take();

    let coverage = &seen["mfaCoverage"];
    assert!(
        coverage["status"] != "PASS" && coverage["reason"].is_string(),
        "{coverage}"
    );
    for result in seen["results"].as_array().unwrap() {
        assert!(
            result["status"] != "PASS" || result["counts"]["population"] != 0,
            "{result}"
        );
    }
}

#[tokio::test]
async fn a_row_that_was_tampered_with_is_found_and_named() {
    let story = Story::begin().await;
    story.exclude_somebody().await;
    story.strike(moment(2, "06:15")).await;
    let verify = "query($company: ID!) { company(id: $company) { evidenceVerification { whole faultCount faults { kind what because } } } }";
    let ask = || story.ask(staff(StaffRole::Auditor), verify, json!({}));
    assert_eq!(
        ask().await["evidenceVerification"],
        json!({"whole": true, "faultCount": 0, "faults": []})
    );

    story
        .world
        .sql("alter table evidence_result disable trigger user")
        .await;
    let touched = story
        .world
        .sql("update evidence_result set status = 'PASS', passed = population, failed = 0 where check_id = 'entra.ca.mfa_all_users'")
        .await;
    assert_eq!(touched, 1);

    let found = ask().await["evidenceVerification"].take();
    assert_eq!(found["whole"], false);
    let faults = found["faults"].as_array().unwrap();
    let named =
        |fault: &&Value| fault["kind"] == "ROW" && fault["what"].as_str().unwrap().contains("entra.ca.mfa_all_users");
    assert!(faults.iter().any(|fault| named(&fault)), "{found:#}");
}

#[tokio::test]
async fn one_question_verifies_once() {
    let story = Story::begin().await;
    story.strike(moment(2, "06:15")).await;
    let aliases: String = (0..5)
        .map(|one| format!("v{one}: evidenceVerification {{ whole }} "))
        .collect();
    let query = format!("query($company: ID!) {{ company(id: $company) {{ {aliases} }} }}");
    let answer = story.execute(staff(StaffRole::Auditor), &query, json!({})).await;
    let codes: Vec<Value> = answer
        .errors
        .iter()
        .map(|error| json!(error)["extensions"]["code"].take())
        .collect();
    assert_eq!(codes, vec![json!("LIMIT"); 4]);
}

#[tokio::test]
async fn instants_that_nobody_can_know_of_are_bad_input() {
    let story = Story::begin().await;
    story.strike(moment(2, "06:15")).await;
    for asked in [
        "evidence(asOf: \"9999-01-01T00:00:00Z\") { ageSeconds }",
        "evidence(asOf: \"-5000-01-01T00:00:00Z\") { ageSeconds }",
        "evidenceChanges(from: \"2026-01-01T00:00:00Z\", to: \"2099-01-01T00:00:00Z\") { fromRun { number } }",
        "evidencePeriod(from: \"+262142-12-01T00:00:00Z\", to: \"+262142-12-31T00:00:00Z\") { expected }",
    ] {
        let query = format!("query($company: ID!) {{ company(id: $company) {{ {asked} }} }}");
        let answer = story.execute(staff(StaffRole::Auditor), &query, json!({})).await;
        let code = json!(answer.errors.first())["extensions"]["code"].take();
        assert_eq!(code, "BAD_INPUT", "{asked}: {:?}", answer.errors);
    }
}
