//! What a query may touch. A function that answers a company's rows to somebody takes a scope; those that take an owner
//! instead, such as a sync run's changes, are asked for owners that were found within one.
//!
//! The danger is the condition that somebody forgets. So there are two locks: every query names its scope, and
//! [`Pool::read`] lets the database itself show a narrowed scope nothing else (row-level security for the role
//! `tenantry_viewer`). The names of what is seen live in the transaction and end with it, so that they cannot leak to the
//! next borrower of the connection; without them the role sees nothing.

use std::sync::Arc;

use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::{Connection, Pool};
use crate::model::page::Bind;

/// What a viewer may see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every company of the MSP.
    All,
    /// These and no others, each as a whole; an empty list sees nothing.
    Companies(Vec<Uuid>),
    /// Of one company, by name only, what is one person's: their record, their groups, their assets.
    Person {
        company_id: Uuid,
        /// Microsoft's object id.
        entra_id: Uuid,
        /// Microsoft's ids of the groups that they are in, directly or through others.
        group_ids: Arc<[Uuid]>,
    },
}

impl Scope {
    /// Whether something of `company` may be seen.
    pub fn holds(&self, company: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Companies(companies) => companies.contains(&company),
            Self::Person { company_id, .. } => *company_id == company,
        }
    }

    /// Whether everything of `company` may be seen.
    pub fn holds_whole(&self, company: Uuid) -> bool {
        !matches!(self, Self::Person { .. }) && self.holds(company)
    }

    /// Whether everything that `other` sees is seen.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Companies(_), Self::Companies(companies)) => companies.iter().all(|id| self.holds(*id)),
            (
                Self::Person {
                    entra_id, group_ids, ..
                },
                Self::Person {
                    company_id: of,
                    entra_id: person,
                    group_ids: groups,
                },
            ) => self.holds(*of) && entra_id == person && groups.iter().all(|id| group_ids.contains(id)),
            (Self::Companies(_), Self::Person { company_id, .. }) => self.holds(*company_id),
            _ => false,
        }
    }

    /// Whether the record of this person may be seen.
    pub fn holds_person(&self, company: Uuid, person: Option<Uuid>) -> bool {
        match self {
            Self::Person { entra_id, .. } => self.holds(company) && person == Some(*entra_id),
            _ => self.holds(company),
        }
    }

    /// Whether this group may be seen.
    pub fn holds_group(&self, company: Uuid, group: Uuid) -> bool {
        match self {
            Self::Person { group_ids, .. } => self.holds(company) && group_ids.contains(&group),
            _ => self.holds(company),
        }
    }

    /// Those of these companies that may be seen as a whole.
    pub fn whole_of(&self, companies: &[Uuid]) -> Vec<Uuid> {
        companies.iter().filter(|id| self.holds_whole(**id)).copied().collect()
    }

    /// The ids to restrict a statement to, or none where every company may be seen.
    pub fn companies(&self) -> Option<&[Uuid]> {
        match self {
            Self::All => None,
            Self::Companies(companies) => Some(companies),
            Self::Person { company_id, .. } => Some(std::slice::from_ref(company_id)),
        }
    }

    /// The companies, as a value in the condition of a list.
    pub(crate) fn as_bind(&self) -> Option<Bind> {
        self.companies().map(|companies| Bind::Uuids(companies.to_vec()))
    }

    /// The one person, as a value in the condition of a list.
    pub(crate) fn person_bind(&self) -> Option<Bind> {
        match self {
            Self::Person { entra_id, .. } => Some(Bind::Uuid(*entra_id)),
            _ => None,
        }
    }

    /// The groups of the one person, as a value in the condition of a list.
    pub(crate) fn groups_bind(&self) -> Option<Bind> {
        match self {
            Self::Person { group_ids, .. } => Some(Bind::Uuids(group_ids.to_vec())),
            _ => None,
        }
    }

    /// `false` where what belongs to a company as a whole is not shown, as a value in the condition of a list.
    pub(crate) fn whole_bind(&self) -> Option<Bind> {
        matches!(self, Self::Person { .. }).then_some(Bind::Bool(false))
    }
}

/// An async closure, by the future that it makes: only so can it be said that the future may change threads.
pub trait Work<T, R>: FnOnce(T) -> <Self as Work<T, R>>::Fut {
    /// The future.
    type Fut: Future<Output = R>;
}

impl<F, T, R, Fut> Work<T, R> for F
where
    F: FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

impl Pool {
    /// Reads as somebody who sees this scope and no more: for all but [`Scope::All`] the database is the second lock.
    ///
    /// # Errors
    /// When the database fails, or what `work` answers.
    pub async fn read<'a, T, E, F>(&self, scope: &Scope, work: F) -> Result<T, E>
    where
        for<'r> F: AsyncFnOnce(&'r mut Connection) -> Result<T, E>
            + Work<&'r mut Connection, Result<T, E>, Fut: Send>
            + Send
            + 'a,
        T: Send + 'a,
        E: From<diesel::result::Error> + From<anyhow::Error> + Send + 'a,
    {
        let mut conn = self.get().await?;
        let Some(companies) = scope.companies() else {
            return work(&mut conn).await;
        };
        let (person, groups) = match scope {
            Scope::Person {
                entra_id, group_ids, ..
            } => (entra_id.to_string(), array(group_ids)),
            _ => ("everybody".to_owned(), array(&[])),
        };
        let narrow = diesel::sql_query(NARROW)
            .bind::<Text, _>(array(companies))
            .bind::<Text, _>(person)
            .bind::<Text, _>(groups);
        conn.transaction(async move |conn| {
            narrow.execute(conn).await?;
            work(conn).await
        })
        .await
    }
}

/// Until the transaction ends.
const NARROW: &str = "select set_config('tenantry.companies', $1, true), set_config('tenantry.person', $2, true),
    set_config('tenantry.groups', $3, true), set_config('transaction_read_only', 'on', true),
    set_config('role', 'tenantry_viewer', true)";

/// Postgres' own writing of an array of ids.
fn array(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}
