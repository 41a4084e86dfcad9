//! Tests of the simulator from outside: over HTTP, as any client would.

mod clients;
mod consent;
mod control;
mod delta;
mod faults;
mod judge;
mod pages;
mod sign_in;
mod support;
