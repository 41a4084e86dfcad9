//! The outbox leaves the database: every change of a sync run reaches whoever watches it, on every node.
//!
//! A change writes its snapshot into the outbox in its own transaction, and after the commit somebody calls
//! [`Events::wake`]. Nothing is notified inside a data transaction, for `NOTIFY` takes one lock of the whole server at
//! commit. Instead one task per node sends a bare notification when it is woken; what gathers while one is in flight
//! goes with the next. One connection per node listens, reads each new row once, and hands it to the watchers here.
//!
//! The dangers, and what is done about each:
//! - **A notification is lost**, or the process that committed died before it woke anybody: the outbox is read once a
//!   second as well, and whenever the connection was opened anew. It costs a second, never an event.
//! - **Numbers commit out of order**: row 7 may appear after row 8. [`Cursor`] remembers the numbers that it has not
//!   seen and asks for them by name, so that nothing is read twice and nothing is skipped.
//! - **A watcher is slow**: its queue is bounded, and one that overflows is told [`News::Missed`].
//!
//! Events of one run come in the order of its revisions: each change holds the run's row until it commits, so the next
//! one gets a higher number and becomes visible later.

mod cursor;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_postgres::Client;
use tokio_postgres::types::Json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::cursor::Cursor;
use crate::db::listen::listen;
use crate::db::{Address, Connection, Pool};
use crate::model::{SyncRun, sync_run::SyncKind};

const CHANNEL: &str = "tenantry_outbox";

/// The outbox is read at least this often, whether or not anything was heard.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many events a watcher may be behind before it is told that it missed some.
const QUEUE: usize = 32;
/// The same for who watches every company: a slot's runs all begin to wait at one moment.
const WIDE_QUEUE: usize = 1_024;

/// Rows that are read at once.
const BATCH: i64 = 500;

/// A read that takes longer has lost its connection without being told.
const LONGEST_READ: Duration = Duration::from_secs(10);

/// Waits between attempts to reach the database again.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What happens to sync runs, as this node hears of it.
#[derive(Clone)]
pub struct Events {
    hub: Arc<Hub>,
}

/// What can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Topic {
    /// The runs of one kind of a company.
    Company(Uuid, SyncKind),
    /// Every run there is.
    Everything,
}

impl Topic {
    fn queue(self) -> usize {
        match self {
            Self::Company(..) => QUEUE,
            Self::Everything => WIDE_QUEUE,
        }
    }
}

struct Hub {
    /// The place of the last change of an alarm that was seen.
    alarms: watch::Sender<i64>,
    committed: Notify,
    heard: Arc<Notify>,
    /// Who watches what; none once the server is stopping.
    watched: Mutex<Option<HashMap<Topic, broadcast::Sender<Arc<SyncRun>>>>>,
}

/// What a watcher is told.
#[derive(Clone, Debug)]
pub enum News {
    /// A run has changed: how it was right after the change.
    Run(Arc<SyncRun>),
    /// The watcher was too slow for some changes: read how things stand now.
    Missed,
}

/// The changes of the runs that somebody watches, from the moment it was made.
pub struct Watch {
    hub: Arc<Hub>,
    topic: Topic,
    /// None when the server was stopping before the watch began.
    queue: Option<broadcast::Receiver<Arc<SyncRun>>>,
}

impl Events {
    /// Starts this node's listener and its sender. Changes that commit after this are heard; both tasks end with
    /// `stop`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn start(pool: &Pool, stop: CancellationToken) -> anyhow::Result<Self> {
        let hub = Arc::new(Hub {
            alarms: watch::Sender::new(0),
            committed: Notify::new(),
            heard: Arc::new(Notify::new()),
            watched: Mutex::new(Some(HashMap::new())),
        });
        let client = listen(pool.direct(), CHANNEL, hub.heard.clone()).await?;
        let cursor = Cursor::at_the_end(&client).await?;
        tokio::spawn(send(hub.clone(), pool.clone(), stop.clone()));
        tokio::spawn(receive(hub.clone(), pool.direct().clone(), client, cursor, stop));
        Ok(Self { hub })
    }

    /// Says that something was committed here; it is read and sent on soon.
    pub fn wake(&self) {
        self.hub.heard.notify_one();
        self.hub.committed.notify_one();
    }

    /// Notified when alarms have changed; its value says how far they have.
    pub fn alarms(&self) -> watch::Receiver<i64> {
        self.hub.alarms.subscribe()
    }

    /// Every change of the company's runs of this kind from now on.
    pub fn watch(&self, company_id: Uuid, kind: SyncKind) -> Watch {
        self.watch_topic(Topic::Company(company_id, kind))
    }

    /// Every change of any run from now on.
    pub fn watch_everything(&self) -> Watch {
        self.watch_topic(Topic::Everything)
    }

    fn watch_topic(&self, topic: Topic) -> Watch {
        let queue = self.hub.watched().as_mut().map(|watched| match watched.entry(topic) {
            Entry::Occupied(sender) => sender.get().subscribe(),
            Entry::Vacant(place) => {
                let (sender, receiver) = broadcast::channel(topic.queue());
                place.insert(sender);
                receiver
            }
        });
        Watch {
            hub: self.hub.clone(),
            topic,
            queue,
        }
    }
}

