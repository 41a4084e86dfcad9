//! What people state about a company is declared, and withdrawn.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use super::{UserError, get_company, record, settle};
use crate::auth::{Action, Viewer};
use crate::error::{Failure, UserError as Refusal};
use crate::evidence::catalogue::Catalogue;
use crate::evidence::keep::{self, DeclarationKind, DeclarationRow, Statement};
use crate::graphql::error::Answer;
use crate::graphql::evidence::declaration::EvidenceDeclaration;
use crate::graphql::id::IdOf;
use crate::graphql::siblings::Kin;
use crate::graphql::{loan, now, permit};
use crate::model::audit::AuditAction;

#[derive(Default)]
pub struct EvidenceMutations;

/// What is stated, and who answers for it.
#[derive(InputObject)]
struct DeclareEvidenceInput {
    /// The id of the company.
    company_id: ID,
    /// What is stated.
    kind: DeclarationKind,
    /// Of an EXCEPTION alone: the check's id.
    check_id: Option<String>,
    /// Microsoft's id of the object, account or policy; not for what is about the company.
    object_id: Option<String>,
    /// Who answers for it.
    owner: String,
    /// Why.
    reason: String,
    /// Of a CHANGE alone: the ticket.
    reference: Option<String>,
    /// Of a CHANGE alone: when it was made.
    changed_at: Option<DateTime<Utc>>,
    /// Until when it holds, at most 400 days ahead. Needed for an EXCEPTION and for accounts.
    expires_at: Option<DateTime<Utc>>,
}

/// What became of `declareEvidence`.
#[derive(SimpleObject)]
struct DeclareEvidencePayload {
    /// The declaration; null when nothing was stated.
    declaration: Option<EvidenceDeclaration>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

/// Which declaration no longer holds.
#[derive(InputObject)]
struct WithdrawEvidenceDeclarationInput {
    /// The id of the declaration.
    declaration_id: ID,
}

/// What became of `withdrawEvidenceDeclaration`.
#[derive(SimpleObject)]
struct WithdrawEvidenceDeclarationPayload {
    /// The id of the declaration that was withdrawn; null when none was.
    withdrawn_declaration_id: Option<ID>,
    /// What has to be mended first.
    user_errors: Vec<UserError>,
}

#[Object]
impl EvidenceMutations {
    /// States something about a company: an exception from a check, an account for emergencies, a ticket for a change and
    /// the like. It takes nobody out of a population; the next run says what became of it.
    async fn declare_evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to state.")] input: DeclareEvidenceInput,
    ) -> Answer<DeclareEvidencePayload> {
        let viewer = permit(ctx, Action::DeclareEvidence)?;
        let (declared, user_errors) = settle(declare(ctx, viewer, input).await)?;
        Ok(DeclareEvidencePayload {
            declaration: declared.map(|row| EvidenceDeclaration(Kin::alone(row))),
            user_errors,
        })
    }

    /// Ends a declaration from now on. It stays on record.
    async fn withdraw_evidence_declaration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which declaration.")] input: WithdrawEvidenceDeclarationInput,
    ) -> Answer<WithdrawEvidenceDeclarationPayload> {
        let viewer = permit(ctx, Action::DeclareEvidence)?;
        let (withdrawn_declaration_id, user_errors) = settle(withdraw(ctx, viewer, input.declaration_id).await)?;
        Ok(WithdrawEvidenceDeclarationPayload {
            withdrawn_declaration_id,
            user_errors,
        })
    }
}

async fn declare(ctx: &Context<'_>, viewer: &Viewer, input: DeclareEvidenceInput) -> Result<DeclarationRow, Failure> {
    let company = get_company(ctx, viewer, Action::DeclareEvidence, &input.company_id).await?;
    if let Some(check) = &input.check_id
        && Catalogue::get().check(check).is_none()
    {
        return Err(Refusal::at(
            "NOT_FOUND",
            &["checkId"],
            "There is no such check. The query `checks` lists them.",
        )
        .into());
    }
    let statement = Statement {
        kind: input.kind,
        check_id: input.check_id,
        object_id: input.object_id,
        owner: input.owner,
        reason: input.reason,
        reference: input.reference,
        changed_at: input.changed_at,
        expires_at: input.expires_at,
    };
    let scope = viewer.scope();
    loan(ctx)
        .await?
        .transaction(async |conn| -> Result<DeclarationRow, Failure> {
            let row = keep::declare(conn, now(), &scope, company.id, &statement, viewer.name()).await?;
            let subject = Some(row.id.to_string());
            record(
                ctx,
                conn,
                viewer,
                AuditAction::DeclareEvidence,
                Some(company.id),
                subject,
            )
            .await?;
            Ok(row)
        })
        .await
}

async fn withdraw(ctx: &Context<'_>, viewer: &Viewer, id: ID) -> Result<ID, Failure> {
    let declaration_id = IdOf::EvidenceDeclaration.read_input(&id, "declarationId")?;
    let scope = viewer.scope();
    let withdrawn = loan(ctx)
        .await?
        .transaction(async |conn| -> Result<bool, Failure> {
            let withdrawn = keep::withdraw(conn, now(), &scope, declaration_id, viewer.name()).await?;
            if withdrawn {
                let subject = Some(declaration_id.to_string());
                record(
                    ctx,
                    conn,
                    viewer,
                    AuditAction::WithdrawEvidenceDeclaration,
                    None,
                    subject,
                )
                .await?;
            }
            Ok(withdrawn)
        })
        .await?;
    if withdrawn {
        return Ok(id);
    }
    Err(Refusal::at(
        "NOT_FOUND",
        &["declarationId"],
        "There is no such declaration that holds. Check the id.",
    )
    .into())
}
