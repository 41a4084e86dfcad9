//! Each way in which Microsoft says no, and what is made of it.

use std::time::Duration;

use serde_json::json;
use tenantry::microsoft::{DeltaFrom, Refusal, Trouble};

use super::fake::{Fake, Say, entra_error, graph_error, ok, say};
use super::{ADELE, TENANT, microsoft};

const NO_TOKEN: &str = "InvalidAuthenticationToken";

/// What becomes of the list of people when Graph answers this each time, and how many requests that took.
async fn people_when(answer: impl Fn() -> Say + Send + Sync + 'static) -> (Trouble, u64) {
    let fake = Fake::graph("users", move |_| answer()).await;
    let graph = microsoft(&fake).graph(TENANT);
    let trouble = graph.users().next().await.err().expect("it was refused");
    (trouble, graph.requests())
}

/// The same for Intune's devices.
async fn devices_when(answer: impl Fn() -> Say + Send + Sync + 'static) -> Trouble {
    let fake = Fake::graph("deviceManagement/managedDevices", move |_| answer()).await;
    microsoft(&fake)
        .graph(TENANT)
        .managed_devices()
        .next()
        .await
        .err()
        .expect("it was refused")
}

/// What becomes of a question when Entra gives no token.
async fn no_token_when(answer: impl Fn() -> Say + Send + Sync + 'static) -> Trouble {
    let fake = Fake::start(move |asked| asked.is_for_token().then(&answer)).await;
    let graph = microsoft(&fake).graph(TENANT);
    let trouble = graph.users().next().await.err().expect("there was no token");
    assert_eq!(graph.requests(), 0, "nothing is asked of Graph without a token");
    trouble
}

#[tokio::test]
async fn a_long_wait_is_handed_to_the_caller_after_one_request() {
    let (trouble, requests) = people_when(|| say(429, &[("Retry-After", "120")], "")).await;
    assert_eq!(
        trouble,
        Trouble::Throttled {
            retry_after: Duration::from_secs(120)
        }
    );
    assert_eq!(requests, 1, "nobody asks again before the time");
}

#[tokio::test]
async fn an_absurd_wait_is_an_hour() {
    let (trouble, _) = people_when(|| say(429, &[("Retry-After", "86400")], "")).await;
    assert_eq!(
        trouble,
        Trouble::Throttled {
            retry_after: Duration::from_secs(3600)
        }
    );
}

