//! What the doors need from the rest of the house.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{ObjectType, Request, Response, Schema, ServerError, SubscriptionType};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rates::{Counts, Rate};
use super::seats::Seats;
use super::web::Build;
use crate::auth::return_to::Allowed;
use crate::auth::session::Gate;
use crate::auth::sign_in::SignIn;
use crate::db::Pool;
use crate::evidence::desks::Desks;
use crate::jobs::Doorbell;
use crate::microsoft::Microsoft;
use crate::model::session::StaffRole;
use crate::telemetry::Facts;

/// The parts, shared by every request.
#[derive(Clone)]
pub struct State {
    parts: Arc<Parts>,
    /// Of sockets.
    pub(super) seats: Seats,
    /// Of streams.
    pub(super) stream_seats: Seats,
    pub(super) counts: Arc<Counts>,
    /// Where evidence to take away is made.
    pub(super) desks: Desks,
    /// The figures of this process.
    pub(super) facts: Facts,
}

/// What the doors are built from.
pub struct Parts {
    pub executor: Executor,
    pub pool: Pool,
    pub sign_in: SignIn,
    pub microsoft: Microsoft,
    pub doorbell: Doorbell,
    /// Our own origin, and the others whose pages may use the API.
    pub allowed: Allowed,
    /// The MSP's own tenant: its people are staff.
    pub staff_tenant: Uuid,
    /// Groups of that tenant whose members are staff, and as what, besides those who have an app role.
    pub staff_groups: Vec<(StaffRole, Uuid)>,
    pub clock: fn() -> DateTime<Utc>,
    pub timing: Timing,
    pub rates: Rates,
    pub switches: Switches,
    /// The company page.
    pub build: Build,
    /// How many proxies of ours every request comes through; each appends to `X-Forwarded-For`.
    pub proxy_hops: usize,
    /// The hash of what a scraper may show for the figures in place of a proof.
    pub scrape_token: Option<Vec<u8>>,
    /// Whether the rest of the house is up.
    pub ready: watch::Receiver<bool>,
    /// Ends streams and sockets.
    pub stop: CancellationToken,
}

/// How patient the doors are.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A request's header has to be there by then. A connection may also lie idle for as long, so it is longer than the
    /// minute for which proxies keep one: else they would send a request into a connection that is just being closed.
    pub header: Duration,
    /// The longest that an answer may be in the making; streams and sockets live on after it has begun.
    pub answer: Duration,
    /// When the server is told to stop, it takes requests for so long yet, and says that it is not ready: whoever balances
    /// has to notice first. Nothing, where nobody balances.
    pub linger: Duration,
    /// When the server stops, requests under way have this long to end.
    pub drain: Duration,
    /// A socket that has not introduced itself by then is closed.
    pub introduction: Duration,
    /// Whoever watches is asked again this often whether they still may; also how often a quiet line gets a sign of
    /// life, which proxies need.
    pub recheck: Duration,
    /// A reader that has not taken a message by then is gone.
    pub send: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(75),
            answer: Duration::from_secs(30),
            linger: Duration::ZERO,
            drain: Duration::from_secs(10),
            introduction: Duration::from_secs(3),
            recheck: Duration::from_secs(5),
            send: Duration::from_secs(20),
        }
    }
}

/// How often the doors open to the same. Generous: whoever meets one of these is a fault or an attack.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// What a viewer asks of GraphQL.
    pub viewer: Rate,
    /// Sign-ins and connects of an address, each way counted.
    pub sign_in: Rate,
    /// Proofs of an address that do not hold: wrong tokens and dead cookies.
    pub failure: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |burst, each| Rate {
            burst,
            each: Duration::from_millis(each),
        };
        Self {
            viewer: rate(2_000, 5),
            sign_in: rate(100, 500),
            failure: rate(30, 1_000),
        }
    }
}

/// What an operator may leave out.
#[derive(Clone, Copy, Debug)]
pub struct Switches {
    /// The page `/graphiql`.
    pub graphiql: bool,
    /// Questions about the schema, from whoever may explore.
    pub introspection: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            graphiql: true,
            introspection: true,
        }
    }
}

impl State {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            counts: Arc::new(Counts::new(&parts.rates)),
            stream_seats: Seats::default(),
            facts: Facts::new("serve", parts.pool.clone(), parts.microsoft.credential_expires()),
            parts: Arc::new(parts),
            seats: Seats::default(),
            desks: Desks::default(),
        }
    }

    /// Whether browsers reach us over https: then cookies never travel in the clear.
    pub(super) fn is_secure(&self) -> bool {
        self.allowed.own().scheme() == "https"
    }

    /// The present.
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// What a proof is judged by, now.
    pub(super) fn gate(&self) -> Gate {
        Gate {
            now: self.now(),
            staff_tenant: self.staff_tenant,
        }
    }
}

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// A schema without its types: the doors carry documents and answers, and need not know what is in them.
#[derive(Clone)]
pub struct Executor {
    once: Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>,
    stream: Arc<dyn Fn(Request) -> BoxStream<'static, Response> + Send + Sync>,
}

impl Executor {
    /// Executes on this schema.
    pub fn new<Q, M, S>(schema: Schema<Q, M, S>) -> Self
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let once = schema.clone();
        Self {
            once: Arc::new(move |request| {
                let schema = once.clone();
                Box::pin(async move { schema.execute(request).await })
            }),
            stream: Arc::new(move |request| schema.execute_stream(request)),
        }
    }

    /// The one answer of a query or a mutation.
    pub(super) async fn once(&self, request: Request) -> Response {
        (self.once)(request).await
    }

    /// The answer of a query, as a stream, within this time. The doors that are streams have no other limit for it.
    pub(super) fn once_within(&self, limit: Duration, request: Request) -> BoxStream<'static, Response> {
        let answer = tokio::time::timeout(limit, (self.once)(request));
        futures::stream::once(async move { answer.await.unwrap_or_else(|_| too_late(limit)) }).boxed()
    }

    /// The answers of a subscription.
    pub(super) fn stream(&self, request: Request) -> BoxStream<'static, Response> {
        (self.stream)(request)
    }
}

fn too_late(limit: Duration) -> Response {
    let message = format!(
        "The answer took longer than {} seconds. Ask for less at once.",
        limit.as_secs()
    );
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", "LIMIT");
    Response::from_errors(vec![error])
}
