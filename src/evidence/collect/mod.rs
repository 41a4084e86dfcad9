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

use crate::evidence::snapshot::{Pull, Resource, Snapshot, Witness};
use crate::microsoft::{Graph, Trouble};
use draft::Draft;
use source::{Shape, Source, source};

/// Where a run takes the time from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How far the reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Resources that are done with, however they ended.
    pub done: usize,
    /// Objects that were read.
    pub objects: u64,
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
        let ended = match source.shape {
            Shape::List => self.list(&graph, source, &mut draft).await,
            Shape::Single => single(&graph, resource, source, &mut draft).await,
        };
        let witness = match (source.witness, &ended) {
            (Some(collection), Ok(())) => self.count(&graph, collection).await?,
            _ => None,
        };
        draft.end(ended, witness, &heard, self.granted_roles, (self.clock)())
    }

    async fn list(&self, graph: &Graph, source: &Source, draft: &mut Draft) -> Result<(), Trouble> {
        let mut pages = graph.objects(source.collection, &source.query);
        let mut storm = draft::Storm::of(graph);
        loop {
            match pages.next().await {
                Ok(Some(page)) => self.read(draft.page(page.items)?),
                Ok(None) => return Ok(()),
                Err(trouble) => storm.sit_out(trouble).await?,
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

    fn read(&self, objects: u64) {
        self.progress.send_modify(|progress| progress.objects += objects);
    }

    fn done(&self) {
        self.progress.send_modify(|progress| progress.done += 1);
    }
}

/// Reads what there is one of.
async fn single(graph: &Graph, resource: Resource, source: &Source, draft: &mut Draft) -> Result<(), Trouble> {
    let mut storm = draft::Storm::of(graph);
    loop {
        match graph.object(source.collection, &source.query).await {
            Ok(object) => return draft.only(resource, object),
            Err(trouble) => storm.sit_out(trouble).await?,
        }
    }
}
