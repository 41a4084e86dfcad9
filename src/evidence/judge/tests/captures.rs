//! What was captured from tenants that are there.
