//! Sessions, without their secrets.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::connection::Listed;
use super::error::Answer;
use super::id::IdOf;
use super::siblings::Kin;
use super::{loan, now, viewer};
use crate::model::session;

/// A session, and whether it is the one that asks.
pub struct Session {
    row: Kin<session::Session>,
    current: bool,
}

impl Listed for Session {
    type Row = session::Session;
    async fn of(ctx: &Context<'_>, row: Kin<session::Session>) -> Answer<Self> {
        Ok(Self {
            current: viewer(ctx)?.session_id() == Some(row.id),
            row,
        })
    }
}

/// The living sessions of one person.
pub async fn of_person(ctx: &Context<'_>, tid: Uuid, oid: Uuid) -> Answer<Vec<Session>> {
    let rows = session::of_person(&mut *loan(ctx).await?, now(), tid, oid).await?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in Kin::all(rows) {
        sessions.push(Session::of(ctx, row).await?);
    }
    Ok(sessions)
}

/// Somebody who signed in.
#[Object]
impl Session {
    /// Opaque, for `revokeSession`.
    async fn id(&self) -> ID {
        IdOf::Session.show(self.row.id)
    }

    /// Who signed in, by name.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Whether it is the session of whoever asks.
    async fn current(&self) -> bool {
        self.current
    }

    /// The company whose portal it is in; null for staff.
    async fn company_id(&self) -> Option<ID> {
        self.row.company_id.map(|id| IdOf::Company.show(id))
    }

    /// What the browser called itself.
    async fn browser(&self) -> Option<&str> {
        self.row.browser.as_deref()
    }

    /// When it began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was last used, to the minute.
    async fn last_seen_at(&self) -> DateTime<Utc> {
        self.row.last_seen_at
    }

    /// When it ends at the latest; half an hour after its last use it ends too.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.row.expires_at
    }
}
