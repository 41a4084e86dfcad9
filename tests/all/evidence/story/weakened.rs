//! A policy is weakened, a device turns non-compliant, a person is excluded through a nested group; the next day all of
//! it is repaired.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenantry::auth::Viewer;
use tenantry::model::portal::PortalRole;
use tenantry::model::session::StaffRole;
use tenantry::model::sync_run::SyncStatus;

use super::{Story, moment, nodes, shown, staff, texts};

const FOR_ADMINS: &str = "Require phishing-resistant authentication for administrators";
const REPORT_ONLY: &str = "enabledForReportingButNotEnforced";

/// The simple questions, as of a moment.
const STATE: &str = r#"query($company: ID!, $asOf: DateTime!) { company(id: $company) { evidence(asOf: $asOf) {
    run { number takenAt } ageSeconds
    mfaCoverage { status counts { population passed failed excepted review notEvaluated }
        findings { totalCount edges { node { name objectId because lineage openedAt } } } }
    policies(state: "enabledForReportingButNotEnforced") { edges { node { name state since } } }
    devices(notComplianceState: "compliant") { edges { node { objectId state since } } }
    result(checkId: "entra.ca.phishing_resistant_mfa_admins") { status }
    compliant: result(checkId: "intune.device.compliant") { status counts { failed } }
} } }"#;

/// What was changed, and who changed back.
pub(super) struct Wrong {
    pub person: Value,
    pub device: Value,
}

/// Five runs: Monday noon, Tuesday morning; weakened, Tuesday noon, Tuesday evening; repaired, Wednesday noon.
pub(super) async fn week() -> (Story, Wrong) {
    let story = Story::begin().await;
    for at in [moment(2, "12:15"), moment(3, "06:15")] {
        let run = story.strike(at).await;
        assert_eq!(run.status, SyncStatus::Succeeded, "{}", run.message);
    }
    let wrong = Wrong {
        person: story.employee().await,
        device: story.list("devices").await[0].clone(),
    };
    let member = story.path(&format!(
        "groups/{}/members/{}",
        story.inner,
        wrong.person["id"].as_str().unwrap()
    ));

    story.set_policy(FOR_ADMINS, REPORT_ONLY).await;
    story.set_device(&wrong.device, "noncompliant").await;
    story.world.request("PUT", &member, None).await;
    story.strike(moment(3, "12:15")).await;
    for device in story.list("devices").await {
        story.speak(&device, moment(3, "17:00")).await;
    }
    story.strike(moment(3, "18:15")).await;

    story.set_policy(FOR_ADMINS, "enabled").await;
    story.set_device(&wrong.device, "compliant").await;
    story.world.delete(&member).await;
    story.strike(moment(4, "12:15")).await;
    (story, wrong)
}

async fn state(story: &Story, viewer: Viewer, at: DateTime<Utc>) -> Value {
    story.ask(viewer, STATE, json!({"asOf": at})).await["evidence"].take()
}

#[tokio::test]
async fn how_things_stood_is_told_to_the_run() {
    let (story, wrong) = week().await;
    let manager = || story.portal(PortalRole::Manager);
    assert_eq!(
        state(&story, manager(), moment(2, "12:14")).await,
        Value::Null,
        "nobody had looked"
    );

    for (at, run, age) in [
        (moment(2, "12:15"), 1, 0),
        (moment(3, "12:14"), 2, 6 * 3600 - 60),
        (moment(4, "12:15"), 5, 0),
        (moment(9, "12:15"), 5, 5 * 24 * 3600),
    ] {
        let seen = state(&story, manager(), at).await;
        assert_eq!(
            (&seen["run"]["number"], &seen["ageSeconds"]),
            (&json!(run), &json!(age))
        );
        require_healthy(&seen);
    }
    for (at, run) in [
        (moment(3, "12:15"), 3),
        (moment(3, "18:14"), 3),
        (moment(4, "12:14"), 4),
    ] {
        let seen = state(&story, manager(), at).await;
        assert_eq!(seen["run"]["number"], run);
        require_weak(&seen, &story, &wrong);
    }
    let at = moment(3, "13:00");
    assert_eq!(
        state(&story, manager(), at).await,
        state(&story, staff(StaffRole::Auditor), at).await,
        "a manager sees of their company what the MSP sees"
    );
    assert_eq!(state(&story, story.portal(PortalRole::User), at).await, Value::Null);
}

