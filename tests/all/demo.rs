//! The main job as a person does it, against the running binary: sign in, connect, consent, watch, look, sync again.

use std::process::Stdio;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use url::Url;
use uuid::Uuid;

use crate::support::house::{Browser, location};

/// Longer than anything here takes on the slowest machine: a test that waits for nothing fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// A demo in a process of its own, in a folder of its own.
struct Demo {
    process: Child,
    folder: std::path::PathBuf,
    settings: std::collections::HashMap<String, String>,
    token: String,
}

impl Demo {
    async fn start() -> Self {
        let folder =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{}", Uuid::new_v4().simple()));
        Self::start_in(folder).await
    }

    async fn start_in(folder: std::path::PathBuf) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["demo", "--listen", "127.0.0.1:0", "--simulator-listen", "127.0.0.1:0"])
            .args(["--simulator-tls-listen", "127.0.0.1:0", "--data-dir"])
            .arg(&folder)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let mut said = Vec::new();
        loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line())
                .await
                .expect("the demo says something")
                .expect("a line");
            let Some(line) = line else {
                panic!("the demo ended: {said:#?}")
            };
            let is_last = line.contains("Ctrl-C ends everything");
            said.push(line);
            if is_last {
                break;
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let text = std::fs::read_to_string(folder.join("demo.env")).expect("demo.env");
        let settings = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let token = std::fs::read_to_string(folder.join("service-token")).expect("a token");
        Self {
            process,
            folder,
            settings,
            token,
        }
    }

    fn get(&self, key: &str) -> &str {
        self.settings
            .get(key)
            .unwrap_or_else(|| panic!("demo.env has {key}: {:#?}", self.settings))
    }

    /// The person who was handed out with this role for the tenant.
    fn person(&self, tenant: &str, role: &str) -> Uuid {
        let found = self
            .settings
            .iter()
            .filter(|(key, _)| key.starts_with("PERSON_"))
            .find_map(|(_, person)| {
                let (who, rest) = person.split_once(' ')?;
                let (tid, oid) = who.split_once('/')?;
                (tid == tenant && rest.starts_with(role)).then(|| oid.parse().expect("an id"))
            });
        found.unwrap_or_else(|| panic!("demo.env has a person of {tenant}"))
    }

    /// Asks as the PSA's back end.
    async fn ask(&self, query: &str, variables: Value) -> Value {
        let response = crate::support::world::client()
            .post(format!("{}/graphql", self.get("TENANTRY_URL")))
            .bearer_auth(&self.token)
            .json(&json!({"query": query, "variables": variables}))
            .send()
            .await
            .expect("an answer");
        let answer: Value = response.json().await.expect("JSON");
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    async fn stop(mut self) {
        let pid = i32::try_from(self.process.id().expect("it runs")).expect("a pid");
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(pid).expect("a pid"),
            rustix::process::Signal::INT,
        )
        .expect("a signal");
        let status = tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .expect("it ends")
            .expect("a status");
        assert!(status.success(), "{status}");
        assert!(
            !self.folder.join("demo.env").exists(),
            "nobody is to read the settings of a demo that has ended"
        );
    }
}

/// The messages of one subscription over a websocket.
struct Watching {
    socket: tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Watching {
    async fn start(demo: &Demo, company: &str) -> Self {
        let url = format!("{}/graphql", demo.get("TENANTRY_URL").replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "graphql-transport-ws".parse().expect("a header"),
        );
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
        let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {}", demo.token)}});
        let query =
            "subscription($company: ID!) { syncStatus(companyId: $company) { status message trigger progress mode } }";
        let subscribe =
            json!({"type": "subscribe", "id": "1", "payload": {"query": query, "variables": {"company": company}}});
        for message in [init, subscribe] {
            socket.send(Message::text(message.to_string())).await.expect("sent");
        }
        Self { socket }
    }

    /// The next state of the run; `null` while there is none.
    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("news")
                .expect("open")
                .expect("a message");
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            match message["type"].as_str() {
                Some("next") => return message["payload"]["data"]["syncStatus"].clone(),
                Some("connection_ack" | "ping") => {}
                _ => panic!("{message:#}"),
            }
        }
    }

    /// What is said until the run has ended.
    async fn until_it_ends(&mut self) -> Vec<Value> {
        let mut said = Vec::new();
        loop {
            let run = self.next().await;
            let ended = ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"]
                .iter()
                .any(|end| run["status"] == *end);
            said.push(run);
            if ended {
                return said;
            }
        }
    }
}

/// From our link to Microsoft and back: sign in, accept; where the browser ends.
async fn consent(demo: &Demo, link: Url, administrator: Uuid) -> Url {
    let mut browser = Browser::of(demo.get("TENANTRY_URL").parse().expect("a URL"));
    let consent_page = location(&browser.sign_in(link, administrator).await);
    let callback = browser.choose(consent_page, &[("decision", "grant")]).await;
    location(&browser.get(callback).await)
}

const CONNECT: &str = "mutation($company: ID!) { connect(input: {companyId: $company, returnTo: \"/\"}) { consentUrl userErrors { code message } } }";
const SYNC: &str = "mutation($company: ID!) { syncCompany(input: {companyId: $company}) { joined syncRun { status message } userErrors { code } } }";

