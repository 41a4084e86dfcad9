//! GraphQL on a real database, below the doors: what is asked, what is answered, and with how many statements.

mod mutations;
mod nodes;
mod pages;
mod scopes;
mod statements;
mod watching;
mod world;