fn require_healthy(seen: &Value) {
    let coverage = &seen["mfaCoverage"];
    let counts = &coverage["counts"];
    assert_eq!(coverage["status"], "PASS", "{coverage}");
    assert!(counts["population"].as_u64() > Some(5) && counts["passed"] == counts["population"]);
    assert_eq!(coverage["findings"]["totalCount"], 0);
    assert_eq!(texts(&seen["policies"], "name"), ["Require a compliant device"]);
    assert_eq!(nodes(&seen["devices"]).len(), 0);
    assert_eq!(
        (&seen["result"]["status"], &seen["compliant"]["status"]),
        (&json!("PASS"), &json!("PASS"))
    );
}

fn require_weak(seen: &Value, story: &Story, wrong: &Wrong) {
    let since = shown(moment(3, "12:15"));
    let coverage = &seen["mfaCoverage"];
    assert_eq!(
        (&coverage["status"], &coverage["counts"]["failed"]),
        (&json!("FAIL"), &json!(1))
    );
    let uncovered = nodes(&coverage["findings"]);
    assert_eq!(uncovered.len(), 1, "one person and nobody else");
    let uncovered = uncovered[0];
    assert_eq!(
        (&uncovered["objectId"], &uncovered["name"]),
        (&wrong.person["id"], &wrong.person["userPrincipalName"])
    );
    assert_eq!(uncovered["openedAt"], since);
    let by = uncovered["lineage"]["policies"].as_array().unwrap();
    let by = by
        .iter()
        .find(|policy| policy["policy"] == story.everybody.to_string())
        .unwrap();
    assert_eq!(
        by["user"]["excluded"],
        json!({"by": "group", "object": story.outer, "path": [story.outer, story.inner],
               "names": ["Exempt", "Shift phones"]}),
        "by which way they were taken out"
    );
    let mut names = texts(&seen["policies"], "name");
    names.sort_unstable();
    assert_eq!(names, ["Require a compliant device", FOR_ADMINS]);
    let device = json!([{"objectId": wrong.device["id"], "state": "noncompliant", "since": since}]);
    assert_eq!(json!(nodes(&seen["devices"])), device);
    assert_eq!(
        (&seen["result"]["status"], &seen["compliant"]["status"]),
        (&json!("FAIL"), &json!("FAIL"))
    );
    assert_eq!(seen["compliant"]["counts"]["failed"], 1);
}

const CHANGES: &str = r#"query($company: ID!, $from: DateTime!, $to: DateTime!) { company(id: $company) {
    evidenceChanges(from: $from, to: $to) {
        fromRun { number } toRun { number }
        objects(first: 100) { edges { node { resource objectId name change runNumber paths { path before after } } } }
        findings(first: 100) { edges { node { checkId objectId kind state runNumber openedAt closedAt } } }
    } } }"#;

async fn changes(story: &Story, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    let asked = json!({"from": from, "to": to});
    let told = story.ask(staff(StaffRole::Technician), CHANGES, asked.clone()).await;
    let manager = story
        .ask(story.portal(PortalRole::Manager), CHANGES, asked.clone())
        .await;
    assert_eq!(told, manager, "a manager is told of their company what the MSP is told");
    let nobody = story.ask(story.portal(PortalRole::User), CHANGES, asked).await;
    assert_eq!(nobody["evidenceChanges"], Value::Null);
    told["evidenceChanges"].clone()
}

/// The findings that came to this state in this run, as check and object. An open one counts where it was not before.
fn findings<'a>(changes: &'a Value, state: &str, run: u64, at: DateTime<Utc>) -> BTreeSet<(&'a str, &'a str)> {
    let came = |finding: &&Value| {
        let new = state != "OPEN" || finding["openedAt"] == shown(at);
        finding["state"] == state && finding["runNumber"] == run && new
    };
    let all = nodes(&changes["findings"]).into_iter().filter(came);
    all.map(|finding| {
        (
            finding["checkId"].as_str().unwrap(),
            finding["objectId"].as_str().unwrap(),
        )
    })
    .collect()
}

