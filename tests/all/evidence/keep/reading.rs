//! How things stood at an instant, what changed between two, and which runs are missing.

use chrono::Duration;
use serde_json::json;
use tenantry::evidence::keep::{self, ObjectChange, ObjectFilter, ObjectRow, Opened, SlotState};
use tenantry::evidence::snapshot::{Outcome, Resource};
use tenantry::model::Scope;
use tenantry::model::page::{self, End, Listing, Owner, Slice};

use super::{Keeper, device, monday, policy, pull, read, verdict};

impl Keeper {
    async fn objects(&self, listing: &Listing) -> Vec<Opened<ObjectRow>> {
        let mut conn = self.conn().await;
        let owner = Owner::company(self.company);
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let slice = Slice {
                end: End::First,
                most: 2,
                after: after.take(),
                before: None,
            };
            let mut pages = page::list::<Opened<ObjectRow>>(&mut conn, &Scope::All, &[owner], listing, &slice)
                .await
                .expect("a page");
            let page = pages.remove(&owner).unwrap_or_default();
            after = page.rows.last().map(|placed| placed.mark.clone());
            rows.extend(page.rows.into_iter().map(|placed| placed.row));
            if !page.more {
                return rows;
            }
        }
    }
}

/// A policy is weakened in the second run and repaired in the fourth; one comes in the third, one goes in the fourth.
async fn a_story() -> Keeper {
    let mut keeper = Keeper::start().await;
    for policies in [
        vec![policy("a", "enabled"), policy("b", "enabled")],
        vec![policy("a", "disabled"), policy("b", "enabled")],
        vec![policy("a", "disabled"), policy("b", "enabled"), policy("c", "enabled")],
        vec![policy("a", "enabled"), policy("c", "enabled")],
    ] {
        keeper.keep(read([(Resource::CaPolicies, policies)]), &[]).await;
    }
    keeper
}

#[tokio::test]
async fn a_run_that_was_still_reading_says_nothing_of_the_instant() {
    let keeper = a_story().await;
    keeper
        .tamper(
            "evidence_run",
            "update evidence_run set kept_at = taken_at + interval '4 minutes' where seq = 2",
        )
        .await;
    let mut conn = keeper.conn().await;
    for (minutes, expected) in [(3, 1), (4, 2)] {
        let at = monday() + Duration::hours(6) + Duration::minutes(minutes);
        let run = keep::run_as_of(&mut conn, &Scope::All, keeper.company, at).await;
        let run = run.expect("an answer").expect("a run");
        assert_eq!(run.seq, expected, "{minutes} minutes after it began to read");
    }
}

#[tokio::test]
async fn what_stood_at_an_instant_is_told_to_the_run() {
    let keeper = a_story().await;
    let mut conn = keeper.conn().await;
    for (hours, expected) in [
        (0, vec!["a enabled", "b enabled"]),
        (5, vec!["a enabled", "b enabled"]),
        (6, vec!["a disabled", "b enabled"]),
        (12, vec!["a disabled", "b enabled", "c enabled"]),
        (500, vec!["a enabled", "c enabled"]),
    ] {
        let at = monday() + Duration::hours(hours);
        let run = keep::run_as_of(&mut conn, &Scope::All, keeper.company, at)
            .await
            .expect("an answer")
            .expect("a run");
        let rows = keeper
            .objects(&keep::list_objects(&Scope::All, run.seq, &ObjectFilter::default()))
            .await;
        let words = rows
            .iter()
            .map(|row| format!("{} {}", row.object_id, row.state.as_deref().unwrap_or_default()));
        assert_eq!(words.collect::<Vec<_>>(), expected, "{hours} hours on");
    }
    let before = monday() - Duration::seconds(1);
    let run = keep::run_as_of(&mut conn, &Scope::All, keeper.company, before)
        .await
        .expect("an answer");
    assert_eq!(run, None, "nothing is known of the time before the first run");
    let a = keeper.object(&Scope::All, 3, Resource::CaPolicies, "a").await;
    let a = a.expect("it was there");
    assert_eq!(
        (a.content.clone(), a.at),
        (Some(policy("a", "disabled")), monday() + Duration::hours(6))
    );
    assert_eq!(keeper.object(&Scope::All, 4, Resource::CaPolicies, "b").await, None);
}

#[tokio::test]
async fn what_changed_between_two_instants_is_told_to_the_run() {
    let keeper = a_story().await;
    let rows = keeper
        .objects(&keep::list_object_events(&Scope::All, 1, 4, &ObjectFilter::default()))
        .await;
    let events: Vec<_> = rows.iter().map(|row| (row.seq, &*row.object_id, row.change)).collect();
    assert_eq!(
        events,
        [
            (4, "b", ObjectChange::Removed),
            (4, "a", ObjectChange::Changed),
            (3, "c", ObjectChange::Added),
            (2, "a", ObjectChange::Changed),
        ]
    );
    let changed = rows.iter().find(|row| (&*row.object_id, row.seq) == ("a", 4));
    assert_eq!(changed.expect("it is told").before, Some(policy("a", "disabled")));
}

