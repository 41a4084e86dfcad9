//! Tickets: the links that start a consent, which a technician may send to a client's administrator.
//!
//! The danger: whoever holds the link can offer a tenant to this company. It is good once, for half an hour, and
//! while whoever made it may still make one: a revoked token takes its links with it, and so does a disconnection.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{secret, service_token, tenant};
use crate::db::Connection;
use crate::db::schema::connect_ticket;
use crate::error::{Failure, UserError};

/// How long a link may lie in somebody's inbox.
const LIFE: TimeDelta = TimeDelta::minutes(30);

/// What a link stands for.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = connect_ticket, check_for_backend(diesel::pg::Pg))]
pub struct ConnectTicket {
    pub company_id: Uuid,
    /// Who made the link, by name.
    pub requested_by: String,
    /// Where to go afterwards: checked when the link was made.
    pub return_to: String,
    /// A domain that the tenant has to own.
    pub expected_domain: Option<String>,
    /// The service token that it was made with.
    pub service_token_id: Option<Uuid>,
}

/// A link to make.
#[derive(Clone, Debug)]
pub struct Invitation<'i> {
    pub company_id: Uuid,
    /// Who makes it, by name.
    pub requested_by: &'i str,
    /// The service token that it is made with: once that no longer holds, the link opens nothing.
    pub service_token_id: Option<Uuid>,
    /// Where to go afterwards: checked by the caller.
    pub return_to: &'i str,
    pub expected_domain: Option<&'i str>,
}

/// Makes a ticket and answers its secret. Clears away what has expired.
///
/// # Errors
/// `BAD_INPUT` when the domain cannot be one.
pub async fn issue(conn: &mut Connection, now: DateTime<Utc>, invitation: &Invitation<'_>) -> Result<String, Failure> {
    let expected_domain = invitation.expected_domain.map(domain).transpose()?;
    let secret = secret::fresh()?;
    diesel::delete(connect_ticket::table.filter(connect_ticket::expires_at.le(now)))
        .execute(conn)
        .await?;
    diesel::insert_into(connect_ticket::table)
        .values((
            connect_ticket::secret_hash.eq(secret::hash(&secret)),
            connect_ticket::company_id.eq(invitation.company_id),
            connect_ticket::requested_by.eq(invitation.requested_by),
            connect_ticket::return_to.eq(invitation.return_to),
            connect_ticket::expected_domain.eq(expected_domain),
            connect_ticket::expires_at.eq(now + LIFE),
            connect_ticket::service_token_id.eq(invitation.service_token_id),
        ))
        .execute(conn)
        .await?;
    tenant::expect_consent(conn, invitation.company_id).await?;
    Ok(secret)
}

fn domain(given: &str) -> Result<String, UserError> {
    let domain = given.trim().trim_end_matches('.').to_lowercase();
    let label =
        |label: &str| !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    if domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label) {
        Ok(domain)
    } else {
        Err(UserError::at(
            "BAD_INPUT",
            &["expectedDomain"],
            "That is not a domain such as contoso.com.",
        ))
    }
}

/// Takes a living ticket out, in one statement: of two that open the link, one gets it. It is gone also when the service
/// token that made it no longer holds, and then answers nothing.
///
/// # Errors
/// When the database fails.
pub async fn take(conn: &mut Connection, now: DateTime<Utc>, secret: &str) -> QueryResult<Option<ConnectTicket>> {
    let taken: Option<(DateTime<Utc>, ConnectTicket)> =
        diesel::delete(connect_ticket::table.find(secret::hash(secret)))
            .returning((connect_ticket::expires_at, ConnectTicket::as_returning()))
            .get_result(conn)
            .await
            .optional()?;
    let Some((_, ticket)) = taken.filter(|(until, _)| *until > now) else {
        return Ok(None);
    };
    let holds = match ticket.service_token_id {
        Some(token) => service_token::holds(conn, now, token).await?,
        None => true,
    };
    Ok(holds.then_some(ticket))
}

/// Forgets the company's links; how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_all(conn: &mut Connection, company_id: Uuid) -> QueryResult<usize> {
    diesel::delete(connect_ticket::table.filter(connect_ticket::company_id.eq(company_id)))
        .execute(conn)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_kept_in_lower_case() {
        assert_eq!(domain(" Contoso.COM. ").unwrap(), "contoso.com");
    }

    #[test]
    fn what_cannot_be_a_domain_is_refused() {
        for given in [
            "",
            "contoso",
            "a..b",
            "https://contoso.com",
            "contoso.com/x",
            "a b.com",
            "@contoso.com",
        ] {
            assert_eq!(domain(given).unwrap_err().code, "BAD_INPUT", "{given}");
        }
    }
}
