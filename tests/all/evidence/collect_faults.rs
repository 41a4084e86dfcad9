//! A tenant that does not give everything: each resource ends as it did, and none hinders another.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry::evidence::snapshot::{Outcome, Resource, Snapshot};

use super::collect::{excluding, ids, members_of, read, short};
use crate::support::world::{CLIENT_ID, Client, PERMISSIONS, World};

fn code(snapshot: &Snapshot, resource: Resource) -> Option<&str> {
    snapshot.pulls[&resource].refusal.as_ref()?.code.as_deref()
}

fn message(snapshot: &Snapshot, resource: Resource) -> &str {
    let refusal = snapshot.pulls[&resource].refusal.as_ref();
    &refusal.expect("it says why").message
}

/// How often a path was asked for.
async fn asked(world: &World, client: Client, path: &str) -> usize {
    let asked = world.get(&format!("requests?tenant={}", client.tenant_id)).await;
    let asked = asked["value"].as_array().unwrap();
    asked.iter().filter(|request| request["path"] == path).count()
}

/// Which resources ended so, and that the others are whole. Members are left out where it is not known whose.
fn ended(snapshot: &Snapshot, outcome: Outcome) -> Vec<Resource> {
    let mut short = short(snapshot);
    let unknown = |resource| message(snapshot, resource).starts_with("What refers to groups was not read whole");
    short.retain(|(resource, _)| *resource != Resource::GroupMembers || !unknown(*resource));
    assert!(short.iter().all(|(_, ended)| *ended == outcome), "{short:?}");
    short.into_iter().map(|(resource, _)| resource).collect()
}

