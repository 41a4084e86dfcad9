//! Who is asking, what they may do, and how they prove it.

pub mod policy;
pub mod return_to;
pub mod session;
pub mod sign_in;
pub mod viewer;

pub use policy::{Action, Resource, allow, may};
pub use viewer::Viewer;
