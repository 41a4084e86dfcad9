//! The faults by number, the tests that show what comes of each, and a test that holds the table to it.

use super::functions::Functions;

/// A fault, and who shows what comes of it.
struct Fault {
    number: &'static str,
    what: &'static str,
    /// A run meets the fault; each of these ends with the comparison.
    whole: &'static [&'static str],
    /// These meet it at a single question, in one transaction or in one process.
    parts: &'static [&'static str],
    /// What none of them shows.
    not_shown: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        number: "F1",
        what: "kill -9 of a worker, at any point",
        whole: &[
            "f1_a_worker_that_is_killed_at_any_point_leaves_nothing_half_done",
            "f1_a_worker_that_is_killed_while_it_writes_leaves_nothing_half_written",
            "any_history_ends_with_both_sides_equal",
            "after_random_kills_and_faults_every_company_equals_its_directory_and_every_run_ended_once",
        ],
        parts: &["a_run_whose_worker_died_is_performed_by_another_and_the_dead_one_writes_nothing_more"],
        not_shown: "",
    },
    Fault {
        number: "F2",
        what: "a worker is frozen and wakes up much later",
        whole: &["f2_a_worker_that_was_frozen_for_long_writes_nothing_of_what_it_held_and_works_on"],
        parts: &[
            "f2_whoever_freezes_in_a_transaction_keeps_its_locks_for_a_minute_and_no_longer",
            "a_worker_that_was_taken_for_dead_can_change_nothing_any_more",
            "a_worker_that_lost_its_lease_commits_nothing",
        ],
        not_shown: "The ten minutes are not slept: the lease is made to run out.",
    },
    Fault {
        number: "F3",
        what: "Postgres goes down, fast or at once, and comes back",
        whole: &[
            "f3_while_postgres_is_away_the_api_says_so_and_afterwards_everybody_works_on",
            "staged_pages_that_a_crash_has_emptied_are_read_again",
        ],
        parts: &[
            "a_worker_whose_connections_were_cut_works_on",
            "health_says_whether_the_house_can_serve",
        ],
        not_shown: "It is away until everybody has noticed, and not for a minute.",
    },
    Fault {
        number: "F4",
        what: "failover to a replica that misses the last second",
        whole: &["f32_a_database_from_yesterday_catches_up_by_the_links_it_has"],
        parts: &["f32_evidence_that_a_restored_database_lacks_is_missed_by_the_bundle_that_was_taken_before"],
        not_shown: "No replica: to us, one that misses the last second is yesterday's backup in small.",
    },
    Fault {
        number: "F5",
        what: "the database's disk is full",
        whole: &[
            "f5_a_full_disk_fails_the_run_by_name_changes_nothing_and_is_over_when_there_is_room",
            "f5_a_table_that_has_no_room_at_all_fails_the_run_by_name_and_is_over_when_there_is_room",
        ],
        parts: &[],
        not_shown: "A full disk under the write-ahead log, which takes the whole server down: that is F3.",
    },
    Fault {
        number: "F6",
        what: "Graph throttles, with a time, a date, none or an absurd one",
        whole: &[
            "a_long_throttle_waits_without_holding_a_worker_and_goes_on",
            "a_throttle_that_names_no_time_waits_too",
            "a_run_that_waited_goes_on_from_the_page_where_it_stopped",
        ],
        parts: &[
            "a_throttled_run_leaves_its_place_to_another_and_ends_complete",
            "an_absurd_wait_is_an_hour",
            "a_wait_may_be_a_date",
            "no_try_comes_before_the_time_that_microsoft_names",
            "only_what_was_throttled_inside_a_200_is_asked_again",
        ],
        not_shown: "That nothing is asked before the time is shown of the waits as they are reckoned, a date and an absurd time of single questions.",
    },
    Fault {
        number: "F7",
        what: "5xx in bursts, also with a page of HTML",
        whole: &[
            "a_server_error_that_lasts_fails_its_kind",
            "a_server_error_that_passes_is_overcome",
            "a_page_of_html_fails_its_kind",
        ],
        parts: &["each_trouble_on_order_is_the_trouble_it_is"],
        not_shown: "500 and 503 stand for all of them.",
    },
    Fault {
        number: "F8",
        what: "nobody answers, or without an end",
        whole: &[
            "f8_answers_that_never_begin_or_trickle_end_with_the_try_and_not_with_the_run",
            "f8_a_microsoft_that_takes_no_connection_fails_the_run_and_changes_nothing",
        ],
        parts: &[
            "a_connection_that_nobody_takes_is_unavailability",
            "silence_and_an_answer_that_never_ends_have_an_end",
        ],
        not_shown: "The bounds are of a try: a tenant that answers every page just within them is in no test.",
    },
    Fault {
        number: "F9",
        what: "an answer that is cut",
        whole: &[
            "a_cut_connection_fails_its_kind",
            "a_connection_cut_once_is_overcome",
            "truncated_json_fails_its_kind",
        ],
        parts: &[
            "an_answer_that_is_not_whole_is_asked_for_again",
            "answers_that_are_never_whole_are_unavailability",
        ],
        not_shown: "Half a gzip is met by single questions.",
    },
    Fault {
        number: "F10",
        what: "200 with something else than was asked for",
        whole: &[
            "f10_answers_of_another_shape_change_nothing_and_deactivate_nobody",
            "malformed_json_fails_its_kind",
        ],
        parts: &[
            "an_answer_of_another_shape_is_unexpected_at_once_and_quotes_nobody",
            "an_object_without_a_proper_id_makes_its_page_unreadable",
        ],
        not_shown: "",
    },
    Fault {
        number: "F11",
        what: "410 Gone, and links that have expired",
        whole: &[
            "a_410_is_a_quiet_full_read",
            "an_expired_delta_link_is_a_quiet_full_read",
        ],
        parts: &["the_location_of_a_410_is_not_followed"],
        not_shown: "",
    },
    Fault {
        number: "F12",
        what: "the same object twice, moved, removed and made",
        whole: &[
            "replayed_items_change_nothing",
            "doubled_items_change_nothing",
            "an_empty_first_page_is_not_the_end",
            "any_history_ends_with_both_sides_equal",
        ],
        parts: &[],
        not_shown: "An object that is removed before it is made, or both on one page, comes only as the histories happen to bring it.",
    },
    Fault {
        number: "F13",
        what: "pages that lead in a circle",
        whole: &["a_next_link_that_loops_ends_the_read"],
        parts: &["pages_that_lead_in_a_circle_are_a_loop"],
        not_shown: "A run meets a page that leads to itself; longer circles are met by single readings.",
    },
    Fault {
        number: "F14",
        what: "links and redirects to somebody else",
        whole: &["a_next_link_to_another_host_is_not_followed"],
        parts: &[
            "there_are_at_least_fifty_hostile_links",
            "a_hostile_link_in_an_answer_is_refused_and_its_page_not_taken",
            "a_redirect_is_not_followed_from_graph_nor_from_entra",
        ],
        not_shown: "A run meets one hostile link, single questions all of them. Nobody is told of it apart from the run that failed.",
    },
    Fault {
        number: "F15",
        what: "pages of any size and depth",
        whole: &[
            "f15_pages_of_any_size_and_depth_fail_their_kind_and_change_nothing",
            "f15_a_page_without_an_end_costs_a_worker_no_more_than_64_mib",
        ],
        parts: &[
            "a_page_of_more_bytes_than_we_hold_is_refused",
            "a_page_of_more_items_than_we_hold_is_refused",
            "depth_does_not_overflow_the_stack",
        ],
        not_shown: "",
    },
    Fault {
        number: "F16",
        what: "clocks that are off",
        whole: &["f16_workers_whose_clocks_are_off_by_ten_minutes_share_the_work_as_if_they_were_right"],
        parts: &["clocks_may_differ_by_less_than_five_minutes"],
        not_shown: "",
    },
    Fault {
        number: "F17",
        what: "an access token ends on the way, or is never accepted",
        whole: &[
            "f17_tokens_that_end_on_the_way_are_renewed_and_the_run_goes_on",
            "f17_tokens_that_are_refused_for_ever_end_the_run_with_what_to_do",
            "an_access_token_that_has_expired_since_the_last_run_is_renewed",
        ],
        parts: &[
            "a_refused_token_is_renewed_once",
            "tokens_that_are_always_refused_are_not_asked_for_without_end",
            "tokens_that_end_in_the_middle_are_renewed",
        ],
        not_shown: "",
    },
    Fault {
        number: "F18",
        what: "consent is withdrawn",
        whole: &[
            "f18_consent_that_is_withdrawn_on_the_way_keeps_everything_and_is_over_when_it_is_given_again",
            "a_revoked_consent_asks_to_reconnect_and_deactivates_nobody",
        ],
        parts: &[
            "consent_that_is_revoked_on_the_way_ends_the_run_and_asks_for_a_new_connection",
            "a_permission_that_is_withdrawn_on_the_way_leaves_what_came_before_and_says_so",
        ],
        not_shown: "",
    },
    Fault {
        number: "F19",
        what: "the client secret has expired",
        whole: &["f19_an_expired_secret_is_one_alarm_and_every_run_goes_on_when_there_is_a_new_one"],
        parts: &["an_expired_secret_is_the_operators_and_says_so"],
        not_shown: "",
    },
    Fault {
        number: "F20",
        what: "two nodes, or a hundred clicks, for one company",
        whole: &["f20_a_hundred_clicks_at_once_are_one_run"],
        parts: &[
            "of_two_workers_that_race_one_gets_the_run",
            "a_second_click_joins_the_run_of_the_first",
        ],
        not_shown: "",
    },
    Fault {
        number: "F21",
        what: "the clock strikes twice, or not at all",
        whole: &["f21_a_clock_that_strikes_twice_late_or_backwards_gives_one_run_a_slot"],
        parts: &[
            "a_slot_is_taken_once_per_company_though_two_nodes_strike_at_the_same_moment",
            "after_a_downtime_only_the_latest_slot_runs_and_runs_once",
        ],
        not_shown: "",
    },
    Fault {
        number: "F22",
        what: "a run that brings its worker down",
        whole: &["f22_a_run_whose_workers_die_is_set_aside_by_name_and_takes_nobody_elses_along"],
        parts: &[
            "a_run_that_brings_five_workers_down_is_set_aside_with_the_reason",
            "whoever_was_beside_a_run_that_kills_its_worker_is_not_set_aside_with_it",
            "a_run_that_may_have_killed_its_worker_waits_until_one_has_nothing_else_to_do",
            "a_run_that_panics_takes_no_place_away",
        ],
        not_shown: "The worker is killed from outside: to whoever finds its lease, an abort, a full memory and a full stack look the same. \
                  How long others wait is not measured.",
    },
    Fault {
        number: "F23",
        what: "a job that nobody can read",
        whole: &["f23_jobs_that_nobody_can_read_are_cleared_away_and_the_runs_are_performed"],
        parts: &["a_job_that_cannot_be_read_does_not_stop_the_queue"],
        not_shown: "A job carries the id of its run and nothing else, so there are no older versions of one.",
    },
    Fault {
        number: "F24",
        what: "SIGTERM with twenty runs under way; two versions at once",
        whole: &["f24_a_worker_with_twenty_runs_that_is_asked_to_end_hands_all_of_them_back"],
        parts: &[
            "a_worker_that_is_asked_to_stop_hands_its_run_back_and_takes_no_other",
            "a_binary_that_is_older_than_the_schema_goes_on",
            "every_migration_leaves_the_version_before_it_running",
        ],
        not_shown: "No older binary runs: a schema that is ahead of this one stands in for it.",
    },
    Fault {
        number: "F25",
        what: "most of a directory is gone",
        whole: &[
            "many_leavers_are_held_until_a_person_releases_exactly_them",
            "the_full_reading_of_the_week_cannot_wipe_a_company",
        ],
        parts: &[
            "a_later_full_sync_takes_held_changes_over",
            "the_last_ones_wait_for_a_person",
        ],
        not_shown: "Evidence reads its own people, and says nothing of what a sync holds.",
    },
    Fault {
        number: "F26",
        what: "disconnected, or connected elsewhere, on the way",
        whole: &[
            "f26_disconnecting_on_the_way_lets_the_worker_go_and_keeps_what_there_was",
            "connecting_another_tenant_ends_the_run_of_the_one_before_and_mixes_nothing",
        ],
        parts: &[
            "disconnecting_keeps_the_data_and_ends_the_run",
            "a_run_that_is_cancelled_is_let_go_at_once",
        ],
        not_shown: "A company that has records of one tenant is refused another, so the rows of two never meet.",
    },
    Fault {
        number: "F27",
        what: "subscribers that are slow, stalled or elsewhere",
        whole: &["f27_a_subscriber_of_either_api_hears_what_a_worker_elsewhere_does"],
        parts: &[
            "a_watcher_that_is_too_slow_is_told_and_then_hears_on",
            "a_reader_who_takes_nothing_loses_their_seat",
        ],
        not_shown: "Ten thousand subscribers, their memory and how soon they hear are measured nowhere.",
    },
    Fault {
        number: "F28",
        what: "a notification is lost",
        whole: &["f28_whoever_loses_the_listening_connection_hears_all_the_same_how_every_run_ended"],
        parts: &[
            "nothing_is_lost_when_the_listening_connection_is",
            "a_change_that_woke_nobody_is_heard_all_the_same",
            "a_bell_that_nobody_rang_is_found_by_the_sweep",
        ],
        not_shown: "A queue of notifications that is full is in no test; a notification holds ids alone, so none is too long.",
    },
    Fault {
        number: "F29",
        what: "requests that are cut off in the middle",
        whole: &[],
        parts: &["f29_callers_who_leave_in_the_middle_leave_no_connection_with_their_rights"],
        not_shown: "No run takes part: compared are the connections, which have nobody's rights left. Six hundred callers, not a thousand.",
    },
    Fault {
        number: "F30",
        what: "a flood of strangers",
        whole: &[],
        parts: &[
            "an_address_that_has_spent_its_failures_costs_no_statement",
            "strangers_lock_nobody_out_who_is_known",
        ],
        not_shown: "No run takes part, and nothing listens for webhooks of Microsoft's that could be forged: strangers at the other doors.",
    },
    Fault {
        number: "F31",
        what: "one large company beside many small ones",
        whole: &["f31_small_tenants_are_synced_while_large_ones_stand_in_the_middle"],
        parts: &[
            "a_tenant_has_one_run_at_a_time_and_the_next_follows_at_once",
            "the_click_that_came_last_goes_before_the_runs_of_the_clock",
        ],
        not_shown: "Three tenants that stand still in the middle stand in for 500,000 people; a week of 2,000 companies is simulated apart.",
    },
    Fault {
        number: "F32",
        what: "yesterday's backup is restored",
        whole: &[
            "f32_a_database_from_yesterday_catches_up_by_the_links_it_has",
            "f32_a_database_from_yesterday_whose_links_are_forgotten_reads_everything_again",
        ],
        parts: &["f32_evidence_that_a_restored_database_lacks_is_missed_by_the_bundle_that_was_taken_before"],
        not_shown: "",
    },
];

#[test]
fn each_fault_has_tests_that_run_and_end_with_the_comparison() {
    let functions = Functions::read();
    for (n, fault) in FAULTS.iter().enumerate() {
        let Fault { number, what, .. } = fault;
        assert_eq!(*number, format!("F{}", n + 1), "{what} has its own place");
        assert!(
            !fault.whole.is_empty() || !fault.not_shown.is_empty(),
            "{number} ({what}): no run meets it, and nothing says why"
        );
        assert!(
            fault.whole.len() + fault.parts.len() > 0,
            "{number} ({what}) has a test"
        );
        for test in fault.whole.iter().chain(fault.parts) {
            assert!(functions.is_a_test(test), "{number} ({what}): no test {test} runs");
        }
        for test in fault.whole {
            assert!(
                functions.compares(test),
                "{number} ({what}): {test} ends without the comparison"
            );
        }
    }
    assert_eq!(FAULTS.len(), 32);
}
