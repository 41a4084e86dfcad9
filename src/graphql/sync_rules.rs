//! Sync rules.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use uuid::Uuid;

use super::error::Answer;
use super::siblings::Siblings;
use super::{given, scope};
use crate::db::Pool;
use crate::model;

/// A company's rules.
#[derive(Clone)]
pub struct SyncRules(model::SyncRules);

/// The rules of one of several companies, read for all of them at once.
pub async fn of_sibling(ctx: &Context<'_>, companies: &Arc<Siblings>, company_id: Uuid) -> Answer<Option<SyncRules>> {
    #[derive(PartialEq, Eq, Hash)]
    struct Rules;
    let scope = scope(ctx)?;
    let rules: Arc<HashMap<Uuid, model::SyncRules>> = companies
        .share(Rules, || async {
            let ids: Vec<Uuid> = companies.owners().iter().map(|owner| owner.company_id).collect();
            let rows = given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    Ok(model::sync_rules::load(conn, &scope, &ids).await?)
                })
                .await?;
            Ok(rows.into_iter().collect())
        })
        .await?;
    let rules = || SyncRules(rules.get(&company_id).cloned().unwrap_or_default());
    Ok(scope.holds_whole(company_id).then(rules))
}

/// Whom a company wants as contacts. The rules hold in full and in incremental runs alike.
#[Object]
impl SyncRules {
    /// Guests become contacts too.
    async fn include_guests(&self) -> bool {
        self.0.include_guests
    }

    /// Only people with a licence become contacts.
    async fn licensed_only(&self) -> bool {
        self.0.licensed_only
    }

    /// When there are any: only members of these groups become contacts, those of nested groups too. Entra object ids.
    async fn only_groups(&self) -> &[Uuid] {
        &self.0.only_groups
    }

    /// Whoever matches one of these is left out: `*` and `?` patterns over name, mail and user principal name.
    async fn exclude_patterns(&self) -> &[String] {
        &self.0.exclude_patterns
    }
}

/// Rules to save or to try. A field that is left out stays as it is saved.
#[derive(InputObject)]
pub struct SyncRulesInput {
    /// Guests become contacts too.
    include_guests: Option<bool>,
    /// Only people with a licence become contacts.
    licensed_only: Option<bool>,
    /// When there are any: only members of these groups become contacts, those of nested groups too. Entra object ids.
    only_groups: Option<Vec<Uuid>>,
    /// Whoever matches one of these is left out: `*` and `?` patterns over name, mail and user principal name.
    exclude_patterns: Option<Vec<String>>,
}

impl SyncRulesInput {
    /// The saved rules with these in their place.
    pub fn over(self, saved: model::SyncRules) -> model::SyncRules {
        model::SyncRules {
            include_guests: self.include_guests.unwrap_or(saved.include_guests),
            licensed_only: self.licensed_only.unwrap_or(saved.licensed_only),
            only_groups: self.only_groups.unwrap_or(saved.only_groups),
            exclude_patterns: self.exclude_patterns.unwrap_or(saved.exclude_patterns),
        }
    }
}
