//! GraphQL on a real database, below the doors: what is asked, what is answered, and with how many statements.

mod ahead;
mod alarms;
mod mutations;
mod nodes;
mod pages;
mod running;
mod runs;
mod scopes;
mod statements;
mod walk;
mod watching;
mod world;
