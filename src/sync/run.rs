//! One run: which kinds of record are read in which order, and what becomes of trouble on the way.
//!
//! Groups come first, because the sync rules may ask who is in them. A kind that fails leaves its own records as they
//! were; the others are applied all the same.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::apply::{Plan, Statements};
use super::checkpoint::Checkpoint;
use super::reading::Reading;
use super::stage::{Place, Stager};
use super::{devices, groups, people};
use crate::db::Pool;
use crate::db::events::Events;
use crate::microsoft::{DeltaLink, Microsoft, Trouble};
use crate::model::clock::part_of;
use crate::model::sync_run::lease::Claim;
use crate::model::sync_run::{Counts, RunFailure, SyncMode, SyncStatus};
use crate::model::sync_state::{self, Collection, SyncState};
use crate::model::{Noun, SyncGuard, SyncRules, session, sync_guard, sync_rules, tenant};
use crate::run::{self, Run, Stop, now};

/// Delta links live 7 days; a full read comes in good time before that.
const FULL_EVERY: TimeDelta = TimeDelta::hours(7 * 24 - 6);

/// Companies that were read in full on one day are not all read in full on one day again.
const FULL_SPREAD: TimeDelta = TimeDelta::hours(48);

/// The version of rules that are on trial.
const TRIED: i64 = -1;

/// Performs identity runs.
#[derive(Clone)]
pub struct Engine(run::Engine);

impl Engine {
    /// An engine over this database and this way to Microsoft.
    pub fn new(pool: Pool, microsoft: Microsoft, events: Events) -> Self {
        Self(run::Engine {
            pool,
            microsoft,
            events,
        })
    }

    /// Performs the run and writes down how it ended: finished, waiting, or handed back when `stop` is cancelled. A
    /// run whose lease was lost is left alone.
    pub async fn perform(&self, claim: Claim, stop: CancellationToken) {
        let (run_id, fence) = (claim.run.id, claim.fence);
        let work = async { Identity::new(self.0.take_up(claim).await?).await?.perform().await };
        self.0.perform(run_id, fence, work, stop).await;
    }
}

/// One claimed run of kind IDENTITY.
pub struct Identity {
    pub(super) run: Run,
    pub(super) stager: Stager,
    pub(super) rules: SyncRules,
    /// Where the reading is, to go on from after a wait.
    pub(super) place: Option<Place>,
    pub(super) reading: Option<Reading>,
    /// The kinds that could not be read, and why.
    failed: Vec<(Noun, RunFailure)>,
    rules_version: i64,
}

/// What was staged of one kind of record.
pub(super) struct Staged {
    /// Everything was read, not only what changed.
    pub full: bool,
    /// Where the next read goes on.
    pub link: Option<DeltaLink>,
}

