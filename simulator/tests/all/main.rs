//! Tests of the simulator from outside: over HTTP, as any client would.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod clients;
mod consent;
mod control;
mod delta;
mod evidence;
mod faults;
mod judge;
mod pages;
mod sign_in;
mod staff;
mod support;
mod tokens;
