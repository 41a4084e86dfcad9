//! Nodes: anything with an id, found again by it.

use std::collections::HashMap;

use async_graphql::{Context, ID, Interface};
use uuid::Uuid;

use super::asset::Asset;
use super::company::Company;
use super::contact::Contact;
use super::contact_group::ContactGroup;
use super::error::Answer;
use super::id::{self, IdOf};
use super::siblings::Kin;
use super::sync_run::SyncRun;
use super::{given, scope};
use crate::db::Pool;
use crate::model::{self, Scope, asset, company, contact, contact_group, sync_run};

/// Anything with an id.
#[derive(Interface, Clone)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque, and unique among all nodes."))]
pub enum Node {
    Company(Company),
    Contact(Contact),
    ContactGroup(ContactGroup),
    Asset(Asset),
    SyncRun(SyncRun),
}

/// The nodes with these ids in their order, with one statement a type; none for what is unknown, hidden or unreadable.
pub async fn load(ctx: &Context<'_>, ids: &[ID]) -> Answer<Vec<Option<Node>>> {
    let scope = scope(ctx)?;
    let wanted: Vec<Option<(IdOf, Uuid)>> = ids.iter().map(id::read).collect();
    let mut found = HashMap::new();
    for of in [
        IdOf::Company,
        IdOf::Contact,
        IdOf::ContactGroup,
        IdOf::Asset,
        IdOf::SyncRun,
    ] {
        let ids: Vec<Uuid> = wanted
            .iter()
            .flatten()
            .filter(|(is, _)| *is == of)
            .map(|(_, id)| *id)
            .collect();
        if !ids.is_empty() {
            let nodes = load_type(ctx, &scope, of, &ids).await?;
            found.extend(nodes.into_iter().map(|(id, node)| ((of, id), node)));
        }
    }
    Ok(wanted.into_iter().map(|key| found.get(&key?).cloned()).collect())
}

async fn load_type(ctx: &Context<'_>, scope: &Scope, of: IdOf, ids: &[Uuid]) -> Answer<Vec<(Uuid, Node)>> {
    let found = given::<Pool>(ctx)?
        .read(scope, async |conn| -> anyhow::Result<_> {
            read_type(conn, scope, of, ids).await
        })
        .await?;
    Ok(found)
}

async fn read_type(
    conn: &mut crate::db::Connection,
    scope: &Scope,
    of: IdOf,
    ids: &[Uuid],
) -> anyhow::Result<Vec<(Uuid, Node)>> {
    Ok(match of {
        IdOf::Company => nodes(
            company::load(conn, scope, ids).await?,
            |row: &model::Company| row.id,
            |kin| Company(kin).into(),
        ),
        IdOf::Contact => nodes(
            contact::load(conn, scope, ids).await?,
            |row: &model::Contact| row.id,
            |kin| Contact(kin).into(),
        ),
        IdOf::ContactGroup => nodes(
            contact_group::load(conn, scope, ids).await?,
            |row: &model::ContactGroup| row.id,
            |kin| ContactGroup(kin).into(),
        ),
        IdOf::Asset => nodes(
            asset::load(conn, scope, ids).await?,
            |row: &model::Asset| row.id,
            |kin| Asset(kin).into(),
        ),
        IdOf::SyncRun => nodes(
            sync_run::load(conn, scope, ids).await?,
            |row: &model::SyncRun| row.id,
            |kin| SyncRun(kin).into(),
        ),
        IdOf::ServiceToken | IdOf::Session | IdOf::AuditEvent | IdOf::EvidenceDeclaration | IdOf::Alarm => Vec::new(),
    })
}

fn nodes<T: model::page::Row>(
    rows: Vec<T>,
    id: impl Fn(&T) -> Uuid,
    node: impl Fn(Kin<T>) -> Node,
) -> Vec<(Uuid, Node)> {
    Kin::all(rows).into_iter().map(|kin| (id(&kin), node(kin))).collect()
}
