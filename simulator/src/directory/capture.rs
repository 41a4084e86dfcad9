//! A directory from captured Graph answers, so that a real tenant can be replayed.
//!
//! A manifest says which files hold which collection. Any subset will do: what is not captured is
//! empty. What does not fit (an item without an id, a reference to something that was not captured,
//! a property that Graph v1.0 does not have) is left out, and said: a capture that shrank in
//! silence would be taken for the tenant.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use uuid::Uuid;

use super::seed::Seed;
use super::{Directory, Kind, Object, properties};
use crate::roles::{GLOBAL_ADMINISTRATOR, RoleAssignment};

/// Graph path of a collection (such as `users` or `groups/{id}/members`) to the files that hold it.
pub type Manifest = BTreeMap<String, Vec<String>>;

/// What a capture holds.
pub struct Captured {
    pub directory: Directory,
    pub tenant: Uuid,
    pub role_assignments: Vec<RoleAssignment>,
    /// The organization's own properties.
    pub organization: Object,
    /// Small collections that are answered as they were captured, by path.
    pub replayed: BTreeMap<String, Vec<Value>>,
    /// What could not be kept, in words.
    pub dropped: Vec<String>,
}

/// Reads the manifest that lies in a folder.
pub fn manifest_of(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no manifest", path.display()))
}

/// Loads what a manifest names. Errors: a file is missing, is no JSON, or a collection is unknown.
pub fn load(folder: &Path, manifest: &Manifest, tenant: Option<Uuid>, domain: &str) -> anyhow::Result<Captured> {
    let mut loader = Loader {
        folder,
        manifest,
        dropped: Vec::new(),
    };
    loader.check_collections()?;
    let organization = loader.organization()?;
    let captured_id = organization
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| id.parse().ok());
    let tenant = tenant
        .or(captured_id)
        .unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_DNS, domain.as_bytes()));
    let mut directory = Directory::new(Seed::new(tenant, 0, domain, 0, 0, 0));
    for (kind, collections) in [
        (Kind::Person, ["users", "users/delta"].as_slice()),
        (Kind::Group, &["groups", "groups/delta"]),
        (Kind::Device, &["deviceManagement/managedDevices"]),
    ] {
        for (id, object) in loader.objects(kind, collections)? {
            directory.place(kind, id, object);
        }
    }
    loader.members(&mut directory)?;
    loader.owners(&mut directory);
    let role_assignments = loader.role_assignments(&directory)?;
    let replayed = loader.replayed()?;
    Ok(Captured {
        directory,
        tenant,
        role_assignments,
        organization,
        replayed,
        dropped: loader.dropped,
    })
}

const ROLE_ASSIGNMENTS: &str = "roleManagement/directory/roleAssignments";
const COLLECTIONS: &[&str] = &[
    "organization",
    "users",
    "users/delta",
    "groups",
    "groups/delta",
    "deviceManagement/managedDevices",
    ROLE_ASSIGNMENTS,
];
/// Collections that are answered as they were captured, and the properties that their items may have.
const REPLAYED: &[(&str, &[&str])] = &[
    ("subscribedSkus", properties::SUBSCRIBED_SKU),
    ("domains", properties::DOMAIN),
];

struct Loader<'a> {
    folder: &'a Path,
    manifest: &'a Manifest,
    dropped: Vec<String>,
}

