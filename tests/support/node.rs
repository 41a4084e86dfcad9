//! The product as its operator runs it: processes that are started, asked to end, killed and frozen.
//!
//! A process that outlives its test would work on a database that is gone. So each is killed when its test drops it,
//! and by the kernel when the thread that started it ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use m365_simulator::Simulator;
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use url::Url;
use uuid::Uuid;

use super::cluster::free_port;
use super::world::{CLIENT_ID, CLIENT_SECRET, client};

/// Longer than anything here takes on the slowest machine: a test that waits for nothing fails.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// How a process is to be started, again and again.
#[derive(Clone)]
pub struct Role {
    pub name: String,
    command: &'static str,
    settings: Vec<(&'static str, String)>,
    /// What it says goes here, one start after the other.
    pub log: PathBuf,
}

/// A process of the product.
pub struct Node {
    child: Child,
    pub started: Instant,
}

impl Role {
    /// A worker with so many places.
    pub fn worker(name: &str, folder: &Path, database_url: &str, simulator: &Simulator, places: usize) -> Self {
        let mut role = Self::new(name, "work", folder, database_url, simulator);
        role.settings.push(("TENANTRY_CONCURRENCY", places.to_string()));
        role
    }

    /// An API at an address that stays the same from start to start.
    pub fn api(name: &str, folder: &Path, database_url: &str, simulator: &Simulator) -> (Self, Url) {
        let port = free_port();
        let mut role = Self::new(name, "serve", folder, database_url, simulator);
        role.settings.push(("TENANTRY_LISTEN", format!("127.0.0.1:{port}")));
        // Nobody balances here.
        role.settings.push(("TENANTRY_LINGER", "0".to_owned()));
        role.settings
            .push(("TENANTRY_STAFF_TENANT_ID", Uuid::new_v4().to_string()));
        let url = format!("http://127.0.0.1:{port}/").parse().expect("a URL");
        (role, url)
    }

    fn new(name: &str, command: &'static str, folder: &Path, database_url: &str, simulator: &Simulator) -> Self {
        let at = simulator.url().to_string();
        let settings = vec![
            ("DATABASE_URL", database_url.to_owned()),
            ("TENANTRY_DATABASE_CONNECTIONS", "8".to_owned()),
            ("MICROSOFT_CLIENT_ID", CLIENT_ID.to_owned()),
            ("MICROSOFT_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("MICROSOFT_LOGIN_URL", at.clone()),
            ("MICROSOFT_GRAPH_URL", at),
            ("RUST_LOG", "info".to_owned()),
        ];
        Self {
            name: name.to_owned(),
            command,
            settings,
            log: folder.join(format!("{name}.log")),
        }
    }

    /// With this setting besides, or in place of what it was.
    pub fn with(mut self, setting: &'static str, value: &str) -> Self {
        self.settings.retain(|(name, _)| *name != setting);
        self.settings.push((setting, value.to_owned()));
        self
    }

    /// Starts it. The thread that calls has to outlive it.
    pub fn start(&self) -> Node {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("a log");
        let child = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "--",
                env!("CARGO_BIN_EXE_tenantry"),
                self.command,
            ])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("NO_COLOR", "1")
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        Node {
            child,
            started: Instant::now(),
        }
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Node {
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            kill_process(pid, signal).expect("a process of our own takes a signal");
        }
    }

    /// None once it has ended.
    pub fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).expect("a pid"))
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    pub async fn wait(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it ends")
            .expect("a status")
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait().await
    }
}

/// Waits until an API takes requests.
pub async fn until_ready(role: &Role, node: &mut Node, url: &Url) {
    let health = url.join("health/ready").expect("a path");
    let http = client();
    let since = Instant::now();
    loop {
        let answer = http.get(health.clone()).send().await;
        if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            return;
        }
        let ended = node.ended();
        assert!(ended.is_none(), "{} ended: {ended:?}\n{}", role.name, role.last_words());
        assert!(
            since.elapsed() < PATIENCE,
            "{} is not ready\n{}",
            role.name,
            role.last_words()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
