//! What a run adds, and what it does not.

use serde_json::json;
use tenantry::evidence::keep;
use tenantry::evidence::snapshot::{Outcome, Resource};
use tenantry::model::sync_run::lease::LeaseError;

use super::{Keeper, device, monday, policy, pull, read, verdict};

const ROWS: &str = "select (select count(*) from evidence_object) + (select count(*) from evidence_finding)";
const BLOBS: &str = "select count(*) from evidence_blob";

#[tokio::test]
async fn what_did_not_change_costs_no_row_and_no_blob() {
    let mut keeper = Keeper::start().await;
    let everything = || {
        read([
            (Resource::CaPolicies, vec![policy("p", "enabled")]),
            (Resource::Users, vec![json!({"id": "u"}), json!({"id": "v"})]),
        ])
    };
    let verdicts = [verdict("entra.ca.mfa_all_users", &["u", "v"], &["u"])];
    let first = keeper.keep(everything(), &verdicts).await;
    assert_eq!((first.seq, first.objects, first.findings), (1, 3, 1));
    let (rows, blobs) = (keeper.number(ROWS).await, keeper.number(BLOBS).await);

    let second = keeper.keep(everything(), &verdicts).await;

    assert_eq!((second.seq, second.objects, second.findings), (2, 0, 0));
    assert_eq!((keeper.number(ROWS).await, keeper.number(BLOBS).await), (rows, blobs));
    assert_eq!(keeper.number("select count(*) from evidence_result").await, 2);
}

#[tokio::test]
async fn a_device_that_only_checked_in_has_no_new_version() {
    let mut keeper = Keeper::start().await;
    keeper
        .keep(
            read([(
                Resource::ManagedDevices,
                vec![device("d", "compliant", "2026-01-05T00:00:00Z")],
            )]),
            &[],
        )
        .await;
    let kept = keeper
        .keep(
            read([(
                Resource::ManagedDevices,
                vec![device("d", "compliant", "2026-01-05T06:00:00Z")],
            )]),
            &[],
        )
        .await;
    assert_eq!(kept.objects, 0);
    assert_eq!(
        keeper
            .number("select count(distinct volatile_sha256) from evidence_pull")
            .await,
        2,
        "when it checked in is kept apart"
    );
}

#[tokio::test]
async fn a_reading_that_ended_early_takes_nobody_away() {
    let mut keeper = Keeper::start().await;
    let two = vec![policy("p", "enabled"), policy("q", "enabled")];
    keeper.keep(read([(Resource::CaPolicies, two)]), &[]).await;
    for outcome in [
        Outcome::Partial,
        Outcome::Throttled,
        Outcome::PermissionMissing,
        Outcome::Error,
    ] {
        let early = [(Resource::CaPolicies, pull(outcome, vec![policy("p", "disabled")]))];
        let kept = keeper.keep(early.into(), &[]).await;
        assert_eq!(kept.objects, 0, "{outcome}");
    }
    let kept = keeper
        .keep(read([(Resource::CaPolicies, vec![policy("p", "enabled")])]), &[])
        .await;
    assert_eq!(kept.objects, 1, "a whole reading says that one is gone");
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_keeps_nothing() {
    let keeper = Keeper::start().await;
    let run = keeper.running().await;
    let refused = keeper
        .keep_as(run, 2, read([(Resource::Users, vec![json!({"id": "u"})])]), &[])
        .await;
    assert!(matches!(refused, Err(LeaseError::Lost)), "{refused:?}");
    assert_eq!(keeper.number("select count(*) from evidence_run").await, 0);
}

#[tokio::test]
async fn a_run_that_was_kept_is_not_kept_again() {
    let keeper = Keeper::start().await;
    let run = keeper.running().await;
    let users = || read([(Resource::Users, vec![json!({"id": "u"})])]);
    let first = keeper.keep_as(run, 1, users(), &[]).await.expect("kept");
    let again = keeper.keep_as(run, 1, users(), &[]).await.expect("still kept");
    assert_eq!((first.seq, again.seq), (1, 1));
    assert_eq!(keeper.number("select count(*) from evidence_ledger").await, 1);
}

#[tokio::test]
async fn the_past_says_since_when_and_what_was_before() {
    let mut keeper = Keeper::start().await;
    let report_only = "enabledForReportingButNotEnforced";
    let devices = |state| vec![device("d", state, "2026-01-05T00:00:00Z")];
    let assignments = vec![json!({"id": "a", "principalId": "u", "roleDefinitionId": "r", "directoryScopeId": "/"})];
    for (policy_state, device_state) in [
        (report_only, "inGracePeriod"),
        ("enabled", "compliant"),
        (report_only, "inGracePeriod"),
        (report_only, "inGracePeriod"),
    ] {
        let readings = [
            (Resource::CaPolicies, vec![policy("p", policy_state)]),
            (Resource::ManagedDevices, devices(device_state)),
            (Resource::RoleAssignments, assignments.clone()),
        ];
        keeper.keep(read(readings), &[]).await;
    }
    keeper
        .keep([(Resource::CaPolicies, pull(Outcome::Partial, vec![]))].into(), &[])
        .await;

    let mut conn = keeper.conn().await;
    let past = keep::past(&mut conn, keeper.company, keeper.next)
        .await
        .expect("a past");

    let hours = |hours| monday() + chrono::Duration::hours(hours);
    assert_eq!(past.report_only_since["p"], hours(12), "without a break");
    assert_eq!(past.in_grace_since["d"], hours(12));
    let policies = past.policies.expect("policies were read");
    assert_eq!(policies.taken_at, hours(18), "the last whole reading");
    assert_eq!(policies.objects[0].content, policy("p", report_only));
    assert_eq!(past.assignments.expect("read").objects[0].principal, "u");
    assert_eq!(
        past.complete_readings[&Resource::CaPolicies],
        [hours(0), hours(6), hours(12), hours(18)]
    );
    assert_eq!(past.period_from, Some("2026-01-04T00:00:00Z".parse().expect("a time")));

    let earlier = keep::past(&mut conn, keeper.company, hours(6)).await.expect("a past");
    assert_eq!(
        earlier.report_only_since["p"],
        hours(0),
        "an old run can be judged again"
    );
}
