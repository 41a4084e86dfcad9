//! A Postgres of one test's own, which is crashed and started again.
//!
//! Unlike the one that the other tests share, it keeps what it has committed: a crash has to lose nothing.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tenantry::db::embedded::EmbeddedPostgres;
use tokio::process::Command;

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
        let cluster = Self::bare(name).await;
        tenantry::db::migrate(&cluster.url).await.expect("the migrations run");
        cluster
    }

    /// A new cluster that knows nothing of us, and none of our roles.
    pub async fn bare(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", uuid::Uuid::new_v4().simple()));
        let server = EmbeddedPostgres::start_or_join(&folder)
            .await
            .expect("a private Postgres starts");
        let url = server.url().to_owned();
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

    /// What the command lines and the environments of its own processes, and of whoever uses it, have of it.
    pub fn traces(&self) -> Vec<String> {
        let place = self.folder.join("postgres");
        [place.canonicalize().unwrap_or(place), self.folder.clone()]
            .map(|folder| folder.display().to_string())
            .to_vec()
    }

    /// Where the server's socket lies.
    pub fn socket_folder(&self) -> String {
        let (_, rest) = self.url.split_once("host=").expect("a socket");
        let folder = rest.split('&').next().expect("a folder");
        assert!(!folder.contains('%'), "{folder} needs no encoding");
        folder.to_owned()
    }

    /// A program as the account that the cluster belongs to: neither Postgres nor PgBouncer runs as root.
    pub fn as_its_owner(&self, program: &str) -> Command {
        let owner = self.folder.join("postgres").metadata().expect("the cluster is there");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if rustix::process::geteuid().is_root() {
            let (uid, gid) = (owner.uid().to_string(), owner.gid().to_string());
            command.args(["--reuid", &uid, "--regid", &gid, "--clear-groups"]);
        }
        command.arg("--").arg(program);
        command.current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
        command
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

/// The folder of Postgres' own programs.
pub fn programs() -> PathBuf {
    let said = std::process::Command::new("pg_config").arg("--bindir").output();
    let said = said.ok().and_then(|said| String::from_utf8(said.stdout).ok());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    said.map(|said| PathBuf::from(said.trim()))
        .into_iter()
        .chain(versions.map(|version| version.path().join("bin")))
        .find(|folder| folder.join("postgres").exists())
        .expect("Postgres is installed")
}

/// A port that nobody has, below those that the kernel gives out by itself: it is still there for the next start.
pub fn free_port() -> u16 {
    (0..200)
        .map(|_| rand::random_range(20_000..32_000_u16))
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}
