//! A small schema that does everything a door has to carry: answers, errors, mutations, streams that end and do not.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Object, Schema, Subscription};
use futures::Stream;
use tenantry::auth::Viewer;
use tenantry::graphql::limits::Limits;

pub type Toys = Schema<ToyQuery, ToyMutation, ToySubscription>;

/// How often the mutation has run, and who waits for nothing any more.
#[derive(Clone, Default)]
pub struct Seen(pub Arc<Mutex<Vec<String>>>);

impl Seen {
    pub fn note(&self, what: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what.to_owned());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub fn toys() -> Toys {
    toys_that_tell(&Seen::default())
}

pub fn toys_that_tell(seen: &Seen) -> Toys {
    Schema::build(ToyQuery, ToyMutation, ToySubscription)
        .extension(Limits)
        .data(seen.clone())
        .finish()
}

pub struct ToyQuery;

#[Object]
impl ToyQuery {
    async fn hello(&self) -> &str {
        "world"
    }

    async fn who(&self, ctx: &Context<'_>) -> String {
        ctx.data_unchecked::<Viewer>().name().to_owned()
    }

    /// Is never answered.
    async fn never(&self) -> bool {
        std::future::pending().await
    }

    async fn echo(&self, text: String) -> String {
        text
    }

    async fn fails(&self) -> async_graphql::Result<Option<i32>> {
        Err("it fails".into())
    }

    async fn toys(&self) -> ToyQuery {
        ToyQuery
    }
}

pub struct ToyMutation;

#[Object]
impl ToyMutation {
    async fn bump(&self, ctx: &Context<'_>) -> bool {
        ctx.data_unchecked::<Seen>().note("bump");
        true
    }
}

pub struct ToySubscription;

/// Notes its end.
struct Ended(Seen);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.note("ended");
    }
}

#[Subscription]
impl ToySubscription {
    /// Counts, and ends.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        futures::stream::iter(1..=to)
    }

    /// Says one thing and then nothing, for ever.
    async fn waits(&self, ctx: &Context<'_>) -> impl Stream<Item = i32> {
        let ended = Ended(ctx.data_unchecked::<Seen>().clone());
        async_stream::stream! {
            let _ended = ended;
            yield 0;
            std::future::pending::<()>().await;
        }
    }

    async fn refuses(&self) -> async_graphql::Result<futures::stream::Empty<i32>> {
        Err("not for you".into())
    }
}
