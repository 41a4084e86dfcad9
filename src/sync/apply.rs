//! Plan, guard and apply: one kind of record, in one transaction.
//!
//! The plan is one set-based comparison of what is staged with what is stored, written down as the run's changes; then
//! the changes are carried out. A row that did not change is not touched. A dry run keeps the written plan and carries
//! nothing out.
//!
//! The dangers: a writer that was taken for dead (the transaction begins and ends with a look at the fence), and an
//! upstream that suddenly lists nothing (the guard).

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::guard;
use crate::db::Connection;
use crate::model::sync_run::Counts;
use crate::model::sync_run::lease::{self, LeaseError};
use crate::model::{Noun, SyncGuard, SyncRules};

/// How one kind of record is planned and applied; the parameters are those of [`super::people`].
pub struct Statements {
    /// `read` and `skipped` of what is staged.
    pub count: &'static str,
    /// `count` of the active records; takes the company alone.
    pub active: &'static str,
    /// Writes down the records that are new.
    pub plan_created: &'static str,
    /// Writes down the records that changed or came back, field by field.
    pub plan_updated: &'static str,
    /// A `with` clause that ends in `leaving (record_id, name, because)`.
    pub leaving: &'static str,
    /// A condition on `held_change h`, after the clause of `leaving`: the record is there again.
    pub seen_again: &'static str,
    pub create: &'static str,
    pub update: &'static str,
    pub deactivate: &'static str,
    /// What else belongs to the kind, in this order.
    pub and_then: &'static [&'static str],
}

/// What every statement may need to know.
pub struct Plan<'a> {
    pub noun: Noun,
    pub statements: &'a Statements,
    pub company_id: Uuid,
    pub run_id: Uuid,
    pub fence: i64,
    /// The collection was read in full: who is not staged has left.
    pub full: bool,
    pub rules: &'a SyncRules,
    pub guard: SyncGuard,
    /// The rules are others than those that the stored records obey.
    pub rules_changed: bool,
    pub now: DateTime<Utc>,
}

#[derive(diesel::QueryableByName)]
struct Seen {
    #[diesel(sql_type = BigInt)]
    read: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(diesel::QueryableByName)]
struct Leaving {
    #[diesel(sql_type = BigInt)]
    left: i64,
    #[diesel(sql_type = BigInt)]
    ruled_out: i64,
}

/// How many active records of the kind a company has.
///
/// # Errors
/// When the database fails.
pub async fn count_active(
    conn: &mut Connection,
    statements: &Statements,
    company_id: Uuid,
) -> diesel::QueryResult<i64> {
    let active: Count = diesel::sql_query(statements.active)
        .bind::<SqlUuid, _>(company_id)
        .get_result(conn)
        .await?;
    Ok(active.count)
}

macro_rules! bind {
    ($plan:expr, $sql:expr) => {
        diesel::sql_query($sql)
            .bind::<SqlUuid, _>($plan.company_id)
            .bind::<SqlUuid, _>($plan.run_id)
            .bind::<BigInt, _>($plan.fence)
            .bind::<Bool, _>($plan.full)
            .bind::<Bool, _>($plan.rules.include_guests)
            .bind::<Bool, _>($plan.rules.licensed_only)
            .bind::<Array<Text>, _>($plan.rules.exclude_as_like())
            .bind::<Array<SqlUuid>, _>(&$plan.rules.only_groups)
            .bind::<Timestamptz, _>($plan.now)
    };
}

