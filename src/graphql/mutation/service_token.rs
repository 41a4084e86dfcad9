//! Service tokens are made and revoked.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;
use serde_json::json;
use uuid::Uuid;

use super::{UserError, deed, settle};
use crate::auth::{Action, Viewer};
use crate::db::{Connection, Pool};
use crate::error::{Failure, UserError as Refusal};
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::service_token::ServiceToken;
use crate::graphql::{given, input, loan, now, permit};
use crate::model::audit::{self, AuditAction, Deed};
use crate::model::company;
use crate::model::service_token::{self, NewToken, Revoked};

#[derive(Default)]
pub struct ServiceTokenMutations;

/// A service token to make.
#[derive(InputObject)]
struct CreateServiceTokenInput {
    /// What it is for.
    name: String,
    /// How many days it works: 1 to 366.
    expires_in_days: i32,
    /// The companies that it opens: either these, at least one, or `allCompanies`.
    company_ids: Option<Vec<ID>>,
    /// Whether it opens every company, those that are yet to come included.
    #[graphql(default = false)]
    all_companies: bool,
    /// What it may do besides to look at its companies; nothing where it is left out. Service tokens and sessions cannot
    /// be managed with a token.
    actions: Option<Vec<Action>>,
}

/// What became of `createServiceToken`.
#[derive(SimpleObject)]
struct CreateServiceTokenPayload {
    /// The token that was made; null when it was not.
    service_token: Option<ServiceToken>,
    /// What to send as `Authorization: Bearer`. Shown this once, and kept nowhere.
    secret: Option<String>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// Which service token to revoke.
#[derive(InputObject)]
struct RevokeServiceTokenInput {
    /// The id of the service token.
    service_token_id: ID,
}

/// What became of `revokeServiceToken`.
#[derive(SimpleObject)]
struct RevokeServiceTokenPayload {
    /// The id of the token that no longer works; null when there is no such token.
    revoked_service_token_id: Option<ID>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl ServiceTokenMutations {
    /// Makes a service token for a program, such as the PSA's back end.
    async fn create_service_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token to make.")] input: CreateServiceTokenInput,
    ) -> Answer<CreateServiceTokenPayload> {
        let viewer = permit(ctx, Action::ManageServiceTokens)?;
        let (issued, user_errors) = settle(create(ctx, viewer, input).await)?;
        let (service_token, secret) = issued.unzip();
        Ok(CreateServiceTokenPayload {
            service_token: service_token.map(ServiceToken),
            secret,
            user_errors,
        })
    }

    /// Revokes a service token; it stops working at once.
    async fn revoke_service_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: RevokeServiceTokenInput,
    ) -> Answer<RevokeServiceTokenPayload> {
        let viewer = permit(ctx, Action::ManageServiceTokens)?;
        let (revoked_service_token_id, user_errors) = settle(revoke(ctx, viewer, input.service_token_id).await)?;
        Ok(RevokeServiceTokenPayload {
            revoked_service_token_id,
            user_errors,
        })
    }
}

async fn create(
    ctx: &Context<'_>,
    viewer: &Viewer,
    input: CreateServiceTokenInput,
) -> Result<(service_token::ServiceToken, String), Failure> {
    let name = input::line(&input.name, "name")?;
    let company_ids = match (&input.company_ids, input.all_companies) {
        (Some(ids), false) if !ids.is_empty() => Some(companies(ctx, viewer, ids).await?),
        (None, true) => None,
        // A variable that a program forgot to give is null, and must not open every company.
        _ => {
            let message =
                "Say which companies the token opens: send companyIds, or allCompanies: true for every company.";
            return Err(Refusal::at("BAD_INPUT", &["companyIds"], message).into());
        }
    };
    let new = NewToken {
        name,
        by: viewer.name(),
        days: input.expires_in_days,
        actions: actions(input.actions, company_ids.is_some())?,
        company_ids,
    };
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<_, Failure> {
            let issued = service_token::issue(conn, now(), &new).await?;
            let (id, name) = (issued.0.id, &issued.0.name);
            record_token(ctx, conn, viewer, AuditAction::CreateServiceToken, id, name).await?;
            Ok(issued)
        })
        .await
}

/// Records what was done to a token, with its name: the trail outlives it.
async fn record_token(
    ctx: &Context<'_>,
    conn: &mut Connection,
    viewer: &Viewer,
    action: AuditAction,
    id: Uuid,
    name: &str,
) -> Result<(), Failure> {
    let deed = Deed {
        details: Some(json!({"name": name})),
        ..deed(ctx, viewer, action, None, Some(id.to_string()))
    };
    Ok(audit::record(conn, now(), &deed).await?)
}

async fn companies(ctx: &Context<'_>, viewer: &Viewer, ids: &[ID]) -> Result<Vec<Uuid>, Failure> {
    let mut companies = Vec::new();
    for id in ids {
        let id = IdOf::Company.read_input(id, "companyIds")?;
        companies.push(id);
    }
    let scope = viewer.scope();
    let found = given::<Pool>(ctx)?
        .read(&scope, async |conn| -> Result<_, Failure> {
            Ok(company::load(conn, &scope, &companies).await?)
        })
        .await?;
    if companies.iter().all(|id| found.iter().any(|company| company.id == *id)) {
        return Ok(companies);
    }
    let message = "Not every one of these is a company. Check the ids.";
    Err(Refusal::at("NOT_FOUND", &["companyIds"], message).into())
}

/// What a token may do, in the policy's words.
fn actions(asked: Option<Vec<Action>>, of_some: bool) -> Result<Vec<String>, Refusal> {
    let actions = asked.unwrap_or_default();
    if actions.iter().any(|action| !action.is_for_tokens()) {
        let message = "Every token may look; none may manage service tokens or sessions. Leave those actions out.";
        return Err(Refusal::at("BAD_INPUT", &["actions"], message));
    }
    if of_some && actions.iter().any(|action| action.concerns_every_company()) {
        let message = "VIEW_AUDIT_TRAIL and CREATE_COMPANY concern every company, and this token opens only some. Leave \
                       them out, or send allCompanies: true in place of companyIds.";
        return Err(Refusal::at("BAD_INPUT", &["actions"], message));
    }
    Ok(actions.iter().map(Action::to_string).collect())
}

async fn revoke(ctx: &Context<'_>, viewer: &Viewer, id: ID) -> Result<ID, Failure> {
    let token_id = IdOf::ServiceToken.read_input(&id, "serviceTokenId")?;
    let revoked = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<Revoked, Failure> {
            let revoked = service_token::revoke(conn, now(), token_id).await?;
            if let Revoked::Now(name) = &revoked {
                record_token(ctx, conn, viewer, AuditAction::RevokeServiceToken, token_id, name).await?;
            }
            Ok(revoked)
        })
        .await?;
    if revoked != Revoked::Unknown {
        return Ok(id);
    }
    Err(Refusal::at(
        "NOT_FOUND",
        &["serviceTokenId"],
        "There is no such service token. Check the id.",
    )
    .into())
}