/// What changed of the objects, without the audit log: (resource, object, place, before, after).
fn places(changes: &Value) -> Vec<(Value, Value, Value, Value, Value)> {
    let mut places = Vec::new();
    for object in nodes(&changes["objects"]) {
        if object["resource"] == "directory_audits" {
            assert_eq!(object["change"], "ADDED", "the log grows");
            continue;
        }
        assert_eq!(object["change"], "CHANGED");
        for path in object["paths"].as_array().unwrap() {
            let take = |field: &str| path[field].clone();
            if path["path"] != "modifiedDateTime" {
                places.push((
                    object["resource"].clone(),
                    object["objectId"].clone(),
                    take("path"),
                    take("before"),
                    take("after"),
                ));
            }
        }
    }
    places
}

#[tokio::test]
async fn what_changed_is_told_with_the_place_and_the_run() {
    let (story, wrong) = week().await;
    let policy = story.policy(FOR_ADMINS).await["id"].clone();
    let administrator = story.list("roles").await[0]["principalId"].clone();
    let [policy, person, device, administrator] =
        [&policy, &wrong.person["id"], &wrong.device["id"], &administrator].map(|id| id.as_str().unwrap());

    let nothing = changes(&story, moment(2, "13:00"), moment(3, "07:00")).await;
    assert_eq!(
        (&nothing["fromRun"]["number"], &nothing["toRun"]["number"]),
        (&json!(1), &json!(2))
    );
    // Whether a policy was disabled since the run before can be told from the second run on.
    let mut told = nodes(&nothing["findings"]);
    told.retain(|finding| finding["checkId"] != "entra.ca.disabled_policies");
    assert_eq!((nodes(&nothing["objects"]).len(), told.len()), (0, 0), "{nothing:#}");

    let weakened = changes(&story, moment(3, "07:00"), moment(3, "13:00")).await;
    let member = json!([{"@odata.type": "#microsoft.graph.user", "id": person}]);
    let place = |resource: &str, id: &str, path: &str, before: Value, after: Value| {
        (json!(resource), json!(id), json!(path), before, after)
    };
    let summary = weakened["objects"]["edges"].as_array().unwrap().iter();
    let summary = summary
        .map(|edge| &edge["node"])
        .find(|object| object["resource"] == "compliance_summary");
    let summary = summary
        .and_then(|summary| summary["objectId"].as_str())
        .expect("there is one");
    assert_eq!(
        places(&weakened),
        [
            place(
                "managed_devices",
                device,
                "complianceState",
                json!("compliant"),
                json!("noncompliant")
            ),
            place("group_members", &story.inner, "members", json!([]), member.clone()),
            place(
                "compliance_summary",
                summary,
                "compliantDeviceCount",
                json!(4),
                json!(3)
            ),
            place(
                "compliance_summary",
                summary,
                "nonCompliantDeviceCount",
                json!(0),
                json!(1)
            ),
            place("ca_policies", policy, "state", json!("enabled"), json!(REPORT_ONLY)),
        ]
    );
    let opened = BTreeSet::from([
        ("entra.ca.admin_session_controls", administrator),
        ("entra.ca.exclusion_gaps", person),
        ("entra.ca.mfa_all_users", person),
        ("entra.ca.mfa_azure_management", person),
        ("entra.ca.phishing_resistant_mfa_admins", administrator),
        ("entra.ca.phishing_resistant_mfa_all", administrator),
        ("entra.ca.policy_changed", policy),
        ("entra.ca.user_session_lifetime", administrator),
        ("entra.tenant.security_defaults_or_ca", "security_defaults"),
        ("intune.device.compliant", device),
    ]);
    assert_eq!(findings(&weakened, "OPEN", 3, moment(3, "12:15")), opened);
    assert_eq!(findings(&weakened, "CLOSED", 3, moment(3, "12:15")), BTreeSet::new());

    let quiet = changes(&story, moment(3, "13:00"), moment(4, "00:00")).await;
    assert_eq!(
        nodes(&quiet["objects"]).len(),
        0,
        "that devices spoke is no change of them"
    );
    let change = ("entra.ca.policy_changed", policy);
    assert_eq!(
        nodes(&quiet["findings"]).len(),
        0,
        "what says the same is not said again, and a change does not mend itself: {quiet:#}"
    );

    let repaired = changes(&story, moment(4, "00:00"), moment(4, "13:00")).await;
    let back = |(resource, id, path, before, after)| (resource, id, path, after, before);
    let expected: Vec<_> = places(&weakened).into_iter().map(back).collect();
    assert_eq!(places(&repaired), expected);
    let closed: BTreeSet<_> = opened.iter().copied().filter(|finding| *finding != change).collect();
    assert_eq!(findings(&repaired, "CLOSED", 5, moment(4, "12:15")), closed);
    let again = nodes(&repaired["findings"]).into_iter();
    let mut again =
        again.filter(|finding| (&finding["checkId"], &finding["objectId"]) == (&json!(change.0), &json!(change.1)));
    let again = again.next().expect("to change it back is a change more");
    assert_eq!(
        (&again["state"], &again["openedAt"]),
        (&json!("OPEN"), &shown(moment(3, "12:15")))
    );
    assert_eq!(again["runNumber"], 5);
    for finding in nodes(&repaired["findings"])
        .iter()
        .filter(|finding| finding["state"] == "CLOSED")
    {
        assert_eq!(
            (&finding["openedAt"], &finding["closedAt"]),
            (&shown(moment(3, "12:15")), &shown(moment(4, "12:15")))
        );
    }
}

