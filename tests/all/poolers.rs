//! What stands between Tenantry and Postgres: a pooler, or TLS.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use tenantry::db::{Address, Pool, pooler};
use tenantry::model::sync_run::{SyncMode, SyncStatus};
use tokio::process::Child;

use crate::support::cluster::{Cluster, Fall, free_port, programs};
use crate::support::mirror::assert_equal;
use crate::support::node::Role;
use crate::support::skip;
use crate::support::world::World;

/// A PgBouncer before a cluster; gone when it is dropped.
struct Bouncer {
    url: String,
    /// From 1.21 on it can carry prepared statements through transaction mode.
    carries_statements: bool,
    _process: Child,
}

impl Bouncer {
    /// None where there is no PgBouncer, and that may be.
    async fn before(cluster: &Cluster, mode: &str) -> Option<Self> {
        // Not everybody's PATH has the folder where Debian puts it.
        let there = ["pgbouncer", "/usr/sbin/pgbouncer"].into_iter().find_map(|program| {
            let said = std::process::Command::new(program).arg("--version").output().ok()?;
            Some((program, String::from_utf8_lossy(&said.stdout).into_owned()))
        });
        let Some((program, version)) = there else {
            skip::for_want_of("PgBouncer (apt-get install pgbouncer)", "what it does to us");
            return None;
        };
        let minor = version
            .split_whitespace()
            .nth(1)
            .and_then(|version| version.split('.').nth(1)?.parse::<u32>().ok())
            .unwrap_or_else(|| panic!("PgBouncer does not say its version: {version}"));
        let carries_statements = minor >= 21;
        let port = free_port();
        let home = cluster
            .folder
            .join("postgres")
            .canonicalize()
            .expect("the cluster's folder");
        let statements = if carries_statements {
            "max_prepared_statements = 200\n"
        } else {
            ""
        };
        let settings = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 20\n{statements}\
             ignore_startup_parameters = extra_float_digits\n",
            cluster.socket_folder(),
            home.join("users.txt").display(),
        );
        give(&home.join("users.txt"), "\"tenantry\" \"\"\n", &home);
        give(&home.join("pgbouncer.ini"), &settings, &home);
        let process = cluster
            .as_its_owner(program)
            .arg(home.join("pgbouncer.ini"))
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer starts");
        let url = format!("postgresql://tenantry@127.0.0.1:{port}/tenantry");
        until_it_answers(&url).await;
        Some(Self {
            url,
            carries_statements,
            _process: process,
        })
    }
}

/// A file of the cluster's owner, as programs want their keys.
fn give(file: &Path, text: &str, like: &Path) {
    let owner = like.metadata().expect("it is there");
    std::fs::write(file, text).expect("written");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("closed to others");
    chown(file, Some(owner.uid()), Some(owner.gid())).expect("given away");
}

