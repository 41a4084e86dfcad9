//! The same against the simulated Microsoft 365, which agrees with Microsoft's contract and not with us: whole directories,
//! rounds of changes, and the trouble that it makes on order.

use std::collections::{BTreeMap, BTreeSet};

use m365_simulator::{ApplicationSpec, TenantSpec};
use serde_json::{Value, json};
use tenantry::microsoft::wire::{Field, MemberKind};
use tenantry::microsoft::{Credential, DeltaFrom, DeltaLink, Refusal, Secret, Trouble};
use uuid::Uuid;

use super::world::{CLIENT, PERMISSIONS, World, all, application, id, secret, text, way_to};

#[tokio::test]
async fn everybody_is_read_as_they_are() {
    let world = World::start(2_500).await;
    let (people, _) = all(world.graph.users()).await.unwrap();
    let read: BTreeMap<_, _> = people
        .iter()
        .map(|user| {
            let texts = [&user.display_name, &user.mail, &user.user_principal_name, &user.department, &user.job_title];
            let texts = texts.map(|text| text.as_deref().map(str::to_owned));
            (user.id, (texts, user.account_enabled, user.user_type.as_deref().map(str::to_owned)))
        })
        .collect();
    let names = ["displayName", "mail", "userPrincipalName", "department", "jobTitle"];
    let truth: BTreeMap<_, _> = world
        .truth("people")
        .await
        .iter()
        .map(|user| {
            (id(user), (names.map(|name| text(user, name)), user["accountEnabled"].as_bool(), text(user, "userType")))
        })
        .collect();
    assert_eq!(people.len(), 2_500);
    assert_eq!(read, truth);
    assert_eq!(world.graph.requests(), 3, "at the largest page size");
}

