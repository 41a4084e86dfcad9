//! A company's tenant is connected and disconnected.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;

use super::{UserError, get_company, record, settle};
use crate::auth::{Action, Viewer, return_to};
use crate::db::events::Events;
use crate::error::{Failure, UserError as Refusal};
use crate::graphql::company::Company;
use crate::graphql::error::Answer;
use crate::graphql::siblings::Kin;
use crate::graphql::{PublicUrl, given, loan, now, permit};
use crate::model::audit::AuditAction;
use crate::model::connect_ticket::{self, Invitation};
use crate::model::{self, tenant};

#[derive(Default)]
pub struct ConnectMutations;

/// Which company to connect, and where to go afterwards.
#[derive(InputObject)]
struct ConnectInput {
    /// The id of the company.
    company_id: ID,
    /// Where the browser goes afterwards: a path of this server, or an address of an allowed origin. `/` unless told.
    #[graphql(default = "/")]
    return_to: String,
    /// A domain that the tenant has to own, such as contoso.com; a tenant that does not is refused.
    expected_domain: Option<String>,
}

/// What became of `connect`.
#[derive(SimpleObject)]
struct ConnectPayload {
    /// Where an administrator of the tenant consents. It works once, and expires; it may be sent to them.
    consent_url: Option<String>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// Which company to disconnect.
#[derive(InputObject)]
struct DisconnectInput {
    /// The id of the company.
    company_id: ID,
}

/// What became of `disconnect`.
#[derive(SimpleObject)]
struct DisconnectPayload {
    /// The company, disconnected; null when it is not.
    company: Option<Company>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl ConnectMutations {
    /// Makes a link at which an administrator connects the company's Microsoft 365 tenant. Read-only permissions are
    /// asked for; the first sync is queued by itself.
    async fn connect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which company, and where to go afterwards.")] input: ConnectInput,
    ) -> Answer<ConnectPayload> {
        let viewer = permit(ctx, Action::Connect)?;
        let (consent_url, user_errors) = settle(connect(ctx, viewer, input).await)?;
        Ok(ConnectPayload {
            consent_url,
            user_errors,
        })
    }

    /// Disconnects the company's tenant: its data is kept, its syncs stand still, and a run under way is cancelled.
    async fn disconnect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which company.")] input: DisconnectInput,
    ) -> Answer<DisconnectPayload> {
        let viewer = permit(ctx, Action::Disconnect)?;
        let (company, user_errors) = settle(disconnect(ctx, viewer, input).await)?;
        Ok(DisconnectPayload {
            company: company.map(|row| Company(Kin::alone(row))),
            user_errors,
        })
    }
}

async fn connect(ctx: &Context<'_>, viewer: &Viewer, input: ConnectInput) -> Result<String, Failure> {
    let company = get_company(ctx, viewer, Action::Connect, &input.company_id).await?;
    let return_to = return_to::check(&input.return_to, given(ctx)?)?;
    let ticket = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<String, Failure> {
            record(ctx, conn, viewer, AuditAction::InviteToConnect, Some(company.id), None).await?;
            let invitation = Invitation {
                company_id: company.id,
                requested_by: viewer.name(),
                service_token_id: viewer.token_id(),
                return_to: &return_to,
                expected_domain: input.expected_domain.as_deref(),
            };
            connect_ticket::issue(conn, now(), &invitation).await
        })
        .await?;
    let PublicUrl(public) = given(ctx)?;
    let mut url = public.join("/connect/start").map_err(anyhow::Error::from)?;
    url.query_pairs_mut().append_pair("ticket", &ticket);
    Ok(url.into())
}

async fn disconnect(ctx: &Context<'_>, viewer: &Viewer, input: DisconnectInput) -> Result<model::Company, Failure> {
    let company = get_company(ctx, viewer, Action::Disconnect, &input.company_id).await?;
    let reason = format!("Disconnected by {}", viewer.name());
    let disconnected = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<bool, Failure> {
            if tenant::find(conn, company.id).await?.is_none() {
                return Ok(false);
            }
            if tenant::disconnect(conn, now(), company.id, &reason).await? {
                record(ctx, conn, viewer, AuditAction::Disconnect, Some(company.id), None).await?;
            }
            Ok(true)
        })
        .await?;
    if disconnected {
        given::<Events>(ctx)?.wake();
        Ok(company)
    } else {
        let message = "This company has never been connected to Microsoft 365. There is nothing to disconnect.";
        Err(Refusal::new("NOT_CONNECTED", message).into())
    }
}
