//! The root of mutations.
//!
//! Each takes one input and answers one payload. What a person can mend is in the payload's `userErrors`; a mutation
//! that the viewer may not make is a top-level `FORBIDDEN`. A hidden company is an unknown company.

mod company;
mod connect;
mod evidence;
mod portal;
mod running;
mod service_token;
mod session;
mod sync;

use async_graphql::{Context, ID, MergedObject, SimpleObject};
use serde_json::Value;
use uuid::Uuid;

use super::error::{Answer, RequestId};
use super::id::IdOf;
use super::{given, now};
use crate::auth::{Action, Resource, Viewer, allow};
use crate::db::{Connection, Pool};
use crate::error::{self, Failure};
use crate::model;
use crate::model::audit::{self, AuditAction, Deed};

/// What can be done.
#[derive(MergedObject, Default)]
pub struct Mutation(
    company::CompanyMutations,
    connect::ConnectMutations,
    sync::SyncMutations,
    service_token::ServiceTokenMutations,
    portal::PortalMutations,
    session::SessionMutations,
    evidence::EvidenceMutations,
    running::RunningMutations,
);

/// Something in the input that cannot be, said so that a person can mend it.
#[derive(SimpleObject)]
pub struct UserError {
    /// A stable code in capitals, such as `NOT_CONNECTED`.
    code: String,
    /// What is wrong and what to do, in plain words.
    message: String,
    /// The field that it is about, from `input` inwards; empty when no single field is to blame.
    path: Vec<&'static str>,
}

impl From<error::UserError> for UserError {
    fn from(error: error::UserError) -> Self {
        let path = if error.path.is_empty() {
            vec![]
        } else {
            [&["input"], &error.path[..]].concat()
        };
        Self {
            code: error.code.to_owned(),
            message: error.message,
            path,
        }
    }
}

/// What was made, or what a person can mend; what we have to mend is an error.
fn settle<T>(result: Result<T, Failure>) -> Answer<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(made) => Ok((Some(made), Vec::new())),
        Err(Failure::Refused(refusal)) => Ok((None, vec![refusal.into()])),
        Err(Failure::Broken(error)) => Err(error.into()),
    }
}

/// The company that the input names.
///
/// # Errors
/// `BAD_INPUT` for what is no company's id, `NOT_FOUND` for one that is unknown or hidden.
async fn get_company(ctx: &Context<'_>, viewer: &Viewer, action: Action, id: &ID) -> Result<model::Company, Failure> {
    let id = IdOf::Company.read_input(id, "companyId")?;
    let scope = viewer.scope();
    let company = given::<Pool>(ctx)?
        .read(&scope, async |conn| -> Result<_, Failure> {
            Ok(model::company::find(conn, &scope, id).await?)
        })
        .await?
        .filter(|company| allow(viewer, action, Resource::Company(company.id)));
    company.ok_or_else(no_such_company)
}

fn no_such_company() -> Failure {
    error::UserError::at("NOT_FOUND", &["companyId"], "There is no such company. Check the id.").into()
}

/// Records in the audit trail, within the transaction that does it, what the viewer does to a company or to `subject`.
async fn record(
    ctx: &Context<'_>,
    conn: &mut Connection,
    viewer: &Viewer,
    action: AuditAction,
    company_id: Option<Uuid>,
    subject: Option<String>,
) -> Result<(), Failure> {
    let deed = deed(ctx, viewer, action, company_id, subject);
    Ok(audit::record(conn, now(), &deed).await?)
}

/// As [`record`], with what was chosen.
async fn record_choice(
    ctx: &Context<'_>,
    conn: &mut Connection,
    viewer: &Viewer,
    action: AuditAction,
    company_id: Uuid,
    details: Value,
) -> Result<(), Failure> {
    let deed = Deed {
        details: Some(details),
        ..deed(ctx, viewer, action, Some(company_id), None)
    };
    Ok(audit::record(conn, now(), &deed).await?)
}

fn deed(
    ctx: &Context<'_>,
    viewer: &Viewer,
    action: AuditAction,
    company_id: Option<Uuid>,
    subject: Option<String>,
) -> Deed<'static> {
    Deed {
        actor: viewer.actor(),
        action,
        company_id,
        subject,
        refused_because: None,
        request_id: ctx.data_opt::<RequestId>().map(|id| id.0),
        details: None,
    }
}
