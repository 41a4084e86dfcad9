//! What runs when, and who runs it; and what happens when the one who runs it dies.

mod clock;
mod deactivated;
pub mod house;
mod lease;
mod outage;
mod past;
mod places;
mod schedule;
mod share;
mod sweep;
mod week;
mod worker;
