//! Somebody who watches a company through one of the APIs, and connects again whenever the connection ends.

use std::collections::HashSet;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use url::Url;

use crate::support::node::PATIENCE;

const WATCH: &str = "subscription($company: ID!) { syncStatus(companyId: $company) { id status message } }";
const ENDED: [&str; 4] = ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"];

/// What a watcher has heard.
#[derive(Default)]
struct Heard {
    last: Value,
    times: usize,
    connections: usize,
    /// What may not be: a run that goes on after its end.
    complaints: Vec<String>,
}

pub struct Watcher {
    heard: watch::Receiver<Heard>,
    watching: JoinHandle<()>,
}

impl Watcher {
    pub fn start(api: &Url, token: &str, company: String) -> Self {
        let (ear, heard) = watch::channel(Heard::default());
        let (api, token) = (api.clone(), token.to_owned());
        let watching = tokio::spawn(async move {
            loop {
                // That a connection ends is what happens here all the time.
                let _ = listen(&api, &token, &company, &ear).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { heard, watching }
    }

    /// Waits until it has been told how things stand, an absent run included.
    pub async fn until_told(&self) {
        self.until("anything at all", |heard| heard.times > 0).await;
    }

    /// Waits until the last that it heard is this run of this status.
    pub async fn until_last_is(&self, run: &Value, status: &Value) {
        let expected = format!("{run} {status}");
        self.until(&expected, |heard| {
            heard.last["id"] == *run && heard.last["status"] == *status
        })
        .await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Heard) -> bool) {
        let mut heard = self.heard.clone();
        let so = tokio::time::timeout(PATIENCE, heard.wait_for(is_so)).await;
        if so.is_err() {
            panic!("a watcher has not heard {what}, but {}", self.heard.borrow().last);
        }
    }

    /// How often something was heard, and over how many connections; fails where something false was.
    pub fn dismiss(self) -> (usize, usize) {
        self.watching.abort();
        let heard = self.heard.borrow();
        assert!(heard.complaints.is_empty(), "{:#?}", heard.complaints);
        (heard.times, heard.connections)
    }
}

async fn listen(api: &Url, token: &str, company: &str, heard: &watch::Sender<Heard>) -> anyhow::Result<()> {
    let url = format!("{}graphql", api.as_str().replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {token}")}});
    let subscribe =
        json!({"type": "subscribe", "id": "1", "payload": {"query": WATCH, "variables": {"company": company}}});
    for message in [init, subscribe] {
        socket.send(Message::text(message.to_string())).await?;
    }
    heard.send_modify(|heard| heard.connections += 1);
    let mut ended = HashSet::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let message: Value = serde_json::from_str(&text)?;
        let run = &message["payload"]["data"]["syncStatus"];
        if message["type"] != "next" {
            continue;
        }
        let is_over = ENDED.iter().any(|status| run["status"] == *status);
        let goes_on = !is_over && ended.contains(&run["id"].to_string());
        if is_over {
            ended.insert(run["id"].to_string());
        }
        heard.send_modify(|heard| {
            if goes_on {
                heard.complaints.push(format!("it goes on after its end: {run}"));
            }
            heard.times += 1;
            heard.last = run.clone();
        });
    }
    Ok(())
}
