//! A Postgres of one test's own, which is crashed and started again.
//!
//! Unlike the one that the other tests share, it keeps what it has committed: a crash has to lose nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tenantry::db::embedded::EmbeddedPostgres;

/// How a server goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fall {
    /// As in a power cut: no checkpoint, every connection cut.
    Immediate,
    /// As an administrator does it: every connection cut, then a checkpoint.
    Fast,
}

pub struct Cluster {
    /// Gone with the test, unless it failed.
    pub folder: PathBuf,
    server: Option<EmbeddedPostgres>,
    url: String,
}

impl Cluster {
    /// A new, migrated cluster. `name` tells its folder from others'.
    pub async fn start(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", uuid::Uuid::new_v4().simple()));
        let server = EmbeddedPostgres::start_or_join(&folder)
            .await
            .expect("a private Postgres starts");
        let url = server.url().to_owned();
        tenantry::db::migrate(&url).await.expect("the migrations run");
        Self {
            folder,
            server: Some(server),
            url,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the server down, and waits until it is.
    pub async fn fall(&mut self, how: Fall) {
        let server = self.server.take().expect("it runs");
        if how == Fall::Immediate {
            kill_process(self.postmaster(), Signal::QUIT).expect("a signal");
        }
        server.stop().await.expect("it ends");
    }

    pub async fn rise(&mut self) {
        let server = EmbeddedPostgres::start_or_join(&self.folder).await;
        self.server = Some(server.expect("it starts again"));
    }

    /// Takes the server down and, after a while, up again.
    pub async fn restart(&mut self, how: Fall, away: Duration) {
        self.fall(how).await;
        tokio::time::sleep(away).await;
        self.rise().await;
    }

    fn postmaster(&self) -> Pid {
        let file = std::fs::read_to_string(self.folder.join("postgres/postmaster.pid")).expect("a pid file");
        let pid = file.lines().next().and_then(|line| line.trim().parse().ok());
        Pid::from_raw(pid.expect("a number")).expect("a pid")
    }

    /// Ends the server and removes what it kept.
    pub async fn end(mut self) {
        self.fall(Fall::Fast).await;
        let place = self.folder.join("postgres");
        for gone in [place.canonicalize().unwrap_or(place), self.folder.clone()] {
            // What is left is in the folder for what tests leave.
            let _ = std::fs::remove_dir_all(gone);
        }
    }
}
