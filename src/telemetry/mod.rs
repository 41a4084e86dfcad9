//! How Tenantry is seen from outside while it runs: figures, whether it can serve, and traces.
//!
//! The danger: what is shown here is shown to machines and people who may see no client. No figure, span or line carries a
//! name or an address; labels are words of ours, and few. A company is named in the log alone, by its id, where a run of it
//! begins or ends: whoever looks for one run has to find it. A collector of traces gets the log's lines as well, as events
//! of their spans.

mod facts;
pub mod health;
pub mod metrics;
mod process;
pub mod traces;

pub use facts::Facts;
pub use traces::TraceParent;
