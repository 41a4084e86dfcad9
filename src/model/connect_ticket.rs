//! Tickets: the links that start a consent, which a technician may send to a client's administrator.
//!
//! The danger: whoever holds the link can offer a tenant to this company. It is good once, and for half an hour.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{secret, tenant};
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
}

/// Makes a ticket and answers its secret. `return_to` has been checked by the caller. Clears away what has expired.
///
/// # Errors
/// `BAD_INPUT` when the domain cannot be one.
pub async fn issue(
    conn: &mut Connection,
    now: DateTime<Utc>,
    company_id: Uuid,
    requested_by: &str,
    return_to: &str,
    expected_domain: Option<&str>,
) -> Result<String, Failure> {
    let expected_domain = expected_domain.map(domain).transpose()?;
    let secret = secret::fresh()?;
    diesel::delete(connect_ticket::table.filter(connect_ticket::expires_at.le(now)))
        .execute(conn)
        .await?;
    diesel::insert_into(connect_ticket::table)
        .values((
            connect_ticket::secret_hash.eq(secret::hash(&secret)),
            connect_ticket::company_id.eq(company_id),
            connect_ticket::requested_by.eq(requested_by),
            connect_ticket::return_to.eq(return_to),
            connect_ticket::expected_domain.eq(expected_domain),
            connect_ticket::expires_at.eq(now + LIFE),
        ))
        .execute(conn)
        .await?;
    tenant::expect_consent(conn, company_id).await?;
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

/// Takes a living ticket out, in one statement: of two that open the link, one gets it.
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
    Ok(taken.filter(|(until, _)| *until > now).map(|(_, ticket)| ticket))
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
