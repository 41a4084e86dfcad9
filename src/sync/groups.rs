//! Groups become contact groups, with their members. The parameters are those of [`super::people`].

use super::apply::Statements;

/// Several pieces of one group become one; the last word on each property and on each member counts.
pub const FOLD: &str = "
    with doubled as (
        select entra_id from staged_group where run_id = $2 and fence = $3 group by entra_id having count(*) > 1),
    taken as (
        delete from staged_group s using doubled d
        where s.run_id = $2 and s.fence = $3 and s.entra_id = d.entra_id
        returning s.*),
    ranked as (
        select taken.*, max(seq) over pieces as last_seq, coalesce(max(seq) filter (where removed) over pieces, -1) as removed_seq
        from taken window pieces as (partition by entra_id))
    insert into staged_group (run_id, fence, seq, id, entra_id, removed, told, display_name, description, mail, mail_enabled,
        security_enabled, microsoft_365)
    select $2, $3, last_seq, (array_agg(id order by seq))[1], entra_id, removed_seq = last_seq,
        coalesce(bit_or(told) filter (where seq > removed_seq), 0),
        (array_agg(display_name order by seq desc) filter (where seq > removed_seq and told & 1 <> 0))[1],
        (array_agg(description order by seq desc) filter (where seq > removed_seq and told & 2 <> 0))[1],
        (array_agg(mail order by seq desc) filter (where seq > removed_seq and told & 4 <> 0))[1],
        (array_agg(mail_enabled order by seq desc) filter (where seq > removed_seq and told & 8 <> 0))[1],
        (array_agg(security_enabled order by seq desc) filter (where seq > removed_seq and told & 16 <> 0))[1],
        (array_agg(microsoft_365 order by seq desc) filter (where seq > removed_seq and told & 32 <> 0))[1]
    from ranked
    group by entra_id, last_seq, removed_seq";

/// The last word on each member counts.
pub const FOLD_MEMBERS: &str = "
    delete from staged_member s
    using (select group_entra_id, member_entra_id, max(seq) as last_seq
           from staged_member where run_id = $2 and fence = $3
           group by group_entra_id, member_entra_id having count(*) > 1) d
    where s.run_id = $2 and s.fence = $3 and s.group_entra_id = d.group_entra_id
      and s.member_entra_id = d.member_entra_id and s.seq < d.last_seq";

/// What an incremental item did not tell is as it was stored; in a full round, and of a group that is new, what was
/// not told is empty. `whole` says that the staged members are all there are.
pub const FILL: &str = "
    update staged_group s
    set display_name = case when k.keep and told & 1 = 0 then k.display_name else s.display_name end,
        description = case when k.keep and told & 2 = 0 then k.description else s.description end,
        mail = case when k.keep and told & 4 = 0 then k.mail else s.mail end,
        mail_enabled = coalesce(case when k.keep and told & 8 = 0 then k.mail_enabled else s.mail_enabled end, false),
        security_enabled = coalesce(case when k.keep and told & 16 = 0 then k.security_enabled else s.security_enabled end, false),
        microsoft_365 = coalesce(case when k.keep and told & 32 = 0 then k.microsoft_365 else s.microsoft_365 end, false),
        whole = $4 or not k.keep
    from (select g.id, not $4 and c.id is not null as keep, c.display_name, c.description, c.mail, c.mail_enabled,
              c.security_enabled, c.microsoft_365
          from staged_group g
          left join contact_group c on c.company_id = $1 and c.entra_id = g.entra_id and c.state = 'ACTIVE'
          where g.run_id = $2 and g.fence = $3) k
    where s.run_id = $2 and s.fence = $3 and s.id = k.id and not s.removed";

