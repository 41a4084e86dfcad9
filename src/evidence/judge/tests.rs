//! The judge, held against a company in good order and small changes to it.

mod captures;
mod changes;
mod devices;
mod errors;
mod fixture;
mod lighter;
mod people;
mod policies;
mod readings;
mod tables;
