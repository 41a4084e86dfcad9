//! What the database ran into, where that is nobody's mistake: it is away, it has no room, or two waited for each other.
//!
//! A run that met one of these has not failed for good, and to say "something went wrong on our side" would help
//! nobody. Postgres' own words are looked at only where diesel hands nothing else on.

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::PoolError;
use tokio_postgres::error::SqlState;

/// A setback that passes, or that an operator can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// The server went down or cut the connection.
    Away,
    /// Its disk is full.
    Full,
    /// Two transactions waited for each other, and this one was chosen to give way.
    Deadlock,
}

impl Setback {
    /// The setback that an error tells of.
    pub fn of(error: &anyhow::Error) -> Option<Self> {
        error.chain().find_map(|cause| {
            let by_driver = cause.downcast_ref::<tokio_postgres::Error>().and_then(told_by_driver);
            let by_diesel = || cause.downcast_ref::<Error>().and_then(told_by_diesel);
            let by_pool = || match cause.downcast_ref::<PoolError>() {
                Some(PoolError::ConnectionError(_)) => Some(Self::Away),
                Some(PoolError::QueryError(error)) => told_by_diesel(error),
                None => None,
            };
            by_driver.or_else(by_diesel).or_else(by_pool)
        })
    }
}

fn told_by_driver(error: &tokio_postgres::Error) -> Option<Setback> {
    match error.code() {
        Some(&SqlState::DISK_FULL) => Some(Setback::Full),
        Some(&SqlState::T_R_DEADLOCK_DETECTED) => Some(Setback::Deadlock),
        Some(&(SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW)) => {
            Some(Setback::Away)
        }
        Some(_) => None,
        None => is_cut(error).then_some(Setback::Away),
    }
}

/// Closed, or broken by the operating system.
fn is_cut(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    error.is_closed() || source.is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

fn told_by_diesel(error: &Error) -> Option<Setback> {
    let Error::DatabaseError(kind, told) = error else {
        return None;
    };
    let message = told.message();
    match kind {
        DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => Some(Setback::Away),
        DatabaseErrorKind::Unknown if message.contains("No space left on device") => Some(Setback::Full),
        DatabaseErrorKind::Unknown if message.contains("deadlock detected") => Some(Setback::Deadlock),
        DatabaseErrorKind::Unknown
            if message.contains("terminating connection") || message.contains("the database system is") =>
        {
            Some(Setback::Away)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: DatabaseErrorKind, message: &str) -> anyhow::Error {
        anyhow::Error::from(Error::DatabaseError(kind, Box::new(message.to_owned()))).context("writing a page")
    }

    #[test]
    fn a_setback_is_told_from_a_mistake() {
        let unknown = |message| Setback::of(&told(DatabaseErrorKind::Unknown, message));
        let full = "could not extend file \"base/1/2\": No space left on device";
        assert_eq!(unknown(full), Some(Setback::Full));
        assert_eq!(unknown("deadlock detected"), Some(Setback::Deadlock));
        let away = "terminating connection due to administrator command";
        assert_eq!(unknown(away), Some(Setback::Away));
        assert_eq!(unknown("syntax error"), None);
        let cut = told(DatabaseErrorKind::UnableToSendCommand, "connection closed");
        assert_eq!(Setback::of(&cut), Some(Setback::Away));
        let twice = told(DatabaseErrorKind::UniqueViolation, "No space left on device");
        assert_eq!(Setback::of(&twice), None);
    }
}
