//! Evidence: what is true of a tenant on a day, who says so, and how they know.
//!
//! A run ([`Engine`]) reads the tenant into a [`snapshot`] ([`collect`]); the [`judge`] holds the checks of the
//! [`catalogue`] against it, and what was read and said is kept ([`keep`]), to be asked for and taken away ([`export`]).
//!
//! The danger here is a verdict on what nobody looked at. What was not read to its last page cannot be handed to a
//! check at all: [`snapshot::Complete`] is the only way to objects, and only a whole reading makes one.

pub mod catalogue;
pub mod collect;
pub mod desks;
mod ending;
pub mod export;
pub mod judge;
pub mod keep;
mod run;
pub mod snapshot;

pub use run::Engine;
