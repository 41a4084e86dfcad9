//! Trouble on order: what a tenant's requests run into, and who waits for it to happen.
//!
//! A new kind of trouble is one variant of `Trouble` and one arm where it acts: `before` for what
//! replaces an answer, `after` for what spoils one.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::graph::answer::{Answer, Failure, Pour};
use crate::graph::request::Request;
use crate::world::lock;

/// The kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// 429, with `retryAfter` seconds or without.
    Throttle,
    /// Any status with Microsoft's error envelope.
    Status,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The body ends early, and the message ends properly.
    Truncate,
    /// The body is no JSON.
    Malformed,
    /// 200 with a page of HTML.
    Html,
    /// 200 with `body`, whatever that is.
    Body,
    /// The body comes a byte a second.
    Trickle,
    /// The body has no end.
    Endless,
    /// 410 with a Location to start over at.
    Gone,
    /// 400 `syncStateNotFound`.
    ExpiredDelta,
    /// The items of the previous page are there once more.
    Replay,
    /// Every item is there twice.
    Duplicate,
    /// The first page is empty, and leads on.
    EmptyFirstPage,
    /// The next link leads to the page itself.
    Loop,
    /// The next link (or delta link) leads to `link`.
    ForeignLink,
    /// Every item has an id that nobody knows, as if the answer were another tenant's.
    OtherIds,
    /// 403, as if the permission had not been granted.
    MissingPermission,
    /// 401.
    Unauthorized,
    /// The request waits until the fault is removed.
    Hold,
}

impl Trouble {
    const ALL: [Trouble; 20] = [
        Trouble::Throttle,
        Trouble::Status,
        Trouble::Cut,
        Trouble::Truncate,
        Trouble::Malformed,
        Trouble::Html,
        Trouble::Body,
        Trouble::Trickle,
        Trouble::Endless,
        Trouble::Gone,
        Trouble::ExpiredDelta,
        Trouble::Replay,
        Trouble::Duplicate,
        Trouble::EmptyFirstPage,
        Trouble::Loop,
        Trouble::ForeignLink,
        Trouble::OtherIds,
        Trouble::MissingPermission,
        Trouble::Unauthorized,
        Trouble::Hold,
    ];

    /// The names of all kinds, as the control interface spells them.
    pub fn names() -> Value {
        json!(Self::ALL)
    }
}

/// Trouble, and where it acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultSpec {
    /// A prefix of the path after `/v1.0/`; `token` for the token endpoint; `*` for all of Graph.
    pub on: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    pub kind: Trouble,
    /// How often it acts; without it, until it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// Where `foreign_link` leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What `body` answers; nothing without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A fault and its history.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    pub id: Uuid,
    #[serde(flatten)]
    pub spec: FaultSpec,
    /// How often it has acted.
    pub hits: u64,
    #[serde(skip)]
    seen: u64,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    /// The last page of each collection, for `replay`.
    last: std::collections::HashMap<String, Bytes>,
    /// The requests that an empty first page leads on to.
    postponed: std::collections::HashMap<String, String>,
}

/// A tenant's faults.
pub struct Faults {
    state: Mutex<State>,
    /// Ticks whenever a fault acts or is removed.
    tick: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            tick: watch::Sender::new(0),
        }
    }
}

/// Marks the skip tokens that `empty_first_page` hands out.
const POSTPONED: &str = "postponed-";

impl Faults {
    pub fn add(&self, spec: FaultSpec) -> Fault {
        let fault = Fault {
            id: Uuid::new_v4(),
            spec,
            hits: 0,
            seen: 0,
        };
        lock(&self.state).faults.push(fault.clone());
        fault
    }

    pub fn list(&self) -> Vec<Fault> {
        lock(&self.state).faults.clone()
    }

    pub fn get(&self, id: Uuid) -> Option<Fault> {
        lock(&self.state).faults.iter().find(|fault| fault.id == id).cloned()
    }