#[tokio::test]
async fn groups_come_with_their_members() {
    let world = World::start(400).await;
    let (pieces, link) = all(world.graph.groups_delta(DeltaFrom::Beginning)).await.unwrap();
    assert!(link.is_some());
    let mut read: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for piece in &pieces {
        assert!(piece.members.iter().all(|member| !member.removed && member.kind != MemberKind::Other));
        read.entry(piece.id).or_default().extend(piece.members.iter().map(|member| member.id));
    }
    let members = |group: &Value| {
        group["members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect()
    };
    let truth: BTreeMap<Uuid, BTreeSet<Uuid>> =
        world.truth("groups").await.iter().map(|group| (id(group), members(group))).collect();
    assert!(!truth.is_empty());
    assert_eq!(read, truth);
}

#[tokio::test]
async fn devices_come_with_their_people() {
    let world = World::start(300).await;
    let (devices, _) = all(world.graph.managed_devices()).await.unwrap();
    let read: BTreeMap<_, _> = devices
        .iter()
        .map(|device| (device.id, (device.serial_number.as_deref().map(str::to_owned), device.user_id)))
        .collect();
    let user = |device: &Value| device["userId"].as_str().and_then(|user| user.parse().ok());
    let truth: BTreeMap<Uuid, (Option<String>, Option<Uuid>)> = world
        .truth("devices")
        .await
        .iter()
        .map(|device| (id(device), (text(device, "serialNumber"), user(device))))
        .collect();
    assert!(!truth.is_empty());
    assert_eq!(read, truth);
}

#[tokio::test]
async fn a_round_of_changes_tells_who_came_changed_and_left() {
    let world = World::start(60).await;
    let (nobody, link) = all(world.graph.users_delta(DeltaFrom::Now)).await.unwrap();
    assert!(nobody.is_empty());

    let people = world.truth("people").await;
    let (renamed, left) = (id(&people[10]), id(&people[11]));
    let hired = id(&world.control("POST", "people", json!({"displayName": "Nestor Wilke"})).await);
    world.control("PATCH", &format!("people/{renamed}"), json!({"displayName": "New Name", "jobTitle": null})).await;
    world.control("DELETE", &format!("people/{left}"), Value::Null).await;

    let stored = DeltaLink::stored(link.unwrap().as_str().to_owned());
    let (changes, link) = all(world.graph.users_delta(DeltaFrom::Link(stored))).await.unwrap();
    let by_id: BTreeMap<_, _> = changes.iter().map(|change| (change.id, change)).collect();
    assert_eq!(by_id.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([hired, renamed, left]));
    assert_eq!(by_id[&hired].display_name, Field::Value("Nestor Wilke".into()));
    assert_eq!(by_id[&renamed].display_name, Field::Value("New Name".into()));
    assert_eq!(by_id[&renamed].job_title, Field::Null);
    assert_eq!(by_id[&left].removed.as_ref().map(|removed| &*removed.reason), Some("changed"));

    let (nothing, _) = all(world.graph.users_delta(DeltaFrom::Link(link.unwrap()))).await.unwrap();
    assert!(nothing.is_empty());
}

#[tokio::test]
async fn a_member_who_leaves_a_group_is_told() {
    let world = World::start(60).await;
    let (_, link) = all(world.graph.groups_delta(DeltaFrom::Beginning)).await.unwrap();
    let person = id(&world.truth("people").await[3]);
    let group = id(&world.control("POST", "groups", json!({"displayName": "Pilots"})).await);
    world.control("PUT", &format!("groups/{group}/members/{person}"), Value::Null).await;
    let (came, link) = all(world.graph.groups_delta(DeltaFrom::Link(link.unwrap()))).await.unwrap();
    let members: Vec<_> = came.iter().filter(|change| change.id == group).flat_map(|change| &change.members).collect();
    assert!(members.iter().any(|member| member.id == person && !member.removed && member.kind == MemberKind::User));

    world.control("DELETE", &format!("groups/{group}/members/{person}"), Value::Null).await;
    let (left, _) = all(world.graph.groups_delta(DeltaFrom::Link(link.unwrap()))).await.unwrap();
    let members: Vec<_> = left.iter().filter(|change| change.id == group).flat_map(|change| &change.members).collect();
    assert!(members.iter().any(|member| member.id == person && member.removed));
}

#[tokio::test]
async fn people_are_found_by_id_and_strangers_are_not() {
    let world = World::start(50).await;
    let known: Vec<_> = world.truth("people").await.iter().map(id).collect();
    let mut asked = known.clone();
    asked.insert(7, Uuid::new_v4());
    let found: Vec<_> = world.graph.users_by_id(&asked).await.unwrap().iter().map(|user| user.id).collect();
    assert_eq!((found, world.graph.requests()), (known, 3));
}

#[tokio::test]
async fn the_tenant_its_products_and_its_administrators_are_read() {
    let world = World::start(40).await;
    let organization = world.graph.organization().await.unwrap();
    assert_eq!((organization.id, organization.display_name.as_deref()), (world.tenant.id, Some("Contoso")));
    assert!(organization.verified_domains.iter().any(|domain| &*domain.name == "contoso.example"));
    assert!(!world.graph.subscribed_skus().await.unwrap().is_empty());

    let administrator = world.tenant.administrators[0];
    let global_administrator: Uuid = "62e90394-69f5-4237-9190-012177145e10".parse().unwrap();
    assert_eq!(world.graph.directory_roles_of(administrator).await.unwrap(), [global_administrator]);
    let member =
        world.truth("people").await.iter().map(id).find(|id| !world.tenant.administrators.contains(id)).unwrap();
    assert_eq!(world.graph.directory_roles_of(member).await.unwrap(), [] as [Uuid; 0]);

    let granted: BTreeSet<_> = world.graph.granted_permissions().await.unwrap().into_iter().collect();
    assert_eq!(granted, PERMISSIONS.map(str::to_owned).into());
}

#[tokio::test]
async fn a_tenant_without_intune_has_people_and_no_devices() {
    let spec = TenantSpec { people: 20, intune: false, ..TenantSpec::named("Fabrikam", "fabrikam.example") };
    let world = World::with(spec).await;
    assert_eq!(all(world.graph.users()).await.unwrap().0.len(), 20);
    let trouble = all(world.graph.managed_devices()).await.err().unwrap();
    assert!(matches!(trouble, Trouble::NotAvailable { what: "Intune devices", .. }), "{trouble:?}");
}

#[tokio::test]
async fn each_trouble_on_order_is_the_trouble_it_is() {
    let permission = "User.Read.All";
    let orders = [
        (json!({"kind": "throttle", "retryAfter": 77}), "THROTTLED"),
        (json!({"kind": "throttle", "retryAfter": null}), "THROTTLED"),
        (json!({"kind": "status", "status": 503, "code": "ServiceUnavailable"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "status", "status": 409, "code": "Directory_ConcurrencyViolation"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "cut"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "truncate"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "malformed"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "html"}), "MICROSOFT_UNAVAILABLE"),
        (json!({"kind": "gone"}), "START_OVER"),
        (json!({"kind": "loop"}), "PAGING_LOOP"),
        (json!({"kind": "foreign_link", "link": "http://127.0.0.1:9/v1.0/users?$skiptoken=x"}), "UNTRUSTED_LINK"),
        (json!({"kind": "missing_permission", "permission": permission}), "PERMISSION_MISSING"),
        (json!({"kind": "unauthorized"}), "TOKEN_REFUSED"),
    ];
    let world = World::start(20).await;
    for (mut order, code) in orders {
        order["on"] = "users".into();
        world.fault(order.clone()).await;
        let trouble = all(world.graph.users()).await.err().unwrap_or_else(|| panic!("{order} did nothing"));
        assert_eq!(trouble.code(), code, "{order}: {trouble:?}");
        world.control("DELETE", "faults", Value::Null).await;
        assert_eq!(all(world.graph.users()).await.unwrap().0.len(), 20, "and after {order} all is well");
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
        let (people, _) = all(world.graph.users()).await.unwrap_or_else(|trouble| panic!("{order}: {trouble}"));
        assert_eq!(people.len(), 20, "{order}");
        world.control("DELETE", "faults", Value::Null).await;
    }
}

#[tokio::test]
async fn an_expired_link_means_to_start_over() {
    let world = World::start(20).await;
    let (_, link) = all(world.graph.users_delta(DeltaFrom::Now)).await.unwrap();
    let link = link.unwrap();
    world.fault(json!({"on": "users/delta", "kind": "expired_delta", "times": 1})).await;
    let trouble = all(world.graph.users_delta(DeltaFrom::Link(link.clone()))).await.err();
    assert_eq!(trouble, Some(Trouble::StartOver));
    assert!(all(world.graph.users_delta(DeltaFrom::Link(link.clone()))).await.is_ok());

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
    world.http.post(expire).send().await.unwrap().error_for_status().unwrap();
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
    world.control("PUT", &consent, json!({"permissions": ["Organization.Read.All"]})).await;
    let missing = Trouble::PermissionMissing { permission: "GroupMember.Read.All" };
    assert_eq!(all(way().graph(world.tenant.id).groups_delta(DeltaFrom::Now)).await.err(), Some(missing));
    assert!(way().graph(world.tenant.id).organization().await.is_ok());

    world.control("DELETE", &consent, Value::Null).await;
    assert_eq!(way().graph(world.tenant.id).organization().await.err(), Some(Trouble::ConsentMissing));
    assert_eq!(way().graph(Uuid::new_v4()).organization().await.err(), Some(Trouble::TenantUnknown));
}

#[tokio::test]
async fn our_own_credential_is_told_from_the_tenants_consent() {
    let world = World::start(2).await;
    let refused = |reason| Some(Trouble::CredentialRefused { reason });
    let wrong = way_to(&world.simulator, secret("wrong")).graph(world.tenant.id);
    assert_eq!(wrong.organization().await.err(), refused(Refusal::Wrong));

    world.simulator.add_application(ApplicationSpec { secret_expired: true, ..application(world.tenant.id) });
    let expired = way_to(&world.simulator, secret("right")).graph(world.tenant.id);
    assert_eq!(expired.organization().await.err(), refused(Refusal::Expired));
}

#[tokio::test]
async fn a_certificate_serves_instead_of_a_secret() {
    let world = World::start(2).await;
    let certificate = |name: &str| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
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
    assert!(with(format!("{registered}{key}")).organization().await.is_ok(), "in either order");

    let (stranger, strangers_key) = certificate("tenantry.example");
    let refused = Some(Trouble::CredentialRefused { reason: Refusal::Certificate });
    assert_eq!(with(format!("{stranger}{strangers_key}")).organization().await.err(), refused);
    assert_eq!(with(format!("{registered}{strangers_key}")).organization().await.err(), refused);
}
