//! Staging: pages stream from Graph into staging rows while the next page is on its way. Memory holds two pages,
//! whatever the size of the directory.
//!
//! A run that has to wait remembers its place and goes on from there; what it has staged stays.

mod place;
mod rows;

use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use place::{Part, Place};
pub use rows::Stager;

use self::rows::Rows;
use super::people;
use super::reading::Reading;
use super::run::{Identity, Staged};
use crate::microsoft::{DeltaFrom, DeltaLink, GROUP_SELECTION, PERSON_SELECTION, Pages, Trouble};
use crate::model::Noun;
use crate::model::sync_state::Collection;
use crate::run::Stop;

/// Tables that more rows than this came into are analysed before they are compared.
const MANY_ROWS: i64 = 1_000;
/// People that are read by id between two writes.
const ENTRANTS: usize = 500;

#[derive(diesel::QueryableByName)]
struct EntraId {
    #[diesel(sql_type = SqlUuid)]
    entra_id: Uuid,
}

impl Identity {
    /// Stages people: what changed, or everybody.
    pub(super) async fn stage_people(&mut self) -> Result<Staged, Stop> {
        let place = self.place_of(Noun::Contact);
        let staged = match self.go_on_with_people(place).await {
            Err(Stop::Trouble(Trouble::StartOver)) => {
                self.stager.discard(Noun::Contact).await?;
                self.stage_everybody().await?
            }
            other => other?,
        };
        if !staged.full {
            self.stage_entrants().await?;
        }
        self.stager.analyse(Noun::Contact, MANY_ROWS).await?;
        Ok(staged)
    }

    async fn go_on_with_people(&mut self, place: Option<Place>) -> Result<Staged, Stop> {
        match place {
            Some(Place {
                part: Part::Everybody { then },
                at,
                ..
            }) => {
                let rest = self.run.graph.users_from(&DeltaLink::stored(at));
                self.stage_list_of_people(rest, DeltaLink::stored(then)).await
            }
            Some(Place {
                part: Part::PeopleChanges { full },
                at,
                ..
            }) => self.stage_people_changes(DeltaLink::stored(at), full).await,
            _ => {
                self.stager.discard(Noun::Contact).await?;
                match self.link_to_go_on_from(Collection::People, PERSON_SELECTION).await? {
                    Some(link) => {
                        self.since(link, async |run, link| run.stage_people_changes(link, false).await)
                            .await
                    }
                    None => self.stage_everybody().await,
                }
            }
        }
    }

    /// Everybody: the place to go on from first, then the plain list, whose pages are the largest there are, then what
    /// changed meanwhile.
    async fn stage_everybody(&mut self) -> Result<Staged, Stop> {
        let mut from_now_on = self.run.graph.users_delta(DeltaFrom::Now);
        let mut then = None;
        while let Some(page) = from_now_on.next().await? {
            then = page.delta_link;
        }
        let then = then.ok_or_else(no_delta_link)?;
        self.stage_list_of_people(self.run.graph.users(), then).await
    }

    async fn stage_list_of_people(
        &mut self,
        pages: Pages<crate::microsoft::wire::User>,
        then: DeltaLink,
    ) -> Result<Staged, Stop> {
        self.stage_pages(
            pages,
            Part::Everybody {
                then: then.as_str().to_owned(),
            },
        )
        .await?;
        self.stage_people_changes(then, true).await
    }

    async fn stage_people_changes(&mut self, link: DeltaLink, full: bool) -> Result<Staged, Stop> {
        let pages = self.run.graph.users_delta(DeltaFrom::Link(link));
        let link = self.stage_pages(pages, Part::PeopleChanges { full }).await?;
        Ok(Staged {
            full,
            link: Some(link.ok_or_else(no_delta_link)?),
        })
    }

    /// People who enter without having changed themselves (a group that was selected by the rules has taken them in),
    /// or of whom a change told too little, are read by id.
    async fn stage_entrants(&mut self) -> Result<(), Stop> {
        let entrants: Vec<EntraId> = {
            let mut conn = self.run.pool.get().await?;
            diesel::sql_query(people::TO_READ)
                .bind::<SqlUuid, _>(self.run.claim.run.company_id)
                .bind::<SqlUuid, _>(self.run.claim.run.id)
                .bind::<BigInt, _>(self.run.claim.fence)
                .bind::<Bool, _>(false)
                .bind::<Bool, _>(self.rules.include_guests)
                .bind::<Bool, _>(self.rules.licensed_only)
                .bind::<Array<Text>, _>(Vec::<String>::new())
                .bind::<Array<SqlUuid>, _>(&self.rules.only_groups)
                .load(&mut conn)
                .await?
        };
        let entrants: Vec<Uuid> = entrants.into_iter().map(|row| row.entra_id).collect();
        for some in entrants.chunks(ENTRANTS) {
            let people = self.run.graph.users_by_id(some).await?;
            Rows::stage(&people, &mut self.stager).await?;
        }
        Ok(())
    }

