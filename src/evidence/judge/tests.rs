//! The judge, held against a company in good order and small changes to it.

mod admission;
mod assigned;
mod captures;
mod changes;
mod devices;
mod errors;
mod fixture;
mod lighter;
mod narrowed;
mod people;
mod policies;
mod readings;
mod tables;
