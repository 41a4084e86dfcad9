//! The server as a child process.
//!
//! Danger: the death signal that `setpriv --pdeathsig` arms fires when the *thread* that spawned the
//! child ends, not the process. The server is therefore spawned from a thread of its own that does
//! nothing but wait for it, and a child is told of its parent's death also when that was `kill -9`.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::cluster::Cluster;
use super::{Durability, POLL};

/// How long a server may take to write its last checkpoint before it is stopped without one.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Settings that cost no safety. Logged errors carry no statement and no detail, because these hold
/// what people wrote; large pages and parallel plans' shared memory are where containers are tight.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=200",
    "shared_buffers=256MB",
    "huge_pages=off",
    "work_mem=16MB",
    "maintenance_work_mem=128MB",
    "max_wal_size=2GB",
    "checkpoint_timeout=15min",
    "wal_compression=on",
    "wal_level=minimal",
    "max_wal_senders=0",
    "random_page_cost=1.1",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
];

/// Settings that trade the data for speed.
const THROWAWAY_SETTINGS: &[&str] = &["fsync=off", "full_page_writes=off", "synchronous_commit=off"];

/// A server that this process started. Dropping it asks the server to stop.
pub(super) struct Server {
    pid: Pid,
    ended: watch::Receiver<Option<String>>,
    log: PathBuf,
}

impl Server {
    /// Starts the server; `lock` is held until it has ended.
    pub(super) fn spawn(cluster: &Cluster, home: &Path, lock: File, durability: Durability) -> anyhow::Result<Self> {
        let log = home.join("postgres.log");
        let command = command(cluster, &log, durability)?;
        let (started, has_started) = mpsc::sync_channel(1);
        let (end, ended) = watch::channel(None);
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || keep(command, &started, &end, lock))
            .context("cannot start a thread for Postgres")?;
        let pid = has_started
            .recv()
            .context("the thread of Postgres ended early")?
            .context("cannot run setpriv")?;
        Ok(Self { pid, ended, log })
    }

    /// Waits for the end, and says how it came about.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "its thread is gone".to_owned(),
        }
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        // Fast shutdown: cuts the connections, then writes a checkpoint.
        self.signal(Signal::INT);
        if timeout(STOP_LIMIT, self.ended()).await.is_ok() {
            return Ok(());
        }
        // Immediate shutdown: no checkpoint; the next start recovers from the log.
        self.signal(Signal::QUIT);
        if timeout(STOP_LIMIT, self.ended()).await.is_ok() {
            return Ok(());
        }
        bail!(self.complaint("Postgres does not stop"))
    }

    /// `what` happened, with the end of the server's own log.
    pub(super) fn complaint(&self, what: &str) -> String {
        let log = self.log.display();
        match std::fs::read_to_string(&self.log) {
            Ok(text) => {
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines[lines.len().saturating_sub(20)..].join("\n");
                format!("{what}; its log {log} ends with:\n{tail}")
            }
            Err(error) => format!("{what}; its log {log} cannot be read: {error}"),
        }
    }

    fn signal(&self, signal: Signal) {
        if self.ended.borrow().is_none() {
            ask(self.pid, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

fn ask(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process(pid, signal) {
        tracing::debug!(%error, "a process of the embedded Postgres had ended already");
    }
}

/// Waits until a server that an earlier process left in this cluster has ended, and clears up after it.
///
/// Normally it is on its way out, told by its parent's death; asking again does no harm.
pub(super) async fn wait_out_predecessor(cluster: &Cluster) -> anyhow::Result<()> {
    let deadline = Instant::now() + STOP_LIMIT;
    let mut asked = false;
    loop {
        let left = processes_of(cluster)?;
        if left.is_empty() {
            break;
        }
        if !asked {
            tracing::info!("waiting for the Postgres of an earlier run to stop");
            asked = true;
            // A worker whose server is gone ends by itself; SIGINT would only cancel its statement.
            for pid in left.iter().copied() {
                ask(pid, Signal::INT);
            }
        }
        if Instant::now() > deadline {
            bail!("the Postgres of an earlier run does not stop: processes {left:?}");
        }
        sleep(POLL).await;
    }
    remove_stale_pid_file(cluster.folder())
}

/// After a crash the file names a process that is gone, or by now somebody else's, for which Postgres
/// would refuse to start. Nothing of this cluster runs, and the lock keeps it so.
fn remove_stale_pid_file(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(folder.join("postmaster.pid")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("cannot remove postmaster.pid")
        }
        _ => Ok(()),
    }
}

/// The server of a cluster and its workers, known by how they are called: the one by its `-D`, the
/// others by the cluster's name in their title. (Where they work, root may not see in a container.)
pub(super) fn processes_of(cluster: &Cluster) -> anyhow::Result<Vec<Pid>> {
    let folder = cluster.folder().as_os_str().as_bytes();
    let title = format!("postgres: {}: ", cluster.name());
    let is_of_cluster = |command_line: &[u8]| {
        let arguments: Vec<&[u8]> = command_line.split(|byte| *byte == 0).collect();
        command_line.starts_with(title.as_bytes()) || arguments.windows(2).any(|pair| pair == [b"-D", folder])
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").context("cannot list processes")? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // A process may end between the listing and the look at it.
        if std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| is_of_cluster(&line)) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn command(cluster: &Cluster, log: &Path, durability: Durability) -> anyhow::Result<Command> {
    let out = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    // SIGINT: a fast, clean shutdown.
    let mut command = cluster.command("postgres", "INT");
    command.arg("-D").arg(cluster.folder());
    command.arg("-c").arg(format!("cluster_name={}", cluster.name()));
    let throwaway = if durability == Durability::ThrownAway {
        THROWAWAY_SETTINGS
    } else {
        &[]
    };
    for setting in SETTINGS.iter().chain(throwaway) {
        command.arg("-c").arg(setting);
    }
    // A list of folders, in which quotes keep a comma from starting the next one.
    let sockets = cluster.socket_folder()?.display().to_string().replace('"', "\"\"");
    command.arg("-c").arg(format!("unix_socket_directories=\"{sockets}\""));
    command.stdout(out.try_clone()?).stderr(out).stdin(Stdio::null());
    Ok(command)
}

fn keep(
    mut command: Command,
    started: &mpsc::SyncSender<std::io::Result<Pid>>,
    end: &watch::Sender<Option<String>>,
    lock: File,
) {
    let told = |outcome| started.send(outcome).is_ok();
    match command.spawn() {
        Ok(mut child) => {
            told(Ok(Pid::from_child(&child)));
            let how = describe_end(&mut child);
            drop(lock);
            end.send_replace(Some(how));
        }
        Err(error) => {
            told(Err(error));
        }
    }
}

fn describe_end(child: &mut Child) -> String {
    match child.wait() {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
