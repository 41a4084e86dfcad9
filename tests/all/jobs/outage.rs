//! Outages at Microsoft: one alarm for all, and nothing that a company is left with; with the time of the slots in the test's
//! hands.

use chrono::TimeDelta;
use tenantry::jobs::clock::strike;
use tenantry::model::alarm::{self, Known};
use tenantry::model::sync_run::SyncKind;
use uuid::Uuid;

use super::house::{House, at};

const UNREACHABLE: &str = "MICROSOFT_UNREACHABLE";

async fn companies(house: &House, many: usize) -> Vec<Uuid> {
    let mut companies = Vec::new();
    for _ in 0..many {
        companies.push(house.company_since(at("2026-01-05T08:00:00Z")).await);
    }
    companies
}

/// The company's newest run of a kind has ended like this, just now.
async fn ended(house: &House, company: Uuid, kind: &str, ending: &str) {
    let (status, code) = ending.split_once(' ').unwrap_or((ending, ""));
    house
        .sql(&format!(
            "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before,
                                   finished_at, failure)
             values (gen_random_uuid(), '{company}', '{kind}', 'SCHEDULED', 'AUTO', false, '{status}', '', 'Schedule', clock_timestamp(),
                     now(), now(), '{{\"code\": \"{code}\", \"message\": \"It broke.\", \"remedy\": \"Mend it.\"}}')"
        ))
        .await;
}

async fn all_ended(house: &House, companies: &[Uuid], ending: &str) {
    for company in companies {
        ended(house, *company, "IDENTITY", ending).await;
    }
}

