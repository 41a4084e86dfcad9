//! Everything that is simulated at one time: applications, tenants, consents, signing keys, tokens.
//!
//! The locks here are held for a moment and never across an `await`. Where two are needed, a
//! tenant's comes after the world's.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::application::{ApplicationSpec, yes};
use crate::directory::capture::{self, Captured, Manifest};
use crate::directory::cipher::mix;
use crate::directory::seed::Seed;
use crate::directory::{Directory, Kind, Object};
use crate::entra::keys::KeySet;
use crate::entra::session::Sessions;
use crate::faults::Faults;
use crate::graph::limits::Limits;
use crate::posture::Posture;
use crate::roles::{GLOBAL_ADMINISTRATOR, RoleAssignment};

/// A tenant: seeded, or replayed from captured answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSpec {
    /// Without one, an id that follows from `domain` and `seed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub display_name: String,
    pub domain: String,
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub people: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<u32>,
    /// Whether the tenant has Intune.
    #[serde(default = "yes")]
    pub intune: bool,
    /// Whether the tenant has Entra ID P1 or P2.
    #[serde(default = "yes")]
    pub premium: bool,
    /// Whether Microsoft's published limits hold for conditional access and the identity reports.
    #[serde(default)]
    pub limits: bool,
    /// A folder of captured Graph answers; then nothing is seeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<PathBuf>,
    /// Which file of that folder holds which collection; without it, the folder's `manifest.json` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_manifest: Option<Manifest>,
}

impl TenantSpec {
    /// A tenant with Intune and premium, and with nobody in it.
    pub fn named(display_name: &str, domain: &str) -> Self {
        Self {
            id: None,
            display_name: display_name.to_owned(),
            domain: domain.to_owned(),
            seed: 0,
            people: 0,
            groups: None,
            devices: None,
            intune: true,
            premium: true,
            limits: false,
            capture: None,
            capture_manifest: None,
        }
    }
}

/// What `add_tenant` made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantSummary {
    pub id: Uuid,
    pub display_name: String,
    pub domain: String,
    pub people: usize,
    pub groups: usize,
    pub devices: usize,
    pub intune: bool,
    pub premium: bool,
    /// The object ids of the Global Administrators.
    pub administrators: Vec<Uuid>,
    /// People that one can sign in as.
    pub accounts: Vec<Account>,
    /// What a capture held that could not be kept, in words.
    pub dropped: Vec<String>,
}

/// Somebody to sign in as.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub oid: Uuid,
    pub name: String,
    pub username: String,
    pub administrator: bool,
}

/// One application's consent in one tenant.
#[derive(Clone, Debug)]
pub struct Consent {
    pub permissions: Vec<String>,
    /// Requests that Graph still refuses, as if the consent had not reached it.
    pub requests_left: u64,
    pub effective_at: Option<Instant>,
}

/// How late a consent that is given on the consent page acts.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsentDelay {
    pub requests: u64,
    pub time: Duration,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub intune: bool,
    pub premium: bool,
    pub limits: bool,
    pub consent_delay: ConsentDelay,
}

pub struct Tenant {
    pub id: Uuid,
    pub display_name: String,
    pub domain: String,
    /// Tells the delta tokens of this tenant's directory from those of an earlier process.
    pub instance: u64,
    /// Delta tokens of an earlier epoch have expired.
    pub epoch: AtomicU64,
    pub directory: RwLock<Directory>,
    pub settings: Mutex<Settings>,
    pub consents: Mutex<BTreeMap<String, Consent>>,
    /// App roles by application and person.
    pub app_roles: Mutex<HashMap<(String, Uuid), Vec<String>>>,
    /// Security settings. Where their lock is held with others: the directory's first, then this, then the roles'.
    pub posture: RwLock<Posture>,
    pub role_assignments: Mutex<Vec<RoleAssignment>>,
    pub limits: Limits,
    /// What a capture says of the organization.
    pub organization: Object,
    /// Small collections that are answered as they were captured, by path.
    pub replayed: BTreeMap<String, Vec<serde_json::Value>>,
    pub faults: Faults,
    /// Whether the tenant is replayed from captured answers.
    pub captured: bool,
    pub dropped: Vec<String>,
}

