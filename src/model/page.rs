//! Pages: a bounded stretch of an ordered list, for one owner or for many of them in one statement.
//!
//! A page is found by its neighbour's key (keyset), never by counting rows, so that the thousandth page costs what the
//! first does and a row that comes or goes shifts nothing. The danger here is a number of statements that grows with
//! the page: every question is asked for all owners at once.

mod statement;

use std::collections::{HashMap, HashSet};

use diesel::deserialize::{self, QueryableByName};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::row::NamedRow;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::model::Scope;
pub use statement::{Bind, Condition};
use statement::{Nothing, Statement};

/// Whose list it is: a company, or a record of one, by the key that its lists go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    pub company_id: Uuid,
    /// Our id, or Microsoft's where the list is stored by it.
    pub key: Uuid,
}

impl Owner {
    /// The owner of a list that is nobody's in particular.
    pub const NOBODY: Self = Self {
        company_id: Uuid::nil(),
        key: Uuid::nil(),
    };

    /// A company as the owner of its lists.
    pub fn company(id: Uuid) -> Self {
        Self {
            company_id: id,
            key: id,
        }
    }
}

/// A row that comes in pages.
pub trait Row: QueryableByName<Pg> + Send + Sync + 'static {
    /// The columns to read.
    type Columns: QueryFragment<Pg> + Send + Sync;
    /// The columns to read.
    fn columns() -> Self::Columns;
    /// This row as the owner of lists.
    fn owner(&self) -> Owner;
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "OrderDirection")]
pub enum Direction {
    /// From the lowest to the highest: A to Z, oldest to newest.
    Asc,
    /// From the highest to the lowest: Z to A, newest to oldest.
    Desc,
}

/// What an ordering compares before ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compared {
    Text,
    Time,
}

/// The order of a list: by an expression, then by id, so that no two rows are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// Tells the cursors of this ordering from those of another.
    pub name: &'static str,
    /// SQL that is never null.
    pub key: &'static str,
    /// SQL of the id that decides among equal keys.
    pub id: &'static str,
    pub compared: Compared,
    pub direction: Direction,
}

/// Where a row stands in an ordering.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The key as text; a time in RFC 3339.
    pub key: String,
    pub id: Uuid,
}

/// Which end of the list a page is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    First,
    Last,
}

/// Which stretch of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    pub end: End,
    /// The most rows.
    pub most: u16,
    /// Only rows behind this one.
    pub after: Option<Mark>,
    /// Only rows in front of this one.
    pub before: Option<Mark>,
}

impl Slice {
    /// The first row alone.
    pub const ONE: Self = Self {
        end: End::First,
        most: 1,
        after: None,
        before: None,
    };
}

/// A list: where its rows are, which of them, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listing {
    /// SQL from `from` on, `where` included; the owner is `p (company_id, key)`.
    pub source: &'static str,
    pub conditions: Vec<Condition>,
    pub order: Order,
}

impl Listing {
    /// A list without further conditions.
    pub fn new(source: &'static str, order: Order) -> Self {
        Self {
            source,
            conditions: Vec::new(),
            order,
        }
    }

    /// Only rows for which `sql` holds, with `?` standing for the value; all of them where there is no value.
    #[must_use]
    pub fn only(mut self, sql: &'static str, value: Option<Bind>) -> Self {
        self.conditions.extend(value.map(|value| Condition { sql, value }));
        self
    }
}

/// One row of a page, and where it stands.
#[derive(Debug)]
pub struct Placed<T> {
    owner: Owner,
    pub mark: Mark,
    pub row: T,
}

/// A page of one owner's list.
#[derive(Debug)]
pub struct Page<T> {
    pub rows: Vec<Placed<T>>,
    /// Whether the list goes on beyond the end that the page was not counted from.
    pub more: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            more: false,
        }
    }
}

