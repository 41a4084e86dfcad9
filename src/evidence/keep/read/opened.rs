//! A row of a page together with what lies behind its hashes, in the statement that reads the page.

use std::ops::Deref;

use diesel::deserialize::{self, QueryableByName};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::row::NamedRow;
use diesel::sql_types::{Array, Binary, Nullable};
use serde_json::Value;

use super::super::blob::inflate;
use super::super::row::{FindingRow, ObjectRow, ResultRow};
use crate::model::page::{Owner, Row};

/// A row that points at blobs of its company.
pub trait Points: Row {
    /// SQL of its company.
    const COMPANY: &'static str;
    /// SQL of the hash of what it says.
    const CONTENT: &'static str;
    /// SQL of the hash of what was said before it; `null` where nothing can have been.
    const BEFORE: &'static str = "null::bytea";
}

impl Points for FindingRow {
    const COMPANY: &'static str = "evidence_finding.company_id";
    const CONTENT: &'static str = "evidence_finding.detail_sha256";
}

impl Points for ResultRow {
    const COMPANY: &'static str = "evidence_result.company_id";
    const CONTENT: &'static str = "evidence_result.detail_sha256";
}

impl Points for ObjectRow {
    const COMPANY: &'static str = "evidence_object.company_id";
    const CONTENT: &'static str = "evidence_object.content_sha256";
    const BEFORE: &'static str = "(select earlier.content_sha256 from evidence_object earlier
        where earlier.company_id = evidence_object.company_id and earlier.resource = evidence_object.resource
          and earlier.object_id = evidence_object.object_id and earlier.seq < evidence_object.seq
        order by earlier.seq desc limit 1)";
}

/// A row, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened<R> {
    row: R,
    /// What lies behind its hash; `None` where it says nothing, or is not kept any more.
    pub content: Option<Value>,
    /// What was said before it.
    pub before: Option<Value>,
}

impl<R> Deref for Opened<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.row
    }
}

impl<R: Points> Row for Opened<R> {
    type Columns = Opening<R::Columns>;

    fn columns() -> Self::Columns {
        Opening {
            columns: R::columns(),
            company: R::COMPANY,
            hashes: [("opened_content", R::CONTENT), ("opened_before", R::BEFORE)],
        }
    }

    fn owner(&self) -> Owner {
        self.row.owner()
    }
}

/// The columns of a row and two blobs, each as an array of its deflated content and its size.
pub struct Opening<C> {
    columns: C,
    company: &'static str,
    hashes: [(&'static str, &'static str); 2],
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Opening<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.columns.walk_ast(out.reborrow())?;
        for (name, hash) in self.hashes {
            out.push_sql(", (select array[opened.content, int4send(opened.size)] from evidence_blob opened where opened.company_id = ");
            out.push_sql(self.company);
            out.push_sql(" and opened.sha256 = ");
            out.push_sql(hash);
            out.push_sql(") as ");
            out.push_sql(name);
        }
        Ok(())
    }
}

impl<R: Points> QueryableByName<Pg> for Opened<R> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        Ok(Self {
            row: R::build(row)?,
            content: blob(row, "opened_content")?,
            before: blob(row, "opened_before")?,
        })
    }
}

fn blob<'a>(row: &impl NamedRow<'a, Pg>, name: &str) -> deserialize::Result<Option<Value>> {
    let parts: Option<Vec<Vec<u8>>> = NamedRow::get::<Nullable<Array<Binary>>, _>(row, name)?;
    let Some(parts) = parts else { return Ok(None) };
    let [content, size] = &parts[..] else {
        return Err("a blob is its content and its size".into());
    };
    let size = i32::from_be_bytes(size.as_slice().try_into()?);
    Ok(Some(serde_json::from_slice(&inflate(content, size)?)?))
}
