//! Reading a tenant: every resource to its last page, or with the reason why not.
//!
//! One resource's failure never hinders another: a reading always ends in an outcome of its own. Only what concerns the
//! whole tenant (no consent, no such tenant, our own credential) ends the run. Services with narrow limits are asked by
//! one lane each, so that lanes do not wait for each other.
//!
//! The danger: a tenant changes while it is read. Policies are read first and again last, and when they have moved in
//! between, what they refer to is read again; policies that never stand still are not complete.

mod draft;
mod members;
mod noise;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use futures::future::try_join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::evidence::snapshot::{Pull, Resource, Snapshot, Witness};
use crate::microsoft::{Graph, Trouble};
use crate::telemetry::metrics;
use draft::{Draft, Storm};
use source::{Shape, Source, source};

/// Where a run takes the time from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How far the reading is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Resources that are done with, however they ended.
    pub done: usize,
    /// Objects that were read.
    pub objects: u64,
    /// Readings that are under way.
    under_way: usize,
    /// Until when those of them wait that Microsoft told to.
    waits: Vec<Instant>,
    /// How often the run has left its place.
    left: u32,
}

impl Progress {
    /// Until when nothing is asked: every reading that is under way waits.
    pub fn still_until(&self) -> Option<Instant> {
        let first = self.waits.iter().min().copied();
        first.filter(|_| self.waits.len() == self.under_way)
    }

    /// The run leaves its place for as long as nothing is asked. Nobody has to be told.
    pub fn place_left(&mut self) -> bool {
        self.left += 1;
        false
    }
}

/// How many resources are read.
pub const RESOURCES: usize = Resource::ALL.len();

/// Which resources are read one after the other. Lanes run beside each other.
const LANES: [&[Resource]; 6] = [
    &[Resource::CaPolicies, Resource::NamedLocations],
    &[
        Resource::AuthStrengths,
        Resource::SecurityDefaults,
        Resource::AuthzPolicy,
        Resource::AuthMethodsPolicy,
        Resource::AdminConsentPolicy,
    ],
    &[Resource::Registration, Resource::DirectoryAudits],
    &[Resource::Users, Resource::UsersSignin],
    &[
        Resource::Groups,
        Resource::RoleAssignments,
        Resource::RoleDefinitions,
        Resource::Skus,
        Resource::Organization,
    ],
    &[
        Resource::ManagedDevices,
        Resource::DeviceOverview,
        Resource::DeviceMgmt,
        Resource::CompliancePolicies,
        Resource::ComplianceSummary,
    ],
];

/// Reads the tenant.
///
/// # Errors
/// Trouble that concerns the whole tenant: there is no consent, no such tenant, or our credential is refused; or Entra
/// gave no token. Whatever else goes wrong is an outcome of a reading.
pub async fn collect(graph: &Graph, clock: &Clock, progress: &watch::Sender<Progress>) -> Result<Snapshot, Trouble> {
    // As the database keeps it: what is judged and what is kept are of one moment.
    let taken_at = clock().trunc_subsecs(6);
    let mut granted_roles = graph.granted_permissions().await?;
    granted_roles.sort_unstable();
    let reader = Reader {
        graph,
        clock,
        progress,
        taken_at,
        granted_roles: &granted_roles,
    };
    let lanes = try_join_all(LANES.iter().map(|lane| reader.lane(lane))).await?;
    let mut pulls: BTreeMap<Resource, Pull> = lanes.into_iter().flatten().collect();
    count_devices(&mut pulls);
    reader.policies_and_members(&mut pulls).await?;
    Ok(Snapshot {
        taken_at,
        granted_roles,
        pulls,
    })
}

/// Intune counts its devices apart from listing them.
fn count_devices(pulls: &mut BTreeMap<Resource, Pull>) {
    let overview = pulls
        .get(&Resource::DeviceOverview)
        .filter(|overview| overview.is_complete());
    let witness = overview.and_then(|overview| {
        let count = overview.objects.first()?.content["enrolledDeviceCount"].as_u64()?;
        let source = format!("{} enrolledDeviceCount", overview.request);
        Some(Witness { count, source })
    });
    if let (Some(devices), Some(witness)) = (pulls.get_mut(&Resource::ManagedDevices), witness)
        && devices.is_complete()
    {
        devices.hold_against(witness);
    }
}

