//! What goes after its time, and what says so.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use tenantry::evidence::keep::{self, DeclarationKind, RetentionClass, Statement, TombstoneRow};
use tenantry::evidence::snapshot::Resource;
use tenantry::jobs::sweep;
use tenantry::model::Scope;

use crate::support::house::now;

use super::{Keeper, device, monday, policy, read, verdict};

impl Keeper {
    async fn prune(&self, now: DateTime<Utc>) -> Vec<TombstoneRow> {
        let mut conn = self.conn().await;
        let pruned = keep::prune(&mut conn, now).await.expect("the database answers");
        assert!(pruned.failures.is_empty(), "{:?}", pruned.failures);
        pruned.tombstones
    }

    async fn declare(&self, kind: DeclarationKind) {
        let statement = Statement {
            kind,
            check_id: None,
            object_id: None,
            owner: "Megan Bowen".into(),
            reason: "They are a clinic".into(),
            reference: None,
            changed_at: None,
            expires_at: None,
        };
        let mut conn = self.conn().await;
        keep::declare(&mut conn, self.next, &Scope::All, self.company, &statement, "a test")
            .await
            .expect("declared");
    }

    async fn run_on(&mut self, day: i64, policy_state: &str, failed: &[&str]) {
        self.next = monday() + Duration::days(day);
        let readings = [
            (
                Resource::CaPolicies,
                vec![policy("old", "enabled"), policy("p", policy_state)],
            ),
            (
                Resource::ManagedDevices,
                vec![device("d", "compliant", &format!("day {day}"))],
            ),
            (Resource::Users, vec![json!({"id": "u"}), json!({"id": "v"})]),
        ];
        self.keep(read(readings), &[verdict("a.check", &["u", "v"], failed)])
            .await;
    }
}

/// Runs on days 0, 1, 200 and 450.
async fn years() -> Keeper {
    let mut keeper = Keeper::start().await;
    keeper.declare(DeclarationKind::NoDevices).await;
    keeper.run_on(0, "disabled", &["u", "v"]).await;
    keeper.run_on(1, "enabled", &["u"]).await;
    keeper.run_on(200, "enabled", &["u"]).await;
    keeper.run_on(450, "disabled", &["u"]).await;
    keeper
}

const fn day(day: i64) -> Duration {
    Duration::days(day)
}

#[tokio::test]
async fn history_goes_after_400_days_and_leaves_a_tombstone_and_what_still_stands() {
    let keeper = years().await;
    let tombstones = keeper.prune(monday() + day(451)).await;

    let classes: Vec<_> = tombstones
        .iter()
        .map(|stone| (stone.class, stone.through_seq))
        .collect();
    assert_eq!(classes, [(RetentionClass::History, 2), (RetentionClass::Raw, 3)]);
    assert_eq!(
        keeper.faults().await,
        Vec::<String>::new(),
        "a hole with a tombstone is no tampering"
    );
    assert_eq!(keeper.number("select count(*) from evidence_run").await, 2);
    assert_eq!(keeper.number("select count(*) from evidence_result").await, 2);
    let old = keeper.object(&Scope::All, 3, Resource::CaPolicies, "old").await;
    assert_eq!(old.expect("it still stands").at, monday(), "and says since when");
    let first_state = "select count(*) from evidence_object where object_id = 'p' and seq = 1";
    assert_eq!(keeper.number(first_state).await, 0, "what was over by then is gone");
    assert_eq!(keeper.prune(monday() + day(452)).await, [], "once is enough");
}