/// The plan for groups, and how it is carried out.
pub const STATEMENTS: Statements = Statements {
    count: "select count(*) filter (where not removed) as read, 0::bigint as skipped
            from staged_group where run_id = $2 and fence = $3",
    active: "select count(*) as count from contact_group where company_id = $1 and state = 'ACTIVE'",
    plan_created: "
        insert into sync_change (run_id, noun, record_id, action, name)
        select $2, 'CONTACT_GROUP', s.id, 'CREATED', s.display_name
        from staged_group s
        where s.run_id = $2 and s.fence = $3 and not s.removed
          and not exists (select from contact_group c where c.company_id = $1 and c.entra_id = s.entra_id)",
    plan_updated: "
        with come as (
            select s.group_entra_id, jsonb_agg(s.member_entra_id order by s.member_entra_id) as members
            from staged_member s
            where s.run_id = $2 and s.fence = $3 and not s.removed
              and not exists (select from contact_group_member m where m.company_id = $1
                              and m.group_entra_id = s.group_entra_id and m.member_entra_id = s.member_entra_id)
            group by s.group_entra_id),
        gone as (
            select m.group_entra_id, jsonb_agg(m.member_entra_id order by m.member_entra_id) as members
            from contact_group_member m
            join staged_group g on g.run_id = $2 and g.fence = $3 and g.entra_id = m.group_entra_id and not g.removed
            left join staged_member s on s.run_id = $2 and s.fence = $3
              and s.group_entra_id = m.group_entra_id and s.member_entra_id = m.member_entra_id
            where m.company_id = $1 and (s.removed or (g.whole and s.member_entra_id is null))
            group by m.group_entra_id)
        insert into sync_change (run_id, noun, record_id, action, name, fields)
        select $2, 'CONTACT_GROUP', c.id, case when c.state = 'ACTIVE' then 'UPDATED' else 'REACTIVATED' end, s.display_name,
            jsonb_strip_nulls(jsonb_build_object(
                'state', case when c.state <> 'ACTIVE' then jsonb_build_array(c.state, 'ACTIVE') end,
                'displayName', case when c.display_name is distinct from s.display_name then jsonb_build_array(c.display_name, s.display_name) end,
                'description', case when c.description is distinct from s.description then jsonb_build_array(c.description, s.description) end,
                'mail', case when c.mail is distinct from s.mail then jsonb_build_array(c.mail, s.mail) end,
                'mailEnabled', case when c.mail_enabled <> s.mail_enabled then jsonb_build_array(c.mail_enabled, s.mail_enabled) end,
                'securityEnabled', case when c.security_enabled <> s.security_enabled then jsonb_build_array(c.security_enabled, s.security_enabled) end,
                'microsoft365', case when c.microsoft_365 <> s.microsoft_365 then jsonb_build_array(c.microsoft_365, s.microsoft_365) end,
                'members', case when come.members is not null or gone.members is not null
                    then jsonb_build_array(coalesce(gone.members, '[]'), coalesce(come.members, '[]')) end))
        from staged_group s
        join contact_group c on c.company_id = $1 and c.entra_id = s.entra_id
        left join come on come.group_entra_id = s.entra_id
        left join gone on gone.group_entra_id = s.entra_id
        where s.run_id = $2 and s.fence = $3 and not s.removed
          and (c.state <> 'ACTIVE' or come.members is not null or gone.members is not null
               or (c.display_name, c.description, c.mail, c.mail_enabled, c.security_enabled, c.microsoft_365)
                  is distinct from
                  (s.display_name, s.description, s.mail, s.mail_enabled, s.security_enabled, s.microsoft_365))",
    leaving: "
        with leaving as (
            select c.id as record_id, c.display_name as name, 'LEFT' as because
            from contact_group c
            left join staged_group s on s.run_id = $2 and s.fence = $3 and s.entra_id = c.entra_id
            where c.company_id = $1 and c.state = 'ACTIVE' and (s.removed or ($4 and s.entra_id is null)))",
    seen_again: "
        exists (select from contact_group c join staged_group s on s.entra_id = c.entra_id
                where c.id = h.record_id and c.company_id = $1 and s.run_id = $2 and s.fence = $3 and not s.removed)",
    create: "
        insert into contact_group (id, company_id, entra_id, state, display_name, description, mail, mail_enabled,
            security_enabled, microsoft_365, created_at, updated_at)
        select s.id, $1, s.entra_id, 'ACTIVE', s.display_name, s.description, s.mail, s.mail_enabled, s.security_enabled,
            s.microsoft_365, $9, $9
        from staged_group s
        where s.run_id = $2 and s.fence = $3 and not s.removed
          and not exists (select from contact_group c where c.company_id = $1 and c.entra_id = s.entra_id)",
    update: "
        update contact_group c
        set state = 'ACTIVE', display_name = s.display_name, description = s.description, mail = s.mail,
            mail_enabled = s.mail_enabled, security_enabled = s.security_enabled, microsoft_365 = s.microsoft_365, updated_at = $9
        from sync_change x, staged_group s
        where x.run_id = $2 and x.noun = 'CONTACT_GROUP' and x.action in ('UPDATED', 'REACTIVATED') and c.id = x.record_id
          and x.fields <> jsonb_build_object('members', x.fields -> 'members')
          and s.run_id = $2 and s.fence = $3 and s.entra_id = c.entra_id",
    deactivate: "
        update contact_group c
        set state = 'DEACTIVATED', updated_at = $9
        from sync_change x
        where x.run_id = $2 and x.noun = 'CONTACT_GROUP' and x.action = 'DEACTIVATED' and c.id = x.record_id",
    and_then: &[
        "insert into contact_group_member (company_id, group_entra_id, member_entra_id, member_kind)
         select $1, s.group_entra_id, s.member_entra_id, s.member_kind
         from staged_member s
         join staged_group g on g.run_id = $2 and g.fence = $3 and g.entra_id = s.group_entra_id and not g.removed
         where s.run_id = $2 and s.fence = $3 and not s.removed
           and not exists (select from contact_group_member m where m.company_id = $1
                           and m.group_entra_id = s.group_entra_id and m.member_entra_id = s.member_entra_id)",
        "delete from contact_group_member m
         using staged_group g
         where m.company_id = $1 and g.run_id = $2 and g.fence = $3 and g.entra_id = m.group_entra_id and not g.removed
           and not exists (select from staged_member s where s.run_id = $2 and s.fence = $3 and not s.removed
                           and s.group_entra_id = m.group_entra_id and s.member_entra_id = m.member_entra_id)
           and (g.whole
                or exists (select from staged_member s where s.run_id = $2 and s.fence = $3 and s.removed
                           and s.group_entra_id = m.group_entra_id and s.member_entra_id = m.member_entra_id))",
        "delete from contact_group_member m
         using contact_group c, sync_change x
         where x.run_id = $2 and x.noun = 'CONTACT_GROUP' and x.action = 'DEACTIVATED' and c.id = x.record_id
           and m.company_id = $1 and m.group_entra_id = c.entra_id",
    ],
};
