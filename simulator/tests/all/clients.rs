//! Microsoft's own clients as the judges: MSAL for Node and the Graph client, over TLS, which both
//! insist on, and `jose` for the id tokens, whose signatures MSAL leaves alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use m365_simulator::Options;
use serde_json::json;

use crate::support::{CALLBACK, CLIENT, SECRET, World, spec};

const REMEDY: &str = "Node 20 or later with npm is needed for the checks with Microsoft's own clients (Debian: apt-get install nodejs npm)";

/// Installs what the lock file names, once.
fn install(folder: &Path) {
    if folder.join("node_modules/.package-lock.json").exists() {
        return;
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(folder)
        .status();
    let status = status.unwrap_or_else(|error| panic!("npm: {error}. {REMEDY}"));
    assert!(status.success(), "npm ci failed in {}", folder.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_own_clients_sign_in_page_batch_and_follow_deltas() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let tls_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients-tls");
    let loopback = "127.0.0.1:0".parse().unwrap();
    let options = Options {
        listen: loopback,
        tls_listen: Some(loopback),
        tls_dir: Some(tls_dir.clone()),
    };
    let world = World::of(spec(130), options).await;
    world
        .fault(json!({"on": "deviceManagement", "kind": "throttle", "retryAfter": 1, "times": 1}))
        .await;
    let settings = json!({
        "url": world.simulator.tls_url().unwrap(), "tenant": world.tenant.id, "clientId": CLIENT, "secret": SECRET,
        "redirectUri": CALLBACK, "account": world.tenant.administrators[0],
    });
    let output = tokio::task::spawn_blocking(move || {
        install(&folder);
        Command::new("node")
            .arg("check.mjs")
            .arg(settings.to_string())
            .env("NODE_EXTRA_CA_CERTS", tls_dir.join("ca.pem"))
            .current_dir(folder)
            .output()
            .unwrap_or_else(|error| panic!("node: {error}. {REMEDY}"))
    });
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