async fn until_it_answers(url: &str) {
    let address = Address::parse(url).expect("an address");
    let knock = async {
        while let Err(error) = address.dial().await {
            // Postgres' own refusals are answers: whoever refuses is up.
            if error.code().is_some_and(|code| code.code() != "57P03") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), knock)
        .await
        .expect("it comes up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pooler_in_transaction_mode_the_start_says_what_is_missing() {
    let cluster = Cluster::start("transactions").await;
    let Some(bouncer) = Bouncer::before(&cluster, "transaction").await else {
        return cluster.end().await;
    };
    let world = World::over(cluster.url()).await;
    let contoso = world.connected_company(40, 4).await;
    let role = Role::worker("worker", &cluster.folder, &bouncer.url, &world.simulator, 1);

    let mut alone = role.start();
    assert_eq!(alone.wait().await.code(), Some(1), "{}", role.last_words());
    assert!(
        role.last_words().contains("TENANTRY_DIRECT_DATABASE_URL"),
        "{}",
        role.last_words()
    );

    let role = role.with("TENANTRY_DIRECT_DATABASE_URL", cluster.url());
    let mut past_it = role.start();
    if bouncer.carries_statements {
        let run = world.queue(contoso, SyncMode::Full, false, None).await;
        while world.run(run.id).await.status.is_active() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(
            world.run(run.id).await.status,
            SyncStatus::Succeeded,
            "{}",
            role.last_words()
        );
        assert_equal(&world, contoso).await;
        assert!(past_it.stop().await.success());
    } else {
        skip::say(
            "PgBouncer is older than 1.21 here; that we work through the transaction mode of a newer one was not tried",
        );
        assert_eq!(past_it.wait().await.code(), Some(1), "{}", role.last_words());
        assert!(role.last_words().contains("1.21"), "{}", role.last_words());
    }
    drop((world, bouncer));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pooler_in_session_mode_everything_works() {
    let cluster = Cluster::start("sessions").await;
    let Some(bouncer) = Bouncer::before(&cluster, "session").await else {
        return cluster.end().await;
    };
    let world = World::over(cluster.url()).await;
    let contoso = world.connected_company(40, 4).await;
    let role = Role::worker("worker", &cluster.folder, &bouncer.url, &world.simulator, 1);

    let working = role.start();
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    while world.run(run.id).await.status.is_active() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert_eq!(
        world.run(run.id).await.status,
        SyncStatus::Succeeded,
        "{}",
        role.last_words()
    );
    assert_equal(&world, contoso).await;
    assert!(working.stop().await.success(), "{}", role.last_words());
    drop((world, bouncer));
    cluster.end().await;
}

#[tokio::test]
async fn two_addresses_that_lead_to_different_databases_are_refused() {
    let one = crate::support::postgres::database().await;
    let other = crate::support::postgres::database().await;
    let (one, other) = (Address::parse(&one.url).unwrap(), Address::parse(&other.url).unwrap());
    pooler::require(&one, &one).await.expect("nothing stands between");
    let refused = pooler::require(&one, &other).await.expect_err("they differ");
    assert!(refused.to_string().contains("different databases"), "{refused}");
}

/// A certificate for `name` from an authority of its own: the authority, the certificate and its key, as PEM.
fn certified(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_tls_every_connection_is_encrypted_and_to_nobody_but_who_was_asked_for() {
    let mut cluster = Cluster::start("tls").await;
    let home = cluster
        .folder
        .join("postgres")
        .canonicalize()
        .expect("the cluster's folder");
    let (authority, certificate, key) = certified("127.0.0.1");
    let (stranger, ..) = certified("127.0.0.1");
    give(&home.join("server.crt"), &certificate, &home);
    give(&home.join("server.key"), &key, &home);
    let (known, unknown) = (cluster.folder.join("known.pem"), cluster.folder.join("unknown.pem"));
    std::fs::write(&known, authority).expect("written");
    std::fs::write(&unknown, stranger).expect("written");
    cluster.fall(Fall::Fast).await;
    let port = free_port();
    let mut server = cluster
        .as_its_owner(&programs().join("postgres").display().to_string())
        .arg("-D")
        .arg(&home)
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            &format!("port={port}"),
            "-c",
            "ssl=on",
        ])
        .args(["-c", "unix_socket_directories="])
        .stderr(Stdio::null())
        .spawn()
        .expect("Postgres starts");
    let at = |host: &str, file: &Path| {
        format!(
            "postgresql://tenantry@{host}:{port}/tenantry?sslmode=verify-full&sslrootcert={}",
            file.display()
        )
    };
    until_it_answers(&format!("postgresql://tenantry@127.0.0.1:{port}/tenantry")).await;

    let world = World::over(&at("127.0.0.1", &known)).await;
    let contoso = world.connected_company(40, 4).await;
    let role = Role::worker("worker", &cluster.folder, &at("127.0.0.1", &known), &world.simulator, 1);
    let working = role.start();
    let run = world.queue(contoso, SyncMode::Full, false, None).await;
    while world.run(run.id).await.status.is_active() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        world.run(run.id).await.status,
        SyncStatus::Succeeded,
        "{}",
        role.last_words()
    );
    assert_equal(&world, contoso).await;
    let in_the_clear = "select count(*) from pg_stat_ssl join pg_stat_activity using (pid)
                        where backend_type = 'client backend' and not ssl";
    assert_eq!(world.number(in_the_clear).await, 0);
    assert!(working.stop().await.success(), "{}", role.last_words());

    for (host, file) in [("127.0.0.1", &unknown), ("localhost", &known)] {
        let pool = Pool::new(&at(host, file), 1).expect("a pool");
        let refused = pool.get().await.err().expect("nobody else is believed");
        assert!(format!("{refused:#}").contains("certificate"), "{refused:#}");
        let refused = tenantry::db::migrate(&at(host, file)).await.expect_err("nor here");
        assert!(format!("{refused:#}").contains("certificate"), "{refused:#}");
    }
    drop(world);
    let pid = server
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).expect("a pid")));
    kill_process(pid.expect("it runs"), Signal::INT).expect("a signal");
    server.wait().await.expect("it ends");
    cluster.rise().await;
    cluster.end().await;
}