#[tokio::test]
async fn a_wait_may_be_a_date() {
    let headers = [
        ("Retry-After", "Wed, 21 Oct 2015 07:29:00 GMT"),
        ("Date", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ];
    let (trouble, requests) = people_when(move || say(503, &headers, "<html>busy</html>")).await;
    assert_eq!(
        (trouble, requests),
        (
            Trouble::Throttled {
                retry_after: Duration::from_secs(60)
            },
            1
        )
    );
}

#[tokio::test]
async fn throttling_without_a_time_is_tried_a_few_times_and_stays_throttling() {
    let (trouble, requests) = people_when(|| graph_error(429, "TooManyRequests", "Please retry again later.")).await;
    assert!(matches!(trouble, Trouble::Throttled { .. }));
    assert_eq!(requests, 4);
}

#[tokio::test]
async fn server_errors_that_last_are_unavailability() {
    for status in [500, 502, 503, 504] {
        let (trouble, requests) = people_when(move || say(status, &[], "<html>Bad Gateway</html>")).await;
        assert_eq!((trouble, requests), (Trouble::Unavailable, 4), "{status}");
    }
}

#[tokio::test]
async fn setbacks_that_pass_are_not_noticed() {
    for status in [409, 429, 500, 502, 503, 504] {
        let fake = Fake::graph("users", move |asked| match asked.nth {
            0 => graph_error(status, "Directory_ConcurrencyViolation", ""),
            1 => say(status, &[("Retry-After", "0")], "<html>"),
            _ => ok(json!({"value": [{"id": ADELE}]})),
        })
        .await;
        let graph = microsoft(&fake).graph(TENANT);
        let page = graph.users().next().await.unwrap().unwrap();
        assert_eq!((page.items.len(), graph.requests()), (1, 3), "{status}");
    }
}

#[tokio::test]
async fn a_position_that_is_gone_means_to_start_over() {
    let gone = [
        (410, ""),
        (410, "AnythingAtAll"),
        (400, "syncStateNotFound"),
        (404, "SYNCSTATENOTFOUND"),
        (400, "syncStateInvalid"),
        (400, "resyncRequired"),
        (400, "Directory_ExpiredPageToken"),
    ];
    for (status, code) in gone {
        let (trouble, requests) = people_when(move || graph_error(status, code, "generation=149")).await;
        assert_eq!((trouble, requests), (Trouble::StartOver, 1), "{status} {code}");
    }
}

#[tokio::test]
async fn the_location_of_a_410_is_not_followed() {
    let trap = Fake::start(|_| None).await;
    let elsewhere = trap.url().join("v1.0/users/delta?$deltatoken=").unwrap().to_string();
    let (trouble, _) = people_when(move || say(410, &[("Location", &elsewhere)], "")).await;
    assert_eq!((trouble, trap.asked().len()), (Trouble::StartOver, 0));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let fake = Fake::graph("users", |asked| match asked.nth {
        0 => graph_error(401, NO_TOKEN, "Access token has expired or is not yet valid."),
        _ => ok(json!({"value": []})),
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    assert!(graph.users().next().await.unwrap().unwrap().items.is_empty());
    assert_eq!((fake.token_requests(), graph.requests()), (2, 2));
}

#[tokio::test]
async fn tokens_that_are_always_refused_are_not_asked_for_without_end() {
    let (trouble, requests) = people_when(|| graph_error(401, NO_TOKEN, "Access token validation failure.")).await;
    assert_eq!((trouble, requests), (Trouble::TokenRefused, 2));
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let fake = Fake::start(|asked| {
        let graph = asked.path().starts_with("/v1.0/");
        graph.then(|| {
            graph_error(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete it.",
            )
        })
    })
    .await;
    let graph = microsoft(&fake).graph(TENANT);
    let named = [
        (graph.users().next().await.err(), "User.Read.All"),
        (graph.users_delta(DeltaFrom::Now).next().await.err(), "User.Read.All"),
        (graph.users_by_id(&[ADELE]).await.err(), "User.Read.All"),
        (
            graph.groups_delta(DeltaFrom::Beginning).next().await.err(),
            "GroupMember.Read.All",
        ),
        (
            graph.managed_devices().next().await.err(),
            "DeviceManagementManagedDevices.Read.All",
        ),
        (graph.organization().await.err(), "Organization.Read.All"),
        (graph.subscribed_skus().await.err(), "Organization.Read.All"),
        (
            graph.directory_roles_of(ADELE).await.err(),
            "RoleManagement.Read.Directory",
        ),
    ];
    for (trouble, permission) in named {
        let trouble = trouble.unwrap();
        assert_eq!(trouble, Trouble::PermissionMissing { permission });
        assert!(trouble.message().contains(permission));
    }
}

#[tokio::test]
async fn a_service_principal_that_is_gone_is_a_missing_consent() {
    let (trouble, _) = people_when(|| graph_error(403, "Authorization_IdentityNotFound", "")).await;
    assert_eq!(trouble, Trouble::ConsentMissing);
}

#[tokio::test]
async fn a_tenant_without_a_premium_licence_is_told_so() {
    for status in [400, 403] {
        let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
        let (trouble, _) = people_when(move || graph_error(status, code, "")).await;
        assert!(matches!(trouble, Trouble::NotAvailable { .. }), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_tenant_without_intune_is_told_so_however_intune_says_it() {
    let wrapped =
        json!({"_version": 3, "Message": "Request not applicable to target tenant. - Activity ID: 0"}).to_string();
    let twice = json!({"ErrorCode": "BadRequest", "Message": wrapped}).to_string();
    let answers = [
        (400, "Request not applicable to target tenant.".to_owned()),
        (400, wrapped),
        (403, twice),
        (404, String::new()),
    ];
    for (status, message) in answers {
        let trouble = devices_when(move || graph_error(status, "BadRequest", &message)).await;
        assert!(
            matches!(
                trouble,
                Trouble::NotAvailable {
                    what: "Intune devices",
                    ..
                }
            ),
            "{status}: {trouble:?}"
        );
    }
}

#[tokio::test]
async fn intunes_odd_refusals_are_missing_permissions() {
    let scopes = json!({"_version": 3, "Message": "Application must have one of the following scopes: …"}).to_string();
    let forbidden =
        json!({"ErrorCode": "Forbidden", "Message": "{\"Message\": \"An error has occurred\"}"}).to_string();
    for (status, code, message) in [(403, "Forbidden", scopes), (401, "UnknownError", forbidden)] {
        let trouble = devices_when(move || graph_error(status, code, &message)).await;
        let permission = "DeviceManagementManagedDevices.Read.All";
        assert_eq!(trouble, Trouble::PermissionMissing { permission }, "{status}");
    }
}

#[tokio::test]
async fn other_refusals_pass_on_a_code_and_nothing_else() {
    for (status, code) in [
        (400, "Request_UnsupportedQuery"),
        (404, "Request_ResourceNotFound"),
        (400, "<b>CANARY</b>"),
    ] {
        let (trouble, requests) = people_when(move || graph_error(status, code, "CANARY adele@contoso.example")).await;
        assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }), "{trouble:?}");
        assert_eq!(requests, 1);
        assert!(!trouble.message().contains("CANARY"), "{trouble}");
        assert_eq!(trouble.message().contains(code), !code.contains("CANARY"), "{trouble}");
    }
    let (trouble, _) = people_when(|| say(501, &[], "")).await;
    assert!(matches!(trouble, Trouble::UnexpectedResponse { .. }));
}

#[tokio::test]
async fn each_of_entras_numbers_means_what_it_means() {
    let refused = |reason| Trouble::CredentialRefused { reason };
    let table = [
        (400, "unauthorized_client", 700_016, Trouble::ConsentMissing),
        (400, "unauthorized_client", 7_000_112, Trouble::ConsentMissing),
        (400, "invalid_grant", 65_001, Trouble::ConsentMissing),
        (401, "invalid_client", 7_000_215, refused(Refusal::Wrong)),
        (401, "invalid_client", 7_000_222, refused(Refusal::Expired)),
        (401, "invalid_client", 700_027, refused(Refusal::Certificate)),
        (401, "invalid_client", 700_024, refused(Refusal::Clock)),
        (400, "invalid_request", 90_002, Trouble::TenantUnknown),
        (400, "invalid_request", 90_038, Trouble::TenantUnknown),
        (400, "invalid_tenant", 1, Trouble::TenantUnknown),
        (400, "interaction_required", 53_003, Trouble::BlockedByPolicy),
    ];
    for (status, error, number, trouble) in table {
        assert_eq!(
            no_token_when(move || entra_error(status, error, number)).await,
            trouble,
            "{number}"
        );
    }
}

#[tokio::test]
async fn a_number_that_nobody_knows_is_passed_on_without_its_text() {
    let trouble = no_token_when(|| entra_error(400, "invalid_scope", 70_011)).await;
    assert!(trouble.message().contains("AADSTS70011"));
    assert!(!trouble.message().contains("CANARY"));
}

#[tokio::test]
async fn without_a_number_the_protocols_word_decides() {
    let body = |error: &str| json!({"error": error}).to_string();
    let client = body("invalid_client");
    let trouble = no_token_when(move || say(401, &[], &client)).await;
    assert_eq!(trouble, Trouble::CredentialRefused { reason: Refusal::Wrong });
    let unauthorized = body("unauthorized_client");
    assert_eq!(
        no_token_when(move || say(400, &[], &unauthorized)).await,
        Trouble::ConsentMissing
    );
}

#[tokio::test]
async fn an_entra_that_is_busy_is_asked_again() {
    let fake = Fake::start(|asked| match (asked.is_for_token(), asked.nth) {
        (true, 0) => Some(entra_error(400, "temporarily_unavailable", 90_033)),
        (true, 1) => Some(say(503, &[], "<html>")),
        (true, 2) => Some(say(200, &[], "{\"access_tok")),
        _ => None,
    })
    .await;
    assert!(microsoft(&fake).graph(TENANT).users().next().await.is_ok());
    assert_eq!(fake.token_requests(), 4);
}

#[tokio::test]
async fn an_entra_that_throttles_is_waited_for_by_the_caller() {
    let trouble = no_token_when(|| say(429, &[("Retry-After", "40")], "")).await;
    assert_eq!(
        trouble,
        Trouble::Throttled {
            retry_after: Duration::from_secs(40)
        }
    );
}

#[tokio::test]
async fn every_trouble_has_words_for_people() {
    let all = [
        Trouble::StartOver,
        Trouble::ConsentMissing,
        Trouble::PermissionMissing {
            permission: "User.Read.All",
        },
        Trouble::NotAvailable {
            what: "Intune devices",
            why: "Intune is not part of its subscriptions",
        },
        Trouble::CredentialRefused {
            reason: Refusal::Expired,
        },
        Trouble::CredentialRefused { reason: Refusal::Wrong },
        Trouble::CredentialRefused {
            reason: Refusal::Certificate,
        },
        Trouble::CredentialRefused { reason: Refusal::Clock },
        Trouble::TenantUnknown,
        Trouble::BlockedByPolicy,
        Trouble::TokenRefused,
        Trouble::Throttled {
            retry_after: Duration::from_secs(7),
        },
        Trouble::Unavailable,
        Trouble::UnexpectedResponse { what: "x".into() },
        Trouble::UntrustedLink,
        Trouble::PagingLoop,
        Trouble::TooLarge { what: "a page" },
    ];
    for trouble in all {
        assert!(
            trouble.message().ends_with('.') && trouble.remedy().ends_with('.'),
            "{trouble:?}"
        );
        assert!(
            trouble
                .code()
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        );
    }
}