/// Looks at the facts, and answers the kinds of the alarms that stand, one for each; no worker lives here, and that is
/// not told.
async fn look(house: &House) -> Vec<String> {
    let mut conn = house.pool.get().await.unwrap();
    alarm::settle(&mut conn, &Known::default()).await.expect("settled");
    let client = house.pool.raw().await.unwrap();
    let standing = "select kind from alarm where closed_at is null and kind <> 'NO_WORKER' order by kind";
    let rows = client.query(standing, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn end_what_is_queued(house: &House, ending: &str) {
    let (status, code) = ending.split_once(' ').unwrap_or((ending, ""));
    house
        .sql(&format!(
            "update sync_run set status = '{status}', finished_at = now(),
                    failure = jsonb_build_object('code', '{code}', 'message', 'It broke.', 'remedy', 'Mend it.')
             where finished_at is null"
        ))
        .await;
}

#[tokio::test]
async fn an_outage_over_many_slots_is_one_alarm_and_the_next_slot_after_it_is_taken_by_all() {
    let house = House::open().await;
    let companies = companies(&house, 6).await;
    let mut conn = house.pool.get().await.unwrap();
    for slot in 0..5 {
        let now = at("2026-03-03T00:00:30Z") + TimeDelta::hours(4 * slot);
        let next = house.outlook(companies[0]).await.next(SyncKind::Identity, now);
        assert_eq!(next, Some(at("2026-03-03T04:00:00Z") + TimeDelta::hours(4 * slot)));

        let queued = strike(&mut conn, SyncKind::Identity, now).await.unwrap();

        assert_eq!(queued, 6, "no tenant is left alone, at {now}");
        end_what_is_queued(&house, "FAILED MICROSOFT_UNAVAILABLE").await;
        assert_eq!(look(&house).await, [UNREACHABLE], "one, and not one for each company");
    }
    assert_eq!(house.outlook(companies[0]).await.failures, 0);
    assert_eq!(
        house
            .number("select count(*) from alarm where kind <> 'NO_WORKER'")
            .await,
        1
    );

    let queued = strike(&mut conn, SyncKind::Identity, at("2026-03-03T20:00:30Z")).await;
    assert_eq!(queued.unwrap(), 6);
    for left in ["is over for four", "is over"] {
        let done = "update sync_run set status = 'SUCCEEDED', finished_at = now()
                    where id in (select id from sync_run where finished_at is null order by id limit 4)";
        house.sql(done).await;
        assert_eq!(
            look(&house).await,
            Vec::<String>::new(),
            "it {left}, and nothing is left"
        );
    }
    let client = house.pool.raw().await.unwrap();
    let said = "select message, remedy from alarm where kind = 'MICROSOFT_UNREACHABLE'";
    let said = client.query_one(said, &[]).await.unwrap();
    let (message, remedy): (&str, &str) = (said.get(0), said.get(1));
    assert!(message.contains("for 6 of 6 companies"), "{message}");
    assert!(remedy.contains("service health"), "{remedy}");
}

#[tokio::test]
async fn a_tenant_that_goes_on_failing_after_an_outage_is_its_own_alarm_and_is_left_alone() {
    let house = House::open().await;
    let companies = companies(&house, 6).await;
    for _ in 0..2 {
        all_ended(&house, &companies, "FAILED MICROSOFT_UNAVAILABLE").await;
        assert_eq!(look(&house).await, [UNREACHABLE]);
    }
    all_ended(&house, &companies[1..], "SUCCEEDED").await;
    assert_eq!(look(&house).await, Vec::<String>::new());

    ended(&house, companies[0], "IDENTITY", "FAILED MICROSOFT_UNAVAILABLE").await;
    assert_eq!(look(&house).await, Vec::<String>::new(), "once is no alarm");
    ended(&house, companies[0], "IDENTITY", "FAILED MICROSOFT_UNAVAILABLE").await;
    assert_eq!(look(&house).await, ["RUN_FAILING"]);
    assert_eq!(house.outlook(companies[0]).await.failures, 2);
}

#[tokio::test]
async fn what_a_tenant_failed_of_before_an_outage_still_counts_in_it() {
    let house = House::open().await;
    let companies = companies(&house, 6).await;
    for _ in 0..2 {
        ended(&house, companies[0], "IDENTITY", "FAILED BLOCKED_BY_POLICY").await;
    }
    assert_eq!(look(&house).await, ["RUN_FAILING"]);

    all_ended(&house, &companies, "FAILED MICROSOFT_UNAVAILABLE").await;

    assert_eq!(look(&house).await, [UNREACHABLE, "RUN_FAILING"]);
    assert_eq!(house.outlook(companies[0]).await.failures, 2);
    let opened = house
        .number("select count(*) from alarm where kind = 'RUN_FAILING'")
        .await;
    assert_eq!(opened, 1, "it stood all the time");
}

#[tokio::test]
async fn an_outage_is_not_to_blame_for_what_a_tenant_failed_of_hours_before() {
    let house = House::open().await;
    let companies = companies(&house, 6).await;
    for hours in [5, 2] {
        ended(&house, companies[0], "IDENTITY", "FAILED MICROSOFT_UNAVAILABLE").await;
        house
            .sql(&format!(
                "update sync_run set finished_at = now() - interval '{hours} hours' where finished_at > now() - interval '1 minute'"
            ))
            .await;
    }

    all_ended(&house, &companies[1..], "FAILED MICROSOFT_UNAVAILABLE").await;

    assert_eq!(look(&house).await, [UNREACHABLE, "RUN_FAILING"]);
    assert_eq!(house.outlook(companies[0]).await.failures, 2);
    assert_eq!(house.outlook(companies[1]).await.failures, 0);
}

#[tokio::test]
async fn a_database_that_was_full_long_ago_is_full_no_more() {
    let house = House::open().await;
    let companies = companies(&house, 1).await;
    ended(&house, companies[0], "IDENTITY", "FAILED STORAGE_FULL").await;
    assert_eq!(look(&house).await, ["STORAGE_FULL"]);

    house
        .sql("update sync_run set finished_at = now() - interval '8 hours'")
        .await;

    assert_eq!(
        look(&house).await,
        Vec::<String>::new(),
        "however long the company is paused"
    );
}

#[tokio::test]
async fn few_tenants_that_fail_are_no_outage() {
    let house = House::open().await;
    let companies = companies(&house, 25).await;
    all_ended(&house, &companies[5..], "SUCCEEDED").await;
    for _ in 0..2 {
        all_ended(&house, &companies[..5], "FAILED MICROSOFT_UNAVAILABLE").await;
    }
    assert_eq!(look(&house).await, ["RUN_FAILING"; 5], "a fifth of them are not many");
    assert_eq!(house.outlook(companies[0]).await.failures, 2);

    all_ended(&house, &companies[5..6], "FAILED MICROSOFT_UNAVAILABLE").await;
    assert_eq!(look(&house).await, [UNREACHABLE], "more are");

    for company in &companies[..3] {
        ended(&house, *company, "IDENTITY", "SUCCEEDED").await;
        assert_eq!(
            look(&house).await,
            [UNREACHABLE],
            "it does not come and go around a fifth"
        );
    }
    ended(&house, companies[3], "IDENTITY", "SUCCEEDED").await;
    assert_eq!(look(&house).await, Vec::<String>::new());

    let house = House::open().await;
    let companies = self::companies(&house, 4).await;
    for _ in 0..2 {
        all_ended(&house, &companies, "FAILED MICROSOFT_UNAVAILABLE").await;
    }
    assert_eq!(look(&house).await, ["RUN_FAILING"; 4], "four may be so by chance");
}

#[tokio::test]
async fn what_tells_nothing_of_microsoft_neither_begins_nor_ends_an_outage() {
    let house = House::open().await;
    let companies = companies(&house, 6).await;
    for code in ["INTERNAL", "CRASHED"] {
        all_ended(&house, &companies, &format!("FAILED {code}")).await;
        assert!(!look(&house).await.contains(&UNREACHABLE.to_owned()), "{code}");
    }
    all_ended(&house, &companies, "FAILED MICROSOFT_UNAVAILABLE").await;
    assert!(look(&house).await.contains(&UNREACHABLE.to_owned()));
    for company in &companies {
        ended(&house, *company, "EVIDENCE", "PARTIAL READING_INCOMPLETE").await;
    }
    assert!(
        look(&house).await.contains(&UNREACHABLE.to_owned()),
        "part of it came from somewhere"
    );
    for company in &companies {
        ended(&house, *company, "EVIDENCE", "FAILED READING_INCOMPLETE").await;
        ended(&house, *company, "EVIDENCE", "FAILED READING_INCOMPLETE").await;
    }
    assert!(look(&house).await.contains(&UNREACHABLE.to_owned()));
    let of_evidence = "select count(*) from alarm where kind = 'RUN_FAILING' and subject = 'EVIDENCE'";
    assert_eq!(house.number(of_evidence).await, 0, "evidence suffers from it as well");
    for company in &companies {
        ended(&house, *company, "EVIDENCE", "FAILED BLOCKED_BY_POLICY").await;
    }
    assert!(
        !look(&house).await.contains(&UNREACHABLE.to_owned()),
        "it was Microsoft that said so"
    );
}

#[tokio::test]
async fn an_outage_of_which_nothing_was_heard_for_long_is_over_and_leaves_nothing() {
    let house = House::open().await;
    let companies = companies(&house, 6).await;
    for _ in 0..2 {
        all_ended(&house, &companies, "FAILED MICROSOFT_UNAVAILABLE").await;
    }
    assert_eq!(look(&house).await, [UNREACHABLE]);
    house
        .sql("update sync_run set finished_at = finished_at - interval '8 hours'")
        .await;
    assert_eq!(look(&house).await, Vec::<String>::new());
}
