//! Traces: one name for everything that a click sets off, from the request to the last row that its run writes.
//!
//! A trace is named by the request that began it: its `X-Request-Id`, the `trace_id` of its log lines and `SyncRun.traceId`
//! are the same 128 bits, whether or not traces are sent anywhere. A run carries the name of who asked for it in its row
//! ([`TraceParent`]), so that any worker goes on with the same trace. Names are made here: what a caller says of a trace of
//! its own is not believed, for it could join the traces of two clients.
//!
//! Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, spans are sent there (OTLP over HTTP, protocol buffers). They hold words and
//! ids of ours and no text of Microsoft's.
//!
//! Source: <https://www.w3.org/TR/trace-context/> and <https://opentelemetry.io/docs/specs/otlp/>

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use url::Url;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: TraceParent;
}

/// A trace, and the place in it that others go on from: a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceParent {
    /// A trace that has this name, where no span of it is sent.
    pub fn named(name: Uuid) -> Self {
        let (_, low) = name.as_u64_pair();
        Self {
            trace_id: name.as_u128(),
            span_id: low,
            sampled: true,
        }
    }

    /// The place of a span, if spans are sent.
    pub fn of(span: &Span) -> Option<Self> {
        let context = span.context();
        let place = context.span().span_context().clone();
        place.is_valid().then(|| Self {
            trace_id: u128::from_be_bytes(place.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(place.span_id().to_bytes()),
            sampled: place.is_sampled(),
        })
    }

    /// What the present task belongs to.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| *current).ok()
    }

    /// Does something as a part of this trace.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Makes a span that has not been entered a part of this trace.
    pub fn adopt(self, span: &Span) {
        let place = SpanContext::new(
            TraceId::from_bytes(self.trace_id.to_be_bytes()),
            SpanId::from_bytes(self.span_id.to_be_bytes()),
            if self.sampled {
                TraceFlags::SAMPLED
            } else {
                TraceFlags::default()
            },
            true,
            TraceState::default(),
        );
        // It fails where no spans are sent: then there is nothing to join.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(place));
    }

    /// The name of the trace, as an id of a request.
    pub fn name(self) -> Uuid {
        Uuid::from_u128(self.trace_id)
    }

    /// The name of the trace, as tools for traces write it: 32 hexadecimal digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

/// It is no `traceparent` of version 00.
#[derive(Debug, thiserror::Error)]
#[error("this is no traceparent")]
pub struct NoTraceParent;

impl FromStr for TraceParent {
    type Err = NoTraceParent;

    fn from_str(text: &str) -> Result<Self, NoTraceParent> {
        let mut parts = text.split('-');
        let mut next = |length: usize| parts.next().filter(|part| part.len() == length).ok_or(NoTraceParent);
        let (version, trace_id, span_id, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let read = Self {
            trace_id: u128::from_str_radix(trace_id, 16).map_err(|_| NoTraceParent)?,
            span_id: u64::from_str_radix(span_id, 16).map_err(|_| NoTraceParent)?,
            sampled: u8::from_str_radix(flags, 16).map_err(|_| NoTraceParent)? & 1 == 1,
        };
        let valid = version == "00" && parts.next().is_none() && read.trace_id != 0 && read.span_id != 0;
        valid.then_some(read).ok_or(NoTraceParent)
    }
}

/// How long a collector has to take some spans.
const LONGEST: Duration = Duration::from_secs(10);

/// What sends spans; the last of them leave when it is [ended](Self::end).
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Sends to the collector with this base address. To be called on the runtime that the spans come from.
    ///
    /// # Errors
    /// When the exporter cannot be built.
    pub fn new(collector: &Url) -> anyhow::Result<Self> {
        let traces = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new()?)
            .with_endpoint(traces)
            .with_timeout(LONGEST)
            .build()
            .context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let resource = Resource::builder()
            .with_service_name("tenantry")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// What takes the spans of this crate. Those of others may hold what is not for a collector.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("tenantry"))
            .with_location(false)
            .with_threads(false)
            .with_filter(Targets::new().with_target("tenantry", tracing::Level::DEBUG))
    }

    /// Sends what is left. It blocks its thread for a moment.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// Sends on our own runtime: the exporter waits on a thread that has none.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

impl Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "the collector is not Microsoft: this client knows no token, and the other no collector"
    )]
    fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LONGEST)
            .build()
            .context("the HTTP client for the collector")?;
        Ok(Self {
            client,
            runtime: tokio::runtime::Handle::current(),
        })
    }
}

#[async_graphql::async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), reqwest::Request::try_from(request)?);
        let sending = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok::<_, reqwest::Error>(response)
        });
        Ok(sending.await??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_trace_is_read_as_it_was_written() {
        let place = TraceParent::named(Uuid::now_v7());
        assert_eq!(place.to_string().parse::<TraceParent>().unwrap(), place);
        let of_the_standard = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read: TraceParent = of_the_standard.parse().unwrap();
        assert_eq!(read.to_string(), of_the_standard);
        assert_eq!(read.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn what_is_no_place_in_a_trace_is_refused() {
        for text in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_collector_a_span_has_no_place() {
        assert_eq!(TraceParent::of(&tracing::info_span!("a")), None);
    }
}
