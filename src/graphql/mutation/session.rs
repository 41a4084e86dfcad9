//! Sessions are ended.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;

use super::{UserError, settle};
use crate::auth::{Action, Resource, Viewer, allow};
use crate::error::{Failure, UserError as Refusal};
use crate::graphql::error::{Answer, RequestId};
use crate::graphql::id::IdOf;
use crate::graphql::{loan, now, permit};
use crate::model::session::{self, Because, Ending};

#[derive(Default)]
pub struct SessionMutations;

/// Which session to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// The id of the session.
    session_id: ID,
}

/// What became of `revokeSession`.
#[derive(SimpleObject)]
struct RevokeSessionPayload {
    /// The id of the session that has ended; null when there is no such session.
    revoked_session_id: Option<ID>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl SessionMutations {
    /// Ends a session at once, with all that is open in it: one's own, or for an administrator anybody's.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session.")] input: RevokeSessionInput,
    ) -> Answer<RevokeSessionPayload> {
        let viewer = permit(ctx, Action::ManageSessions)?;
        let (revoked_session_id, user_errors) = settle(revoke(ctx, viewer, input.session_id).await)?;
        Ok(RevokeSessionPayload {
            revoked_session_id,
            user_errors,
        })
    }
}

async fn revoke(ctx: &Context<'_>, viewer: &Viewer, id: ID) -> Result<ID, Failure> {
    let session_id = IdOf::Session.read_input(&id, "sessionId")?;
    let of = if allow(viewer, Action::ManageSessions, Resource::Msp) {
        None
    } else {
        viewer.person()
    };
    let revoked = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<bool, Failure> {
            let Some(ended) = session::revoke(conn, session_id, of).await? else {
                return Ok(false);
            };
            let ending = Ending {
                because: Because::Revoked,
                actor: viewer.actor(),
                request_id: ctx.data_opt::<RequestId>().map(|id| id.0),
            };
            session::record_ends(conn, now(), &[ended], &ending).await?;
            Ok(true)
        })
        .await?;
    if revoked {
        return Ok(id);
    }
    Err(Refusal::at("NOT_FOUND", &["sessionId"], "There is no such session. Check the id.").into())
}
