//! People become contacts: how staged people are compared with what is stored, and what the sync rules say of them.
//!
//! Every statement takes the same parameters: `$1` company, `$2` run, `$3` fence, `$4` whether the collection was read
//! in full, `$5` include guests, `$6` licensed only, `$7` patterns to leave out, `$8` groups to keep to, `$9` now.

use super::apply::Statements;

/// Who is in the selected groups after this run, nested groups included: what is stored, changed by what is staged.
macro_rules! chosen {
    () => {
        "membership as (
             select m.group_entra_id, m.member_entra_id, m.member_kind
             from contact_group_member m
             where m.company_id = $1 and cardinality($8) > 0
               and not exists (select from staged_member s
                               where s.run_id = $2 and s.fence = $3
                                 and s.group_entra_id = m.group_entra_id and s.member_entra_id = m.member_entra_id)
               and not exists (select from staged_group g
                               where g.run_id = $2 and g.fence = $3 and g.entra_id = m.group_entra_id and (g.removed or g.whole))
             union all
             select s.group_entra_id, s.member_entra_id, s.member_kind
             from staged_member s
             where s.run_id = $2 and s.fence = $3 and not s.removed and cardinality($8) > 0),
         selected as (
             select unnest($8) as group_id
             union
             select m.member_entra_id from membership m join selected on m.group_entra_id = selected.group_id
             where m.member_kind = 'GROUP'),
         chosen as (
             select distinct m.member_entra_id as entra_id
             from membership m join selected on m.group_entra_id = selected.group_id
             where m.member_kind = 'USER')"
    };
}

/// Several items about one person become one: the last word on each property counts, and a person who was removed and
/// came back starts afresh.
pub const FOLD: &str = "
    with doubled as (
        select entra_id from staged_person where run_id = $2 and fence = $3 group by entra_id having count(*) > 1),
    taken as (
        delete from staged_person s using doubled d
        where s.run_id = $2 and s.fence = $3 and s.entra_id = d.entra_id
        returning s.*),
    ranked as (
        select taken.*, max(seq) over person as last_seq, coalesce(max(seq) filter (where removed) over person, -1) as removed_seq
        from taken window person as (partition by entra_id))
    insert into staged_person (run_id, fence, seq, id, entra_id, removed, told, account_enabled, display_name, mail,
        user_principal_name, department, job_title, business_phones, mobile_phone, user_type, licensed)
    select $2, $3, last_seq, (array_agg(id order by seq))[1], entra_id, removed_seq = last_seq,
        coalesce(bit_or(told) filter (where seq > removed_seq), 0),
        (array_agg(account_enabled order by seq desc) filter (where seq > removed_seq and told & 128 <> 0))[1],
        (array_agg(display_name order by seq desc) filter (where seq > removed_seq and told & 1 <> 0))[1],
        (array_agg(mail order by seq desc) filter (where seq > removed_seq and told & 2 <> 0))[1],
        (array_agg(user_principal_name order by seq desc) filter (where seq > removed_seq and told & 4 <> 0))[1],
        (array_agg(department order by seq desc) filter (where seq > removed_seq and told & 8 <> 0))[1],
        (array_agg(job_title order by seq desc) filter (where seq > removed_seq and told & 16 <> 0))[1],
        coalesce((array_agg(business_phones::text order by seq desc) filter (where seq > removed_seq and told & 32 <> 0))[1]::text[], '{}'),
        (array_agg(mobile_phone order by seq desc) filter (where seq > removed_seq and told & 64 <> 0))[1],
        (array_agg(user_type order by seq desc) filter (where seq > removed_seq and told & 256 <> 0))[1],
        coalesce((array_agg(licensed order by seq desc) filter (where seq > removed_seq and told & 512 <> 0))[1], false)
    from ranked
    group by entra_id, last_seq, removed_seq";

/// Somebody of whom an incremental item told too little, and who was gone when they were read by id, is no contact.
pub const DROP_UNREADABLE: &str = "
    delete from staged_person s
    where s.run_id = $2 and s.fence = $3 and not $4 and not s.removed and s.told & 4 = 0
      and not exists (select from contact c where c.company_id = $1 and c.entra_id = s.entra_id and c.state = 'ACTIVE')";

