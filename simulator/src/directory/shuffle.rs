//! Random changes of all sorts, the same for the same seed and the same directory.

use rand::seq::IteratorRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Directory, Kind, Object, names};

/// One change that was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    pub kind: &'static str,
    pub object: Kind,
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<Uuid>,
}

/// Tries for each change: an empty directory admits few.
const TRIES: usize = 50;

pub fn shuffle(directory: &mut Directory, count: usize, seed: u64) -> Vec<Made> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .filter_map(|_| (0..TRIES).find_map(|_| one(directory, &mut random)))
        .collect()
}

/// Makes one change, unless the dice name something that is not there.
fn one(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    let dice = random.random_range(0..100);
    match dice {
        0..10 => hire(directory, random),
        10..55 => person(directory, random),
        55..60 => restore(directory, random),
        60..68 => group(directory, random),
        68..84 => membership(directory, random),
        _ => device(directory, random),
    }
}

fn any_live(directory: &Directory, kind: Kind, random: &mut ChaCha8Rng) -> Option<(u32, Uuid)> {
    let end = directory.end(kind);
    if end == 0 {
        return None;
    }
    // The two people that one signs in as stay as they are.
    let first = if kind == Kind::Person { 2.min(end - 1) } else { 0 };
    let index = random.random_range(first..end);
    directory
        .is_live(kind, index)
        .then(|| (index, directory.id(kind, index)))
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => unreachable!("only called with JSON objects"),
    }
}

fn made(kind: &'static str, object: Kind, id: Uuid) -> Option<Made> {
    Some(Made {
        kind,
        object,
        id,
        member: None,
    })
}

fn id(random: &mut ChaCha8Rng) -> Uuid {
    uuid::Builder::from_random_bytes(random.random()).into_uuid()
}

fn full_name(random: &mut ChaCha8Rng) -> Option<(&'static str, &'static str)> {
    let locale = names::LOCALES.iter().choose(random)?;
    Some((
        locale.given.iter().choose(random)?.native,
        locale.surnames.iter().choose(random)?.native,
    ))
}

fn hire(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    let (given, surname) = full_name(random)?;
    let id = id(random);
    let (department, titles) = names::DEPARTMENTS.iter().choose(random)?;
    let hired = object(json!({
        "id": id, "displayName": format!("{given} {surname}"), "givenName": given, "surname": surname,
        "department": department, "jobTitle": titles.iter().choose(random)?,
    }));
    directory.create(Kind::Person, hired).ok()?;
    made("hire", Kind::Person, id)
}

fn person(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    let (index, id) = any_live(directory, Kind::Person, random)?;
    let before = directory.object(Kind::Person, index);
    let (kind, patch) = match random.random_range(0..9) {
        0 | 1 => {
            let (given, surname) = full_name(random)?;
            (
                "rename",
                json!({"displayName": format!("{given} {surname}"), "givenName": given, "surname": surname}),
            )
        }
        2 => (
            "move",
            json!({"department": names::DEPARTMENTS.iter().choose(random)?.0, "officeLocation": names::OFFICES.iter().choose(random)?}),
        ),
        3 => {
            let (_, titles) = names::DEPARTMENTS.iter().choose(random)?;
            ("promote", json!({"jobTitle": titles.iter().choose(random)?}))
        }
        4 => (
            "telephone",
            json!({"mobilePhone": format!("+1 206 555 {:04}", random.random_range(0..10_000)), "businessPhones": []}),
        ),
        5 => ("clear", json!({"jobTitle": null, "mobilePhone": null})),
        6 => {
            let enabled = before.get("accountEnabled") == Some(&Value::Bool(true));
            (
                if enabled { "disable" } else { "enable" },
                json!({"accountEnabled": !enabled}),
            )
        }
        7 => {
            directory.delete(Kind::Person, id, false).ok()?;
            return made("leave", Kind::Person, id);
        }
        _ => {
            directory.delete(Kind::Person, id, true).ok()?;
            return made("purge", Kind::Person, id);
        }
    };
    let patch = object(patch);
    if patch
        .iter()
        .all(|(name, value)| before.get(name).unwrap_or(&Value::Null) == value)
    {
        return None;
    }
    directory.update(Kind::Person, id, patch).ok()?;
    made(kind, Kind::Person, id)
}

fn restore(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    let index = (0..directory.end(Kind::Person))
        .filter(|index| directory.life(Kind::Person, *index) == super::Life::Deleted)
        .choose(random)?;
    let id = directory.id(Kind::Person, index);
    directory.restore(Kind::Person, id).ok()?;
    made("restore", Kind::Person, id)
}

fn group(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    let topic = names::TOPICS.iter().choose(random)?;
    let name = format!("{topic} {}", random.random_range(1000..10_000));
    if random.random_range(0..3) == 0 {
        let id = id(random);
        directory
            .create(Kind::Group, object(json!({"id": id, "displayName": name})))
            .ok()?;
        return made("createGroup", Kind::Group, id);
    }
    let (_, id) = any_live(directory, Kind::Group, random)?;
    if random.random_range(0..3) == 0 {
        directory.delete(Kind::Group, id, false).ok()?;
        return made("deleteGroup", Kind::Group, id);
    }
    directory
        .update(Kind::Group, id, object(json!({"displayName": name})))
        .ok()?;
    made("renameGroup", Kind::Group, id)
}

fn membership(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    let (index, id) = any_live(directory, Kind::Group, random)?;
    if random.random() {
        let kind = if random.random_range(0..8) == 0 {
            Kind::Group
        } else {
            Kind::Person
        };
        let (_, member) = any_live(directory, kind, random)?;
        directory.join(id, member).ok().filter(|changed| *changed)?;
        return Some(Made {
            member: Some(member),
            ..made("join", Kind::Group, id)?
        });
    }
    let member = directory.live_members(index).map(|(_, member)| member).choose(random)?;
    directory.leave(id, member).ok().filter(|changed| *changed)?;
    Some(Made {
        member: Some(member),
        ..made("part", Kind::Group, id)?
    })
}

fn device(directory: &mut Directory, random: &mut ChaCha8Rng) -> Option<Made> {
    match random.random_range(0..6) {
        0 => {
            let id = id(random);
            directory.create(Kind::Device, object(json!({"id": id}))).ok()?;
            made("enrol", Kind::Device, id)
        }
        1 => {
            let (_, id) = any_live(directory, Kind::Device, random)?;
            directory.delete(Kind::Device, id, true).ok()?;
            made("wipe", Kind::Device, id)
        }
        2 => {
            let (_, id) = any_live(directory, Kind::Device, random)?;
            directory.reenrol(id).ok()?;
            made("reenrol", Kind::Device, id)
        }
        3 => {
            let (_, id) = any_live(directory, Kind::Device, random)?;
            directory
                .update(
                    Kind::Device,
                    id,
                    object(json!({"osVersion": format!("10.0.26100.{}", random.random_range(1..9999))})),
                )
                .ok()?;
            made("update", Kind::Device, id)
        }
        _ => {
            let (index, id) = any_live(directory, Kind::Device, random)?;
            let compliant = directory.text(Kind::Device, index, "complianceState").as_deref() == Some("compliant");
            let state = if compliant { "noncompliant" } else { "compliant" };
            directory
                .update(Kind::Device, id, object(json!({"complianceState": state})))
                .ok()?;
            made("compliance", Kind::Device, id)
        }
    }
}
