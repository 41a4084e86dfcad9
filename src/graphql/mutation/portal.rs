//! Who may enter a company's portal is chosen.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;
use serde_json::{Value, json};

use super::{UserError, get_company, record_choice, settle};
use crate::auth::{Action, Viewer};
use crate::error::Failure;
use crate::graphql::company::Company;
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::siblings::Kin;
use crate::graphql::{loan, now, permit};
use crate::model::audit::AuditAction;
use crate::model::portal::PortalRole;
use crate::model::{self, portal};

#[derive(Default)]
pub struct PortalMutations;

/// A group that opens the portal.
#[derive(InputObject)]
struct PortalAccessGroupInput {
    /// The id of the contact group; members of groups within it count.
    group_id: ID,
    /// What its members see.
    #[graphql(default_with = "PortalRole::User")]
    role: PortalRole,
}

/// Which groups open a company's portal.
#[derive(InputObject)]
struct SetPortalAccessGroupsInput {
    /// The id of the company.
    company_id: ID,
    /// The groups, in place of those chosen before. An empty list lets every active contact in, as USER.
    groups: Vec<PortalAccessGroupInput>,
}

/// What became of `setPortalAccessGroups`.
#[derive(SimpleObject)]
struct SetPortalAccessGroupsPayload {
    /// The company; null when nothing was changed.
    company: Option<Company>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl PortalMutations {
    /// Chooses the contact groups that open a company's portal. Whoever may no longer enter is signed out at once.
    async fn set_portal_access_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which groups of which company.")] input: SetPortalAccessGroupsInput,
    ) -> Answer<SetPortalAccessGroupsPayload> {
        let viewer = permit(ctx, Action::SetPortalAccessGroups)?;
        let (company, user_errors) = settle(set(ctx, viewer, &input).await)?;
        Ok(SetPortalAccessGroupsPayload {
            company: company.map(|row| Company(Kin::alone(row))),
            user_errors,
        })
    }
}

async fn set(
    ctx: &Context<'_>,
    viewer: &Viewer,
    input: &SetPortalAccessGroupsInput,
) -> Result<model::Company, Failure> {
    let company = get_company(ctx, viewer, Action::SetPortalAccessGroups, &input.company_id).await?;
    let mut groups = Vec::new();
    for group in &input.groups {
        groups.push((IdOf::ContactGroup.read_input(&group.group_id, "groups")?, group.role));
    }
    let chosen: Vec<Value> = groups
        .iter()
        .map(|(group, role)| json!({"groupId": group, "role": role.as_str()}))
        .collect();
    let chosen = json!({"groups": chosen});
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<(), Failure> {
            // Two who choose at once take turns.
            model::company::lock(conn, company.id).await?;
            portal::set_access_groups(conn, now(), company.id, &groups).await?;
            record_choice(
                ctx,
                conn,
                viewer,
                AuditAction::SetPortalAccessGroups,
                company.id,
                chosen,
            )
            .await
        })
        .await?;
    Ok(company)
}
