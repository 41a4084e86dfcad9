//! Tenantry keeps the Microsoft 365 tenants of a managed service provider's clients in its PSA.
//!
//! The danger of this file is that it grows: it is a table of contents.

pub mod auth;
pub mod microsoft;