    /// Stages groups with their members: what changed, or all of them.
    pub(super) async fn stage_groups(&mut self) -> Result<Staged, Stop> {
        let place = self.place_of(Noun::ContactGroup);
        let staged = match self.go_on_with_groups(place).await {
            Err(Stop::Trouble(Trouble::StartOver)) => {
                self.stager.discard(Noun::ContactGroup).await?;
                self.stage_groups_from(DeltaFrom::Beginning, true).await?
            }
            other => other?,
        };
        self.stager.analyse(Noun::ContactGroup, MANY_ROWS).await?;
        Ok(staged)
    }

    async fn go_on_with_groups(&mut self, place: Option<Place>) -> Result<Staged, Stop> {
        if let Some(Place {
            part: Part::Groups { full },
            at,
            ..
        }) = place
        {
            return self
                .stage_groups_from(DeltaFrom::Link(DeltaLink::stored(at)), full)
                .await;
        }
        self.stager.discard(Noun::ContactGroup).await?;
        match self.link_to_go_on_from(Collection::Groups, GROUP_SELECTION).await? {
            Some(link) => {
                self.since(link, async |run, link| {
                    run.stage_groups_from(DeltaFrom::Link(link), false).await
                })
                .await
            }
            None => self.stage_groups_from(DeltaFrom::Beginning, true).await,
        }
    }

    async fn stage_groups_from(&mut self, from: DeltaFrom, full: bool) -> Result<Staged, Stop> {
        let link = self
            .stage_pages(self.run.graph.groups_delta(from), Part::Groups { full })
            .await?;
        Ok(Staged {
            full,
            link: Some(link.ok_or_else(no_delta_link)?),
        })
    }

    /// Stages every device.
    pub(super) async fn stage_devices(&mut self) -> Result<Staged, Stop> {
        let pages = match self.place_of(Noun::Asset) {
            Some(Place { at, .. }) => self.run.graph.managed_devices_from(&DeltaLink::stored(at)),
            None => {
                self.stager.discard(Noun::Asset).await?;
                self.run.graph.managed_devices()
            }
        };
        self.stage_pages(pages, Part::Devices).await?;
        self.stager.analyse(Noun::Asset, MANY_ROWS).await?;
        Ok(Staged { full: true, link: None })
    }

    /// Stages page after page to the end, and keeps the place meanwhile; the delta link, if the chain ends with one.
    async fn stage_pages<T: Rows + DeserializeOwned + Send + Sync + 'static>(
        &mut self,
        mut pages: Pages<T>,
        part: Part,
    ) -> Result<Option<DeltaLink>, Stop> {
        let mut link = None;
        self.keep_place(&pages, &part);
        while let Some(page) = pages.next().await? {
            T::stage(&page.items, &mut self.stager).await?;
            self.read(page.items.len()).await?;
            link = page.delta_link;
            self.keep_place(&pages, &part);
        }
        Ok(link)
    }

    fn keep_place<T>(&mut self, pages: &Pages<T>, part: &Part) {
        self.place = pages.place().map(|at| Place {
            part: part.clone(),
            at: at.as_str().to_owned(),
            read: self.reading.as_ref().map_or(0, Reading::records),
            seq: self.stager.seq(),
        });
    }

    /// An incremental read. A stored link that is refused before anything was asked belongs to another address of
    /// Graph: that, too, only means to read in full.
    async fn since(
        &mut self,
        link: DeltaLink,
        stage: impl AsyncFnOnce(&mut Self, DeltaLink) -> Result<Staged, Stop>,
    ) -> Result<Staged, Stop> {
        let asked = self.run.graph.requests();
        match stage(self, link).await {
            Err(Stop::Trouble(Trouble::UntrustedLink)) if self.run.graph.requests() == asked => {
                Err(Trouble::StartOver.into())
            }
            other => other,
        }
    }
}

fn no_delta_link() -> Trouble {
    Trouble::UnexpectedResponse {
        what: "a round of changes ended without a place to go on from".into(),
    }
}
