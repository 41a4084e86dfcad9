//! The control interface under `/_control`: change the directory, read its true state, order trouble.
//!
//! One table holds every operation; the routes and the description of them are both made from it,
//! so that neither can have what the other lacks.

mod describe;
mod directory;
mod posture;
mod refusal;
mod tenants;
mod trouble;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use crate::world::World;

/// One operation, as it is routed and as it is described.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// The name of the schema of the request body.
    takes: Option<&'static str>,
    status: u16,
    handler: MethodRouter<Arc<World>>,
}

macro_rules! operations {
    ($($method:ident $path:literal $status:literal $handler:path, $takes:expr, $summary:literal;)*) => {
        vec![$(Operation { method: stringify!($method), path: concat!("/_control", $path), summary: $summary, takes: $takes, status: $status, handler: $method($handler) }),*]
    };
}

fn operations() -> Vec<Operation> {
    operations! {
        get "/openapi.json" 200 describe::openapi, None, "This description";
        get "/applications" 200 tenants::applications, None, "Every application registration";
        post "/applications" 201 tenants::add_application, Some("Application"), "Register an application, or replace it";
        get "/tenants" 200 tenants::list, None, "Every tenant";
        post "/tenants" 201 tenants::add, Some("Tenant"), "Add a tenant, seeded or captured";
        get "/tenants/{tid}" 200 tenants::show, None, "One tenant";
        patch "/tenants/{tid}" 200 tenants::change, Some("TenantChange"), "Set the consent delay, Intune and premium";
        delete "/tenants/{tid}" 204 tenants::remove, None, "Remove a tenant";
        get "/tenants/{tid}/consents/{client}" 200 tenants::consent, None, "What an application may do in a tenant";
        put "/tenants/{tid}/consents/{client}" 200 tenants::give_consent, Some("Consent"), "Consent, to all the application asks for or to less";
        delete "/tenants/{tid}/consents/{client}" 204 tenants::revoke_consent, None, "Revoke the consent";
        get "/tenants/{tid}/people" 200 directory::people, None, "Every live person, with all that was ever set";
        post "/tenants/{tid}/people" 201 directory::hire, Some("Person"), "Hire: given properties, the rest made up";
        get "/tenants/{tid}/people/{id}" 200 directory::person, None, "One person";
        patch "/tenants/{tid}/people/{id}" 200 directory::change_person, Some("Person"), "Rename, move, disable, clear with null";
        delete "/tenants/{tid}/people/{id}" 204 directory::remove_person, None, "Leave (restorable); with ?permanent=true for good";
        post "/tenants/{tid}/people/{id}/restore" 200 directory::restore_person, None, "Come back";
        put "/tenants/{tid}/people/{oid}/app-roles" 200 tenants::assign_app_roles, Some("AppRoles"), "Assign app roles to a person, instead of those so far";
        get "/tenants/{tid}/groups" 200 directory::groups, None, "Every live group, with its direct members";
        post "/tenants/{tid}/groups" 201 directory::add_group, Some("Group"), "Make a group";
        get "/tenants/{tid}/groups/{id}" 200 directory::group, None, "One group";
        patch "/tenants/{tid}/groups/{id}" 200 directory::change_group, Some("Group"), "Change a group";
        delete "/tenants/{tid}/groups/{id}" 204 directory::remove_group, None, "Delete a group; with ?permanent=true for good";
        post "/tenants/{tid}/groups/{id}/restore" 200 directory::restore_group, None, "Restore a Microsoft 365 group";
        put "/tenants/{tid}/groups/{id}/members/{member}" 204 directory::join, None, "Put a person or a group into a group";
        delete "/tenants/{tid}/groups/{id}/members/{member}" 204 directory::leave, None, "Take a member out of a group";
        get "/tenants/{tid}/devices" 200 directory::devices, None, "Every Intune device";
        post "/tenants/{tid}/devices" 201 directory::enrol, Some("Device"), "Enrol a device";
        get "/tenants/{tid}/devices/{id}" 200 directory::device, None, "One device";
        patch "/tenants/{tid}/devices/{id}" 200 directory::change_device, Some("Device"), "Change a device";
        delete "/tenants/{tid}/devices/{id}" 204 directory::wipe, None, "Wipe or retire a device";
        post "/tenants/{tid}/devices/{id}/reenrol" 201 directory::reenrol, None, "The same physical device under a new Intune id";
        get "/tenants/{tid}/policies" 200 posture::policies, None, "Every conditional access policy";
        post "/tenants/{tid}/policies" 201 posture::add_policy, Some("Policy"), "Add a conditional access policy";
        get "/tenants/{tid}/policies/{id}" 200 posture::policy, None, "One conditional access policy";
        put "/tenants/{tid}/policies/{id}" 200 posture::put_policy, Some("Policy"), "Put a conditional access policy there, new or in place of the old";
        delete "/tenants/{tid}/policies/{id}" 204 posture::delete_policy, None, "Delete a conditional access policy";
        get "/tenants/{tid}/settings/{name}" 200 posture::setting, None, "A setting that the tenant has one of";
        patch "/tenants/{tid}/settings/{name}" 200 posture::change_setting, Some("Setting"), "Change such a setting";
        get "/tenants/{tid}/registrations/{id}" 200 posture::registration, None, "What a person registered";
        patch "/tenants/{tid}/registrations/{id}" 200 posture::register, Some("Registration"), "Set what a person registered";
        get "/tenants/{tid}/roles" 200 posture::roles, None, "Who holds which directory role";
        post "/tenants/{tid}/roles" 201 posture::give_role, Some("Role"), "Give a person or a role-assignable group a directory role";
        delete "/tenants/{tid}/roles/{role}" 204 posture::take_role, None, "Take a directory role away, by the id of the assignment";
        post "/tenants/{tid}/shuffle" 200 directory::shuffle, Some("Shuffle"), "Make so many random changes of all sorts";
        get "/tenants/{tid}/faults" 200 trouble::list, None, "The faults and how often each has acted";
        post "/tenants/{tid}/faults" 201 trouble::add, Some("Fault"), "Order trouble";
        delete "/tenants/{tid}/faults" 204 trouble::remove_all, None, "Remove all faults";
        get "/tenants/{tid}/faults/{id}" 200 trouble::show, None, "One fault; with ?hits=n, once it has acted so often";
        delete "/tenants/{tid}/faults/{id}" 204 trouble::remove, None, "Remove a fault; whoever it held goes on";
        post "/tenants/{tid}/deltas/expire" 204 trouble::expire_deltas, None, "Every delta link so far answers 410";
        get "/requests" 200 trouble::requests, None, "What was asked, in order; ?tenant= narrows";
        delete "/requests" 204 trouble::forget_requests, None, "Forget what was asked";
        post "/keys/rotate" 200 trouble::rotate_keys, None, "Sign tokens with a new key from now on";
        post "/tokens/expire" 204 trouble::expire_tokens, None, "Access tokens issued so far are refused from now on";
    }
}

pub fn router() -> Router<Arc<World>> {
    operations().into_iter().fold(Router::new(), |router, operation| {
        router.route(operation.path, operation.handler)
    })
}
