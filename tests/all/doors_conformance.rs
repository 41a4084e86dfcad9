//! Other people's judges and clients, in Node: the audits of `graphql-http`, the clients `graphql-ws` and `graphql-sse`.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::support::house::House;

pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance");

/// Installs what is locked, once, when that is not what is there.
pub async fn install() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            if !is_installed() {
                run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"])).await;
            }
        })
        .await;
}

/// Whether npm has installed anything since the lock was written.
fn is_installed() -> bool {
    let written = |name: &str| Path::new(FOLDER).join(name).metadata()?.modified();
    let locked = written("package-lock.json").expect("the lock is checked in");
    written("node_modules/.package-lock.json").is_ok_and(|installed| installed >= locked)
}

async fn run(command: &mut Command) {
    let output = command
        .current_dir(FOLDER)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.expect("Node and npm are installed");
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success(), "{said}");
}

async fn suite(name: &str) {
    install().await;
    let house = House::toys().await;
    run(Command::new("node")
        .arg(name)
        .arg(house.at("/graphql").as_str())
        .arg(&house.token))
    .await;
}

#[tokio::test]
async fn all_audits_of_graphql_over_http_pass() {
    suite("http.mjs").await;
}

#[tokio::test]
async fn the_graphql_ws_client_works() {
    suite("ws.mjs").await;
}

#[tokio::test]
async fn the_graphql_sse_client_works() {
    suite("sse.mjs").await;
}
