-- What would grow for ever: tombstones of evidence, and the audit trail.

-- The functions belong to the role that may remove: whoever migrates becomes it for a moment.
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

-- As retire_evidence; and with the history of a time go the tombstones of that time. One goes only where the new one tells of
-- all that it told of: runs, and the moment that it reached. So what was removed before its time is told of until that time
-- is over, whatever is called here. The caller has left them out of `others`; a version that does not know of it calls
-- retire_evidence, and they stay.
create function retire_evidence_and_tombstones(
    tombstone uuid, of_company uuid, of_class text, through bigint, horizon timestamptz, now timestamptz, what_stands_stays boolean,
    objects bytea, findings bytea, others bytea, link_seq bigint, link bytea
) returns evidence_tombstone language plpgsql security definer set search_path = public, pg_temp as $$
declare
    left_behind evidence_tombstone;
begin
    left_behind := retire_evidence(tombstone, of_company, of_class, through, horizon, now, what_stands_stays,
                                   objects, findings, others, link_seq, link);
    if of_class <> 'RAW' then
        delete from evidence_tombstone earlier
        where earlier.company_id = of_company and earlier.id <> tombstone
          and earlier.at < horizon and earlier.through_at < horizon and earlier.through_seq <= through
          and not exists (select from evidence_ledger l
                          where l.company_id = of_company and l.kind = 'TOMBSTONE' and l.held_id = earlier.id);
    end if;
    return left_behind;
end $$;
comment on table evidence_tombstone is 'What retention has removed: everything of its class up to a run, and how much. With the history of a time go the tombstones of that time.';

-- The trail is kept for six years. How long is the database's to say, and the clock is its own: nobody who can call this can
-- shorten it.
create function retire_audit_trail(most bigint) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    retired bigint;
begin
    delete from audit_event where ctid = any (array(
        select ctid from audit_event where at < now() - interval '2196 days' order by at limit most));
    get diagnostics retired = row_count;
    return retired;
end $$;

create function refuse_change_of_the_trail() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_user = 'tenantry_retention' then
        return old;
    end if;
    raise exception '% on % is refused: it is append-only', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create or replace trigger audit_event_is_append_only before update or delete on audit_event
    for each row execute function refuse_change_of_the_trail();
alter table audit_event enable always trigger audit_event_is_append_only;
grant select, delete on audit_event to tenantry_retention;
comment on table audit_event is 'Who did what, or was refused. Nothing is ever changed here, and nothing removed for six years; a company''s events outlive it.';

grant usage, create on schema public to tenantry_retention;
do $$
declare
    door text;
begin
    foreach door in array array['retire_evidence_and_tombstones', 'retire_audit_trail'] loop
        execute format('alter function %I owner to tenantry_retention', door);
        execute format('revoke all on function %I from public', door);
        execute format('grant execute on function %I to %I', door, current_user);
    end loop;
end $$;
revoke create on schema public from tenantry_retention;

do $$
begin
    if (select for_a_moment from became_retention) then
        execute format('revoke tenantry_retention from %I', current_user);
    end if;
end $$;
drop table became_retention;
