//! Accounts, and what they have registered to sign in with.

use serde_json::json;

use super::super::Status::{Fail, NeedsReview, NotApplicable, Pass};
use super::super::*;
use super::fixture::{Case, GLOBAL_ADMINISTRATOR, account, days_ago};
use super::tables::Row;
use crate::evidence::snapshot::Outcome;
use crate::evidence::snapshot::Resource::{Registration, RoleAssignments, Users, UsersSignin};

fn without_members(case: Case) -> Case {
    case.change_all(Users, &json!({"userType": "Guest"}))
}

pub const ROWS: &[Row] = &[
    ("entra.user.mfa_capable", Pass, "as it is", |case| case),
    ("entra.user.mfa_capable", Fail, "Ben has none", |case| {
        case.change(Registration, "ben", json!({"isMfaCapable": false}))
    }),
    ("entra.user.mfa_capable", Fail, "Ben is not in the report", |case| {
        case.drop(Registration, "ben")
    }),
    ("entra.user.mfa_capable", NeedsReview, "Ben is new", |case| {
        case.drop(Registration, "ben")
            .change(Users, "ben", json!({"createdDateTime": days_ago(3)}))
    }),
    (
        "entra.user.mfa_capable",
        NeedsReview,
        "the report does not say",
        |case| case.change(Registration, "ben", json!({"isMfaCapable": null})),
    ),
    ("entra.user.mfa_capable", Pass, "Ben is excused", |case| {
        case.change(Registration, "ben", json!({"isMfaCapable": false}))
            .declare("entra.user.mfa_capable", "ben", days_ago(-1))
    }),
    ("entra.user.mfa_capable", Fail, "Ben was excused", |case| {
        case.change(Registration, "ben", json!({"isMfaCapable": false}))
            .declare("entra.user.mfa_capable", "ben", days_ago(1))
    }),
    ("entra.user.mfa_capable", NotApplicable, "only guests", without_members),
    ("entra.user.weak_factor_only", Pass, "as it is", |case| case),
    ("entra.user.weak_factor_only", Fail, "Ben has a telephone", |case| {
        case.change(
            Registration,
            "ben",
            json!({"methodsRegistered": ["mobilePhone", "email"]}),
        )
    }),
    ("entra.user.weak_factor_only", NeedsReview, "a new word", |case| {
        case.change(
            Registration,
            "ben",
            json!({"methodsRegistered": ["mobilePhone", "telepathy"]}),
        )
    }),
    ("entra.user.weak_factor_only", NotApplicable, "nobody can", |case| {
        case.change_all(Registration, &json!({"isMfaCapable": false}))
    }),
    ("entra.admin.mfa_registered", Pass, "as it is", |case| case),
    ("entra.admin.mfa_registered", Fail, "Ada has none", |case| {
        case.change(Registration, "ada", json!({"isMfaCapable": false}))
    }),
    ("entra.admin.mfa_registered", Pass, "Ben has none and is none", |case| {
        case.change(Registration, "ben", json!({"isMfaCapable": false, "isAdmin": true}))
    }),
    (
        "entra.admin.mfa_registered",
        NeedsReview,
        "the report does not say",
        |case| case.change(Registration, "ada", json!({"isMfaCapable": null})),
    ),
    (
        "entra.admin.mfa_registered",
        NotApplicable,
        "no administrators",
        |case| case.none_of(RoleAssignments),
    ),
    ("entra.admin.phishing_resistant_registered", Pass, "as it is", |case| {
        case
    }),
    (
        "entra.admin.phishing_resistant_registered",
        Fail,
        "Ada has the app",
        |case| {
            case.change(
                Registration,
                "ada",
                json!({"methodsRegistered": ["microsoftAuthenticatorPush"]}),
            )
        },
    ),
    (
        "entra.admin.phishing_resistant_registered",
        NeedsReview,
        "a new word",
        |case| case.change(Registration, "ada", json!({"methodsRegistered": ["telepathy"]})),
    ),
    (
        "entra.admin.phishing_resistant_registered",
        NotApplicable,
        "no administrators",
        |case| case.none_of(RoleAssignments),
    ),
    ("entra.admin.stale", Pass, "as it is", |case| case),
    ("entra.admin.stale", Fail, "Ada stays away", |case| {
        case.change(
            UsersSignin,
            "ada",
            json!({"signInActivity": {"lastSuccessfulSignInDateTime": days_ago(46)}}),
        )
    }),
    ("entra.admin.stale", Fail, "Ada never signed in", |case| {
        case.change(UsersSignin, "ada", json!({"signInActivity": null}))
    }),
    ("entra.admin.stale", Pass, "Ada's programs sign in", |case| {
        case.change(
            UsersSignin,
            "ada",
            json!({"signInActivity": {"lastSuccessfulSignInDateTime": null,
            "lastNonInteractiveSignInDateTime": days_ago(1)}}),
        )
    }),
    (
        "entra.admin.stale",
        NotApplicable,
        "administrators for emergencies alone",
        |case| case.drop(RoleAssignments, &format!("ada-{GLOBAL_ADMINISTRATOR}")),
    ),
    ("entra.admin.cloud_only", Pass, "as it is", |case| case),
    ("entra.admin.cloud_only", Fail, "Ada is synchronised", |case| {
        case.change(Users, "ada", json!({"onPremisesSyncEnabled": true}))
    }),
    ("entra.admin.cloud_only", NotApplicable, "no administrators", |case| {
        case.none_of(RoleAssignments)
    }),
    ("entra.admin.no_guest_privileged", Pass, "as it is", |case| case),
    ("entra.admin.no_guest_privileged", Fail, "Gil administers", |case| {
        case.role("gil", GLOBAL_ADMINISTRATOR)
    }),
    (
        "entra.admin.no_guest_privileged",
        Fail,
        "Gil administers as a member",
        |case| {
            case.role("gil", GLOBAL_ADMINISTRATOR)
                .change(Users, "gil", json!({"userType": "Member"}))
        },
    ),
    (
        "entra.admin.no_guest_privileged",
        Pass,
        "Gil is the partner's",
        |case| {
            case.role("gil", GLOBAL_ADMINISTRATOR)
                .declare("entra.admin.no_guest_privileged", "gil", days_ago(-1))
        },
    ),
    (
        "entra.admin.no_guest_privileged",
        NotApplicable,
        "no administrators",
        |case| case.none_of(RoleAssignments),
    ),
];

