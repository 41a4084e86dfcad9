//! What the doors need from the rest of the house.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{ObjectType, Request, Response, Schema, SubscriptionType};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::return_to::Allowed;
use crate::auth::sign_in::SignIn;
use crate::db::Pool;
use crate::jobs::Doorbell;
use crate::microsoft::Microsoft;

/// The parts, shared by every request.
#[derive(Clone)]
pub struct State(Arc<Parts>);

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
    pub clock: fn() -> DateTime<Utc>,
    pub timing: Timing,
    /// Whether the rest of the house is up.
    pub ready: watch::Receiver<bool>,
    /// Ends streams and sockets.
    pub stop: CancellationToken,
}

/// How patient sockets and streams are.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
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
            introduction: Duration::from_secs(3),
            recheck: Duration::from_secs(10),
            send: Duration::from_secs(20),
        }
    }
}

impl State {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether browsers reach us over https: then cookies never travel in the clear.
    pub(super) fn is_secure(&self) -> bool {
        self.allowed.own().scheme() == "https"
    }

    /// The present.
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }
}

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
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

    /// The answers of any operation.
    pub(super) fn stream(&self, request: Request) -> BoxStream<'static, Response> {
        (self.stream)(request)
    }
}
