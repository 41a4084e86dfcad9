//! OSCAL assessment results, held against what NIST's schema of version 1.1.2 asks of their parts.
//!
//! Source: <https://github.com/usnistgov/OSCAL/releases/tag/v1.1.2>, `oscal_assessment-results_schema.json`

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;

/// What each part must have, and what it may have besides.
const PARTS: &[(&str, &[&str], &[&str])] = &[
    (
        "/assessment-results",
        &["uuid", "metadata", "import-ap", "results"],
        &["back-matter", "local-definitions"],
    ),
    (
        "/assessment-results/metadata",
        &["title", "last-modified", "version", "oscal-version"],
        &["parties"],
    ),
    (
        "/assessment-results/results/*",
        &["uuid", "title", "description", "start", "reviewed-controls"],
        &[
            "end",
            "local-definitions",
            "observations",
            "risks",
            "findings",
            "remarks",
        ],
    ),
    (
        "/assessment-results/results/*/local-definitions/components/*",
        &["uuid", "type", "title", "description", "status"],
        &["props"],
    ),
    (
        "/assessment-results/results/*/reviewed-controls",
        &["control-selections"],
        &["remarks"],
    ),
    (
        "/assessment-results/results/*/reviewed-controls/control-selections/*",
        &[],
        &["description", "include-controls"],
    ),
    (
        "/assessment-results/results/*/observations/*",
        &["uuid", "description", "methods", "collected"],
        &["title", "props", "origins", "subjects", "relevant-evidence"],
    ),
    (
        "/assessment-results/results/*/observations/*/subjects/*",
        &["subject-uuid", "type"],
        &["props"],
    ),
    (
        "/assessment-results/results/*/observations/*/relevant-evidence/*",
        &["description"],
        &["href"],
    ),
    (
        "/assessment-results/results/*/risks/*",
        &["uuid", "title", "description", "statement", "status"],
        &["props", "deadline", "related-observations"],
    ),
    (
        "/assessment-results/results/*/findings/*",
        &["uuid", "title", "description", "target"],
        &["props", "related-observations"],
    ),
    (
        "/assessment-results/results/*/findings/*/target",
        &["type", "target-id", "status"],
        &[],
    ),
    (
        "/assessment-results/results/*/findings/*/target/status",
        &["state"],
        &["reason", "remarks"],
    ),
    (
        "/assessment-results/back-matter/resources/*",
        &["uuid"],
        &["title", "description", "rlinks"],
    ),
];

/// The values at a path, in which `*` stands for each item.
fn at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut values = vec![value];
    for part in path.split('/').skip(1) {
        values = values
            .into_iter()
            .flat_map(|value| match part {
                "*" => value.as_array().expect("a list").iter().collect(),
                name => value.get(name).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    values
}

fn is_token(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
}

/// Whatever it is in, a field of one name has one form.
fn check_fields(value: &Value, uuids: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            assert!(!items.is_empty(), "a list has something in it, or is not there");
            items.iter().for_each(|item| check_fields(item, uuids));
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let text = value.as_str().unwrap_or_default();
                match name.as_str() {
                    "uuid" => {
                        let uuid: Uuid = text.parse().expect("a UUID");
                        assert_eq!(uuid.get_version_num(), 5);
                        assert!(uuids.insert(text.to_owned()), "{text} is there twice");
                    }
                    "control-id" | "target-id" | "name" if fields.contains_key("value") || name != "name" => {
                        assert!(is_token(text), "{name}: {text}");
                    }
                    "value" | "title" => assert!(
                        !text.is_empty() && text.trim() == text && !text.contains('\n'),
                        "{text}"
                    ),
                    "collected" | "start" | "end" | "last-modified" | "deadline" => {
                        text.parse::<DateTime<Utc>>().expect("a moment");
                    }
                    "observation-uuid" | "actor-uuid" | "subject-uuid" => {
                        text.parse::<Uuid>().expect("a UUID");
                    }
                    _ => {}
                }
                check_fields(value, uuids);
            }
        }
        _ => {}
    }
}

fn check(document: &Value) -> BTreeSet<String> {
    for (path, must, may) in PARTS {
        for part in at(document, path) {
            let names: BTreeSet<&str> = part
                .as_object()
                .expect("an object")
                .keys()
                .map(String::as_str)
                .collect();
            for name in *must {
                assert!(names.contains(name), "{path} has no {name}");
            }
            for name in names {
                assert!(
                    must.contains(&name) || may.contains(&name),
                    "{path} may not have {name}"
                );
            }
        }
    }
    let mut uuids = BTreeSet::new();
    check_fields(document, &mut uuids);
    uuids
}

async fn oscal(keeper: &Keeper, days: i64) -> Value {
    let from = monday() + Duration::days(days);
    let text = keeper
        .export(Format::Oscal, from, from + Duration::days(9), keeper.next)
        .await;
    serde_json::from_slice(&text).expect("JSON")
}

