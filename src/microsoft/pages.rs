//! A collection, page by page: while the caller works on one page, the next is on its way. One ahead, never more, so that
//! memory does not grow with the directory.
//!
//! The danger: a chain that ends early looks like a small tenant, and somebody would be deactivated. So a page is taken
//! whole or not at all, the end of a delta round is its delta link and nothing else, a future that is dropped loses no
//! page, and after an error the next call asks for the same page again.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::collection::Collection;
use super::graph::{BadAnswer, read_json};
use super::link::{DeltaLink, TrustedLink};
use super::{Graph, Trouble};
use crate::telemetry::metrics;

/// More pages than a directory of millions has.
const MOST_PAGES: usize = 20_000;

/// More items than any page of Graph has (999 at most by contract), so that tiny items cannot fill memory.
const MOST_ITEMS: usize = 10_000;

/// One page.
pub struct Page<T> {
    /// In the order they came. The same object may come again, later or earlier in the chain.
    pub items: Vec<T>,
    /// On the last page of a delta round: where the next round starts. To be stored with what the round brought.
    pub delta_link: Option<DeltaLink>,
}

/// The pages of one collection. Dropping it drops the page that is on its way.
pub struct Pages<T> {
    graph: Graph,
    collection: Collection,
    position: Position,
    on_its_way: JoinSet<Result<Parsed<T>, Trouble>>,
    seen: HashSet<u64>,
    hasher: RandomState,
    most_pages: usize,
    items: PhantomData<T>,
}

/// What is asked next.
enum Position {
    At(TrustedLink),
    Refused(Trouble),
    End,
}

impl<T> Pages<T> {
    pub(crate) fn new(graph: Graph, collection: Collection, start: Result<TrustedLink, Trouble>) -> Self {
        let mut pages = Self {
            graph,
            collection,
            position: Position::End,
            on_its_way: JoinSet::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            most_pages: MOST_PAGES,
            items: PhantomData,
        };
        pages.position = match start.and_then(|link| pages.not_seen(link)) {
            Ok(link) => Position::At(link),
            Err(trouble) => Position::Refused(trouble),
        };
        pages
    }

    /// Remembers the link. Only a hash is kept: links are long and there may be thousands.
    fn not_seen(&mut self, link: TrustedLink) -> Result<TrustedLink, Trouble> {
        if !self.seen.insert(self.hasher.hash_one(link.url().as_str())) {
            return Err(Trouble::PagingLoop);
        }
        if self.seen.len() > self.most_pages {
            return Err(Trouble::TooLarge {
                what: "the number of pages",
            });
        }
        Ok(link)
    }
}

impl<T> Pages<T> {
    /// Where the page that comes next is, to go on from after a long wait; none at the end.
    pub fn place(&self) -> Option<DeltaLink> {
        match &self.position {
            Position::At(link) => Some(DeltaLink::new(self.graph.tenant(), link)),
            Position::Refused(_) | Position::End => None,
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    /// The next page, or `None` after the last. After an error the same page can be asked for again, for example when
    /// the time of [`Trouble::Throttled`] has passed.
    ///
    /// # Errors
    /// Any [`Trouble`]. What was returned before stays valid, but is not the whole.
    pub async fn next(&mut self) -> Result<Option<Page<T>>, Trouble> {
        match &self.position {
            Position::End => return Ok(None),
            Position::Refused(trouble) => return Err(trouble.clone()),
            Position::At(link) if self.on_its_way.is_empty() => {
                let link = link.clone();
                self.fetch(link);
            }
            Position::At(_) => {}
        }
        // The position moves only once the page is here: a caller may drop this future at the next line.
        let parsed = match self.on_its_way.join_next().await {
            Some(Ok(parsed)) => parsed?,
            Some(Err(failed)) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Some(Err(_)) | None => return Err(Trouble::Unavailable),
        };
        self.turn(parsed)
            .inspect(|page| metrics::page_read(self.collection.label(), page.items.len()))
            .map(Some)
            .inspect_err(|trouble| self.position = Position::Refused(trouble.clone()))
    }

    fn fetch(&mut self, link: TrustedLink) {
        let (graph, collection) = (self.graph.clone(), self.collection);
        let fetch = async move { graph.get(collection, &link, parse::<T>).await };
        self.on_its_way.spawn(fetch.in_current_span());
    }

    /// Moves on to the page after this one.
    fn turn(&mut self, parsed: Parsed<T>) -> Result<Page<T>, Trouble> {
        let Parsed { next, delta, value } = parsed;
        if value.overflow {
            return Err(Trouble::TooLarge {
                what: "the number of items on a page",
            });
        }
        let delta_link = match (next, delta) {
            (Some(_), Some(_)) => {
                return Err(Trouble::unexpected("a page has both a next link and a delta link"));
            }
            (Some(next), None) => {
                let link = self.graph.trust(self.collection, &next)?;
                let link = self.not_seen(link)?;
                self.position = Position::At(link.clone());
                self.fetch(link);
                None
            }
            (None, Some(delta)) if self.collection.is_delta() => {
                let link = self.graph.trust(self.collection, &delta)?;
                self.position = Position::End;
                Some(DeltaLink::new(self.graph.tenant(), &link))
            }
            (None, None) if self.collection.is_delta() => {
                return Err(Trouble::unexpected("a round of changes ends without a delta link"));
            }
            (None, _) => {
                self.position = Position::End;
                None
            }
        };
        Ok(Page {
            items: value.items,
            delta_link,
        })
    }
}

#[derive(serde::Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Parsed<T> {
    #[serde(rename = "@odata.nextLink")]
    next: Option<Box<str>>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<Box<str>>,
    value: Items<T>,
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Parsed<T>, BadAnswer> {
    read_json(bytes)
}

struct Items<T> {
    items: Vec<T>,
    /// There were more than we hold; the rest was skipped.
    overflow: bool,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = Items<T>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<T>, A::Error> {
                let mut items = Vec::new();
                while items.len() < MOST_ITEMS {
                    match list.next_element()? {
                        Some(item) => items.push(item),
                        None => {
                            return Ok(Items { items, overflow: false });
                        }
                    }
                }
                let overflow = list.next_element::<IgnoredAny>()?.is_some();
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Items { items, overflow })
            }
        }

        deserializer.deserialize_seq(Bounded(PhantomData))
    }
}
