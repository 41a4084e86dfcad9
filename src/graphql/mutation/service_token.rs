//! Service tokens are made and revoked.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{UserError, settle};
use crate::auth::{Action, Viewer};
use crate::error::{Failure, UserError as Refusal};
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::service_token::ServiceToken;
use crate::graphql::{input, loan, now, permit};
use crate::model::service_token;

#[derive(Default)]
pub struct ServiceTokenMutations;

/// A service token to make.
#[derive(InputObject)]
struct CreateServiceTokenInput {
    /// What it is for.
    name: String,
    /// How many days it works: 1 to 366.
    expires_in_days: i32,
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
        permit(ctx, Action::ManageServiceTokens)?;
        let (revoked_service_token_id, user_errors) = settle(revoke(ctx, input.service_token_id).await)?;
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
    service_token::issue(
        &mut *loan(ctx).await?,
        now(),
        name,
        viewer.name(),
        input.expires_in_days,
    )
    .await
}

async fn revoke(ctx: &Context<'_>, id: ID) -> Result<ID, Failure> {
    let token_id = IdOf::ServiceToken.read_input(&id, "serviceTokenId")?;
    let revoked = service_token::revoke(&mut *loan(ctx).await?, now(), token_id).await?;
    if revoked {
        return Ok(id);
    }
    Err(Refusal::at(
        "NOT_FOUND",
        &["serviceTokenId"],
        "There is no such service token. Check the id.",
    )
    .into())
}
