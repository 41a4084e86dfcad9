//! The tests of the product as its users meet it, in one binary: each further binary would link the world again.

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod chaos;
mod database;
mod demo;
mod doors_conformance;
mod doors_connect;
mod doors_http;
mod doors_limits;
mod doors_pages;
mod doors_patience;
mod doors_sign_in;
mod doors_socket;
mod doors_web;
mod events;
mod evidence;
mod faults;
mod graphql;
mod guard;
mod histories;
mod jobs;
mod matrix;
mod microsoft;
mod poolers;
mod races;
mod restoring;
mod schema;
mod seen;
mod settings;
mod sync;
