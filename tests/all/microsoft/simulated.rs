//! Whole directories and rounds of changes, read from the simulated Microsoft 365, which agrees with Microsoft's contract
//! and not with us.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry::microsoft::wire::{Field, MemberKind};
use tenantry::microsoft::{DeltaFrom, DeltaLink};
use uuid::Uuid;

use super::world::{PERMISSIONS, World, all, id, text};

#[tokio::test]
async fn everybody_is_read_as_they_are() {
    let world = World::start(2_500).await;
    let (people, _) = all(world.graph.users()).await.unwrap();
    let read: BTreeMap<_, _> = people
        .iter()
        .map(|user| {
            let texts = [
                &user.display_name,
                &user.mail,
                &user.user_principal_name,
                &user.department,
                &user.job_title,
            ];
            let texts = texts.map(|text| text.as_deref().map(str::to_owned));
            (
                user.id,
                (
                    texts,
                    user.account_enabled,
                    user.user_type.as_deref().map(str::to_owned),
                ),
            )
        })
        .collect();
    let names = ["displayName", "mail", "userPrincipalName", "department", "jobTitle"];
    let truth: BTreeMap<_, _> = world
        .truth("people")
        .await
        .iter()
        .map(|user| {
            (
                id(user),
                (
                    names.map(|name| text(user, name)),
                    user["accountEnabled"].as_bool(),
                    text(user, "userType"),
                ),
            )
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
        assert!(
            piece
                .members
                .iter()
                .all(|member| !member.removed && member.kind != MemberKind::Other)
        );
        read.entry(piece.id)
            .or_default()
            .extend(piece.members.iter().map(|member| member.id));
    }
    let members = |group: &Value| {
        group["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().parse().unwrap())
            .collect()
    };
    let truth: BTreeMap<Uuid, BTreeSet<Uuid>> = world
        .truth("groups")
        .await
        .iter()
        .map(|group| (id(group), members(group)))
        .collect();
    assert!(!truth.is_empty());
    assert_eq!(read, truth);
}

#[tokio::test]
async fn devices_come_with_their_people() {
    let world = World::start(300).await;
    let (devices, _) = all(world.graph.managed_devices()).await.unwrap();
    let read: BTreeMap<_, _> = devices
        .iter()
        .map(|device| {
            (
                device.id,
                (device.serial_number.as_deref().map(str::to_owned), device.user_id),
            )
        })
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
    let hired = id(&world
        .control("POST", "people", json!({"displayName": "Nestor Wilke"}))
        .await);
    world
        .control(
            "PATCH",
            &format!("people/{renamed}"),
            json!({"displayName": "New Name", "jobTitle": null}),
        )
        .await;
    world.control("DELETE", &format!("people/{left}"), Value::Null).await;

    let stored = DeltaLink::stored(link.unwrap().as_str().to_owned());
    let (changes, link) = all(world.graph.users_delta(DeltaFrom::Link(stored))).await.unwrap();
    let by_id: BTreeMap<_, _> = changes.iter().map(|change| (change.id, change)).collect();
    assert_eq!(
        by_id.keys().copied().collect::<BTreeSet<_>>(),
        BTreeSet::from([hired, renamed, left])
    );
    assert_eq!(by_id[&hired].display_name, Field::Value("Nestor Wilke".into()));
    assert_eq!(by_id[&renamed].display_name, Field::Value("New Name".into()));
    assert_eq!(by_id[&renamed].job_title, Field::Null);
    assert_eq!(
        by_id[&left].removed.as_ref().map(|removed| &*removed.reason),
        Some("changed")
    );

    let (nothing, _) = all(world.graph.users_delta(DeltaFrom::Link(link.unwrap())))
        .await
        .unwrap();
    assert!(nothing.is_empty());
}

#[tokio::test]
async fn a_member_who_leaves_a_group_is_told() {
    let world = World::start(60).await;
    let (_, link) = all(world.graph.groups_delta(DeltaFrom::Beginning)).await.unwrap();
    let person = id(&world.truth("people").await[3]);
    let group = id(&world.control("POST", "groups", json!({"displayName": "Pilots"})).await);
    world
        .control("PUT", &format!("groups/{group}/members/{person}"), Value::Null)
        .await;
    let (came, link) = all(world.graph.groups_delta(DeltaFrom::Link(link.unwrap())))
        .await
        .unwrap();
    let members: Vec<_> = came
        .iter()
        .filter(|change| change.id == group)
        .flat_map(|change| &change.members)
        .collect();
    assert!(
        members
            .iter()
            .any(|member| member.id == person && !member.removed && member.kind == MemberKind::User)
    );

    world
        .control("DELETE", &format!("groups/{group}/members/{person}"), Value::Null)
        .await;
    let (left, _) = all(world.graph.groups_delta(DeltaFrom::Link(link.unwrap())))
        .await
        .unwrap();
    let members: Vec<_> = left
        .iter()
        .filter(|change| change.id == group)
        .flat_map(|change| &change.members)
        .collect();
    assert!(members.iter().any(|member| member.id == person && member.removed));
}

#[tokio::test]
async fn people_are_found_by_id_and_strangers_are_not() {
    let world = World::start(50).await;
    let known: Vec<_> = world.truth("people").await.iter().map(id).collect();
    let mut asked = known.clone();
    asked.insert(7, Uuid::new_v4());
    let found: Vec<_> = world
        .graph
        .users_by_id(&asked)
        .await
        .unwrap()
        .iter()
        .map(|user| user.id)
        .collect();
    assert_eq!((found, world.graph.requests()), (known, 3));
}

#[tokio::test]
async fn the_tenant_its_products_and_its_administrators_are_read() {
    let world = World::start(40).await;
    let organization = world.graph.organization().await.unwrap();
    assert_eq!(
        (organization.id, organization.display_name.as_deref()),
        (world.tenant.id, Some("Contoso"))
    );
    assert!(
        organization
            .verified_domains
            .iter()
            .any(|domain| &*domain.name == "contoso.example")
    );
    assert!(!world.graph.subscribed_skus().await.unwrap().is_empty());

    let administrator = world.tenant.administrators[0];
    let global_administrator: Uuid = "62e90394-69f5-4237-9190-012177145e10".parse().unwrap();
    assert_eq!(
        world.graph.directory_roles_of(administrator).await.unwrap(),
        [global_administrator]
    );
    let member = world
        .truth("people")
        .await
        .iter()
        .map(id)
        .find(|id| !world.tenant.administrators.contains(id))
        .unwrap();
    assert_eq!(world.graph.directory_roles_of(member).await.unwrap(), [] as [Uuid; 0]);

    let granted: BTreeSet<_> = world.graph.granted_permissions().await.unwrap().into_iter().collect();
    assert_eq!(granted, PERMISSIONS.map(str::to_owned).into());
}
