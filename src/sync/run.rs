//! One run: which kinds of record are read in which order, and what becomes of trouble on the way.
//!
//! Groups come first, because the sync rules may ask who is in them. A kind that fails leaves its own records as they
//! were; the others are applied all the same.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use tracing::Instrument as _;

use super::apply::{Plan, Statements};
use super::checkpoint::Checkpoint;
use super::ending::Stop;
use super::reporter::Reporter;
use super::stage::{Place, Stager};
use super::{devices, groups, people};
use crate::db::events::Events;
use crate::db::{Connection, Pool};
use crate::microsoft::{DeltaLink, Graph, Trouble};
use crate::model::sync_run::lease::{self, Claim};
use crate::model::sync_run::{Counts, RunFailure, SyncMode, SyncStatus};
use crate::model::sync_state::{self, Collection, SyncState};
use crate::model::{Noun, SyncGuard, SyncRules, Tenant, session, sync_guard, sync_rules, tenant};
use crate::telemetry::metrics;

/// How long a fresh consent may take to reach every part of Microsoft.
const CONSENT_TAKES: TimeDelta = TimeDelta::minutes(15);
/// The grants of one consent need not be seen all at once, but nearly.
const GRANTS_COME_TOGETHER: TimeDelta = TimeDelta::seconds(60);
/// Delta links live 7 days; a full read comes in good time before that.
const FULL_EVERY: TimeDelta = TimeDelta::hours(7 * 24 - 6);

/// The version of rules that are on trial.
const TRIED: i64 = -1;

/// One claimed run.
pub struct Run {
    pub(super) pool: Pool,
    pub(super) graph: Graph,
    pub(super) tenant: Tenant,
    pub(super) claim: Claim,
    pub(super) reporter: Reporter,
    pub(super) stager: Stager,
    pub(super) rules: SyncRules,
    /// Where the reading is, to go on from after a wait.
    pub(super) place: Option<Place>,
    /// The kinds that could not be read, and why.
    failed: Vec<(Noun, RunFailure)>,
    rules_version: i64,
    began: DateTime<Utc>,
}

/// What was staged of one kind of record.
pub(super) struct Staged {
    /// Everything was read, not only what changed.
    pub full: bool,
    /// Where the next read goes on.
    pub link: Option<DeltaLink>,
}

/// The database's clock: the one that leases and records go by.
///
/// # Errors
/// When the database fails.
pub(super) async fn now(conn: &mut Connection) -> diesel::QueryResult<DateTime<Utc>> {
    let clock = diesel::dsl::sql::<diesel::sql_types::Timestamptz>("clock_timestamp()");
    diesel_async::RunQueryDsl::get_result(diesel::select(clock), conn).await
}

