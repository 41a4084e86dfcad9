//! Sync runs to read: lists of them, and batches by key.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{SyncKind, SyncRun, SyncStatus};
use crate::db::Connection;
use crate::db::schema::sync_run;
use crate::model::Scope;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};

page::paged!(SyncRun, |run| Owner {
    company_id: run.company_id,
    key: run.id,
});

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<SyncKind>,
    pub status: Option<SyncStatus>,
    pub dry_run: Option<bool>,
    /// Whether they hold changes that wait for a person.
    pub holds_changes: Option<bool>,
}

/// An index holds only what waits, so that a company with nothing held costs one look.
const HOLDS_CHANGES: &str = "exists (select from held_change h
     where h.run_id = sync_run.id and h.company_id = sync_run.company_id and h.decision = 'HELD' and ?)";
const HOLDS_NOTHING: &str = "not exists (select from held_change h
     where h.run_id = sync_run.id and h.company_id = sync_run.company_id and h.decision = 'HELD' and ?)";

fn newest_first() -> Order {
    Order {
        name: "run.queued",
        key: "sync_run.queued_at",
        id: "sync_run.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    }
}

/// The runs of the company that owns the list, newest first.
pub fn list_of_company(scope: &Scope, filter: &Filter) -> Listing {
    let listing = Listing::new("from sync_run where sync_run.company_id = p.company_id", newest_first());
    narrow(listing, scope, filter)
}

/// The runs of every company of a scope, newest first.
pub fn list_everywhere(scope: &Scope, filter: &Filter) -> Listing {
    let listing = Listing::new("from sync_run where true", newest_first());
    narrow(
        listing.only("sync_run.company_id = any(?)", scope.as_bind()),
        scope,
        filter,
    )
}

/// The runs of one kind of the company that owns the list, dry runs apart, newest first.
pub fn latest_of_company(scope: &Scope, kind: SyncKind) -> Listing {
    let filter = Filter {
        kind: Some(kind),
        dry_run: Some(false),
        ..Filter::default()
    };
    list_of_company(scope, &filter)
}

fn narrow(listing: Listing, scope: &Scope, filter: &Filter) -> Listing {
    listing
        .only("?", scope.whole_bind())
        .only(
            "sync_run.kind = ?",
            filter.kind.map(|kind| Bind::Text(kind.to_string())),
        )
        .only(
            "sync_run.status = ?",
            filter.status.map(|status| Bind::Text(status.to_string())),
        )
        .only("sync_run.dry_run = ?", filter.dry_run.map(Bind::Bool))
        .only(
            if filter.holds_changes == Some(true) {
                HOLDS_CHANGES
            } else {
                HOLDS_NOTHING
            },
            filter.holds_changes.map(|_| Bind::Bool(true)),
        )
}

/// The runs with these ids, of companies that the scope holds.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, ids: &[Uuid]) -> QueryResult<Vec<SyncRun>> {
    let found: Vec<SyncRun> = sync_run::table
        .filter(sync_run::id.eq_any(ids))
        .select(SyncRun::as_select())
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .filter(|run| scope.holds_whole(run.company_id))
        .collect())
}

/// How many of the newest runs tell how a company stands: more than can change while one statement runs.
const RECENT: i64 = 10;

/// How the runs of a company stand at one moment.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What a watcher is shown: the newest run under way, dry runs included, else the newest real one.
    pub current: Option<SyncRun>,
    /// How far the newest runs were: what a watcher hears of them up to here is older than `current`.
    pub revisions: Vec<(Uuid, i64)>,
}

/// How the runs of one kind of a company stand, if the scope holds it.
///
/// # Errors
/// When the database fails.
pub async fn standing(conn: &mut Connection, scope: &Scope, company_id: Uuid, kind: SyncKind) -> QueryResult<Standing> {
    if !scope.holds_whole(company_id) {
        return Ok(Standing::default());
    }
    let recent: Vec<SyncRun> = sync_run::table
        .filter(sync_run::company_id.eq(company_id))
        .filter(sync_run::kind.eq(kind))
        .order((sync_run::queued_at.desc(), sync_run::id.desc()))
        .limit(RECENT)
        .select(SyncRun::as_select())
        .load(conn)
        .await?;
    let revisions = recent.iter().map(|run| (run.id, run.revision)).collect();
    let active = recent.iter().find(|run| run.status.is_active());
    let current = match active.or_else(|| recent.iter().find(|run| !run.dry_run)) {
        Some(run) => Some(run.clone()),
        None => super::latest(conn, scope, company_id, kind).await?,
    };
    Ok(Standing { current, revisions })
}
