//! That nothing secret or personal is in a log line or an error, whatever goes wrong.

use serde_json::json;
use tenantry::microsoft::{DeltaFrom, DeltaLink};

use super::fake::{Fake, entra_error, graph_error, ok};
use super::{ADELE, TENANT, microsoft};
use crate::support::log::Log;

#[tokio::test]
async fn log_lines_name_the_collection_and_the_request_and_no_secret() {
    let log = Log::begin("trace");
    let fake = Fake::start(|asked| match asked.path() {
        "/v1.0/users" => Some(ok(json!({"value": [{"id": ADELE, "mail": "CANARY@contoso.example"}]}))),
        "/v1.0/users/delta" => {
            let link = format!(
                "http://{}/v1.0/users/delta?$deltatoken=CANARY-link",
                asked.headers["host"]
            );
            Some(ok(json!({"value": [], "@odata.deltaLink": link})))
        }
        "/v1.0/subscribedSkus" => Some(graph_error(400, "BadRequest", "CANARY")),
        "/v1.0/organization" => Some(ok(json!({"value": [{"id": "CANARY"}]}))),
        path if path.contains("11111111") => Some(entra_error(401, "invalid_client", 7_000_215)),
        _ => None,
    })
    .await;
    let microsoft = microsoft(&fake);
    let graph = microsoft.graph(TENANT);
    let mut errors = String::new();
    graph.users().next().await.unwrap();
    let round = graph.users_delta(DeltaFrom::Now).next().await.unwrap().unwrap();
    graph
        .users_delta(DeltaFrom::Link(round.delta_link.unwrap()))
        .next()
        .await
        .unwrap();
    let hostile = DeltaLink::stored("CANARY://CANARY".into());
    for trouble in [
        graph.users_delta(DeltaFrom::Link(hostile)).next().await.err().unwrap(),
        graph.subscribed_skus().await.unwrap_err(),
        graph.organization().await.unwrap_err(),
        microsoft
            .graph("11111111-1111-1111-1111-111111111111".parse().unwrap())
            .users()
            .next()
            .await
            .err()
            .unwrap(),
    ] {
        errors += &format!("{trouble} {trouble:?} {} {}\n", trouble.message(), trouble.remedy());
    }

    let logged = log.text();
    assert!(
        logged.contains("users/delta") && logged.contains("client_request_id"),
        "{logged}"
    );
    assert!(!logged.contains("CANARY"), "{logged}");
    assert!(!errors.contains("CANARY"), "{errors}");
}
