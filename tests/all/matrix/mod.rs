//! The faults that Tenantry has to survive, by number, and the tests that show it.
//!
//! Each of them ends with the same comparison: the database equals the directory, every run that was queued ended
//! exactly once, and what failed says what to do. A fault whose tests are gone fails the test at the end of the table.

mod doors;
mod processes;
mod storage;

use std::fs;
use std::path::Path;

use serde_json::json;
use tenantry::auth::Action;
use tenantry::db::events::{Events, News};
use tenantry::model::SyncRun;
use tenantry::model::service_token::{self, NewToken};
use tokio_util::sync::CancellationToken;

use crate::support::node::PATIENCE;
use crate::support::verdict;
use crate::support::world::{Client, World};

/// What happens, and who shows what comes of it.
const FAULTS: &[(&str, &str, &[&str])] = &[
    (
        "F1",
        "kill -9 of a worker, at any point",
        &[
            "f1_a_worker_that_is_killed_at_any_point_leaves_nothing_half_done",
            "f1_a_worker_that_is_killed_while_it_writes_leaves_nothing_half_written",
            "a_run_whose_worker_died_is_performed_by_another_and_the_dead_one_writes_nothing_more",
            "any_history_ends_with_both_sides_equal",
            "after_random_kills_and_faults_every_company_equals_its_directory_and_every_run_ended_once",
        ],
    ),
    (
        "F2",
        "a worker is frozen and wakes up much later",
        &[
            "f2_a_worker_that_was_frozen_for_long_writes_nothing_of_what_it_held_and_works_on",
            "f2_whoever_freezes_in_a_transaction_keeps_its_locks_for_a_minute_and_no_longer",
            "a_worker_that_was_taken_for_dead_can_change_nothing_any_more",
            "a_worker_that_lost_its_lease_commits_nothing",
        ],
    ),
    (
        "F3",
        "Postgres goes down, fast or at once, and comes back",
        &[
            "f3_while_postgres_is_away_the_api_says_so_and_afterwards_everybody_works_on",
            "a_worker_whose_connections_were_cut_works_on",
            "staged_pages_that_a_crash_has_emptied_are_read_again",
            "health_says_whether_the_house_can_serve",
        ],
    ),
    // To us, a replica that misses the last second is yesterday's backup in small.
    (
        "F4",
        "failover to a replica that misses the last second",
        &[
            "f32_a_database_from_yesterday_catches_up_by_the_links_it_has",
            "f32_evidence_that_a_restored_database_lacks_is_missed_by_the_bundle_that_was_taken_before",
        ],
    ),
    (
        "F5",
        "the database's disk is full",
        &["f5_a_full_disk_fails_the_run_by_name_changes_nothing_and_is_over_when_there_is_room"],
    ),
    (
        "F6",
        "Graph throttles, with a time, a date, none or an absurd one",
        &[
            "a_long_throttle_waits_without_holding_a_worker_and_goes_on",
            "a_throttle_that_names_no_time_waits_too",
            "a_throttled_run_leaves_its_place_to_another_and_ends_complete",
            "an_absurd_wait_is_an_hour",
            "a_wait_may_be_a_date",
            "no_try_comes_before_the_time_that_microsoft_names",
            "only_what_was_throttled_inside_a_200_is_asked_again",
            "a_run_that_waited_goes_on_from_the_page_where_it_stopped",
        ],
    ),
    (
        "F7",
        "5xx in bursts, also with a page of HTML",
        &[
            "a_server_error_that_lasts_fails_its_kind",
            "a_server_error_that_passes_is_overcome",
            "a_page_of_html_fails_its_kind",
        ],
    ),
    (
        "F8",
        "nobody answers, or without an end",
        &[
            "a_connection_that_nobody_takes_is_unavailability",
            "silence_and_an_answer_that_never_ends_have_an_end",
        ],
    ),
    (
        "F9",
        "an answer that is cut",
        &[
            "a_cut_connection_fails_its_kind",
            "a_connection_cut_once_is_overcome",
            "truncated_json_fails_its_kind",
        ],
    ),
    (
        "F10",
        "200 with something else than was asked for",
        &[
            "malformed_json_fails_its_kind",
            "an_answer_of_another_shape_is_unexpected_at_once_and_quotes_nobody",
            "an_object_without_a_proper_id_makes_its_page_unreadable",
        ],
    ),
    (
        "F11",
        "410 Gone, and links that have expired",
        &[
            "a_410_is_a_quiet_full_read",
            "an_expired_delta_link_is_a_quiet_full_read",
            "the_location_of_a_410_is_not_followed",
        ],
    ),
    (
        "F12",
        "the same object twice, moved, removed and made",
        &[
            "replayed_items_change_nothing",
            "doubled_items_change_nothing",
            "an_empty_first_page_is_not_the_end",
        ],
    ),
    (
        "F13",
        "pages that lead in a circle",
        &[
            "a_next_link_that_loops_ends_the_read",
            "pages_that_lead_in_a_circle_are_a_loop",
        ],
    ),
    (
        "F14",
        "links and redirects to somebody else",
        &[
            "a_next_link_to_another_host_is_not_followed",
            "there_are_at_least_fifty_hostile_links",
            "a_hostile_link_in_an_answer_is_refused_and_its_page_not_taken",
            "a_redirect_is_not_followed_from_graph_nor_from_entra",
        ],
    ),
    (
        "F15",
        "pages of any size and depth",
        &[
            "a_page_of_more_bytes_than_we_hold_is_refused",
            "a_page_of_more_items_than_we_hold_is_refused",
            "depth_does_not_overflow_the_stack",
        ],
    ),
    (
        "F16",
        "clocks that are off",
        &[
            "f16_workers_whose_clocks_are_off_by_ten_minutes_share_the_work_as_if_they_were_right",
            "clocks_may_differ_by_less_than_five_minutes",
        ],
    ),
    (
        "F17",
        "an access token ends on the way, or is never accepted",
        &[
            "an_access_token_that_expires_mid_run_is_renewed",
            "a_refused_token_is_renewed_once",
            "tokens_that_are_always_refused_are_not_asked_for_without_end",
        ],
    ),
    (
        "F18",
        "consent is withdrawn",
        &[
            "a_revoked_consent_asks_to_reconnect_and_deactivates_nobody",
            "consent_that_is_revoked_on_the_way_ends_the_run_and_asks_for_a_new_connection",
            "a_permission_that_is_withdrawn_on_the_way_leaves_what_came_before_and_says_so",
        ],
    ),
    (
        "F19",
        "the client secret has expired",
        &["an_expired_secret_is_the_operators_and_says_so"],
    ),
    (
        "F20",
        "two nodes, or a hundred clicks, for one company",
        &[
            "f20_a_hundred_clicks_at_once_are_one_run",
            "of_two_workers_that_race_one_gets_the_run",
            "a_second_click_joins_the_run_of_the_first",
        ],
    ),
    (
        "F21",
        "the clock strikes twice, or not at all",
        &[
            "a_slot_is_taken_once_per_company_though_two_nodes_strike_at_the_same_moment",
            "after_a_downtime_only_the_latest_slot_runs_and_runs_once",
        ],
    ),
    (
        "F22",
        "a run that brings its worker down",
        &[
            "a_run_that_brings_five_workers_down_is_set_aside_with_the_reason",
            "a_run_that_panics_takes_no_place_away",
        ],
    ),
    (
        "F23",
        "a job that nobody can read",
        &["a_job_that_cannot_be_read_does_not_stop_the_queue"],
    ),
    (
        "F24",
        "SIGTERM with twenty runs under way; two versions at once",
        &[
            "f24_a_worker_with_twenty_runs_that_is_asked_to_end_hands_all_of_them_back",
            "a_worker_that_is_asked_to_stop_hands_its_run_back_and_takes_no_other",
            "a_binary_that_is_older_than_the_schema_goes_on",
            "every_migration_leaves_the_version_before_it_running",
        ],
    ),
    (
        "F25",
        "most of a directory is gone",
        &[
            "many_leavers_are_held_until_a_person_releases_exactly_them",
            "a_later_full_sync_takes_held_changes_over",
            "the_last_ones_wait_for_a_person",
        ],
    ),
    (
        "F26",
        "disconnected, or connected elsewhere, on the way",
        &[
            "disconnecting_keeps_the_data_and_ends_the_run",
            "connecting_another_tenant_ends_the_run_of_the_one_before_and_mixes_nothing",
            "a_run_that_is_cancelled_is_let_go_at_once",
        ],
    ),
    (
        "F27",
        "subscribers that are slow, stalled or elsewhere",
        &[
            "f27_a_subscriber_of_either_api_hears_what_a_worker_elsewhere_does",
            "a_watcher_that_is_too_slow_is_told_and_then_hears_on",
            "a_reader_who_takes_nothing_loses_their_seat",
        ],
    ),
    (
        "F28",
        "a notification is lost",
        &[
            "nothing_is_lost_when_the_listening_connection_is",
            "a_change_that_woke_nobody_is_heard_all_the_same",
            "a_bell_that_nobody_rang_is_found_by_the_sweep",
        ],
    ),
    (
        "F29",
        "requests that are cut off in the middle",
        &["f29_callers_who_leave_in_the_middle_leave_no_connection_with_their_rights"],
    ),
    // There are no webhooks of Microsoft's to forge: nothing listens for them. Strangers at the other doors:
    (
        "F30",
        "a flood of strangers",
        &[
            "an_address_that_has_spent_its_failures_costs_no_statement",
            "strangers_lock_nobody_out_who_is_known",
        ],
    ),
    (
        "F31",
        "one large company beside many small ones",
        &[
            "a_tenant_has_one_run_at_a_time_and_the_next_follows_at_once",
            "the_click_that_came_last_goes_before_the_runs_of_the_clock",
        ],
    ),
    (
        "F32",
        "yesterday's backup is restored",
        &[
            "f32_a_database_from_yesterday_catches_up_by_the_links_it_has",
            "f32_a_database_from_yesterday_whose_links_are_forgotten_reads_everything_again",
            "f32_evidence_that_a_restored_database_lacks_is_missed_by_the_bundle_that_was_taken_before",
        ],
    ),
];

