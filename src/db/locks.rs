//! Whether the second lock is on: the policies, grants and owners that keep a portal user to their company, and evidence
//! where it is.
//!
//! The migrations make all of it, once. What is lost later, by a restore into a server that lacks a role, is made by
//! nobody again, and nothing would say so but each portal user's request. So every start looks, and so does the doctor.
//! It looks for what belongs together and not for names of tables: it is as right for the schema of a newer version.

use anyhow::Context;
use tokio_postgres::Client;

/// What is missing, in words. A table with row-level security is shown to viewers by a policy and a grant; what refuses
/// changes can be removed by retention alone.
const MISSING: &str = "
    with role as (
        select (select oid from pg_roles where rolname = 'tenantry_viewer') as viewer,
               (select oid from pg_roles where rolname = 'tenantry_retention') as retention
    ), standing as (
        select c.relname::text as name, c.relrowsecurity as locked, viewer, retention,
               coalesce(has_any_column_privilege(viewer, c.oid, 'select'), false) as read_by_viewer,
               coalesce(has_table_privilege(retention, c.oid, 'select')
                        and has_table_privilege(retention, c.oid, 'delete'), false) as removed_by_retention,
               exists (select from pg_policy p where p.polrelid = c.oid and viewer = any (p.polroles)) as shown,
               exists (select from pg_policy p where p.polrelid = c.oid and retention = any (p.polroles)) as retained,
               exists (select from pg_trigger t join pg_proc f on f.oid = t.tgfoid
                       where t.tgrelid = c.oid and f.proname = 'refuse_change_of_evidence') as evidence,
               exists (select from pg_trigger t join pg_proc f on f.oid = t.tgfoid
                       where t.tgrelid = c.oid and starts_with(f.proname::text, 'refuse_change_of_')) as kept
        from pg_class c, role
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    )
    select 'the policy that shows ' || name || ' to tenantry_viewer' from standing where locked and not shown
    union all
    select 'the right of tenantry_viewer to read ' || name from standing where locked and not read_by_viewer
    union all
    select 'row-level security on ' || name || ', which tenantry_viewer may read' from standing where read_by_viewer and not locked
    union all
    select 'the policy by which tenantry_retention removes from ' || name from standing where evidence and not retained
    union all
    select 'the right of tenantry_retention to remove from ' || name from standing where kept and not removed_by_retention
    union all
    select 'tenantry_retention as the owner of the function ' || f.proname
    from pg_proc f, role
    where starts_with(f.proname::text, 'retire_') and f.pronamespace = 'public'::regnamespace
      and f.proowner is distinct from retention
    union all
    select format('the right of the database user to read as tenantry_viewer (as an administrator, run: grant tenantry_viewer to %I)', current_user)
    from role
    where exists (select from standing where locked)
      and not coalesce(pg_has_role(viewer, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end), false)
    order by 1";

/// What a migrated database lacks of the second lock.
///
/// # Errors
/// When the database fails.
pub async fn missing(client: &Client) -> anyhow::Result<Vec<String>> {
    let rows = client
        .query(MISSING, &[])
        .await
        .context("asking for the policies of the database")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Refuses a database that lacks a part of the second lock.
///
/// # Errors
/// Says what is missing and how it is brought back.
pub async fn require(client: &Client) -> anyhow::Result<()> {
    match told(&missing(client).await?) {
        None => Ok(()),
        Some(told) => anyhow::bail!("{told}. {REMEDY}"),
    }
}

/// What to do about it.
pub const REMEDY: &str = "It was restored without its roles: restore it again, into an empty database, after the roles \
     tenantry_viewer and tenantry_retention were made, as a superuser and with --exit-on-error (docs/operations.md, Backup and restore)";

/// The first of what is missing and how many there are, for people.
pub fn told(missing: &[String]) -> Option<String> {
    let (first, rest) = missing.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more such things"),
    };
    Some(format!("the database lacks {first}{more}"))
}
