//! Every way in which a directory changes. Each writes what happened into the log, once.
//!
//! The danger: a change that forgets the log is invisible to delta queries for ever, and one that
//! is logged but not made is a lie. So the two happen in the same function, and nowhere else.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Change, Directory, Entry, Kind, Life, Object, What};

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such live object.
    NotFound(Kind),
    /// Graph v1.0 has no such property, or it may not be set.
    Property(String),
    /// The id is taken, or is not a GUID.
    Id,
    /// There is nothing soft-deleted to restore.
    NotDeleted,
    /// A group cannot hold itself.
    Cycle,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::NotFound(kind) => write!(f, "there is no such {}", serde_name(*kind)),
            Refused::Property(name) => write!(f, "'{name}' is no property that can be set"),
            Refused::Id => f.write_str("the id is not a GUID, or is taken"),
            Refused::NotDeleted => f.write_str("it is not soft-deleted"),
            Refused::Cycle => f.write_str("a group cannot hold itself"),
        }
    }
}

impl std::error::Error for Refused {}

fn serde_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "person",
        Kind::Group => "group",
        Kind::Device => "device",
    }
}

impl Directory {
    fn record(&mut self, kind: Kind, index: u32, what: What) {
        self.sequence += 1;
        self.log.push(Change {
            sequence: self.sequence,
            kind,
            index,
            what,
        });
    }

    /// Puts an object there without a word in the log: for what a directory starts out with.
    pub(super) fn place(&mut self, kind: Kind, id: Uuid, mut object: Object) -> u32 {
        object.insert("id".to_owned(), Value::String(id.to_string()));
        let shelf = self.shelf_mut(kind);
        let index = shelf.next;
        shelf.next += 1;
        shelf.ids.insert(id, index);
        shelf.overlay.insert(
            index,
            Entry {
                object,
                life: Life::Live,
            },
        );
        index
    }

    pub(super) fn place_member(&mut self, group: u32, kind: Kind, id: Uuid) {
        self.members.entry(group).or_default().add(kind, id);
    }

    /// Sets a property without a word in the log, as `place` puts objects there.
    pub(super) fn replace(&mut self, kind: Kind, index: u32, name: &str, value: Value) {
        if let Some(entry) = self.shelf_mut(kind).overlay.get_mut(&index) {
            entry.object.insert(name.to_owned(), value);
        }
    }

    /// Adds an object: the given properties, and made-up ones where the type cannot do without.
    pub fn create(&mut self, kind: Kind, given: Object) -> Result<Uuid, Refused> {
        check_names(kind, &given)?;
        let id = match given.get("id") {
            None => Uuid::new_v4(),
            Some(id) => id.as_str().and_then(|id| id.parse().ok()).ok_or(Refused::Id)?,
        };
        if Kind::ALL.iter().any(|kind| self.index_of(*kind, id).is_some()) {
            return Err(Refused::Id);
        }
        let mut object = self.made_up(kind, id, &given);
        object.extend(given);
        let index = self.place(kind, id, object);
        self.record(kind, index, What::Created);
        Ok(id)
    }

