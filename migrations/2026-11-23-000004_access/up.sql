-- Who may see what, mended: what an event was about, links that end with the token that made them, a portal that is shut to
-- whoever is gone at Microsoft, and the right to read as tenantry_viewer.

alter table audit_event add column details jsonb;
comment on column audit_event.details is 'What was chosen, or why it came to pass: ids and rules, never a secret.';

alter table connect_ticket
    add column service_token_id uuid constraint connect_ticket_service_token references service_token on delete cascade;
comment on column connect_ticket.service_token_id is 'The service token that the link was made with: it opens while the token holds.';

create index session_by_time on session (created_at desc, id desc);

-- As before, but: whom the last look at Microsoft did not find is out also while a person has yet to confirm it, a group
-- that it did not find lets nobody in, and the groups come in one order.
create or replace function portal_entry(of_company uuid, of_person uuid)
returns table (contact_id uuid, contact_name text, group_ids uuid[], role text)
language sql stable as $$
    with recursive someone as (
        select c.id, c.display_name, c.entra_id
        from contact c join tenant t on t.company_id = c.company_id
        where c.company_id = of_company and c.entra_id = of_person
          and t.status = 'CONNECTED' and c.state = 'ACTIVE' and c.account_enabled
          and coalesce(lower(c.user_type), 'member') = 'member'
          and not exists (select from held_change h where h.company_id = of_company and h.noun = 'CONTACT' and h.record_id = c.id
                          and h.decision = 'HELD')
    ), open_group as not materialized (
        select g.id, g.entra_id
        from contact_group g
        where g.company_id = of_company and g.state = 'ACTIVE'
          and not exists (select from held_change h where h.company_id = of_company and h.noun = 'CONTACT_GROUP'
                          and h.record_id = g.id and h.decision = 'HELD')
    ), own (id, entra_id) as (
        select g.id, g.entra_id
        from someone
        join contact_group_member m on m.company_id = of_company and m.member_entra_id = someone.entra_id and m.member_kind = 'USER'
        join open_group g on g.entra_id = m.group_entra_id
        union
        select g.id, g.entra_id
        from own
        join contact_group_member m on m.company_id = of_company and m.member_entra_id = own.entra_id and m.member_kind = 'GROUP'
        join open_group g on g.entra_id = m.group_entra_id
    ), entry (role) as (
        select min(a.role) from portal_access_group a join own on own.id = a.group_id where a.company_id = of_company
    )
    select someone.id, someone.display_name, coalesce((select array_agg(own.entra_id order by own.entra_id) from own), '{}'),
           coalesce(entry.role, 'USER')
    from someone cross join entry
    where entry.role is not null
       or not exists (select from portal_access_group a where a.company_id = of_company)
$$;

-- Whoever made the role is its member in name, but from Postgres 16 on may not become it without being told so.
do $$
declare
    knows_set boolean := current_setting('server_version_num')::int >= 160000;
begin
    execute format('grant tenantry_viewer to %I', current_user) || case when knows_set then ' with set true' else '' end;
exception when insufficient_privilege then
    -- Whoever was given the role by an administrator need not be able to give it.
    if not pg_has_role(current_user, 'tenantry_viewer', case when knows_set then 'SET' else 'MEMBER' end) then
        raise exception 'this role may not become tenantry_viewer: as an administrator, run: grant tenantry_viewer to %', current_user;
    end if;
end $$;
