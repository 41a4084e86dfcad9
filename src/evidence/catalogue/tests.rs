//! The catalogue holds together: what it names is there, once, and in the edition that it says.

use std::collections::BTreeSet;

use super::*;
use crate::evidence::snapshot::Resource;

const REQUESTED: &[&str] = &[
    "AuditLog.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "User.Read.All",
];

#[test]
fn every_id_is_there_once() {
    let catalogue = Catalogue::get();
    let mut seen = BTreeSet::new();
    for check in catalogue.checks() {
        assert!(seen.insert(&check.id), "{} is there twice", check.id);
    }
    for framework in catalogue.frameworks() {
        assert!(seen.insert(&framework.id), "{} is there twice", framework.id);
        let controls: BTreeSet<_> = framework.controls.iter().map(|control| &control.id).collect();
        assert_eq!(controls.len(), framework.controls.len(), "{}", framework.id);
        assert!(
            framework.controls.len() <= framework.catalog_size as usize,
            "{}",
            framework.id
        );
    }
}

#[test]
fn every_mapping_names_a_check_and_a_control_of_its_edition_and_its_sources() {
    let catalogue = Catalogue::get();
    let mut seen = BTreeSet::new();
    for mapping in &catalogue.mappings {
        assert!(catalogue.check(&mapping.check).is_some(), "{mapping:?}");
        let framework = catalogue
            .frameworks()
            .iter()
            .find(|framework| framework.id == mapping.framework);
        let framework = framework.unwrap_or_else(|| panic!("{mapping:?}"));
        assert!(
            framework.controls.iter().any(|control| control.id == mapping.control),
            "{mapping:?}"
        );
        assert!(
            seen.insert((&mapping.check, &mapping.framework, &mapping.control)),
            "{mapping:?}"
        );
        for evidence in &mapping.evidence {
            let key = evidence.split(':').next().expect("split gives one part at least");
            assert!(catalogue.source(key).is_some(), "{key} of {mapping:?}");
        }
    }
}

#[test]
fn nobody_sees_a_mapping_that_nobody_has_published() {
    let catalogue = Catalogue::get();
    assert!(
        catalogue
            .mappings
            .iter()
            .any(|mapping| mapping.grade == Grade::TitleOnly)
    );
    assert!(catalogue.mappings().all(|mapping| mapping.grade != Grade::TitleOnly));
}

#[test]
fn the_hash_of_a_check_is_the_hash_of_its_words() {
    for check in Catalogue::get().checks() {
        assert_eq!(check.compute_logic_sha256(), check.logic_sha256, "{}", check.id);
    }
}

#[test]
fn no_check_reads_what_no_requested_permission_can() {
    for check in Catalogue::get().checks() {
        for permission in &check.permissions {
            assert!(REQUESTED.contains(&permission.as_str()), "{}: {permission}", check.id);
        }
        for endpoint in &check.endpoints {
            let known = Resource::ALL.iter().any(|resource| resource.as_str() == endpoint);
            let beside = matches!(endpoint.as_str(), "collector" | "users_count");
            assert!(known || beside, "{}: {endpoint}", check.id);
        }
    }
}

/// Microsoft's schema of v1.0, cut from `microsoftgraph/msgraph-metadata` at `f54f11b`, kept beside the repository.
fn schemas() -> Option<serde_json::Value> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut schema = here
        .ancestors()
        .map(|folder| folder.join("shared/graph/openapi/graph-v1.0-subset.json"));
    let Some(path) = schema.find(|path| path.is_file()) else {
        eprintln!("SKIPPED: there is no schema at ../shared/graph/openapi beside the repository");
        return None;
    };
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Some(document["components"]["schemas"].clone())
}

/// The types that a schema refers to, in any of its forms.
fn referred(schema: &serde_json::Value, into: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                if let (true, Some(path)) = (name == "$ref", value.as_str()) {
                    into.extend(path.rsplit('/').next().map(str::to_owned));
                } else {
                    referred(value, into);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| referred(item, into)),
        _ => {}
    }
}

/// Types that the schema beside the repository leaves out, with their properties in the CSDL of the same commit.
const NOT_IN_THE_CUT: &[(&str, &[&str])] = &[
    (
        "directoryAudit",
        &[
            "activityDateTime",
            "activityDisplayName",
            "correlationId",
            "initiatedBy",
            "targetResources",
        ],
    ),
    ("adminConsentRequestPolicy", &["isEnabled", "reviewers"]),
    (
        "deviceManagementSettings",
        &["deviceComplianceCheckinThresholdDays", "secureByDefault"],
    ),
    ("deviceManagement", &["settings"]),
];

#[test]
fn every_property_that_a_check_reads_is_in_microsofts_schema() {
    let Some(schemas) = schemas() else { return };
    let mut unknown = BTreeSet::new();
    for check in Catalogue::get().checks() {
        for path in &check.graph_fields {
            let mut names = path.split('.');
            let kind = names.next().unwrap();
            if let Some((_, known)) = NOT_IN_THE_CUT.iter().find(|(known, _)| *known == kind) {
                let first = names.next().unwrap();
                assert!(known.contains(&first), "{}: {path}", check.id);
                continue;
            }
            let mut kinds = BTreeSet::from([format!("microsoft.graph.{kind}")]);
            for name in names {
                let mut next = BTreeSet::new();
                let mut is_there = false;
                for kind in &kinds {
                    for property in properties(&schemas, kind, name) {
                        is_there = true;
                        referred(&property, &mut next);
                    }
                }
                if !is_there {
                    unknown.insert(format!("{}: {path} at {name} of {kinds:?}", check.id));
                    break;
                }
                kinds = next;
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// A property of a type, or of what the type may be one of.
fn properties(schemas: &serde_json::Value, kind: &str, name: &str) -> Vec<serde_json::Value> {
    let schema = &schemas[kind];
    if let Some(property) = schema["properties"].get(name) {
        return vec![property.clone()];
    }
    let mut others = BTreeSet::new();
    for part in ["anyOf", "oneOf", "allOf"] {
        referred(&schema[part], &mut others);
    }
    others.remove(kind);
    others
        .iter()
        .flat_map(|other| properties(schemas, other, name))
        .collect()
}

#[test]
fn each_data_file_names_its_sources_and_on_what_terms() {
    let catalogue = Catalogue::get();
    for framework in catalogue.frameworks() {
        for words in [&framework.licence, &framework.title_source, &framework.publisher] {
            assert!(!words.is_empty(), "{}", framework.id);
        }
    }
    for check in catalogue.checks() {
        assert!(!check.sources.is_empty(), "{}", check.id);
        for key in &check.sources {
            assert!(catalogue.source(key).is_some(), "{}: {key}", check.id);
        }
    }
    let ours = ["title", "cmmc-identity", "cmmc-l1", "r3-origin"];
    for (key, words) in &catalogue.sources {
        let on_terms = ["Apache-2.0", "MIT", "CC", "AGPL", "ids only"]
            .iter()
            .any(|term| words.contains(term));
        assert!(on_terms || ours.contains(&key.as_str()), "{key}: {words}");
    }
}

#[test]
fn a_line_that_is_no_mapping_is_refused() {
    assert!(mapping("entra.ca.mfa_all_users,soc2_2017_rev2022,CC6.1,satisfies,A,x:y").is_err());
    assert!(mapping("entra.ca.mfa_all_users,soc2_2017_rev2022,CC6.1,supports,F,x:y").is_err());
    assert!(mapping("entra.ca.mfa_all_users,soc2_2017_rev2022,CC6.1,supports,A").is_err());
}
