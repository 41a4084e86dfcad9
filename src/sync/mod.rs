//! Bringing one company up to date: stage, plan, guard, apply.
//!
//! [`Engine`] performs a run that a worker has claimed. The run reads one kind of record after the other ([`stage`]),
//! and what was read whole is planned, guarded and applied ([`apply`], [`guard`]) in one transaction of its own, with
//! the link that the next read starts from. A kind that fails leaves its records as they were.
//!
//! The danger here is to act on half of what Microsoft has: pages are taken from Graph into staging rows, and nothing
//! is compared before the last one has come.

mod apply;
mod checkpoint;
mod devices;
mod groups;
mod guard;
mod people;
mod reading;
mod run;
mod stage;
mod tenant_check;

pub use run::Engine;