/// What an incremental item did not tell is as it was stored.
pub const FILL: &str = "
    update staged_person s
    set display_name = case when told & 1 = 0 then c.display_name else s.display_name end,
        mail = case when told & 2 = 0 then c.mail else s.mail end,
        user_principal_name = case when told & 4 = 0 then c.user_principal_name else s.user_principal_name end,
        department = case when told & 8 = 0 then c.department else s.department end,
        job_title = case when told & 16 = 0 then c.job_title else s.job_title end,
        business_phones = case when told & 32 = 0 then c.business_phones else s.business_phones end,
        mobile_phone = case when told & 64 = 0 then c.mobile_phone else s.mobile_phone end,
        account_enabled = case when told & 128 = 0 then c.account_enabled else s.account_enabled end,
        user_type = case when told & 256 = 0 then c.user_type else s.user_type end,
        licensed = case when told & 512 = 0 then c.licensed else s.licensed end,
        told = 1023
    from contact c
    where s.run_id = $2 and s.fence = $3 and not s.removed and s.told <> 1023 and not $4
      and c.company_id = $1 and c.entra_id = s.entra_id and c.state = 'ACTIVE'";

/// Marks the staged people whom the sync rules leave out.
pub const RULE_OUT: &str = concat!(
    "with recursive ",
    chosen!(),
    "update staged_person s
     set ruled_out = true
     where s.run_id = $2 and s.fence = $3 and not s.removed
       and ((not $5 and lower(s.user_type) = 'guest')
            or ($6 and not s.licensed)
            or lower(s.display_name) like any ($7) or lower(s.mail) like any ($7) or lower(s.user_principal_name) like any ($7)
            or (cardinality($8) > 0 and s.entra_id not in (select entra_id from chosen)))"
);

/// People to be read by id before an incremental plan can be made: those who have entered a selected group without
/// having changed themselves, and those of whom too little was told to make a contact.
pub const TO_READ: &str = concat!(
    "with recursive ",
    chosen!(),
    "select c.entra_id from chosen c
     where not exists (select from contact k where k.company_id = $1 and k.entra_id = c.entra_id and k.state = 'ACTIVE')
       and not exists (select from staged_person s where s.run_id = $2 and s.fence = $3 and s.entra_id = c.entra_id)
     union
     select s.entra_id from staged_person s
     where s.run_id = $2 and s.fence = $3 and not s.removed and s.told & 4 = 0
       and not exists (select from contact k where k.company_id = $1 and k.entra_id = s.entra_id and k.state = 'ACTIVE')"
);