    /// Removes one fault, or all; whoever it held goes on.
    pub fn remove(&self, id: Option<Uuid>) -> usize {
        let mut state = lock(&self.state);
        let before = state.faults.len();
        state.faults.retain(|fault| id.is_some_and(|id| fault.id != id));
        let removed = before - state.faults.len();
        drop(state);
        self.tick.send_modify(|tick| *tick += 1);
        removed
    }

    /// Waits until a fault has acted so often, is removed, or the patience is over.
    pub async fn wait_for_hits(&self, id: Uuid, hits: u64, patience: Duration) -> Option<Fault> {
        let mut tick = self.tick.subscribe();
        let enough = async {
            while self.get(id).is_some_and(|fault| fault.hits < hits) {
                if tick.changed().await.is_err() {
                    return;
                }
            }
        };
        // Running out of patience is an answer too: the caller sees the hits so far.
        let _ = tokio::time::timeout(patience, enough).await;
        self.get(id)
    }

    /// The faults that act on a request now. Each that does has one hit more.
    pub fn meet(&self, method: &str, on: &str) -> Vec<Fault> {
        let mut state = lock(&self.state);
        let mut met = Vec::new();
        for fault in state.faults.iter_mut().filter(|fault| fault.spec.matches(method, on)) {
            fault.seen += 1;
            if fault.seen <= fault.spec.skip || fault.spec.times.is_some_and(|times| fault.hits >= times) {
                continue;
            }
            fault.hits += 1;
            met.push(fault.clone());
        }
        drop(state);
        if !met.is_empty() {
            self.tick.send_modify(|tick| *tick += 1);
        }
        met
    }

    /// Parks the request while one of the faults it met is a `hold` that is still there.
    pub async fn hold(&self, met: &[Fault], mut stopping: watch::Receiver<bool>) {
        let mut tick = self.tick.subscribe();
        for fault in met.iter().filter(|fault| fault.spec.kind == Trouble::Hold) {
            while self.get(fault.id).is_some() {
                tokio::select! {
                    ticked = tick.changed() => if ticked.is_err() { return },
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                }
            }
        }
    }

    /// Follows the link of an empty first page back to what was asked at first.
    pub fn resume(&self, request: &mut Request) {
        let Some(token) = request
            .option("$skiptoken")
            .filter(|token| token.starts_with(POSTPONED))
        else {
            return;
        };
        if let Some(query) = lock(&self.state).postponed.remove(&token) {
            request.query = query;
            request.resumed = true;
        }
    }

    /// Keeps a page for a later `replay`.
    pub fn keep_page(&self, collection: &str, answer: &Answer) {
        if answer.status == 200 {
            lock(&self.state)
                .last
                .insert(collection.to_owned(), answer.body.clone());
        }
    }

    /// What a fault makes of an answer.
    pub fn after(&self, fault: &Fault, request: &Request, answer: &mut Answer, still_there: &dyn Fn(&Value) -> bool) {
        match fault.spec.kind {
            Trouble::Cut => answer.pour = Pour::Cut,
            Trouble::Trickle => answer.pour = Pour::Trickle,
            Trouble::Endless => answer.pour = Pour::Endless,
            Trouble::Body => answer.body = fault.spec.body.clone().unwrap_or_default().into(),
            Trouble::Truncate => {
                let half = answer.body.len() / 2;
                answer.body.truncate(half);
            }
            Trouble::Malformed => answer.body = Bytes::from_static(b"{\"value\": [{\"id\": ]}"),
            Trouble::Html => {
                answer.content_type = "text/html; charset=utf-8";
                answer.body = Bytes::from_static(
                    b"<!DOCTYPE html><html><body>Our services aren't available right now</body></html>",
                );
            }
            _ if answer.status == 200 => self.spoil_page(fault, request, answer, still_there),
            _ => {}
        }
    }

