//! Companies come and go.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{UserError, get_company, settle};
use crate::auth::Action;
use crate::error::Failure;
use crate::graphql::company::Company;
use crate::graphql::error::Answer;
use crate::graphql::id::IdOf;
use crate::graphql::siblings::Kin;
use crate::graphql::{input, loan, now, permit};
use crate::model;

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
        permit(ctx, Action::CreateCompany)?;
        let (company, user_errors) = settle(create(ctx, input).await)?;
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
        let company = get_company(ctx, viewer, &input.company_id).await;
        let (company, user_errors) = settle(company)?;
        if let Some(company) = &company {
            model::company::remove(&mut *loan(ctx).await?, company.id).await?;
        }
        Ok(DeleteCompanyPayload {
            deleted_company_id: company.map(|company| IdOf::Company.show(company.id)),
            user_errors,
        })
    }
}

async fn create(ctx: &Context<'_>, input: CreateCompanyInput) -> Result<model::Company, Failure> {
    let name = input::line(&input.name, "name")?;
    let external_id = input
        .external_id
        .as_deref()
        .map(|id| input::line(id, "externalId"))
        .transpose()?;
    model::company::insert(&mut *loan(ctx).await?, now(), name, external_id).await
}