#[test]
fn an_administrator_through_a_nested_group_is_one_and_an_application_is_none() {
    let case = Case::healthy()
        .group("admins-group", &["inner-group"])
        .group("inner-group", &["ben"])
        .put(
            RoleAssignments,
            json!({"id": "1", "principalId": "admins-group", "roleDefinitionId": GLOBAL_ADMINISTRATOR,
                "directoryScopeId": "/", "principal": {"@odata.type": "#microsoft.graph.group"}}),
        )
        .put(
            RoleAssignments,
            json!({"id": "2", "principalId": "robot", "roleDefinitionId": GLOBAL_ADMINISTRATOR,
                "directoryScopeId": "/", "principal": {"@odata.type": "#microsoft.graph.servicePrincipal"}}),
        );
    let verdict = case.verdict("entra.admin.cloud_only");
    assert_eq!(verdict.populations[0].ids, ["ada", "ben", "eli", "eve"]);
    assert_eq!(verdict.facts["applications"], json!(["robot"]));
}

#[test]
fn an_administrator_of_a_part_is_one_and_is_told_as_such() {
    let case = Case::healthy().put(
        RoleAssignments,
        json!({"id": "1", "principalId": "ben", "roleDefinitionId": GLOBAL_ADMINISTRATOR,
            "directoryScopeId": "/administrativeUnits/x", "principal": {"@odata.type": "#microsoft.graph.user"}}),
    );
    let verdict = case.verdict("entra.admin.cloud_only");
    assert_eq!(
        verdict.facts["roles"]["ben"],
        json!(["Global Administrator (scope /administrativeUnits/x)"])
    );
    // Policies that are for a role do not reach those who hold it over a part.
    assert_eq!(case.verdict("entra.ca.phishing_resistant_mfa_admins").failed(), ["ben"]);
}

/// With what is declared of an account until this moment.
fn no_person(mut case: Case, id: &str, expires_at: chrono::DateTime<chrono::Utc>) -> Case {
    let declared = account(expires_at);
    case.declared.non_person_accounts.insert(id.to_owned(), declared);
    case
}

