//! Evidence: how a tenant is read, what is said of it, and what is kept.

mod collect;
mod collect_faults;
mod collect_run;
mod export;
pub mod keep;
pub mod kept;
mod story;
mod throttled;
