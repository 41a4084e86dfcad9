//! Tenantry keeps a managed service provider's Microsoft 365 tenants in its PSA.
//!
//! The house has floors, and a file names only floors below its own. From the ground up:

// 0: settings, kinds of error, the database, the nouns, how it is seen from outside
pub mod config;
pub mod db;
pub mod error;
pub mod model;
pub mod telemetry;

// 1: who is asking; Microsoft
pub mod auth;
pub mod microsoft;

// 2: bringing a company up to date; what was true of its tenant, and how we know; what runs of both have in common
pub mod evidence;
pub mod run;
pub mod sync;

// 3: what runs when, and who runs it
pub mod jobs;

// 4: the built parts
pub mod app;

// 5: the schema
pub mod graphql;

// 6: the doors
pub mod http;
