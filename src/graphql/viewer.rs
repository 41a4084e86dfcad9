//! Who is asking, as they see themselves: what they may do decides what a page offers.

use async_graphql::{Context, Enum, ID, Object};

use super::company::Company;
use super::connection::{Connection, Paging};
use super::contact::Contact;
use super::error::Answer;
use super::id::IdOf;
use super::query::find_company;
use super::session::{self, Session};
use super::siblings::Kin;
use super::{given, scope};
use crate::auth::viewer::Role;
use crate::auth::{self, Action, Resource, allow, may};
use crate::db::Pool;
use crate::model::page::Direction;
use crate::model::{company, contact};

/// Who is asking.
pub struct Viewer(pub auth::Viewer);

/// What sort of viewer it is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ViewerKind {
    /// A person of the MSP, signed in.
    Staff,
    /// A contact of a client, signed in.
    PortalUser,
    /// A program with a service token.
    Service,
}

/// Who is asking, and what they may do.
#[Object]
impl Viewer {
    /// The name of the person or of the service token.
    async fn name(&self) -> &str {
        self.0.name()
    }

    /// What sort of viewer it is.
    async fn kind(&self) -> ViewerKind {
        match self.0 {
            auth::Viewer::Staff(_) => ViewerKind::Staff,
            auth::Viewer::PortalUser(_) => ViewerKind::PortalUser,
            auth::Viewer::Service(_) => ViewerKind::Service,
        }
    }

    /// What they are, which decides what they may do.
    async fn role(&self) -> Role {
        self.0.role()
    }

    /// What they may do to anything at all; with a company, what they may do to that company.
    async fn actions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of a company; nothing may be done to one that is unknown or hidden.")]
        company_id: Option<ID>,
    ) -> Answer<Vec<Action>> {
        let all = Action::ALL.iter().copied();
        let Some(id) = company_id else {
            return Ok(all.filter(|action| may(&self.0, *action)).collect());
        };
        let company = match IdOf::Company.read(&id) {
            Some(id) => find_company(ctx, &scope(ctx)?, id).await?,
            None => None,
        };
        let Some(company) = company else { return Ok(Vec::new()) };
        let resource = Resource::Company(company.id);
        Ok(all.filter(|action| allow(&self.0, *action, resource)).collect())
    }

    /// The companies that they see, by name from A to Z.
    async fn companies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<Company>> {
        let listing = company::list(
            &scope(ctx)?,
            company::Filter::default(),
            company::OrderField::Name.order(Direction::Asc),
        );
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Connection::of_nobody(ctx, listing, paging).await
    }

    /// Their own record, when they are a portal user.
    async fn contact(&self, ctx: &Context<'_>) -> Answer<Option<Contact>> {
        let auth::Viewer::PortalUser(user) = &self.0 else {
            return Ok(None);
        };
        let (scope, id) = (scope(ctx)?, user.entry.contact_id);
        let found = given::<Pool>(ctx)?
            .read(&scope, async |conn| -> anyhow::Result<_> {
                Ok(contact::load(conn, &scope, &[id]).await?)
            })
            .await?;
        Ok(Kin::all(found).into_iter().next().map(Contact))
    }

    /// Their own sessions, newest first; a program has none.
    async fn sessions(&self, ctx: &Context<'_>) -> Answer<Vec<Session>> {
        match self.0.person() {
            Some((tid, oid)) => session::of_person(ctx, tid, oid).await,
            None => Ok(Vec::new()),
        }
    }
}
