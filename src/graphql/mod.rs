//! The GraphQL schema: types, roots, and what they answer when something goes wrong.
//!
//! A type is a newtype over its row among siblings; a resolver names the rows that it needs and leaves reading to the
//! nouns' own queries. The danger here is a resolver that forgets who asks: every query takes the viewer's scope, and
//! every mutation asks the policy first. A connection to the database is taken late and dropped before the next await.

// what everything stands on
pub mod connection;
pub mod error;
pub mod id;
pub mod input;
pub mod limits;
mod siblings;

// one file a noun
mod alarm;
mod asset;
mod attention;
mod audit_event;
mod company;
mod consent;
mod contact;
mod contact_group;
mod evidence;
mod node;
mod portal_access_group;
mod service_token;
mod session;
mod sync_change;
mod sync_guard;
mod sync_rules;
mod sync_run;
mod sync_schedule;
mod tenant;
mod viewer;

// the roots
mod mutation;
mod query;
mod subscription;

use async_graphql::{Context, SDLExportOptions, Schema, SchemaBuilder};
use chrono::{DateTime, Utc};
use url::Url;
use uuid::Uuid;

use crate::auth::return_to::Allowed;
use crate::auth::{Action, Resource, Viewer, allow, may};
use crate::db::events::Events;
use crate::db::{Loan, Pool};
use crate::evidence::desks::Desks;
use crate::jobs::Doorbell;
use crate::model::Scope;
use error::{Answer, Fault};

/// The schema of Tenantry.
pub type TenantrySchema = Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// Where browsers find this server; links are made from it.
#[derive(Clone, Debug)]
pub struct PublicUrl(pub Url);

/// The schema, ready to execute. Each request carries the [`Viewer`] and, for the log, an [`error::RequestId`].
pub fn schema(
    pool: Pool,
    events: Events,
    doorbell: Doorbell,
    public_url: PublicUrl,
    allowed: Allowed,
) -> TenantrySchema {
    builder()
        .data(pool)
        .data(events)
        .data(doorbell)
        .data(public_url)
        .data(allowed)
        .data(Desks::default())
        .finish()
}

/// The schema in its own language, as `schema.graphql` has it.
pub fn sdl() -> String {
    builder().finish().sdl_with_options(
        SDLExportOptions::new()
            .sorted_fields()
            .sorted_arguments()
            .sorted_enum_items()
            .prefer_single_line_descriptions()
            .include_specified_by()
            .use_space_ident(),
    )
}

fn builder() -> SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query, mutation::Mutation::default(), subscription::Subscription)
        .disable_suggestions()
        .override_output_type_description::<DateTime<Utc>>(
            "A point in time, in RFC 3339, such as `2026-11-23T04:00:00+00:00`.",
        )
        .override_output_type_description::<Uuid>(
            "An id of Microsoft's or of a request, such as `7a1e5d0c-0000-4000-8000-00000000c11e`.",
        )
        .extension(limits::Limits)
        .extension(error::Errors)
}

/// The present. The one clock of this floor.
#[expect(
    clippy::disallowed_methods,
    reason = "a request begins now; everything below is given the time"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Who asks.
///
/// # Errors
/// `UNAUTHENTICATED` when nobody does.
fn viewer<'a>(ctx: &Context<'a>) -> Answer<&'a Viewer> {
    ctx.data_opt().ok_or_else(Fault::unauthenticated)
}

/// The companies that the viewer may see.
///
/// # Errors
/// `UNAUTHENTICATED` when nobody asks.
fn scope(ctx: &Context<'_>) -> Answer<Scope> {
    Ok(viewer(ctx)?.scope())
}

/// The viewer, if they may do this to anything at all; to what, their scope and [`allow`](crate::auth::allow) decide.
///
/// # Errors
/// `FORBIDDEN` when they may not, the same for every id.
fn permit<'a>(ctx: &Context<'a>, action: Action) -> Answer<&'a Viewer> {
    let viewer = viewer(ctx)?;
    if may(viewer, action) {
        Ok(viewer)
    } else {
        Err(Fault::forbidden())
    }
}

/// The viewer, if they may do this to what is the MSP's own.
///
/// # Errors
/// `FORBIDDEN` when they may not.
fn permit_to_all<'a>(ctx: &Context<'a>, action: Action) -> Answer<&'a Viewer> {
    let viewer = viewer(ctx)?;
    if allow(viewer, action, Resource::Msp) {
        Ok(viewer)
    } else {
        Err(Fault::forbidden())
    }
}

/// Something that the schema, or the request, was given.
///
/// # Errors
/// When it was not.
fn given<'a, T: Send + Sync + 'static>(ctx: &Context<'a>) -> anyhow::Result<&'a T> {
    ctx.data_opt()
        .ok_or_else(|| anyhow::anyhow!("the schema was built without {}", std::any::type_name::<T>()))
}

/// A connection that sees everything, for what a mutation writes; drop it before the next await of anything else. What is
/// shown to somebody is read with [`Pool::read`].
///
/// # Errors
/// When the database cannot be reached.
async fn loan(ctx: &Context<'_>) -> anyhow::Result<Loan> {
    given::<Pool>(ctx)?.get().await
}
