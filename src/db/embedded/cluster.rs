//! The folder that holds the data, the programs that serve it, and the account that owns it.
//!
//! Postgres refuses to run as root. For root the cluster belongs to an unprivileged account, and root
//! never writes inside that account's folder: it could be led astray there by a planted link.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use uuid::Uuid;

use super::{DATABASE, Durability};

/// The oldest major version that is supported.
const OLDEST: u32 = 15;

/// The name of the socket in its folder; the longest path that a socket address holds is 107 bytes.
const SOCKET: &str = ".s.PGSQL.5432";
const LONGEST_SOCKET_PATH: usize = 107;

/// Where root's clusters live when the server's account cannot pass through to the data directory.
const FALLBACK: &str = "/var/lib/tenantry";

/// An account that is not root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Account {
    uid: u32,
    gid: u32,
}

/// A cluster on disk, and the means to run Postgres programs on it.
pub(super) struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    owner: Account,
}

pub(super) fn am_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Cluster {
    /// Finds the cluster of a data directory, and makes it if there is none yet.
    pub(super) fn prepare(home: &Path, durability: Durability) -> anyhow::Result<Self> {
        let place = home.join("postgres");
        if place.symlink_metadata().is_err() {
            create(home, &place, durability)?;
        }
        Self::open(home, installed)
    }

    /// The cluster of a data directory, for somebody who joins its server and runs no program.
    pub(super) fn existing(home: &Path) -> anyhow::Result<Self> {
        Self::open(home, |_| Ok(PathBuf::new()))
    }

    fn open(home: &Path, find_bin: impl FnOnce(Option<u32>) -> anyhow::Result<PathBuf>) -> anyhow::Result<Self> {
        let place = home.join("postgres");
        let folder = place
            .canonicalize()
            .with_context(|| format!("the cluster {} is gone", place.display()))?;
        let owner = owner_of(&folder)?;
        let version = fs::read_to_string(folder.join("PG_VERSION"))
            .with_context(|| format!("{} is not a Postgres cluster of this account", folder.display()))?;
        let major = version
            .trim()
            .parse()
            .with_context(|| format!("unknown version {version:?} of the cluster"))?;
        Ok(Self {
            bin: find_bin(Some(major))?,
            folder,
            owner,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A name that no other cluster of this machine has; the titles of its processes carry it.
    pub(super) fn name(&self) -> String {
        let path = self.folder.as_os_str().as_encoded_bytes();
        format!("tenantry-{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, path).simple())
    }

    /// A libpq URL of a database of this cluster.
    pub(super) fn url(&self, database: &str) -> anyhow::Result<String> {
        let folder = self.socket_folder()?;
        let host = percent_encoded(&folder);
        Ok(format!(
            "postgresql:///{database}?host={host}&port=5432&user={DATABASE}"
        ))
    }

    /// The folder of the socket: the cluster itself, which nobody else may enter, or where its path is
    /// too long for a socket address, a folder of the same kind among the temporary ones.
    pub(super) fn socket_folder(&self) -> anyhow::Result<PathBuf> {
        let path = self.folder.as_os_str();
        if path.len() + 1 + SOCKET.len() <= LONGEST_SOCKET_PATH {
            return Ok(self.folder.clone());
        }
        let folder = Path::new("/tmp").join(self.name());
        if DirBuilder::new().mode(0o700).create(&folder).is_ok() {
            give(&folder, self.owner)?;
        }
        // Anybody may make folders there: one that is not ours would lead to somebody else's server.
        let found = folder
            .symlink_metadata()
            .with_context(|| format!("no socket folder {}", folder.display()))?;
        let private = found.is_dir() && found.mode() & 0o077 == 0 && found.uid() == self.owner.uid;
        ensure!(
            private,
            "{} is somebody else's: remove it, or choose a shorter data directory",
            folder.display()
        );
        Ok(folder)
    }

    /// A command line of one of Postgres's programs, run as the cluster's owner.
    ///
    /// `death_signal` is what it is sent when the thread that spawned it ends.
    pub(super) fn command(&self, program: &str, death_signal: &str) -> Command {
        command_as(self.owner, &self.bin.join(program), death_signal)
    }
}

/// Makes a cluster under a passing name, and moves it into place when it is whole.
fn create(home: &Path, place: &Path, durability: Durability) -> anyhow::Result<()> {
    let bin = installed(None)?;
    let owner = choose_owner()?;
    let (unfinished, finished) = choose_folder(home, place, owner)?;
    let mut initdb = command_as(owner, &bin.join("initdb"), "KILL");
    initdb.arg("-D").arg(&unfinished);
    initdb.args([
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-instructions",
        "-U",
        DATABASE,
    ]);
    if durability == Durability::ThrownAway {
        initdb.arg("--no-sync");
    }
    run(&mut initdb).context("cannot make a Postgres cluster")?;
    fs::rename(&unfinished, &finished).with_context(|| format!("cannot move the cluster to {}", finished.display()))?;
    if finished != place {
        symlink(&finished, place).with_context(|| format!("cannot link {}", place.display()))?;
    }
    Ok(())
}

/// An empty folder of `owner`'s, and where it is to be moved when it is filled: in the data directory
/// where its owner gets there, else (below a root home, say) under `FALLBACK`, with a link to it.
fn choose_folder(home: &Path, place: &Path, owner: Account) -> anyhow::Result<(PathBuf, PathBuf)> {
    let beside = home.join("postgres.new");
    if beside.exists() {
        fs::remove_dir_all(&beside).with_context(|| format!("cannot remove {}", beside.display()))?;
    }
    empty_folder(&beside, owner)?;
    if is_usable(&beside, owner)? {
        return Ok((beside, place.to_path_buf()));
    }
    fs::remove_dir(&beside)?;
    ensure!(am_root(), "{} cannot be written", home.display());
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(FALLBACK)
        .with_context(|| format!("cannot make {FALLBACK}"))?;
    fs::set_permissions(FALLBACK, Permissions::from_mode(0o711))?;
    let finished = Path::new(FALLBACK).join(Uuid::new_v4().to_string());
    let unfinished = finished.with_extension("new");
    empty_folder(&unfinished, owner)?;
    ensure!(
        is_usable(&unfinished, owner)?,
        "Postgres does not run as root, and the account it runs as (uid {}) reaches neither {} nor {FALLBACK}: \
         choose a data directory that it can reach",
        owner.uid,
        home.display(),
    );
    tracing::info!(cluster = %finished.display(), "the data directory is closed to the account that Postgres runs as");
    Ok((unfinished, finished))
}

fn empty_folder(path: &Path, owner: Account) -> anyhow::Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    give(path, owner)
}

fn give(path: &Path, owner: Account) -> anyhow::Result<()> {
    if am_root() {
        chown(path, Some(owner.uid), Some(owner.gid))
            .with_context(|| format!("cannot give {} away", path.display()))?;
    }
    Ok(())
}

/// Whether `owner` gets to `folder` through all that is above it: tried, as permissions alone do not tell.
fn is_usable(folder: &Path, owner: Account) -> anyhow::Result<bool> {
    let output = command_as(owner, Path::new("/usr/bin/test"), "KILL")
        .arg("-w")
        .arg(folder)
        .output();
    Ok(output
        .context("cannot run setpriv (of the package util-linux)")?
        .status
        .success())
}

/// Who owns a cluster that exists. Root serves it as that account; anybody else must be that account.
fn owner_of(folder: &Path) -> anyhow::Result<Account> {
    let found = folder
        .metadata()
        .with_context(|| format!("cannot see {}", folder.display()))?;
    let owner = Account {
        uid: found.uid(),
        gid: found.gid(),
    };
    let me = rustix::process::geteuid().as_raw();
    ensure!(
        owner.uid != 0,
        "{} belongs to root, as whom Postgres refuses to run",
        folder.display()
    );
    ensure!(
        am_root() || owner.uid == me,
        "{} belongs to another account (uid {}): run this as that account or as root",
        folder.display(),
        owner.uid,
    );
    Ok(owner)
}

/// Who is to own a new cluster: whoever runs this, or for root an account that may do little.
fn choose_owner() -> anyhow::Result<Account> {
    if !am_root() {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        return Ok(Account { uid, gid });
    }
    let id = |what: &str, name: &str| -> Option<u32> {
        let output = Command::new("id").args([what, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(Account {
                uid: id("-u", name)?,
                gid: id("-g", name)?,
            })
        })
        .context("Postgres refuses to run as root, and there is neither an account postgres nor nobody to run it as")
}

/// `program` as `owner`, with nothing of our environment, which holds secrets.
fn command_as(owner: Account, program: &Path, death_signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", death_signal]);
    if am_root() {
        command.args([
            "--reuid",
            &owner.uid.to_string(),
            "--regid",
            &owner.gid.to_string(),
            "--clear-groups",
        ]);
    }
    command
        .arg("--")
        .arg(program)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8");
    // Our own folder may be closed to the owner; and Ctrl-C at the terminal is for us to hand on.
    command.current_dir("/").process_group(0).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .output()
        .context("cannot run setpriv (of the package util-linux)")?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The folder of the server's programs: of version `wanted`, or the newest.
fn installed(wanted: Option<u32>) -> anyhow::Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = candidates()
        .into_iter()
        .filter(|folder| folder.join("initdb").exists())
        .filter_map(|folder| Some((major_version(&folder)?, folder)))
        .collect();
    found.sort();
    let newest = found
        .iter()
        .rev()
        .find(|(major, _)| wanted.map_or(*major >= OLDEST, |wanted| *major == wanted));
    match (newest, wanted) {
        (Some((_, folder)), _) => Ok(folder.clone()),
        (None, Some(wanted)) => bail!(
            "the data was written by PostgreSQL {wanted}, which is not installed: apt-get install postgresql-{wanted}"
        ),
        (None, None) => bail!(
            "no PostgreSQL server of version {OLDEST} or newer is installed: apt-get install postgresql \
             (or set DATABASE_URL to a server of your own)"
        ),
    }
}

/// Where the programs may be: what `pg_config` says, Debian's folder per version, and the search path.
fn candidates() -> Vec<PathBuf> {
    let said = |program: &str, arguments: &[&str]| -> Option<PathBuf> {
        let output = Command::new(program).args(arguments).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        (!path.trim().is_empty()).then(|| PathBuf::from(path.trim()))
    };
    let mut folders: Vec<PathBuf> = said("pg_config", &["--bindir"]).into_iter().collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    // The server finds its own files from where it really lies, so links are followed first.
    let on_path = said("sh", &["-c", "command -v postgres"]).and_then(|program| program.canonicalize().ok());
    folders.extend(on_path.and_then(|program| program.parent().map(Path::to_path_buf)));
    folders
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15.
fn major_version(bin: &Path) -> Option<u32> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let digits = text
        .split_whitespace()
        .nth(2)?
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

/// As both clients decode it (neither reads `+` as a space, and `@` would end the credentials of one).
fn percent_encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