#[tokio::test]
async fn a_second_pruning_and_more_runs_leave_the_rest_whole() {
    let mut keeper = years().await;
    keeper.prune(monday() + day(451)).await;
    keeper.run_on(600, "enabled", &[]).await;
    keeper.prune(monday() + day(700)).await;
    keeper.run_on(701, "enabled", &["v"]).await;
    assert_eq!(keeper.faults().await, Vec::<String>::new());
    let seq = "select max(seq) from evidence_run";
    assert_eq!(keeper.number(seq).await, 6, "runs count on");

    keeper
        .tamper("evidence_object", "delete from evidence_object where object_id = 'old'")
        .await;
    let faults = keeper.faults().await;
    assert!(
        faults.contains(&"ROW: objects up to run 3 are not those that retention left".to_owned()),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn a_tombstone_cannot_be_dated_before_what_it_stands_for() {
    let keeper = years().await;
    let retire = format!(
        "select retire_evidence(gen_random_uuid(), '{}', 'HISTORY', 3, '2026-01-06T12:00:00Z', now(), true,
                                sha256(''), sha256(''), sha256(''), 1, sha256(''))",
        keeper.company
    );
    assert_eq!(
        keeper.try_sql(&retire).await,
        Err("23000".to_owned()),
        "run 3 was taken later"
    );
    assert_eq!(keeper.number("select count(*) from evidence_run").await, 4);
    assert_eq!(keeper.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_changes_at_every_reading_goes_after_90_days() {
    let keeper = years().await;
    let volatile = "select count(*) from evidence_blob b join evidence_pull p on p.volatile_sha256 = b.sha256";
    assert_eq!(keeper.number(volatile).await, 4);
    keeper.prune(monday() + day(100)).await;
    assert_eq!(keeper.number(volatile).await, 2);
    assert_eq!(keeper.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn six_years_are_kept_where_they_are_declared() {
    let keeper = years().await;
    keeper.declare(DeclarationKind::SixYears).await;
    let classes = |stones: Vec<TombstoneRow>| stones.iter().map(|stone| stone.class).collect::<Vec<_>>();
    assert_eq!(classes(keeper.prune(monday() + day(451)).await), [RetentionClass::Raw]);
    assert_eq!(keeper.number("select count(*) from evidence_run").await, 4);
    assert_eq!(
        classes(keeper.prune(monday() + day(3000)).await),
        [RetentionClass::History],
        "nothing was read since: nothing of it says how things stand"
    );
    assert_eq!(keeper.number("select count(*) from evidence_object").await, 0);
    assert_eq!(keeper.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_company_that_goes_leaves_a_tombstone_alone() {
    let keeper = years().await;
    keeper.prune(monday() + day(451)).await;
    let mut conn = keeper.conn().await;
    let stone = keep::purge(&mut conn, keeper.company, monday() + day(460))
        .await
        .expect("the database answers");
    drop(conn);
    assert_eq!(stone.map(|stone| stone.class), Some(RetentionClass::Company));
    for table in [
        "blob",
        "run",
        "pull",
        "object",
        "population",
        "result",
        "finding",
        "declaration",
        "withdrawal",
    ] {
        assert_eq!(
            keeper.number(&format!("select count(*) from evidence_{table}")).await,
            0,
            "{table}"
        );
    }
    assert_eq!(keeper.number("select count(*) from evidence_ledger").await, 1);
    assert_eq!(keeper.stones().await, 1);
    assert_eq!(keeper.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_tombstone_that_nobody_linked_is_named() {
    let keeper = years().await;
    keeper
        .sql(&format!(
            "select retire_evidence(gen_random_uuid(), '{}', 'HISTORY', 2, now(), now(), false, '', '', '', 0, '')",
            keeper.company
        ))
        .await;
    let faults = keeper.faults().await;
    assert!(faults.iter().any(|fault| fault.contains("tombstone")), "{faults:#?}");
}

#[tokio::test]
async fn the_sweep_removes_what_is_past_its_time_once_however_many_nodes_there_are() {
    let mut keeper = Keeper::start().await;
    // The sweep takes the time from the database.
    let today = (now() - monday()).num_days();
    keeper.run_on(today - 100, "disabled", &["u"]).await;
    keeper.run_on(today - 99, "enabled", &["u"]).await;
    let (mut one, mut other) = (keeper.conn().await, keeper.conn().await);

    let (first, second) = tokio::join!(sweep::retire(&mut one), sweep::retire(&mut other));
    first.expect("the database answers");
    second.expect("the database answers");

    let tombstones = "select count(*) from evidence_tombstone where class = 'RAW' and through_seq = 2";
    assert_eq!(keeper.number(tombstones).await, 1);
    assert_eq!(keeper.faults().await, [""; 0]);
}

#[tokio::test]
async fn a_company_whose_evidence_cannot_be_removed_keeps_nobody_elses() {
    let mut keeper = years().await;
    let stuck = keeper.company;
    keeper.company = keeper.company("Fabrikam").await;
    keeper.run_on(0, "disabled", &["u"]).await;
    keeper.run_on(1, "enabled", &["u"]).await;
    keeper
        .sql("create function get_stuck() returns trigger language plpgsql as 'begin raise exception ''stuck''; end'")
        .await;
    keeper
        .sql(&format!(
            "create trigger stuck before insert on evidence_tombstone for each row when (new.company_id = '{stuck}')
             execute function get_stuck()"
        ))
        .await;
    let mut conn = keeper.conn().await;

    let pruned = keep::prune(&mut conn, monday() + day(451))
        .await
        .expect("the database answers");

    let failed: Vec<_> = pruned.failures.iter().map(|(company, _)| *company).collect();
    assert_eq!(failed, [stuck, stuck], "history and raw readings, and both are told");
    assert!(!pruned.tombstones.is_empty() && pruned.tombstones.iter().all(|stone| stone.company_id == keeper.company));
    assert!(stuck < keeper.company, "the one that fails comes first");
}

impl Keeper {
    async fn stones(&self) -> i64 {
        self.number("select count(*) from evidence_tombstone").await
    }
}

#[tokio::test]
async fn where_nothing_was_removed_there_is_no_tombstone() {
    let mut keeper = Keeper::start().await;
    for on in [0, 1, 9, 120] {
        keeper.next = monday() + day(on);
        // What changes at every reading is the same each time: the last run still tells of it.
        let readings = [(Resource::ManagedDevices, vec![device("d", "compliant", "once")])];
        keeper.keep(read(readings), &[verdict("a.check", &["u"], &[])]).await;
    }

    assert_eq!(keeper.prune(monday() + day(121)).await, []);

    assert_eq!(keeper.stones().await, 0);
    assert_eq!(keeper.faults().await, [""; 0]);
}

#[tokio::test]
async fn what_is_past_its_time_goes_a_week_at_a_time() {
    let mut keeper = Keeper::start().await;
    for on in 0..20 {
        keeper.run_on(on, "enabled", &["u"]).await;
    }
    let mut removed = Vec::new();
    for hour in 0..20 * 24 {
        let stones = keeper.prune(monday() + day(90) + Duration::hours(hour)).await;
        removed.extend(stones.iter().map(|stone| (hour / 24, stone.through_seq)));
    }
    assert_eq!(removed, [(7, 8), (15, 16)], "the day, and the last run that went");
    assert_eq!(keeper.faults().await, [""; 0]);
}

#[tokio::test]
async fn tombstones_go_with_the_history_of_their_time_and_their_number_stays() {
    let mut keeper = Keeper::start().await;
    let mut kept = Vec::new();
    let of_the_run = |run: i64| monday() + day(run * 8);
    for run in 0..120 {
        keeper.run_on(run * 8, "enabled", &["u"]).await;
        keeper.prune(of_the_run(run) + Duration::hours(1)).await;
        kept.push(keeper.stones().await);
    }
    assert_eq!(kept[109], kept[119], "over 80 days: {kept:?}");
    assert!(kept[119] <= 2 * (400 / 7 + 2), "{kept:?}");
    let old = of_the_run(119) - day(420);
    let old = format!("select count(*) from evidence_tombstone where at < '{old}'");
    assert_eq!(
        keeper.number(&old).await,
        0,
        "they say nothing that the last does not say"
    );
    assert_eq!(keeper.faults().await, [""; 0]);

    let newest = "delete from evidence_tombstone where id = (
        select id from evidence_tombstone where class = 'HISTORY' order by at desc limit 1)";
    keeper.tamper("evidence_tombstone", newest).await;
    let faults = keeper.faults().await;
    assert!(faults.iter().any(|fault| fault.contains("is missing")), "{faults:#?}");
}

#[tokio::test]
async fn a_tombstone_goes_along_with_none_that_reached_less_far() {
    let keeper = years().await;
    let retire = async |horizon: &str, at: &str| {
        keeper
            .sql(&format!(
                "select retire_evidence_and_tombstones(gen_random_uuid(), '{}', 'HISTORY', 4, '{horizon}', '{at}', false,
                                                       sha256(''), sha256(''), sha256(''), 5, sha256(''))",
                keeper.company
            ))
            .await
    };
    // Somebody removes what is not past its time, and says that they did so long ago.
    retire("2027-06-01T00:00:00Z", "2020-01-01T00:00:00Z").await;
    retire("2027-05-01T00:00:00Z", "2027-06-02T00:00:00Z").await;
    assert_eq!(keeper.stones().await, 2, "that cannot be washed away before its time");
    retire("2028-07-01T00:00:00Z", "2029-08-05T00:00:00Z").await;
    assert_eq!(keeper.stones().await, 1, "and then one tells of it all");
}
