//! GraphQL.

pub mod limits;
