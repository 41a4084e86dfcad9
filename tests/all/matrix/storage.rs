//! Faults of what is stored: no room, and yesterday's copy.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tenantry::model::sync_run::{SyncMode, SyncStatus};
use uuid::Uuid;

use super::connected;
use crate::support::backup;
use crate::support::cluster::Cluster;
use crate::support::postgres;
use crate::support::skip;
use crate::support::verdict;
use crate::support::verdict::equal_and_ended_once;
use crate::support::world::World;

/// A disk of a few hundred kilobytes; unmounted when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where nothing may be mounted here.
    fn mount(owner: &Path) -> Option<Self> {
        let owner = owner.metadata().expect("the cluster is there");
        let place = PathBuf::from("/tmp").join(format!("small-disk-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&place).expect("a folder");
        let options = format!("size=512k,mode=0700,uid={},gid={}", owner.uid(), owner.gid());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&place)
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(place));
        }
        std::fs::remove_dir(&place).expect("it is empty");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if unmounted.is_ok_and(|unmounted| unmounted.success()) {
            // Empty, and among the temporary ones.
            let _ = std::fs::remove_dir(&self.0);
        }
    }
}

async fn statements(url: &str, statements: &[&str]) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("Postgres takes a connection");
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for statement in statements {
        for message in client.simple_query(statement).await.expect("the statement runs") {
            if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                answers.push(row.get(0).expect("a value").to_owned());
            }
        }
    }
    drop(client);
    connection.await.expect("no panic").expect("it ends well");
    answers
}

/// Contacts cannot be written for want of room: the run says so, nothing has changed, and when there is room it goes well.
async fn there_is_no_room(postgres: &Cluster, room_again: &[&str]) {
    let world = World::over(postgres.url()).await;
    let contoso = connected(&world, 3_000, 0).await;

    let run = world.sync(contoso).await;

    assert_eq!(run.status, SyncStatus::Failed, "{run:#?}");
    let failure = run.failure.expect("it says why");
    assert_eq!(failure.code, "STORAGE_FULL");
    assert!(failure.remedy.contains("room"), "{}", failure.remedy);
    let contacts = "select count(*) from contact";
    assert_eq!(world.number(contacts).await, 0, "no page of it is there");
    statements(postgres.url(), room_again).await;
    let run = world.sync(contoso).await;
    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn f5_a_full_disk_fails_the_run_by_name_changes_nothing_and_is_over_when_there_is_room() {
    let postgres = Cluster::start("full").await;
    let Some(disk) = SmallDisk::mount(&postgres.folder.join("postgres")) else {
        // That there is no room at all is tried everywhere, beside this.
        skip::say("nothing may be mounted here; a disk that fills up on the way was not tried");
        return postgres.end().await;
    };
    let small = format!("create tablespace small location '{}'", disk.0.display());
    statements(postgres.url(), &[&small, "alter table contact set tablespace small"]).await;
    let back = ["alter table contact set tablespace pg_default", "drop tablespace small"];
    there_is_no_room(&postgres, &back).await;
    drop(disk);
    postgres.end().await;
}

#[tokio::test]
async fn f5_a_table_that_has_no_room_at_all_fails_the_run_by_name_and_is_over_when_there_is_room() {
    let postgres = Cluster::start("no-room").await;
    // A new file, which nobody has open.
    let place = "select pg_relation_filepath('contact')";
    let place = statements(postgres.url(), &["vacuum full contact", place])
        .await
        .remove(0);
    let file = postgres.folder.join("postgres").join(place);
    std::fs::remove_file(&file).expect("an empty file");
    std::os::unix::fs::symlink("/dev/full", &file).expect("a link");
    there_is_no_room(&postgres, &["vacuum full contact"]).await;
    postgres.end().await;
}

/// Restores a dump into a server that lacks nothing.
fn restore(file: &Path, url: &str) {
    let restored = backup::restore(file, url, &["--exit-on-error"]);
    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
}

/// Yesterday's copy, in which a run was under way, with links that today's Microsoft may have forgotten.
async fn yesterday_comes_back(links_expire: bool) {
    let world = World::start().await;
    let contoso = connected(&world, 90, 10).await;
    world.sync(contoso).await;
    world.collect_evidence(contoso).await;
    let under_way = world.queue(contoso, SyncMode::Auto, false, None).await;
    world.claim(under_way.id).await;
    let dump = backup::dump(world.pool.direct().url());
    let shuffle = format!("tenants/{}/shuffle", contoso.tenant_id);
    world.post(&shuffle, json!({"count": 15, "seed": 9})).await;
    world
        .sql("update sync_run set lease_until = now() where status = 'RUNNING'")
        .await;
    let mut conn = world.pool.get().await.expect("a connection");
    tenantry::model::sync_run::lease::take_back_expired(&mut conn)
        .await
        .expect("taken back");
    drop(conn);
    world.perform(under_way.id).await;
    world.collect_evidence(contoso).await;
    if links_expire {
        world
            .post(&format!("tenants/{}/deltas/expire", contoso.tenant_id), json!({}))
            .await;
    }
    let database = postgres::empty_database().await;
    restore(&dump, &database.url);

    let world = world.restored_to(&database.url).await;
    world
        .sql("update sync_run set lease_until = now() where status = 'RUNNING'")
        .await;
    let mut conn = world.pool.get().await.expect("a connection");
    let taken = tenantry::model::sync_run::lease::take_back_expired(&mut conn).await;
    drop(conn);
    assert_eq!(
        taken.expect("taken back"),
        [under_way.id],
        "what was under way is begun again"
    );
    let run = world.perform(under_way.id).await;

    assert_eq!(run.status, SyncStatus::Succeeded, "{run:#?}");
    world.release_everything().await;
    verdict::evidence_is_whole(&world, contoso).await;
    let runs = "select count(*) from evidence_run";
    assert_eq!(
        world.number(runs).await,
        1,
        "and it does not claim to hold what came after it"
    );
    let evidence = world.collect_evidence(contoso).await;
    assert!(!evidence.status.is_active(), "{evidence:#?}");
    // The chain goes on from there.
    equal_and_ended_once(&world, &[contoso]).await;
}

#[tokio::test]
async fn f32_a_database_from_yesterday_catches_up_by_the_links_it_has() {
    yesterday_comes_back(false).await;
}

#[tokio::test]
async fn f32_a_database_from_yesterday_whose_links_are_forgotten_reads_everything_again() {
    yesterday_comes_back(true).await;
}

#[tokio::test]
async fn f32_evidence_that_a_restored_database_lacks_is_missed_by_the_bundle_that_was_taken_before() {
    let world = World::start().await;
    let contoso = connected(&world, 20, 2).await;
    world.collect_evidence(contoso).await;
    let dump = backup::dump(world.pool.direct().url());
    world.collect_evidence(contoso).await;
    let head = "select encode(sha256, 'hex') from evidence_ledger order by seq desc limit 1";
    let before = world.rows(&format!("select ({head}) as head")).await;
    let database = postgres::empty_database().await;
    restore(&dump, &database.url);
    let world = world.restored_to(&database.url).await;

    world.collect_evidence(contoso).await;

    let known = world
        .rows("select encode(sha256, 'hex') as head from evidence_ledger")
        .await;
    assert!(
        !known.contains(&before[0]),
        "a head that somebody wrote down before is not in the chain any more"
    );
    verdict::evidence_is_whole(&world, contoso).await;
    verdict::every_run_ended_once(&world).await;
}