#[tokio::test]
async fn without_a_premium_licence_the_rest_is_read_and_the_gap_is_asked_for_once() {
    let world = World::start().await;
    let client = world
        .connected(json!({"seed": 7, "people": 20, "devices": 3, "premium": false}))
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(
        ended(&snapshot, Outcome::LicenceMissing),
        [Resource::Registration, Resource::UsersSignin]
    );
    let no_premium = Some("Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    assert_eq!(code(&snapshot, Resource::Registration), no_premium);
    assert_eq!(code(&snapshot, Resource::UsersSignin), no_premium);
    let path = "/v1.0/reports/authenticationMethods/userRegistrationDetails";
    assert_eq!(asked(&world, client, path).await, 1, "and not again");
}

#[tokio::test]
async fn without_intune_the_rest_is_read_and_the_gap_is_asked_for_once() {
    let world = World::start().await;
    let client = world
        .connected(json!({"seed": 7, "people": 20, "devices": 0, "intune": false}))
        .await;

    let snapshot = read(&world, client).await;

    let intune = [
        Resource::ManagedDevices,
        Resource::DeviceOverview,
        Resource::DeviceMgmt,
        Resource::CompliancePolicies,
        Resource::ComplianceSummary,
    ];
    assert_eq!(ended(&snapshot, Outcome::LicenceMissing), intune);
    for resource in intune {
        assert!(message(&snapshot, resource).contains("Intune is not part of its subscriptions"));
    }
    assert_eq!(asked(&world, client, "/v1.0/deviceManagement/managedDevices").await, 1);
}

#[tokio::test]
async fn each_missing_permission_is_named_and_takes_with_it_what_needs_it_alone() {
    let world = World::start().await;
    let mut lost = BTreeSet::new();
    for missing in PERMISSIONS {
        let client = world.connected_company(5, 1).await;
        let rest: Vec<&&str> = PERMISSIONS.iter().filter(|permission| *permission != missing).collect();
        world
            .request(
                "PUT",
                &format!("tenants/{}/consents/{CLIENT_ID}", client.tenant_id),
                Some(json!({"permissions": rest})),
            )
            .await;

        let snapshot = read(&world, client).await;

        let gone = ended(&snapshot, Outcome::PermissionMissing);
        for resource in &gone {
            assert!(
                message(&snapshot, *resource).contains(missing),
                "{}",
                message(&snapshot, *resource)
            );
            assert!(snapshot.pulls[resource].permission.contains(missing), "{resource}");
        }
        assert!(!snapshot.granted_roles.iter().any(|granted| granted == missing));
        lost.extend(gone);
    }
    assert!(
        lost.len() >= Resource::ALL.len() - 2,
        "nearly everything needs one permission of its own: {lost:?}"
    );
}

#[tokio::test]
async fn a_permission_that_is_withdrawn_on_the_way_leaves_what_came_before_and_says_so() {
    let world = World::start().await;
    let client = world.connected_company(1_100, 2).await;
    world
        .fault(client, json!({"on": "users", "kind": "missing_permission", "skip": 1}))
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(
        ended(&snapshot, Outcome::PermissionMissing),
        [Resource::Users, Resource::UsersSignin]
    );
    let users = &snapshot.pulls[&Resource::Users];
    assert_eq!(
        (users.pages, users.objects.len(), users.last_page_reached),
        (1, 999, false)
    );
    assert_eq!(users.witness, None, "half a list is not held against a count");
}

#[tokio::test]
async fn a_page_that_is_lost_makes_a_reading_partial() {
    let world = World::start().await;
    let client = world.connected_company(1_100, 2).await;
    world
        .fault(
            client,
            json!({"on": "users", "kind": "status", "status": 503, "skip": 1, "times": 2}),
        )
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(ended(&snapshot, Outcome::Partial), [Resource::Users]);
    let users = &snapshot.pulls[&Resource::Users];
    assert_eq!((users.pages, users.last_page_reached), (1, false));
    assert_eq!(code(&snapshot, Resource::Users), Some("ServiceUnavailable"));
    assert_eq!(
        users.request_ids.len(),
        3,
        "the refused ones can be found at Microsoft too"
    );
}

#[tokio::test]
async fn a_storm_of_refusals_is_sat_out_for_so_long_and_no_longer() {
    let world = World::start().await;
    let client = world.connected_company(20, 2).await;
    let storm = world
        .fault(client, json!({"on": "identity/conditionalAccess", "kind": "throttle"}))
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(
        ended(&snapshot, Outcome::Throttled),
        [Resource::CaPolicies, Resource::NamedLocations]
    );
    let members = &snapshot.pulls[&Resource::GroupMembers];
    assert_eq!(members.outcome, Outcome::Partial, "policies may refer to more groups");
    let hits = world.get(&format!("tenants/{}/faults/{storm}", client.tenant_id)).await;
    assert_eq!(hits["hits"], 4, "two tries each");
}

#[tokio::test]
async fn whatever_else_is_wrong_with_an_answer_is_an_error_of_that_reading_alone() {
    let world = World::start().await;
    for kind in [
        "html",
        "malformed",
        "truncate",
        "cut",
        "loop",
        "foreign_link",
        "gone",
        "unauthorized",
    ] {
        let client = world.connected_company(5, 3).await;
        let times = if kind == "unauthorized" { json!(1) } else { Value::Null };
        let fault = json!({"on": "deviceManagement/managedDevices", "kind": kind, "times": times});
        world.fault(client, fault).await;

        let snapshot = read(&world, client).await;

        let expected: &[Resource] = if kind == "unauthorized" {
            &[]
        } else {
            &[Resource::ManagedDevices]
        };
        let short: Vec<Resource> = short(&snapshot).into_iter().map(|(resource, _)| resource).collect();
        assert_eq!(short, expected, "{kind}");
        if let Some(devices) = snapshot
            .pulls
            .get(&Resource::ManagedDevices)
            .filter(|_| kind != "unauthorized")
        {
            assert!(!devices.is_complete() && devices.witness.is_none(), "{kind}");
            assert!(devices.refusal.is_some(), "{kind}");
        }
    }
}

#[tokio::test]
async fn what_comes_twice_counts_once() {
    let world = World::start().await;
    let client = world.connected_company(12, 2).await;
    world.fault(client, json!({"on": "users", "kind": "duplicate"})).await;

    let snapshot = read(&world, client).await;

    assert_eq!(short(&snapshot), []);
    assert_eq!(snapshot.pulls[&Resource::Users].objects.len(), 12);
}

#[tokio::test]
async fn a_group_that_is_gone_is_told_apart_from_one_that_has_nobody() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let empty = world.group(client, "Nobody is in it", &[]).await;
    let deleted = world.group(client, "Deleted", &[]).await;
    world
        .post(
            &format!("tenants/{}/policies", client.tenant_id),
            excluding(&[&empty, &deleted]),
        )
        .await;
    world
        .delete(&format!("tenants/{}/groups/{deleted}?permanent=true", client.tenant_id))
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(short(&snapshot), []);
    assert_eq!(members_of(&snapshot, &empty), &json!({"id": empty, "members": []}));
    assert_eq!(
        members_of(&snapshot, &deleted),
        &json!({"id": deleted, "missing": true})
    );
}

#[tokio::test]
async fn a_group_that_could_not_be_read_is_not_taken_for_empty() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let person = world.get(&format!("tenants/{}/people", client.tenant_id)).await["value"][3]["id"].clone();
    let (one, other) = (
        world.group(client, "One", &[person.as_str().unwrap()]).await,
        world.group(client, "Other", &[]).await,
    );
    world
        .post(
            &format!("tenants/{}/policies", client.tenant_id),
            excluding(&[&one, &other]),
        )
        .await;
    world
        .fault(
            client,
            json!({"on": format!("groups/{one}/members"), "kind": "status", "status": 500}),
        )
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(ended(&snapshot, Outcome::Error), [Resource::GroupMembers]);
    let read = &snapshot.pulls[&Resource::GroupMembers];
    assert!(read.objects.iter().any(|group| group.id == other));
    assert!(!read.objects.iter().any(|group| group.id == one));
}