/// An app-only access token that was given out.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub tenant: Uuid,
    pub client_id: String,
    pub roles: Vec<String>,
    pub expires: Instant,
}

/// One request, for whoever wants to know what was asked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub order: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Uuid>,
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
}

/// Older requests than this many are forgotten.
const REMEMBERED_REQUESTS: usize = 100_000;

pub struct World {
    pub applications: RwLock<BTreeMap<String, ApplicationSpec>>,
    pub tenants: RwLock<BTreeMap<Uuid, Arc<Tenant>>>,
    pub keys: RwLock<KeySet>,
    pub sessions: Mutex<Sessions>,
    pub tokens: Mutex<HashMap<String, AccessToken>>,
    requests: Mutex<(u64, VecDeque<Asked>)>,
    /// Turns true when the simulator stops: whoever waits gives up.
    pub stopping: watch::Sender<bool>,
}

/// Takes a lock whether or not somebody panicked while holding it: each test has a world of its own.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As `lock`, to read.
pub fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// As `lock`, to write.
pub fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The one place that reads the calendar: what the simulator dates, it dates with now.
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

impl World {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            applications: RwLock::default(),
            tenants: RwLock::default(),
            keys: RwLock::new(KeySet::generate()?),
            sessions: Mutex::default(),
            tokens: Mutex::default(),
            requests: Mutex::default(),
            stopping: watch::Sender::new(false),
        })
    }

    pub fn add_application(&self, spec: ApplicationSpec) {
        write(&self.applications).insert(spec.client_id.clone(), spec);
    }

    pub fn application(&self, client_id: &str) -> Option<ApplicationSpec> {
        read(&self.applications).get(client_id).cloned()
    }

    pub fn add_tenant(&self, spec: TenantSpec) -> anyhow::Result<TenantSummary> {
        let tenant = Arc::new(Tenant::build(spec)?);
        let summary = tenant.summary();
        let mut tenants = write(&self.tenants);
        anyhow::ensure!(
            !tenants.contains_key(&tenant.id),
            "there is a tenant {} already",
            tenant.id
        );
        tenants.insert(tenant.id, tenant);
        Ok(summary)
    }

    pub fn tenant(&self, id: Uuid) -> Option<Arc<Tenant>> {
        read(&self.tenants).get(&id).cloned()
    }

    /// A tenant by GUID or by domain, as they stand in Entra's paths.
    pub fn tenant_named(&self, name: &str) -> Option<Arc<Tenant>> {
        match name.parse() {
            Ok(id) => self.tenant(id),
            Err(_) => read(&self.tenants)
                .values()
                .find(|tenant| tenant.domain.eq_ignore_ascii_case(name))
                .cloned(),
        }
    }

    pub fn grant_consent(&self, tenant: &Tenant, application: &ApplicationSpec) {
        let delay = lock(&tenant.settings).consent_delay;
        let consent = Consent {
            permissions: application.permissions.clone(),
            requests_left: delay.requests,
            effective_at: (!delay.time.is_zero()).then(|| Instant::now() + delay.time),
        };
        lock(&tenant.consents).insert(application.client_id.clone(), consent);
    }

    pub fn remember(&self, mut asked: Asked) {
        let mut requests = lock(&self.requests);
        requests.0 += 1;
        asked.order = requests.0;
        if requests.1.len() == REMEMBERED_REQUESTS {
            requests.1.pop_front();
        }
        requests.1.push_back(asked);
    }

    pub fn asked(&self, tenant: Option<Uuid>) -> Vec<Asked> {
        let requests = lock(&self.requests);
        requests
            .1
            .iter()
            .filter(|asked| tenant.is_none() || asked.tenant == tenant)
            .cloned()
            .collect()
    }

    pub fn forget_requests(&self, tenant: Option<Uuid>) {
        lock(&self.requests)
            .1
            .retain(|asked| tenant.is_some() && asked.tenant != tenant);
    }
}

