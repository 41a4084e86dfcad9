//! Alarms: looks at the facts, opens and closes what they ask for, and tells the webhook.
//!
//! It runs beside every API and every worker: were it the workers' alone, nobody would be left to say that no worker lives.
//! It takes no input and remembers nothing, so any number of nodes may look at once; they take turns, so that many cost no
//! more than one.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::webhook::Webhook;
use super::{LONGEST_TURN, Turns};
use crate::db::Pool;
use crate::db::events::Events;
use crate::evidence::catalogue::{Catalogue, Severity};
use crate::microsoft::Microsoft;
use crate::model::alarm::{self, AHEAD, Delivery, Known, OwnCredential, Settled};
use crate::telemetry::metrics;

/// How often the facts are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How often deliveries that are due are looked for.
const DELIVER_EVERY: Duration = Duration::from_secs(3);

/// How many are delivered at once.
const AT_ONCE: i64 = 16;

/// What looks after the alarms on one node. Clones share everything.
#[derive(Clone)]
pub struct Alarms {
    pool: Pool,
    events: Events,
    credential: Option<OwnCredential>,
    webhook: Option<Arc<Webhook>>,
}

impl Alarms {
    /// Over this database, for the application that this way to Microsoft belongs to.
    pub fn new(pool: Pool, events: Events, microsoft: &Microsoft, webhook: Option<Webhook>) -> Self {
        Self {
            pool,
            events,
            credential: own_credential(microsoft),
            webhook: webhook.map(Arc::new),
        }
    }

    /// Looks and tells until `stop`. A look comes only after some time: who starts with the workers finds them alive.
    pub async fn run(self, clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>, stop: CancellationToken) {
        if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
        tokio::join!(self.keep_looking(stop.clone()), self.keep_telling(&*clock, stop));
    }

    async fn keep_looking(&self, stop: CancellationToken) {
        let mut turns = Turns::every(LOOK_EVERY, LONGEST_TURN, &self.pool, stop);
        while turns.next().await {
            turns.take("look for alarms", self.look_in_turn()).await;
        }
    }

    async fn keep_telling(&self, clock: &(dyn Fn() -> DateTime<Utc> + Send + Sync), stop: CancellationToken) {
        let Some(webhook) = &self.webhook else { return };
        let mut turns = Turns::every(DELIVER_EVERY, LONGEST_TURN, &self.pool, stop);
        while turns.next().await {
            turns.take("telling of alarms", self.tell(webhook, clock())).await;
        }
    }

    /// Looks at the facts where it is this process's turn, and only says which credential it uses where it is not.
    async fn look_in_turn(&self) -> anyhow::Result<()> {
        let mut conn = self.pool.get().await?;
        if alarm::take_turn(&mut conn).await? {
            drop(conn);
            self.look().await?;
        } else if let Some(credential) = &self.credential {
            alarm::note_in_use(&mut conn, credential).await?;
        }
        Ok(())
    }

    /// Looks at the facts once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look(&self) -> anyhow::Result<Settled> {
        let known = Known {
            grave_checks: grave_checks(),
            credential: self.credential.clone(),
            webhook: self.webhook.is_some(),
        };
        let mut conn = self.pool.get().await?;
        let settled = alarm::settle(&mut conn, &known).await?;
        alarm::prune(&mut conn).await?;
        let given_up = alarm::give_up(&mut conn).await?;
        drop(conn);
        if given_up > 0 {
            tracing::error!(given_up, "the webhook took no alarm for three days");
            metrics::webhook_given_up(given_up);
        }
        let Settled {
            opened,
            changed,
            closed,
        } = settled;
        if opened + closed > 0 {
            tracing::warn!(opened, closed, "alarms opened or closed");
        }
        if settled != Settled::default() {
            tracing::debug!(opened, changed, closed, "whoever watches alarms is told");
            self.events.wake();
        }
        Ok(settled)
    }

    /// Tells the webhook, if there is one, of what is due now. How many arrived.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliver(&self, now: DateTime<Utc>) -> anyhow::Result<usize> {
        match &self.webhook {
            Some(webhook) => self.deliver_to(webhook, now).await,
            None => Ok(0),
        }
    }

    async fn tell(&self, webhook: &Webhook, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.deliver_to(webhook, now).await?;
        Ok(())
    }

    async fn deliver_to(&self, webhook: &Webhook, now: DateTime<Utc>) -> anyhow::Result<usize> {
        let due = alarm::take_deliveries(&mut *self.pool.get().await?, AT_ONCE).await?;
        let deliveries = due.iter().map(|delivery| self.deliver_one(webhook, delivery, now));
        let arrived = join_all(deliveries)
            .await
            .into_iter()
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(arrived.into_iter().filter(|arrived| *arrived).count())
    }

    async fn deliver_one(&self, webhook: &Webhook, delivery: &Delivery, now: DateTime<Utc>) -> anyhow::Result<bool> {
        if let Err(error) = webhook.send(delivery, now).await {
            tracing::warn!(alarm = %delivery.alarm.kind, error = format!("{error:#}"), "the webhook did not take an alarm");
            metrics::webhook_failed();
            return Ok(false);
        }
        metrics::webhook_delivered();
        alarm::delivered(&mut *self.pool.get().await?, delivery.seq).await?;
        Ok(true)
    }
}

/// The checks whose turning bad is an alarm.
fn grave_checks() -> Vec<(String, String)> {
    let checks = Catalogue::get().checks().iter();
    checks
        .filter(|check| matches!(check.severity, Severity::Critical | Severity::High))
        .map(|check| (check.id.clone(), check.title.clone()))
        .collect()
}

/// What tells our credential from another: the certificate itself, or when the secret is said to end.
fn own_credential(microsoft: &Microsoft) -> Option<OwnCredential> {
    let ends_at = microsoft.credential_expires()?;
    let name = match microsoft.certificate_thumbprint() {
        Some(thumbprint) => format!("certificate {thumbprint}"),
        None => format!("client secret that ends on {}", ends_at.format("%Y-%m-%d")),
    };
    Some(OwnCredential { name, ends_at })
}

/// What is known of the end of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing.
    Unknown,
    /// It is far away.
    Far,
    /// It is near, or has passed: what to say.
    Near(String),
}

/// What there is to say of our credential's end.
pub fn expiry(expires: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Expiry {
    let Some(expires) = expires else { return Expiry::Unknown };
    if expires - now > AHEAD {
        return Expiry::Far;
    }
    let day = expires.format("%Y-%m-%d");
    Expiry::Near(if expires > now {
        format!("The application's credential at Microsoft runs out on {day}.")
    } else {
        format!("The application's credential at Microsoft has run out on {day}.")
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_end_of_our_credential_is_told_of_a_month_ahead() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let days = |days| Some(now + TimeDelta::days(days));
        assert_eq!(expiry(None, now), Expiry::Unknown);
        assert_eq!(expiry(days(31), now), Expiry::Far);
        assert!(matches!(expiry(days(29), now), Expiry::Near(what) if what.contains("runs out on 2026-12-22")));
        assert!(matches!(expiry(days(-1), now), Expiry::Near(what) if what.contains("has run out on 2026-11-22")));
    }

    #[test]
    fn some_checks_are_grave_and_not_all_of_them() {
        let grave = grave_checks().len();
        assert!(grave > 0 && grave < Catalogue::get().checks().len());
    }
}