impl Identity {
    /// Makes ready to perform what was taken up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(run: Run) -> Result<Self, Stop> {
        let (saved, rules_version) = {
            let mut conn = run.pool.get().await?;
            sync_rules::get(&mut conn, run.claim.run.company_id).await?
        };
        let tried: Option<SyncRules> = run
            .claim
            .rules
            .clone()
            .map(serde_json::from_value)
            .transpose()
            .map_err(anyhow::Error::from)?;
        // Rules on trial are others than any that were ever saved.
        let rules_version = if tried.is_some() { TRIED } else { rules_version };
        let mut checkpoint = Checkpoint::read(run.claim.checkpoint.clone())?;
        let place = checkpoint.place_under(rules_version);
        let (stager, place) = Stager::open(run.pool.raw().await?, run.claim.run.id, run.claim.fence, place).await?;
        Ok(Self {
            run,
            stager,
            rules: tried.unwrap_or(saved),
            place,
            reading: None,
            failed: checkpoint.failed,
            rules_version,
        })
    }

    /// Performs it, and writes down how it ended.
    ///
    /// # Errors
    /// What keeps it from ending here.
    pub async fn perform(mut self) -> Result<(), Stop> {
        let done = run::within(run::LONGEST, self.work()).await;
        let checkpoint = self.checkpoint();
        self.run.end(done, &checkpoint).await
    }

    /// Reads, plans, guards and applies.
    async fn work(&mut self) -> Result<(), Stop> {
        match self.run.note_granted().await {
            // The first question meets it again.
            Err(Stop::Trouble(_)) => {}
            noted => drop(noted?),
        }
        if let Err(stop) = self.check_tenant().await {
            return Err(self.run.weigh(stop).await?);
        }
        for noun in [Noun::ContactGroup, Noun::Contact, Noun::Asset] {
            if self.run.is_settled(noun) || self.failed.iter().any(|(failed, _)| *failed == noun) {
                continue;
            }
            let done = match noun {
                Noun::ContactGroup => self.groups().await,
                Noun::Contact => self.people().await,
                Noun::Asset => self.devices().await,
            };
            let Err(stop) = done else { continue };
            match self.run.weigh(stop).await? {
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
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            place: self.place.clone(),
            failed: self.failed.clone(),
            rules_version: self.rules_version,
        }
    }

    async fn finish(&mut self) -> Result<(), Stop> {
        let Some((noun, cause)) = self.failed.first() else {
            let message = if self.run.claim.run.dry_run {
                "Dry run complete"
            } else {
                "Sync complete"
            };
            return self.run.finish(SyncStatus::Succeeded, message.into(), None).await;
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
        let (status, message) = if self.run.brought_nothing() {
            (SyncStatus::Failed, failure.message.clone())
        } else {
            (
                SyncStatus::Partial,
                format!("Sync partly complete. {}", failure.message),
            )
        };
        self.run.finish(status, message, Some(&failure)).await
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
        if self.run.claim.run.mode == SyncMode::Full {
            return Ok(None);
        }
        let mut conn = self.run.pool.get().await?;
        let state = sync_state::find(&mut conn, self.run.claim.run.company_id, collection).await?;
        let full_every = FULL_EVERY - part_of(self.run.claim.run.company_id, FULL_SPREAD);
        let usable = state.filter(|state| {
            state.entra_tenant_id == self.run.graph.tenant()
                && state.selection == selection
                && (collection == Collection::Groups || state.rules_version == self.rules_version)
                && self.run.began - state.full_at < full_every
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
        let mut conn = self.run.pool.get().await?;
        let (dry_run, company_id) = (self.run.claim.run.dry_run, self.run.claim.run.company_id);
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
                // Late, and in the order of whoever disconnects: strikers of slots, people who decide about held changes and
                // those who sign in wait for these rows.
                if noun == Noun::Contact && !dry_run {
                    tenant::note_size(conn, company_id).await?;
                }
                if let (false, Some((collection, selection)), Some(link)) = (dry_run, state, &staged.link) {
                    let full_at = before
                        .as_ref()
                        .filter(|_| !staged.full)
                        .map_or(now, |before| before.full_at);
                    let after = SyncState {
                        company_id,
                        collection,
                        entra_tenant_id: this.run.graph.tenant(),
                        delta_link: link.as_str().to_owned(),
                        selection: selection.to_owned(),
                        rules_version: this.rules_version,
                        full_at,
                        updated_at: now,
                    };
                    match before {
                        None if staged.full => sync_state::begin(conn, &after).await?,
                        // Forgotten since it was gone on from, as it may be at this moment: the next run reads in full.
                        None => {}
                        Some(_) => sync_state::go_on(conn, &after).await?,
                    }
                }
                this.run.settle(conn, &counts).await?;
                // Who was let go, or out of a group, is out of the portal with the same commit.
                session::end_those_without_entry(conn, now, company_id).await?;
                Ok(counts)
            })
            .await?;
        self.run.settled(counts);
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
            company_id: self.run.claim.run.company_id,
            run_id: self.run.claim.run.id,
            fence: self.run.claim.fence,
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
            let mut conn = self.run.pool.get().await?;
            super::apply::count_active(&mut conn, statements, self.run.claim.run.company_id).await?
        };
        let read = self
            .place
            .as_ref()
            .filter(|place| place.noun() == noun)
            .map_or(0, |place| place.read);
        let (stage, percent) = self.reading.insert(Reading::new(noun, known, read)).begins();
        self.run.begin(stage, percent).await
    }

    /// So many records more of the kind were read.
    pub(super) async fn read(&mut self, records: usize) -> Result<(), Stop> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let (message, percent) = reading.read(records);
        self.run.progress(message, percent).await
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
        if self.rules.only_groups.is_empty() || self.run.is_settled(Noun::ContactGroup) {
            return Ok(());
        }
        let mut conn = self.run.pool.get().await?;
        match sync_state::find(&mut conn, self.run.claim.run.company_id, Collection::Groups).await? {
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
        let mut conn = self.run.pool.get().await?;
        self.run.settle(&mut conn, &counts).await?;
        self.run.settled(counts);
        Ok(())
    }
}
