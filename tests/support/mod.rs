//! What the tests stand on.

pub mod house;
pub mod log;
pub mod mirror;
pub mod postgres;
pub mod toys;
pub mod week;
pub mod world;
