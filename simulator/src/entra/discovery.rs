//! Discovery documents and key sets, per tenant and independent of one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Authority;
use super::error::Aadsts;
use crate::server::Origin;
use crate::world::{World, read};

/// The issuer of a tenant's tokens; for `organizations` and `common`, the literal template.
pub fn issuer(origin: &Origin, authority: &Authority) -> String {
    match authority {
        Authority::One(tenant) => format!("{}/{}/v2.0", origin.0, tenant.id),
        Authority::Any => format!("{}/{{tenantid}}/v2.0", origin.0),
    }
}

fn unknown(name: &str) -> Response {
    // Discovery words it differently from the token endpoint.
    Aadsts {
        error: "invalid_tenant",
        ..Aadsts::no_such_tenant(name)
    }
    .into_json()
}

pub async fn configuration(State(world): State<Arc<World>>, Path(name): Path<String>, origin: Origin) -> Response {
    let Some(authority) = Authority::find(&world, &name) else {
        return unknown(&name);
    };
    let segment = match &authority {
        Authority::One(tenant) => tenant.id.to_string(),
        Authority::Any => name,
    };
    let base = format!("{}/{segment}", origin.0);
    let document = json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(&origin, &authority),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{}/oidc/userinfo", origin.0),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"],
        "kerberos_endpoint": format!("{base}/kerberos"),
        "tenant_region_scope": if matches!(authority, Authority::One(_)) { json!("WW") } else { json!(null) },
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    });
    ([(CACHE_CONTROL, "max-age=86400, private")], Json(document)).into_response()
}

pub async fn keys(State(world): State<Arc<World>>, Path(name): Path<String>, origin: Origin) -> Response {
    if Authority::find(&world, &name).is_none() {
        return unknown(&name);
    }
    let published = read(&world.keys).published(&issuer(&origin, &Authority::Any));
    ([(CACHE_CONTROL, "max-age=86400, private")], Json(published)).into_response()
}

#[derive(Deserialize)]
pub struct InstanceQuery {
    authorization_endpoint: Option<String>,
}

/// Which hosts are one cloud. Here there is one host.
pub async fn instance(Query(query): Query<InstanceQuery>, headers: HeaderMap, origin: Origin) -> Response {
    let host = headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let asked = query.authorization_endpoint.unwrap_or_default();
    let tenant = url::Url::parse(&asked)
        .ok()
        .and_then(|url| url.path_segments()?.next().map(str::to_owned))
        .unwrap_or_else(|| "common".to_owned());
    Json(json!({
        "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", origin.0),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }))
    .into_response()
}
