//! What an id token says of a person: who they are, and what their tenant lets them be.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::app_roles;
use super::error::Aadsts;
use super::session::Grant;
use super::token::LIFE;
use crate::application::ApplicationSpec;
use crate::directory::{Directory, Kind, Object};
use crate::server::Origin;
use crate::world::{Tenant, read};

/// More groups than this do not fit into a JWT: <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim>.
const MOST_GROUPS: usize = 200;
/// Roles of those who have no other, which `wids` names too.
const MEMBER_USER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
const GUEST_USER: &str = "10dae51f-b6af-4016-8d66-8c2a99b929b3";

/// Somebody who may sign in. Refused: who is not, or no longer, there (AADSTS50034), and whose
/// account is disabled (AADSTS50057).
pub fn person(directory: &Directory, oid: Uuid) -> Result<Object, Aadsts> {
    let index = directory
        .find_live(Kind::Person, oid)
        .ok_or_else(Aadsts::no_such_account)?;
    let person = directory.object(Kind::Person, index);
    if person.get("accountEnabled") == Some(&Value::Bool(false)) {
        return Err(Aadsts::new(50057, "The user account is disabled."));
    }
    Ok(person)
}

/// The claims of an id token.
pub fn id_token(
    tenant: &Tenant,
    application: &ApplicationSpec,
    grant: &Grant,
    origin: &Origin,
) -> Result<Value, Aadsts> {
    let person = person(&read(&tenant.directory), grant.oid)?;
    let text = |name: &str| person.get(name).cloned().unwrap_or_default();
    let now = jsonwebtoken::get_current_timestamp();
    let pairwise = Uuid::new_v5(&grant.oid, application.client_id.as_bytes());
    let guest = person.get("userType").is_some_and(|kind| kind == "Guest");
    let mut claims = json!({
        "aud": application.client_id,
        "iss": format!("{}/{}/v2.0", origin.0, tenant.id),
        "iat": now, "nbf": now, "exp": now + LIFE,
        "name": text("displayName"),
        "oid": grant.oid,
        "preferred_username": text("userPrincipalName"),
        "sub": URL_SAFE_NO_PAD.encode(pairwise.as_bytes()),
        "tid": tenant.id,
        "uti": Uuid::new_v4().simple().to_string(),
        "ver": "2.0",
        "acct": i32::from(guest),
        "sid": grant.sid,
        "login_hint": URL_SAFE_NO_PAD.encode(format!("O.{}", grant.oid)),
    });
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    if application.emit_wids {
        // Everybody but guests carries the role of an ordinary user.
        let ordinary = if guest { GUEST_USER } else { MEMBER_USER };
        let roles = tenant.roles_of(grant.oid).into_iter().map(|role| role.to_string());
        claims["wids"] = json!(roles.chain([ordinary.to_owned()]).collect::<Vec<String>>());
    }
    let roles = app_roles::assigned(tenant, grant.oid, &application.client_id);
    if !roles.is_empty() {
        claims["roles"] = json!(roles);
    }
    if application.emit_groups {
        say_groups(tenant, grant.oid, &mut claims);
    }
    if guest {
        claims["idp"] = json!("https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/");
    }
    Ok(claims)
}

/// The security groups of a person, nested ones too; of too many only where to ask for them.
fn say_groups(tenant: &Tenant, oid: Uuid, claims: &mut Value) {
    let directory = read(&tenant.directory);
    let groups: Vec<Uuid> = directory
        .groups_of(oid)
        .into_iter()
        .filter(|group| directory.object(Kind::Group, *group).get("securityEnabled") == Some(&Value::Bool(true)))
        .map(|group| directory.id(Kind::Group, group))
        .collect();
    match groups.len() {
        0 => {}
        1..=MOST_GROUPS => claims["groups"] = json!(groups),
        _ => {
            // Entra still names the service that Microsoft Graph replaced.
            let endpoint = format!("https://graph.windows.net/{}/users/{oid}/getMemberObjects", tenant.id);
            claims["_claim_names"] = json!({"groups": "src1"});
            claims["_claim_sources"] = json!({"src1": {"endpoint": endpoint}});
        }
    }
}