impl Run {
    /// Makes ready to perform what was claimed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(pool: Pool, events: Events, graph: Graph, tenant: Tenant, claim: Claim) -> Result<Self, Stop> {
        let (saved, rules_version, began) = {
            let mut conn = pool.get().await?;
            let (saved, version) = sync_rules::get(&mut conn, claim.run.company_id).await?;
            (saved, version, now(&mut conn).await?)
        };
        let tried: Option<SyncRules> = claim
            .rules
            .clone()
            .map(serde_json::from_value)
            .transpose()
            .map_err(anyhow::Error::from)?;
        // Rules on trial are others than any that were ever saved.
        let rules_version = if tried.is_some() { TRIED } else { rules_version };
        let mut checkpoint = Checkpoint::read(claim.checkpoint.clone())?;
        let place = checkpoint.place_under(rules_version);
        let (stager, place) = Stager::open(pool.raw().await?, claim.run.id, claim.fence, place).await?;
        let reporter = Reporter::new(pool.clone(), events, graph.clone(), claim.clone());
        Ok(Self {
            pool,
            graph,
            tenant,
            claim,
            reporter,
            stager,
            rules: tried.unwrap_or(saved),
            place,
            failed: checkpoint.failed,
            rules_version,
            began,
        })
    }

    /// Reads, plans, guards and applies, and writes down how it ended.
    ///
    /// # Errors
    /// What keeps the run from ending here: see [`Stop`].
    pub async fn perform(&mut self) -> Result<(), Stop> {
        self.note_granted().await?;
        if let Err(stop) = self.check_tenant().await {
            return Err(self.weigh(stop).await?);
        }
        for noun in [Noun::ContactGroup, Noun::Contact, Noun::Asset] {
            if self.reporter.is_settled(noun) || self.failed.iter().any(|(failed, _)| *failed == noun) {
                continue;
            }
            let done = match noun {
                Noun::ContactGroup => self.groups().await,
                Noun::Contact => self.people().await,
                Noun::Asset => self.devices().await,
            };
            let Err(stop) = done else { continue };
            match self.weigh(stop).await? {
                Stop::Trouble(trouble) => self.fail(noun, &trouble).await?,
                stop => return Err(stop),
            }
        }
        self.stager.discard_all().await?;
        self.finish().await
    }

    /// What was staged of the kind is thrown away; its records stay as they were.
    async fn fail(&mut self, noun: Noun, trouble: &Trouble) -> Result<(), Stop> {
        self.place = None;
        self.stager.discard(noun).await?;
        self.failed.push((noun, RunFailure::from(trouble)));
        Ok(())
    }

    /// Where the run goes on when it has to wait.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            place: self.place.clone(),
            failed: self.failed.clone(),
            rules_version: self.rules_version,
        }
    }

    async fn finish(&mut self) -> Result<(), Stop> {
        let Some((noun, cause)) = self.failed.first() else {
            let message = if self.claim.run.dry_run {
                "Dry run complete"
            } else {
                "Sync complete"
            };
            return self.reporter.finish(SyncStatus::Succeeded, message.into(), None).await;
        };
        let what = match noun {
            Noun::Contact => "Contacts",
            Noun::ContactGroup => "Groups",
            Noun::Asset => "Assets",
        };
        let failure = RunFailure {
            message: format!("{what} could not be read. {}", cause.message),
            ..cause.clone()
        };
        let (status, message) = if self.reporter.brought_nothing() {
            (SyncStatus::Failed, failure.message.clone())
        } else {
            (
                SyncStatus::Partial,
                format!("Sync partly complete. {}", failure.message),
            )
        };
        self.reporter.finish(status, message, Some(&failure)).await
    }

    /// What becomes of trouble: some of it passes, some concerns one kind of record, some ends the run.
    async fn weigh(&self, stop: Stop) -> Result<Stop, Stop> {
        let Stop::Trouble(trouble) = stop else { return Ok(stop) };
        Ok(match &trouble {
            Trouble::Throttled { retry_after } => {
                metrics::throttle_handed_back(*retry_after);
                Stop::Wait {
                    delay: *retry_after,
                    message: format!(
                        "Waiting for Microsoft, which asks for {} seconds",
                        retry_after.as_secs().max(1)
                    ),
                }
            }
            Trouble::ConsentMissing | Trouble::PermissionMissing { .. } if self.may_be_late(&trouble).await => {
                Stop::Wait {
                    delay: self.consent_delay(),
                    message: "Waiting for Microsoft to apply consent".into(),
                }
            }
            Trouble::CredentialRefused { .. } => Stop::WaitForOperator {
                delay: lease::patience(self.began - self.claim.run.queued_at),
                failure: RunFailure::from(&trouble),
            },
            Trouble::ConsentMissing | Trouble::TenantUnknown => {
                self.need_reconnect(&trouble).await?;
                return Err(Stop::Trouble(trouble));
            }
            Trouble::BlockedByPolicy | Trouble::TokenRefused => {
                return Err(Stop::Trouble(trouble));
            }
            _ => Stop::Trouble(trouble),
        })
    }

    async fn need_reconnect(&self, trouble: &Trouble) -> Result<(), Stop> {
        let (run_id, fence, company_id) = (self.claim.run.id, self.claim.fence, self.claim.run.company_id);
        let mut conn = self.pool.get().await?;
        conn.transaction(async |conn| -> Result<(), Stop> {
            lease::check(conn, run_id, fence).await?;
            let now = now(conn).await?;
            tenant::need_reconnect(conn, now, company_id, self.graph.tenant(), &trouble.message()).await?;
            Ok(())
        })
        .await
    }

    fn consent_age(&self) -> TimeDelta {
        self.tenant
            .connected_at
            .map_or(TimeDelta::MAX, |connected| self.began - connected)
    }

    /// Whether what is missing may yet come, because the consent is fresh. A permission that was not among what was granted
    /// does not come: then there is nothing to wait for.
    async fn may_be_late(&self, trouble: &Trouble) -> bool {
        let age = self.consent_age();
        match trouble {
            _ if age >= CONSENT_TAKES => false,
            Trouble::PermissionMissing { permission } if age >= GRANTS_COME_TOGETHER => {
                !self.graph.was_not_granted(permission).await
            }
            _ => true,
        }
    }

    /// Keeps what the tenant has granted, as its token says. Trouble with the token is for the first question to meet.
    async fn note_granted(&self) -> Result<(), Stop> {
        let Ok(granted) = self.graph.granted_permissions().await else {
            return Ok(());
        };
        let mut conn = self.pool.get().await?;
        tenant::note_granted(&mut conn, self.claim.run.company_id, self.graph.tenant(), &granted).await?;
        Ok(())
    }

    /// Longer and longer, from a second to half a minute.
    fn consent_delay(&self) -> Duration {
        let quarter = self.consent_age().to_std().unwrap_or_default() / 4;
        quarter.clamp(Duration::from_secs(1), Duration::from_secs(30))
    }

    /// Where the reading of this kind stopped when the run had to wait.
    pub(super) fn place_of(&mut self, noun: Noun) -> Option<Place> {
        self.place.take_if(|place| place.noun() == noun)
    }

    /// Where an incremental read starts, unless a full one is due.
    pub(super) async fn link_to_go_on_from(
        &self,
        collection: Collection,
        selection: &str,
    ) -> Result<Option<DeltaLink>, Stop> {
        if self.claim.run.mode == SyncMode::Full {
            return Ok(None);
        }
        let mut conn = self.pool.get().await?;
        let state = sync_state::find(&mut conn, self.claim.run.company_id, collection).await?;
        let usable = state.filter(|state| {
            state.entra_tenant_id == self.graph.tenant()
                && state.selection == selection
                && (collection == Collection::Groups || state.rules_version == self.rules_version)
                && self.began - state.full_at < FULL_EVERY
        });
        Ok(usable.map(|state| DeltaLink::stored(state.delta_link)))
    }

    /// Plans, guards and applies one kind in one transaction, with the link that the next read goes on from.
    pub(super) async fn settle(
        &mut self,
        noun: Noun,
        statements: &Statements,
        prepare: &[&str],
        staged: Staged,
        state: Option<(Collection, &str)>,
    ) -> Result<(), Stop> {
        let applying = tracing::debug_span!("apply", %noun);
        self.settle_all(noun, statements, prepare, staged, state)
            .instrument(applying)
            .await
    }

    async fn settle_all(
        &mut self,
        noun: Noun,
        statements: &Statements,
        prepare: &[&str],
        staged: Staged,
        state: Option<(Collection, &str)>,
    ) -> Result<(), Stop> {
        let mut conn = self.pool.get().await?;
        let (dry_run, company_id) = (self.claim.run.dry_run, self.claim.run.company_id);
        let this = &*self;
        let counts = conn
            .transaction(async |conn| -> Result<Counts, Stop> {
                this.stager.require_intact(conn).await?;
                let before = match state {
                    Some((collection, _)) => sync_state::find(conn, company_id, collection).await?,
                    None => None,
                };
                let now = now(conn).await?;
                let guard = sync_guard::get(conn, company_id).await?;
                let plan = this.plan(noun, statements, staged.full, before.as_ref(), guard, now);
                for statement in prepare {
                    plan.run(conn, statement).await?;
                }
                let counts = plan.carry_out(conn, dry_run).await?;
                // Who was let go, or out of a group, is out of the portal with the same commit.
                session::end_those_without_entry(conn, now, company_id).await?;
                // Forgotten since it was gone on from: the next run is to read in full.
                let forgotten = !staged.full && before.is_none();
                if !forgotten && let (false, Some((collection, selection)), Some(link)) = (dry_run, state, &staged.link)
                {
                    let full_at = before.filter(|_| !staged.full).map_or(now, |before| before.full_at);
                    sync_state::save(
                        conn,
                        &SyncState {
                            company_id,
                            collection,
                            entra_tenant_id: this.graph.tenant(),
                            delta_link: link.as_str().to_owned(),
                            selection: selection.to_owned(),
                            rules_version: this.rules_version,
                            full_at,
                            updated_at: now,
                        },
                    )
                    .await?;
                }
                // Last but one: whoever strikes a slot or claims a run of the company waits for this row.
                if noun == Noun::Contact && !dry_run {
                    tenant::note_size(conn, company_id).await?;
                }
                this.reporter.settle(conn, &counts).await?;
                Ok(counts)
            })
            .await?;
        self.reporter.settled(counts);
        Ok(())
    }

    fn plan<'p>(
        &'p self,
        noun: Noun,
        statements: &'p Statements,
        full: bool,
        before: Option<&SyncState>,
        guard: SyncGuard,
        now: DateTime<Utc>,
    ) -> Plan<'p> {
        Plan {
            noun,
            statements,
            company_id: self.claim.run.company_id,
            run_id: self.claim.run.id,
            fence: self.claim.fence,
            full,
            rules: &self.rules,
            guard,
            rules_changed: before.is_some_and(|before| before.rules_version != self.rules_version),
            now,
        }
    }

    /// Says what is being read now; how far it is can be told by how many records there are already.
    async fn begin(&mut self, noun: Noun, statements: &Statements) -> Result<(), Stop> {
        let known = {
            let mut conn = self.pool.get().await?;
            super::apply::count_active(&mut conn, statements, self.claim.run.company_id).await?
        };
        let read = self
            .place
            .as_ref()
            .filter(|place| place.noun() == noun)
            .map_or(0, |place| place.read);
        self.reporter.begin(noun, known, read).await
    }

    async fn groups(&mut self) -> Result<(), Stop> {
        self.begin(Noun::ContactGroup, &groups::STATEMENTS).await?;
        let staged = self.stage_groups().await?;
        let prepare = [groups::FOLD, groups::FOLD_MEMBERS, groups::FILL];
        let state = Some((Collection::Groups, crate::microsoft::GROUP_SELECTION));
        self.settle(Noun::ContactGroup, &groups::STATEMENTS, &prepare, staged, state)
            .await
    }

    async fn people(&mut self) -> Result<(), Stop> {
        self.begin(Noun::Contact, &people::STATEMENTS).await?;
        self.require_group_members().await?;
        let staged = self.stage_people().await?;
        let mut prepare = vec![people::FOLD, people::DROP_UNREADABLE, people::FILL];
        if !self.rules.admit_everybody() {
            prepare.push(people::RULE_OUT);
        }
        let state = Some((Collection::People, crate::microsoft::PERSON_SELECTION));
        self.settle(Noun::Contact, &people::STATEMENTS, &prepare, staged, state)
            .await
    }

    /// Rules that ask who is in a group cannot be judged while no group was ever read.
    async fn require_group_members(&self) -> Result<(), Stop> {
        if self.rules.only_groups.is_empty() || self.reporter.is_settled(Noun::ContactGroup) {
            return Ok(());
        }
        let mut conn = self.pool.get().await?;
        match sync_state::find(&mut conn, self.claim.run.company_id, Collection::Groups).await? {
            Some(_) => Ok(()),
            None => Err(Trouble::UnexpectedResponse {
                what: "the groups that the sync rules name could not be read".into(),
            }
            .into()),
        }
    }

    async fn devices(&mut self) -> Result<(), Stop> {
        self.begin(Noun::Asset, &devices::STATEMENTS).await?;
        let staged = match self.stage_devices().await {
            Ok(staged) => staged,
            Err(Stop::Trouble(trouble @ Trouble::NotAvailable { .. })) => {
                return self.skip(Noun::Asset, &trouble).await;
            }
            Err(stop) => return Err(stop),
        };
        let prepare = [
            devices::FOLD,
            devices::TAKE_OVER_BY_DEVICE,
            devices::TAKE_OVER_BY_SERIAL,
        ];
        self.settle(Noun::Asset, &devices::STATEMENTS, &prepare, staged, None)
            .await
    }

    /// The tenant cannot have this kind: nothing is read, nothing is lost, and the run says why.
    async fn skip(&mut self, noun: Noun, why: &Trouble) -> Result<(), Stop> {
        let counts = Counts {
            skipped_because: Some(why.message()),
            ..Counts::none(noun)
        };
        let mut conn = self.pool.get().await?;
        self.reporter.settle(&mut conn, &counts).await?;
        self.reporter.settled(counts);
        Ok(())
    }
}
