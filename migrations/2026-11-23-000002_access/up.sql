-- Who may see what: sessions of staff and portal users, portal access groups, scoped service tokens, the audit trail,
-- and the second lock on what a narrowed viewer reads.

-- A session held nothing but the fact that somebody of the staff was signed in: they sign in again.
drop table staff_session;

alter table sign_in_flow drop constraint sign_in_flow_purpose;
update sign_in_flow set purpose = 'SIGN_IN' where purpose = 'STAFF_SIGN_IN';
alter table sign_in_flow add constraint sign_in_flow_purpose check (purpose in ('SIGN_IN', 'CONNECT_SIGN_IN', 'CONNECT_CONSENT'));

create table session (
    id           uuid primary key,
    secret_hash  bytea not null constraint session_secret_is_unique unique,
    tid          uuid not null,
    oid          uuid not null,
    name         text not null,
    staff_role   text constraint session_staff_role check (staff_role in ('ADMIN', 'TECHNICIAN', 'AUDITOR')),
    company_id   uuid constraint session_company references company on delete cascade,
    sid          text,
    login_hint   text,
    browser      text,
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null,
    constraint session_is_of_staff_or_of_a_company check ((staff_role is null) = (company_id is not null))
);
comment on table session is 'Somebody who signed in: a member of staff with a role, or a portal user of a company, whose role is looked up each time.';
comment on column session.sid is 'Entra''s own session, which its front-channel sign-out names.';
create index session_by_sid on session (sid) where sid is not null;
create index session_by_person on session (tid, oid);
create index session_by_company on session (company_id) where company_id is not null;

create table portal_access_group (
    company_id uuid not null constraint portal_access_group_company references company on delete cascade,
    group_id   uuid not null constraint portal_access_group_group references contact_group on delete cascade,
    role       text not null constraint portal_access_group_role check (role in ('USER', 'MANAGER')),
    constraint portal_access_group_pkey primary key (company_id, group_id)
);
comment on table portal_access_group is 'Which contact groups open the portal, and as what; with none, every active contact may enter as USER.';
create index portal_access_group_by_group on portal_access_group (group_id);

-- One place decides who may enter a portal: signing in, each request, and the end of sessions all ask it.
create function portal_entry(of_company uuid, of_person uuid)
returns table (contact_id uuid, contact_name text, group_ids uuid[], role text)
language sql stable as $$
    with recursive someone as (
        select c.id, c.display_name, c.entra_id
        from contact c join tenant t on t.company_id = c.company_id
        where c.company_id = of_company and c.entra_id = of_person
          and t.status = 'CONNECTED' and c.state = 'ACTIVE' and c.account_enabled
          and coalesce(lower(c.user_type), 'member') = 'member'
    ), own (id, entra_id) as (
        select g.id, g.entra_id
        from someone
        join contact_group_member m on m.company_id = of_company and m.member_entra_id = someone.entra_id and m.member_kind = 'USER'
        join contact_group g on g.company_id = of_company and g.entra_id = m.group_entra_id and g.state = 'ACTIVE'
        union
        select g.id, g.entra_id
        from own
        join contact_group_member m on m.company_id = of_company and m.member_entra_id = own.entra_id and m.member_kind = 'GROUP'
        join contact_group g on g.company_id = of_company and g.entra_id = m.group_entra_id and g.state = 'ACTIVE'
    ), entry (role) as (
        select min(a.role) from portal_access_group a join own on own.id = a.group_id where a.company_id = of_company
    )
    select someone.id, someone.display_name, coalesce((select array_agg(own.entra_id) from own), '{}'), coalesce(entry.role, 'USER')
    from someone cross join entry
    where entry.role is not null
       or not exists (select from portal_access_group a where a.company_id = of_company)
$$;
comment on function portal_entry is 'The contact that may enter the company''s portal as this person, the groups it is in (nested ones too) and its role; no row: no entry. MANAGER sorts before USER.';

alter table service_token
    add column company_ids uuid[],
    add column actions text[] not null default array['VIEW_AUDIT_TRAIL', 'CREATE_COMPANY', 'DELETE_COMPANY', 'CONNECT', 'DISCONNECT', 'SYNC_COMPANY', 'SETTLE_HELD_CHANGES', 'UPDATE_SYNC_RULES',
        'SET_PORTAL_ACCESS_GROUPS', 'EXPLORE'];
comment on column service_token.company_ids is 'The companies that it opens; null: every company.';
comment on column service_token.actions is 'What it may do besides to look. Tokens from before this column keep what they could do.';

