//! The SQL of a page: fixed pieces with every value bound, so that no text of a person is ever SQL.
//!
//! Statements without conditions stay prepared. Those with conditions come in too many forms to keep.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error::DeserializationError;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use uuid::Uuid;

use super::{Compared, Direction, End, Listing, Mark, Order, Owner, Slice};

/// A value in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bind {
    Text(String),
    Texts(Vec<String>),
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
    Bool(bool),
    Number(i64),
    Time(DateTime<Utc>),
}

/// Something that holds for the rows of a list; `?` stands for the value, as often as it is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    pub sql: &'static str,
    pub value: Bind,
}

enum Part<C> {
    Sql(&'static str),
    Bind(Bind),
    Columns(C),
}

/// No columns beside the owner's.
pub(super) struct Nothing;

impl QueryFragment<Pg> for Nothing {
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        Ok(())
    }
}

/// A statement under construction, then to run.
pub(super) struct Statement<C> {
    parts: Vec<Part<C>>,
    stays_prepared: bool,
}

impl<C> Statement<C> {
    fn new(listing: &Listing) -> Self {
        Self {
            parts: Vec::new(),
            stays_prepared: listing.conditions.is_empty(),
        }
    }

    fn sql(mut self, sql: &'static str) -> Self {
        self.parts.push(Part::Sql(sql));
        self
    }

    fn bind(mut self, value: Bind) -> Self {
        self.parts.push(Part::Bind(value));
        self
    }

    fn columns(mut self, columns: C) -> Self {
        self.parts.push(Part::Columns(columns));
        self
    }

    fn owners(self, owners: &[Owner]) -> Self {
        self.sql(" from unnest(")
            .bind(Bind::Uuids(owners.iter().map(|owner| owner.company_id).collect()))
            .sql(", ")
            .bind(Bind::Uuids(owners.iter().map(|owner| owner.key).collect()))
            .sql(") as p (company_id, key) ")
    }

    fn source(self, listing: &Listing) -> Self {
        let mut statement = self.sql(" ").sql(listing.source);
        for condition in &listing.conditions {
            statement = statement.sql(" and (");
            for (place, piece) in condition.sql.split('?').enumerate() {
                if place > 0 {
                    statement = statement.bind(condition.value.clone());
                }
                statement = statement.sql(piece);
            }
            statement = statement.sql(")");
        }
        statement
    }

    fn keyset(self, order: Order, comparison: &'static str, mark: &Mark) -> QueryResult<Self> {
        let key = match order.compared {
            Compared::Text => Bind::Text(mark.key.clone()),
            Compared::Time => Bind::Time(
                mark.key
                    .parse()
                    .map_err(|error| DeserializationError(Box::new(error)))?,
            ),
        };
        Ok(self
            .sql(" and (")
            .sql(order.key)
            .sql(", ")
            .sql(order.id)
            .sql(") ")
            .sql(comparison)
            .sql(" (")
            .bind(key)
            .sql(", ")
            .bind(Bind::Uuid(mark.id))
            .sql(")"))
    }

    pub(super) fn page(columns: C, owners: &[Owner], listing: &Listing, slice: &Slice) -> QueryResult<Self> {
        let order = listing.order;
        let (opening, closing) = match order.compared {
            Compared::Text => ("", ""),
            Compared::Time => ("to_char(", r#" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#),
        };
        let mut statement = Self::new(listing)
            .sql("select p.company_id as page_company, p.key as page_owner, page.*")
            .owners(owners)
            .sql("cross join lateral (select ")
            .columns(columns)
            .sql(", ")
            .sql(opening)
            .sql(order.key)
            .sql(closing)
            .sql(" as page_key, ")
            .sql(order.id)
            .sql(" as page_id")
            .source(listing);
        if let Some(mark) = &slice.after {
            statement = statement.keyset(order, behind(order.direction), mark)?;
        }
        if let Some(mark) = &slice.before {
            statement = statement.keyset(order, in_front(order.direction), mark)?;
        }
        let way = match (order.direction, slice.end) {
            (Direction::Asc, End::First) | (Direction::Desc, End::Last) => " asc",
            (Direction::Asc, End::Last) | (Direction::Desc, End::First) => " desc",
        };
        Ok(statement
            .sql(" order by ")
            .sql(order.key)
            .sql(way)
            .sql(", ")
            .sql(order.id)
            .sql(way)
            .sql(" limit ")
            // One more than the page holds tells whether the list goes on.
            .bind(Bind::Number(i64::from(slice.most) + 1))
            .sql(") page"))
    }
}

impl Statement<Nothing> {
    pub(super) fn count(owners: &[Owner], listing: &Listing) -> Self {
        Self::new(listing)
            .sql("select p.company_id as page_company, p.key as page_owner, page.page_rows")
            .owners(owners)
            .sql("cross join lateral (select count(*) as page_rows")
            .source(listing)
            .sql(") page")
    }

    pub(super) fn beyond(owners: &[Owner], listing: &Listing, end: End, mark: &Mark) -> QueryResult<Self> {
        let comparison = match (end, listing.order.direction) {
            (End::First, Direction::Asc) | (End::Last, Direction::Desc) => "<=",
            (End::First, Direction::Desc) | (End::Last, Direction::Asc) => ">=",
        };
        Ok(Self::new(listing)
            .sql("select p.company_id as page_company, p.key as page_owner")
            .owners(owners)
            .sql("where exists (select")
            .source(listing)
            .keyset(listing.order, comparison, mark)?
            .sql(")"))
    }
}

fn behind(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => ">",
        Direction::Desc => "<",
    }
}

fn in_front(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "<",
        Direction::Desc => ">",
    }
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Statement<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.stays_prepared {
            out.unsafe_to_cache_prepared();
        }
        for part in &self.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Columns(columns) => columns.walk_ast(out.reborrow())?,
                Part::Bind(Bind::Text(value)) => out.push_bind_param::<Text, _>(value)?,
                Part::Bind(Bind::Texts(value)) => out.push_bind_param::<Array<Text>, _>(value)?,
                Part::Bind(Bind::Uuid(value)) => out.push_bind_param::<SqlUuid, _>(value)?,
                Part::Bind(Bind::Uuids(value)) => out.push_bind_param::<Array<SqlUuid>, _>(value)?,
                Part::Bind(Bind::Bool(value)) => out.push_bind_param::<Bool, _>(value)?,
                Part::Bind(Bind::Number(value)) => out.push_bind_param::<BigInt, _>(value)?,
                Part::Bind(Bind::Time(value)) => out.push_bind_param::<Timestamptz, _>(value)?,
            }
        }
        Ok(())
    }
}

impl<C> QueryId for Statement<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> Query for Statement<C> {
    type SqlType = Untyped;
}
