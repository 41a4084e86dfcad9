//! Alarms.

use std::collections::VecDeque;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use futures::Stream;
use uuid::Uuid;

use super::company::Company;
use super::connection::Listed;
use super::error::Answer;
use super::id::IdOf;
use super::siblings::Kin;
use crate::db::Pool;
use crate::db::events::Events;
use crate::model::alarm::{self, AlarmKind, Changed};
use crate::model::page::{self, Owner, Slice};
use crate::model::{self, Scope};
use crate::telemetry::metrics::Subscriber;

/// How many changes are read at once.
const BATCH: i64 = 100;

/// An alarm among those it was read with.
#[derive(Clone)]
pub struct Alarm(Kin<model::Alarm>);

impl Listed for Alarm {
    type Row = model::Alarm;
    async fn of(_: &Context<'_>, row: Kin<model::Alarm>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// Something that is, or was, wrong and wants a person. It opens and closes by itself, as the facts do.
#[Object]
impl Alarm {
    /// Opaque, and unique among all alarms.
    async fn id(&self) -> ID {
        IdOf::Alarm.show(self.0.id)
    }

    /// What is wrong.
    async fn kind(&self) -> AlarmKind {
        self.0.kind
    }

    /// The company that it is about; null: it is about the application, and so about every company.
    async fn company(&self, ctx: &Context<'_>) -> Answer<Option<Company>> {
        match self.0.company_id {
            Some(id) => Company::of_sibling(ctx, self.0.siblings(), id).await.map(Some),
            None => Ok(None),
        }
    }

    /// What it is about: the kind of run, the id of the check, or our credential; null where there is only one.
    async fn subject(&self) -> Option<&str> {
        Some(&*self.0.subject).filter(|subject| !subject.is_empty())
    }

    /// What is wrong, in plain words. It follows the facts while the alarm is open.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    async fn remedy(&self) -> &str {
        &self.0.remedy
    }

    /// Since when.
    async fn since(&self) -> DateTime<Utc> {
        self.0.opened_at
    }

    /// When it was over; null while it is open.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }
}

/// What somebody watches.
pub struct Watched {
    pub pool: Pool,
    pub scope: Scope,
    pub company_id: Option<Uuid>,
}

impl Watched {
    /// The newest alarm, or none while there is none; then each that opens, says something else, or closes.
    pub fn follow(self, events: &Events) -> impl Stream<Item = Answer<Option<Alarm>>> + use<> {
        // Watched before it is looked at: what changes in between is not missed.
        let mut changes = events.alarms();
        async_stream::try_stream! {
            let _counted = Subscriber::new();
            let (mut place, newest) = self.begin().await?;
            yield newest;
            while changes.changed().await.is_ok() {
                let mut more: VecDeque<Changed> = self.after(place).await?.into();
                while let Some(changed) = more.pop_front() {
                    place = changed.seq;
                    yield Some(Alarm(Kin::alone(changed.alarm)));
                    if more.is_empty() {
                        more = self.after(place).await?.into();
                    }
                }
            }
        }
    }

    async fn begin(&self) -> Answer<(i64, Option<Alarm>)> {
        // The place is of no company, and the role of viewers reads it only as far as theirs go.
        let place = alarm::last_change(&mut *self.pool.get().await?).await?;
        let filter = alarm::Filter {
            company_id: self.company_id,
            ..alarm::Filter::default()
        };
        let listing = alarm::list(&self.scope, &filter);
        let mut pages = self
            .pool
            .read(&self.scope, async |conn| -> anyhow::Result<_> {
                Ok(page::list::<model::Alarm>(conn, &self.scope, &[Owner::NOBODY], &listing, &Slice::ONE).await?)
            })
            .await?;
        let newest = pages
            .remove(&Owner::NOBODY)
            .and_then(|page| page.rows.into_iter().next());
        Ok((place, newest.map(|placed| Alarm(Kin::alone(placed.row)))))
    }

    async fn after(&self, place: i64) -> Answer<Vec<Changed>> {
        self.pool
            .read(&self.scope, async |conn| -> Answer<_> {
                Ok(alarm::changes_after(conn, &self.scope, self.company_id, place, BATCH).await?)
            })
            .await
    }
}
