//! What earlier runs of a company saw, as far as the checks need it.
//!
//! The danger: history that is not there must not read as "nothing happened". What no whole reading has seen is absent
//! here, and the checks say so.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::blob::contents;
use super::seq_before;
use crate::db::Connection;
use crate::db::schema::{evidence_pull, evidence_run, tenant};
use crate::evidence::judge::{Assignment, Past, Previous};
use crate::evidence::snapshot::{Object, Resource};
use crate::model::Scope;

/// How far back the period that is judged goes, in days.
const PERIOD: i64 = 90;

#[derive(QueryableByName)]
struct Since {
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Content {
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = diesel::sql_types::Bytea)]
    content_sha256: Vec<u8>,
}

/// What the runs of a company saw that were taken before `at`.
///
/// # Errors
/// When the database fails.
pub async fn past(conn: &mut Connection, company_id: Uuid, at: DateTime<Utc>) -> QueryResult<Past> {
    let before = seq_before(conn, company_id, at).await?.unwrap_or(0);
    let period_from = period_from(conn, company_id, at).await?;
    let report_only = "enabledForReportingButNotEnforced";
    Ok(Past {
        report_only_since: since(conn, company_id, before, Resource::CaPolicies, report_only).await?,
        in_grace_since: since(conn, company_id, before, Resource::ManagedDevices, "inGracePeriod").await?,
        policies: previous(conn, company_id, before, Resource::CaPolicies).await?,
        assignments: previous(conn, company_id, before, Resource::RoleAssignments)
            .await?
            .map(|previous| Previous {
                taken_at: previous.taken_at,
                objects: previous.objects.iter().map(assignment).collect(),
            }),
        complete_readings: match period_from {
            Some(from) => complete_readings(conn, company_id, before, from).await?,
            None => BTreeMap::new(),
        },
        period_from,
    })
}

fn assignment(object: &Object) -> Assignment {
    let text = |field: &str| object.content[field].as_str().map(str::to_owned);
    Assignment {
        principal: text("principalId").unwrap_or_default(),
        role: text("roleDefinitionId").unwrap_or_default(),
        scope: text("directoryScopeId").unwrap_or_else(|| "/".to_owned()),
    }
}

/// The objects that are in this state, and since when the history has seen them in it without a break.
async fn since(
    conn: &mut Connection,
    company_id: Uuid,
    before: i64,
    resource: Resource,
    state: &str,
) -> QueryResult<BTreeMap<String, DateTime<Utc>>> {
    let since: Vec<Since> = diesel::sql_query(
        "select last.object_id, min(o.at) as since
         from (select distinct on (object_id) object_id, state
               from evidence_object where company_id = $1 and resource = $2 and seq <= $3
               order by object_id, seq desc) last
         join evidence_object o on o.company_id = $1 and o.resource = $2 and o.object_id = last.object_id and o.seq <= $3
          and not exists (select from evidence_object other
                          where other.company_id = $1 and other.resource = $2 and other.object_id = o.object_id
                            and other.seq between o.seq and $3 and other.state is distinct from $4)
         where last.state = $4
         group by last.object_id",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<Text, _>(resource)
    .bind::<BigInt, _>(before)
    .bind::<Text, _>(state)
    .load(conn)
    .await?;
    Ok(since.into_iter().map(|row| (row.object_id, row.since)).collect())
}

/// What the last whole reading of a resource saw.
async fn previous(
    conn: &mut Connection,
    company_id: Uuid,
    before: i64,
    resource: Resource,
) -> QueryResult<Option<Previous<Object>>> {
    let taken_at: Option<DateTime<Utc>> = evidence_pull::table
        .inner_join(
            evidence_run::table.on(evidence_run::company_id
                .eq(evidence_pull::company_id)
                .and(evidence_run::seq.eq(evidence_pull::seq))),
        )
        .filter(evidence_pull::company_id.eq(company_id))
        .filter(evidence_pull::resource.eq(resource))
        .filter(evidence_pull::seq.le(before))
        .filter(evidence_pull::state_sha256.is_not_null())
        .order(evidence_pull::seq.desc())
        .select(evidence_run::taken_at)
        .first(conn)
        .await
        .optional()?;
    let Some(taken_at) = taken_at else { return Ok(None) };
    let rows: Vec<Content> = diesel::sql_query(
        "select * from (select distinct on (object_id) object_id, content_sha256
                        from evidence_object where company_id = $1 and resource = $2 and seq <= $3
                        order by object_id, seq desc) last
         where content_sha256 is not null",
    )
    .bind::<SqlUuid, _>(company_id)
    .bind::<Text, _>(resource)
    .bind::<BigInt, _>(before)
    .load(conn)
    .await?;
    let hashes: Vec<Vec<u8>> = rows.iter().map(|row| row.content_sha256.clone()).collect();
    let contents = contents(conn, &Scope::All, company_id, &hashes).await?;
    let object = |row: Content| {
        let content: &Value = contents.get(&row.content_sha256)?;
        Some(Object {
            id: row.object_id,
            content: content.clone(),
        })
    };
    let objects: Option<Vec<Object>> = rows.into_iter().map(object).collect();
    let objects = objects.ok_or(diesel::result::Error::NotFound)?;
    Ok(Some(Previous { taken_at, objects }))
}

/// The connection of the tenant or the first run, whichever was earlier, but no more than the period ago.
async fn period_from(conn: &mut Connection, company_id: Uuid, at: DateTime<Utc>) -> QueryResult<Option<DateTime<Utc>>> {
    let connected: Option<Option<DateTime<Utc>>> = tenant::table
        .find(company_id)
        .select(tenant::connected_at)
        .first(conn)
        .await
        .optional()?;
    let first: Option<DateTime<Utc>> = evidence_run::table
        .filter(evidence_run::company_id.eq(company_id))
        .select(diesel::dsl::min(evidence_run::taken_at))
        .first(conn)
        .await?;
    let began = connected.flatten().into_iter().chain(first).min();
    Ok(began.map(|began| began.max(at - Duration::days(PERIOD))))
}

async fn complete_readings(
    conn: &mut Connection,
    company_id: Uuid,
    before: i64,
    from: DateTime<Utc>,
) -> QueryResult<BTreeMap<Resource, Vec<DateTime<Utc>>>> {
    let readings: Vec<(Resource, DateTime<Utc>)> = evidence_pull::table
        .inner_join(
            evidence_run::table.on(evidence_run::company_id
                .eq(evidence_pull::company_id)
                .and(evidence_run::seq.eq(evidence_pull::seq))),
        )
        .filter(evidence_pull::company_id.eq(company_id))
        .filter(evidence_pull::seq.le(before))
        .filter(evidence_pull::state_sha256.is_not_null())
        .filter(evidence_run::taken_at.ge(from))
        .order(evidence_run::taken_at)
        .select((evidence_pull::resource, evidence_run::taken_at))
        .load(conn)
        .await?;
    let mut complete: BTreeMap<Resource, Vec<DateTime<Utc>>> = BTreeMap::new();
    for (resource, at) in readings {
        complete.entry(resource).or_default().push(at);
    }
    Ok(complete)
}