#[test]
fn each_fault_has_a_test_that_shows_what_comes_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests", "simulator/tests"] {
        gather(&root.join(folder), &mut sources);
    }
    for (n, (number, what, tests)) in FAULTS.iter().enumerate() {
        assert_eq!(*number, format!("F{}", n + 1), "{what} has its own place");
        assert!(!tests.is_empty(), "{number} ({what}) has a test");
        for test in *tests {
            assert!(
                sources.contains(&format!("fn {test}(")),
                "{number} ({what}): there is no test {test}"
            );
        }
    }
    assert_eq!(FAULTS.len(), 32);
}

fn gather(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            gather(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).expect("it can be read"));
        }
    }
}

/// A company that the real clock leaves alone: its connection is younger than any slot.
async fn connected(world: &World, people: u32, devices: u32) -> Client {
    let contoso = world
        .connected(json!({"seed": 7, "people": people, "devices": devices}))
        .await;
    world
        .sql(&format!(
            "update tenant set connected_at = '2100-01-01T00:00:00Z' where company_id = '{}'",
            contoso.company_id
        ))
        .await;
    contoso
}

/// The comparison that every fault ends with.
async fn equal_and_ended_once(world: &World, clients: &[Client]) {
    verdict::every_run_ended_once(world, &[]).await;
    verdict::both_sides_are_equal(world, clients).await;
}

/// The run, when somebody else has performed it to its end.
async fn ended(world: &World, run: &SyncRun) -> SyncRun {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let events = Events::start(&world.pool, stop).await.expect("events start");
    let mut watch = events.watch(run.company_id, run.kind);
    let end = async {
        loop {
            let now = world.run(run.id).await;
            if !now.status.is_active() {
                return now;
            }
            match watch.next().await.expect("the listener lives") {
                News::Run(_) | News::Missed => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("the run ends")
}

/// A service token that opens every company.
pub async fn token(world: &World) -> String {
    let mut conn = world.pool.get().await.expect("a connection");
    let new = NewToken {
        name: "The tests",
        by: "A test",
        days: 1,
        company_ids: None,
        actions: Action::of_tokens(),
    };
    let now = crate::support::house::now();
    service_token::issue(&mut conn, now, &new).await.expect("a token").1
}