    fn made_up(&self, kind: Kind, id: Uuid, given: &Object) -> Object {
        let tail = &id.simple().to_string()[..8];
        let name = given.get("displayName").and_then(Value::as_str);
        let now = crate::world::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let made_up = match kind {
            Kind::Person => {
                let name = name.map_or_else(|| format!("New Hire {tail}"), str::to_owned);
                let login: String = name
                    .to_lowercase()
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric())
                    .collect();
                let address = format!("{login}.{tail}@{}", self.domain());
                json!({
                    "displayName": name, "userPrincipalName": address, "mail": address,
                    "mailNickname": format!("{login}.{tail}"), "accountEnabled": true, "userType": "Member",
                    "businessPhones": [], "assignedLicenses": [], "createdDateTime": now,
                })
            }
            Kind::Group => json!({
                "displayName": format!("Group {tail}"), "mailEnabled": false, "securityEnabled": true,
                "mailNickname": format!("group-{tail}"), "groupTypes": [], "createdDateTime": now,
            }),
            Kind::Device => json!({
                "deviceName": format!("LT-{tail}"), "operatingSystem": "Windows", "osVersion": "10.0.26100.2033",
                "serialNumber": format!("SN{tail}"), "manufacturer": "Dell Inc.", "model": "Latitude 5450",
                "complianceState": "compliant", "isEncrypted": true, "managedDeviceOwnerType": "company",
                "managementAgent": "mdm", "deviceRegistrationState": "registered", "azureADRegistered": true,
                "azureADDeviceId": Uuid::new_v4(), "enrolledDateTime": now, "lastSyncDateTime": now,
                "userId": "", "userPrincipalName": "", "userDisplayName": "", "emailAddress": "",
            }),
        };
        match made_up {
            Value::Object(object) => object,
            _ => unreachable!("each arm is a JSON object"),
        }
    }

    /// Sets properties; `null` clears one. What keeps its value is not a change.
    pub fn update(&mut self, kind: Kind, id: Uuid, patch: Object) -> Result<(), Refused> {
        check_names(kind, &patch)?;
        if patch.contains_key("id") {
            return Err(Refused::Property("id".to_owned()));
        }
        let index = self.find_live(kind, id).ok_or(Refused::NotFound(kind))?;
        let mut object = self.object(kind, index);
        let mut changed = Vec::new();
        for (name, value) in patch {
            if object.get(&name).unwrap_or(&Value::Null) != &value {
                object.insert(name.clone(), value);
                changed.push(name);
            }
        }
        if !changed.is_empty() {
            self.shelf_mut(kind).overlay.insert(
                index,
                Entry {
                    object,
                    life: Life::Live,
                },
            );
            self.record(kind, index, What::Updated(changed));
        }
        Ok(())
    }

    /// Soft-deletes what Entra soft-deletes (people, Microsoft 365 groups), and purges the rest.
    pub fn delete(&mut self, kind: Kind, id: Uuid, permanently: bool) -> Result<(), Refused> {
        let index = self.index_of(kind, id).ok_or(Refused::NotFound(kind))?;
        let restorable = match kind {
            Kind::Person => true,
            Kind::Group => self
                .object(kind, index)
                .get("groupTypes")
                .is_some_and(|types| types.as_array().is_some_and(|types| types.contains(&json!("Unified")))),
            Kind::Device => false,
        };
        match self.life(kind, index) {
            Life::Live => {
                let life = if restorable && !permanently {
                    Life::Deleted
                } else {
                    Life::Purged
                };
                let object = self.object(kind, index);
                let shelf = self.shelf_mut(kind);
                shelf.gone += 1;
                shelf.overlay.insert(index, Entry { object, life });
                if life == Life::Purged {
                    self.purged(kind, index, id)
                } else {
                    self.record(kind, index, What::Deleted)
                }
                Ok(())
            }
            Life::Deleted if permanently => {
                self.shelf_mut(kind)
                    .overlay
                    .entry(index)
                    .and_modify(|entry| entry.life = Life::Purged);
                self.purged(kind, index, id);
                Ok(())
            }
            Life::Deleted | Life::Purged => Err(Refused::NotFound(kind)),
        }
    }

    /// What is gone for good leaves its groups, and each of them says so.
    fn purged(&mut self, kind: Kind, index: u32, id: Uuid) {
        self.record(kind, index, What::Purged);
        if kind == Kind::Device {
            return;
        }
        let groups: Vec<u32> = (0..self.end(Kind::Group))
            .filter(|group| self.was_member(*group, kind, index, id))
            .collect();
        for group in groups {
            self.members.entry(group).or_default().added.remove(&id);
            self.record(Kind::Group, group, What::Left(id));
        }
    }

    /// As `is_member`, for somebody who has just been purged.
    fn was_member(&self, group: u32, kind: Kind, index: u32, id: Uuid) -> bool {
        let changed = self.members.get(&group);
        if changed.is_some_and(|changed| changed.added.contains_key(&id)) {
            return true;
        }
        let base = self.was_in_base(group, kind, index);
        base && changed.is_none_or(|changed| !changed.removed.contains(&id))
    }

    pub fn restore(&mut self, kind: Kind, id: Uuid) -> Result<(), Refused> {
        let index = self.index_of(kind, id).ok_or(Refused::NotFound(kind))?;
        if self.life(kind, index) != Life::Deleted {
            return Err(Refused::NotDeleted);
        }
        let shelf = self.shelf_mut(kind);
        shelf.gone -= 1;
        shelf.overlay.entry(index).and_modify(|entry| entry.life = Life::Live);
        self.record(kind, index, What::Created);
        Ok(())
    }

    /// Puts a live person or group into a group. Whether anything changed.
    pub fn join(&mut self, group: Uuid, member: Uuid) -> Result<bool, Refused> {
        let group = self
            .find_live(Kind::Group, group)
            .ok_or(Refused::NotFound(Kind::Group))?;
        let (kind, index) = self.member_of_any_kind(member).ok_or(Refused::NotFound(Kind::Person))?;
        if kind == Kind::Group
            && (index == group
                || self
                    .transitive_members(index)
                    .contains(&(Kind::Group, self.id(Kind::Group, group))))
        {
            return Err(Refused::Cycle);
        }
        if self.is_member(group, member) {
            return Ok(false);
        }
        let base = self.was_in_base(group, kind, index);
        let members = self.members.entry(group).or_default();
        if base {
            members.removed.remove(&member);
        } else {
            members.add(kind, member);
        }
        self.record(Kind::Group, group, What::Joined(member));
        Ok(true)
    }

    fn was_in_base(&self, group: u32, kind: Kind, index: u32) -> bool {
        match kind {
            Kind::Person => self.seed.people_in(group).contains(index),
            Kind::Group => self.seed.groups_in(group).contains(&index),
            Kind::Device => false,
        }
    }

    fn member_of_any_kind(&self, id: Uuid) -> Option<(Kind, u32)> {
        [Kind::Person, Kind::Group]
            .into_iter()
            .find_map(|kind| self.find_live(kind, id).map(|index| (kind, index)))
    }

    /// Takes a member out of a group. Whether anything changed.
    pub fn leave(&mut self, group: Uuid, member: Uuid) -> Result<bool, Refused> {
        let group = self
            .find_live(Kind::Group, group)
            .ok_or(Refused::NotFound(Kind::Group))?;
        if !self.is_member(group, member) {
            return Ok(false);
        }
        let members = self.members.entry(group).or_default();
        if members.added.remove(&member).is_none() {
            members.removed.insert(member);
        }
        self.record(Kind::Group, group, What::Left(member));
        Ok(true)
    }

    /// The same physical device under a new Intune id; the old id is gone.
    pub fn reenrol(&mut self, id: Uuid) -> Result<Uuid, Refused> {
        let index = self
            .find_live(Kind::Device, id)
            .ok_or(Refused::NotFound(Kind::Device))?;
        let mut object = self.object(Kind::Device, index);
        object.remove("id");
        let now = crate::world::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        object.insert("enrolledDateTime".to_owned(), Value::String(now));
        self.delete(Kind::Device, id, true)?;
        self.create(Kind::Device, object)
    }
}

fn check_names(kind: Kind, object: &Object) -> Result<(), Refused> {
    match object.keys().find(|name| !kind.properties().contains(&name.as_str())) {
        Some(name) => Err(Refused::Property(name.clone())),
        None => Ok(()),
    }
}
