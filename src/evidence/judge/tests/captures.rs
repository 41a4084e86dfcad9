//! Policies and settings that were captured from tenants that are there, held against people who are not.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::*;
use super::fixture::Case;
use crate::evidence::snapshot::Resource;

/// The folder with captures, kept beside the repository.
fn samples() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.ancestors().map(|folder| folder.join("shared/graph/samples"));
    let found = folder.into_iter().find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: the folder ../shared/graph/samples with captures of tenants is absent");
    }
    found
}

fn objects(folder: &Path, file: &str) -> Vec<Value> {
    let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let page: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
    page["value"]
        .as_array()
        .unwrap_or_else(|| panic!("{file} is a page"))
        .clone()
}

/// The company in good order with the policies of a capture: every group that they name has nobody but what is put in.
fn with_policies(folder: &Path, file: &str) -> Case {
    let mut case = Case::healthy().none_of(Resource::CaPolicies);
    for policy in objects(folder, file) {
        let users = &policy["conditions"]["users"];
        for list in ["includeGroups", "excludeGroups"] {
            let groups = users[list].as_array().into_iter().flatten().filter_map(Value::as_str);
            for group in groups {
                case = case.group(group, &[]);
            }
        }
        for list in ["includeUsers", "excludeUsers"] {
            let people = users[list].as_array().into_iter().flatten().filter_map(Value::as_str);
            for person in people.filter(|person| person.contains('-')) {
                case = case.put(Resource::Users, json!({"id": person, "accountEnabled": false}));
            }
        }
        case = case.put(Resource::CaPolicies, policy);
    }
    case
}

#[test]
fn the_policies_of_a_hardened_tenant_say_what_their_names_say() {
    let Some(folder) = samples() else { return };
    let mut case = with_policies(&folder, "real-scuba-conditionalaccess-policies-v1.0.json");
    case.declared.emergency_accounts.clear();
    let status = |check: &str| case.verdict(check).status;
    // By an authentication strength, and without a built-in control.
    assert_eq!(status("entra.ca.mfa_all_users"), Status::Pass);
    assert_eq!(status("entra.ca.mfa_admins"), Status::Pass);
    assert_eq!(status("entra.ca.mfa_guests"), Status::Pass);
    assert_eq!(status("entra.ca.legacy_auth_blocked"), Status::Pass);
    assert_eq!(status("entra.ca.device_code_flow_blocked"), Status::Pass);
    assert_eq!(status("entra.ca.user_risk_remediated"), Status::Pass);
    // High risk alone; and a strength that also takes what can be phished.
    assert_eq!(status("entra.ca.sign_in_risk_blocked"), Status::Fail);
    assert_eq!(status("entra.ca.phishing_resistant_mfa_admins"), Status::Fail);
    assert_eq!(status("entra.ca.compliant_device_required"), Status::Fail);
}

#[test]
fn a_baseline_of_thirty_six_policies_covers_by_groups_and_leaves_out_by_groups() {
    let Some(folder) = samples() else { return };
    let file = "real-conditionalaccess-policies-v1.0.json";
    let case = with_policies(&folder, file);
    let verdict = case.verdict("entra.ca.mfa_all_users");
    assert_ne!(verdict.status, Status::Indeterminate, "{:?}", verdict.reason);
    // One of the groups that the first policy leaves out has Ben; no group that another policy takes in has.
    let policies = objects(&folder, file);
    let out = policies[0]["conditions"]["users"]["excludeGroups"][0].as_str().unwrap();
    let case = with_policies(&folder, file).group(out, &["ben"]);
    let verdict = case.verdict("entra.ca.mfa_all_users");
    let ben = verdict
        .findings
        .iter()
        .find(|finding| finding.object_id == "ben")
        .expect("Ben is left out");
    assert!(ben.lineage.to_string().contains(out), "{}", ben.lineage);
    assert_eq!(
        case.verdict("entra.ca.phishing_resistant_mfa_admins").status,
        Status::Fail,
        "it is report-only"
    );
}

#[test]
fn policies_as_they_come_from_beta_are_read_too() {
    let Some(folder) = samples() else { return };
    for file in [
        "real-conditionalaccess-policies-minimal.json",
        "real-scuba-conditionalaccess-policies.json",
    ] {
        let stable = file.replace("-minimal", "-v1.0");
        let stable = if stable == file {
            stable.replace(".json", "-v1.0.json")
        } else {
            stable
        };
        let (beta, stable) = (with_policies(&folder, file), with_policies(&folder, &stable));
        for (beta, stable) in beta.verdicts().into_iter().zip(stable.verdicts()) {
            // What only beta tells may narrow a policy: it can make a pass a question, and never the reverse.
            let better = beta.status == Status::Pass && stable.status != Status::Pass;
            assert!(!better, "{}: {:?} {:?}", beta.check, beta.status, stable.status);
        }
    }
}

#[test]
fn the_settings_of_a_tenant_are_judged_as_they_were_captured() {
    let Some(folder) = samples() else { return };
    let methods = objects(&folder, "real-scuba-authentication-methods.json");
    let methods = json!({"authenticationMethodConfigurations": methods});
    let bytes = std::fs::read(folder.join("real-scuba-authorization-policy.json")).unwrap();
    let policy: Value = serde_json::from_slice(&bytes).unwrap();
    let case = Case::healthy()
        .change(Resource::AuthMethodsPolicy, "authenticationMethodsPolicy", methods)
        .none_of(Resource::AuthzPolicy)
        .put(Resource::AuthzPolicy, policy);
    assert_eq!(case.verdict("entra.auth.weak_methods_disabled").status, Status::Pass);
    // Beta has the list under another name: what v1.0 would say is not there, and that is not "none".
    assert_eq!(
        case.verdict("entra.authz.user_consent_restricted").status,
        Status::NeedsReview
    );
}