    fn spoil_page(&self, fault: &Fault, request: &Request, answer: &mut Answer, still_there: &dyn Fn(&Value) -> bool) {
        let Ok(Value::Object(mut page)) = serde_json::from_slice(&answer.body) else {
            return;
        };
        let Some(Value::Array(items)) = page.get_mut("value") else {
            return;
        };
        let first = !request.resumed && request.option("$skiptoken").is_none();
        match fault.spec.kind {
            Trouble::Duplicate => *items = items.iter().flat_map(|item| [item.clone(), item.clone()]).collect(),
            Trouble::Replay => {
                let last = lock(&self.state)
                    .last
                    .get(&request.collection())
                    .cloned()
                    .unwrap_or_default();
                if let Ok(Value::Object(mut last)) = serde_json::from_slice(&last)
                    && let Some(Value::Array(mut again)) = last.remove("value")
                {
                    // What was said before comes before what is said now, and of nobody who has left since:
                    // whoever applies the items in their order ends with the truth.
                    again.retain(|item| item.get("@removed").is_some() || still_there(item));
                    items.splice(..0, again);
                }
            }
            Trouble::OtherIds => items.iter_mut().for_each(|item| item["id"] = json!(Uuid::new_v4())),
            Trouble::EmptyFirstPage if first => {
                items.clear();
                let token = format!("{POSTPONED}{}", Uuid::new_v4().simple());
                let link = format!("{}{}?$skiptoken={token}", request.origin, request.path);
                lock(&self.state).postponed.insert(token, request.query.clone());
                page.remove("@odata.deltaLink");
                page.insert("@odata.nextLink".to_owned(), json!(link));
            }
            Trouble::Loop => {
                page.remove("@odata.deltaLink");
                page.insert("@odata.nextLink".to_owned(), json!(request.url()));
            }
            Trouble::ForeignLink => {
                page.remove("@odata.deltaLink");
                let link = fault
                    .spec
                    .link
                    .clone()
                    .unwrap_or_else(|| "https://graph.example.net/v1.0/users?$skiptoken=x".to_owned());
                page.insert("@odata.nextLink".to_owned(), json!(link));
            }
            _ => return,
        }
        answer.body = serde_json::to_vec(&page).expect("a JSON value serialises").into();
    }
}

impl FaultSpec {
    fn matches(&self, method: &str, on: &str) -> bool {
        let here = match self.on.as_str() {
            "*" => on != "token",
            "token" => on == "token",
            prefix => on.starts_with(prefix.trim_start_matches('/')),
        };
        here && self
            .method
            .as_ref()
            .is_none_or(|only| only.eq_ignore_ascii_case(method))
    }
}

impl Fault {
    /// What a fault answers in place of the directory, where it does.
    pub fn before(&self, request: &Request) -> Option<Failure> {
        let spec = &self.spec;
        match spec.kind {
            Trouble::Throttle => Some(Failure::throttled(spec.retry_after)),
            Trouble::Status => {
                let status = spec.status.unwrap_or(503);
                let mut failure = Failure::new(
                    status,
                    spec.code.as_deref().unwrap_or_else(|| usual_code(status)),
                    "The service did not do what it was asked to.",
                );
                failure.retry_after = spec.retry_after;
                Some(failure)
            }
            Trouble::Gone => Some(Failure::gone(request)),
            Trouble::ExpiredDelta
                if request.option("$deltatoken").is_some() || request.option("$skiptoken").is_some() =>
            {
                Some(Failure::new(
                    400,
                    "syncStateNotFound",
                    "The sync state generation is not found.",
                ))
            }
            Trouble::MissingPermission => Some(Failure::missing_permission(request, spec.permission.as_deref())),
            Trouble::Unauthorized => Some(Failure::unauthorized("Access token has expired or is not yet valid.")),
            _ => None,
        }
    }
}

fn usual_code(status: u16) -> &'static str {
    match status {
        400 => "BadRequest",
        401 => "InvalidAuthenticationToken",
        403 => "Authorization_RequestDenied",
        404 => "Request_ResourceNotFound",
        409 => "Directory_ConcurrencyViolation",
        500 => "InternalServerError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "UnknownError",
    }
}