impl Tenant {
    fn build(spec: TenantSpec) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !spec.domain.is_empty()
                && spec
                    .domain
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)),
            "the domain is a host name such as contoso.example"
        );
        let captured = match &spec.capture {
            Some(folder) => {
                let manifest = spec
                    .capture_manifest
                    .clone()
                    .map_or_else(|| capture::manifest_of(folder), Ok)?;
                capture::load(folder, &manifest, spec.id, &spec.domain)
                    .with_context(|| format!("the capture {} cannot be loaded", folder.display()))?
            }
            None => seeded(&spec),
        };
        let posture = Posture::new(
            captured.tenant,
            &captured.directory,
            &captured.role_assignments,
            spec.capture.is_none(),
            spec.premium,
        );
        Ok(Self {
            id: captured.tenant,
            display_name: spec.display_name,
            domain: spec.domain,
            instance: mix(Uuid::new_v4().as_u128() as u64),
            epoch: AtomicU64::new(0),
            directory: RwLock::new(captured.directory),
            settings: Mutex::new(Settings {
                intune: spec.intune,
                premium: spec.premium,
                limits: spec.limits,
                consent_delay: ConsentDelay::default(),
            }),
            consents: Mutex::default(),
            app_roles: Mutex::default(),
            posture: RwLock::new(posture),
            role_assignments: Mutex::new(captured.role_assignments),
            limits: Limits::default(),
            organization: captured.organization,
            replayed: captured.replayed,
            faults: Faults::default(),
            captured: spec.capture.is_some(),
            dropped: captured.dropped,
        })
    }

    pub fn summary(&self) -> TenantSummary {
        let directory = read(&self.directory);
        let settings = lock(&self.settings);
        let administrators: Vec<Uuid> = lock(&self.role_assignments)
            .iter()
            .filter(|held| {
                held.role == GLOBAL_ADMINISTRATOR && directory.find_live(Kind::Person, held.principal).is_some()
            })
            .map(|held| held.principal)
            .collect();
        let account = |index: u32| {
            let text = |name| directory.text(Kind::Person, index, name).unwrap_or_default();
            let oid = directory.id(Kind::Person, index);
            Account {
                oid,
                name: text("displayName"),
                username: text("userPrincipalName"),
                administrator: administrators.contains(&oid),
            }
        };
        TenantSummary {
            id: self.id,
            display_name: self.display_name.clone(),
            domain: self.domain.clone(),
            people: directory.live_count(Kind::Person),
            groups: directory.live_count(Kind::Group),
            devices: directory.live_count(Kind::Device),
            intune: settings.intune,
            premium: settings.premium,
            accounts: directory.live_from(Kind::Person, 0).take(3).map(account).collect(),
            administrators,
            dropped: self.dropped.clone(),
        }
    }

    /// The directory roles of a person (role template ids).
    pub fn roles_of(&self, person: Uuid) -> Vec<Uuid> {
        lock(&self.role_assignments)
            .iter()
            .filter(|held| held.principal == person && held.scope == "/")
            .map(|held| held.role)
            .collect()
    }

    pub fn expire_deltas(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

/// A tenant as its seed gives it, with its first person as administrator.
fn seeded(spec: &TenantSpec) -> Captured {
    let tenant = spec.id.unwrap_or_else(|| derived_id(&spec.domain, spec.seed));
    let groups = spec.groups.unwrap_or(if spec.people == 0 {
        0
    } else {
        (spec.people / 25 + 20).min(2_000)
    });
    let devices = if spec.intune {
        spec.devices.unwrap_or(spec.people / 5 * 2)
    } else {
        0
    };
    let directory = Directory::new(Seed::new(tenant, spec.seed, &spec.domain, spec.people, groups, devices));
    let administrator =
        (spec.people > 0).then(|| RoleAssignment::tenant_wide(GLOBAL_ADMINISTRATOR, directory.id(Kind::Person, 0)));
    Captured {
        directory,
        tenant,
        role_assignments: administrator.into_iter().collect(),
        organization: Object::new(),
        replayed: BTreeMap::new(),
        dropped: Vec::new(),
    }
}

/// A GUID that the same domain and seed always get.
fn derived_id(domain: &str, seed: u64) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_DNS,
        format!("{}/{seed}", domain.to_lowercase()).as_bytes(),
    )
}
