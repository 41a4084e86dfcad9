//! Entra ID: discovery, keys, sign-in, admin consent, tokens and sign-out.
//!
//! The paths are Microsoft's. `{tenant}` is a tenant's GUID or domain, or one of the words
//! `organizations` and `common`, which stand for whatever tenant the person belongs to.

pub mod app_roles;
mod assertion;
mod authorize;
mod claims;
mod consent;
mod discovery;
pub mod error;
mod html;
pub mod keys;
mod logout;
pub mod session;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::world::{Tenant, World};

pub fn routes() -> Router<Arc<World>> {
    Router::new()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route("/common/discovery/instance", get(discovery::instance))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize::show).post(authorize::choose),
        )
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route(
            "/{tenant}/oauth2/v2.0/logout",
            get(logout::logout).post(logout::logout_form),
        )
        .route("/{tenant}/v2.0/adminconsent", get(consent::show).post(consent::decide))
        .route("/{tenant}/adminconsent", get(consent::show_v1).post(consent::decide_v1))
}

/// What `{tenant}` in a path stands for.
pub enum Authority {
    /// One tenant.
    One(Arc<Tenant>),
    /// `organizations` or `common`: any.
    Any,
}

impl Authority {
    /// `None`: there is no such tenant.
    pub fn find(world: &World, name: &str) -> Option<Self> {
        match name {
            "organizations" | "common" => Some(Self::Any),
            name => world.tenant_named(name).map(Self::One),
        }
    }
}