create table audit_event (
    id         uuid primary key,
    at         timestamptz not null,
    actor_kind text not null constraint audit_event_actor_kind check (actor_kind in ('STAFF', 'PORTAL_USER', 'SERVICE', 'SYSTEM', 'NOBODY')),
    actor_id   text,
    actor_name text,
    action     text not null,
    outcome    text not null constraint audit_event_outcome check (outcome in ('DONE', 'REFUSED')),
    company_id uuid,
    subject    text,
    reason     text,
    request_id uuid
);
comment on table audit_event is 'Who did what, or was refused. Nothing is ever changed or removed here; a company''s events outlive it.';
comment on column audit_event.actor_id is 'tenant/object id of a person, the id of a service token.';
comment on column audit_event.subject is 'What it was done to, apart from the company: a sync run, a service token, a session.';
create index audit_event_by_time on audit_event (at desc, id desc);
create index audit_event_by_company on audit_event (company_id, at desc, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: it is append-only', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger audit_event_is_append_only before update or delete on audit_event for each row execute function refuse_change();
create trigger audit_event_is_not_emptied before truncate on audit_event for each statement execute function refuse_change();
alter table audit_event enable always trigger audit_event_is_append_only;
alter table audit_event enable always trigger audit_event_is_not_emptied;

-- The second lock. Whoever does not see every company reads as tenantry_viewer, in a transaction that names what they
-- see (set_config(…, true)); without those names it shows nothing.
do $$
begin
    if not exists (select from pg_roles where rolname = 'tenantry_viewer') then
        create role tenantry_viewer nologin;
    end if;
exception
    when duplicate_object or unique_violation then null; -- another database of this server was quicker
    when insufficient_privilege then
        raise exception 'this role may not create roles: as an administrator, run: create role tenantry_viewer nologin; grant tenantry_viewer to %', current_user;
end $$;
do $$
begin
    if not pg_has_role(current_user, 'tenantry_viewer', 'MEMBER') then
        execute format('grant tenantry_viewer to %I', current_user);
    end if;
end $$;

create function viewer_companies() returns uuid[] language sql stable as
    $$ select nullif(current_setting('tenantry.companies', true), '')::uuid[] $$;
create function viewer_sees_everybody() returns boolean language sql stable as
    $$ select coalesce(current_setting('tenantry.person', true) = 'everybody', false) $$;
create function viewer_person() returns uuid language sql stable as
    $$ select case when not viewer_sees_everybody() then nullif(current_setting('tenantry.person', true), '')::uuid end $$;
create function viewer_groups() returns uuid[] language sql stable as
    $$ select coalesce(nullif(current_setting('tenantry.groups', true), '')::uuid[], '{}') $$;

grant usage on schema public to tenantry_viewer;
grant select on company, tenant, contact, contact_group, contact_group_member, asset, sync_rules, sync_run, sync_change, held_change,
    portal_access_group to tenantry_viewer;

alter table company enable row level security;
create policy company_in_view on company for select to tenantry_viewer
    using (id = any ((select viewer_companies())::uuid[]));

alter table contact enable row level security;
create policy contact_in_view on contact for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[])
        and ((select viewer_sees_everybody()) or entra_id = (select viewer_person())));

alter table contact_group enable row level security;
create policy contact_group_in_view on contact_group for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[])
        and ((select viewer_sees_everybody()) or entra_id = any ((select viewer_groups())::uuid[])));

alter table contact_group_member enable row level security;
create policy contact_group_member_in_view on contact_group_member for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[])
        and ((select viewer_sees_everybody())
            or (group_entra_id = any ((select viewer_groups())::uuid[])
                and (member_entra_id = (select viewer_person()) or member_entra_id = any ((select viewer_groups())::uuid[])))));

alter table asset enable row level security;
create policy asset_in_view on asset for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[])
        and ((select viewer_sees_everybody()) or user_entra_id = (select viewer_person())));

alter table tenant enable row level security;
create policy tenant_in_view on tenant for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));

alter table sync_rules enable row level security;
create policy sync_rules_in_view on sync_rules for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));

alter table sync_run enable row level security;
create policy sync_run_in_view on sync_run for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));

alter table sync_change enable row level security;
create policy sync_change_in_view on sync_change for select to tenantry_viewer
    using (exists (select from sync_run where sync_run.id = sync_change.run_id));

alter table held_change enable row level security;
create policy held_change_in_view on held_change for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));

alter table portal_access_group enable row level security;
create policy portal_access_group_in_view on portal_access_group for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));
