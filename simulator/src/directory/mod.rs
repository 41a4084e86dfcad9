//! One tenant's directory: people, groups with their members, and Intune devices.
//!
//! A directory is the seeded base (computed, never stored) with an overlay of what was changed
//! since, and a log of those changes by sequence number, from which delta rounds are answered.
//! The danger: base and overlay must never disagree about who exists. So everything that reads goes
//! through the same few functions here, and everything that changes goes through `change.rs`, which
//! alone writes the log.

pub mod capture;
pub mod change;
pub mod cipher;
mod devices;
pub mod names;
pub mod properties;
pub mod seed;
pub mod shuffle;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use seed::Seed;

/// The properties of one object that were ever set. One that is `null` here was cleared.
pub type Object = serde_json::Map<String, Value>;

/// What a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Person,
    Group,
    Device,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Person, Kind::Group, Kind::Device];

    /// Every property that Graph v1.0 gives the type.
    pub fn properties(self) -> &'static [&'static str] {
        match self {
            Kind::Person => properties::USER,
            Kind::Group => properties::GROUP,
            Kind::Device => properties::MANAGED_DEVICE,
        }
    }

    /// Graph's name of the type.
    pub fn graph_type(self) -> &'static str {
        match self {
            Kind::Person => "microsoft.graph.user",
            Kind::Group => "microsoft.graph.group",
            Kind::Device => "microsoft.graph.managedDevice",
        }
    }
}

/// A value that a generator hands to a sink.
#[derive(Clone, Copy)]
pub enum Datum<'a> {
    Null,
    Flag(bool),
    Text(&'a str),
    Texts(&'a [&'a str]),
    /// A constant that is JSON already.
    Json(&'static str),
}

/// Takes an object property by property, so that a page can be written without building the object.
pub trait Sink {
    fn put(&mut self, name: &'static str, datum: Datum<'_>);
}

impl Sink for Object {
    fn put(&mut self, name: &'static str, datum: Datum<'_>) {
        let value = match datum {
            Datum::Null => return,
            Datum::Flag(flag) => Value::Bool(flag),
            Datum::Text(text) => Value::String(text.to_owned()),
            Datum::Texts(texts) => texts.iter().copied().map(Value::from).collect(),
            Datum::Json(json) => serde_json::from_str(json).expect("a generator's constants are JSON"),
        };
        self.insert(name.to_owned(), value);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Live,
    /// Soft-deleted: restorable.
    Deleted,
    /// Gone for good.
    Purged,
}

#[derive(Clone, Debug)]
struct Entry {
    object: Object,
    life: Life,
}

/// What happened to an object, as the log keeps it.
#[derive(Clone, Debug)]
pub enum What {
    Created,
    Updated(Vec<String>),
    Deleted,
    Purged,
    Joined(Uuid),
    Left(Uuid),
}

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Change {
    pub sequence: u64,
    pub kind: Kind,
    pub index: u32,
    pub what: What,
}

/// How the direct members of a group differ from its base.
///
/// Added members keep the slot they were given, so that a reader who is half through the list
/// neither misses nor repeats anybody when others come and go.
#[derive(Debug, Default)]
struct Members {
    slots: Vec<(Kind, Uuid)>,
    added: HashMap<Uuid, usize>,
    removed: HashSet<Uuid>,
}

impl Members {
    fn add(&mut self, kind: Kind, id: Uuid) {
        self.added.insert(id, self.slots.len());
        self.slots.push((kind, id));
    }
}

#[derive(Debug, Default)]
struct Shelf {
    overlay: BTreeMap<u32, Entry>,
    /// Objects that no seed computes, by id.
    ids: HashMap<Uuid, u32>,
    next: u32,
    gone: usize,
}

#[derive(Debug)]
pub struct Directory {
    seed: Seed,
    shelves: [Shelf; 3],
    members: HashMap<u32, Members>,
    log: Vec<Change>,
    sequence: u64,
}

/// Where an object was found: in the base, or in the overlay.
pub enum Found<'a> {
    Base,
    Overlay(&'a Object),
}

impl Directory {
    pub fn new(seed: Seed) -> Self {
        let shelves = Kind::ALL.map(|kind| Shelf {
            next: seed.count(kind),
            ..Shelf::default()
        });
        Self {
            seed,
            shelves,
            members: HashMap::new(),
            log: Vec::new(),
            sequence: 0,
        }
    }