#[test]
fn a_shared_mailbox_is_excepted_by_name_for_as_long_as_it_is_declared() {
    let incapable = || Case::healthy().change(Registration, "ben", json!({"isMfaCapable": false}));
    let verdict = no_person(incapable(), "ben", days_ago(-1)).verdict("entra.user.mfa_capable");
    assert_eq!(verdict.status, Pass);
    assert_eq!((verdict.counts.population, verdict.counts.excepted), (4, 1));
    assert_eq!(verdict.ids(FindingKind::Excepted), ["ben"], "and the finding stays");
    let excuse =
        json!({"declared": "NON_PERSON_ACCOUNT", "owner": "Olga", "reason": "agreed", "expiresAt": days_ago(-1)});
    assert_eq!(verdict.findings[0].lineage["excuse"], excuse);
    assert_eq!(verdict.facts["nonPersonAccounts"], json!(["ben"]));

    let over = no_person(incapable(), "ben", days_ago(1)).verdict("entra.user.mfa_capable");
    assert_eq!(over.failed(), ["ben"]);
}

#[test]
fn a_declaration_takes_nobody_out_of_any_population() {
    let before = Case::healthy().verdicts();
    let after = no_person(Case::healthy(), "ben", days_ago(-1)).verdicts();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.populations, after.populations, "{}", before.check);
        let findings = |verdict: &Verdict| verdict.findings.len();
        assert_eq!(findings(before), findings(after), "{}", before.check);
    }
}

#[test]
fn an_account_with_power_is_a_persons_whatever_is_declared() {
    let case =
        no_person(Case::healthy(), "ada", days_ago(-1)).change(Registration, "ada", json!({"isMfaCapable": false}));
    for check in ["entra.user.mfa_capable", "entra.admin.mfa_registered"] {
        assert_eq!(case.verdict(check).failed(), ["ada"], "{check}");
    }
    let facts = case.verdict("entra.user.mfa_capable").facts;
    assert_eq!(facts["nonPersonAccountsWithPrivilegedRoles"], json!(["ada"]));
    let unknown = case
        .ended(RoleAssignments, Outcome::Throttled)
        .verdict("entra.user.mfa_capable");
    assert_eq!(unknown.status, Status::Indeterminate, "who has power is not known");
}

#[test]
fn that_an_account_is_no_person_excuses_nobody_who_slipped_through_policies() {
    let out = json!({"users": {"excludeUsers": ["ben"]}});
    let case = Case::healthy().conditions("mfa", &out).conditions("device", &out);
    let case = no_person(case, "ben", days_ago(-1));
    assert_eq!(case.verdict("entra.ca.exclusion_gaps").failed(), ["ben"]);
    assert_eq!(
        case.verdict("entra.ca.mfa_all_users").ids(FindingKind::Excepted),
        ["ben", "eli", "eve"]
    );
}

#[test]
fn what_microsoft_itself_says_is_no_persons_is_told_apart() {
    let verdict = Case::healthy()
        .change(Users, "ben", json!({"isResourceAccount": true}))
        .verdict("entra.user.mfa_capable");
    assert_eq!(verdict.populations[0].ids, ["ada", "eli", "eve"]);
    assert_eq!(verdict.facts["resourceAccounts"], json!(["ben"]));
}

#[test]
fn an_account_for_emergencies_is_excepted_with_who_answers_for_it() {
    let verdict = Case::healthy().verdict("entra.ca.mfa_admins");
    assert_eq!(verdict.ids(FindingKind::Excepted), ["eli", "eve"]);
    let excuse =
        json!({"declared": "EMERGENCY_ACCOUNT", "owner": "Olga", "reason": "agreed", "expiresAt": days_ago(-90)});
    for finding in &verdict.findings {
        assert_eq!(finding.lineage["excuse"], excuse);
    }
}

#[test]
fn an_exception_stays_in_the_population_with_who_answers_for_it() {
    let case = Case::healthy()
        .change(Registration, "ben", json!({"isMfaCapable": false}))
        .declare("entra.user.mfa_capable", "ben", days_ago(-1));
    let verdict = case.verdict("entra.user.mfa_capable");
    assert_eq!((verdict.counts.population, verdict.counts.excepted), (4, 1));
    assert_eq!(verdict.ids(FindingKind::Excepted), ["ben"]);
    assert_eq!(verdict.findings[0].lineage["excuse"]["owner"], "Olga");
}
