//! Companies come and go.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use diesel_async::AsyncConnection;

use super::{UserError, get_company, no_such_company, record, settle};
use crate::auth::{Action, Viewer};
use crate::db::Setback;
use crate::error::Failure;
use crate::evidence;
use crate::graphql::company::Company;
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::siblings::Kin;
use crate::graphql::{input, loan, now, permit, permit_to_all};
use crate::model;
use crate::model::audit::AuditAction;

#[derive(Default)]
pub struct CompanyMutations;

/// A company to add.
#[derive(InputObject)]
struct CreateCompanyInput {
    /// The name.
    name: String,
    /// The PSA's own id, unique among companies.
    external_id: Option<String>,
}

/// What became of `createCompany`.
#[derive(SimpleObject)]
struct CreateCompanyPayload {
    /// The company that was added; null when it was not.
    company: Option<Company>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// Which company to delete.
#[derive(InputObject)]
struct DeleteCompanyInput {
    /// The id of the company.
    company_id: ID,
}

/// What became of `deleteCompany`.
#[derive(SimpleObject)]
struct DeleteCompanyPayload {
    /// The id of the company that is gone; null when it is not.
    deleted_company_id: Option<ID>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl CompanyMutations {
    /// Adds a company.
    async fn create_company(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The company to add.")] input: CreateCompanyInput,
    ) -> Answer<CreateCompanyPayload> {
        let viewer = permit_to_all(ctx, Action::CreateCompany)?;
        let (company, user_errors) = settle(create(ctx, viewer, input).await)?;
        Ok(CreateCompanyPayload {
            company: company.map(|row| Company(Kin::alone(row))),
            user_errors,
        })
    }

    /// Deletes a company with all that is kept of it: contacts, groups, assets and sync runs. There is no way back.
    async fn delete_company(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which company.")] input: DeleteCompanyInput,
    ) -> Answer<DeleteCompanyPayload> {
        let viewer = permit(ctx, Action::DeleteCompany)?;
        let (company, user_errors) = settle(delete(ctx, viewer, &input.company_id).await)?;
        Ok(DeleteCompanyPayload {
            deleted_company_id: company.map(|company| IdOf::Company.show(company.id)),
            user_errors,
        })
    }
}

/// How often a deletion gives way to a run or a disconnection that meets it half-way.
const GIVES_WAY: usize = 3;

async fn delete(ctx: &Context<'_>, viewer: &Viewer, id: &ID) -> Result<model::Company, Failure> {
    let company = get_company(ctx, viewer, Action::DeleteCompany, id).await?;
    for _ in 0..GIVES_WAY {
        match purge(ctx, viewer, &company).await {
            Err(Failure::Broken(error)) if Setback::of(&error) == Some(Setback::Deadlock) => {}
            purged => return purged.map(|()| company),
        }
    }
    purge(ctx, viewer, &company).await.map(|()| company)
}

async fn purge(ctx: &Context<'_>, viewer: &Viewer, company: &model::Company) -> Result<(), Failure> {
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<(), Failure> {
            evidence::keep::purge(conn, company.id, now()).await?;
            // Of two who delete it, one has.
            if !model::company::remove(conn, company.id).await? {
                return Err(no_such_company());
            }
            let name = Some(company.name.clone());
            record(ctx, conn, viewer, AuditAction::DeleteCompany, Some(company.id), name).await
        })
        .await
}

async fn create(ctx: &Context<'_>, viewer: &Viewer, input: CreateCompanyInput) -> Result<model::Company, Failure> {
    let name = input::line(&input.name, "name")?;
    let external_id = input
        .external_id
        .as_deref()
        .map(|id| input::line(id, "externalId"))
        .transpose()?;
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<model::Company, Failure> {
            let company = model::company::insert(conn, now(), name, external_id).await?;
            record(ctx, conn, viewer, AuditAction::CreateCompany, Some(company.id), None).await?;
            Ok(company)
        })
        .await
}
