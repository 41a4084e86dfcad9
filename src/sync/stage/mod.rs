//! Staging: pages stream from Graph into staging rows while the next page is on its way. Memory holds two pages,
//! whatever the size of the directory.

mod rows;

use diesel::sql_types::{Array, BigInt, Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub use rows::Stager;

use super::ending::Stop;
use super::people;
use super::run::{Run, Staged};
use crate::microsoft::wire::{GroupChange, UserChange};
use crate::microsoft::{DeltaFrom, DeltaLink, Page, Pages, Trouble};
use crate::model::sync_state::Collection;

/// Tables that more rows than this came into are analysed before they are compared.
const MANY_ROWS: i64 = 1_000;

#[derive(diesel::QueryableByName)]
struct EntraId {
    #[diesel(sql_type = SqlUuid)]
    entra_id: Uuid,
}

/// What becomes of an incremental read.
enum Incremental {
    Done(DeltaLink),
    /// The place to go on from is no longer known: read in full, quietly.
    StartOver,
}

impl Run {
    /// Stages people: what changed, or everybody.
    pub(super) async fn stage_people(&mut self) -> Result<Staged, Stop> {
        self.stager.discard(&["staged_person"]).await?;
        let link = self.link_to_go_on_from(Collection::People, crate::microsoft::PERSON_SELECTION).await?;
        if let Some(link) = link {
            match self.stage_changed_people(link).await? {
                Incremental::Done(link) => {
                    self.stage_entrants().await?;
                    return Ok(Staged { full: false, link: Some(link) });
                }
                Incremental::StartOver => self.stager.discard(&["staged_person"]).await?,
            }
        }
        let link = match self.stage_everybody().await {
            Err(Stop::Trouble(Trouble::StartOver)) => {
                self.stager.discard(&["staged_person"]).await?;
                self.stage_everybody().await?
            }
            other => other?,
        };
        self.stager.analyse("staged_person", MANY_ROWS).await?;
        Ok(Staged { full: true, link: Some(link) })
    }

    /// Everybody: the place to go on from first, then the plain list, whose pages are the largest there are, then what
    /// changed meanwhile.
    async fn stage_everybody(&mut self) -> Result<DeltaLink, Stop> {
        let from_now_on = last_link(self.graph.users_delta(DeltaFrom::Now)).await?;
        let mut pages = self.graph.users();
        let mut read = 0;
        while let Some(page) = pages.next().await? {
            read += count(&page.items);
            self.stager.people(&page.items).await?;
            self.reporter.read(read, None).await?;
        }
        self.stage_people_pages(self.graph.users_delta(DeltaFrom::Link(from_now_on)), read).await
    }

    async fn stage_changed_people(&mut self, link: DeltaLink) -> Result<Incremental, Stop> {
        let asked = self.graph.requests();
        let pages = self.graph.users_delta(DeltaFrom::Link(link));
        let staged = self.stage_people_pages(pages, 0).await;
        incremental(staged, self.graph.requests() > asked)
    }

    async fn stage_people_pages(&mut self, mut pages: Pages<UserChange>, mut read: i64) -> Result<DeltaLink, Stop> {
        let mut link = None;
        while let Some(page) = pages.next().await? {
            read += count(&page.items);
            self.stager.people_changes(&page.items).await?;
            self.reporter.read(read, None).await?;
            link = page.delta_link;
        }
        link.ok_or_else(|| no_delta_link().into())
    }

    /// People who enter without having changed themselves (a group that was selected by the rules has taken them in),
    /// or of whom a change told too little, are read by id.
    async fn stage_entrants(&mut self) -> Result<(), Stop> {
        let entrants: Vec<EntraId> = {
            let mut conn = self.pool.get().await?;
            diesel::sql_query(people::TO_READ)
                .bind::<SqlUuid, _>(self.claim.run.company_id)
                .bind::<SqlUuid, _>(self.claim.run.id)
                .bind::<BigInt, _>(self.claim.fence)
                .bind::<Bool, _>(false)
                .bind::<Bool, _>(self.rules.include_guests)
                .bind::<Bool, _>(self.rules.licensed_only)
                .bind::<Array<diesel::sql_types::Text>, _>(Vec::<String>::new())
                .bind::<Array<SqlUuid>, _>(&self.rules.only_groups)
                .load(&mut conn)
                .await?
        };
        let entrants: Vec<Uuid> = entrants.into_iter().map(|row| row.entra_id).collect();
        for some in entrants.chunks(500) {
            let people = self.graph.users_by_id(some).await?;
            self.stager.people(&people).await?;
        }
        Ok(())
    }

    /// Stages groups with their members: what changed, or all of them.
    pub(super) async fn stage_groups(&mut self) -> Result<Staged, Stop> {
        const TABLES: &[&str] = &["staged_group", "staged_member"];
        self.stager.discard(TABLES).await?;
        let link = self.link_to_go_on_from(Collection::Groups, crate::microsoft::GROUP_SELECTION).await?;
        if let Some(link) = link {
            let asked = self.graph.requests();
            let staged = self.stage_group_pages(self.graph.groups_delta(DeltaFrom::Link(link))).await;
            match incremental(staged, self.graph.requests() > asked)? {
                Incremental::Done(link) => return Ok(Staged { full: false, link: Some(link) }),
                Incremental::StartOver => self.stager.discard(TABLES).await?,
            }
        }
        let link = match self.stage_group_pages(self.graph.groups_delta(DeltaFrom::Beginning)).await {
            Err(Stop::Trouble(Trouble::StartOver)) => {
                self.stager.discard(TABLES).await?;
                self.stage_group_pages(self.graph.groups_delta(DeltaFrom::Beginning)).await?
            }
            other => other?,
        };
        self.stager.analyse("staged_group", MANY_ROWS).await?;
        self.stager.analyse("staged_member", MANY_ROWS).await?;
        Ok(Staged { full: true, link: Some(link) })
    }

    async fn stage_group_pages(&mut self, mut pages: Pages<GroupChange>) -> Result<DeltaLink, Stop> {
        let (mut link, mut read) = (None, 0);
        while let Some(page) = pages.next().await? {
            read += count(&page.items);
            self.stager.groups(&page.items).await?;
            self.reporter.read(read, None).await?;
            link = page.delta_link;
        }
        link.ok_or_else(|| no_delta_link().into())
    }

    /// Stages every device.
    pub(super) async fn stage_devices(&mut self) -> Result<Staged, Stop> {
        self.stager.discard(&["staged_device"]).await?;
        let mut pages = self.graph.managed_devices();
        let mut read = 0;
        while let Some(page) = pages.next().await? {
            read += count(&page.items);
            self.stager.devices(&page.items).await?;
            self.reporter.read(read, None).await?;
        }
        self.stager.analyse("staged_device", MANY_ROWS).await?;
        Ok(Staged { full: true, link: None })
    }
}

/// The link at the end of a round whose items are of no interest.
async fn last_link(mut pages: Pages<UserChange>) -> Result<DeltaLink, Stop> {
    let mut link = None;
    while let Some(Page { delta_link, .. }) = pages.next().await? {
        link = delta_link;
    }
    link.ok_or_else(|| no_delta_link().into())
}

/// A stored link that was refused before anything was asked belongs to another address of Graph: that, too, only means
/// to read in full.
fn incremental(staged: Result<DeltaLink, Stop>, asked: bool) -> Result<Incremental, Stop> {
    match staged {
        Ok(link) => Ok(Incremental::Done(link)),
        Err(Stop::Trouble(Trouble::StartOver)) => Ok(Incremental::StartOver),
        Err(Stop::Trouble(Trouble::UntrustedLink)) if !asked => Ok(Incremental::StartOver),
        Err(stop) => Err(stop),
    }
}

fn no_delta_link() -> Trouble {
    Trouble::UnexpectedResponse { what: "a round of changes ended without a place to go on from".into() }
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
