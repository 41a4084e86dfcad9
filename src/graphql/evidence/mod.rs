//! Evidence: what was true of a tenant on a day, since when, what changed, who exactly, and how we know.
//!
//! An instant is brought to a run first, and everything under it is of that run. The danger is an answer that looks
//! newer than it is: its age is told, and what could not be looked at says so.

pub mod catalogue;
mod chain;
mod changes;
mod company;
mod coverage;
pub mod declaration;
mod finding;
mod fleet;
mod object;
mod period;
pub mod result;
mod run;
mod state;
pub mod words;

pub use company::CompanyEvidence;
pub use fleet::FleetEvidence;

use async_graphql::Context;
use uuid::Uuid;

use super::connection::{Connection, Listed, Paging};
use super::error::{Answer, Fault};
use super::siblings::Siblings;
use crate::evidence::keep::RunRow;
use crate::evidence::snapshot::Resource;
use crate::model::page::{Listing, Owner};

/// A run of a company, by its number.
#[derive(Clone, Copy)]
struct Place {
    company_id: Uuid,
    seq: i64,
}

impl Place {
    fn of(run: &RunRow) -> Self {
        Self {
            company_id: run.company_id,
            seq: run.seq,
        }
    }

    async fn list<N: Listed>(self, ctx: &Context<'_>, listing: Listing, paging: Paging) -> Answer<Connection<N>> {
        list(ctx, self.company_id, listing, paging).await
    }
}

/// A page of a list of one company.
async fn list<N: Listed>(
    ctx: &Context<'_>,
    company_id: Uuid,
    listing: Listing,
    paging: Paging,
) -> Answer<Connection<N>> {
    let owner = Owner::company(company_id);
    Connection::of_owner(ctx, &Siblings::new(vec![owner]), owner, listing, paging).await
}

fn resource(word: &str) -> Answer<Resource> {
    let known = Resource::ALL.iter().find(|resource| resource.as_str() == word);
    known.copied().ok_or_else(|| {
        Fault::bad_input(
            "resource",
            "There is no such resource. The readings of a run name those there are.",
        )
    })
}
