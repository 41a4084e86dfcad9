//! Evidence: what was true of a tenant, who says so, and how they know.

mod keep;
