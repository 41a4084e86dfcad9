//! What the tests stand on.

pub mod aloud;
pub mod backup;
pub mod cluster;
pub mod house;
pub mod log;
pub mod mirror;
pub mod node;
pub mod postgres;
pub mod skip;
pub mod toys;
pub mod verdict;
pub mod week;
pub mod world;