#[tokio::test]
async fn a_group_whose_members_are_hidden_is_not_taken_for_empty() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let groups = format!("tenants/{}/groups", client.tenant_id);
    let group = json!({"displayName": "Hidden", "visibility": "HiddenMembership"});
    let made = world.post(&groups, group).await;
    let hidden = made["id"].as_str().unwrap();
    world
        .post(&format!("tenants/{}/policies", client.tenant_id), excluding(&[hidden]))
        .await;

    let snapshot = read(&world, client).await;

    assert_eq!(ended(&snapshot, Outcome::PermissionMissing), [Resource::GroupMembers]);
    assert!(message(&snapshot, Resource::GroupMembers).contains("Member.Read.Hidden"));
    let path = format!("/v1.0/groups/{hidden}/members");
    assert_eq!(asked(&world, client, &path).await, 0, "nobody would be an answer");
}

#[tokio::test]
async fn a_group_of_which_nobody_says_whether_it_is_hidden_is_not_taken_for_empty() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let groups = format!("tenants/{}/groups", client.tenant_id);
    let group = json!({"displayName": "Hidden", "visibility": "HiddenMembership"});
    let made = world.post(&groups, group).await;
    let hidden = made["id"].as_str().unwrap();
    world
        .post(&format!("tenants/{}/policies", client.tenant_id), excluding(&[hidden]))
        .await;
    let once = json!({"on": "groups", "kind": "status", "status": 400, "times": 1});
    world.fault(client, once).await;

    let snapshot = read(&world, client).await;

    assert_eq!(
        short(&snapshot),
        [
            (Resource::Groups, Outcome::Error),
            (Resource::GroupMembers, Outcome::Partial)
        ]
    );
    assert!(message(&snapshot, Resource::GroupMembers).contains("hides its members"));
}

#[tokio::test]
async fn policies_that_move_while_the_rest_is_read_are_read_again_with_what_they_refer_to() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let (before, after) = (
        world.group(client, "Before", &[]).await,
        world.group(client, "After", &[]).await,
    );
    let policies = format!("tenants/{}/policies", client.tenant_id);
    world.post(&policies, excluding(&[&before])).await;
    let hold = json!({"on": format!("groups/{before}/members"), "kind": "hold"});
    let hold = world.fault(client, hold).await;

    let meanwhile = async {
        world
            .get(&format!("tenants/{}/faults/{hold}?hits=1", client.tenant_id))
            .await;
        let made = world.post(&policies, excluding(&[&after])).await;
        world.mend(client).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let (snapshot, made) = tokio::join!(read(&world, client), meanwhile);

    assert_eq!(short(&snapshot), []);
    assert!(ids(&snapshot, Resource::CaPolicies).contains(made.as_str()));
    let read = ids(&snapshot, Resource::GroupMembers);
    assert!(read.contains(before.as_str()) && read.contains(after.as_str()));
}

#[tokio::test]
async fn policies_that_never_stand_still_are_not_whole() {
    let world = World::start().await;
    let client = world.connected_company(10, 0).await;
    let policies = format!("tenants/{}/policies", client.tenant_id);
    let made = world.post(&policies, excluding(&[])).await;
    let policy = format!("{policies}/{}", made["id"].as_str().unwrap());
    let mut groups = Vec::new();
    for name in ["First", "Second", "Third", "Fourth"] {
        groups.push(world.group(client, name, &[]).await);
    }
    world.request("PUT", &policy, Some(excluding(&[&groups[0]]))).await;
    let faults = format!("tenants/{}/faults", client.tenant_id);
    let hold = async |group: &str| {
        let hold = json!({"on": format!("groups/{group}/members"), "kind": "hold"});
        world.fault(client, hold).await
    };
    let mut held = hold(&groups[0]).await;

    let meanwhile = async {
        for next in &groups[1..] {
            world.get(&format!("{faults}/{held}?hits=1")).await;
            world.request("PUT", &policy, Some(excluding(&[next]))).await;
            let waits = hold(next).await;
            world.delete(&format!("{faults}/{held}")).await;
            held = waits;
        }
    };
    let (snapshot, ()) = tokio::join!(read(&world, client), meanwhile);

    let ends = short(&snapshot);
    assert_eq!(
        ends,
        [
            (Resource::CaPolicies, Outcome::Partial),
            (Resource::GroupMembers, Outcome::Partial)
        ],
        "and so it is not known whose members count"
    );
    assert!(message(&snapshot, Resource::CaPolicies).contains("changed again and again"));
}