impl Loader<'_> {
    fn check_collections(&self) -> anyhow::Result<()> {
        for collection in self.manifest.keys() {
            let known = COLLECTIONS.contains(&collection.as_str())
                || REPLAYED.iter().any(|(path, _)| path == collection)
                || group_of(collection).is_some();
            anyhow::ensure!(
                known,
                "the manifest names the collection '{collection}', which cannot be replayed"
            );
        }
        Ok(())
    }

    /// The items of a collection, from all its files, with the file that each came from.
    fn items(&self, collection: &str) -> anyhow::Result<Vec<(String, Object)>> {
        let mut items = Vec::new();
        for name in self.manifest.get(collection).into_iter().flatten() {
            let path = self.folder.join(name);
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let page: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
            let Some(Value::Array(values)) = page.get("value") else {
                anyhow::bail!("{} has no \"value\" list", path.display());
            };
            for value in values {
                let object = value
                    .as_object()
                    .with_context(|| format!("{} lists something that is no object", path.display()))?;
                items.push((name.clone(), object.clone()));
            }
        }
        Ok(items)
    }

    /// The objects of a kind by id, in the order of the files; what several files say of one is put together.
    fn objects(&mut self, kind: Kind, collections: &[&str]) -> anyhow::Result<Vec<(Uuid, Object)>> {
        let mut all: Vec<(Uuid, Object)> = Vec::new();
        for collection in collections {
            for (file, item) in self.items(collection)? {
                if item.contains_key("@removed") {
                    continue;
                }
                let Some(id) = id_of(&item) else {
                    self.dropped
                        .push(format!("{file}: an item of {collection} without an id that is a GUID"));
                    continue;
                };
                let known = self.known_properties(&file, item, kind.properties());
                match all.iter_mut().find(|(other, _)| *other == id) {
                    Some((_, object)) => object.extend(known),
                    None => all.push((id, known)),
                }
            }
        }
        Ok(all)
    }

    fn known_properties(&mut self, file: &str, item: Object, properties: &[&str]) -> Object {
        let mut known = Object::new();
        for (name, value) in item {
            if properties.contains(&name.as_str()) {
                known.insert(name, value);
            } else if !name.contains('@') && !name.starts_with('#') {
                let line = format!("{file}: the property '{name}', which Graph v1.0 does not have");
                if !self.dropped.contains(&line) {
                    self.dropped.push(line);
                }
            }
        }
        known
    }

    fn organization(&mut self) -> anyhow::Result<Object> {
        match self.items("organization")?.into_iter().next() {
            Some((file, item)) => Ok(self.known_properties(&file, item, properties::ORGANIZATION)),
            None => Ok(Object::new()),
        }
    }

    fn members(&mut self, directory: &mut Directory) -> anyhow::Result<()> {
        let mut found: Vec<(String, Uuid, Option<Uuid>)> = Vec::new();
        for collection in self.manifest.keys() {
            let Some(group) = group_of(collection) else {
                continue;
            };
            found.extend(
                self.items(collection)?
                    .into_iter()
                    .map(|(file, item)| (file, group, id_of(&item))),
            );
        }
        for (file, item) in self.items("groups/delta")? {
            let members = item
                .get("members@delta")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let members = members
                .iter()
                .filter_map(Value::as_object)
                .filter(|member| !member.contains_key("@removed"));
            found.extend(
                id_of(&item)
                    .into_iter()
                    .flat_map(|group| members.clone().map(move |member| (group, id_of(member))))
                    .map(|(group, member)| (file.clone(), group, member)),
            );
        }
        for (file, group, member) in found {
            let group_index = directory.find_live(Kind::Group, group);
            let kind = member.and_then(|id| {
                [Kind::Person, Kind::Group]
                    .into_iter()
                    .find(|kind| directory.find_live(*kind, id).is_some())
            });
            match (group_index, member, kind) {
                (Some(index), Some(id), Some(kind)) if !directory.is_member(index, id) => {
                    directory.place_member(index, kind, id)
                }
                (Some(_), Some(_), Some(_)) => {}
                _ => self
                    .dropped
                    .push(format!("{file}: a member of group {group} that was not captured")),
            }
        }
        Ok(())
    }

    /// A device whose owner was not captured has none.
    fn owners(&mut self, directory: &mut Directory) {
        for index in directory.live_from(Kind::Device, 0).collect::<Vec<u32>>() {
            let owner = directory.text(Kind::Device, index, "userId").unwrap_or_default();
            let captured = owner
                .parse()
                .is_ok_and(|id| directory.find_live(Kind::Person, id).is_some());
            if !owner.is_empty() && !captured {
                self.dropped.push(format!(
                    "the owner of device {}, who was not captured",
                    directory.id(Kind::Device, index)
                ));
                directory.replace(Kind::Device, index, "userId", json!(""));
            }
        }
    }

    /// Who holds which role. Without any, the first person becomes administrator, so that somebody can sign in.
    fn role_assignments(&mut self, directory: &Directory) -> anyhow::Result<Vec<RoleAssignment>> {
        let mut kept = Vec::new();
        for (file, item) in self.items(ROLE_ASSIGNMENTS)? {
            let guid = |name: &str| {
                item.get(name)
                    .and_then(Value::as_str)
                    .and_then(|id| id.parse::<Uuid>().ok())
            };
            match (guid("roleDefinitionId"), guid("principalId")) {
                (Some(role), Some(person)) if directory.find_live(Kind::Person, person).is_some() => {
                    kept.push(RoleAssignment::tenant_wide(role, person))
                }
                _ => self
                    .dropped
                    .push(format!("{file}: a role assignment of somebody who was not captured")),
            }
        }
        if kept.is_empty()
            && let Some(first) = directory.live_from(Kind::Person, 0).next()
        {
            let id = directory.id(Kind::Person, first);
            self.dropped.push(format!(
                "no role assignment of somebody captured: person {id} was made Global Administrator"
            ));
            kept.push(RoleAssignment::tenant_wide(GLOBAL_ADMINISTRATOR, id));
        }
        Ok(kept)
    }

    fn replayed(&mut self) -> anyhow::Result<BTreeMap<String, Vec<Value>>> {
        let mut replayed = BTreeMap::new();
        for (collection, properties) in REPLAYED {
            if self.manifest.contains_key(*collection) {
                let items = self.items(collection)?;
                let items = items
                    .into_iter()
                    .map(|(file, item)| Value::Object(self.known_properties(&file, item, properties)))
                    .collect();
                replayed.insert((*collection).to_owned(), items);
            }
        }
        Ok(replayed)
    }
}

fn id_of(item: &Object) -> Option<Uuid> {
    item.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

/// The group whose members a collection is.
fn group_of(collection: &str) -> Option<Uuid> {
    collection
        .strip_prefix("groups/")?
        .strip_suffix("/members")?
        .parse()
        .ok()
}
