//! Which companies a query may touch. A function that answers owned rows cannot be called without one.

use uuid::Uuid;

use crate::model::page::Bind;

/// The set of companies that a viewer may see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every company of the MSP.
    All,
    /// These and no others; an empty list sees nothing.
    Companies(Vec<Uuid>),
}

impl Scope {
    /// Whether rows of `company` may be seen.
    pub fn holds(&self, company: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Companies(companies) => companies.contains(&company),
        }
    }

    /// The ids to restrict a statement to, or none where every company may be seen.
    pub fn companies(&self) -> Option<&[Uuid]> {
        match self {
            Self::All => None,
            Self::Companies(companies) => Some(companies),
        }
    }

    /// The same, as a value in the condition of a list.
    pub(crate) fn as_bind(&self) -> Option<Bind> {
        self.companies().map(|companies| Bind::Uuids(companies.to_vec()))
    }
}