#[tokio::test]
async fn a_failing_check_is_an_observation_and_a_finding_on_each_control_that_it_supports() {
    let mut keeper = story().await;
    keeper
        .keep(
            readings("enabled", vec![person("u", "Una"), person("v", "Vera")]),
            &[verdict(CHECK, &["u", "v"], &["u"])],
        )
        .await;
    let document = oscal(&keeper, -1).await;
    let uuids = check(&document);

    let observations = at(&document, "/assessment-results/results/*/observations/*");
    assert_eq!(observations.len(), 1);
    let props = at(observations[0], "/props/*");
    let prop = |name: &str| {
        props
            .iter()
            .find(|prop| prop["name"] == name)
            .map(|prop| &prop["value"])
    };
    assert_eq!(prop("status"), Some(&json!("FAIL")));
    assert_eq!(prop("runs-indeterminate"), Some(&json!("1")));
    assert_eq!(at(observations[0], "/subjects/*/type"), [&json!("user")]);

    let findings = at(&document, "/assessment-results/results/*/findings/*");
    let targets = at(&document, "/assessment-results/results/*/findings/*/target/target-id");
    assert!(targets.contains(&&json!("soc2_2017_rev2022_CC6.1")), "{targets:?}");
    for finding in findings {
        assert_eq!(finding["target"]["status"]["state"], "not-satisfied");
        let observation = finding["related-observations"][0]["observation-uuid"]
            .as_str()
            .expect("a UUID");
        assert!(uuids.contains(observation));
    }
    let controls = at(
        &document,
        "/assessment-results/results/*/reviewed-controls/control-selections/*/include-controls/*/control-id",
    );
    assert_eq!(
        controls.len(),
        targets.len(),
        "one check fails, so every control that it supports has a finding"
    );
    let evidence = observations[0]["relevant-evidence"][0]["href"]
        .as_str()
        .expect("a link");
    assert!(uuids.contains(evidence.trim_start_matches('#')));
}

#[tokio::test]
async fn nobody_is_told_that_a_control_is_satisfied() {
    let document = oscal(&story().await, -1).await;
    check(&document);
    assert_eq!(
        at(&document, "/assessment-results/results/*/findings/*"),
        Vec::<&Value>::new()
    );
    let text = document.to_string();
    assert!(!text.contains("\"satisfied\"") && !text.contains('%'), "{text}");
    assert!(text.contains("Whether it is met is for an assessor to find."));
}

#[tokio::test]
async fn the_same_evidence_has_the_same_identifiers() {
    let keeper = story().await;
    assert_eq!(oscal(&keeper, -1).await, oscal(&keeper, -1).await);
    let files = files(&keeper.bundle().await);
    let document: Value = serde_json::from_str(text(&files, "oscal/assessment-results.json")).expect("JSON");
    let uuids = check(&document);
    let links = at(&document, "/assessment-results/back-matter/resources/*/rlinks/*");
    for link in &links {
        let name = link["href"]
            .as_str()
            .and_then(|href| href.strip_prefix("../"))
            .expect("within the bundle");
        let hash = link["hashes"][0]["value"].as_str().expect("a hash");
        assert_eq!(hex(&Sha256::digest(&files[name])), hash);
    }
    assert!(!links.is_empty() && !uuids.is_empty());
    let empty = oscal(&keeper, 30).await;
    check(&empty);
    assert_ne!(
        empty["assessment-results"]["uuid"],
        document["assessment-results"]["uuid"]
    );
}

#[tokio::test]
async fn an_exception_is_a_risk_that_somebody_has_taken_until_a_day() {
    let mut keeper = story().await;
    let mut verdict = verdict(CHECK, &["u", "v"], &["u"]);
    verdict.status = Status::Pass;
    (verdict.counts.failed, verdict.counts.excepted) = (0, 1);
    verdict.findings[0].kind = FindingKind::Excepted;
    verdict.findings[0].lineage = json!({"otherwise": {}, "excuse": {"declared": "EMERGENCY_ACCOUNT",
        "owner": "Megan Bowen", "reason": "For the night\nof the fire", "expiresAt": "2026-06-01T00:00:00Z"}});
    let people = vec![person("u", "Una"), person("v", "Vera")];
    keeper.keep(readings("enabled", people), &[verdict]).await;

    let document = oscal(&keeper, -1).await;
    let uuids = check(&document);

    let risks = at(&document, "/assessment-results/results/*/risks/*");
    assert_eq!(risks.len(), 1);
    let risk = risks[0];
    assert_eq!(
        (&risk["status"], &risk["deadline"], &risk["statement"]),
        (
            &json!("deviation-approved"),
            &json!("2026-06-01T00:00:00Z"),
            &json!("For the night of the fire (Megan Bowen answers for it)")
        )
    );
    let observation = risk["related-observations"][0]["observation-uuid"].as_str();
    assert!(uuids.contains(observation.expect("a UUID")));
    assert_eq!(faults(&keeper.bundle().await), Vec::<String>::new());
}