    fn shelf(&self, kind: Kind) -> &Shelf {
        &self.shelves[kind as usize]
    }

    fn shelf_mut(&mut self, kind: Kind) -> &mut Shelf {
        &mut self.shelves[kind as usize]
    }

    /// The number of the newest change.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The changes after `since`, oldest first.
    pub fn changes_since(&self, since: u64) -> &[Change] {
        let start = self.log.partition_point(|change| change.sequence <= since);
        &self.log[start..]
    }

    /// One more than the highest index in use.
    pub fn end(&self, kind: Kind) -> u32 {
        self.shelf(kind).next
    }

    pub fn live_count(&self, kind: Kind) -> usize {
        self.end(kind) as usize - self.shelf(kind).gone
    }

    pub fn life(&self, kind: Kind, index: u32) -> Life {
        self.shelf(kind)
            .overlay
            .get(&index)
            .map_or(Life::Live, |entry| entry.life)
    }

    pub fn is_live(&self, kind: Kind, index: u32) -> bool {
        index < self.end(kind) && self.life(kind, index) == Life::Live
    }

    /// The indices of what lives, from `from` on.
    pub fn live_from(&self, kind: Kind, from: u32) -> impl Iterator<Item = u32> {
        (from..self.end(kind)).filter(move |index| self.is_live(kind, *index))
    }

    /// The index of an id, whether the object lives or not.
    pub fn index_of(&self, kind: Kind, id: Uuid) -> Option<u32> {
        self.seed
            .index_of(kind, id)
            .or_else(|| self.shelf(kind).ids.get(&id).copied())
    }

    pub fn find_live(&self, kind: Kind, id: Uuid) -> Option<u32> {
        self.index_of(kind, id).filter(|index| self.is_live(kind, *index))
    }

    /// A live person by object id or by user principal name (compared without case, as Entra does).
    pub fn find_person(&self, key: &str) -> Option<u32> {
        match key.parse::<Uuid>() {
            Ok(id) => self.find_live(Kind::Person, id),
            Err(_) => self.live_from(Kind::Person, 0).find(|index| {
                self.text(Kind::Person, *index, "userPrincipalName")
                    .is_some_and(|name| name.eq_ignore_ascii_case(key))
            }),
        }
    }

    pub fn id(&self, kind: Kind, index: u32) -> Uuid {
        if index < self.seed.count(kind) {
            return self.seed.id(kind, index);
        }
        let object = &self.shelf(kind).overlay[&index].object;
        object["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("an added object has a GUID for its id")
    }

    pub fn found(&self, kind: Kind, index: u32) -> Found<'_> {
        self.shelf(kind)
            .overlay
            .get(&index)
            .map_or(Found::Base, |entry| Found::Overlay(&entry.object))
    }

    /// Computes a base object into a sink. Only for what `found` calls `Base`.
    pub fn compute(&self, kind: Kind, index: u32, sink: &mut impl Sink) {
        match kind {
            Kind::Person => self.seed.person(index, sink),
            Kind::Group => self.seed.group(index, sink),
            Kind::Device => self.seed.device(index, sink),
        }
    }

    /// Everything that was ever set on an object.
    pub fn object(&self, kind: Kind, index: u32) -> Object {
        match self.found(kind, index) {
            Found::Overlay(object) => object.clone(),
            Found::Base => {
                let mut object = Object::new();
                self.compute(kind, index, &mut object);
                object
            }
        }
    }