impl Watch {
    /// Waits for the next change. None: the server is stopping.
    pub async fn next(&mut self) -> Option<News> {
        let queue = self.queue.as_mut()?;
        match queue.recv().await {
            Ok(run) => Some(News::Run(run)),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                // What is still queued is older than the state that the watcher is about to read.
                *queue = queue.resubscribe();
                Some(News::Missed)
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.hub.watched();
        self.queue = None;
        if let Some(watched) = watched.as_mut()
            && watched
                .get(&self.topic)
                .is_some_and(|sender| sender.receiver_count() == 0)
        {
            watched.remove(&self.topic);
        }
    }
}

impl Hub {
    fn watched(&self) -> MutexGuard<'_, Option<HashMap<Topic, broadcast::Sender<Arc<SyncRun>>>>> {
        self.watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn is_watched(&self, topics: &[Topic]) -> bool {
        let watched = self.watched();
        let is = |topic| watched.as_ref().is_some_and(|watched| watched.contains_key(topic));
        topics.iter().any(is)
    }

    fn tell(&self, topics: &[Topic], run: &Arc<SyncRun>) {
        let watched = self.watched();
        for sender in topics.iter().filter_map(|topic| watched.as_ref()?.get(topic)) {
            // The last watcher may have left since; then there is nobody to tell.
            let _ = sender.send(run.clone());
        }
    }

    /// Says that alarms have changed, where somebody wants to know.
    async fn look_at_alarms(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        if self.alarms.receiver_count() == 0 {
            return Ok(());
        }
        let row = client
            .query_one("select coalesce(max(seq), 0) from alarm_event", &[])
            .await?;
        let place: i64 = row.try_get(0)?;
        self.alarms
            .send_if_modified(|known| std::mem::replace(known, place) != place);
        Ok(())
    }

    /// Reads what is new and hands it out.
    async fn read(&self, client: &Client, cursor: &mut Cursor) -> Result<(), tokio_postgres::Error> {
        self.deliver(client, cursor).await?;
        self.look_at_alarms(client).await
    }

    /// Reads what is new in the outbox and hands it out.
    async fn deliver(&self, client: &Client, cursor: &mut Cursor) -> Result<(), tokio_postgres::Error> {
        loop {
            let rows = client
                .query(
                    "select seq, company_id, kind, snapshot from outbox
                     where seq > $1 or seq = any($2) order by seq limit $3",
                    &[&cursor.last(), &cursor.unseen(Instant::now()), &BATCH],
                )
                .await?;
            for row in &rows {
                cursor.saw(row.try_get("seq")?, Instant::now());
                if let Some(topic) = topic(row)
                    && let topics = [topic, Topic::Everything]
                    && self.is_watched(&topics)
                {
                    match row.try_get("snapshot") {
                        Ok(Json(run)) => self.tell(&topics, &Arc::new(run)),
                        Err(error) => tracing::error!(%error, "a row of the outbox cannot be read"),
                    }
                }
            }
            if rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }
}

/// What a row of the outbox is about; none for a kind that a newer version writes and this one does not know.
fn topic(row: &tokio_postgres::Row) -> Option<Topic> {
    let kind = row.try_get::<_, &str>("kind").ok()?;
    let kind = serde_json::from_value(kind.into()).ok()?;
    Some(Topic::Company(row.try_get("company_id").ok()?, kind))
}

/// Tells the other nodes that something was committed here, one notification at a time.
async fn send(hub: Arc<Hub>, pool: Pool, stop: CancellationToken) {
    while stop.run_until_cancelled(hub.committed.notified()).await.is_some() {
        if let Err(error) = notify(&pool).await {
            // The other nodes look by themselves within a second.
            tracing::debug!(%error, "a notification was not sent");
        }
    }
}

async fn notify(pool: &Pool) -> anyhow::Result<()> {
    let mut conn = pool.get().await?;
    diesel::sql_query("select pg_notify($1, '')")
        .bind::<Text, _>(CHANNEL)
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// Reads the outbox whenever something was heard, once a second, and after each new connection.
async fn receive(hub: Arc<Hub>, address: Address, mut client: Client, mut cursor: Cursor, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = hub.heard.notified() => {}
            _ = look.tick() => {}
        }
        let delivered = timeout(LONGEST_READ, hub.read(&client, &mut cursor)).await;
        if let Err(error) = delivered.map_err(anyhow::Error::from).and_then(|read| Ok(read?)) {
            tracing::warn!(%error, "the connection that listens for events was lost");
            match stop.run_until_cancelled(reconnect(&hub, &address, &mut cursor)).await {
                Some(opened) => client = opened,
                None => break,
            }
        }
    }
    // The queues close with their senders, and every watcher learns that this is the end.
    hub.watched().take();
}

async fn reconnect(hub: &Hub, address: &Address, cursor: &mut Cursor) -> Client {
    let mut wait = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        match listen(address, CHANNEL, hub.heard.clone()).await {
            Ok(client) if cursor.follow_a_restored_database(&client).await.is_ok() => {
                hub.heard.notify_one();
                return client;
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the database is not back yet"),
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Forgets what everybody has heard long ago. How many rows went.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Connection) -> diesel::QueryResult<usize> {
    diesel::sql_query("delete from outbox where created_at < now() - interval '1 hour'")
        .execute(conn)
        .await
}
