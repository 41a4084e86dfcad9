//! The private Postgres under everything that may happen to it, with real servers. Some of these run with
//! another account's rights where the tests run as root.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::io::unix::AsyncFd;
use uuid::Uuid;

use super::*;

/// A data directory that is removed at the end, with its cluster, wherever that lies.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self::named("")
    }

    fn named(suffix: &str) -> Self {
        Self(PathBuf::from(format!(
            "/tmp/tenantry-test-{}{suffix}",
            Uuid::new_v4().simple()
        )))
    }

    fn cluster(&self) -> PathBuf {
        self.0.join("postgres").canonicalize().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Ok(cluster) = self.0.join("postgres").canonicalize() {
            fs::remove_dir_all(cluster).unwrap();
        }
        fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn keep_a_row(server: &EmbeddedPostgres) {
    let client = connect(server.url()).await.unwrap();
    client
        .simple_query("create table kept (word text); insert into kept values ('here')")
        .await
        .unwrap();
}

async fn kept_row(server: &EmbeddedPostgres) -> String {
    let client = connect(server.url()).await.unwrap();
    client.query_one("select word from kept", &[]).await.unwrap().get(0)
}

/// The process that serves a data directory, by the first line of its own file.
fn postmaster(scratch: &Scratch) -> Pid {
    let file = fs::read_to_string(scratch.cluster().join("postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Something to wait on for the end of a process that is not a child of ours.
#[expect(
    deprecated,
    reason = "the successor is unsafe for types that swap their descriptor; an OwnedFd does not"
)]
fn watch(pid: Pid) -> AsyncFd<std::os::fd::OwnedFd> {
    AsyncFd::new(pidfd_open(pid, PidfdFlags::NONBLOCK).unwrap()).unwrap()
}

async fn gone(process: &AsyncFd<std::os::fd::OwnedFd>) {
    let end = timeout(Duration::from_secs(60), process.readable());
    drop(end.await.expect("the server ends").unwrap());
}

#[tokio::test]
async fn both_drivers_read_the_url_of_a_server_in_an_oddly_named_folder() {
    let scratch = Scratch::named(" Zoë's, 100% \"a@b\"&c=d+e");
    let server = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();

    let client = connect(server.url()).await.unwrap();
    let settings = client
        .query_one(
            "select current_database()::text, current_user::text, current_setting('server_encoding'),
                    current_setting('listen_addresses'), (select datcollate from pg_database where datname = 'tenantry')",
            &[],
        )
        .await
        .unwrap();
    let settings: Vec<String> = (0..5).map(|column| settings.get(column)).collect();
    assert_eq!(settings, ["tenantry", "tenantry", "UTF8", "", "C.UTF-8"]);

    let pool = sqlx::PgPool::connect(server.url()).await.unwrap();
    let database: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(database, "tenantry");

    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_stored_is_there_at_the_next_start() {
    let scratch = Scratch::new();
    let first = EmbeddedPostgres::start_or_join(&scratch.0).await.unwrap();
    keep_a_row(&first).await;
    first.stop().await.unwrap();

    let second = EmbeddedPostgres::start_or_join(&scratch.0).await.unwrap();
    assert!(!second.joined());
    assert_eq!(kept_row(&second).await, "here");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn kept_data_is_never_at_the_mercy_of_a_power_cut() {
    let scratch = Scratch::new();
    let server = EmbeddedPostgres::start_or_join(&scratch.0).await.unwrap();
    let client = connect(server.url()).await.unwrap();
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = client
            .query_one("select current_setting($1)", &[&setting])
            .await
            .unwrap()
            .get(0);
        assert_eq!(value, "on", "{setting}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn starts_at_the_same_time_share_one_server() {
    let scratch = Scratch::new();
    let start = || EmbeddedPostgres::start_throwaway(&scratch.0);
    let (a, b, c) = tokio::try_join!(start(), start(), start()).unwrap();
    assert_eq!(
        [a.joined(), b.joined(), c.joined()]
            .iter()
            .filter(|joined| !**joined)
            .count(),
        1
    );
    assert!(a.url() == b.url() && b.url() == c.url());
    let (starters, joiners): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(|server| !server.joined());
    for joiner in joiners {
        joiner.stop().await.unwrap();
    }
    keep_a_row(&starters[0]).await;
    for starter in starters {
        starter.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_server_stops_and_the_next_start_waits_for_it() {
    let scratch = Scratch::new();
    let first = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    keep_a_row(&first).await;
    let ended = watch(postmaster(&scratch));
    drop(first);
    let second = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    gone(&ended).await;
    assert!(!second.joined());
    assert_eq!(kept_row(&second).await, "here");
    second.stop().await.unwrap();
}

/// Not a test: the process that the next one kills. It is told the folder on its standard input.
#[tokio::test]
#[ignore = "run by a_killed_process_leaves_no_server_and_loses_no_data"]
async fn a_process_that_waits_to_be_killed() {
    let mut folder = String::new();
    std::io::stdin().read_line(&mut folder).unwrap();
    if folder.is_empty() {
        return;
    }
    let server = EmbeddedPostgres::start_or_join(Path::new(folder.trim_end()))
        .await
        .unwrap();
    keep_a_row(&server).await;
    std::io::stderr().write_all(b"ready\n").unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_process_leaves_no_server_and_loses_no_data() {
    let scratch = Scratch::new();
    let mut child = Command::new("/proc/self/exe")
        .args([
            "--exact",
            "db::embedded::tests::a_process_that_waits_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", scratch.0.display()).unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "ready"));

    let ended = watch(postmaster(&scratch));
    child.kill().unwrap();
    child.wait().unwrap();
    gone(&ended).await;

    let next = EmbeddedPostgres::start_or_join(&scratch.0).await.unwrap();
    assert!(!next.joined());
    assert_eq!(kept_row(&next).await, "here");
    next.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_crashed_recovers_although_its_process_id_is_somebody_elses_by_now() {
    let scratch = Scratch::new();
    let first = EmbeddedPostgres::start_or_join(&scratch.0).await.unwrap();
    keep_a_row(&first).await;
    let ended = watch(postmaster(&scratch));
    kill_process(postmaster(&scratch), Signal::KILL).unwrap();
    gone(&ended).await;
    drop(first);

    let mut bystander = tokio::process::Command::new("sleep")
        .arg("600")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid_file = scratch.cluster().join("postmaster.pid");
    let stale = fs::read_to_string(&pid_file).unwrap();
    let rest = stale.split_once('\n').unwrap().1;
    fs::write(&pid_file, format!("{}\n{rest}", bystander.id().unwrap())).unwrap();

    let second = EmbeddedPostgres::start_or_join(&scratch.0).await.unwrap();
    assert_eq!(kept_row(&second).await, "here");
    assert!(bystander.try_wait().unwrap().is_none(), "the bystander was left alone");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_private_folder_for_it() {
    let scratch = Scratch::named(&"-long".repeat(20));
    let server = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    let cluster = Cluster::existing(&scratch.0).unwrap();
    let sockets = cluster.socket_folder().unwrap();
    assert_ne!(sockets, cluster.folder());
    assert_eq!(fs::metadata(&sockets).unwrap().permissions().mode() & 0o777, 0o700);
    keep_a_row(&server).await;
    server.stop().await.unwrap();

    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o755)).unwrap();
    let refusal = EmbeddedPostgres::start_throwaway(&scratch.0).await.err().unwrap();
    assert!(refusal.to_string().contains("somebody else's"), "{refusal:#}");
    fs::remove_dir(&sockets).unwrap();
}

#[tokio::test]
async fn only_the_account_of_the_server_gets_to_the_socket_and_the_log() {
    let scratch = Scratch::new();
    let server = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.cluster()), 0o700);
    assert_eq!(mode(scratch.cluster().join(".s.PGSQL.5432")), 0o700);
    assert_eq!(mode(scratch.0.join("postgres.log")), 0o600);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_is_reported_with_its_own_words() {
    let scratch = Scratch::new();
    EmbeddedPostgres::start_throwaway(&scratch.0)
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    fs::write(scratch.cluster().join("postgresql.conf"), "no_such_setting = on\n").unwrap();
    let error = EmbeddedPostgres::start_throwaway(&scratch.0).await.err().unwrap();
    assert!(error.to_string().contains("no_such_setting"), "{error:#}");
}

#[tokio::test]
async fn data_of_a_version_that_is_not_installed_names_the_package() {
    let scratch = Scratch::new();
    EmbeddedPostgres::start_throwaway(&scratch.0)
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    fs::write(scratch.cluster().join("PG_VERSION"), "9\n").unwrap();
    let error = EmbeddedPostgres::start_throwaway(&scratch.0).await.err().unwrap();
    assert!(error.to_string().contains("apt-get install postgresql-9"), "{error:#}");
}

#[tokio::test]
async fn a_start_that_was_cut_short_begins_again() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.0.join("postgres.new/base")).unwrap();
    fs::write(scratch.0.join("postgres.new/PG_VERSION"), "15\n").unwrap();
    let server = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    keep_a_row(&server).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn root_serves_a_data_directory_that_is_closed_to_everybody_else() {
    if !cluster::am_root() {
        return;
    }
    let closed = Scratch::new();
    DirBuilder::new().mode(0o700).create(&closed.0).unwrap();
    let scratch = Scratch(closed.0.join("data"));
    let first = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    keep_a_row(&first).await;
    first.stop().await.unwrap();

    let second = EmbeddedPostgres::start_throwaway(&scratch.0).await.unwrap();
    assert!(!scratch.cluster().starts_with(&closed.0));
    assert_eq!(kept_row(&second).await, "here");
    second.stop().await.unwrap();
}
