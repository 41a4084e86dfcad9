//! What of a company wants a person: said once, for the order of a list and for whoever shows one of them.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::model::Scope;

super::text_enum::text_enum! {
    /// What of a company wants a person, the worst first.
    pub enum Attention {
        /// Its tenant has to be connected again.
        ReconnectNeeded = "RECONNECT_NEEDED",
        /// Its last sync failed, or its evidence keeps failing.
        Failing = "FAILING",
        /// It has missed two of its syncs.
        OutOfDate = "OUT_OF_DATE",
        /// Deactivations wait for a person.
        ChangesHeld = "CHANGES_HELD",
        /// A check that was met no longer is.
        EvidenceTurnedBad = "EVIDENCE_TURNED_BAD",
        /// Its last sync went through in part.
        PartlySynced = "PARTLY_SYNCED",
        /// It has no tenant that is connected.
        NotConnected = "NOT_CONNECTED",
        /// Nothing.
        Nothing = "NOTHING",
    }
}

/// The place among [`Attention::ALL`] of what a `company` wants, from 1 on.
///
/// The last run that has ended counts, so that one under way hides nothing. Two missed syncs are twice the time between the
/// company's own slots, and four hours more, since the last good one and since these slots were chosen; where it is paused, none
/// is missed.
pub const PLACE: &str = "coalesce(least(
    (select min(case alarm.kind when 'RECONNECT_NEEDED' then 1 when 'RUN_FAILING' then 2 when 'EVIDENCE_TURNED_BAD' then 5 end)
     from alarm where alarm.company_id = company.id and alarm.closed_at is null),
    (select 4 where exists (select from held_change
                            where held_change.company_id = company.id and held_change.decision = 'HELD')),
    (select case when tenant.status = 'RECONNECT_NEEDED' then 1
                 when tenant.status <> 'CONNECTED' then 7
                 when ended.status = 'FAILED' then 2
                 when not coalesce(schedule.paused, false)
                      and greatest(coalesce(good.finished_at, tenant.connected_at), schedule.since)
                          < now() - make_interval(hours => 2 * coalesce(schedule.every_hours, 4) + 4) then 3
                 when ended.status = 'PARTIAL' then 6
                 else 8 end
     from tenant
     left join lateral (select status from sync_run
                        where sync_run.company_id = company.id and kind = 'IDENTITY' and not dry_run
                          and status in ('SUCCEEDED', 'PARTIAL', 'FAILED')
                        order by queued_at desc, id desc limit 1) ended on true
     left join lateral (select finished_at from sync_run
                        where sync_run.company_id = company.id and kind = 'IDENTITY' and not dry_run
                          and status in ('SUCCEEDED', 'PARTIAL')
                        order by queued_at desc, id desc limit 1) good on true
     left join lateral (select since, every_hours, paused from sync_schedule
                        where sync_schedule.company_id = company.id and kind = 'IDENTITY'
                        order by since desc limit 1) schedule on true
     where tenant.company_id = company.id)), 7)";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    place: i32,
}

/// What these companies want, as far as the scope holds them whole.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, companies: &[Uuid]) -> QueryResult<HashMap<Uuid, Attention>> {
    let rows: Vec<Row> = diesel::sql_query(format!("select id, {PLACE} as place from company where id = any($1)"))
        .bind::<Array<SqlUuid>, _>(scope.whole_of(companies))
        .load(conn)
        .await?;
    let attention = |place: i32| {
        usize::try_from(place - 1)
            .ok()
            .and_then(|place| Attention::ALL.get(place).copied())
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.id, attention(row.place)?)))
        .collect())
}
