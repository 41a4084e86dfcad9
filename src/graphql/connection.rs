//! Relay connections over keyset pages.
//!
//! A cursor says where a row stands in one ordering and is refused in another. `totalCount` and the page flags that
//! need a look beyond the cursor are asked only when they are selected, once for all siblings.

mod cursor;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Context, Object, OutputType, TypeName};

use super::error::{Answer, Fault};
use super::siblings::{Kin, Siblings};
use super::{given, scope};
use crate::db::Pool;
use crate::model::page::{self, End, Listing, Mark, Order, Owner, Row, Slice};

const DEFAULT_PAGE: u16 = 25;
const MOST_A_PAGE: u16 = 100;

/// A type that comes in connections.
pub trait Listed: OutputType + Sized {
    /// The row behind it.
    type Row: Row;
    /// The node of a row.
    fn of(ctx: &Context<'_>, row: Kin<Self::Row>) -> impl Future<Output = Answer<Self>> + Send;
}

/// The arguments of a connection, as they came.
pub struct Paging {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

impl Paging {
    fn slice(self, order: Order) -> Answer<Slice> {
        let (end, most) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(Fault::bad_input("first, last", "Send one of them, not both."));
            }
            (None, Some(last)) => (End::Last, size("last", last)?),
            (Some(first), None) => (End::First, size("first", first)?),
            (None, None) => (End::First, DEFAULT_PAGE),
        };
        Ok(Slice {
            end,
            most,
            after: self.after.map(|text| cursor::read("after", &text, order)).transpose()?,
            before: self
                .before
                .map(|text| cursor::read("before", &text, order))
                .transpose()?,
        })
    }
}

fn size(argument: &str, asked: i32) -> Answer<u16> {
    match u16::try_from(asked) {
        Err(_) if asked < 0 => Err(Fault::bad_input(argument, "A page cannot have fewer than 0 rows.")),
        Ok(most) if most <= MOST_A_PAGE => Ok(most),
        _ => Err(Fault::limit(
            argument,
            "A page has at most 100 rows. Ask for 100 or fewer, then for the next page with the cursor.",
        )),
    }
}

/// One owner's page, as a Relay connection.
pub struct Connection<N: Listed> {
    stretch: Arc<Pages<N::Row>>,
    list: List,
}

/// A list, whose it is, and who else asks for it.
#[derive(Clone)]
struct List {
    siblings: Arc<Siblings>,
    owner: Owner,
    listing: Listing,
    slice: Slice,
}

type Pages<T> = HashMap<Owner, Stretch<T>>;

struct Stretch<T> {
    rows: Vec<(Kin<T>, Mark)>,
    more: bool,
}

impl<N: Listed> Connection<N> {
    /// The page of one owner among siblings, read for all of them at once.
    pub async fn of_owner(
        ctx: &Context<'_>,
        siblings: &Arc<Siblings>,
        owner: Owner,
        listing: Listing,
        paging: Paging,
    ) -> Answer<Self> {
        let slice = paging.slice(listing.order)?;
        let stretch = pages(ctx, siblings, &listing, &slice).await?;
        let list = List {
            siblings: siblings.clone(),
            owner,
            listing,
            slice,
        };
        Ok(Self { stretch, list })
    }

    /// A page of a list that is nobody's in particular.
    pub async fn of_nobody(ctx: &Context<'_>, listing: Listing, paging: Paging) -> Answer<Self> {
        let siblings = Siblings::new(vec![Owner::NOBODY]);
        Self::of_owner(ctx, &siblings, Owner::NOBODY, listing, paging).await
    }

    fn stretch(&self) -> Option<&Stretch<N::Row>> {
        self.stretch.get(&self.list.owner)
    }

    fn cursor(&self, end: Option<&(Kin<N::Row>, Mark)>) -> Option<String> {
        end.map(|(_, mark)| cursor::show(self.list.listing.order, mark))
    }
}

/// The first row of each sibling's list; one that has none is not in the answer.
pub async fn first_of_each<T: Row>(
    ctx: &Context<'_>,
    siblings: &Arc<Siblings>,
    owner: Owner,
    listing: &Listing,
) -> Answer<Option<Kin<T>>> {
    let pages = pages::<T>(ctx, siblings, listing, &Slice::ONE).await?;
    let first = pages.get(&owner).and_then(|page| page.rows.first());
    Ok(first.map(|(row, _)| row.clone()))
}

async fn pages<T: Row>(
    ctx: &Context<'_>,
    siblings: &Arc<Siblings>,
    listing: &Listing,
    slice: &Slice,
) -> Answer<Arc<Pages<T>>> {
    let scope = scope(ctx)?;
    siblings
        .share((listing.clone(), slice.clone()), || async {
            let read = given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    Ok(page::list::<T>(conn, &scope, siblings.owners(), listing, slice).await?)
                })
                .await?;
            Ok(as_kin(read))
        })
        .await
}

