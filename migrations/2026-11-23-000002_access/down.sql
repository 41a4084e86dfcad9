do $$
declare locked text;
begin
    foreach locked in array array['company', 'contact', 'contact_group', 'contact_group_member', 'asset', 'tenant', 'sync_rules',
                                  'sync_run', 'sync_change', 'held_change'] loop
        execute format('drop policy %I on %I', locked || '_in_view', locked);
        execute format('alter table %I disable row level security', locked);
        execute format('revoke all on %I from tenantry_viewer', locked);
    end loop;
end $$;
drop table portal_access_group, audit_event, session;
revoke usage on schema public from tenantry_viewer;
drop function viewer_companies, viewer_person, viewer_sees_everybody, viewer_groups, portal_entry, refuse_change;
alter table service_token drop column company_ids, drop column actions;
create table staff_session (
    id           uuid primary key,
    secret_hash  bytea not null constraint staff_session_secret_is_unique unique,
    tid          uuid not null,
    oid          uuid not null,
    name         text not null,
    sid          text,
    login_hint   text,
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null
);
create index staff_session_by_sid on staff_session (sid) where sid is not null;
