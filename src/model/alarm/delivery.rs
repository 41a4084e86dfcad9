//! What the webhook is to be told of alarms.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::{Alarm, AlarmChange, AlarmKind};
use crate::db::Connection;

/// A change of an alarm that is to be delivered.
#[derive(Clone, Debug, QueryableByName)]
pub struct Delivery {
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = Text)]
    pub what: AlarmChange,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    pub external_id: Option<String>,
    #[diesel(embed)]
    pub alarm: Alarm,
}

/// Takes deliveries that are due, at most `limit`. Each counts as tried, and is due again after a wait that grows from try to
/// try, unless [`delivered`] is told: so whoever takes one may die with it.
///
/// # Errors
/// When the database fails.
pub async fn take_deliveries(conn: &mut Connection, limit: i64) -> QueryResult<Vec<Delivery>> {
    diesel::sql_query(
        "with due as (
             select seq from alarm_event where delivery = 'WAITING' and next_at <= now()
               and exists (select from alarm where alarm.id = alarm_event.alarm_id and alarm.kind = any($2))
               and not exists (select from alarm_event earlier
                               where earlier.alarm_id = alarm_event.alarm_id and earlier.seq < alarm_event.seq
                                 and earlier.delivery = 'WAITING')
             order by seq limit $1 for update skip locked),
         taken as (
             update alarm_event set attempts = attempts + 1,
                 next_at = now() + (array['30 seconds', '5 minutes', '30 minutes', '2 hours', '5 hours', '10 hours'])[least(attempts, 5) + 1]::interval
             where seq in (select seq from due) returning *)
         select taken.seq, taken.what, taken.at, company.external_id, alarm.id, alarm.kind, alarm.company_id, alarm.subject,
                alarm.message, alarm.remedy, alarm.opened_at, case taken.what when 'CLOSED' then alarm.closed_at end as closed_at
         from taken join alarm on alarm.id = taken.alarm_id left join company on company.id = alarm.company_id
         order by taken.seq",
    )
    .bind::<BigInt, _>(limit)
    .bind::<Array<Text>, _>(AlarmKind::ALL)
    .load(conn)
    .await
}

/// It has arrived.
///
/// # Errors
/// When the database fails.
pub async fn delivered(conn: &mut Connection, seq: i64) -> QueryResult<()> {
    diesel::sql_query("update alarm_event set delivery = 'DELIVERED' where seq = $1")
        .bind::<BigInt, _>(seq)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives up on what nobody has taken for three days. How many those are.
///
/// # Errors
/// When the database fails.
pub async fn give_up(conn: &mut Connection) -> QueryResult<usize> {
    diesel::sql_query(
        "update alarm_event set delivery = 'GIVEN_UP' where delivery = 'WAITING' and at < now() - interval '3 days'",
    )
    .execute(conn)
    .await
}