/// The plan for people, and how it is carried out.
pub const STATEMENTS: Statements = Statements {
    count: "select count(*) filter (where not removed) as read, count(*) filter (where ruled_out) as skipped
            from staged_person where run_id = $2 and fence = $3",
    active: "select count(*) as count from contact where company_id = $1 and state = 'ACTIVE'",
    plan_created: "
        insert into sync_change (run_id, noun, record_id, action, name)
        select $2, 'CONTACT', s.id, 'CREATED', s.display_name
        from staged_person s
        where s.run_id = $2 and s.fence = $3 and not s.removed and not s.ruled_out
          and not exists (select from contact c where c.company_id = $1 and c.entra_id = s.entra_id)",
    plan_updated: "
        insert into sync_change (run_id, noun, record_id, action, name, fields)
        select $2, 'CONTACT', c.id, case when c.state = 'ACTIVE' then 'UPDATED' else 'REACTIVATED' end, s.display_name,
            jsonb_strip_nulls(jsonb_build_object(
                'state', case when c.state <> 'ACTIVE' then jsonb_build_array(c.state, 'ACTIVE') end,
                'displayName', case when c.display_name is distinct from s.display_name then jsonb_build_array(c.display_name, s.display_name) end,
                'mail', case when c.mail is distinct from s.mail then jsonb_build_array(c.mail, s.mail) end,
                'userPrincipalName', case when c.user_principal_name is distinct from s.user_principal_name then jsonb_build_array(c.user_principal_name, s.user_principal_name) end,
                'department', case when c.department is distinct from s.department then jsonb_build_array(c.department, s.department) end,
                'jobTitle', case when c.job_title is distinct from s.job_title then jsonb_build_array(c.job_title, s.job_title) end,
                'businessPhones', case when c.business_phones is distinct from s.business_phones then jsonb_build_array(c.business_phones, s.business_phones) end,
                'mobilePhone', case when c.mobile_phone is distinct from s.mobile_phone then jsonb_build_array(c.mobile_phone, s.mobile_phone) end,
                'accountEnabled', case when c.account_enabled is distinct from s.account_enabled then jsonb_build_array(c.account_enabled, s.account_enabled) end,
                'userType', case when c.user_type is distinct from s.user_type then jsonb_build_array(c.user_type, s.user_type) end,
                'licensed', case when c.licensed is distinct from s.licensed then jsonb_build_array(c.licensed, s.licensed) end))
        from staged_person s join contact c on c.company_id = $1 and c.entra_id = s.entra_id
        where s.run_id = $2 and s.fence = $3 and not s.removed and not s.ruled_out
          and (c.state <> 'ACTIVE'
               or (c.display_name, c.mail, c.user_principal_name, c.department, c.job_title, c.business_phones, c.mobile_phone, c.account_enabled, c.user_type, c.licensed)
                  is distinct from
                  (s.display_name, s.mail, s.user_principal_name, s.department, s.job_title, s.business_phones, s.mobile_phone, s.account_enabled, s.user_type, s.licensed))",
    leaving: concat!(
        "with recursive ",
        chosen!(),
        ", leaving as (
             select c.id as record_id, c.display_name as name, case when s.ruled_out then 'RULED_OUT' else 'LEFT' end as because
             from contact c
             left join staged_person s on s.run_id = $2 and s.fence = $3 and s.entra_id = c.entra_id
             where c.company_id = $1 and c.state = 'ACTIVE'
               and (s.ruled_out or s.removed or ($4 and s.entra_id is null))
             union all
             select c.id, c.display_name, 'RULED_OUT'
             from contact c
             where c.company_id = $1 and c.state = 'ACTIVE' and not $4 and cardinality($8) > 0
               and c.entra_id not in (select entra_id from chosen)
               and not exists (select from staged_person s where s.run_id = $2 and s.fence = $3 and s.entra_id = c.entra_id))"
    ),
    seen_again: "
        exists (select from contact c join staged_person s on s.entra_id = c.entra_id
                where c.id = h.record_id and c.company_id = $1 and s.run_id = $2 and s.fence = $3 and not s.removed and not s.ruled_out)
        or (h.because = 'RULED_OUT'
            and exists (select from contact c join chosen on chosen.entra_id = c.entra_id where c.id = h.record_id and c.company_id = $1))",
    create: "
        insert into contact (id, company_id, entra_id, state, account_enabled, display_name, mail, user_principal_name, department,
            job_title, business_phones, mobile_phone, user_type, licensed, created_at, updated_at)
        select s.id, $1, s.entra_id, 'ACTIVE', s.account_enabled, s.display_name, s.mail, s.user_principal_name, s.department,
            s.job_title, s.business_phones, s.mobile_phone, s.user_type, s.licensed, $9, $9
        from staged_person s
        where s.run_id = $2 and s.fence = $3 and not s.removed and not s.ruled_out
          and not exists (select from contact c where c.company_id = $1 and c.entra_id = s.entra_id)",
    update: "
        update contact c
        set state = 'ACTIVE', deactivated_because = null, account_enabled = s.account_enabled, display_name = s.display_name,
            mail = s.mail, user_principal_name = s.user_principal_name, department = s.department, job_title = s.job_title,
            business_phones = s.business_phones, mobile_phone = s.mobile_phone, user_type = s.user_type, licensed = s.licensed,
            updated_at = $9
        from sync_change x, staged_person s
        where x.run_id = $2 and x.noun = 'CONTACT' and x.action in ('UPDATED', 'REACTIVATED') and c.id = x.record_id
          and s.run_id = $2 and s.fence = $3 and s.entra_id = c.entra_id",
    deactivate: "
        update contact c
        set state = 'DEACTIVATED', deactivated_because = x.fields #>> '{deactivatedBecause,1}', updated_at = $9
        from sync_change x
        where x.run_id = $2 and x.noun = 'CONTACT' and x.action = 'DEACTIVATED' and c.id = x.record_id",
    and_then: &[],
};