/// The rows of all pages are siblings of each other: the next level is read for all of them.
fn as_kin<T: Row>(read: HashMap<Owner, page::Page<T>>) -> Pages<T> {
    let rows = read.values().flat_map(|page| &page.rows);
    let siblings = Siblings::new(rows.map(|placed| placed.row.owner()).collect());
    let kin = |placed: page::Placed<T>| (Kin::among(placed.row, &siblings), placed.mark);
    read.into_iter()
        .map(|(owner, page)| {
            let stretch = Stretch {
                rows: page.rows.into_iter().map(kin).collect(),
                more: page.more,
            };
            (owner, stretch)
        })
        .collect()
}

impl<N: Listed> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// A page of a list.
#[Object(name_type)]
impl<N: Listed> Connection<N> {
    /// The rows of this page with their cursors.
    async fn edges(&self) -> Vec<Edge<N>> {
        let order = self.list.listing.order;
        let rows = self.stretch().map_or(&[][..], |stretch| &stretch.rows);
        rows.iter()
            .map(|(row, mark)| Edge {
                row: row.clone(),
                cursor: cursor::show(order, mark),
            })
            .collect()
    }

    /// Whether there is more, and where it starts.
    async fn page_info(&self) -> PageInfo {
        let rows = self.stretch().map(|stretch| &stretch.rows);
        PageInfo {
            more: self.stretch().is_some_and(|stretch| stretch.more),
            start: self.cursor(rows.and_then(|rows| rows.first())),
            end: self.cursor(rows.and_then(|rows| rows.last())),
            list: self.list.clone(),
        }
    }

    /// How many rows the whole list has. Counted only when it is selected.
    async fn total_count(&self, ctx: &Context<'_>) -> Answer<i64> {
        let List {
            siblings,
            owner,
            listing,
            ..
        } = &self.list;
        let scope = scope(ctx)?;
        let counts: Arc<HashMap<Owner, i64>> = siblings
            .share(listing.clone(), || async {
                given::<Pool>(ctx)?
                    .read(&scope, async |conn| {
                        Ok(page::count(conn, &scope, siblings.owners(), listing).await?)
                    })
                    .await
            })
            .await?;
        Ok(counts.get(owner).copied().unwrap_or_default())
    }
}

/// A row of a page.
pub struct Edge<N: Listed> {
    row: Kin<N::Row>,
    cursor: String,
}

impl<N: Listed> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

/// A row of a page, and where it stands in the list.
#[Object(name_type)]
impl<N: Listed> Edge<N> {
    /// The row itself.
    async fn node(&self, ctx: &Context<'_>) -> Answer<N> {
        N::of(ctx, self.row.clone()).await
    }

    /// Where the row stands; for `after` and `before` in the same ordering.
    async fn cursor(&self) -> &str {
        &self.cursor
    }
}

/// What lies around a page.
pub struct PageInfo {
    list: List,
    more: bool,
    start: Option<String>,
    end: Option<String>,
}

/// Whether a list goes on around a page.
#[Object]
impl PageInfo {
    /// Whether there are rows behind this page.
    async fn has_next_page(&self, ctx: &Context<'_>) -> Answer<bool> {
        let more = self.more && self.list.slice.end == End::First;
        Ok(more || self.list.goes_on(ctx, End::Last).await?)
    }

    /// Whether there are rows in front of this page.
    async fn has_previous_page(&self, ctx: &Context<'_>) -> Answer<bool> {
        let more = self.more && self.list.slice.end == End::Last;
        Ok(more || self.list.goes_on(ctx, End::First).await?)
    }

    /// The cursor of the first row; null on an empty page.
    async fn start_cursor(&self) -> Option<&str> {
        self.start.as_deref()
    }

    /// The cursor of the last row; null on an empty page.
    async fn end_cursor(&self) -> Option<&str> {
        self.end.as_deref()
    }
}

impl List {
    /// Whether there are rows beyond the cursor that bounds the page towards `end`.
    async fn goes_on(&self, ctx: &Context<'_>, end: End) -> Answer<bool> {
        let bound = match end {
            End::First => &self.slice.after,
            End::Last => &self.slice.before,
        };
        let Some(mark) = bound else { return Ok(false) };
        let scope = scope(ctx)?;
        let owners: Arc<HashSet<Owner>> = self
            .siblings
            .share((self.listing.clone(), end, mark.clone()), || async {
                given::<Pool>(ctx)?
                    .read(&scope, async |conn| {
                        Ok(page::beyond(conn, &scope, self.siblings.owners(), &self.listing, end, mark).await?)
                    })
                    .await
            })
            .await?;
        Ok(owners.contains(&self.owner))
    }
}
