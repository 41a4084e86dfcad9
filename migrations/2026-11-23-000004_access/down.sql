create or replace function portal_entry(of_company uuid, of_person uuid)
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
drop index session_by_time;
alter table connect_ticket drop column service_token_id;
alter table audit_event drop column details;
