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

#[test]
fn a_line_that_is_no_mapping_is_refused() {
    assert!(mapping("entra.ca.mfa_all_users,soc2_2017_rev2022,CC6.1,satisfies,A,x:y").is_err());
    assert!(mapping("entra.ca.mfa_all_users,soc2_2017_rev2022,CC6.1,supports,F,x:y").is_err());
    assert!(mapping("entra.ca.mfa_all_users,soc2_2017_rev2022,CC6.1,supports,A").is_err());
}
