//! Sync rules: whom a company wants as contacts. They hold in full and in incremental runs alike.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::sync_rules;
use crate::error::UserError;
use crate::model::Scope;

/// How many patterns or groups one company may name.
const MOST_ENTRIES: usize = 100;
/// How long one pattern may be, in characters.
const LONGEST_PATTERN: usize = 200;

/// Whom a company wants as contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sync_rules, check_for_backend(diesel::pg::Pg))]
pub struct SyncRules {
    /// Guests become contacts too.
    pub include_guests: bool,
    /// Only people with a licence become contacts.
    pub licensed_only: bool,
    /// When there are any: only members of these groups (Entra ids; nested groups count) become contacts.
    pub only_groups: Vec<Uuid>,
    /// `*` and `?` patterns over display name, mail and user principal name; a person who matches one is left out.
    pub exclude_patterns: Vec<String>,
}

impl Default for SyncRules {
    fn default() -> Self {
        Self {
            include_guests: true,
            licensed_only: false,
            only_groups: Vec::new(),
            exclude_patterns: Vec::new(),
        }
    }
}

impl SyncRules {
    /// Refuses rules that cannot be meant.
    ///
    /// # Errors
    /// `BAD_INPUT` naming the field and the remedy.
    pub fn check(&self) -> Result<(), UserError> {
        if self.only_groups.len() > MOST_ENTRIES || self.exclude_patterns.len() > MOST_ENTRIES {
            return Err(UserError::at(
                "BAD_INPUT",
                &["rules"],
                format!(
                    "At most {MOST_ENTRIES} groups and {MOST_ENTRIES} patterns; put the groups into one group instead."
                ),
            ));
        }
        let bad = |pattern: &&String| {
            pattern.trim().is_empty() || pattern.contains('\0') || pattern.chars().count() > LONGEST_PATTERN
        };
        if self.exclude_patterns.iter().any(|pattern| bad(&pattern)) {
            return Err(UserError::at(
                "BAD_INPUT",
                &["rules", "excludePatterns"],
                format!("A pattern has 1 to {LONGEST_PATTERN} characters, such as svc-*."),
            ));
        }
        Ok(())
    }

    /// Whether they leave nobody out.
    pub fn admit_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// The patterns in the form that SQL's `like` takes, in lower case.
    pub fn exclude_as_like(&self) -> Vec<String> {
        self.exclude_patterns.iter().map(|pattern| like(pattern)).collect()
    }
}

fn like(pattern: &str) -> String {
    let mut like = String::with_capacity(pattern.len());
    for letter in pattern.trim().to_lowercase().chars() {
        match letter {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', letter]),
            other => like.push(other),
        }
    }
    like
}

/// The company's rules and their version; the defaults, version 0, where none were ever saved.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Connection, company_id: Uuid) -> QueryResult<(SyncRules, i64)> {
    let saved = sync_rules::table
        .find(company_id)
        .select((SyncRules::as_select(), sync_rules::version))
        .first(conn)
        .await
        .optional()?;
    Ok(saved.unwrap_or_default())
}

/// The saved rules of these companies, as far as the scope holds them whole; one without has the defaults.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, companies: &[Uuid]) -> QueryResult<Vec<(Uuid, SyncRules)>> {
    sync_rules::table
        .filter(sync_rules::company_id.eq_any(scope.whole_of(companies)))
        .select((sync_rules::company_id, SyncRules::as_select()))
        .load(conn)
        .await
}

/// Saves the company's rules; the next run reads in full and acts on them.
///
/// # Errors
/// When the database fails.
pub async fn save(conn: &mut Connection, company_id: Uuid, rules: &SyncRules) -> QueryResult<()> {
    diesel::insert_into(sync_rules::table)
        .values((sync_rules::company_id.eq(company_id), rules, sync_rules::version.eq(1)))
        .on_conflict(sync_rules::company_id)
        .do_update()
        .set((
            rules,
            sync_rules::version.eq(sync_rules::version + 1),
            sync_rules::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_pattern_matches_nothing_but_what_it_says() {
        assert_eq!(like("SVC-*"), "svc-%");
        assert_eq!(like("a?c"), "a_c");
        assert_eq!(like(r"100%_\"), r"100\%\_\\");
    }
}