/// Reads one tenant for one run.
struct Reader<'a> {
    graph: &'a Graph,
    clock: &'a Clock,
    progress: &'a watch::Sender<Progress>,
    taken_at: DateTime<Utc>,
    granted_roles: &'a [String],
}

impl Reader<'_> {
    async fn lane(&self, resources: &[Resource]) -> Result<Vec<(Resource, Pull)>, Trouble> {
        let mut pulls = Vec::with_capacity(resources.len());
        for resource in resources {
            if let Some(source) = source(*resource, self.taken_at) {
                pulls.push((*resource, self.pull(*resource, &source).await?));
                self.done();
            }
        }
        Ok(pulls)
    }

    /// Reads one resource to its end, whatever that is.
    async fn pull(&self, resource: Resource, source: &Source) -> Result<Pull, Trouble> {
        let (graph, heard) = self.graph.listening();
        let request = graph.address(source.collection, &source.query);
        let mut draft = Draft::begin(request, &source.permissions(), (self.clock)());
        self.begins();
        let ended = match source.shape {
            Shape::List => self.list(&graph, source, &mut draft).await,
            Shape::Single => self.single(&graph, resource, source, &mut draft).await,
        };
        let witness = match (source.witness, &ended) {
            (Some(collection), Ok(())) => self.count(&graph, collection).await?,
            _ => None,
        };
        self.ends();
        draft.end(ended, witness, &heard, self.granted_roles, (self.clock)())
    }

    async fn list(&self, graph: &Graph, source: &Source, draft: &mut Draft) -> Result<(), Trouble> {
        let mut pages = graph.objects(source.collection, &source.query);
        let mut storm = Storm::of(graph);
        loop {
            match pages.next().await {
                Ok(Some(page)) => self.read(draft.page(page.items)?),
                Ok(None) => return Ok(()),
                Err(trouble) => self.sit_out(&mut storm, trouble).await?,
            }
        }
    }

    /// Reads what there is one of.
    async fn single(
        &self,
        graph: &Graph,
        resource: Resource,
        source: &Source,
        draft: &mut Draft,
    ) -> Result<(), Trouble> {
        let mut storm = Storm::of(graph);
        loop {
            match graph.object(source.collection, &source.query).await {
                Ok(object) => return draft.only(resource, object),
                Err(trouble) => self.sit_out(&mut storm, trouble).await?,
            }
        }
    }

    /// The second number. Where there is none the reading stands alone; it is not worse for that.
    async fn count(&self, graph: &Graph, collection: crate::microsoft::Collection) -> Result<Option<Witness>, Trouble> {
        match graph.count(collection).await {
            Ok(count) => Ok(Some(Witness {
                count,
                source: graph.address(collection, ""),
            })),
            Err(trouble) if draft::concerns_the_tenant(&trouble) => Err(trouble),
            Err(_) => Ok(None),
        }
    }

    /// Waits as Microsoft asks.
    ///
    /// # Errors
    /// The trouble, if it is another one or the wait is longer than the patience that is left.
    async fn sit_out(&self, storm: &mut Storm, trouble: Trouble) -> Result<(), Trouble> {
        let wait = storm.wait(trouble)?;
        let until = Instant::now() + wait;
        let left_before = self.progress.borrow().left;
        self.progress.send_modify(|progress| progress.waits.push(until));
        sleep_until(until).await;
        self.progress.send_modify(|progress| {
            if let Some(mine) = progress.waits.iter().position(|other| *other == until) {
                progress.waits.swap_remove(mine);
            }
        });
        if self.progress.borrow().left == left_before {
            metrics::throttle_slept(wait);
        } else {
            metrics::throttle_handed_back(wait);
        }
        Ok(())
    }

    fn begins(&self) {
        self.progress.send_modify(|progress| progress.under_way += 1);
    }

    fn ends(&self) {
        self.progress.send_modify(|progress| progress.under_way -= 1);
    }

    fn read(&self, objects: u64) {
        self.progress.send_modify(|progress| progress.objects += objects);
    }

    fn done(&self) {
        self.progress.send_modify(|progress| progress.done += 1);
    }
}