impl Plan<'_> {
    /// Runs one statement; how many rows it touched.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&self, conn: &mut Connection, sql: &str) -> diesel::QueryResult<i64> {
        let rows = bind!(self, sql.to_owned()).execute(conn).await?;
        Ok(i64::try_from(rows).unwrap_or(i64::MAX))
    }

    /// Plans and applies, in the caller's transaction. In a dry run, only plans.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when the run is no longer ours.
    pub async fn carry_out(&self, conn: &mut Connection, dry_run: bool) -> Result<Counts, LeaseError> {
        lease::check(conn, self.run_id, self.fence).await?;
        let mut counts = self.plan(conn).await?;
        let held = self.settle_leavers(conn, dry_run, &mut counts).await?;
        if !dry_run {
            self.update_holds(conn, held).await?;
            self.write(conn, &counts).await?;
        }
        Ok(counts)
    }

    async fn plan(&self, conn: &mut Connection) -> diesel::QueryResult<Counts> {
        let seen: Seen = bind!(self, self.statements.count).get_result(conn).await?;
        let created = self.run(conn, self.statements.plan_created).await?;
        let updated = self.run(conn, self.statements.plan_updated).await?;
        Ok(Counts {
            read: seen.read,
            created,
            updated,
            unchanged: seen.read - seen.skipped - created - updated,
            skipped: seen.skipped,
            ..Counts::none(self.noun)
        })
    }

    /// Writes down who leaves, or holds them for a person to decide; whether any are held.
    async fn settle_leavers(
        &self,
        conn: &mut Connection,
        dry_run: bool,
        counts: &mut Counts,
    ) -> diesel::QueryResult<Held> {
        let leaving: Leaving = bind!(
            self,
            format!(
                "{} select count(*) filter (where because = 'LEFT') as left, count(*) filter (where because = 'RULED_OUT') as ruled_out
                 from leaving",
                self.statements.leaving
            )
        )
        .get_result(conn)
        .await?;
        if leaving.left + leaving.ruled_out == 0 {
            return Ok(Held::Nobody);
        }
        let active = count_active(conn, self.statements, self.company_id).await?;
        // Who leaves by a changed rule was previewed when it was saved.
        let unexpected = if self.rules_changed {
            leaving.left
        } else {
            leaving.left + leaving.ruled_out
        };
        let held = match guard::judge(self.guard, unexpected, active, counts.created) {
            guard::Verdict::LetGo => Held::Nobody,
            guard::Verdict::Hold if self.rules_changed => Held::Left,
            guard::Verdict::Hold => Held::Everybody,
        };
        counts.held = if held == Held::Nobody { 0 } else { unexpected };
        counts.deactivated = leaving.left + leaving.ruled_out - counts.held;
        let written = if dry_run {
            "true".to_owned()
        } else {
            format!("not ({})", held.condition())
        };
        self.run(
            conn,
            &format!(
                "{} insert into sync_change (run_id, noun, record_id, action, name, fields)
                 select $2, '{}', record_id, 'DEACTIVATED', name,
                     jsonb_build_object('state', jsonb_build_array('ACTIVE', 'DEACTIVATED'),
                                        'deactivatedBecause', jsonb_build_array(null, because))
                 from leaving where {written}",
                self.statements.leaving, self.noun
            ),
        )
        .await?;
        Ok(held)
    }

    /// Holds that a later look has overtaken are let go; those of this run are written down by name.
    async fn update_holds(&self, conn: &mut Connection, held: Held) -> diesel::QueryResult<()> {
        let overtaken = if self.full { "true" } else { self.statements.seen_again };
        self.run(
            conn,
            &format!(
                "{} update held_change h set decision = 'SUPERSEDED', decided_at = $9
                 where h.company_id = $1 and h.noun = '{}' and h.decision = 'HELD'
                   and (({overtaken}) or h.record_id in (select record_id from leaving))",
                self.statements.leaving, self.noun
            ),
        )
        .await?;
        if held != Held::Nobody {
            self.run(
                conn,
                &format!(
                    "{} insert into held_change (run_id, company_id, noun, record_id, name, because, decision)
                     select $2, $1, '{}', record_id, name, because, 'HELD' from leaving where {}",
                    self.statements.leaving,
                    self.noun,
                    held.condition()
                ),
            )
            .await?;
        }
        Ok(())
    }

    async fn write(&self, conn: &mut Connection, counts: &Counts) -> diesel::QueryResult<()> {
        if counts.created > 0 {
            self.run(conn, self.statements.create).await?;
        }
        if counts.updated > 0 {
            self.run(conn, self.statements.update).await?;
        }
        if counts.deactivated > 0 {
            self.run(conn, self.statements.deactivate).await?;
        }
        for statement in self.statements.and_then {
            self.run(conn, statement).await?;
        }
        Ok(())
    }
}

/// Whose deactivation waits for a person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nobody,
    /// Those whom Microsoft no longer lists.
    Left,
    Everybody,
}

impl Held {
    /// A condition on a row of `leaving`.
    fn condition(self) -> &'static str {
        match self {
            Self::Nobody => "false",
            Self::Left => "because = 'LEFT'",
            Self::Everybody => "true",
        }
    }
}
