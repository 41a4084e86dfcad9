//! Who is asking, and what they may do.
//!
//! The danger: everything above trusts what this floor says about a person.

pub mod sign_in;