#[tokio::test]
async fn a_newcomer_connects_a_company_watches_it_sync_and_reads_what_came() {
    let demo = Demo::start().await;
    let (company, tenant) = (demo.get("COMPANY_4_ID"), demo.get("TENANT_4_ID"));
    let refused = demo.ask(SYNC, json!({"company": company})).await;
    assert_eq!(refused["syncCompany"]["userErrors"][0]["code"], "NOT_CONNECTED");
    let mut watching = Watching::start(&demo, company).await;
    assert_eq!(watching.next().await, Value::Null, "nothing was ever synced");

    // The link is opened by the client's administrator, in a browser that has never seen us.
    let connect = demo.ask(CONNECT, json!({"company": company})).await;
    let link = connect["connect"]["consentUrl"].as_str().expect("a link");
    let back = consent(
        &demo,
        link.parse().expect("a URL"),
        demo.person(tenant, "administrator"),
    )
    .await;
    assert_eq!(back.path(), "/");

    let said = watching.until_it_ends().await;
    assert_eq!(
        (&said[0]["message"], &said[0]["trigger"]),
        (&json!("Sync queued"), &json!("INITIAL"))
    );
    assert_eq!(
        said.last().map(|run| &run["message"]),
        Some(&json!("Sync complete")),
        "{said:#?}"
    );
    assert!(
        said.iter().any(|run| run["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("Reading contacts"))),
        "{said:#?}"
    );
    let progress: Vec<i64> = said.iter().filter_map(|run| run["progress"].as_i64()).collect();
    assert!(progress.is_sorted(), "a progress bar does not jump back: {progress:?}");

    let query = "query($company: ID!) { company(id: $company) { tenant { status domain consentedBy } contacts(first: 5) { totalCount edges { node { displayName groups(first: 2) { edges { node { displayName } } } } } } assets(first: 1) { totalCount } groups(first: 1) { totalCount } } }";
    let found = demo.ask(query, json!({"company": company})).await["company"].clone();
    assert_eq!(
        (&found["tenant"]["status"], &found["tenant"]["domain"]),
        (&json!("CONNECTED"), &json!("adventure-works.example"))
    );
    assert_eq!(found["contacts"]["totalCount"], 120, "{found:#}");
    assert_eq!(found["assets"]["totalCount"], 80);

    let again = demo.ask(SYNC, json!({"company": company})).await;
    assert_eq!(
        (
            &again["syncCompany"]["joined"],
            &again["syncCompany"]["syncRun"]["message"]
        ),
        (&json!(false), &json!("Sync queued"))
    );
    let said = watching.until_it_ends().await;
    assert_eq!(said.last().map(|run| &run["message"]), Some(&json!("Sync complete")));
    let counts = demo
        .ask(
            "query($company: ID!) { company(id: $company) { latestSync { counts { kind read created unchanged } } } }",
            json!({"company": company}),
        )
        .await;
    let contacts = counts["company"]["latestSync"]["counts"]
        .as_array()
        .expect("counts")
        .iter()
        .find(|counts| counts["kind"] == "CONTACT")
        .cloned();
    assert_eq!(
        contacts.map(|counts| counts["read"].clone()),
        Some(json!(0)),
        "a second sync takes only what changed"
    );
    demo.stop().await;
}

#[tokio::test]
async fn the_command_line_syncs_a_company_of_a_running_demo_and_says_how_it_went() {
    let demo = Demo::start().await;
    let run = |company: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command
            .arg("sync")
            .arg(company)
            .args(more)
            .arg("--data-dir")
            .arg(&demo.folder)
            .stdin(Stdio::null());
        command
    };
    let complete = run(demo.get("COMPANY_1_ID"), &[]).output().await.expect("it runs");
    assert_eq!(complete.status.code(), Some(0), "{complete:?}");
    assert!(
        String::from_utf8_lossy(&complete.stderr).contains("Sync complete"),
        "{complete:?}"
    );

    let dry = run("demo-1", &["--full", "--dry-run"]).output().await.expect("it runs");
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    assert!(
        String::from_utf8_lossy(&dry.stderr).contains("250 unchanged"),
        "{dry:?}"
    );

    let unknown = run("nobody", &[]).output().await.expect("it runs");
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    let not_connected = run("demo-4", &[]).output().await.expect("it runs");
    assert_eq!(not_connected.status.code(), Some(2), "{not_connected:?}");

    let simulator = demo.get("SIMULATOR_URL");
    let fault = json!({"on": "users", "kind": "status", "status": 503});
    let made = crate::support::world::client()
        .post(format!(
            "{simulator}/_control/tenants/{}/faults",
            demo.get("TENANT_3_ID")
        ))
        .json(&json!({"on": "deviceManagement", "kind": "missing_permission"}))
        .send()
        .await
        .expect("an answer");
    assert!(made.status().is_success());
    crate::support::world::client()
        .post(format!(
            "{simulator}/_control/tenants/{}/faults",
            demo.get("TENANT_1_ID")
        ))
        .json(&fault)
        .send()
        .await
        .expect("an answer");
    let partial = run("demo-1", &[]).output().await.expect("it runs");
    assert_eq!(partial.status.code(), Some(3), "{partial:?}");
    assert!(
        String::from_utf8_lossy(&partial.stderr).contains("MICROSOFT_UNAVAILABLE"),
        "{partial:?}"
    );
    demo.stop().await;
}