#[tokio::test]
async fn devices_that_are_not_compliant_are_one_list() {
    let mut keeper = Keeper::start().await;
    let devices = ["compliant", "noncompliant", "unknown"].map(|state| device(state, state, "2026-01-05T00:00:00Z"));
    keeper
        .keep(read([(Resource::ManagedDevices, devices.to_vec())]), &[])
        .await;
    let filter = ObjectFilter {
        resource: Some(Resource::ManagedDevices),
        not_state: Some("compliant".into()),
        ..ObjectFilter::default()
    };
    let rows = keeper.objects(&keep::list_objects(&Scope::All, 1, &filter)).await;
    assert_eq!(
        rows.iter().map(|row| &*row.object_id).collect::<Vec<_>>(),
        ["noncompliant", "unknown"]
    );
}

#[tokio::test]
async fn one_check_over_all_companies_comes_worst_first() {
    let mut keeper = Keeper::start().await;
    let mut expected = Vec::new();
    for failed in [&["u", "v"][..], &["u"], &[]] {
        let users = read([(Resource::Users, vec![json!({"id": "u"}), json!({"id": "v"})])]);
        keeper.keep(users, &[verdict("a.check", &["u", "v"], failed)]).await;
        expected.push(keeper.company);
        keeper.company = keeper.company("Fabrikam").await;
    }
    let mut conn = keeper.conn().await;
    let slice = Slice {
        most: 100,
        ..Slice::ONE
    };
    let mut seen = async |scope: &Scope| {
        let listing = keep::list_results_everywhere(scope, "a.check", None);
        let mut pages = page::list::<keep::ResultRow>(&mut conn, scope, &[Owner::NOBODY], &listing, &slice)
            .await
            .expect("a page");
        let rows = pages.remove(&Owner::NOBODY).unwrap_or_default().rows.into_iter();
        rows.map(|placed| placed.row.company_id).collect::<Vec<_>>()
    };
    assert_eq!(seen(&Scope::All).await, expected);
    assert_eq!(seen(&Scope::Companies(vec![expected[1]])).await, [expected[1]]);
}

#[tokio::test]
async fn a_period_says_which_runs_are_missing_and_why() {
    let mut keeper = Keeper::start().await;
    let users = || read([(Resource::Users, vec![json!({"id": "u"})])]);
    let slot = async |keeper: &Keeper, hours: i64| {
        let at = monday() + Duration::hours(hours);
        keeper
            .sql(&format!(
                "insert into sync_slot select company_id, kind, '{at}', id from sync_run order by id desc limit 1"
            ))
            .await;
    };
    keeper.keep(users(), &[]).await;
    slot(&keeper, 0).await;
    keeper
        .keep([(Resource::Users, pull(Outcome::Throttled, vec![]))].into(), &[])
        .await;
    slot(&keeper, 6).await;
    keeper.running().await;
    keeper
        .sql("update sync_run set status = 'FAILED', finished_at = now(), failure = '{\"message\": \"Consent is gone.\"}' where status = 'RUNNING'")
        .await;
    slot(&keeper, 12).await;
    let mut conn = keeper.conn().await;

    let now = monday() + Duration::hours(20);
    let period = keep::period(
        &mut conn,
        &Scope::All,
        keeper.company,
        monday(),
        now + Duration::days(9),
        now,
    )
    .await
    .expect("an answer");

    let told: Vec<_> = period
        .slots
        .iter()
        .map(|slot| (slot.state, slot.seq, slot.because.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (SlotState::Complete, Some(1), None),
            (SlotState::Incomplete, Some(2), None),
            (SlotState::Missing, None, Some("Consent is gone.")),
            (SlotState::Missing, None, None),
        ]
    );
    assert_eq!((period.kept, period.count(SlotState::Missing)), (2, 2));
}

#[tokio::test]
async fn a_period_expects_the_slots_that_were_agreed_and_calls_a_pause_by_its_name() {
    let keeper = Keeper::start().await;
    let company = keeper.company;
    for (days, every_hours, paused) in [(1, 12, false), (2, 12, true), (3, 24, false)] {
        let since = monday() + Duration::days(days) - Duration::hours(1);
        keeper
            .sql(&format!(
                "insert into sync_schedule (company_id, kind, since, every_hours, paused)
                 values ('{company}', 'EVIDENCE', '{since}', {every_hours}, {paused})"
            ))
            .await;
    }
    keeper
        .sql(&format!(
            "insert into sync_slot (company_id, kind, slot, passed_over) values ('{company}', 'EVIDENCE', '{}', 'Passed over.')",
            monday()
        ))
        .await;
    let mut conn = keeper.conn().await;
    let end = monday() + Duration::days(5);

    let period = keep::period(&mut conn, &Scope::All, company, monday(), end, end)
        .await
        .expect("an answer");

    let told: Vec<String> = period
        .slots
        .iter()
        .map(|slot| format!("{} {}", slot.at.format("%d %H"), slot.because.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        told,
        [
            "05 00 Passed over.",
            "05 06 -",
            "05 12 -",
            "05 18 -",
            "06 00 -",
            "06 12 -",
            "07 00 The schedule was paused.",
            "07 12 The schedule was paused.",
            "08 00 -",
            "09 00 -",
        ]
    );
    assert_eq!(period.count(SlotState::Missing), 10, "a gap is a gap");
}
