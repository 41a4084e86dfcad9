//! What goes wrong, as a client sees it: a code that programs can rely on, and words for people.
//!
//! The danger here is a cause chain in an answer: it tells of tables, paths and other people's data. An unknown error
//! is "Internal error" and a request id outside; its chain is logged once, next to that id, inside.

use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextRequest, NextSubscribe,
};
use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use futures::StreamExt;
use futures::stream::BoxStream;
use uuid::Uuid;

use crate::telemetry::TraceParent;

/// What a resolver answers.
pub type Answer<T> = Result<T, Fault>;

/// Names the request in the log and in internal errors; the doors put one into each request.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// One that no request has had.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

/// A top-level error. What a person can mend in a mutation's input is a `UserError` in its payload instead.
#[derive(Clone, Debug)]
pub struct Fault(async_graphql::Error);

impl Fault {
    fn coded(code: &str, message: impl Into<String>) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code);
        Self(async_graphql::Error {
            message: message.into(),
            source: None,
            extensions: Some(extensions),
        })
    }

    /// Nobody asks.
    pub fn unauthenticated() -> Self {
        Self::coded("UNAUTHENTICATED", "Sign in, or send a service token.")
    }

    /// The viewer may not do this.
    pub fn forbidden() -> Self {
        Self::coded("FORBIDDEN", "You may not do this.")
    }

    /// There is no such thing, or the viewer may not see it: the two look the same.
    pub fn not_found(what: &str) -> Self {
        Self::coded("NOT_FOUND", format!("There is no such {what}. Check the id."))
    }

    /// An argument cannot be meant.
    pub fn bad_input(argument: &str, message: &str) -> Self {
        Self::coded("BAD_INPUT", format!("{argument}: {message}"))
    }

    /// More is asked for than is given at once.
    pub fn limit(argument: &str, message: &str) -> Self {
        Self::coded("LIMIT", format!("{argument}: {message}"))
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        let Self(fault) = Self::coded("INTERNAL", "Internal error");
        Self(async_graphql::Error {
            source: Some(Arc::new(error)),
            ..fault
        })
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<Fault> for async_graphql::Error {
    fn from(Fault(error): Fault) -> Self {
        error
    }
}

/// Gives every error a code, and logs what is ours to mend.
pub struct Errors;

impl ExtensionFactory for Errors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Errors {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        with_codes(next.run(ctx).await)
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        next.run(ctx, stream)
            .map(|response| logged(with_codes(response), None))
            .boxed()
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let request_id = ctx.data_opt::<RequestId>();
        // An operation on a socket is no request of HTTP: its own id names what it sets off.
        let trace = TraceParent::current().or_else(|| request_id.map(|id| TraceParent::named(id.0)));
        let response = match trace {
            Some(trace) => trace.within(next.run(ctx, operation_name)).await,
            None => next.run(ctx, operation_name).await,
        };
        logged(response, request_id)
    }
}

/// Whatever has no code by now was refused by the parser, by validation or by the coercion of arguments.
fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", "BAD_INPUT");
        }
    }
    response
}

/// Logs each internal error once, however many fields it befell, and names the request in all of them.
fn logged(mut response: Response, request_id: Option<&RequestId>) -> Response {
    if response.errors.iter().all(|error| chain(error).is_none()) {
        return response;
    }
    let request_id = request_id.copied().unwrap_or_else(RequestId::fresh).0.to_string();
    let mut logged = HashSet::new();
    for error in &mut response.errors {
        let Some(source) = error.source.take() else { continue };
        let Some(chain) = source.downcast_ref::<anyhow::Error>() else {
            continue;
        };
        if logged.insert(Arc::as_ptr(&source).cast::<()>().addr()) {
            tracing::error!(request_id, error = format!("{chain:#}"), "a request failed");
        }
        error
            .extensions
            .get_or_insert_default()
            .set("requestId", Value::from(request_id.clone()));
    }
    response
}

fn chain(error: &ServerError) -> Option<&anyhow::Error> {
    let source: &(dyn Any + Send + Sync) = error.source.as_deref()?;
    source.downcast_ref()
}
