//! A database for each test, in one private Postgres for each test process.
//!
//! The server's own database is migrated once and is the template from which every test gets a copy, so a
//! test sees no other test's rows and pays for no migration. Danger: Postgres copies no template that
//! somebody is connected to, so nothing but the migration ever connects to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;

use tenantry::db::embedded::EmbeddedPostgres;
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// A migrated database of one test's own; it is gone when this is dropped.
pub struct TestDatabase {
    pub url: String,
    name: String,
    admin_url: String,
}

/// A fresh copy of the migrated database.
pub async fn database() -> TestDatabase {
    copy_of("tenantry").await
}

/// A database without anything in it.
pub async fn empty_database() -> TestDatabase {
    copy_of("template0").await
}

async fn copy_of(original: &str) -> TestDatabase {
    let template = template().await;
    let name = format!("test_{}", Uuid::new_v4().simple());
    let admin_url = with_database(template.url(), "postgres");
    run(&admin_url, &format!("create database {name} template {original}")).await;
    TestDatabase {
        url: with_database(template.url(), &name),
        name,
        admin_url,
    }
}

/// The server of this process, its database `tenantry` migrated. It ends with the process.
async fn template() -> &'static EmbeddedPostgres {
    static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
            remove_leftovers(&folders);
            let folder = folders.join(process::id().to_string());
            let server = EmbeddedPostgres::start_throwaway(&folder)
                .await
                .expect("a private Postgres starts");
            tenantry::db::migrate(server.url()).await.expect("the migrations run");
            server
        })
        .await
}

impl Drop for TestDatabase {
    /// On a thread of its own, for the test's runtime is busy with dropping this.
    fn drop(&mut self) {
        let (admin_url, name) = (self.admin_url.clone(), self.name.clone());
        let dropper = thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            // What the test left connected is cut off.
            runtime.block_on(run(&admin_url, &format!("drop database {name} with (force)")));
        });
        let outcome = dropper.expect("a thread starts").join();
        // A second panic while a failed test unwinds would hide the first.
        assert!(outcome.is_ok() || thread::panicking(), "the database is dropped");
    }
}

async fn run(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("Postgres takes a connection");
    let connection = tokio::spawn(connection);
    client.simple_query(statement).await.expect("the statement runs");
    drop(client);
    connection
        .await
        .expect("the connection does not panic")
        .expect("the connection ends well");
}

fn with_database(url: &str, name: &str) -> String {
    url.replacen(":///tenantry?", &format!(":///{name}?"), 1)
}

/// Removes what processes that are gone have left; one that is there may still use its own.
fn remove_leftovers(folders: &Path) {
    let Ok(entries) = fs::read_dir(folders) else {
        return;
    };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let process = folder.file_name().expect("it was listed by its name");
        if Path::new("/proc").join(process).exists() {
            continue;
        }
        // A server on its way out may still write here. What cannot go now goes the next time.
        for gone in [cluster_of(&folder), folder] {
            if let Err(error) = fs::remove_dir_all(&gone) {
                eprintln!("{} stays for now: {error}", gone.display());
            }
        }
    }
}

/// Where root's server could not reach the folder, its cluster lies elsewhere.
fn cluster_of(folder: &Path) -> PathBuf {
    let place = folder.join("postgres");
    place.canonicalize().unwrap_or(place)
}

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own_which_goes_with_it() {
    let (one, other) = tokio::join!(database(), database());
    run(
        &one.url,
        "insert into company (id, name) values (gen_random_uuid(), 'One')",
    )
    .await;
    // This fails on what is not migrated, and on a row of the other's.
    run(&other.url, "select 1 / (count(*) = 0)::int from company").await;

    let url = one.url.clone();
    drop(one);
    let refusal = tokio_postgres::connect(&url, NoTls).await.err();
    let code = refusal.and_then(|error| error.code().cloned());
    assert_eq!(code, Some(SqlState::INVALID_CATALOG_NAME));
}
