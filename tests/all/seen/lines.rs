//! What the log says of a run, for whoever looks for one.

use serde_json::json;
use tenantry::model::sync_run::SyncStatus;

use crate::support::log::Log;
use crate::support::world::{CLIENT_ID, World};

#[tokio::test]
async fn the_log_says_how_each_run_began_and_ended_and_of_which_company() {
    let log = Log::begin("tenantry=info");
    let world = World::start().await;
    let contoso = world.connected_company(3, 1).await;
    let company = contoso.company_id;

    let good = world.sync(contoso).await;
    let consent = format!("tenants/{}/consents/{CLIENT_ID}", contoso.tenant_id);
    world.delete(&consent).await;
    world.post("tokens/expire", json!({})).await;
    let bad = world.sync(contoso).await;
    assert_eq!((good.status, bad.status), (SyncStatus::Succeeded, SyncStatus::Failed));

    let text = log.text();
    let of = |run: uuid::Uuid, what: &str| -> String {
        let run = format!("run_id={run}");
        let mut lines = text.lines().filter(|line| line.contains(&run) && line.contains(what));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("{what} of {run} is not in {text}"));
        assert!(line.contains(&format!("company_id={company}")), "{line}");
        line.to_owned()
    };
    of(good.id, "the run begins");
    let ended = of(good.id, "the run left its worker");
    assert!(
        ended.contains("outcome=SUCCEEDED") && ended.contains(&format!("requests={}", good.requests)),
        "{ended}"
    );
    let failed = of(bad.id, "the run left its worker");
    let code = "code=\"CONSENT_MISSING\"";
    assert!(
        failed.contains("WARN") && failed.contains("outcome=FAILED") && failed.contains(code),
        "{failed}"
    );
    assert!(!text.contains("Contoso"), "nobody is named: {text}");
}
