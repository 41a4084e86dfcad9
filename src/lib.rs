//! Tenantry.

pub mod db;
