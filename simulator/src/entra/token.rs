//! The token endpoint: app-only tokens for Graph, and codes redeemed for id tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawForm, State};
use axum::http::{HeaderMap, HeaderName, Response as HttpResponse, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::authorize::{Fields, field, fields};
use super::error::Aadsts;
use super::session::{Grant, NoGrant};
use super::{Authority, assertion, claims};
use crate::application::ApplicationSpec;
use crate::faults::{Fault, Trouble};
use crate::graph::answer::cut_body;
use crate::server::Origin;
use crate::world::{AccessToken, Asked, Tenant, World, lock, read};

/// Seconds that a token lasts.
pub const LIFE: u64 = 3599;
/// Seconds that a token lasts for a client that declares continuous access evaluation.
const LONG_LIFE: u64 = 86_399;
const GRAPH: &str = "https://graph.microsoft.com";

pub async fn token(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
    origin: Origin,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let fields = fields(&form);
    let tenant = world.tenant_named(&name);
    let met = match &tenant {
        Some(tenant) => {
            let met = tenant.faults.meet("POST", "token");
            tenant.faults.hold(&met, world.stopping.subscribe()).await;
            met
        }
        None => Vec::new(),
    };
    let response = match met.iter().find_map(refused) {
        Some(response) => response,
        None => answer(&world, &name, &origin, &headers, &fields).unwrap_or_else(Aadsts::into_json),
    };
    world.remember(Asked {
        order: 0,
        tenant: tenant.map(|tenant| tenant.id),
        method: "POST".to_owned(),
        path: format!("/{name}/oauth2/v2.0/token"),
        query: String::new(),
        status: response.status().as_u16(),
        client_request_id: headers
            .get("client-request-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned),
    });
    spoiled(response, &met).await
}

/// Trouble that replaces the answer.
fn refused(fault: &Fault) -> Option<Response> {
    let spec = &fault.spec;
    let mut error = match spec.kind {
        Trouble::Throttle => Aadsts::new(
            90055,
            "The server has terminated the request because it has received too many requests. Please wait and retry.",
        ),
        Trouble::Unauthorized => Aadsts::new(7000215, "Invalid client secret provided."),
        Trouble::Status => {
            let number = spec
                .code
                .as_deref()
                .map(|code| code.trim_start_matches("AADSTS"))
                .and_then(|code| code.parse().ok());
            Aadsts::new(number.unwrap_or(50033), "The server did not do what it was asked to.")
        }
        _ => return None,
    };
    if let Some(status) = spec.status {
        error.status = status;
    }
    let mut response = error.into_json();
    if let Some(seconds) = spec.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Some(response)
}

/// Trouble that spoils the answer.
async fn spoiled(response: Response, met: &[Fault]) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("the body is in memory");
    let mut body = Body::from(bytes.clone());
    for fault in met {
        body = match fault.spec.kind {
            Trouble::Cut => cut_body(&bytes),
            Trouble::Truncate => Body::from(bytes.slice(..bytes.len() / 2)),
            Trouble::Malformed => Body::from("{\"access_token\": }"),
            Trouble::Html => {
                parts.headers.insert(
                    header::CONTENT_TYPE,
                    header::HeaderValue::from_static("text/html; charset=utf-8"),
                );
                Body::from("<!DOCTYPE html><html><body>Our services aren't available right now</body></html>")
            }
            _ => continue,
        };
        // The length of what was spoiled is another.
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    HttpResponse::from_parts(parts, body)
}

fn answer(
    world: &World,
    name: &str,
    origin: &Origin,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<Response, Aadsts> {
    let authority = Authority::find(world, name).ok_or_else(|| Aadsts::no_such_tenant(name))?;
    let application = client(world, name, origin, headers, fields)?;
    let body = match field(fields, "grant_type") {
        Some("client_credentials") => client_credentials(world, name, authority, &application, origin, fields)?,
        Some("authorization_code") => authorization_code(world, &authority, &application, origin, fields)?,
        Some(other) => {
            return Err(Aadsts::new(
                70003,
                format!("The app requested an unsupported grant type '{other}'."),
            ));
        }
        None => return Err(Aadsts::missing("grant_type")),
    };
    let plain = [
        (header::CACHE_CONTROL, "no-store, no-cache".to_owned()),
        (header::PRAGMA, "no-cache".to_owned()),
        (HeaderName::from_static("x-ms-request-id"), Uuid::new_v4().to_string()),
        (HeaderName::from_static("x-ms-ests-server"), "2.1.0 - SIM".to_owned()),
    ];
    Ok((plain, Json(body)).into_response())
}

/// The application, proven by secret (posted or Basic) or by certificate.
fn client(
    world: &World,
    name: &str,
    origin: &Origin,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<ApplicationSpec, Aadsts> {
    let basic = basic_credentials(headers);
    let asserted = field(fields, "client_assertion").and_then(assertion::issuer);
    let client_id = field(fields, "client_id")
        .map(str::to_owned)
        .or_else(|| basic.as_ref().map(|(id, _)| id.clone()))
        .or(asserted)
        .ok_or_else(|| Aadsts::missing("client_id"))?;
    let application = world
        .application(&client_id)
        .ok_or_else(|| Aadsts::no_such_application(&client_id, name))?;
    if let Some(assertion) = field(fields, "client_assertion") {
        assertion::check(&application, assertion, name, origin)?;
        return Ok(application);
    }
    let given = field(fields, "client_secret")
        .map(str::to_owned)
        .or(basic.map(|(_, secret)| secret));
    let given = given.ok_or_else(|| {
        Aadsts::new(
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    })?;
    if application.client_secret.as_ref() != Some(&given) {
        return Err(Aadsts::new(
            7000215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
            ),
        ));
    }
    if application.secret_expired {
        return Err(Aadsts::new(
            7000222,
            format!(
                "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
        ));
    }
    Ok(application)
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    // RFC 6749, 2.3.1: both are form-encoded first.
    let plain = |text: &str| {
        url::form_urlencoded::parse(format!("v={}", text.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

fn client_credentials(
    world: &World,
    name: &str,
    authority: Authority,
    application: &ApplicationSpec,
    origin: &Origin,
    fields: &Fields,
) -> Result<Value, Aadsts> {
    let scope = field(fields, "scope").ok_or_else(|| Aadsts::missing("scope"))?;
    let resource = scope.strip_suffix("/.default").ok_or_else(|| {
        Aadsts::new(
            70011,
            format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."),
        )
    })?;
    if resource != GRAPH && resource != origin.0 {
        return Err(Aadsts::new(
            500011,
            format!("The resource principal named {resource} was not found in the tenant named {name}."),
        ));
    }
    let tenant = match authority {
        Authority::One(tenant) => tenant,
        Authority::Any if name == "organizations" => world
            .tenant(application.home_tenant)
            .ok_or_else(|| Aadsts::no_such_tenant(name))?,
        Authority::Any => {
            return Err(Aadsts::new(
                9001023,
                "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
            ));
        }
    };
    let roles = match lock(&tenant.consents).get(&application.client_id) {
        Some(consent) => consent.permissions.clone(),
        None if tenant.id == application.home_tenant => Vec::new(),
        None => {
            return Err(Aadsts::no_such_application(
                &application.client_id,
                &tenant.display_name,
            ));
        }
    };
    let life = if field(fields, "claims").is_some_and(|claims| claims.contains("cp1")) {
        LONG_LIFE
    } else {
        LIFE
    };
    let access_token = app_token(world, &tenant, application, roles, life)?;
    Ok(json!({"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": access_token}))
}

/// An app-only token for Graph. Clients are to treat it as opaque; its claims are those of the real one.
fn app_token(
    world: &World,
    tenant: &Tenant,
    application: &ApplicationSpec,
    roles: Vec<String>,
    life: u64,
) -> Result<String, Aadsts> {
    let now = jsonwebtoken::get_current_timestamp();
    let principal = Uuid::new_v5(&tenant.id, application.client_id.as_bytes());
    let claims = json!({
        "aud": GRAPH, "iss": format!("https://sts.windows.net/{}/", tenant.id), "iat": now, "nbf": now, "exp": now + life,
        "app_displayname": application.display_name, "appid": application.client_id, "appidacr": "1", "idtyp": "app",
        "oid": principal, "sub": principal, "tid": tenant.id, "roles": roles, "uti": Uuid::new_v4().simple().to_string(), "ver": "1.0",
    });
    let signed = sign(world, &claims)?;
    let mut tokens = lock(&world.tokens);
    tokens.retain(|_, token| token.expires > Instant::now());
    let token = AccessToken {
        tenant: tenant.id,
        client_id: application.client_id.clone(),
        roles,
        expires: Instant::now() + Duration::from_secs(life),
    };
    tokens.insert(signed.clone(), token);
    Ok(signed)
}

fn sign(world: &World, claims: &Value) -> Result<String, Aadsts> {
    read(&world.keys)
        .sign(claims)
        .map_err(|_| Aadsts::new(50033, "A transient error has occurred. Please try again."))
}

fn authorization_code(
    world: &World,
    authority: &Authority,
    application: &ApplicationSpec,
    origin: &Origin,
    fields: &Fields,
) -> Result<Value, Aadsts> {
    let code = field(fields, "code").ok_or_else(|| Aadsts::missing("code"))?;
    let grant = lock(&world.sessions).redeem(code).map_err(|why| match why {
        NoGrant::Used => Aadsts::new(54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."),
        NoGrant::Expired => Aadsts::new(70008, "The provided authorization code or refresh token has expired due to inactivity."),
        NoGrant::Unknown => Aadsts::new(70000, "The provided value for the input parameter 'code' is not valid."),
    })?;
    if grant.client_id != application.client_id {
        return Err(Aadsts::new(70000, "Provided grant is invalid or malformed."));
    }
    if field(fields, "redirect_uri") != Some(&grant.redirect_uri) {
        return Err(Aadsts::new(
            70000,
            "The reply address does not match the one that the code was requested for.",
        ));
    }
    check_verifier(&grant, field(fields, "code_verifier"))?;
    if let Authority::One(tenant) = authority
        && tenant.id != grant.tenant
    {
        return Err(Aadsts::new(70000, "The provided grant was issued for another tenant."));
    }
    let tenant = world
        .tenant(grant.tenant)
        .ok_or_else(|| Aadsts::no_such_tenant(&grant.tenant.to_string()))?;
    let id_token = sign(world, &claims::id_token(&tenant, application, &grant, origin)?)?;
    let now = jsonwebtoken::get_current_timestamp();
    let delegated = json!({"aud": GRAPH, "iss": format!("https://sts.windows.net/{}/", tenant.id), "iat": now, "nbf": now, "exp": now + LIFE, "appid": application.client_id, "oid": grant.oid, "tid": tenant.id, "scp": "openid profile", "ver": "1.0"});
    let mut body = json!({
        "token_type": "Bearer", "scope": grant.scope, "expires_in": LIFE, "ext_expires_in": LIFE,
        "access_token": sign(world, &delegated)?, "id_token": id_token,
    });
    if field(fields, "client_info") == Some("1") {
        let info = json!({"uid": grant.oid, "utid": tenant.id}).to_string();
        body["client_info"] = json!(URL_SAFE_NO_PAD.encode(info));
    }
    Ok(body)
}

/// PKCE, RFC 7636 section 4.6.
fn check_verifier(grant: &Grant, verifier: Option<&str>) -> Result<(), Aadsts> {
    let matches = match (&grant.challenge, verifier) {
        (None, None) => true,
        (Some((challenge, method)), Some(verifier)) if method == "S256" => {
            *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
        }
        (Some((challenge, _)), Some(verifier)) => challenge == verifier,
        _ => false,
    };
    if matches {
        Ok(())
    } else {
        Err(Aadsts::new(
            501481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ))
    }
}
