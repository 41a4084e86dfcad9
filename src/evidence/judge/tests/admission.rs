//! For how long people are let in, from where, and past which policies.

use serde_json::{Value, json};

use super::super::Status::{Fail, Indeterminate, NeedsReview, NotApplicable, Pass};
use super::fixture::{Case, GLOBAL_ADMINISTRATOR, days_ago};
use super::lighter::without_members;
use super::tables::Row;
use crate::evidence::snapshot::Resource::{CaPolicies, Groups, NamedLocations, RoleAssignments, RoleDefinitions};

fn session(case: Case, controls: Value) -> Case {
    case.change(CaPolicies, "session", json!({"sessionControls": controls}))
}

fn platforms(case: Case, excluded: &Value) -> Case {
    case.conditions("platform", &json!({"platforms": {"excludePlatforms": excluded}}))
}

fn disabled(case: Case) -> Case {
    case.change(CaPolicies, "mfa", json!({"state": "disabled"}))
}

fn trusting(case: Case) -> Case {
    let locations = json!({"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]});
    case.conditions("mfa", &json!({"locations": locations}))
}

fn nobody_left_out(case: Case) -> Case {
    case.change_all(CaPolicies, &json!({"conditions": {"users": {"excludeGroups": []}}}))
}

/// Ada administers a part of the tenant alone.
fn scoped(case: Case) -> Case {
    case.change(
        RoleAssignments,
        &format!("ada-{GLOBAL_ADMINISTRATOR}"),
        json!({"directoryScopeId": "/administrativeUnits/branch"}),
    )
}

pub const ROWS: &[Row] = &[
    ("entra.ca.admin_session_controls", Pass, "as it is", |case| case),
    ("entra.ca.admin_session_controls", Pass, "each time", |case| {
        let frequency = json!({"frequencyInterval": "everyTime", "type": null, "value": null});
        session(case, json!({"signInFrequency": frequency}))
    }),
    ("entra.ca.admin_session_controls", Pass, "by two policies", |case| {
        let browser = json!({"persistentBrowser": {"isEnabled": true, "mode": "never"}});
        session(case, json!({"persistentBrowser": null}))
            .policy("browser", json!({"grantControls": null, "sessionControls": browser}))
    }),
    ("entra.ca.admin_session_controls", Fail, "five hours", |case| {
        session(case, json!({"signInFrequency": {"value": 5}}))
    }),
    ("entra.ca.admin_session_controls", Fail, "four days", |case| {
        session(case, json!({"signInFrequency": {"type": "days"}}))
    }),
    ("entra.ca.admin_session_controls", Fail, "switched off", |case| {
        session(case, json!({"signInFrequency": {"isEnabled": false}}))
    }),
    ("entra.ca.admin_session_controls", Fail, "browsers stay", |case| {
        session(case, json!({"persistentBrowser": {"mode": "always"}}))
    }),
    (
        "entra.ca.admin_session_controls",
        NeedsReview,
        "on phones alone",
        |case| {
            case.conditions(
                "session",
                &json!({"platforms": {"includePlatforms": ["iOS", "android"]}}),
            )
        },
    ),
    ("entra.ca.admin_session_controls", NotApplicable, "no admins", |case| {
        case.none_of(RoleAssignments)
    }),
    ("entra.ca.user_session_lifetime", Pass, "as it is", |case| case),
    ("entra.ca.user_session_lifetime", Pass, "a week", |case| {
        session(case, json!({"signInFrequency": {"type": "days", "value": 7}}))
    }),
    ("entra.ca.user_session_lifetime", Fail, "longer", |case| {
        session(case, json!({"signInFrequency": {"type": "hours", "value": 169}}))
    }),
    ("entra.ca.user_session_lifetime", Fail, "on phones alone", |case| {
        case.conditions(
            "session",
            &json!({"platforms": {"includePlatforms": ["iOS", "android"]}}),
        )
    }),
    ("entra.ca.user_session_lifetime", NeedsReview, "a new unit", |case| {
        session(case, json!({"signInFrequency": {"type": "moons"}}))
    }),
    (
        "entra.ca.user_session_lifetime",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.unknown_platform_blocked", Pass, "as it is", |case| case),
    (
        "entra.ca.unknown_platform_blocked",
        Fail,
        "one more is let in",
        |case| {
            platforms(
                case,
                &json!(["android", "iOS", "windows", "macOS", "linux", "windowsPhone"]),
            )
        },
    ),
    ("entra.ca.unknown_platform_blocked", Fail, "all are blocked", |case| {
        platforms(case, &json!([]))
    }),
    (
        "entra.ca.unknown_platform_blocked",
        Fail,
        "nothing is blocked",
        |case| case.grant("platform", &json!({"builtInControls": ["mfa"]})),
    ),
    ("entra.ca.unknown_platform_blocked", Fail, "not for Ben", |case| {
        case.conditions("platform", &json!({"users": {"excludeUsers": ["ben"]}}))
    }),
    ("entra.ca.unknown_platform_blocked", NeedsReview, "a new word", |case| {
        platforms(
            case,
            &json!(["android", "iOS", "windows", "macOS", "linux", "visionOS"]),
        )
    }),
    (
        "entra.ca.unknown_platform_blocked",
        NotApplicable,
        "only guests",
        without_members,
    ),
    ("entra.ca.disabled_policies", Pass, "declared", |case| {
        disabled(case).declare("entra.ca.disabled_policies", "mfa", days_ago(-9))
    }),
    ("entra.ca.disabled_policies", Fail, "since the run before", disabled),
    ("entra.ca.disabled_policies", NeedsReview, "for longer", |case| {
        disabled(case).remembers()
    }),
    ("entra.ca.disabled_policies", NeedsReview, "made so", |case| {
        case.policy("new", json!({"state": "disabled"}))
    }),
    ("entra.ca.disabled_policies", NotApplicable, "none", |case| case),
    ("entra.ca.exclusions_declared", Pass, "as it is", |case| case),
    ("entra.ca.exclusions_declared", Fail, "Ben, by name", |case| {
        case.conditions("mfa", &json!({"users": {"excludeUsers": ["ben"]}}))
    }),
    ("entra.ca.exclusions_declared", Fail, "a kind of guest", |case| {
        let kinds = json!({"guestOrExternalUserTypes": "serviceProvider"});
        case.conditions("mfa", &json!({"users": {"excludeGuestsOrExternalUsers": kinds}}))
    }),
    ("entra.ca.exclusions_declared", Fail, "an application", |case| {
        case.conditions("mfa", &json!({"applications": {"excludeApplications": ["crm"]}}))
    }),
    ("entra.ca.exclusions_declared", Fail, "a place", trusting),
    (
        "entra.ca.exclusions_declared",
        Fail,
        "the exception is over",
        |mut case| {
            let exceptions = case.declared.exceptions.iter_mut();
            exceptions.for_each(|exception| exception.expires_at = days_ago(1));
            case
        },
    ),
    ("entra.ca.exclusions_declared", NeedsReview, "Ben came in", |case| {
        case.group("safe", &["eve", "eli", "ben"])
    }),
    (
        "entra.ca.exclusions_declared",
        NotApplicable,
        "nobody is left out",
        nobody_left_out,
    ),
    ("entra.ca.excluded_groups_protected", Pass, "as it is", |case| case),
    ("entra.ca.excluded_groups_protected", Pass, "restricted", |case| {
        let change = json!({"isAssignableToRole": null, "isManagementRestricted": true});
        case.change(Groups, "safe", change)
    }),
    ("entra.ca.excluded_groups_protected", Fail, "open", |case| {
        case.change(Groups, "safe", json!({"isAssignableToRole": null}))
    }),
    ("entra.ca.excluded_groups_protected", Fail, "by a rule", |case| {
        case.change(Groups, "safe", json!({"groupTypes": ["DynamicMembership"]}))
    }),
    (
        "entra.ca.excluded_groups_protected",
        Fail,
        "from the premises",
        |case| case.change(Groups, "safe", json!({"onPremisesSyncEnabled": true})),
    ),
    ("entra.ca.excluded_groups_protected", NeedsReview, "deleted", |case| {
        case.drop(Groups, "safe")
    }),
    (
        "entra.ca.excluded_groups_protected",
        NotApplicable,
        "none is left out",
        nobody_left_out,
    ),
    ("entra.ca.location_bypass", Pass, "as it is", |case| case),
    ("entra.ca.location_bypass", Pass, "another policy catches all", |case| {
        trusting(case).policy("again", json!({}))
    }),
    ("entra.ca.location_bypass", Pass, "declared", |case| {
        trusting(case).declare("entra.ca.location_bypass", "mfa", days_ago(-9))
    }),
    ("entra.ca.location_bypass", Fail, "nothing asks there", trusting),
    ("entra.ca.location_bypass", NeedsReview, "something may", |case| {
        trusting(case).policy("again", json!({})).in_new_state("again")
    }),
    ("entra.ca.location_bypass", NotApplicable, "no second factor", |case| {
        case.drop(CaPolicies, "mfa")
            .drop(CaPolicies, "resist")
            .drop(CaPolicies, "join")
    }),
    ("entra.ca.role_targeting_gap", Pass, "as it is", |case| case),
    ("entra.ca.role_targeting_gap", Pass, "all are given the same", |case| {
        let strength = json!({"id": "strong", "requirementsSatisfied": "mfa", "allowedCombinations": ["fido2"]});
        scoped(case).grant(
            "mfa",
            &json!({"builtInControls": [], "authenticationStrength": strength}),
        )
    }),
    ("entra.ca.role_targeting_gap", Fail, "over a part alone", scoped),
    ("entra.ca.role_targeting_gap", Fail, "a role of one's own", |case| {
        case.change(RoleDefinitions, GLOBAL_ADMINISTRATOR, json!({"isBuiltIn": false}))
    }),
    ("entra.ca.role_targeting_gap", NeedsReview, "a new state", |case| {
        scoped(case).in_new_state("resist")
    }),
    ("entra.ca.role_targeting_gap", NotApplicable, "no such policy", |case| {
        case.drop(CaPolicies, "resist")
    }),
];

#[test]
fn the_first_run_does_not_know_since_when_a_policy_is_disabled() {
    let mut case = disabled(Case::healthy());
    case.past.policies = None;
    assert_eq!(case.verdict("entra.ca.disabled_policies").status, Indeterminate);
}

#[test]
fn who_disabled_a_policy_is_told_where_the_log_tells() {
    let case = disabled(Case::healthy()).audited("mfa", "Update conditional access policy");
    let verdict = case.verdict("entra.ca.disabled_policies");
    assert_eq!(
        verdict.findings[0].lineage["audit"]["by"],
        json!({"user": {"id": "ada"}})
    );
}

#[test]
fn a_place_is_told_with_its_ranges_and_with_who_goes_free_there() {
    let ranges = json!([{"cidrAddress": "192.0.2.0/24"}]);
    let office = json!({"id": "office", "displayName": "Office", "isTrusted": true, "ipRanges": ranges});
    let verdict = trusting(Case::healthy())
        .put(NamedLocations, office)
        .put(NamedLocations, json!({"id": "cafe", "isTrusted": false}))
        .verdict("entra.ca.location_bypass");
    let lineage = &verdict.findings[0].lineage;
    let places = lineage["excludedLocations"][0]["is"].as_array().unwrap();
    assert_eq!((places.len(), &places[0]["ipRanges"]), (1, &ranges));
    // Ada is asked by the policy for her role.
    assert_eq!(lineage["people"], json!(["ben", "gil"]));
}

#[test]
fn the_missing_control_of_a_session_is_named() {
    let case = session(Case::healthy(), json!({"persistentBrowser": null}));
    let verdict = case.verdict("entra.ca.admin_session_controls");
    assert_eq!(verdict.failed(), ["ada"]);
    let ada = verdict.findings.iter().find(|finding| finding.object_id == "ada");
    assert_eq!(ada.unwrap().lineage["missing"], json!(["persistentBrowser"]));
}

#[test]
fn everybody_in_a_declared_group_who_is_not_declared_is_asked_about_by_name() {
    let case = Case::healthy().group("safe", &["eve", "eli", "ben"]);
    let verdict = case.verdict("entra.ca.exclusions_declared");
    assert_eq!(verdict.ids(super::super::FindingKind::Review), ["ben"]);
    let declared = case.declare("entra.ca.exclusions_declared", "ben", days_ago(-9));
    assert_eq!(declared.verdict("entra.ca.exclusions_declared").status, Pass);
}
