-- A run also holds what stands after it, so that whoever is shown a later part of the history can tell that nothing was
-- left out of what stood before. Runs that were kept earlier hold nothing of the kind.
alter table evidence_run add column standing_sha256 bytea
    constraint evidence_run_standing_is_a_hash check (length(standing_sha256) = 32);
comment on column evidence_run.standing_sha256 is 'Over the hashes of the rows that say how objects and findings stand after the run, in byte order; entries of journals are not among them.';

-- The function belongs to the role that may remove: whoever migrates becomes it for a moment.
create temporary table became_retention on commit drop as
    select not pg_has_role(current_user, 'tenantry_retention',
                           case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) as for_a_moment;
do $$
begin
    if (select for_a_moment from became_retention) then
        execute format('grant tenantry_retention to %I', current_user)
            || case when current_setting('server_version_num')::int >= 160000 then ' with set true' else '' end;
    end if;
end $$;

-- A tombstone does not say that what it stands for was over when it was not: the horizon, which comes from the caller,
-- is held against the runs that go. The rest is as it was.
create or replace function retire_evidence(
    tombstone uuid, of_company uuid, of_class text, through bigint, horizon timestamptz, now timestamptz, what_stands_stays boolean,
    objects bytea, findings bytea, others bytea, link_seq bigint, link bytea
) returns evidence_tombstone language plpgsql security definer set search_path = public, pg_temp as $$
declare
    retired bigint := 0;
    dropped bigint := 0;
    counted bigint;
    left_behind evidence_tombstone;
begin
    if of_class <> 'COMPANY'
       and exists (select from evidence_run where company_id = of_company and seq <= through and taken_at >= horizon) then
        raise exception 'runs up to % of % were taken at or after %: they are not past it', through, of_company, horizon
            using errcode = 'integrity_constraint_violation';
    end if;
    if of_class = 'RAW' then
        delete from evidence_blob b
        using evidence_pull p
        where p.company_id = of_company and p.seq <= through and b.company_id = of_company and b.sha256 = p.volatile_sha256
          and not exists (select from evidence_pull later
                          where later.company_id = of_company and later.volatile_sha256 = b.sha256 and later.seq > through);
        get diagnostics dropped = row_count;
    else
        delete from evidence_object o
        where o.company_id = of_company and o.seq <= through
          and (not what_stands_stays or o.change = 'REMOVED'
               or exists (select from evidence_object later
                          where later.company_id = o.company_id and later.resource = o.resource and later.object_id = o.object_id
                            and later.seq > o.seq and later.seq <= through));
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_finding f
        where f.company_id = of_company and f.seq <= through
          and (not what_stands_stays or f.state = 'CLOSED'
               or exists (select from evidence_finding later
                          where later.company_id = f.company_id and later.check_id = f.check_id and later.resource = f.resource
                            and later.object_id = f.object_id and later.seq > f.seq and later.seq <= through));
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_result where company_id = of_company and seq <= through;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_pull where company_id = of_company and seq <= through;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_run where company_id = of_company and seq <= through;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_declaration d
        where d.company_id = of_company
          and (of_class = 'COMPANY' or d.expires_at < horizon
               or (d.kind = 'CHANGE' and d.changed_at < horizon)
               or exists (select from evidence_withdrawal w where w.declaration_id = d.id and w.withdrawn_at < horizon));
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_withdrawal w
        where w.company_id = of_company and not exists (select from evidence_declaration d where d.id = w.declaration_id);
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_ledger where company_id = of_company and seq <= link_seq;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_population p
        where p.company_id = of_company
          and not exists (select from evidence_result r where r.company_id = of_company and r.populations @> array[p.sha256]);
        get diagnostics counted = row_count;
        retired := retired + counted;
        with used (sha256) as (
            select content_sha256 from evidence_object where company_id = of_company and content_sha256 is not null
            union select detail_sha256 from evidence_finding where company_id = of_company
            union select detail_sha256 from evidence_result where company_id = of_company
            union select volatile_sha256 from evidence_pull where company_id = of_company and volatile_sha256 is not null
            union select unnest(chunks) from evidence_population where company_id = of_company
        )
        delete from evidence_blob b
        where b.company_id = of_company and not exists (select from used where used.sha256 = b.sha256);
        get diagnostics dropped = row_count;
    end if;
    insert into evidence_tombstone values (
        tombstone, of_company, of_class, through, horizon, now, retired, dropped, objects, findings, others, link_seq, link)
    returning * into left_behind;
    return left_behind;
end $$;

do $$
begin
    if (select for_a_moment from became_retention) then
        execute format('revoke tenantry_retention from %I', current_user);
    end if;
end $$;
drop table became_retention;
