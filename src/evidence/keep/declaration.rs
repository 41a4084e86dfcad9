//! What people state about a company: exceptions, accounts that are not what they seem, tickets for changes.
//!
//! A declaration says who answers for it and why, and ends by itself. The danger: a statement that quietly takes
//! somebody out of a population. It never does; checks count them apart, by name.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::ledger;
use super::row::{DeclarationRow, LedgerKind, WithdrawalRow};
use super::seal::{Sealed, to_the_microsecond};
use crate::db::Connection;
use crate::db::schema::{evidence_declaration, evidence_withdrawal};
use crate::error::{Failure, UserError};
use crate::evidence::judge::{AccountDeclaration, Change, Declarations, Exception};
use crate::model::Scope;
use crate::model::page::{Bind, Compared, Direction, Listing, Order};
use crate::model::text_enum::text_enum;

/// How long what needs an end may last, in days.
const LONGEST: i64 = 400;

text_enum! {
    /// What is stated.
    pub enum DeclarationKind {
        /// An object need not meet a check.
        Exception = "EXCEPTION",
        /// An account is for emergencies.
        EmergencyAccount = "EMERGENCY_ACCOUNT",
        /// An account is no person: a shared mailbox, a room.
        NonPersonAccount = "NON_PERSON_ACCOUNT",
        /// A change was asked for, by a ticket.
        Change = "CHANGE",
        /// The company manages no devices.
        NoDevices = "NO_DEVICES",
        /// The company's evidence is kept for six years.
        SixYears = "SIX_YEARS",
    }
}

/// What somebody wants to state.
#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: DeclarationKind,
    /// Of an exception alone: the check.
    pub check_id: Option<String>,
    /// The object, account or policy; none where it is about the company.
    pub object_id: Option<String>,
    /// Who answers for it.
    pub owner: String,
    pub reason: String,
    /// Of a change alone: the ticket.
    pub reference: Option<String>,
    /// Of a change alone: when it was made.
    pub changed_at: Option<DateTime<Utc>>,
    /// Needed for exceptions and accounts, at most 400 days ahead.
    pub expires_at: Option<DateTime<Utc>>,
}

/// States something about a company. In a transaction of its own.
///
/// # Errors
/// `BAD_INPUT` with the field when something is missing or too long; `NOT_FOUND` for a company out of the scope.
pub async fn declare(
    conn: &mut Connection,
    now: DateTime<Utc>,
    scope: &Scope,
    company_id: Uuid,
    statement: &Statement,
    by: &str,
) -> Result<DeclarationRow, Failure> {
    if !scope.holds_whole(company_id) {
        return Err(UserError::at("NOT_FOUND", &["companyId"], "There is no such company.").into());
    }
    require_sound(statement, now)?;
    let mut row = DeclarationRow {
        id: Uuid::now_v7(),
        company_id,
        kind: statement.kind,
        check_id: statement.check_id.clone(),
        object_id: statement.object_id.clone(),
        owner: statement.owner.trim().to_owned(),
        reason: statement.reason.trim().to_owned(),
        reference: statement.reference.clone(),
        changed_at: statement.changed_at.map(to_the_microsecond),
        expires_at: statement.expires_at.map(to_the_microsecond),
        declared_by: by.to_owned(),
        declared_at: to_the_microsecond(now),
        sha256: Vec::new(),
    };
    row.sha256 = row.seal();
    conn.transaction(async |conn| {
        ledger::hold(conn, company_id).await?;
        diesel::insert_into(evidence_declaration::table)
            .values(&row)
            .execute(conn)
            .await?;
        ledger::append(
            conn,
            company_id,
            now,
            LedgerKind::Declaration,
            row.id,
            row.sha256.clone(),
        )
        .await
    })
    .await?;
    Ok(row)
}

fn require_sound(statement: &Statement, now: DateTime<Utc>) -> Result<(), UserError> {
    use DeclarationKind as Kind;
    let kind = statement.kind;
    let refuse = |field: &'static str, message: &str| Err(UserError::at("BAD_INPUT", &[field], message));
    for (field, text, most) in [
        ("owner", Some(&statement.owner), 200),
        ("reason", Some(&statement.reason), 2_000),
        ("objectId", statement.object_id.as_ref(), 200),
        ("reference", statement.reference.as_ref(), 200),
    ] {
        if text.is_some_and(|text| text.chars().count() > most) {
            return refuse(field, &format!("This may have {most} letters at most."));
        }
    }
    if statement.owner.trim().is_empty() {
        return refuse("owner", "Say who answers for it.");
    }
    if statement.reason.trim().is_empty() {
        return refuse("reason", "Say why.");
    }
    if (kind == Kind::Exception) != statement.check_id.is_some() {
        return refuse("checkId", "An exception, and nothing else, names its check.");
    }
    if matches!(kind, Kind::NoDevices | Kind::SixYears) != statement.object_id.is_none() {
        return refuse(
            "objectId",
            "Name the object that it is about; what is about the company names none.",
        );
    }
    let told = [statement.reference.is_some(), statement.changed_at.is_some()];
    if told != [kind == Kind::Change; 2] {
        return refuse(
            "reference",
            "A change, and nothing else, has a ticket and the time of the change.",
        );
    }
    let ends = matches!(kind, Kind::Exception | Kind::EmergencyAccount | Kind::NonPersonAccount);
    match statement.expires_at {
        None if ends => refuse("expiresAt", "Say when it ends, at most 400 days from now."),
        Some(at) if at <= now => refuse("expiresAt", "It would be over before it begins."),
        Some(at) if ends && at > now + Duration::days(LONGEST) => refuse("expiresAt", "It may last 400 days at most."),
        _ => Ok(()),
    }
}