    pub fn text(&self, kind: Kind, index: u32, name: &str) -> Option<String> {
        match self.found(kind, index) {
            Found::Overlay(object) => object.get(name).and_then(Value::as_str).map(str::to_owned),
            Found::Base => self
                .object(kind, index)
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned),
        }
    }

    /// The direct members of a group from a slot on, each with its slot: soft-deleted ones too, for
    /// they keep their membership.
    pub fn members_from(&self, group: u32, slot: usize) -> impl Iterator<Item = (usize, Kind, Uuid)> {
        let people = self.seed.people_in(group);
        let groups = self.seed.groups_in(group);
        let (crowd, base) = (people.count as usize, people.count as usize + groups.len());
        let changed = self.members.get(&group);
        let added = changed.map_or(&[][..], |changed| &changed.slots);
        (slot..base + added.len()).filter_map(move |slot| {
            if slot >= base {
                let (kind, id) = added[slot - base];
                let current = changed.is_some_and(|changed| changed.added.get(&id) == Some(&(slot - base)));
                return current.then_some((slot, kind, id));
            }
            let (kind, index) = match people.nth(slot as u32) {
                Some(person) => (Kind::Person, person),
                None => (Kind::Group, groups.start + (slot - crowd) as u32),
            };
            if self.life(kind, index) == Life::Purged {
                return None;
            }
            let id = self.seed.id(kind, index);
            changed
                .is_none_or(|changed| !changed.removed.contains(&id))
                .then_some((slot, kind, id))
        })
    }

    /// The direct members that a reader of the group sees.
    pub fn live_members(&self, group: u32) -> impl Iterator<Item = (Kind, Uuid)> {
        self.live_members_from(group, 0).map(|(_, kind, id)| (kind, id))
    }

    pub fn live_members_from(&self, group: u32, slot: usize) -> impl Iterator<Item = (usize, Kind, Uuid)> {
        self.members_from(group, slot)
            .filter(|(_, kind, id)| self.find_live(*kind, *id).is_some())
    }

    /// Everybody and everything below a group, each once, the group itself not.
    pub fn transitive_members(&self, group: u32) -> Vec<(Kind, Uuid)> {
        let mut seen = HashSet::from([self.id(Kind::Group, group)]);
        let mut open = vec![group];
        let mut all = Vec::new();
        while let Some(group) = open.pop() {
            for (kind, id) in self.live_members(group) {
                if seen.insert(id) {
                    all.push((kind, id));
                    if kind == Kind::Group {
                        open.extend(self.index_of(Kind::Group, id));
                    }
                }
            }
        }
        all
    }

    /// The live groups that hold a person, directly or through other groups, in the order of their indices.
    pub fn groups_of(&self, person: Uuid) -> Vec<u32> {
        let mut all = BTreeSet::new();
        let mut open = vec![person];
        while let Some(member) = open.pop() {
            for group in self
                .live_from(Kind::Group, 0)
                .filter(|group| self.is_member(*group, member))
            {
                if all.insert(group) {
                    open.push(self.id(Kind::Group, group));
                }
            }
        }
        all.into_iter().collect()
    }

    pub fn is_member(&self, group: u32, id: Uuid) -> bool {
        if let Some(changed) = self.members.get(&group) {
            if changed.added.contains_key(&id) {
                return true;
            }
            if changed.removed.contains(&id) {
                return false;
            }
        }
        let person = self.seed.index_of(Kind::Person, id);
        let nested = self.seed.index_of(Kind::Group, id);
        person.is_some_and(|person| {
            self.seed.people_in(group).contains(person) && self.life(Kind::Person, person) != Life::Purged
        }) || nested.is_some_and(|nested| {
            self.seed.groups_in(group).contains(&nested) && self.life(Kind::Group, nested) != Life::Purged
        })
    }

    /// Whether an object was there from the seed, and not added since.
    pub fn seeded(&self, kind: Kind, index: u32) -> bool {
        index < self.seed.count(kind)
    }

    pub fn domain(&self) -> &str {
        self.seed.domain()
    }
}