const HELD: &str = r#"query($company: ID!) { company(id: $company) {
    evidenceRuns { totalCount edges { node { number takenAt readings { outcome } link { number contentSha256 } sha256 } } }
    evidencePeriod(from: "2026-03-03T00:00:00Z", to: "2026-03-04T00:00:00Z") {
        expected complete incomplete missing kept gaps { at state runNumber because } }
    evidenceChain { edges { node { number kind contentSha256 previousSha256 sha256 } } }
    evidenceVerification { whole faultCount faults { what } }
} }"#;

#[tokio::test]
async fn the_runs_are_chained_and_those_that_are_missing_are_counted() {
    let (story, _) = week().await;

    let held = story.ask(story.portal(PortalRole::Manager), HELD, json!({})).await;

    let runs = nodes(&held["evidenceRuns"]);
    let taken: Vec<_> = runs
        .iter()
        .map(|run| (run["number"].clone(), run["takenAt"].clone()))
        .collect();
    let expected = [(4, "12:15"), (3, "18:15"), (3, "12:15"), (3, "06:15"), (2, "12:15")];
    let expected: Vec<_> = (1..=5)
        .rev()
        .zip(expected)
        .map(|(run, (day, time))| (json!(run), shown(moment(day, time))))
        .collect();
    assert_eq!(taken, expected);
    assert_eq!(
        held["evidencePeriod"],
        json!({"expected": 4, "complete": 3, "incomplete": 0, "missing": 1, "kept": 3,
               "gaps": [{"at": shown(moment(3, "00:15")), "state": "MISSING", "runNumber": null, "because": null}]})
    );
    let links = nodes(&held["evidenceChain"]);
    assert_eq!(links.len(), 5);
    for (run, link) in runs.iter().zip(&links) {
        assert_eq!((&link["kind"], &link["contentSha256"]), (&json!("RUN"), &run["sha256"]));
        assert_eq!(run["link"]["number"], link["number"]);
    }
    for pair in links.windows(2) {
        assert_eq!(pair[0]["previousSha256"], pair[1]["sha256"]);
    }
    assert_eq!(
        held["evidenceVerification"],
        json!({"whole": true, "faultCount": 0, "faults": []})
    );

    let hidden = story.ask(story.portal(PortalRole::User), HELD, json!({})).await;
    let nothing = json!({"edges": []});
    assert_eq!(
        hidden,
        json!({"evidenceRuns": {"totalCount": 0, "edges": []}, "evidencePeriod": null, "evidenceChain": nothing,
               "evidenceVerification": null})
    );
}
