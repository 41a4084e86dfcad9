//! The database: for now, the private one.

pub mod embedded;