/// Ends a declaration; of which company it was, if there was one that held. In a transaction of its own.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(
    conn: &mut Connection,
    now: DateTime<Utc>,
    scope: &Scope,
    declaration_id: Uuid,
    by: &str,
) -> QueryResult<Option<Uuid>> {
    let company_id: Option<Uuid> = evidence_declaration::table
        .find(declaration_id)
        .select(evidence_declaration::company_id)
        .first(conn)
        .await
        .optional()?;
    let Some(company_id) = company_id.filter(|company_id| scope.holds_whole(*company_id)) else {
        return Ok(None);
    };
    let mut row = WithdrawalRow {
        declaration_id,
        company_id,
        withdrawn_by: by.to_owned(),
        withdrawn_at: to_the_microsecond(now),
        sha256: Vec::new(),
    };
    row.sha256 = row.seal();
    conn.transaction(async |conn| {
        ledger::hold(conn, company_id).await?;
        let ended = diesel::insert_into(evidence_withdrawal::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        if ended > 0 {
            ledger::append(
                conn,
                company_id,
                now,
                LedgerKind::Withdrawal,
                declaration_id,
                row.sha256.clone(),
            )
            .await?;
        }
        Ok((ended > 0).then_some(company_id))
    })
    .await
}

/// What was declared of a company at this moment and not withdrawn; expired entries are among them.
///
/// # Errors
/// When the database fails.
pub async fn declarations(conn: &mut Connection, company_id: Uuid, at: DateTime<Utc>) -> QueryResult<Declarations> {
    let rows: Vec<DeclarationRow> = evidence_declaration::table
        .left_join(evidence_withdrawal::table.on(evidence_withdrawal::declaration_id.eq(evidence_declaration::id)))
        .filter(evidence_declaration::company_id.eq(company_id))
        .filter(evidence_declaration::declared_at.le(at))
        .filter(
            evidence_withdrawal::withdrawn_at
                .is_null()
                .or(evidence_withdrawal::withdrawn_at.gt(at)),
        )
        .order((evidence_declaration::expires_at.desc(), evidence_declaration::id))
        .select(DeclarationRow::as_select())
        .load(conn)
        .await?;
    let mut declared = Declarations::default();
    for row in rows {
        add(&mut declared, row, at);
    }
    Ok(declared)
}

/// The longest of several for the same account comes first, and holds.
fn add(declared: &mut Declarations, row: DeclarationRow, at: DateTime<Utc>) {
    let object_id = row.object_id.unwrap_or_default();
    match (row.kind, row.expires_at) {
        (DeclarationKind::Exception, Some(expires_at)) => declared.exceptions.push(Exception {
            check: row.check_id.unwrap_or_default(),
            object_id,
            owner: row.owner,
            reason: row.reason,
            expires_at,
        }),
        (DeclarationKind::EmergencyAccount, Some(expires_at)) => {
            let account = account(row.owner, row.reason, expires_at);
            declared.emergency_accounts.entry(object_id).or_insert(account);
        }
        (DeclarationKind::NonPersonAccount, Some(expires_at)) => {
            let account = account(row.owner, row.reason, expires_at);
            declared.non_person_accounts.entry(object_id).or_insert(account);
        }
        (DeclarationKind::Change, _) => declared.changes.extend(row.changed_at.map(|at| Change {
            object_id,
            at,
            reference: row.reference.unwrap_or_default(),
        })),
        (DeclarationKind::NoDevices, expires_at) => {
            declared.manages_no_devices |= expires_at.is_none_or(|expires_at| expires_at > at);
        }
        // The constraints of the table leave nothing else but what is no matter of the checks.
        _ => {}
    }
}

fn account(owner: String, reason: String, expires_at: DateTime<Utc>) -> AccountDeclaration {
    AccountDeclaration {
        owner,
        reason,
        expires_at,
    }
}

/// The declarations of the company that owns the list, newest first; withdrawn ones are not among them.
pub fn list_declarations(scope: &Scope, kind: Option<DeclarationKind>) -> Listing {
    let newest_first = Order {
        name: "declaration.at",
        key: "evidence_declaration.declared_at",
        id: "evidence_declaration.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    Listing::new(
        "from evidence_declaration where evidence_declaration.company_id = p.company_id
           and not exists (select from evidence_withdrawal w where w.declaration_id = evidence_declaration.id)",
        newest_first,
    )
    .only("?", scope.whole_bind())
    .only(
        "evidence_declaration.kind = ?",
        kind.map(|kind| Bind::Text(kind.to_string())),
    )
}