/// The same stretch of every owner's list, in one statement.
///
/// # Errors
/// When the database fails.
pub async fn list<T: Row>(
    conn: &mut Connection,
    scope: &Scope,
    owners: &[Owner],
    listing: &Listing,
    slice: &Slice,
) -> QueryResult<HashMap<Owner, Page<T>>> {
    let statement = Statement::page(T::columns(), &visible(scope, owners), listing, slice)?;
    let rows: Vec<Placed<T>> = statement.load(conn).await?;
    let mut pages: HashMap<Owner, Page<T>> = HashMap::new();
    for row in rows {
        let page = pages.entry(row.owner).or_default();
        if page.rows.len() < usize::from(slice.most) {
            page.rows.push(row);
        } else {
            page.more = true;
        }
    }
    if slice.end == End::Last {
        pages.values_mut().for_each(|page| page.rows.reverse());
    }
    Ok(pages)
}

/// How long every owner's list is, in one statement.
///
/// # Errors
/// When the database fails.
pub async fn count(
    conn: &mut Connection,
    scope: &Scope,
    owners: &[Owner],
    listing: &Listing,
) -> QueryResult<HashMap<Owner, i64>> {
    let counts: Vec<Counted> = Statement::count(&visible(scope, owners), listing).load(conn).await?;
    Ok(counts
        .into_iter()
        .map(|counted| (counted.owner, counted.rows))
        .collect())
}

/// The owners whose list has rows at or beyond `mark`, seen from the middle: at or in front of an `after` mark
/// ([`End::First`]), at or behind a `before` mark ([`End::Last`]).
///
/// # Errors
/// When the database fails.
pub async fn beyond(
    conn: &mut Connection,
    scope: &Scope,
    owners: &[Owner],
    listing: &Listing,
    end: End,
    mark: &Mark,
) -> QueryResult<HashSet<Owner>> {
    let found: Vec<Found> = Statement::<Nothing>::beyond(&visible(scope, owners), listing, end, mark)?
        .load(conn)
        .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

fn visible(scope: &Scope, owners: &[Owner]) -> Vec<Owner> {
    owners
        .iter()
        .filter(|owner| **owner == Owner::NOBODY || scope.holds(owner.company_id))
        .copied()
        .collect()
}

/// The pattern that finds `text` anywhere, for `ilike`: what is special to it is taken literally.
pub fn containing(text: &str) -> Bind {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Bind::Text(pattern)
}

fn owner_of<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Owner> {
    Ok(Owner {
        company_id: NamedRow::get::<SqlUuid, _>(row, "page_company")?,
        key: NamedRow::get::<SqlUuid, _>(row, "page_owner")?,
    })
}

impl<T: Row> QueryableByName<Pg> for Placed<T> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let mark = Mark {
            key: NamedRow::get::<Text, _>(row, "page_key")?,
            id: NamedRow::get::<SqlUuid, _>(row, "page_id")?,
        };
        Ok(Self {
            owner: owner_of(row)?,
            mark,
            row: T::build(row)?,
        })
    }
}

struct Counted {
    owner: Owner,
    rows: i64,
}

impl QueryableByName<Pg> for Counted {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        Ok(Self {
            owner: owner_of(row)?,
            rows: NamedRow::get::<BigInt, _>(row, "page_rows")?,
        })
    }
}

struct Found(Owner);

impl QueryableByName<Pg> for Found {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        owner_of(row).map(Self)
    }
}

/// Makes a row that diesel can select one that comes in pages.
macro_rules! paged {
    ($row:ty, |$this:ident| $owner:expr) => {
        impl $crate::model::page::Row for $row {
            type Columns = diesel::dsl::AsSelect<Self, diesel::pg::Pg>;
            fn columns() -> Self::Columns {
                <Self as diesel::SelectableHelper<diesel::pg::Pg>>::as_select()
            }
            fn owner(&self) -> $crate::model::page::Owner {
                let $this = self;
                $owner
            }
        }
    };
}
pub(crate) use paged;

#[cfg(test)]
mod tests {
    use super::{Bind, containing};

    #[test]
    fn a_search_means_its_percent_signs_literally() {
        assert_eq!(containing(r"50%_\"), Bind::Text(r"%50\%\_\\%".to_owned()));
    }
}
