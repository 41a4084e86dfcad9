//! Somebody who watches a company through one of the APIs, and connects again whenever the connection ends.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use url::Url;

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
    heard: Arc<Mutex<Heard>>,
    watching: JoinHandle<()>,
}

impl Watcher {
    pub fn start(api: &Url, token: &str, company: String) -> Self {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (api, token, ear) = (api.clone(), token.to_owned(), heard.clone());
        let watching = tokio::spawn(async move {
            loop {
                // That a connection ends is what happens here all the time.
                let _ = listen(&api, &token, &company, &ear).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { heard, watching }
    }

    /// The id and the status that it heard last.
    pub fn last(&self) -> (Value, Value) {
        let heard = self.heard.lock().expect("nobody panics with it");
        (heard.last["id"].clone(), heard.last["status"].clone())
    }

    /// How often it was told how things stand, an absent run included.
    pub fn times(&self) -> usize {
        self.heard.lock().expect("nobody panics with it").times
    }

    /// How often something was heard, and over how many connections; fails where something false was.
    pub fn dismiss(self) -> (usize, usize) {
        self.watching.abort();
        let heard = self.heard.lock().expect("nobody panics with it");
        assert!(heard.complaints.is_empty(), "{:#?}", heard.complaints);
        (heard.times, heard.connections)
    }
}

async fn listen(api: &Url, token: &str, company: &str, heard: &Mutex<Heard>) -> anyhow::Result<()> {
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
    heard.lock().expect("nobody panics with it").connections += 1;
    let mut ended = HashSet::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let message: Value = serde_json::from_str(&text)?;
        let run = &message["payload"]["data"]["syncStatus"];
        if message["type"] != "next" {
            continue;
        }
        let mut heard = heard.lock().expect("nobody panics with it");
        let is_over = ENDED.iter().any(|status| run["status"] == *status);
        if !is_over && ended.contains(&run["id"].to_string()) {
            heard.complaints.push(format!("it goes on after its end: {run}"));
        }
        if is_over {
            ended.insert(run["id"].to_string());
        }
        heard.times += 1;
        heard.last = run.clone();
    }
    Ok(())
}
