//! The checks, the frameworks and which check supports which control.
