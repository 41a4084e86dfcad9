//! Figures that this process counts by itself, for Prometheus.
//!
//! They are the process's, so there is one set of them. The danger is a label whose values grow with the clients or with
//! what Microsoft sends: every label here is a word out of a short list, and of numbers only statuses of HTTP.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];
type Seconds = Counter<f64, AtomicU64>;

/// The upper ends of the buckets that runs are counted in, in seconds: from a blink to an hour.
const RUN_SECONDS: [f64; 9] = [0.5, 2.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0];

struct Metrics {
    registry: Registry,
    runs: Family<Two, Counter>,
    run_seconds: Family<One, Histogram, fn() -> Histogram>,
    pages: Family<One, Counter>,
    items: Family<One, Counter>,
    microsoft: Family<[(&'static str, String); 2], Counter>,
    throttle_waits: Family<One, Counter>,
    throttle_seconds: Family<One, Seconds>,
    answers: Family<One, Counter>,
    subscribers: Gauge,
    webhooks: Family<One, Counter>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let mut metrics = Metrics {
        registry: Registry::default(),
        runs: Family::default(),
        run_seconds: Family::new_with_constructor(|| Histogram::new(RUN_SECONDS)),
        pages: Family::default(),
        items: Family::default(),
        microsoft: Family::default(),
        throttle_waits: Family::default(),
        throttle_seconds: Family::default(),
        answers: Family::default(),
        subscribers: Gauge::default(),
        webhooks: Family::default(),
    };
    metrics.register();
    metrics.begin_at_zero();
    metrics
});

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "tenantry_runs",
            "Sync runs that ended in this process, by kind and outcome",
            self.runs.clone(),
        );
        registry.register_with_unit(
            "tenantry_run",
            "How long this process was on a run, without its waits",
            Unit::Seconds,
            self.run_seconds.clone(),
        );
        registry.register(
            "tenantry_pages_read",
            "Pages read from Graph, by collection",
            self.pages.clone(),
        );
        registry.register(
            "tenantry_items_read",
            "People, groups, devices and other items read from Graph, by collection",
            self.items.clone(),
        );
        registry.register(
            "tenantry_microsoft_requests",
            "Tries at Entra and Graph, by the status that they were answered with",
            self.microsoft.clone(),
        );
        registry.register(
            "tenantry_throttle_waits",
            "Waits that Microsoft asked for: slept, or handed back with the worker's place",
            self.throttle_waits.clone(),
        );
        registry.register_with_unit(
            "tenantry_throttle_waited",
            "How long the waits were that Microsoft asked for",
            Unit::Seconds,
            self.throttle_seconds.clone(),
        );
        registry.register(
            "tenantry_http_answers",
            "Answers over HTTP, by class of status",
            self.answers.clone(),
        );
        registry.register(
            "tenantry_subscribers",
            "Subscriptions that are open in this process",
            self.subscribers.clone(),
        );
        registry.register(
            "tenantry_webhook_deliveries",
            "Tries to deliver an alarm to the webhook, by outcome",
            self.webhooks.clone(),
        );
    }

    /// What has not happened yet is told as zero, so that a rate over its first time is not missed.
    fn begin_at_zero(&self) {
        for kind in ["IDENTITY", "EVIDENCE"] {
            for outcome in ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"] {
                drop(self.runs.get_or_create(&[("kind", kind), ("outcome", outcome)]));
            }
            drop(self.run_seconds.get_or_create(&[("kind", kind)]));
        }
        for how in [SLEPT, HANDED_BACK] {
            drop(self.throttle_waits.get_or_create(&[("how", how)]));
            drop(self.throttle_seconds.get_or_create(&[("how", how)]));
        }
        for class in CLASSES {
            drop(self.answers.get_or_create(&[("class", class)]));
        }
        for outcome in [DELIVERED, FAILED, GIVEN_UP] {
            drop(self.webhooks.get_or_create(&[("outcome", outcome)]));
        }
        for collection in ["users", "groups/delta", "deviceManagement/managedDevices"] {
            drop(self.pages.get_or_create(&[("collection", collection)]));
            drop(self.items.get_or_create(&[("collection", collection)]));
        }
        for service in ["entra", "graph"] {
            drop(
                self.microsoft
                    .get_or_create(&[("service", service.into()), ("status", "200".into())]),
            );
        }
    }
}

const SLEPT: &str = "slept";
const HANDED_BACK: &str = "handed_back";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";
const GIVEN_UP: &str = "given_up";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Writes what was counted, in the text format of OpenMetrics but for its end.
pub(super) fn write(text: &mut String) -> std::fmt::Result {
    encode_registry(text, &METRICS.registry)
}

/// A run came to its end.
pub fn run_ended(kind: &'static str, outcome: &'static str) {
    METRICS
        .runs
        .get_or_create(&[("kind", kind), ("outcome", outcome)])
        .inc();
}

/// This process was on a run for so long.
pub fn run_took(kind: &'static str, time: Duration) {
    METRICS
        .run_seconds
        .get_or_create(&[("kind", kind)])
        .observe(time.as_secs_f64());
}

/// A page of a collection was read.
pub fn page_read(collection: &'static str, items: usize) {
    METRICS.pages.get_or_create(&[("collection", collection)]).inc();
    METRICS
        .items
        .get_or_create(&[("collection", collection)])
        .inc_by(u64::try_from(items).unwrap_or(u64::MAX));
}

/// A service of Microsoft's answered with this status, or not at all.
pub fn microsoft_answered(service: &'static str, status: Option<u16>) {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    METRICS
        .microsoft
        .get_or_create(&[("service", service.to_owned()), ("status", status)])
        .inc();
}

/// Microsoft asked for this wait, and it is slept here.
pub fn throttle_slept(wait: Duration) {
    throttled(SLEPT, wait);
}

/// Microsoft asked for this wait, and the worker's place is given back for it.
pub fn throttle_handed_back(wait: Duration) {
    throttled(HANDED_BACK, wait);
}

fn throttled(how: &'static str, wait: Duration) {
    METRICS.throttle_waits.get_or_create(&[("how", how)]).inc();
    METRICS
        .throttle_seconds
        .get_or_create(&[("how", how)])
        .inc_by(wait.as_secs_f64());
}

/// A request was answered with this status.
pub fn http_answered(status: u16) {
    let class = CLASSES.get(usize::from(status / 100).wrapping_sub(1)).unwrap_or(&"5xx");
    METRICS.answers.get_or_create(&[("class", class)]).inc();
}

/// The webhook took an alarm.
pub fn webhook_delivered() {
    METRICS.webhooks.get_or_create(&[("outcome", DELIVERED)]).inc();
}

/// The webhook did not take an alarm; it is tried again.
pub fn webhook_failed() {
    METRICS.webhooks.get_or_create(&[("outcome", FAILED)]).inc();
}

/// The webhook never took these alarms, and they are not tried again.
pub fn webhook_given_up(alarms: usize) {
    METRICS
        .webhooks
        .get_or_create(&[("outcome", GIVEN_UP)])
        .inc_by(u64::try_from(alarms).unwrap_or(u64::MAX));
}

/// Somebody who watches; counted until it is dropped.
pub struct Subscriber(());

impl Subscriber {
    /// One more.
    pub fn new() -> Self {
        METRICS.subscribers.inc();
        Self(())
    }
}

impl Default for Subscriber {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        METRICS.subscribers.dec();
    }
}
