//! The groups that open a company's portal.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, SimpleObject};
use uuid::Uuid;

use super::contact_group::ContactGroup;
use super::error::Answer;
use super::siblings::{Kin, Siblings};
use super::{given, scope};
use crate::db::Pool;
use crate::model::portal::{self, PortalRole};
use crate::model::{self, contact_group};

/// A contact group that opens a company's portal.
#[derive(Clone, SimpleObject)]
pub struct PortalAccessGroup {
    /// The group; members of groups within it count.
    group: ContactGroup,
    /// What its members see.
    role: PortalRole,
}

/// The groups that open the portal of one of several companies, read for all of them at once.
pub async fn of_sibling(
    ctx: &Context<'_>,
    companies: &Arc<Siblings>,
    company_id: Uuid,
) -> Answer<Vec<PortalAccessGroup>> {
    #[derive(PartialEq, Eq, Hash)]
    struct AccessGroups;
    let scope = scope(ctx)?;
    let chosen: Arc<HashMap<Uuid, Vec<PortalAccessGroup>>> = companies
        .share(AccessGroups, || async {
            let ids: Vec<Uuid> = companies.owners().iter().map(|owner| owner.company_id).collect();
            let (chosen, groups) = given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    let chosen = portal::load_access_groups(conn, &scope, &ids).await?;
                    let groups: Vec<Uuid> = chosen.iter().map(|access| access.group_id).collect();
                    Ok((chosen, contact_group::load(conn, &scope, &groups).await?))
                })
                .await?;
            Ok(by_company(&chosen, groups))
        })
        .await?;
    Ok(chosen.get(&company_id).cloned().unwrap_or_default())
}

fn by_company(
    chosen: &[portal::AccessGroup],
    groups: Vec<model::ContactGroup>,
) -> HashMap<Uuid, Vec<PortalAccessGroup>> {
    let groups: HashMap<Uuid, ContactGroup> = Kin::all(groups)
        .into_iter()
        .map(|group| (group.id, ContactGroup(group)))
        .collect();
    let mut by_company: HashMap<Uuid, Vec<PortalAccessGroup>> = HashMap::new();
    for access in chosen {
        if let Some(group) = groups.get(&access.group_id).cloned() {
            let role = access.role;
            by_company
                .entry(access.company_id)
                .or_default()
                .push(PortalAccessGroup { group, role });
        }
    }
    by_company
}
