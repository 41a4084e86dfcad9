//! The trouble that the simulated Microsoft 365 makes on order, and the tenants that cannot be read.

use m365_simulator::{ApplicationSpec, TenantSpec};
use serde_json::{Value, json};
use tenantry::microsoft::{Credential, DeltaFrom, Refusal, Secret, Trouble};
use uuid::Uuid;

use super::world::{CLIENT, World, all, application, secret, way_to};

#[tokio::test]
async fn a_tenant_without_intune_has_people_and_no_devices() {
    let spec = TenantSpec {
        people: 20,
        intune: false,
        ..TenantSpec::named("Fabrikam", "fabrikam.example")
    };
    let world = World::with(spec).await;
    assert_eq!(all(world.graph.users()).await.unwrap().0.len(), 20);
    let trouble = all(world.graph.managed_devices()).await.err().unwrap();
    assert!(
        matches!(
            trouble,
            Trouble::NotAvailable {
                what: "Intune devices",
                ..
            }
        ),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn each_trouble_on_order_is_the_trouble_it_is() {
    let permission = "User.Read.All";
    let orders = [
        (json!({"kind": "throttle", "retryAfter": 77}), "THROTTLED"),
        (json!({"kind": "throttle", "retryAfter": null}), "THROTTLED"),
        (
            json!({"kind": "status", "status": 503, "code": "ServiceUnavailable"}),
            "MICROSOFT_UNAVAILABLE",
        ),
        (
            json!({"kind": "status", "status": 409, "code": "Directory_ConcurrencyViolation"}),
            "MICROSOFT_UNAVAILABLE",
        ),
        (json!({"kind": "cut"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "truncate"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "malformed"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "html"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "gone"}), "START_OVER"),
        (json!({"kind": "loop"}), "PAGING_LOOP"),
        (
            json!({"kind": "foreign_link", "link": "http://127.0.0.1:9/v1.0/users?$skiptoken=x"}),
            "UNTRUSTED_LINK",
        ),
        (
            json!({"kind": "missing_permission", "permission": permission}),
            "PERMISSION_MISSING",
        ),
        (json!({"kind": "unauthorized"}), "TOKEN_REFUSED"),
    ];
    let world = World::start(20).await;
    for (mut order, code) in orders {
        order["on"] = "users".into();
        world.fault(order.clone()).await;
        let trouble = all(world.graph.users())
            .await
            .err()
            .unwrap_or_else(|| panic!("{order} did nothing"));
        assert_eq!(trouble.code(), code, "{order}: {trouble:?}");
        world.control("DELETE", "faults", Value::Null).await;
        assert_eq!(
            all(world.graph.users()).await.unwrap().0.len(),
            20,
            "and after {order} all is well"
        );
    }
}

#[tokio::test]
async fn trouble_that_passes_is_not_noticed() {
    let world = World::start(20).await;
    for order in [
        json!({"kind": "throttle", "retryAfter": 0}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "cut"}),
        json!({"kind": "truncate"}),
        json!({"kind": "html"}),
        json!({"kind": "unauthorized"}),
        json!({"kind": "empty_first_page"}),
    ] {
        let mut order = order;
        order["on"] = "users".into();
        order["times"] = 1.into();
        world.fault(order.clone()).await;
        let (people, _) = all(world.graph.users())
            .await
            .unwrap_or_else(|trouble| panic!("{order}: {trouble}"));
        assert_eq!(people.len(), 20, "{order}");
        world.control("DELETE", "faults", Value::Null).await;
    }
}

#[tokio::test]
async fn an_expired_link_means_to_start_over() {
    let world = World::start(20).await;
    let (_, link) = all(world.graph.users_delta(DeltaFrom::Now)).await.unwrap();
    let link = link.unwrap();
    world
        .fault(json!({"on": "users/delta", "kind": "expired_delta", "times": 1}))
        .await;
    let trouble = all(world.graph.users_delta(DeltaFrom::Link(link.clone()))).await.err();
    assert_eq!(trouble, Some(Trouble::StartOver));
    assert!(
        all(world.graph.users_delta(DeltaFrom::Link(link.clone())))
            .await
            .is_ok()
    );

    world.control("POST", "deltas/expire", Value::Null).await;
    let trouble = all(world.graph.users_delta(DeltaFrom::Link(link))).await.err();
    assert_eq!(trouble, Some(Trouble::StartOver));
}

#[tokio::test]
async fn tokens_that_end_in_the_middle_are_renewed() {
    let world = World::start(1_500).await;
    let mut pages = world.graph.users();
    let first = pages.next().await.unwrap().unwrap().items.len();
    let expire = world.simulator.url().join("_control/tokens/expire").unwrap();
    world
        .http
        .post(expire)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    let mut rest = 0;
    while let Some(page) = pages.next().await.unwrap() {
        rest += page.items.len();
    }
    assert_eq!(first + rest, 1_500);
    assert!(all(world.graph.groups_delta(DeltaFrom::Beginning)).await.is_ok());
}

#[tokio::test]
async fn a_tenant_says_what_it_did_not_consent_to() {
    let world = World::start(20).await;
    let way = || way_to(&world.simulator, secret("right"));
    let consent = format!("consents/{CLIENT}");
    world
        .control("PUT", &consent, json!({"permissions": ["Organization.Read.All"]}))
        .await;
    let missing = Trouble::PermissionMissing {
        permission: "GroupMember.Read.All",
    };
    assert_eq!(
        all(way().graph(world.tenant.id).groups_delta(DeltaFrom::Now))
            .await
            .err(),
        Some(missing)
    );
    assert!(way().graph(world.tenant.id).organization().await.is_ok());

    world.control("DELETE", &consent, Value::Null).await;
    assert_eq!(
        way().graph(world.tenant.id).organization().await.err(),
        Some(Trouble::ConsentMissing)
    );
    assert_eq!(
        way().graph(Uuid::new_v4()).organization().await.err(),
        Some(Trouble::TenantUnknown)
    );
}

#[tokio::test]
async fn our_own_credential_is_told_from_the_tenants_consent() {
    let world = World::start(2).await;
    let refused = |reason| Some(Trouble::CredentialRefused { reason });
    let wrong = way_to(&world.simulator, secret("wrong")).graph(world.tenant.id);
    assert_eq!(wrong.organization().await.err(), refused(Refusal::Wrong));

    world.simulator.add_application(ApplicationSpec {
        secret_expired: true,
        ..application(world.tenant.id)
    });
    let expired = way_to(&world.simulator, secret("right")).graph(world.tenant.id);
    assert_eq!(expired.organization().await.err(), refused(Refusal::Expired));
}

#[tokio::test]
async fn a_certificate_serves_instead_of_a_secret() {
    let world = World::start(2).await;
    let certificate = |name: &str| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new([name.to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (registered, key) = certificate("tenantry.example");
    world.simulator.add_application(ApplicationSpec {
        client_secret: None,
        certificate_pem: Some(registered.clone()),
        ..application(world.tenant.id)
    });
    let with = |pem: String| way_to(&world.simulator, Credential::Certificate(Secret::new(pem))).graph(world.tenant.id);
    assert!(with(format!("{key}{registered}")).organization().await.is_ok());
    assert!(
        with(format!("{registered}{key}")).organization().await.is_ok(),
        "in either order"
    );

    let (stranger, strangers_key) = certificate("tenantry.example");
    let refused = Some(Trouble::CredentialRefused {
        reason: Refusal::Certificate,
    });
    assert_eq!(
        with(format!("{stranger}{strangers_key}")).organization().await.err(),
        refused
    );
    assert_eq!(
        with(format!("{registered}{strangers_key}")).organization().await.err(),
        refused
    );
}
